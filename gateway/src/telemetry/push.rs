//! The metrics of Prometheus, sent to a collector as OTLP. There is one source of truth: what a scrape would show is what
//! is sent.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus::proto::{LabelPair, Metric as Series, MetricFamily, MetricType};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::{FLUSH, Metrics, SERVICE, TelemetryError};
use crate::clock::Clock;

/// How often metrics are sent.
const EVERY: Duration = Duration::from_secs(15);

/// Names that differ between Prometheus and the OpenTelemetry conventions; all others are the same.
const CONVENTIONS: [(&str, &str); 5] = [
    ("rpc_server_call_duration_seconds", "rpc.server.call.duration"),
    ("rpc_system_name", "rpc.system.name"),
    ("rpc_method", "rpc.method"),
    ("rpc_response_status_code", "rpc.response.status_code"),
    ("error_type", "error.type"),
];

/// Sends metrics until it is stopped.
#[derive(Debug)]
pub(super) struct Push {
    stop: CancellationToken,
    sending: JoinHandle<()>,
}

impl Push {
    /// Sends to the collector at `address` from now on. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`TelemetryError::Collector`] where the address is none.
    pub(super) fn start(address: &str, metrics: Arc<Metrics>, clock: Arc<dyn Clock>) -> Result<Self, TelemetryError> {
        let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|_| TelemetryError::Collector)?;
        let client = MetricsServiceClient::new(endpoint.timeout(FLUSH).connect_timeout(FLUSH).connect_lazy());
        let stop = CancellationToken::new();
        let sending = tokio::spawn(send_all(client, metrics, clock, stop.clone()));
        Ok(Self { stop, sending })
    }

    /// Sends what there is once more, and ends.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        if let Err(error) = self.sending.await {
            tracing::warn!(%error, "the last metrics could not be sent");
        }
    }
}

async fn send_all(
    mut client: MetricsServiceClient<Channel>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let since = clock.now();
    let mut failed = false;
    loop {
        let ends = tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok();
        let sent = client.export(request(&metrics.gather(), since, clock.now())).await;
        tell(sent.err(), &mut failed);
        if ends {
            return;
        }
    }
}

/// Says once that the collector takes nothing, and once that it does again.
fn tell(error: Option<Status>, failed: &mut bool) {
    match error {
        Some(status) if !*failed => tracing::warn!(error = status.message(), "metrics cannot be sent"),
        None if *failed => tracing::info!("metrics are sent again"),
        _ => return,
    }
    *failed = !*failed;
}

/// Everything that is known at `now`, counted from `since` on.
fn request(families: &[MetricFamily], since: Timestamp, now: Timestamp) -> ExportMetricsServiceRequest {
    let span = Span { since: nanoseconds(since), now: nanoseconds(now) };
    let scope = InstrumentationScope {
        name: SERVICE.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    };
    let metrics = families.iter().filter_map(|family| span.metric(family)).collect();
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() }];
    let resource = Resource { attributes: vec![attribute("service.name", SERVICE)], ..Resource::default() };
    let resource_metrics = vec![ResourceMetrics { resource: Some(resource), scope_metrics, schema_url: String::new() }];
    ExportMetricsServiceRequest { resource_metrics }
}

/// The time for which counts stand, in nanoseconds since 1970.
struct Span {
    since: u64,
    now: u64,
}

impl Span {
    /// `None` for a kind that the registry has none of.
    fn metric(&self, family: &MetricFamily) -> Option<Metric> {
        const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
        let series = family.get_metric().iter();
        let data = match family.get_field_type() {
            MetricType::COUNTER => Data::Sum(Sum {
                data_points: series.map(|of| self.number(of, of.get_counter().get_value())).collect(),
                aggregation_temporality: CUMULATIVE,
                is_monotonic: true,
            }),
            MetricType::GAUGE => Data::Gauge(Gauge {
                data_points: series.map(|of| self.number(of, of.get_gauge().get_value())).collect(),
            }),
            MetricType::HISTOGRAM => Data::Histogram(Histogram {
                data_points: series.map(|of| self.histogram(of)).collect(),
                aggregation_temporality: CUMULATIVE,
            }),
            _ => return None,
        };
        let unit = if family.name().ends_with("_seconds") { "s" } else { "" };
        Some(Metric {
            name: by_convention(family.name()).into(),
            description: family.help().into(),
            unit: unit.into(),
            data: Some(data),
            ..Metric::default()
        })
    }

