//! Counts and durations for Prometheus. Labels are words of closed lists and ids of the directory, never a subject, a case
//! or an official.

mod audit;
mod departments;
mod registering;

use std::fmt;
use std::sync::Arc;

use heyan_proto::vocabulary::DepartmentId;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};

pub use self::audit::AuditMetrics;
pub use self::departments::DepartmentMeter;
use self::departments::DepartmentMetrics;
use self::registering::Registering;
use super::calls::{self, MethodMeters};

/// Upper bounds in seconds, those of the OpenTelemetry RPC conventions.
const BUCKETS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// What became of a question that an earlier answer might have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheOutcome {
    /// An earlier answer was used.
    Hit,
    /// The department was asked.
    Miss,
    /// The department was being asked the same already.
    FlightJoined,
}

/// The metrics of one gateway, each behind a method that fixes its labels.
pub struct Metrics {
    registry: Registry,
    calls: HistogramVec,
    in_flight: IntGauge,
    shed: IntCounter,
    shed_of_caller: IntCounter,
    connections_ended: IntCounterVec,
    panics: IntCounter,
    connections: IntGauge,
    handshake_failures: IntCounterVec,
    identity_failures: IntCounterVec,
    decisions: IntCounterVec,
    /// In the order of [`CacheOutcome`].
    cache: [IntCounter; 3],
    departments: DepartmentMetrics,
    audit: AuditMetrics,
    ready: IntGauge,
    certificate_end: IntGaugeVec,
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
        let connections_ended = made.counters(
            "heyan_connections_ended_total",
            "Connections that the gateway ended: age, idle, no_request, reply_not_taken, stopping.",
            &["reason"],
        );
        for reason in ["age", "idle", "no_request", "reply_not_taken", "stopping"] {
            // Shown from the start: a rate of what is absent is no rate.
            connections_ended.with_label_values(&[reason]).reset();
        }
        Self {
            calls: made.histograms(
                "rpc_server_call_duration_seconds",
                "How long calls took, by method and final status; a refusal is an OK answer.",
                &BUCKETS,
                &calls::LABELS,
            ),
            in_flight: made.gauge("heyan_calls_in_flight", "Calls in work now."),
            shed: made.counter("heyan_calls_shed_total", "Calls refused at once because too many were in work."),
            shed_of_caller: made.counter(
                "heyan_calls_shed_of_caller_total",
                "Those of the calls refused at once whose caller had too many in work (`limits.in_flight_per_caller`).",
            ),
            connections_ended,
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
                "Answers given: determination, refusal and undetermined with their reason, validation, and recorded for \
                 the repetition of an earlier answer; what was found is not told.",
                &["decision", "reason", "result_type"],
            ),
            // Each is there from the start: a rate of what is absent is no rate.
            cache: ["hit", "miss", "flight_joined"].map(|outcome| cache.with_label_values(&[outcome])),
            departments: DepartmentMetrics::new(&made),
            audit: AuditMetrics::new(&made),
            ready: made.gauge("heyan_ready", "1 while questions can be answered, as /readyz says."),
            certificate_end: made.gauges(
                "heyan_certificate_not_after_seconds",
                "When the gateway's own certificate and the authorities of its callers end, in seconds since 1970.",
                &["certificate"],
            ),
            registry: made.0,
        }
    }

    /// One answer was given. The words come from closed lists of the vocabulary, the result type from the directory.
    pub fn count_decision(&self, decision: &'static str, reason: &'static str, result_type: &str) {
        self.decisions.with_label_values(&[decision, reason, result_type]).inc();
    }

    pub(crate) fn count_cache(&self, outcome: CacheOutcome) {
        self.cache[outcome as usize].inc();
    }

    /// What is counted of one department.
    pub fn department(&self, department: &DepartmentId) -> DepartmentMeter {
        self.departments.of(department)
    }

    /// Whether a department runs on its previous file because the newest one is bad.
    pub fn set_stale(&self, department: &DepartmentId, stale: bool) {
        self.departments.stale.with_label_values(&[department.as_str()]).set(stale.into());
    }

    /// Whether a department is not asked at all because it has failed too often.
    pub fn set_breaker(&self, department: &DepartmentId, open: bool) {
        self.departments.breaker_open.with_label_values(&[department.as_str()]).set(open.into());
    }

    /// A look-up is tried again at a department.
    pub fn count_retry(&self, department: &DepartmentId) {
        self.departments.retries.with_label_values(&[department.as_str()]).inc();
    }

    /// Forgets a department that is no longer in the directory.
    pub fn forget_department(&self, department: &DepartmentId) {
        self.departments.forget(department);
    }

    /// What is counted of the audit log.
    pub fn audit(&self) -> &AuditMetrics {
        &self.audit
    }

    /// When a certificate ends: the gateway's own, or the first to end among the authorities of its callers.
    pub fn set_certificate_end(&self, certificate: &'static str, at: jiff::Timestamp) {
        self.certificate_end.with_label_values(&[certificate]).set(at.as_second());
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

    pub(crate) fn count_shed(&self, is_callers_own_doing: bool) {
        self.shed.inc();
        self.shed_of_caller.inc_by(is_callers_own_doing.into());
    }

    pub(crate) fn count_connection_ended(&self, reason: &'static str) {
        self.connections_ended.with_label_values(&[reason]).inc();
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

    /// The methods of these paths, each with the durations of its calls.
    pub(crate) fn methods(&self, paths: impl IntoIterator<Item = String>) -> MethodMeters {
        MethodMeters::new(paths, &self.calls)
    }

    /// All metrics, for another form than that of Prometheus.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
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
