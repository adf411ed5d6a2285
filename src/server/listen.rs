//! poem endpoints on hyper-util: what poem's own server lacks, a time limit for headers and for connections that rest
//! or stand, a cap of connections and a drain that ends (R107).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulConnection;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::caught::Caught;
use super::pace::{Doing, Leaving, Pace};
use crate::base::Lasting;
use crate::settings::Settings;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    connections: usize,
    header: Duration,
    idle: Duration,
    drain: Duration,
}

impl Limits {
    pub(super) fn of(settings: &Settings, connections: u32) -> Self {
        let s = &settings.server;
        Self {
            connections: connections as usize,
            header: s.header_timeout.duration(),
            idle: s.idle_timeout.duration(),
            drain: s.drain.duration(),
        }
    }
}

/// How long the first request of a connection is waited for where the server stops.
const FIRST: Duration = Duration::from_millis(500);
/// Bytes of the request line and headers together.
const HEADER_BYTES: usize = 16 * 1024;
/// Requests at the same time on one connection of HTTP/2.
const STREAMS: u32 = 32;
/// Bytes of one such request's body, and of all of a connection's together, that may arrive before they are read.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Serves until `stop`, then drains; `false` where the drain cut requests off.
pub(super) async fn serve(
    listener: TcpListener,
    endpoint: impl Endpoint<Output = Response> + 'static,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> bool {
    // A panic in what stands around the handlers is an answer too, if one without the headers that those add, and not
    // the end of its connection.
    let endpoint = Arc::new(Caught(endpoint));
    let Ok(local) = listener.local_addr() else { return false };
    let http = Arc::new(builder(limits));
    let (ending, _) = watch::channel(());
    let slots = Arc::new(Semaphore::new(limits.connections));
    tokio::pin!(stop);
    let take = |io: TcpStream, peer: SocketAddr, slot| {
        let _ = io.set_nodelay(true);
        let endpoint = endpoint.clone();
        let pace = Pace::new();
        let counted = pace.clone();
        // What is under way counts for the connection and for the drain though its client hung up.
        let held = Arc::new((slot, ending.subscribe()));
        let holding = held.clone();
        let turns = Arc::new(Semaphore::new(STREAMS as usize));
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let under_way = counted.begin();
            let endpoint = endpoint.clone();
            let request = (request, LocalAddr(local.into()), RemoteAddr(peer.into()), Scheme::HTTP).into();
            let (turns, holding) = (turns.clone(), holding.clone());
            async move {
                let turn = turns.acquire_owned().await;
                // A request that was begun goes on to its end, whoever hangs up: what it found out is counted.
                let work = Lasting::new(async move {
                    let _held = (turn, holding);
                    endpoint.get_response(request).await
                });
                let answer: hyper::Response<_> = work.await.into();
                Ok::<_, Infallible>(answer.map(|body| Leaving::new(body, under_way)))
            }
        });
        let connection = http.serve_connection(TokioIo::new(io), service).into_owned();
        let stopping = ending.subscribe();
        tokio::spawn(async move {
            attend(connection, &pace, limits, stopping).await;
            drop(held);
        });
    };
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (io, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                refused(&error);
                // Rest instead of spinning.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        take(io, peer, slot);
    }
    // What was connected before the listener goes is served too.
    while let Some(Ok((io, peer))) = listener.accept().now_or_never() {
        let Ok(slot) = slots.clone().try_acquire_owned() else { break };
        take(io, peer, Ok(slot));
    }
    drop(listener);
    let _ = ending.send(());
    // Every connection holds a receiver to its end.
    tokio::time::timeout(limits.drain, ending.closed()).await.is_ok()
}

/// Tells that connections wait, but for those that their client gave up before they were taken.
fn refused(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tracing::error!(
            often = true,
            %error,
            "no connection can be taken: they wait; where files are too many, raise their limit (LimitNOFILE=, ulimit -n) \
             or lower server.connections"
        );
    }
}

