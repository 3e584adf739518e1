//! The errors that the transport itself makes: each with its code, its reason and its text in both languages.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::decision::DecisionId;
use crate::identity::IdentityError;

/// The domain of every `google.rpc.ErrorInfo` of the gateway.
pub const DOMAIN: &str = "heyan";

/// After how long a call that was shed is worth another try.
const PUSHBACK: Duration = Duration::from_millis(500);

/// How long the unread body of a refused request is waited for.
const UNREAD: Duration = Duration::from_millis(100);

/// Why the transport answers a call instead of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Identity(IdentityError),
    Deadline,
    TimeoutHeader,
    Overloaded,
    Internal,
    MethodUnknown,
    MessageTooLarge,
    MessageInvalid,
    CompressionUnknown,
    HealthServiceUnknown,
}

impl Fault {
    fn code(self) -> Code {
        match self {
            Self::Identity(_) => Code::Unauthenticated,
            Self::Deadline => Code::DeadlineExceeded,
            Self::Overloaded => Code::ResourceExhausted,
            Self::Internal => Code::Internal,
            Self::MethodUnknown | Self::CompressionUnknown => Code::Unimplemented,
            Self::TimeoutHeader | Self::MessageTooLarge | Self::MessageInvalid => Code::InvalidArgument,
            Self::HealthServiceUnknown => Code::NotFound,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Identity(IdentityError::NoUri | IdentityError::SeveralUris) => "CERTIFICATE_NAMES_AMBIGUOUS",
            Self::Identity(IdentityError::Authority | IdentityError::Unknown) => "CERTIFICATE_UNKNOWN",
            Self::Identity(IdentityError::Expired) => "CERTIFICATE_EXPIRED",
            Self::Identity(IdentityError::Revoked) => "CERTIFICATE_REVOKED",
            Self::Deadline => "DEADLINE_EXCEEDED",
            Self::Overloaded => "OVERLOADED",
            Self::Internal => "INTERNAL_ERROR",
            Self::MethodUnknown => "METHOD_UNKNOWN",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::TimeoutHeader | Self::MessageInvalid => "MESSAGE_INVALID",
            Self::CompressionUnknown => "COMPRESSION_UNKNOWN",
            Self::HealthServiceUnknown => "SERVICE_UNKNOWN",
        }
    }

    fn english(self) -> String {
        match self {
            Self::Identity(error) => error.to_string(),
            Self::Deadline => "the deadline of the call has passed".into(),
            Self::TimeoutHeader => "grpc-timeout must be 1 to 8 digits and one of H, M, S, m, u, n, such as 5S".into(),
            Self::Overloaded => "too many calls are in work; try again a little later".into(),
            Self::Internal => "a fault of the gateway; quote the decision id when you report it".into(),
            Self::MethodUnknown => "the gateway has no such method; reflection lists those that it has".into(),
            Self::MessageTooLarge => "the request is larger than 1 MiB".into(),
            Self::MessageInvalid => "the request is not a well-formed message of this method".into(),
            Self::CompressionUnknown => "the request is compressed in a way other than gzip".into(),
            Self::HealthServiceUnknown => "no such service; the empty name asks for the gateway as a whole".into(),
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Self::Identity(IdentityError::NoUri) => "客户端证书的主体备用名称中没有 URI;通用名称(CN)不作为身份",
            Self::Identity(IdentityError::SeveralUris) => "客户端证书的主体备用名称中有多个 URI;身份必须恰好是一个",
            Self::Identity(IdentityError::Authority) => "客户端证书是签发机构的证书;身份证书不得具有签发能力",
            Self::Identity(IdentityError::Expired) => "客户端证书已过期",
            Self::Identity(IdentityError::Unknown) => "客户端证书的 URI 未在目录中登记",
            Self::Identity(IdentityError::Revoked) => "客户端证书对应的业务系统或人员已被停用",
            Self::Deadline => "调用已超过时限",
            Self::TimeoutHeader => "grpc-timeout 应为 1 至 8 位数字加 H、M、S、m、u、n 之一,例如 5S",
            Self::Overloaded => "正在处理的调用过多,请稍后重试",
            Self::Internal => "网关内部故障;反映问题时请提供 decision id",
            Self::MethodUnknown => "网关没有此方法;可用反射服务查看已有方法",
            Self::MessageTooLarge => "请求超过 1 MiB",
            Self::MessageInvalid => "请求不是此方法的合法消息",
            Self::CompressionUnknown => "请求使用了 gzip 以外的压缩方式",
            Self::HealthServiceUnknown => "没有此服务;空名称表示整个网关",
        }
    }

    /// The error as gRPC says it: trailers only, with `ErrorInfo` and a text in the language that the caller reads.
    pub(super) fn status(self, decision: DecisionId, language: Language) -> Status {
        let english = self.english();
        let metadata = HashMap::from([("decision_id".into(), decision.to_string())]);
        let mut details = ErrorDetails::with_error_info(self.reason(), DOMAIN, metadata);
        match language {
            Language::Chinese => details.set_localized_message("zh-CN", self.chinese()),
            Language::English => details.set_localized_message("en", english.clone()),
        };
        if self == Self::Overloaded {
            details.set_retry_info(Some(PUSHBACK));
        }
        let mut status = Status::with_error_details(self.code(), english, details);
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
                Some(Self::CompressionUnknown)
            }
            Code::Unimplemented => Some(Self::MethodUnknown),
            Code::Internal if is_about_the_message(status.message()) => Some(Self::MessageInvalid),
            Code::Internal | Code::Unknown => Some(Self::Internal),
            Code::NotFound => Some(Self::HealthServiceUnknown),
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
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    /// Chinese unless the first language of `accept-language` is English.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let first = headers.get(header::ACCEPT_LANGUAGE).map(HeaderValue::as_bytes).unwrap_or_default();
        match first.get(..2) {
            Some(language) if language.eq_ignore_ascii_case(b"en") => Self::English,
            _ => Self::Chinese,
        }
    }
}
