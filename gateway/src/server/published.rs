//! What the service port hands out to whoever makes a client: the contract in the forms that tools read. It is the same for every
//! caller and holds nothing about anyone.

mod archive;
mod openapi;

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use heyan_proto::source;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::json::Methods;

/// One thing that is handed out.
struct Document {
    path: &'static str,
    zh: &'static str,
    en: &'static str,
    content_type: &'static str,
    content: Bytes,
}

/// Everything that is handed out, each at its path, and at `/` a list of it. `descriptor` is the encoded file descriptor set.
pub(super) fn router(methods: &Methods, descriptor: &'static [u8]) -> Router {
    let openapi = serde_json::to_vec_pretty(&openapi::of(methods)).expect("a value with text keys can be written");
    let licence = ("LICENSE", source::LICENCE);
    let documents = [
        Document {
            path: "/openapi.json",
            zh: "JSON 接口说明（OpenAPI 3.1）",
            en: "plain JSON, in OpenAPI 3.1",
            content_type: "application/json",
            content: openapi.into(),
        },
        Document {
            path: "/proto.zip",
            zh: "proto 文件，可直接导入",
            en: "the .proto files, to be imported as they are",
            content_type: "application/zip",
            content: archive::of(source::FILES.iter().chain([&licence])).into(),
        },
        Document {
            path: "/descriptor.binpb",
            zh: "上述文件编译后的 FileDescriptorSet",
            en: "the same compiled: an encoded FileDescriptorSet",
            content_type: "application/x-protobuf",
            content: Bytes::from_static(descriptor),
        },
    ];
    let index = Document {
        path: "/",
        zh: "本页",
        en: "this page",
        content_type: "text/plain; charset=utf-8",
        content: index(methods, &documents).into(),
    };
    let all = documents.into_iter().chain([index]);
    all.fold(Router::new(), |router, document| router.route(document.path, page(document)))
}

/// What the port serves, for whoever opens it with a browser or `curl`.
fn index(methods: &Methods, documents: &[Document]) -> String {
    let mut text = "Heyan 核验\n\n本端口提供 gRPC、gRPC-Web 和 JSON（Connect 协议，POST）。\n\
        This port serves gRPC, gRPC-Web and plain JSON (the Connect protocol, by POST).\n\n"
        .to_owned();
    for document in documents {
        text.push_str(&format!("GET  {}  {}; {}\n", document.path, document.zh, document.en));
    }
    for path in methods.all().keys() {
        text.push_str(&format!("POST {path}\n"));
    }
    text
}

/// A document under a tag of its content, so that whoever has it already is told so.
fn page(document: Document) -> MethodRouter {
    let digest = digest::digest(&digest::SHA256, &document.content);
    let tag: String = digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("hexadecimal digits in quotes are a header value");
    let document = Arc::new((document, tag));
    let read_alone =
        async || (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")], "this page is read by GET alone\n");
    get(async move |headers: HeaderMap| hand_out(&document.0, &document.1, &headers)).fallback(read_alone)
}

fn hand_out(document: &Document, tag: &HeaderValue, asked: &HeaderMap) -> Response {
    let headers = [
        (header::ETAG, tag.clone()),
        // It may be kept, and asked about each time: the next release may say something else.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_TYPE, HeaderValue::from_static(document.content_type)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if has(asked, tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, document.content.clone()).into_response()
}

/// Whether the caller says that it has this content (RFC 9110, section 13.1.2).
fn has(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    known.flat_map(|known| known.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}
