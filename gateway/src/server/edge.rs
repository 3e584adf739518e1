//! The outermost layer of a call: its decision id, its span, its metrics, and the form of its errors.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use tonic::{Code, Status};
use tracing::Instrument as _;
use tracing::Span;
use tracing::field::Empty;

use super::decision::{DECISION_HEADER, DecisionId};
use super::fault::{Fault, Language};
use super::layers::Next;
use crate::clock::{self, Clock};
use crate::telemetry::{self, MethodMeter, MethodMeters, Metrics, Traceparent};

/// What the edge needs for each call.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) methods: MethodMeters,
}

pub(super) async fn keep_record(edge: &Edge, mut request: Request, next: impl Next) -> Response {
    let decision = DecisionId::new(edge.clock.now());
    let language = Language::of(request.headers());
    let parent = request.headers().get("traceparent").and_then(|value| Traceparent::parse(value.to_str().ok()?));
    let method = edge.methods.of(request.uri().path());
    let span = tracing::info_span!(
        "rpc",
        decision_id = %decision,
        rpc.method = method.name(),
        caller = Empty,
        rpc.response.status_code = Empty,
        error.type = Empty,
        otel.kind = "server"
    );
    if let Some(parent) = &parent {
        telemetry::adopt(&span, parent);
    }
    telemetry::name_span(&span, &method);
    let mut record = Record::begin(edge, method, span.clone());
    request.extensions_mut().insert(decision);
    request.extensions_mut().insert(language);
    let response = telemetry::carrying(parent, next.run(request)).instrument(span).await;
    let mut response = put_into_words(response, decision, language);
    response.headers_mut().insert(DECISION_HEADER, decision.header());
    match code_in(response.headers()) {
        Some(code) => {
            record.status = code;
            response
        }
        None => response.map(|body| Body::new(Recorded { body, record: Some(record) })),
    }
}

/// Every error leaves with a reason: those that the layers have marked, and those that gRPC's machinery makes bare.
fn put_into_words(response: Response, decision: DecisionId, language: Language) -> Response {
    let marked = response.extensions().get::<Fault>().copied();
    let Some(fault) = marked.or_else(|| bare(response.headers())) else { return response };
    let mut worded = fault.status(decision, language).into_http::<Body>();
    if let Some(encodings) = response.headers().get("grpc-accept-encoding") {
        worded.headers_mut().insert("grpc-accept-encoding", encodings.clone());
    }
    worded
}

/// What an error without details means, where gRPC's own machinery has made it.
fn bare(headers: &HeaderMap) -> Option<Fault> {
    if code_in(headers)? == Code::Ok || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return None;
    }
    Fault::of_bare(&Status::from_header_map(headers)?)
}

/// `grpc-status` among headers (an answer of trailers only) or trailers.
fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(HeaderValue::as_bytes).map(Code::from_bytes)
}

/// One call from its first byte to its last. When it is dropped it is measured and logged.
struct Record {
    method: Arc<MethodMeter>,
    span: Span,
    started: Instant,
    /// CANCELLED until something else is known: a call that is dropped was given up by its caller.
    status: Code,
    _in_flight: Box<dyn Send>,
}

impl Record {
    fn begin(edge: &Edge, method: Arc<MethodMeter>, span: Span) -> Self {
        Self {
            method,
            span,
            started: clock::stopwatch(),
            status: Code::Cancelled,
            _in_flight: Box::new(edge.metrics.call()),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        self.method.observe(self.status, took);
        telemetry::end_span(&self.span, self.status);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let _entered = self.span.enter();
        match self.status {
            Code::Ok => tracing::debug!(micros, "answered"),
            Code::Unknown | Code::Internal | Code::DataLoss | Code::Unavailable | Code::DeadlineExceeded => {
                tracing::warn!(micros, "failed");
            }
            _ => tracing::info!(micros, "not answered"),
        }
    }
}

/// A body that ends its call's record with the status in its trailers.
struct Recorded {
    body: Body,
    record: Option<Record>,
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let ended = match &frame {
            Some(Ok(frame)) => frame.trailers_ref().map(|trailers| code_in(trailers).unwrap_or(Code::Unknown)),
            Some(Err(_)) | None => Some(Code::Unknown),
        };
        if let (Some(code), Some(mut record)) = (ended, self.record.take_if(|_| ended.is_some())) {
            record.status = code;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
