//! poem endpoints on hyper-util: what poem's own server lacks, a time limit for headers, a cap of
//! connections and a drain that ends (R107).

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

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
    pub(super) fn of(settings: &Settings) -> Self {
        let s = &settings.server;
        Self {
            connections: s.connections as usize,
            header: s.header_timeout.duration(),
            idle: s.idle_timeout.duration(),
            drain: s.drain.duration(),
        }
    }
}

/// Bytes of the request line and headers together.
const HEADER_BYTES: usize = 16 * 1024;

/// Serves until `stop`, then drains; `false` where the drain cut requests off.
pub(super) async fn serve(
    listener: TcpListener,
    endpoint: impl Endpoint<Output = Response> + 'static,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> bool {
    let endpoint = Arc::new(endpoint);
    let Ok(local) = listener.local_addr() else { return false };
    let http = Arc::new(builder(limits));
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    tokio::pin!(stop);
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            () = &mut stop => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((io, peer)) = accepted else {
            // Out of file descriptors and the like: rest instead of spinning.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = io.set_nodelay(true);
        let endpoint = endpoint.clone();
        let spoken = Arc::new(AtomicBool::new(false));
        let heard = spoken.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            heard.store(true, Ordering::Relaxed);
            let endpoint = endpoint.clone();
            let request = (request, LocalAddr(local.into()), RemoteAddr(peer.into()), Scheme::HTTP).into();
            async move { Ok::<hyper::Response<_>, Infallible>(endpoint.get_response(request).await.into()) }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(io), service).into_owned());
        tokio::spawn(async move {
            tokio::pin!(connection);
            // hyper's own limit begins once it knows which HTTP is spoken: one who says nothing, or only half
            // of an HTTP/2 preface, would stay for ever.
            let ended = tokio::time::timeout(limits.header, &mut connection).await.is_ok();
            if !ended && spoken.load(Ordering::Relaxed) {
                let _ = connection.await;
            }
            drop(slot);
        });
    }
    drop(listener);
    tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_ok()
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
        .max_concurrent_streams(100)
        .max_header_list_size(HEADER_BYTES as u32)
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.header);
    http
}
