//! The service port: gRPC, gRPC-Web, plain JSON, health and reflection over mTLS.
//!
//! One accept loop hands connections to a thread for each core ([`Cores`]), where they stay.
//!
//! tonic's services are mounted in an axum router behind an accept loop of our own, because tonic's server answers an
//! expired deadline with CANCELLED and speaks no HTTP/1.1 over TLS. The layers serve transport alone, from the outside in:
//!
//! gRPC-Web or plain JSON → `edge` (decision id, span, metrics, form of errors) → `panic` → `authenticate` → `shed` →
//! `deadline` → the services.

mod admin;
mod authenticate;
mod connection;
mod cores;
mod deadline;
mod decision;
mod descriptors;
mod edge;
mod fault;
mod gathering;
mod health;
mod json;
mod layers;
mod pace;
mod panic;
mod public_log;
mod published;
mod routes;
mod share;
mod shed;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

pub use admin::{Admin, AdminError};
pub use cores::Cores;
pub use deadline::Deadline;
#[doc(hidden)] // for the fuzz targets
pub use deadline::timeout_of;
pub use decision::{DECISION_HEADER, DecisionId};
pub use fault::Language;
pub(crate) use fault::{PUSHBACK, described};
pub use health::Readiness;
#[doc(hidden)]
pub use json::read_document;
pub use public_log::PublicLog;
pub(crate) use shed::Place;
pub use tls::{Tls, TlsError};

use crate::clock::Clock;
use crate::config::Limits;
use crate::departments::DepartmentsHealth;
use crate::identity::Members;
use crate::telemetry::Metrics;
use connection::Connections;
use health::Health;
use tls::HandshakeFailure;

/// The largest reply that a service encodes, in bytes: clients refuse more than 4 MiB.
pub const ENCODE_MAX: usize = 3 * 1024 * 1024;

/// How long the accept loop rests when the process has no file descriptor left.
const NO_DESCRIPTORS: Duration = Duration::from_millis(100);

/// What a server is made of.
pub struct Setup {
    /// Its certificate, and the authority of its clients.
    pub tls: Tls,
    /// `[limits]` of `heyan.toml`.
    pub limits: Limits,
    /// Who may call; asked on every call.
    pub members: Arc<dyn Members>,
    /// The clock that dates decision ids and ends certificates.
    pub clock: Arc<dyn Clock>,
    /// Where calls are counted.
    pub metrics: Arc<Metrics>,
    /// Whether questions can be answered now, and if not, why.
    pub able: watch::Receiver<Readiness>,
    /// The departments, for health: their trouble is told and is never the gateway's own.
    pub departments: watch::Receiver<DepartmentsHealth>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Setup")
    }
}

/// Why a server cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the descriptor of the contract cannot be read: {0}")]
pub struct ServerError(pub(crate) String);

/// The service port before it is opened.
pub struct Server {
    connections: Connections,
    connections_max: usize,
    drain: Duration,
    grace: Duration,
    health: Health,
    able: watch::Receiver<Readiness>,
    departments: watch::Receiver<DepartmentsHealth>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// Mounts the services. `descriptor` is the encoded file descriptor set of the contract: it names the services for health,
    /// the methods for metrics, and is what reflection answers.
    ///
    /// # Errors
    /// [`ServerError`] when the descriptor cannot be read.
    pub fn new(setup: Setup, services: Routes, descriptor: &'static [u8]) -> Result<Self, ServerError> {
        let Setup { tls, limits, members, clock, metrics, able, departments } = setup;
        let limits = descriptors::fit(limits);
        metrics.set_certificate_end("gateway", tls.not_after());
        metrics.set_certificate_end("client_ca", tls.authorities_not_after());
        let contract = routes::Contract::read(descriptor)?;
        let health = Health::new(contract.services().to_vec(), able.borrow().clone(), metrics.clone());
        let needs = routes::Needs { limits: &limits, members, clock, metrics: metrics.clone() };
        let routes::Doors { grpc, plain } = routes::doors(services, &contract, &health, needs)?;
        Ok(Self {
            connections_max: limits.connections.min(Semaphore::MAX_PERMITS),
            drain: limits.drain,
            grace: limits.grace,
            connections: Connections::new(tls, limits, metrics, grpc, plain),
            health,
            able,
            departments,
        })
    }

    /// Whether the server serves now, for the probe `/readyz`.
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.health.readiness()
    }

    /// Serves until `shutdown` is done, and then drains without a failed call: health says `NOT_SERVING`, `limits.drain` passes
    /// so that callers can go elsewhere, the listener closes, and calls in work have `limits.grace` to end. What goes on for
    /// callers who have hung up is in work on `cores` for as long as they are there.
    pub async fn serve(self, listener: TcpListener, cores: &Cores, shutdown: impl Future<Output = ()>) {
        let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
        let connections = Arc::new(self.connections);
        let places = Arc::new(Semaphore::new(self.connections_max));
        self.health.begin(&self.able, &self.departments).await;
        let accepting = accept(listener, connections, places, cores, &stop);
        let following = self.health.follow(self.able, draining.clone());
        let telling = self.health.follow_departments(self.departments, draining.clone());
        let stopping = async {
            shutdown.await;
            tracing::info!(drain = ?self.drain, "draining: health says NOT_SERVING");
            draining.cancel();
            tokio::time::sleep(self.drain).await;
            stop.cancel();
        };
        tokio::join!(accepting, following, telling, stopping);
        self.health.end().await;
        if tokio::time::timeout(self.grace + self.drain, cores.finish()).await.is_err() {
            tracing::warn!(left = cores.open(), "connections did not end in time");
        }
    }
}

/// Done when the process is asked to end: SIGTERM, or Ctrl-C.
///
/// # Panics
/// When the system gives no way to listen for signals; the process could then not be drained.
pub async fn termination() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("the system lets a process listen for SIGTERM");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the system lets a process listen for SIGINT");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn accept(
    listener: TcpListener,
    connections: Arc<Connections>,
    places: Arc<Semaphore>,
    cores: &Cores,
    stop: &CancellationToken,
) {
    let serve = |(stream, address): (TcpStream, std::net::SocketAddr)| {
        let Ok(place) = places.clone().try_acquire_owned() else {
            return connections.refuse(address, HandshakeFailure::TooMany);
        };
        // Taken from this runtime; the core's own listens to it from here on.
        let Ok(stream) = stream.into_std() else {
            return connections.refuse(address, HandshakeFailure::Closed);
        };
        let (connections, stop) = (connections.clone(), stop.clone());
        cores.spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => connections.serve(stream, address, stop).await,
                Err(_) => connections.refuse(address, HandshakeFailure::Closed),
            }
            drop(place);
        });
    };
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => serve(accepted),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(NO_DESCRIPTORS).await;
            }
        }
    }
    // Whoever has connected before the listener closes is still served.
    while let Some(Ok(accepted)) = listener.accept().now_or_never() {
        serve(accepted);
    }
}