/// Serves one connection until it ends, or until it is to end: it says nothing, rests, or does not take its answers.
async fn attend(
    connection: impl GracefulConnection,
    pace: &Pace,
    limits: Limits,
    mut stopping: watch::Receiver<()>,
) {
    tokio::pin!(connection);
    let began = Instant::now();
    let mut look = began + limits.header.min(limits.idle);
    let (mut stopped, mut told, mut awaited) = (false, false, false);
    loop {
        tokio::select! {
            _ = &mut connection => return,
            _ = stopping.changed(), if !stopped => {
                stopped = true;
                if pace.has_heard() {
                    connection.as_mut().graceful_shutdown();
                } else {
                    // Its first request may be on its way; the answer to that says that it is the last.
                    look = Instant::now() + FIRST.min(limits.drain / 2);
                    awaited = true;
                }
            }
            () = tokio::time::sleep_until(look) => {
                let now = Instant::now();
                if std::mem::take(&mut awaited) {
                    connection.as_mut().graceful_shutdown();
                }
                // hyper's own limit begins once it knows which HTTP is spoken: one who says nothing, or only half of
                // an HTTP/2 preface, would stay for ever.
                if !pace.has_heard() && now >= began + limits.header {
                    return;
                }
                match pace.look(now, limits.idle) {
                    Doing::Well(due) => look = due,
                    // A client with a request on its way to us is told which of them count.
                    Doing::Rests if !told => {
                        told = true;
                        connection.as_mut().graceful_shutdown();
                        look = now + limits.header;
                    }
                    Doing::Rests | Doing::Stands => return,
                }
            }
        }
    }
}

fn builder(limits: Limits) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // Between requests of one connection this is also the longest rest.
        .header_read_timeout(limits.header)
        .max_buf_size(HEADER_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .max_header_list_size(HEADER_BYTES as u32)
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.header);
    http
}

#[cfg(test)]
mod tests {
    use poem::endpoint::{make, make_sync};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::{Notify, mpsc};

    use super::*;

    const LIMITS: Limits = {
        let minute = Duration::from_secs(60);
        Limits { connections: 1, header: minute, idle: minute, drain: minute }
    };

    /// R109
    #[tokio::test]
    async fn a_panic_is_an_answer_wherever_it_is() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let broken = make_sync(|_| -> Response { panic!("a panic that a test asks for") });
        let serving = tokio::spawn(serve(listener, broken, LIMITS, std::future::pending()));
        let mut line = TcpStream::connect(at).await.unwrap();
        for _ in 0..2 {
            line.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut answer = vec![0; 4096];
            let length = line.read(&mut answer).await.unwrap();
            assert!(answer[..length].starts_with(b"HTTP/1.1 500 "), "{length} bytes");
        }
        serving.abort();
    }

    /// Who hangs up after a guess, before they are told that it was wrong, has guessed.
    #[tokio::test]
    async fn a_request_goes_on_though_its_client_hangs_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (bell, (tell, mut told)) = (Arc::new(Notify::new()), mpsc::unbounded_channel());
        let ring = bell.clone();
        let endpoint = make(move |_| {
            let (bell, tell) = (bell.clone(), tell.clone());
            async move {
                tell.send("begun").unwrap();
                bell.notified().await;
                tell.send("done").unwrap();
                Ok::<_, poem::Error>(Response::default())
            }
        });
        let serving = tokio::spawn(serve(listener, endpoint, LIMITS, std::future::pending()));
        let mut line = TcpStream::connect(at).await.unwrap();
        line.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert_eq!(told.recv().await, Some("begun"));
        // Its end is seen, and answered with one.
        line.shutdown().await.unwrap();
        let mut rest = Vec::new();
        line.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "nobody is told");
        ring.notify_one();
        let done = tokio::time::timeout(Duration::from_secs(10), told.recv()).await;
        assert_eq!(done, Ok(Some("done")));
        serving.abort();
    }
}
