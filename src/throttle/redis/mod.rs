//! Windows in Redis, shared by several instances.
//!
//! One script and one round trip a call. A call waits for 200 ms and no longer; when there is no answer, or a refusal
//! ([`trouble`]), the connection is given up, every further call is told so at once, and one task of its own connects
//! again. A connection counts only once the script itself has run over it. [`address`] reads the URL.
//!
//! All keys begin with `{prefix}:`, so that in a cluster they are of one slot and one script may use them together.

mod address;
mod trouble;

use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, RedisError, RedisResult, Script, ScriptInvocation};
use tokio::time::{Instant, sleep, timeout};

pub use trouble::Trouble;

use super::{Claim, sliding, window};
use crate::base::Millis;
use crate::settings;
use crate::telemetry::metrics;

/// How long one call may take.
const ANSWER: Duration = Duration::from_millis(200);
/// How long connecting may take; no request waits for it.
const CONNECT: Duration = Duration::from_secs(2);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: what goes and comes all the time is not told of, or waited for, each second.
const LONGEST: Duration = Duration::from_secs(30);
/// For how long a connection has to hold before the next pause is a short one again.
const HOLDS: Duration = Duration::from_secs(60);

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("windows.lua")));

/// Which Redis, and how it is used.
#[derive(Clone, Debug)]
pub struct Server {
    /// `redis://[user:password@]host:port/database`, or `rediss://` for TLS.
    pub url: String,
    /// What the names of the windows begin with, so that installations can share a server: `multauth`. It stands in
    /// braces, which Redis Cluster takes the slot of a key from.
    pub prefix: String,
    /// How many instances share the windows. While Redis is gone each one counts for itself and lets
    /// through its share, so that together they keep the limit (R49). 0 counts as 1.
    pub instances: u32,
    /// Whose clock counts.
    pub time: Time,
}

impl Server {
    /// The one that the settings name.
    pub fn of(settings: &settings::Redis) -> Self {
        Self {
            url: settings.url.expose().to_owned(),
            prefix: settings.prefix.clone(),
            instances: settings.instances,
            time: Time::Server,
        }
    }
}

/// Whose clock counts in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// That of the Redis server: the clocks of the instances may differ.
    #[default]
    Server,
    /// The moment handed to each call: for tests that move the clock.
    Given,
}

/// Looks at the URL of a server, and connects to nothing.
///
/// # Errors
/// What is wrong with it, in words that have nothing of the URL in them.
pub(super) fn check_url(url: &str) -> Result<(), String> {
    address::client(url).map(drop)
}

/// Runs what the limits run, once, on keys of its own: whether limits could be counted in a server now.
///
/// # Errors
/// [`Trouble`] with the cause; a URL that cannot be read is a refusal too.
pub async fn prove(server: &Server) -> Result<(), Trouble> {
    let unread = |why| Trouble::Refuses { why: format!("redis.url {why}"), remedy: "mend it".into() };
    Redis::of(server).map_err(unread)?.0.connect().await.map(drop)
}

/// A connection that is there or not; nobody waits for it.
#[derive(Clone, Debug)]
pub(super) struct Redis(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    prefix: String,
    time: Time,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Up(Up),
    Down,
}

#[derive(Debug)]
struct Up {
    connection: MultiplexedConnection,
    since: Instant,
    /// How long was waited before it came up.
    waited: Duration,
}

/// What was asked when Redis refused, and when: it may be refused again, though all other keys are fine.
type Asked = Option<(Vec<Claim>, Millis)>;

impl Redis {
    /// Connects, and returns whether or not it worked; where it did not, a task keeps trying.
    ///
    /// # Errors
    /// When the URL cannot be understood: why, with nothing of it.
    pub async fn start(server: &Server) -> Result<Self, String> {
        let redis = Self::of(server)?;
        match redis.0.connect().await {
            Ok(connection) => redis.0.up(connection, Duration::ZERO),
            Err(trouble) => {
                tell(&trouble);
                tokio::spawn(connect_again(Arc::downgrade(&redis.0), PAUSE, None, trouble));
            }
        }
        Ok(redis)
    }

    fn of(server: &Server) -> Result<Self, String> {
        let client = address::client(&server.url)?;
        let (prefix, time) = (server.prefix.clone(), server.time);
        Ok(Self(Arc::new(Inner { client, prefix, time, state: Mutex::new(State::Down) })))
    }

    /// Asks the script; `None` when Redis is gone, refuses, or does not answer in time.
    pub async fn settle(&self, claims: &[Claim], now: Millis, take: bool) -> Option<Millis> {
        let (mut connection, since) = match &*self.0.lock() {
            State::Up(up) => (up.connection.clone(), up.since),
            State::Down => return None,
        };
        let call = self.0.call(claims, now, take);
        let trouble = match timeout(ANSWER, call.invoke_async(&mut connection)).await {
            Ok(Ok(wait)) => return Some(wait),
            Ok(Err(error)) => Trouble::of(&error, &self.0.prefix),
            Err(_) => Trouble::Gone("no answer in 200 ms".into()),
        };
        self.lose(since, trouble, claims, now);
        None
    }

