//! Windows in Redis, shared by several instances.
//!
//! One script and one round trip a call. A call waits for 200 ms and no longer; when there is no answer the
//! connection is given up, every further call is told so at once, and one task of its own connects again.

use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, RedisError, RedisResult, Script};
use tokio::time::{sleep, timeout};

use super::{Claim, sliding, window};
use crate::base::Millis;
use crate::telemetry::metrics;

/// How long one call may take.
const ANSWER: Duration = Duration::from_millis(200);
/// How long connecting may take; no request waits for it.
const CONNECT: Duration = Duration::from_secs(2);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("windows.lua")));

/// Which Redis, and how it is used.
#[derive(Clone, Debug)]
pub struct Server {
    /// `redis://[user:password@]host:port/database`, or `rediss://` for TLS.
    pub url: String,
    /// What the names of the windows begin with, so that installations can share a server: `multauth`.
    pub prefix: String,
    /// How many instances share the windows. While Redis is gone each one counts for itself and lets
    /// through its share, so that together they keep the limit (R49). 0 counts as 1.
    pub instances: u32,
    /// Whose clock counts.
    pub time: Time,
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
    Up(MultiplexedConnection),
    Down,
}

impl Redis {
    /// Connects, and returns whether or not it worked; where it did not, a task keeps trying.
    ///
    /// # Errors
    /// When the URL cannot be understood.
    pub async fn start(server: &Server) -> RedisResult<Self> {
        let client = Client::open(server.url.as_str())?;
        let (prefix, time) = (server.prefix.clone(), server.time);
        let redis = Self(Arc::new(Inner { client, prefix, time, state: Mutex::new(State::Down) }));
        match redis.0.connect().await {
            Ok(connection) => redis.0.up(connection),
            Err(why) => {
                gone(&why.to_string());
                tokio::spawn(connect_again(Arc::downgrade(&redis.0)));
            }
        }
        Ok(redis)
    }

    /// Asks the script; `None` when Redis is gone or does not answer in time.
    pub async fn settle(&self, claims: &[Claim], now: Millis, take: bool) -> Option<Millis> {
        let mut connection = match &*self.0.lock() {
            State::Up(connection) => connection.clone(),
            State::Down => return None,
        };
        let mut call = SCRIPT.prepare_invoke();
        call.arg(u8::from(take));
        match self.0.time {
            Time::Server => call.arg(""),
            Time::Given => call.arg(now),
        };
        for claim in claims {
            // What a key holds is of one kind whichever version wrote it.
            let even = window::is_even(&claim.rate);
            call.key(format!("{}:{}{}", self.0.prefix, if even { "even:" } else { "" }, claim.name));
            let grain = if even { 0 } else { sliding::grain(&claim.rate) };
            call.arg(claim.rate.count).arg(claim.rate.span).arg(grain);
        }
        match timeout(ANSWER, call.invoke_async(&mut connection)).await {
            Ok(Ok(wait)) => Some(wait),
            Ok(Err(why)) => self.lose(&why.to_string()),
            Err(_) => self.lose("no answer in 200 ms"),
        }
    }

    /// Gives the connection up, says so once, and has a task connect again.
    fn lose(&self, why: &str) -> Option<Millis> {
        let before = std::mem::replace(&mut *self.0.lock(), State::Down);
        if matches!(before, State::Up(_)) {
            gone(why);
            tokio::spawn(connect_again(Arc::downgrade(&self.0)));
        }
        None
    }
}

fn gone(why: &str) {
    metrics::throttle_shared(false);
    tracing::warn!(why, "redis is gone: this instance counts its limits in memory until it is back");
}

/// Tries until it is connected, or until nobody needs the connection any more.
async fn connect_again(inner: Weak<Inner>) {
    loop {
        let Some(inner) = inner.upgrade() else { return };
        if let Ok(connection) = inner.connect().await {
            inner.up(connection);
            tracing::info!("redis is back: limits are shared again");
            return;
        }
        drop(inner);
        sleep(PAUSE).await;
    }
}

impl Inner {
    /// A connection that has proven to work: the script is loaded over it.
    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let connect = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            SCRIPT.load_async(&mut connection).await?;
            Ok(connection)
        };
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        timeout(CONNECT, connect).await.map_err(late)?
    }

    fn up(&self, connection: MultiplexedConnection) {
        *self.lock() = State::Up(connection);
        metrics::throttle_shared(true);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
