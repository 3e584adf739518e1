//! The errors that the transport itself makes: each with its code, its reason and its text in both languages.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use heyan_proto::reason::{DOMAIN, Reason};
use heyan_proto::vocabulary::Localized;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::decision::DecisionId;
use crate::identity::IdentityError;

/// After how long a call that was shed is worth another try.
pub(crate) const PUSHBACK: Duration = Duration::from_millis(500);

/// How long the unread body of a refused request is waited for.
const UNREAD: Duration = Duration::from_millis(100);

/// Why the transport answers a call instead of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Identity(IdentityError),
    Deadline,
    TimeoutInvalid,
    Overloaded,
    Internal,
    MethodUnknown,
    MessageTooLarge,
    MessageInvalid,
    EncodingUnknown,
}

/// A fault in words.
struct Words {
    code: Code,
    /// Of `google.rpc.ErrorInfo`.
    reason: &'static str,
    zh: String,
    en: String,
}

impl From<Reason> for Words {
    fn from(reason: Reason) -> Self {
        let (text, remedy) = (reason.text(), reason.remedy());
        Self {
            code: reason.code(),
            reason: reason.as_str(),
            zh: format!("{}；{}", text.zh, remedy.zh),
            en: format!("{}; {}", text.en, remedy.en),
        }
    }
}

impl Fault {
    fn words(self) -> Words {
        match self {
            Self::Identity(IdentityError::NoUri | IdentityError::SeveralUris) => {
                Reason::CertificateNamesAmbiguous.into()
            }
            Self::Identity(IdentityError::Authority | IdentityError::Unknown) => Reason::CertificateUnknown.into(),
            Self::Identity(IdentityError::Revoked) => Reason::CertificateRevoked.into(),
            Self::Identity(IdentityError::Expired) => Words {
                code: Code::Unauthenticated,
                reason: "CERTIFICATE_EXPIRED",
                zh: "客户端证书已过期；请换用新证书后重新连接".into(),
                en: "the client certificate has expired; connect again with a new one".into(),
            },
            Self::Deadline => Reason::DeadlineExceeded.into(),
            Self::Overloaded => Reason::Overloaded.into(),
            Self::Internal => Reason::InternalError.into(),
            Self::MethodUnknown => Words {
                code: Code::Unimplemented,
                reason: "METHOD_UNKNOWN",
                zh: "网关没有此方法；请用反射服务查看已有的方法".into(),
                en: "the gateway has no such method; reflection lists those that it has".into(),
            },
            Self::EncodingUnknown => Words {
                code: Code::Unimplemented,
                reason: "ENCODING_UNKNOWN",
                zh: "请求使用了 gzip 以外的压缩方式；请用 gzip 或不压缩".into(),
                en: "the request is compressed in a way other than gzip; use gzip or none".into(),
            },
            Self::MessageTooLarge => Words {
                code: Code::InvalidArgument,
                reason: "MESSAGE_TOO_LARGE",
                zh: "请求超过 1 MiB；请分成几次提交".into(),
                en: "the request is larger than 1 MiB; send several smaller ones".into(),
            },
            Self::MessageInvalid => Words {
                code: Code::InvalidArgument,
                reason: "MESSAGE_INVALID",
                zh: "请求不是此方法的合法消息；请用发布的 proto 文件生成客户端".into(),
                en: "the request is not a well-formed message of this method; make the client from the published proto files"
                    .into(),
            },
            Self::TimeoutInvalid => Words {
                code: Code::InvalidArgument,
                reason: "MESSAGE_INVALID",
                zh: "grpc-timeout 格式不正确；应为 1 至 8 位数字加 H、M、S、m、u、n 之一，例如 5S".into(),
                en: "grpc-timeout is malformed; write 1 to 8 digits and one of H, M, S, m, u, n, such as 5S".into(),
            },
        }
    }

    /// The error as gRPC says it: trailers only, with `ErrorInfo` and a text in the language that the caller reads.
    pub(super) fn status(self, decision: DecisionId, language: Language) -> Status {
        let words = self.words();
        let message = match self {
            Self::Identity(error) => error.to_string(),
            _ => words.en.clone(),
        };
        let metadata = HashMap::from([("decision_id".into(), decision.to_string())]);
        let mut details = ErrorDetails::with_error_info(words.reason, DOMAIN, metadata);
        match language {
            Language::Chinese => details.set_localized_message("zh-CN", words.zh),
            Language::English => details.set_localized_message("en", words.en),
        };
        if self == Self::Overloaded {
            details.set_retry_info(Some(PUSHBACK));
        }
        let mut status = Status::with_error_details(words.code, message, details);
        if self == Self::Overloaded {
            let pushback = PUSHBACK.as_millis().to_string();
            let pushback = pushback.parse().expect("digits are a metadata value");
            status.metadata_mut().insert("grpc-retry-pushback-ms", pushback);
        }
        status
    }

    /// A response that only says which fault this is; the edge puts it into words.
    pub(super) fn mark(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }

    /// As [`Fault::mark`], for a request that nobody will read: its body is read to the end first, briefly. A body that is
    /// dropped unread makes HTTP/2 reset the stream, and after about a thousand resets it gives up the whole connection.
    pub(super) async fn refuse(self, request: Request) -> Response {
        let body = Limited::new(request.into_body(), super::DECODE_MAX);
        // Whether it ends, is too large or is too slow, the answer is the same.
        drop(tokio::time::timeout(UNREAD, body.collect()).await);
        self.mark()
    }

    /// What a status without details means: gRPC's own machinery has made it, before or instead of the service.
    pub(super) fn of_bare(status: &Status) -> Option<Self> {
        match status.code() {
            Code::OutOfRange => Some(Self::MessageTooLarge),
            Code::Unimplemented if status.metadata().contains_key("grpc-accept-encoding") => {
                Some(Self::EncodingUnknown)
            }
            Code::Unimplemented => Some(Self::MethodUnknown),
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