    fn number(&self, series: &Series, value: f64) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(series.get_label()),
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            value: Some(Value::AsDouble(value)),
            ..NumberDataPoint::default()
        }
    }

    /// Prometheus counts what is at most a bound, OTLP what lies between two; and OTLP has one count more than bounds.
    fn histogram(&self, series: &Series) -> HistogramDataPoint {
        let histogram = series.get_histogram();
        let cumulative = histogram.get_bucket().iter().map(|bucket| bucket.cumulative_count());
        let up_to = cumulative.clone().chain([histogram.get_sample_count()]);
        let before = std::iter::once(0).chain(cumulative);
        HistogramDataPoint {
            attributes: attributes(series.get_label()),
            start_time_unix_nano: self.since,
            time_unix_nano: self.now,
            count: histogram.get_sample_count(),
            sum: Some(histogram.get_sample_sum()),
            bucket_counts: up_to.zip(before).map(|(up_to, before)| up_to.saturating_sub(before)).collect(),
            explicit_bounds: histogram.get_bucket().iter().map(|bucket| bucket.upper_bound()).collect(),
            ..HistogramDataPoint::default()
        }
    }
}

fn by_convention(name: &str) -> &str {
    CONVENTIONS.iter().find(|(prometheus, _)| *prometheus == name).map_or(name, |(_, convention)| *convention)
}

/// To Prometheus an empty label is an absent one.
fn attributes(labels: &[LabelPair]) -> Vec<KeyValue> {
    let given = labels.iter().filter(|label| !label.value().is_empty());
    given.map(|label| attribute(by_convention(label.name()), label.value())).collect()
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = any_value::Value::StringValue(value.into());
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn point(of: &Metric) -> &HistogramDataPoint {
        match of.data.as_ref().unwrap() {
            Data::Histogram(histogram) => &histogram.data_points[0],
            other => panic!("not a histogram: {other:?}"),
        }
    }

    #[test]
    fn what_is_sent_is_what_a_scrape_shows_by_the_names_of_the_conventions() {
        let metrics = Metrics::new();
        let verify = metrics.methods(["/heyan.v1.VerificationService/Verify".into()]);
        for millis in [1, 60, 60, 99_000] {
            let method = verify.of("/heyan.v1.VerificationService/Verify");
            method.observe(Code::InvalidArgument, Duration::from_millis(millis));
        }
        metrics.count_decision("determination", "", "food-licence");
        let at: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        let sent = request(&metrics.gather(), at, at + Duration::from_secs(1));
        let sent = &sent.resource_metrics[0].scope_metrics[0].metrics;
        let named = |name: &str| sent.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}"));

        let calls = named("rpc.server.call.duration");
        assert_eq!(calls.unit, "s");
        let point = point(calls);
        assert_eq!((point.count, point.explicit_bounds.len(), point.bucket_counts.len()), (4, 14, 15));
        assert_eq!((point.bucket_counts[0], point.bucket_counts[4], point.bucket_counts[14]), (1, 2, 1));
        assert_eq!(point.time_unix_nano - point.start_time_unix_nano, 1_000_000_000);
        let attributes: Vec<&str> = point.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        // A bad argument is no error of the server, so there is no `error.type`.
        assert_eq!(attributes, ["rpc.method", "rpc.response.status_code", "rpc.system.name"]);

        let Some(Data::Sum(decisions)) = &named("heyan_decisions_total").data else { panic!("not a sum") };
        assert!(decisions.is_monotonic);
        assert_eq!(decisions.data_points[0].value, Some(Value::AsDouble(1.0)));
    }
}
