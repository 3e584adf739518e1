//! Plain JSON: methods called by POST as the Connect protocol writes unary calls, for those who have no gRPC.
//!
//! Two layers lie around the same layers that gRPC calls pass. [`translate`], the outermost, makes the reply of the gRPC services
//! one of the Connect protocol. [`read_request`], the innermost, reads the body: by then the call has a decision id, a caller, a
//! place among those in work and a deadline. The services see the message in its binary form and nothing of JSON.

mod expected;
mod methods;
mod read;
mod reply;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::BodyExt as _;

pub(super) use methods::{Methods, Served};
pub use read::read_document;
pub(super) use reply::CODES;

use super::fault::{Fault, Language};
use super::pace::TOO_SLOW;

/// The version of the Connect protocol that is spoken, where a request names one.
const PROTOCOL_VERSION: &[u8] = b"1";

/// How the message of a request and of its reply is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Json,
    /// The binary form of protobuf, which some Connect clients send.
    Proto,
}

impl Codec {
    /// The codec that a content type names; JSON is UTF-8 whether it says so or not.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let (essence, parameters) = content.split_once(';').unwrap_or((content, ""));
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/proto" => Some(Self::Proto),
            "application/json" => {
                let mut parameters = parameters.split(';').map(str::trim).filter(|parameter| !parameter.is_empty());
                let is_utf8 = |parameter: &str| {
                    let parameter = parameter.to_ascii_lowercase();
                    parameter.strip_prefix("charset=").is_none_or(|set| set.trim_matches('"') == "utf-8")
                };
                parameters.all(is_utf8).then_some(Self::Json)
            }
            _ => None,
        }
    }
}

/// The outermost layer: a call of the Connect protocol goes in, its reply comes out.
pub(super) async fn translate(State(methods): State<Arc<Methods>>, mut request: Request, next: Next) -> Response {
    let codec = Codec::of(request.headers()).unwrap_or(Codec::Json);
    let language = Language::of(request.headers());
    let path = request.uri().path().to_owned();
    carry_timeout(request.headers_mut());
    let reply = next.run(request).await;
    reply::of(reply, methods.served(&path), codec, &methods, language).await
}

/// Writes the deadline as gRPC does, and takes away what speaks of gRPC and was not meant.
fn carry_timeout(headers: &mut HeaderMap) {
    let grpc: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with("grpc-")).cloned().collect();
    for name in grpc {
        headers.remove(name);
    }
    let Some(asked) = headers.get("connect-timeout-ms") else { return };
    // No deadline reaches 99,999,999 ms, 27 hours, so what is cut there is not missed.
    let milliseconds = asked
        .to_str()
        .ok()
        .filter(|digits| (1..=10).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()));
    let milliseconds = milliseconds.and_then(|digits| digits.parse::<u64>().ok()).map(|asked| asked.min(99_999_999));
    let written = milliseconds.map_or_else(|| "malformed".to_owned(), |asked| format!("{asked}m"));
    headers.insert("grpc-timeout", HeaderValue::try_from(written).expect("letters and digits are a header value"));
}

/// What requests are read by: the methods, and the largest message, in bytes.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) methods: Arc<Methods>,
    pub(super) message_max: usize,
}

/// The innermost layer: the body becomes the message that the service reads, or the call is refused.
pub(super) async fn read_request(State(reading): State<Reading>, request: Request, next: Next) -> Response {
    match to_grpc(&reading, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal,
    }
}

async fn to_grpc(Reading { methods, message_max }: &Reading, request: Request) -> Result<Request, Response> {
    let (served, codec, encoding) = called(methods, &request).map_err(Fault::mark)?;
    let (mut parts, body) = request.into_parts();
    let body = collect(body, *message_max).await.map_err(Fault::mark)?;
    let body = match encoding {
        Encoding::Identity => body,
        Encoding::Gzip => unpack(&body, *message_max).map_err(Fault::mark)?,
    };
    let message = match codec {
        Codec::Proto => body,
        Codec::Json => match read::message(served.input(), &body) {
            Ok(message) => message.into(),
            Err(misread) => return Err(misread.refuse(&parts.extensions)),
        },
    };
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(Request::from_parts(parts, Body::from(framed(&message))))
}

/// How the body of a request is compressed.
enum Encoding {
    Identity,
    Gzip,
}

/// The method that is called, and how its message is written; or why it cannot be called so.
fn called<'a>(methods: &'a Methods, request: &Request) -> Result<(&'a Served, Codec, Encoding), Fault> {
    let path = request.uri().path();
    let Some(served) = methods.served(path) else {
        return Err(if methods.needs_grpc(path) { Fault::NeedsGrpc } else { Fault::MethodUnknown });
    };
    if request.method() != Method::POST {
        return Err(Fault::NotPost);
    }
    let headers = request.headers();
    let codec = Codec::of(headers).ok_or(Fault::ContentTypeUnknown)?;
    if headers.get("connect-protocol-version").is_some_and(|version| version.as_bytes() != PROTOCOL_VERSION) {
        return Err(Fault::MessageInvalid);
    }
    let encoding = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Encoding::Identity,
        Some(b"gzip") => Encoding::Gzip,
        Some(_) => return Err(Fault::EncodingUnknown),
    };
    Ok((served, codec, encoding))
}

/// The whole body, of at most `max` bytes.
async fn collect(mut body: Body, max: usize) -> Result<Bytes, Fault> {
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        if collected.len() + data.len() > max {
            return Err(Fault::MessageTooLarge);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.into())
}

/// What an error of a body means.
fn broken(error: &axum::Error) -> Fault {
    if error.to_string().contains(TOO_SLOW) { Fault::RequestTooSlow } else { Fault::MessageInvalid }
}

/// A body out of gzip; what would unfold to more than `max` bytes is refused.
fn unpack(packed: &[u8], max: usize) -> Result<Bytes, Fault> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed).take(limit).read_to_end(&mut unpacked).map_err(|_| Fault::MessageInvalid)?;
    if unpacked.len() > max { Err(Fault::MessageTooLarge) } else { Ok(unpacked.into()) }
}

/// A message as gRPC frames it: not compressed, four bytes of length, itself.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("`limits.message_bytes` bounds a message");
    let mut framed = Vec::with_capacity(FRAME + message.len());
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// The bytes before a framed message.
const FRAME: usize = 5;
