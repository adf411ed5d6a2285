//! Events from written to taken by a webhook on this machine, by the real worker.
//!
//! Its limit is what the worker cannot do without: a webhook has eight places, so eight calls at once, each on a
//! connection that is kept, and then one transaction that writes down what became of them and leases eight more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use multauth::app::App;
use multauth::base::Millis;
use multauth::events::{By, Event, NewEvent, Source};
use multauth::settings::{Settings, Span, Webhook};
use multauth::store::{Db, events, webhooks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::GOAL;
use crate::bare::{Bare, Plan, Value};
use crate::http::Http;
use crate::instance::{Instance, Kind};
use crate::load::{Options, Pair, Result, median};
use crate::providers;
use crate::recorder::Recorder;
use crate::row::Row;

/// The figure.
pub const NAME: &str = "events posted to a webhook, SQLite";
/// Places of a webhook.
const AT_ONCE: usize = 8;
/// The webhook of the worker.
const OURS: &str = "bench";
/// The one of the driver alone, which the worker does not know.
const ALONE: &str = "alone";
const LEASE: &str = "UPDATE webhook_deliveries SET leased_until";
const FINISH: &str = "UPDATE webhook_deliveries SET state";

/// Measures it.
pub async fn run(options: &Options, recorder: &Recorder) -> Result<Row> {
    eprintln!("{NAME}");
    let receiver = Receiver::start().await?;
    let instance =
        Instance::start_with(Kind::Sqlite, providers::NULL, |settings| listen(settings, receiver.at)).await?;
    let app = &instance.app;
    let recorded = recorder.everything(async { told(app, &receiver, 1).await.map(|_| true) }).await?;
    let statement = |part: &str| {
        let found = recorded.iter().find(|sql| sql.starts_with(part)).cloned();
        found.ok_or_else(|| format!("the worker did not send {part}"))
    };
    let (lease, finish) = (statement(LEASE)?, statement(FINISH)?);
    let first = Plan::transaction([lease.clone()]);
    let whole = Plan::transaction(std::iter::repeat_n(finish, AT_ONCE).chain([lease]));
    let bare = Bare::open(&app.settings).await?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds() {
        let count = options.prepared();
        let pair =
            (told(app, &receiver, count).await?, alone(app, &receiver, &bare, &first, &whole, count).await?);
        eprintln!("    {:>10.1} /s  beside {:>10.1} /s", pair.0, pair.1);
        if round > 0 {
            a.push(pair.0);
            b.push(pair.1);
        }
    }
    instance.stop().await?;
    let pair = Pair { ours: median(&mut a), limit: median(&mut b) };
    Ok(Row::rate(NAME.to_owned(), &pair, "(eight calls, one transaction)", GOAL))
}

fn listen(settings: &mut Settings, at: SocketAddr) {
    let url = url::Url::parse(&format!("http://{at}/"));
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
    let (events, timeout) = (vec!["*".to_owned()], Span(10_000));
    if let Ok(url) = url {
        let webhook = Webhook { url, secret, secret_file: None, events, timeout };
        settings.webhooks.insert(OURS.to_owned(), webhook);
    }
}

/// Something of a user of their own.
fn noted(n: usize) -> NewEvent {
    Event::UserDisabled { by: By::Operator }.of(&format!("person {n}").into())
}

/// Writes `count` events at once; how many a second are told, until the last is written down.
async fn told(app: &App, receiver: &Receiver, count: usize) -> Result<f64> {
    let taken = receiver.taken();
    let mut tx = app.store.begin().await?;
    let all: Vec<NewEvent> = (0..count).map(noted).collect();
    app.events.write(&mut tx, app.now(), &Source::default(), &all).await?;
    let began = Instant::now();
    tx.commit().await?;
    let waits = async || webhooks::count(&mut app.store.read().await?, OURS).await;
    while receiver.taken() < taken + count || waits().await? > 0 {
        if began.elapsed() > Duration::from_secs(120) {
            return Err("the worker does not get on".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// The same by the client and the driver alone.
async fn alone(
    app: &App,
    receiver: &Receiver,
    bare: &Bare,
    first: &Plan,
    whole: &Plan,
    count: usize,
) -> Result<f64> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let ids = queue(app, &mut tx, count + AT_ONCE, now).await?;
    tx.commit().await?;
    let until = now + 60_000;
    let lease = || vec![ALONE.into(), now.into(), now.into(), until.into(), 8_i64.into()];
    let finish = |id: &String| -> Vec<Value> {
        vec![id.as_str().into(), "sent".into(), now.into(), 200_i64.into(), "".into(), 1_i64.into()]
    };
    let mut clients = Vec::new();
    for _ in 0..AT_ONCE {
        clients.push(Http::open(receiver.at).await?);
    }
    let body = "x".repeat(200);
    bare.run(first, [lease()]).await?;
    let began = Instant::now();
    for eight in ids[..count].chunks(AT_ONCE) {
        let posts = clients.iter_mut().map(async |http| http.post("/", None, &body).await.map(drop));
        join_all(posts).await.into_iter().collect::<Result<()>>()?;
        // In the order in which they are due, so that these are the ones that were leased.
        let [a, b, c, d, e, f, g, h] = eight else { return Err("eight at a time".into()) };
        let ended = [a, b, c, d, e, f, g, h].map(finish).into_iter().chain([lease()]);
        let values: [Vec<Value>; AT_ONCE + 1] = ended.collect::<Vec<_>>().try_into().map_err(|_| "nine")?;
        bare.run(whole, values).await?;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    let mut tx = app.store.begin().await?;
    webhooks::end(&mut tx, ALONE, now, now + 120_000, "measured").await?;
    tx.commit().await?;
    Ok(rate)
}

/// Queues events for the driver alone; gives the deliveries' ids in the order in which they are due.
async fn queue(app: &App, db: &mut impl Db, count: usize, now: Millis) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for (n, at) in (0..count).zip(now - i64::try_from(count)?..) {
        let id = app.random.uuid();
        let row = events::Row {
            id: id.clone(),
            position: at * 1_000,
            at,
            name: "user.disabled".into(),
            user_id: Some(format!("somebody {n}").into()),
            session_id: None,
            network: String::new(),
            request: String::new(),
            data: "{}".into(),
            personal: None,
            subject: None,
        };
        events::insert(db, &[row]).await?;
        events::queue(db, &id, ALONE, &id).await?;
        ids.push(id);
    }
    Ok(ids)
}

/// Takes everything at once.
struct Receiver {
    at: SocketAddr,
    taken: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (at, taken) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let counted = taken.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, counted.clone()));
            }
        });
        Ok(Self { at, taken })
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

async fn serve(stream: TcpStream, taken: Arc<AtomicUsize>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
        taken.fetch_add(1, Ordering::Relaxed);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}
