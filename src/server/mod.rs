//! The HTTP server: routes, middleware in their order, limits, graceful stop.
//!
//! From the outside in: [`listen`] (connections, as many as [`descriptors`] allow; [`pace`] says which rest or stand, and
//! what nobody waits for any more ends by [`crate::base::Lasting`]), [`context`] (request id, log line, metrics;
//! [`client`] is who calls), [`headers`] (what every answer carries), [`limits`] (addresses, [`host`]s, and by
//! [`arriving`] size and time of bodies), [`caught`] (panics), the routes; [`docs`] is what of them is large.

mod arriving;
mod builder;
mod caught;
mod client;
mod context;
pub mod descriptors;
mod docs;
mod forms;
mod headers;
mod host;
mod limits;
mod listen;
mod pace;
mod paths;
mod ready;
mod routes;
mod tasks;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Notify;

pub use builder::{Builder, RunError, Server};
pub use routes::endpoint;
pub use tasks::{Upkeep, swept};

use crate::startup::Started;
use crate::telemetry::metrics;

/// Why serving ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened at.
    #[error("cannot listen at {0}: {1}; stop what listens there, or choose another address: server.listen")]
    Listen(SocketAddr, std::io::Error),
    /// Requests were cut off when the time to drain was over.
    #[error("some requests were cut off: they took longer than server.drain")]
    Cut,
}

/// Serves until SIGTERM or Ctrl-C; `ready` is told the address once requests are taken.
pub async fn serve(started: Started, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    serve_until(started, ready, signal()).await
}

/// Serves until `stop`, then finishes what is under way.
pub async fn serve_until(
    started: Started,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let Started { app, outbox_worker, webhook_worker } = started;
    // What happens before anybody asks for the numbers is counted, too.
    metrics::shared();
    let connections = descriptors::make_room(&app.settings);
    let address = app.settings.server.listen;
    let listener = TcpListener::bind(address).await.map_err(|e| ServeError::Listen(address, e))?;
    let bound = listener.local_addr().map_err(|e| ServeError::Listen(address, e))?;
    let done = Arc::new(Notify::new());
    let delivering = tokio::spawn(outbox_worker.run(done.clone()));
    let told = Arc::new(Notify::new());
    let telling = tokio::spawn(webhook_worker.run(told.clone()));
    let upkeep = tokio::spawn(tasks::upkeep(app.clone()));
    if let Some(address) = app.settings.server.metrics_listen {
        let listener = TcpListener::bind(address).await.map_err(|e| ServeError::Listen(address, e))?;
        tokio::spawn(listen::serve(
            listener,
            routes::metrics_only(),
            listen::Limits::of(&app.settings, descriptors::METRICS),
            std::future::pending(),
        ));
    }
    ready(bound);
    let limits = listen::Limits::of(&app.settings, connections);
    let stopping = app.clone();
    let stop = async move {
        stop.await;
        stopping.stopping.store(true, std::sync::atomic::Ordering::Relaxed);
        // A load balancer has to see it before connections are refused.
        tokio::time::sleep(stopping.settings.server.stop_delay.duration()).await;
        tracing::info!("stopping: no new requests, those under way are finished");
    };
    let drained = listen::serve(listener, endpoint(app.clone()), limits, stop).await;
    upkeep.abort();
    done.notify_one();
    told.notify_one();
    let working = async { tokio::join!(delivering, telling) };
    let _ = tokio::time::timeout(app.settings.server.drain.duration(), working).await;
    tracing::info!(last = true, "stopped");
    if drained { Ok(()) } else { Err(ServeError::Cut) }
}

/// Waits for SIGTERM or Ctrl-C.
async fn signal() {
    let ctrl_c = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut term) = signal(SignalKind::terminate()) else { return ctrl_c.await };
        tokio::select! {
            () = ctrl_c => {}
            _ = term.recv() => {}
        }
    }
    #[cfg(not(unix))]
    ctrl_c.await;
}