    /// Gives the connection that is up since then up, says so once, and has a task connect again: at once where it held for long, and else
    /// after a pause that grows.
    fn lose(&self, since: Instant, trouble: Trouble, claims: &[Claim], now: Millis) {
        let mut state = self.0.lock();
        // A call that began on the one before says nothing of the one that is up.
        let State::Up(up) = &*state else { return };
        if up.since != since {
            return;
        }
        let State::Up(up) = std::mem::replace(&mut *state, State::Down) else { return };
        drop(state);
        let held = up.since.elapsed() >= HOLDS;
        let pause = if held { Duration::ZERO } else { (up.waited * 2).clamp(PAUSE, LONGEST) };
        tell(&trouble);
        let refused = matches!(trouble, Trouble::Refuses { .. });
        let asked = refused.then(|| (claims.to_vec(), now));
        tokio::spawn(connect_again(Arc::downgrade(&self.0), pause, asked, trouble));
    }
}

fn tell(trouble: &Trouble) {
    metrics::throttle_shared(false);
    match trouble {
        Trouble::Gone(why) => {
            tracing::warn!(why, "redis is gone: this instance counts its limits in memory until it is back");
        }
        Trouble::Refuses { why, remedy } => {
            tracing::warn!(
                why,
                remedy,
                "redis refuses: this instance counts its limits in memory until that is mended"
            );
        }
    }
}

/// Tries until it is connected and counts, `asked` too, or until nobody needs the connection any more. What keeps it
/// away is told when it is something else than before.
async fn connect_again(inner: Weak<Inner>, mut pause: Duration, asked: Asked, mut told: Trouble) {
    loop {
        sleep(pause).await;
        let Some(inner) = inner.upgrade() else { return };
        match inner.connect_for(&asked).await {
            Ok(connection) => {
                inner.up(connection, pause);
                tracing::info!("redis is back: limits are shared again");
                return;
            }
            Err(trouble) => {
                if trouble.kind() != told.kind() {
                    tell(&trouble);
                    told = trouble;
                }
                pause = pause.max(PAUSE);
            }
        }
    }
}

impl Inner {
    async fn connect(&self) -> Result<MultiplexedConnection, Trouble> {
        self.connect_for(&None).await
    }

    /// A connection that has proven to count: the script has run over it, and looked at `asked`.
    async fn connect_for(&self, asked: &Asked) -> Result<MultiplexedConnection, Trouble> {
        let connect = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            self.prove(&mut connection).await?;
            if let Some((claims, now)) = asked {
                self.call(claims, *now, false).invoke_async::<Millis>(&mut connection).await?;
            }
            RedisResult::Ok(connection)
        };
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let connected = timeout(CONNECT, connect).await.map_err(late).flatten();
        connected.map_err(|error| Trouble::of(&error, &self.prefix))
    }

    /// Runs the script twice on two windows that are always free, one of each kind: all that it ever does is done,
    /// what is over being taken away by the second run.
    async fn prove(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        const MANY: u32 = 1_000_000;
        for moment in ["0", ""] {
            let mut call = SCRIPT.prepare_invoke();
            call.arg(1).arg(moment);
            call.key(self.key(false, "proof")).arg(MANY).arg(1_000).arg(1_000);
            call.key(self.key(true, "proof")).arg(MANY).arg(1_000).arg(0);
            call.invoke_async::<Millis>(connection).await?;
        }
        Ok(())
    }

    fn call(&self, claims: &[Claim], now: Millis, take: bool) -> ScriptInvocation<'static> {
        let mut call = SCRIPT.prepare_invoke();
        call.arg(u8::from(take));
        match self.time {
            Time::Server => call.arg(""),
            Time::Given => call.arg(now),
        };
        for claim in claims {
            let even = window::is_even(&claim.rate);
            call.key(self.key(even, &claim.name));
            let grain = if even { 0 } else { sliding::grain(&claim.rate) };
            call.arg(claim.rate.count).arg(claim.rate.span).arg(grain);
        }
        call
    }

    /// What a key holds is of one kind whichever version wrote it.
    fn key(&self, even: bool, name: &str) -> String {
        format!("{{{}}}:{}{name}", self.prefix, if even { "even:" } else { "" })
    }

    fn up(&self, connection: MultiplexedConnection, waited: Duration) {
        *self.lock() = State::Up(Up { connection, since: Instant::now(), waited });
        metrics::throttle_shared(true);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
