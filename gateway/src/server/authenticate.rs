//! Every call has a caller: the directory is asked each time, so that revoking takes effect on open connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::Request;
use axum::response::Response;

use super::fault::Fault;
use super::layers::Next;
use crate::clock::Clock;
use crate::identity::{self, CallerKind, IdentityError, Members, PeerCertificate};
use crate::telemetry::Metrics;

/// The other end of a connection; in the extensions of each of its requests.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) certificate: PeerCertificate,
    /// The reasons that were logged for this connection, a bit each: a peer cannot fill the log by calling on.
    logged: AtomicU8,
}

impl Peer {
    pub(super) fn new(address: SocketAddr, certificate: PeerCertificate) -> Self {
        Self { address, certificate, logged: AtomicU8::new(0) }
    }

    fn log_once(&self, error: IdentityError) {
        let bit = 1 << (error as u8);
        if self.logged.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            tracing::warn!(
                peer = %self.address,
                fingerprint = %self.certificate.fingerprint(),
                reason = error.as_str(),
                "calls refused: {error}",
            );
        }
    }
}

/// What turns a peer into a caller.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) members: Arc<dyn Members>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
}

pub(super) async fn authenticate(gate: &Gate, mut request: Request, next: impl Next) -> Response {
    let Some(peer) = request.extensions().get::<Arc<Peer>>() else {
        tracing::error!("a request reached the services without a connection's certificate");
        return Fault::Internal.mark();
    };
    match identity::identify(&peer.certificate, &*gate.members, gate.clock.now()) {
        Ok(caller) => {
            let id = match caller.kind() {
                CallerKind::System { id, .. } => id.as_str(),
                CallerKind::Person { id, .. } => id.as_str(),
            };
            tracing::Span::current().record("caller", id);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            peer.log_once(error);
            gate.metrics.count_identity_failure(error.as_str());
            Fault::Identity(error).mark()
        }
    }
}
