//! What identity needs of a client certificate, read once for each connection.

use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::Timestamp;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::Fingerprint;

/// The certificate that the peer of a connection has shown and whose chain the handshake has verified.
#[derive(Debug, Clone)]
pub struct PeerCertificate {
    uris: Vec<Arc<str>>,
    authority: bool,
    not_after: Timestamp,
    fingerprint: Fingerprint,
}

/// Bytes that are no certificate with a readable subject alternative name, basic constraints and key usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate cannot be read as X.509 (RFC 5280)")]
pub struct CertificateError;

impl PeerCertificate {
    /// Reads a certificate. A repeated extension, an alternative name that cannot be read, trailing bytes or a date outside the
    /// calendar are errors.
    ///
    /// # Errors
    /// [`CertificateError`] when the bytes are not one readable certificate.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError)?;
        if !rest.is_empty() {
            return Err(CertificateError);
        }
        let names = certificate.subject_alternative_name().map_err(|_| CertificateError)?;
        let mut uris = Vec::new();
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::URI(uri) => uris.push((*uri).into()),
                // It may be a URI: passed over, it would leave the other one of two as the only one.
                GeneralName::Invalid(..) => return Err(CertificateError),
                _ => {}
            }
        }
        let constraints = certificate.basic_constraints().map_err(|_| CertificateError)?;
        let usage = certificate.key_usage().map_err(|_| CertificateError)?;
        let authority = constraints.is_some_and(|constraints| constraints.value.ca)
            || usage.is_some_and(|usage| usage.value.key_cert_sign());
        // "No well-defined end" is the last second of the year 9999 (RFC 5280, 4.1.2.5), just beyond what a timestamp holds.
        let not_after = certificate.validity().not_after.timestamp().min(Timestamp::MAX.as_second());
        let not_after = Timestamp::from_second(not_after).map_err(|_| CertificateError)?;
        let hash = digest::digest(&digest::SHA256, der);
        let fingerprint = Fingerprint(hash.as_ref().try_into().expect("a SHA-256 digest has 32 bytes"));
        Ok(Self { uris, authority, not_after, fingerprint })
    }

    /// The URIs among its subject alternative names, as written and in their order.
    pub fn uris(&self) -> &[Arc<str>] {
        &self.uris
    }

    /// Whether it may sign certificates: basicConstraints CA, or the key usage keyCertSign.
    pub fn is_authority(&self) -> bool {
        self.authority
    }

    /// The last second of its time.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}
