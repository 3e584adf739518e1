//! The client's side: a channel to a gateway with a client certificate, for `heyan verify` and for tests.

use std::time::Duration;

use tonic::Status;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// Why a gateway cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The address or a certificate file cannot be used.
    #[error("the address, certificate, key or authority cannot be used: {0}")]
    Unusable(String),
    /// Nobody answers there, or the TLS handshake fails.
    #[error("the gateway at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What went wrong, from the outermost cause to the innermost.
        reason: String,
    },
}

/// How long connecting may take, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// A silent connection is asked for a sign of life this often, and given up when none comes in time; without it a network
/// that comes back after a partition is not noticed.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// Connects to `address` (`host:port`). The gateway's certificate must be signed by `ca_pem` and name `server_name`.
///
/// # Errors
/// [`ChannelError`] says whether what was given cannot be used, or the gateway cannot be reached.
pub async fn connect(
    address: &str,
    ca_pem: &[u8],
    cert_pem: &[u8],
    key_pem: &[u8],
    server_name: &str,
) -> Result<Channel, ChannelError> {
    let unusable = |error: tonic::transport::Error| ChannelError::Unusable(chain(&error));
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(ca_pem))
        .identity(Identity::from_pem(cert_pem, key_pem))
        .domain_name(server_name);
    Endpoint::from_shared(format!("https://{address}"))
        .and_then(|endpoint| endpoint.tls_config(tls))
        .map_err(unusable)?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(KEEP_ALIVE.0)
        .keep_alive_timeout(KEEP_ALIVE.1)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect()
        .await
        .map_err(|error| ChannelError::Unreachable { address: address.into(), reason: chain(&error) })
}

/// Whether a call failed before it was taken, so that it can be made again at once.
///
/// Its connection was being closed in an orderly way, as when a gateway drains. gRPC calls this a transparent retry; other
/// clients do it by themselves, tonic leaves it to its caller.
pub fn was_not_taken(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            let goodbye = std::error::Error::source(error).is_some_and(|inner| inner.to_string() == GOODBYE);
            return goodbye || error.is_canceled();
        }
        cause = error.source();
    }
    false
}

/// What h2 says when the other side has sent GOAWAY with `NO_ERROR`.
const GOODBYE: &str = "connection error received: not a result of an error";

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
