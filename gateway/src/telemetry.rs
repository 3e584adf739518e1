//! What the gateway tells its operator: JSON log lines on standard error, traces over OTLP when configured, and metrics.
//!
//! No line, span or label ever carries a subject, a case, an official or a value: only ids that the directory or the
//! gateway itself has made.

mod calls;
mod fields;
mod metrics;
mod push;
mod span;
#[cfg(test)]
mod tests;
mod traceparent;

use std::sync::Arc;
use std::time::Duration;

use self::push::Push;
use crate::clock::Clock;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

pub(crate) use calls::{MethodMeter, MethodMeters};
use fields::SpanFields;
pub(crate) use metrics::CacheOutcome;
pub use metrics::{AuditMetrics, DepartmentMeter, Metrics};
pub(crate) use span::{end_span, name_span};
pub use traceparent::{Traceparent, current_traceparent};
pub(crate) use traceparent::{adopt, carrying};

/// The name under which a collector knows the gateway.
const SERVICE: &str = "heyan";

/// How long the end of the process may wait for the collector.
const FLUSH: Duration = Duration::from_secs(5);

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error("the variable `HEYAN_LOG`, or else `telemetry.log`, is not a filter such as `info` or `info,heyan=debug`")]
    Filter,
    /// The collector's address cannot be used.
    #[error(
        "`telemetry.otlp` must be an `http://` address of a collector that speaks OTLP over gRPC, such as `http://127.0.0.1:4317`"
    )]
    Collector,
    /// Something else in this process already takes the log lines.
    #[error("telemetry was already started in this process")]
    Started,
}

/// Telemetry that runs. [`Telemetry::finish`] sends what is not sent yet.
#[derive(Debug)]
#[must_use = "spans that are not sent yet are lost unless `finish` is called"]
pub struct Telemetry {
    collector: Option<String>,
    traces: Option<SdkTracerProvider>,
    metrics: Option<Push>,
}

/// Starts log lines and, where a collector is named, traces; [`Telemetry::send`] adds metrics. With a collector it must be called inside a tokio runtime.
///
/// # Errors
/// [`TelemetryError`] names the setting that cannot be used.
pub fn start(log: &str, otlp: Option<&str>) -> Result<Telemetry, TelemetryError> {
    let filter = filter(log)?;
    let traces = otlp.map(exporter).transpose()?;
    let spans = traces.as_ref().map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("heyan")));
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(may_be_said))
        .with(spans)
        .with(lines(std::io::stderr))
        .try_init()
        .map_err(|_| TelemetryError::Started)?;
    log_panics_without_their_message();
    Ok(Telemetry { collector: otlp.map(str::to_owned), traces, metrics: None })
}

/// Log lines, a JSON object each, with the fields of the span that is open.
fn lines<S, W>(to: W) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .fmt_fields(SpanFields)
        .with_writer(to)
}

impl Telemetry {
    /// Sends these metrics to the collector from now on, where one is named.
    ///
    /// # Errors
    /// [`TelemetryError::Collector`] where its address is none.
    pub fn send(&mut self, metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Result<(), TelemetryError> {
        if let Some(collector) = &self.collector {
            self.metrics = Some(Push::start(collector, metrics, clock)?);
        }
        Ok(())
    }

    /// Sends the spans that are not sent yet and the metrics once more, for at most five seconds each.
    pub async fn finish(self) {
        if let Some(metrics) = self.metrics {
            metrics.finish().await;
        }
        let Some(traces) = self.traces else { return };
        // The exporter's own thread does the work and needs this runtime meanwhile, so it is awaited off the runtime.
        match tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(FLUSH)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces could not be sent"),
            Err(error) => tracing::warn!(%error, "the last traces could not be sent"),
        }
    }
}

/// Whether a log filter can be read.
pub(crate) fn check_filter(log: &str) -> Result<(), &'static str> {
    filter(log).map(drop).map_err(|_| "must be a filter such as `info` or `info,heyan=debug`")
}

fn filter(log: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder().parse(log).map_err(|_| TelemetryError::Filter)
}

/// Whether a line may be written at all. Debug lines of libraries show headers, frames and values; they stay at `info`
/// whatever the filter says, also where it names a module of theirs.
fn may_be_said(of: &Metadata<'_>) -> bool {
    *of.level() <= Level::INFO || of.target().starts_with("heyan")
}

fn exporter(address: &str) -> Result<SdkTracerProvider, TelemetryError> {
    if !address.starts_with("http://") {
        return Err(TelemetryError::Collector);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(address)
        .with_timeout(FLUSH)
        .build()
        .map_err(|_| TelemetryError::Collector)?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder_empty().with_service_name(SERVICE).build())
        .build())
}

/// A panic's message may quote what was being worked on, so its place alone is logged.
fn log_panics_without_their_message() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}
