//! Who calls: a client certificate turned into a [`Caller`], and nothing else ever is.
//!
//! The certificate is the one that the TLS handshake verified against the client authority. Exactly one URI in its subject
//! alternative names says who it is (SPIFFE X509-SVID, section 2); the common name and request metadata never do. The
//! directory is asked on every call, so a system that is revoked there is refused on connections that are already open.

mod certificate;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use heyan_proto::vocabulary::{DepartmentId, PersonId, SystemId};
use jiff::Timestamp;

pub use certificate::{CertificateError, PeerCertificate};

/// Who calls. Only [`identify`] makes one, so holding it is the proof that the caller is known and not revoked.
#[derive(Debug, Clone)]
pub struct Caller {
    uri: Arc<str>,
    kind: CallerKind,
    fingerprint: Fingerprint,
}

impl Caller {
    /// The URI of the certificate, as the directory lists it.
    pub fn uri(&self) -> &Arc<str> {
        &self.uri
    }

    /// What the directory says about the caller.
    pub fn kind(&self) -> &CallerKind {
        &self.kind
    }

    /// The certificate that was shown.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The system and its department, unless the caller is a person.
    pub fn system(&self) -> Option<(&SystemId, &DepartmentId)> {
        match &self.kind {
            CallerKind::System { id, department } => Some((id, department)),
            CallerKind::Person { .. } => None,
        }
    }

    /// Whether the caller is a person with that role.
    pub fn has_role(&self, role: Role) -> bool {
        matches!(&self.kind, CallerKind::Person { roles, .. } if roles.contains(&role))
    }
}

/// A business system of a department, or a person with a certificate of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKind {
    /// From `systems/*.toml`.
    System {
        /// Its name.
        id: SystemId,
        /// The department that answers for it.
        department: DepartmentId,
    },
    /// From `people/*.toml`.
    Person {
        /// Its name in the directory; not the person's name.
        id: PersonId,
        /// What the person may do.
        roles: Arc<[Role]>,
    },
}

/// What a person with a certificate of their own may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Searches and proves the audit log (审计员).
    Auditor,
    /// Approves grants and emergencies (审批员).
    Approver,
    /// Runs the gateway (管理员).
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Auditor, Self::Approver, Self::Administrator];

    /// The word in `people/*.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }

    /// Reads the word of `people/*.toml`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// The SHA-256 of a certificate's DER, shown as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At once, as every entry of the audit log holds it.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

/// Who is listed under a URI. The directory implements this; a snapshot that is replaced is asked for its newest state.
pub trait Members: Send + Sync {
    /// The system or person listed under exactly this URI, revoked ones included; `None` when nobody is.
    fn member(&self, uri: &str) -> Option<Member>;
}

impl<T: Members> Members for arc_swap::ArcSwap<T> {
    fn member(&self, uri: &str) -> Option<Member> {
        self.load().member(uri)
    }
}

/// One system or person as the directory lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub kind: CallerKind,
    /// Set in its file to refuse it from the next call on.
    pub revoked: bool,
}

/// Why a certificate that the handshake accepted names no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IdentityError {
    /// It has no URI; its common name is not looked at.
    #[error("the client certificate names no URI in its subject alternative names; the common name is not an identity")]
    NoUri,
    /// It has two or more URIs, and nothing says which one is meant.
    #[error("the client certificate names several URIs in its subject alternative names; exactly one is an identity")]
    SeveralUris,
    /// It is an authority's certificate (basicConstraints CA, or the key usage keyCertSign).
    #[error("the client certificate is an authority's; an identity must not be able to sign certificates")]
    Authority,
    /// Its time has ended since the connection was opened.
    #[error("the client certificate has expired")]
    Expired,
    /// Its URI is in no file of `systems/` or `people/`.
    #[error("the URI of the client certificate is not in the directory")]
    Unknown,
    /// The directory says that it is revoked.
    #[error("the system or person of the client certificate is revoked in the directory")]
    Revoked,
}

impl IdentityError {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::NoUri, Self::SeveralUris, Self::Authority, Self::Expired, Self::Unknown, Self::Revoked];

    /// One word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoUri => "no_uri",
            Self::SeveralUris => "several_uris",
            Self::Authority => "authority",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
        }
    }
}

/// Turns the certificate of a connection into the caller of one call.
///
/// # Errors
/// [`IdentityError`] says which condition does not hold.
pub fn identify(certificate: &PeerCertificate, members: &dyn Members, now: Timestamp) -> Result<Caller, IdentityError> {
    let uri = match certificate.uris() {
        [] => return Err(IdentityError::NoUri),
        [uri] => uri,
        _ => return Err(IdentityError::SeveralUris),
    };
    if certificate.is_authority() {
        return Err(IdentityError::Authority);
    }
    if now > certificate.not_after() {
        return Err(IdentityError::Expired);
    }
    let member = members.member(uri).ok_or(IdentityError::Unknown)?;
    if member.revoked {
        return Err(IdentityError::Revoked);
    }
    Ok(Caller { uri: uri.clone(), kind: member.kind, fingerprint: certificate.fingerprint() })
}
