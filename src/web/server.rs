//! Connections, and how much each of them may take.
//!
//! `axum::serve` has no bounds of this kind, so hyper is driven here.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::gate::Gate;

/// How much clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at the same time; more wait in the kernel's queue.
    pub(super) connections: usize,
    /// A client sends the head of a request, or of its next one, within this time.
    pub(super) head: Duration,
    /// A connection so old is ended after the request it is busy with.
    pub(super) lifetime: Duration,
    /// A request that is under way when its connection has to end gets this time.
    pub(super) grace: Duration,
    /// The longest head of a request, and the most that waits to be written, in bytes.
    pub(super) buffer: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 64,
            // Above the usual scrape interval of 15 seconds, so that Prometheus keeps its connection.
            head: Duration::from_secs(20),
            lifetime: Duration::from_secs(120),
            // Prometheus waits no longer for a page.
            grace: Duration::from_secs(10),
            buffer: 16 << 10,
        }
    }
}

pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    gate: Arc<ArcSwap<Gate>>,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(bounds.connections));
    // Dropping the sender tells every connection to end.
    let (running, ending) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, place)) => {
                    let router = router.clone();
                    let ending = ending.clone();
                    let gate = gate.load_full();
                    connections.spawn(async move {
                        admit(stream, &gate, router, bounds, ending).await;
                        drop(place);
                    });
                }
                Err(error) if is_broken(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(error = %error, "an HTTP connection could not be accepted");
                    sleep(PAUSE).await;
                }
            },
            // Keeps the set from growing.
            Some(_) = connections.join_next() => {}
        }
    }
    drop((listener, running));
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Where no descriptor is free, trying again at once would only keep a processor busy.
const PAUSE: Duration = Duration::from_millis(200);

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// Whether accepting will never succeed again; everything else is about one connection, or passes.
fn is_broken(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK)
    )
}

/// Begins TLS where that is wanted.
async fn admit(
    stream: TcpStream,
    gate: &Gate,
    router: Router,
    bounds: Bounds,
    mut ending: watch::Receiver<()>,
) {
    let Some(acceptor) = gate.acceptor() else {
        return converse(stream, router, bounds, ending).await;
    };
    let accepted = tokio::select! {
        accepted = timeout(bounds.head, acceptor.accept(stream)) => accepted,
        _ = ending.changed() => return,
    };
    match accepted {
        Ok(Ok(stream)) => converse(stream, router, bounds, ending).await,
        Ok(Err(error)) => tracing::debug!(error = %error, "a TLS connection did not come about"),
        Err(_) => tracing::debug!("a TLS connection was cut, as it did not begin in time"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    bounds: Bounds,
    mut ending: watch::Receiver<()>,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(bounds.buffer);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // Errors are the client's: it went away, was too slow or spoke something else than HTTP.
    tokio::select! {
        result = &mut connection => return log_end(result),
        () = sleep(bounds.lifetime) => {}
        _ = ending.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(result) = timeout(bounds.grace, connection).await {
        log_end(result);
    } else {
        tracing::debug!("an HTTP connection was cut, as it took too long");
    }
}

fn log_end(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(error = %error, "an HTTP connection ended with an error");
    }
}
