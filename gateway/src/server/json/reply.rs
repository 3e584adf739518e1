//! The reply of the gRPC services, as one of the Connect protocol.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use heyan_proto::reason::Reason;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::methods::{Methods, Served};
use super::{Codec, FRAME};
use crate::server::decision::{DECISION_HEADER, DecisionId};
use crate::server::fault::{Fault, Language};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROTO: HeaderValue = HeaderValue::from_static("application/proto");
/// What the service port reads, for whoever has sent something else.
const READ: HeaderValue =
    HeaderValue::from_static("application/json, application/proto, application/grpc, application/grpc-web");

/// Makes the reply. `served` is the method that was called, where plain JSON serves it.
pub(super) async fn of(
    reply: Response,
    served: Option<&Served>,
    codec: Codec,
    methods: &Methods,
    language: Language,
) -> Response {
    let (parts, body) = reply.into_parts();
    let mut response = match ended(&parts.headers, body).await {
        Some((status, _)) if status.code() != Code::Ok => error(&status, methods.pool()),
        ended => {
            let message = ended.and_then(|(_, message)| message);
            let content = served.zip(message).and_then(|(served, message)| content(served, codec, &message));
            content.unwrap_or_else(|| {
                tracing::error!("an answer could not be written as its caller reads it");
                let decision = parts.headers.get(DECISION_HEADER).and_then(DecisionId::of_header);
                let status = decision.map_or_else(|| Status::internal(""), |id| Fault::Internal.status(id, language));
                error(&status, methods.pool())
            })
        }
    };
    let is_metadata = |name: &HeaderName| {
        !name.as_str().starts_with("grpc-") && ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name)
    };
    for (name, value) in parts.headers.iter().filter(|(name, _)| is_metadata(name)) {
        response.headers_mut().append(name, value.clone());
    }
    response
}

/// How the call has ended, and the message that came before; nothing where the reply is not whole.
async fn ended(headers: &HeaderMap, body: Body) -> Option<(Status, Option<Bytes>)> {
    let collected = body.collect().await.ok()?;
    let trailers = collected.trailers().and_then(Status::from_header_map);
    let status = trailers.or_else(|| Status::from_header_map(headers))?;
    let framed = collected.to_bytes();
    // Nothing was said of compression, so none was used.
    let message = framed.first().filter(|&&flag| flag == 0).and_then(|_| {
        let length = framed.get(1..FRAME)?.try_into().ok().map(u32::from_be_bytes)?;
        let rest = framed.slice(FRAME..);
        (usize::try_from(length).ok()? == rest.len()).then_some(rest)
    });
    Some((status, message))
}

/// The message as the caller reads it.
fn content(served: &Served, codec: Codec, message: &Bytes) -> Option<Response> {
    let (content_type, body) = match codec {
        Codec::Proto => (PROTO, message.clone()),
        Codec::Json => {
            let message = DynamicMessage::decode(served.output().clone(), message.clone()).ok()?;
            (JSON, serde_json::to_vec(&message).ok()?.into())
        }
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Some(response)
}

/// An error of the Connect protocol: always JSON, with the details of the gRPC error, each also in words.
fn error(status: &Status, pool: &DescriptorPool) -> Response {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap_or_default().details;
    let details: Vec<Value> = details
        .iter()
        .map(|detail| {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            let mut shown = json!({ "type": name, "value": BASE64_STANDARD_NO_PAD.encode(&detail.value) });
            if let Some(words) = in_words(pool, name, &detail.value) {
                shown["debug"] = words;
            }
            shown
        })
        .collect();
    let body = json!({ "code": code(status.code()), "message": status.message(), "details": details });
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let http_status = http_status(status.code(), &reason);
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON)]);
    if http_status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if http_status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        headers.insert("accept-post", READ);
    }
    if let Some(delay) = status.get_details_retry_info().and_then(|retry| retry.retry_delay) {
        headers.insert(header::RETRY_AFTER, whole_seconds(delay).into());
    }
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = http_status;
    *response.headers_mut() = headers;
    response
}

/// HTTP knows whole seconds alone, and zero would mean at once.
fn whole_seconds(delay: Duration) -> u64 {
    (delay.as_secs() + u64::from(delay.subsec_nanos() > 0)).max(1)
}

fn in_words(pool: &DescriptorPool, name: &str, value: &[u8]) -> Option<Value> {
    let message = DynamicMessage::decode(pool.get_message_by_name(name)?, value).ok()?;
    serde_json::to_value(message).ok()
}

/// The names of the codes in the Connect protocol, by their numbers in gRPC from 1.
pub(in crate::server) const CODES: [&str; 16] = [
    "canceled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

fn code(of: Code) -> &'static str {
    usize::try_from(of as i32 - 1).ok().and_then(|at| CODES.get(at)).unwrap_or(&"unknown")
}

/// The HTTP status of a code in the Connect protocol; three reasons have one of their own.
fn http_status(of: Code, reason: &str) -> StatusCode {
    let own = [
        (Reason::MethodUnknown, StatusCode::NOT_FOUND),
        (Reason::MethodNeedsPost, StatusCode::METHOD_NOT_ALLOWED),
        (Reason::ContentTypeUnknown, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    if let Some((_, status)) = own.iter().find(|(known, _)| known.as_str() == reason) {
        return *status;
    }
    match of {
        Code::Ok => StatusCode::OK,
        // 499, which no standard names: the caller has closed the request.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
