//! The trust domain of a city.

use std::fmt;

/// The authority of SPIFFE ids in one city: `sample-city.example` (SPIFFE ID standard, section 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrustDomain(Box<str>);

/// A text that is not a trust domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 lowercase ASCII letters, digits, `.`, `-` or `_`, such as `sample-city.example`")]
pub struct TrustDomainError;

impl TrustDomain {
    /// Accepts a well-formed trust domain.
    ///
    /// # Errors
    /// [`TrustDomainError`] says what a trust domain looks like.
    pub fn parse(text: &str) -> Result<Self, TrustDomainError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
        if (1..=255).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(TrustDomainError)
        }
    }

    /// The trust domain as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
