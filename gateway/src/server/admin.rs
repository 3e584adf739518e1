//! Probes and metrics: plain HTTP without identity, and therefore on loopback alone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::health::Readiness;
use crate::telemetry::Metrics;

/// Why the admin listener cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address can be reached from elsewhere.
    #[error(
        "`listen.admin` is {0}, which is not a loopback address; metrics and probes are plain HTTP without identity"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on, or listening ended.
    #[error("`listen.admin` cannot be listened on: {0}")]
    Io(#[from] io::Error),
}

/// The admin listener: `/healthz`, `/readyz`, `/metrics`.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

impl Admin {
    /// Listens on a loopback address.
    ///
    /// # Errors
    /// [`AdminError`] when the address is not loopback or cannot be listened on.
    pub async fn bind(address: SocketAddr) -> Result<Self, AdminError> {
        if !address.ip().is_loopback() {
            return Err(AdminError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address that it listens on; a port 0 has become a real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done.
    ///
    /// # Errors
    /// [`AdminError::Io`] when the listener fails.
    pub async fn serve(
        self,
        metrics: Arc<Metrics>,
        readiness: watch::Receiver<Readiness>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), AdminError> {
        let router = Router::new()
            .route("/healthz", get(async || "alive\n"))
            .route("/readyz", get(ready).with_state(readiness))
            .route("/metrics", get(render).with_state(metrics));
        Ok(axum::serve(self.listener, router).with_graceful_shutdown(shutdown).await?)
    }
}

async fn ready(State(readiness): State<watch::Receiver<Readiness>>) -> (StatusCode, String) {
    match &*readiness.borrow() {
        Ok(()) => (StatusCode::OK, "ready\n".into()),
        Err(cause) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {cause}\n")),
    }
}

async fn render(State(metrics): State<Arc<Metrics>>) -> ([(header::HeaderName, &'static str); 1], Vec<u8>) {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}
