//! TLS of the service port: a client certificate is mandatory, also on loopback.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, RootCertStore, ServerConfig};

use crate::identity::PeerCertificate;

/// What a handshake is made with. Clones share it, so a replacement holds for every later connection.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ArcSwap<ServerConfig>>,
    not_after: Timestamp,
    authorities_not_after: Timestamp,
}

/// Why the gateway's TLS cannot be set up. Key material is never repeated.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`tls.{setting}` cannot be read: {reason}")]
    Unreadable {
        /// The key in `[tls]`.
        setting: &'static str,
        /// What the system says.
        reason: io::ErrorKind,
    },
    /// A file holds no certificate.
    #[error("`tls.{setting}` holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate {
        /// The key in `[tls]`.
        setting: &'static str,
    },
    /// A file holds no private key.
    #[error("`tls.key` holds no private key in PEM form (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey,
    /// The authority's certificate cannot be used to check client certificates.
    #[error("`tls.client_ca` holds a certificate that cannot be an authority: {0}")]
    Authority(String),
    /// The gateway's own certificate and key do not go together, or are of a kind that is not supported.
    #[error("`tls.certificate` and `tls.key` cannot be used together: {0}")]
    Pair(rustls::Error),
}

impl Tls {
    /// Reads the gateway's chain (its own certificate first) and key, and the authority of client certificates; PEM files.
    ///
    /// # Errors
    /// [`TlsError`] names the setting and what is wrong with its file.
    pub fn read(certificate: &Path, key: &Path, client_ca: &Path) -> Result<Self, TlsError> {
        let file =
            |setting, path| std::fs::read(path).map_err(|error| TlsError::Unreadable { setting, reason: error.kind() });
        Self::from_pem(&file("certificate", certificate)?, &file("key", key)?, &file("client_ca", client_ca)?)
    }

    /// As [`Tls::read`], from the contents of the files.
    ///
    /// # Errors
    /// [`TlsError`] names the setting and what is wrong with its content.
    pub fn from_pem(certificate: &[u8], key: &[u8], client_ca: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates("certificate", certificate)?;
        let not_after = PeerCertificate::read(&chain[0])
            .map_err(|_| TlsError::NoCertificate { setting: "certificate" })?
            .not_after();
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut authorities = RootCertStore::empty();
        let mut authorities_not_after = Timestamp::MAX;
        for authority in certificates("client_ca", client_ca)? {
            let unreadable = |_| TlsError::Authority("it cannot be read as X.509 (RFC 5280)".into());
            let read = PeerCertificate::read(&authority).map_err(unreadable)?;
            authorities_not_after = authorities_not_after.min(read.not_after());
            authorities.add(authority).map_err(|error| TlsError::Authority(error.to_string()))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(authorities.into(), provider.clone())
            .build()
            .map_err(|error| TlsError::Authority(error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Pair)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(TlsError::Pair)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(ArcSwap::from_pointee(config)), not_after, authorities_not_after })
    }

    /// Takes over another certificate, key and authority for connections that are opened from now on.
    pub fn replace(&self, newer: &Self) {
        self.config.store(newer.config.load_full());
    }

    /// When the gateway's own certificate ends.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// When the first of the authorities of client certificates ends.
    pub fn authorities_not_after(&self) -> Timestamp {
        self.authorities_not_after
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

fn certificates(setting: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsError::NoCertificate { setting }),
    }
}

/// Why a connection was refused before its first call, as an operator looks for it in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HandshakeFailure {
    #[error("the handshake took too long")]
    Slow,
    #[error("the peer closed the connection during the handshake")]
    Closed,
    #[error("the peer showed no client certificate")]
    NoCertificate,
    #[error("the client certificate is not signed by an authority of `tls.client_ca`")]
    UnknownAuthority,
    #[error("the client certificate has expired")]
    Expired,
    #[error("the client certificate is not valid yet")]
    NotYetValid,
    #[error("the client certificate is an authority's (basicConstraints CA), not one of a system or person")]
    Authority,
    #[error("the client certificate is not made for client authentication (extendedKeyUsage)")]
    WrongPurpose,
    #[error(
        "the client certificate is not signed by the authority that it names (another authority of the same name?), or its key is not proved"
    )]
    BadSignature,
    #[error("the client certificate cannot be read or uses something that is not supported")]
    BadCertificate,
    #[error("the peer and the gateway have no TLS version or cipher in common (1.3 and 1.2 are offered)")]
    Incompatible,
    #[error("the peer does not accept the gateway's certificate")]
    Rejected,
    #[error("the peer does not speak TLS")]
    NotTls,
    #[error("too many connections are open (`limits.connections`)")]
    TooMany,
    #[error("too many connections of this caller are open (`limits.connections_per_caller`)")]
    TooManyOfCaller,
    #[error("too many handshakes of this address are not finished (`limits.handshakes_per_address`)")]
    TooManyOfAddress,
}

impl HandshakeFailure {
    /// One word for logs and metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Closed => "closed",
            Self::NoCertificate => "no_certificate",
            Self::UnknownAuthority => "unknown_authority",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Authority => "authority",
            Self::WrongPurpose => "wrong_purpose",
            Self::BadSignature => "bad_signature",
            Self::BadCertificate => "bad_certificate",
            Self::Incompatible => "incompatible",
            Self::Rejected => "rejected",
            Self::NotTls => "not_tls",
            Self::TooMany => "too_many",
            Self::TooManyOfCaller => "too_many_of_caller",
            Self::TooManyOfAddress => "too_many_of_address",
        }
    }

    /// Whether it says something about how many connections there are, and nothing about this one.
    pub(super) fn is_a_crowd(self) -> bool {
        matches!(self, Self::TooMany | Self::TooManyOfCaller | Self::TooManyOfAddress)
    }

    /// Reads the error of an accepted connection.
    pub(super) fn of(error: &io::Error) -> Self {
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return Self::Closed;
        };
        match error {
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::AlertReceived(_) => Self::Rejected,
            rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => Self::Incompatible,
            _ => Self::NotTls,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::WrongPurpose,
            CertificateError::BadSignature => Self::BadSignature,
            // rustls has no variant of its own for this; the verifier's error is inside, by name.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => Self::Authority,
            _ => Self::BadCertificate,
        }
    }
}
