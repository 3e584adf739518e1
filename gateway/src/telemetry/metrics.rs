//! Counts and durations for Prometheus. Labels are words of closed lists and ids of the directory, never a subject, a case
//! or an official.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use heyan_proto::vocabulary::DepartmentId;
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use tonic::Code;

/// The method label of calls to methods that do not exist, so that callers cannot make labels.
const OTHER: &str = "_OTHER";

/// Upper bounds in seconds, those of the OpenTelemetry RPC conventions.
const BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The metrics of one gateway, each behind a method that fixes its labels.
pub struct Metrics {
    registry: Registry,
    calls: HistogramVec,
    in_flight: IntGauge,
    shed: IntCounter,
    panics: IntCounter,
    connections: IntGauge,
    handshake_failures: IntCounterVec,
    identity_failures: IntCounterVec,
    decisions: IntCounterVec,
    cache: IntCounterVec,
    stale: IntGaugeVec,
    breaker_open: IntGaugeVec,
    retries: IntCounterVec,
    ready: IntGauge,
    certificate_end: IntGauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that stand at zero.
    pub fn new() -> Self {
        let made = Registering(Registry::new());
        let build = made.gauges("heyan_build_info", "The version that runs; the value is always 1.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let cache = made.counters(
            "heyan_cache_total",
            "Questions that could be answered from an earlier answer: hit; miss, when the department was asked; \
             flight_joined, when it was being asked the same already.",
            &["outcome"],
        );
        for outcome in ["hit", "miss", "flight_joined"] {
            // Shown from the start: a rate of what is absent is no rate.
            cache.with_label_values(&[outcome]).reset();
        }
        Self {
            calls: made.calls(),
            in_flight: made.gauge("heyan_calls_in_flight", "Calls in work now."),
            shed: made.counter("heyan_calls_shed_total", "Calls refused at once because too many were in work."),
            panics: made.counter("heyan_panics_total", "Calls that ended in a fault of the gateway's own code."),
            connections: made.gauge("heyan_connections", "Open connections on the service port."),
            handshake_failures: made.counters(
                "heyan_handshake_failures_total",
                "Connections refused before their first call.",
                &["reason"],
            ),
            identity_failures: made.counters(
                "heyan_identity_failures_total",
                "Calls refused because their certificate names no caller.",
                &["reason"],
            ),
            decisions: made.counters(
                "heyan_decisions_total",
                "Answers given: determination by its finding, refusal and undetermined by their cause.",
                &["answer", "cause"],
            ),
            cache,
            stale: made.gauges(
                "heyan_adapter_config_stale",
                "1 while the newest file of a department is bad and its previous one is in force.",
                &["department"],
            ),
            breaker_open: made.gauges(
                "heyan_department_breaker_open",
                "1 while a department is not asked because it has failed too often.",
                &["department"],
            ),
            retries: made.counters(
                "heyan_department_retries_total",
                "Look-ups that were tried again at a department.",
                &["department"],
            ),
            ready: made.gauge("heyan_ready", "1 while questions can be answered, as /readyz says."),
            certificate_end: made.gauge(
                "heyan_certificate_not_after_seconds",
                "When the gateway's own certificate ends, in seconds since 1970.",
            ),
            registry: made.0,
        }
    }

    /// One answer was given. Both words come from closed lists of the vocabulary.
    pub fn count_decision(&self, answer: &'static str, cause: &'static str) {
        self.decisions.with_label_values(&[answer, cause]).inc();
    }

    pub(crate) fn count_cache(&self, outcome: &'static str) {
        self.cache.with_label_values(&[outcome]).inc();
    }

    /// Whether a department runs on its previous file because the newest one is bad.
    pub fn set_stale(&self, department: &DepartmentId, stale: bool) {
        self.stale.with_label_values(&[department.as_str()]).set(stale.into());
    }

    /// Whether a department is not asked at all because it has failed too often.
    pub fn set_breaker(&self, department: &DepartmentId, open: bool) {
        self.breaker_open.with_label_values(&[department.as_str()]).set(open.into());
    }

    /// A look-up is tried again at a department.
    pub fn count_retry(&self, department: &DepartmentId) {
        self.retries.with_label_values(&[department.as_str()]).inc();
    }

    /// Forgets a department that is no longer in the directory.
    pub fn forget_department(&self, department: &DepartmentId) {
        // It fails only where the department was never named, and then there is nothing to forget.
        drop(self.stale.remove_label_values(&[department.as_str()]));
        drop(self.breaker_open.remove_label_values(&[department.as_str()]));
        drop(self.retries.remove_label_values(&[department.as_str()]));
    }

    /// When the gateway's own certificate ends.
    pub fn set_certificate_end(&self, at: jiff::Timestamp) {
        self.certificate_end.set(at.as_second());
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.set(ready.into());
    }

    pub(crate) fn count_handshake_failure(&self, reason: &'static str) {
        self.handshake_failures.with_label_values(&[reason]).inc();
    }

    pub(crate) fn count_identity_failure(&self, reason: &'static str) {
        self.identity_failures.with_label_values(&[reason]).inc();
    }

    pub(crate) fn count_shed(&self) {
        self.shed.inc();
    }

    pub(crate) fn count_panic(&self) {
        self.panics.inc();
    }

    pub(crate) fn connection(self: &Arc<Self>) -> impl Drop + Send + 'static {
        Counted::up(self.connections.clone())
    }

    pub(crate) fn call(&self) -> impl Drop + Send + 'static {
        Counted::up(self.in_flight.clone())
    }

    pub(crate) fn observe_call(&self, method: &str, status: Code, took: Duration) {
        self.calls.with_label_values(&[method, code_name(status)]).observe(took.as_secs_f64());
    }

    /// All metrics in the text format of Prometheus.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .expect("families of one registry are well formed, and writing to memory does not fail");
        text
    }
}

/// A gauge that is one higher for as long as this lives.
struct Counted(IntGauge);

impl Counted {
    fn up(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The method labels that exist: one for each method of the services, by the path of a call.
#[derive(Debug, Clone)]
pub(crate) struct MethodLabels(Arc<HashMap<String, Arc<str>>>);

impl MethodLabels {
    /// From paths such as `/heyan.v1.VerificationService/Verify`.
    pub(crate) fn of_paths(paths: impl IntoIterator<Item = String>) -> Self {
        let label = |path: String| (path.clone(), path.trim_start_matches('/').into());
        Self(Arc::new(paths.into_iter().map(label).collect()))
    }

    pub(crate) fn label(&self, path: &str) -> Arc<str> {
        self.0.get(path).map_or_else(|| OTHER.into(), Clone::clone)
    }
}

/// The name of a status code as the gRPC specification writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

const FIXED: &str = "names and labels are constants of this file, valid and distinct";

/// Makes metrics and registers them.
struct Registering(Registry);

impl Registering {
    fn keep<C: prometheus::core::Collector + Clone + 'static>(&self, metric: C) -> C {
        self.0.register(Box::new(metric.clone())).expect(FIXED);
        metric
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help).expect(FIXED))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels).expect(FIXED))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help).expect(FIXED))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels).expect(FIXED))
    }

    fn calls(&self) -> HistogramVec {
        let help = "How long calls took, by method and final status; a refusal is an OK answer.";
        let opts = HistogramOpts::new("rpc_server_call_duration_seconds", help).buckets(BUCKETS.to_vec());
        self.keep(HistogramVec::new(opts, &["rpc_method", "rpc_status_code"]).expect(FIXED))
    }
}
