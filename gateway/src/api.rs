//! The contract's services: they turn messages into the gateway's own words and back, and nothing else.

mod answer;
mod audit;
mod directory;
mod error;
mod explain;
pub mod question;
mod to_the_end;
mod verification;
mod words;

use std::sync::Arc;

pub use heyan_proto::v1::DESCRIPTOR;
use heyan_proto::v1::audit_service_server::AuditServiceServer;
use heyan_proto::v1::directory_service_server::DirectoryServiceServer;
use heyan_proto::v1::verification_service_server::VerificationServiceServer;
use tonic::Extensions;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;

use crate::identity::Caller;
use crate::server::{Deadline, DecisionId, ENCODE_MAX, Language, Place};
use crate::telemetry::Metrics;
use crate::verification::Verification;

/// Mounts the services, each of which takes requests of at most `message_bytes`.
pub fn routes(verification: Arc<Verification>, metrics: Arc<Metrics>, message_bytes: usize) -> Routes {
    let directory = directory::DirectoryApi::new(Arc::clone(&verification.directory));
    let audit = audit::AuditApi::new(verification.audit.clone());
    let verification = verification::VerificationApi::new(verification, metrics);
    Routes::new(
        VerificationServiceServer::new(verification)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(message_bytes)
            .max_encoding_message_size(ENCODE_MAX),
    )
    .add_service(
        DirectoryServiceServer::new(directory)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(message_bytes)
            .max_encoding_message_size(ENCODE_MAX),
    )
    .add_service(
        AuditServiceServer::new(audit)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(message_bytes)
            .max_encoding_message_size(ENCODE_MAX),
    )
}

/// What the layers of the service port left in a request.
#[derive(Debug, Clone)]
struct Edge {
    caller: Caller,
    decision: DecisionId,
    deadline: Deadline,
    language: Language,
    place: Place,
}

impl Edge {
    fn of<T>(request: &tonic::Request<T>) -> Self {
        let extensions = request.extensions();
        Self {
            caller: left(extensions),
            decision: left(extensions),
            deadline: left(extensions),
            language: left(extensions),
            place: left(extensions),
        }
    }
}

/// What a layer left. The services are mounted behind those layers alone, so it is there; if it were not, the panic is
/// caught at the edge and the call fails closed.
fn left<T: Clone + Send + Sync + 'static>(extensions: &Extensions) -> T {
    extensions.get::<T>().cloned().expect("the services are mounted behind the layers that leave this")
}
