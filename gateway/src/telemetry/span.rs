//! What a span of a call says by the OpenTelemetry conventions for RPC, beyond what the log says as well.

use opentelemetry::KeyValue;
use opentelemetry::trace::{Status, TraceContextExt as _};
use tonic::Code;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::calls::{MethodMeter, SYSTEM, code_name, error_type};

/// Names the span of a call by its method. Without a collector this does nothing.
pub(crate) fn name_span(span: &Span, method: &MethodMeter) {
    let context = span.context();
    let span = context.span();
    if span.span_context().is_valid() {
        span.update_name(method.span_name().to_owned());
        span.set_attribute(KeyValue::new("rpc.system.name", SYSTEM));
    }
}

/// The call has ended. An error of the server is the span's status; a refusal and a bad argument are none.
pub(crate) fn end_span(span: &Span, status: Code) {
    span.record("rpc.response.status_code", code_name(status));
    if let Some(error) = error_type(status) {
        span.record("error.type", error);
        span.set_status(Status::error(""));
    }
}
