//! The trace context of W3C, level 1: taken from the caller, handed on to departments.

use std::sync::Arc;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

tokio::task_local! {
    static CARRIED: Option<Traceparent>;
}

/// A well-formed `traceparent` header: `00-<trace id>-<parent id>-<flags>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceparent(Arc<str>);

impl Traceparent {
    /// Accepts version 00 as written in lowercase; anything else is no trace context, and is ignored as W3C says.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, parent, flags] = parts[..] else { return None };
        let hex =
            |text: &str, digits| text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let given = |text: &str| text.bytes().any(|b| b != b'0');
        let fits =
            version == "00" && hex(trace, 32) && given(trace) && hex(parent, 16) && given(parent) && hex(flags, 2);
        fits.then(|| Self(text.into()))
    }

    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn context(&self) -> Option<SpanContext> {
        let trace = TraceId::from_hex(self.0.get(3..35)?).ok()?;
        let parent = SpanId::from_hex(self.0.get(36..52)?).ok()?;
        let flags = u8::from_str_radix(self.0.get(53..55)?, 16).ok()?;
        Some(SpanContext::new(trace, parent, TraceFlags::new(flags), true, TraceState::default()))
    }
}

/// What a department is to be told: the span that is open now where traces are collected, else what the caller sent.
pub fn current_traceparent() -> Option<Traceparent> {
    let context = tracing::Span::current().context();
    let span = context.span().span_context().clone();
    if span.is_valid() {
        let text = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8());
        return Some(Traceparent(text.into()));
    }
    CARRIED.try_with(Clone::clone).ok().flatten()
}

/// Makes the caller's span the parent of `span`. Without a collector this does nothing.
pub(crate) fn adopt(span: &tracing::Span, parent: &Traceparent) {
    if let Some(parent) = parent.context() {
        let context = opentelemetry::Context::new().with_remote_span_context(parent);
        // It fails only where no layer collects traces, and then there is no parent to set.
        drop(span.set_parent(context));
    }
}

/// Runs `work` with the caller's trace context at hand for [`current_traceparent`].
pub(crate) async fn carrying<F: Future>(parent: Option<Traceparent>, work: F) -> F::Output {
    CARRIED.scope(parent, work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_version_00_with_ids_that_are_not_zero_is_accepted() {
        assert_eq!(Traceparent::parse(SENT).unwrap().as_str(), SENT);
        for bad in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(Traceparent::parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn without_a_collector_the_callers_own_is_handed_on() {
        let sent = Traceparent::parse(SENT);
        assert_eq!(carrying(sent.clone(), async { current_traceparent() }).await, sent);
        assert_eq!(carrying(None, async { current_traceparent() }).await, None);
        assert_eq!(current_traceparent(), None);
    }
}
