use std::error::Error;
use std::io;

use reqwest::StatusCode;
use rustls::{AlertDescription, CertificateError};

use crate::AdapterError;

/// What trouble on the way means. The words are ours alone: an error of the client may hold the URL, and that a number.
pub(super) fn trouble(error: &reqwest::Error) -> AdapterError {
    if let Some(tls) = tls_error(error) {
        return AdapterError::Misconfigured { what: tls_trouble(tls).into() };
    }
    if error.is_builder() {
        return AdapterError::Misconfigured { what: "a message for it cannot be made".into() };
    }
    if error.is_timeout() { AdapterError::Timeout } else { AdapterError::Unavailable }
}

/// What a status means that is no reply to the question.
pub(crate) fn trouble_of_status(status: StatusCode) -> AdapterError {
    let what = match status.as_u16() {
        401 | 403 | 407 => format!("it refuses the credentials (HTTP {status})"),
        // It was told too late or too much, or is just being restarted: nothing was done, and it may be asked again.
        408 | 425 | 503 => return AdapterError::Unavailable,
        429 => return AdapterError::Busy,
        504 => return AdapterError::Timeout,
        300..=399 => format!("it redirects, which is never followed (HTTP {status})"),
        400..=499 => format!("it does not know such a question (HTTP {status})"),
        // Look-ups only read, so that asking again is safe.
        500..=599 => return AdapterError::Unavailable,
        _ => return AdapterError::Malformed { what: format!("HTTP {status} is no reply") },
    };
    AdapterError::Misconfigured { what }
}

fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        // What an `io::Error` wraps is not its source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn tls_trouble(error: &rustls::Error) -> &'static str {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another host than that of the URL"
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is not issued under the declared `tls.ca`"
            }
            CertificateError::Revoked => "its certificate is revoked",
            _ => "its certificate cannot be trusted",
        },
        Tls::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError,
        ) => "it does not accept our certificate: see `tls.certificate`",
        Tls::InvalidMessage(_) => "it does not speak TLS at the port of the URL",
        _ => "no TLS connection comes about with it",
    }
}
