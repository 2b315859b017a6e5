//! The HTTP server as a task.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::web::{self, WebState};

/// The HTTP server.
pub(super) struct Web {
    pub(super) serving: JoinHandle<io::Result<()>>,
    shutdown: oneshot::Sender<()>,
}

impl Web {
    pub(super) fn start(listener: TcpListener, state: WebState) -> Self {
        let (shutdown, stopped) = oneshot::channel();
        let stopped = async {
            stopped.await.ok();
        };
        Self {
            serving: tokio::spawn(web::serve(listener, state, stopped)),
            shutdown,
        }
    }

    pub(super) async fn stop(self) {
        drop(self.shutdown);
        self.serving.await.ok();
    }
}

pub(super) fn web_failure(served: Result<io::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match served {
        Ok(Ok(())) => anyhow::anyhow!("the HTTP server has ended"),
        Ok(Err(error)) => anyhow::Error::new(error).context("the HTTP server failed"),
        Err(error) => anyhow::Error::new(error).context("the HTTP server failed"),
    }
}

pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedies = [
            (
                io::ErrorKind::AddrInUse,
                "another program, or another phonewatch, listens there: end it, or choose another port as web.listen",
            ),
            (
                io::ErrorKind::AddrNotAvailable,
                "this host does not have that address: choose one that `ip address` shows as web.listen",
            ),
            (
                io::ErrorKind::PermissionDenied,
                "ports below 1024 need the right CAP_NET_BIND_SERVICE: choose a higher one as web.listen",
            ),
        ];
        let remedy = remedies.iter().find(|(kind, _)| *kind == error.kind());
        let remedy = remedy.map_or("choose another address as web.listen", |(_, remedy)| remedy);
        anyhow::anyhow!("cannot serve HTTP on {address} ({error}): {remedy}")
    })
}
