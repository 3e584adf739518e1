//! The errors that the transport itself makes: each with its code, its reason and its text in both languages.

use std::collections::HashMap;
use std::time::Duration;

use axum::response::Response;
use heyan_proto::reason::{DOMAIN, Reason};
use heyan_proto::vocabulary::Localized;
use http::{HeaderMap, HeaderValue, header};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use uuid::Uuid;

use super::decision::DecisionId;
use super::pace::TOO_SLOW;
use crate::identity::IdentityError;

/// After how long a call that was shed is worth another try.
pub(crate) const PUSHBACK: Duration = Duration::from_millis(500);

/// Why the transport answers a call instead of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Identity(IdentityError),
    Deadline,
    TimeoutInvalid,
    RequestTooSlow,
    Overloaded,
    TooManyCalls,
    Internal,
    MethodUnknown,
    MessageTooLarge,
    MessageInvalid,
    EncodingUnknown,
    ContentTypeUnknown,
    NotPost,
    NeedsGrpc,
}

impl Fault {
    fn reason(self) -> Reason {
        match self {
            Self::Identity(IdentityError::NoUri | IdentityError::SeveralUris) => Reason::CertificateNamesAmbiguous,
            Self::Identity(IdentityError::Authority | IdentityError::Unknown) => Reason::CertificateUnknown,
            Self::Identity(IdentityError::Revoked) => Reason::CertificateRevoked,
            Self::Identity(IdentityError::Expired) => Reason::CertificateExpired,
            Self::Deadline => Reason::DeadlineExceeded,
            Self::RequestTooSlow => Reason::RequestTooSlow,
            Self::Overloaded => Reason::Overloaded,
            Self::TooManyCalls => Reason::TooManyCalls,
            Self::Internal => Reason::InternalError,
            Self::MethodUnknown => Reason::MethodUnknown,
            Self::EncodingUnknown => Reason::EncodingUnknown,
            Self::ContentTypeUnknown => Reason::ContentTypeUnknown,
            Self::NotPost => Reason::MethodNeedsPost,
            Self::NeedsGrpc => Reason::MethodNeedsGrpc,
            Self::MessageTooLarge => Reason::MessageTooLarge,
            Self::MessageInvalid | Self::TimeoutInvalid => Reason::MessageInvalid,
        }
    }

    /// The error as gRPC says it: trailers only, with `ErrorInfo` and a text in the language that the caller reads.
    pub(super) fn status(self, decision: DecisionId, language: Language) -> Status {
        let reason = self.reason();
        let message = match self {
            Self::Identity(error) => error.to_string(),
            _ => reason.text().en,
        };
        let mut details = described(reason, decision.as_uuid(), language, []);
        let may_come_back = matches!(self, Self::Overloaded | Self::TooManyCalls);
        if may_come_back {
            details.set_retry_info(Some(PUSHBACK));
        }
        let mut status = Status::with_error_details(reason.code(), message, details);
        if may_come_back {
            let pushback = PUSHBACK.as_millis().to_string();
            let pushback = pushback.parse().expect("digits are a metadata value");
            status.metadata_mut().insert("grpc-retry-pushback-ms", pushback);
        }
        status
    }

    /// A response that only says which fault this is; the edge puts it into words. What is left of the request's body is read
    /// and thrown away behind it (`pace::Request`).
    pub(super) fn mark(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }

    /// What a status without details means: gRPC's own machinery has made it, before or instead of the service.
    pub(super) fn of_bare(status: &Status) -> Option<Self> {
        match status.code() {
            // A reply that is too large is our fault, and a request that is small only as long as it is compressed is not.
            Code::OutOfRange if status.message().starts_with("Error, encoded") => Some(Self::Internal),
            Code::OutOfRange => Some(Self::MessageTooLarge),
            Code::ResourceExhausted if status.message().starts_with("Error decompressing") => {
                Some(Self::MessageTooLarge)
            }
            Code::Unimplemented if status.metadata().contains_key("grpc-accept-encoding") => {
                Some(Self::EncodingUnknown)
            }
            Code::Unimplemented => Some(Self::MethodUnknown),
            // gRPC-Web wraps it in an error of its own.
            Code::DeadlineExceeded | Code::Internal if status.message().contains(TOO_SLOW) => {
                Some(Self::RequestTooSlow)
            }
            Code::Internal if is_about_the_message(status.message()) => Some(Self::MessageInvalid),
            Code::Internal | Code::Unknown => Some(Self::Internal),
            _ => None,
        }
    }
}

/// The words with which tonic and prost begin when a request cannot be decoded. A test holds each of them.
fn is_about_the_message(message: &str) -> bool {
    const BEGINNINGS: [&str; 5] = [
        "failed to decode Protobuf message",
        "Missing request message",
        "Unexpected EOF decoding stream",
        "protocol error: received message with",
        "Error decompressing",
    ];
    BEGINNINGS.iter().any(|beginning| message.starts_with(beginning))
}

/// The language that a caller reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// The language tag of RFC 5646.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// The text in this language.
    pub fn pick(self, text: &Localized) -> &str {
        match self {
            Self::Chinese => &text.zh,
            Self::English => &text.en,
        }
    }

    /// Chinese unless the first language of `accept-language` is English.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let first = headers.get(header::ACCEPT_LANGUAGE).map(HeaderValue::as_bytes).unwrap_or_default();
        match first.get(..2) {
            Some(language) if language.eq_ignore_ascii_case(b"en") => Self::English,
            _ => Self::Chinese,
        }
    }
}

/// What every error says in its details: the reason with what it is about, and a text in the language that the caller reads.
pub(crate) fn described<'a>(
    reason: Reason,
    decision: Uuid,
    language: Language,
    metadata: impl IntoIterator<Item = (&'a str, String)>,
) -> ErrorDetails {
    let mut facts = HashMap::from([("decision_id".to_owned(), decision.to_string())]);
    facts.extend(metadata.into_iter().map(|(key, value)| (key.to_owned(), value)));
    let mut details = ErrorDetails::with_error_info(reason.as_str(), DOMAIN, facts);
    let (separator, text, remedy) = match language {
        Language::Chinese => ("；", reason.text().zh, reason.remedy().zh),
        Language::English => ("; ", reason.text().en, reason.remedy().en),
    };
    details.set_localized_message(language.tag(), format!("{text}{separator}{remedy}"));
    details
}
