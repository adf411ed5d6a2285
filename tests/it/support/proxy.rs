//! A proxy between the program and a server, which can do what networks, poolers and fail-overs do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes everything on until it is told otherwise; gone when this is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    to: SocketAddr,
    /// Connections so far; each has its number, from 1 on.
    made: AtomicUsize,
    /// Connections up to this number pass nothing any more, and are kept open.
    dark: AtomicUsize,
    /// Milliseconds that each part of an answer is held back.
    delay: AtomicU64,
    refuses: AtomicBool,
    /// Whether a connection ends where its server says that it committed.
    swallows: AtomicBool,
    /// Connections up to this number are cut.
    cut: watch::Sender<usize>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

impl Proxy {
    /// One in front of `to`.
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            to,
            made: AtomicUsize::default(),
            dark: AtomicUsize::default(),
            delay: AtomicU64::default(),
            refuses: AtomicBool::default(),
            swallows: AtomicBool::default(),
            cut: watch::channel(0).0,
        });
        let task = tokio::spawn(serve(listener, state.clone()));
        Self { address, state, task }
    }

    /// One in front of the server of a URL, and the URL that leads through it.
    pub async fn before(url: &str) -> (Self, String) {
        let mut through = url::Url::parse(url).unwrap();
        let host = through.host_str().unwrap().to_owned();
        let to =
            tokio::net::lookup_host((host, through.port().unwrap_or(5432))).await.unwrap().next().unwrap();
        let proxy = Self::start(to).await;
        through.set_host(Some("127.0.0.1")).unwrap();
        through.set_port(Some(proxy.address.port())).unwrap();
        (proxy, through.into())
    }

    /// Connections up to now pass no byte any more and stay open; new ones pass.
    pub fn go_half_open(&self) {
        self.state.dark.store(self.made(), SeqCst);
    }

    /// Holds each part of an answer back that long.
    pub fn delay(&self, span: Duration) {
        self.state.delay.store(span.as_millis() as u64, SeqCst);
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.state.cut.send_replace(self.made());
    }

    /// Whether new connections are ended at once.
    pub fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, SeqCst);
    }

    /// Whether a connection to PostgreSQL ends where the server says that it committed, which nobody hears then.
    pub fn swallow_commits(&self, swallows: bool) {
        self.state.swallows.store(swallows, SeqCst);
    }

    /// Connections that were made so far.
    pub fn made(&self) -> usize {
        self.state.made.load(SeqCst)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.refuses.load(SeqCst) {
            continue;
        }
        let number = state.made.fetch_add(1, SeqCst) + 1;
        tokio::spawn(connect(client, number, state.clone()));
    }
}

async fn connect(client: TcpStream, number: usize, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(state.to).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut cut = state.cut.subscribe();
    tokio::select! {
        () = pipe(&mut from_client, &mut to_server, number, &state, false) => {}
        () = pipe(&mut from_server, &mut to_client, number, &state, true) => {}
        _ = cut.wait_for(|up_to| number <= *up_to) => {}
    }
}

/// Passes what comes until either end closes.
async fn pipe(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    number: usize,
    state: &State,
    answers: bool,
) {
    let mut part = vec![0; 65_536];
    while let Ok(n @ 1..) = from.read(&mut part).await {
        let held = state.delay.load(SeqCst);
        if answers && held > 0 {
            tokio::time::sleep(Duration::from_millis(held)).await;
        }
        stays_dark(number, state).await;
        let part = &part[..n];
        if answers && state.swallows.load(SeqCst) && part.windows(7).any(|bytes| bytes == b"COMMIT\0") {
            return;
        }
        if to.write_all(part).await.is_err() {
            return;
        }
    }
    // The end of a connection is no byte, and not told either while it is dark.
    stays_dark(number, state).await;
}

async fn stays_dark(number: usize, state: &State) {
    while number <= state.dark.load(SeqCst) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
