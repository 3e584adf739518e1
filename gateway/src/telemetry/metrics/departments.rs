//! What is asked of departments, in numbers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use heyan_proto::vocabulary::{DepartmentId, ResultTypeId};
use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

use super::registering::Registering;
use super::{BUCKETS, Counted};

const DEPARTMENT: &str = "department";

/// The metrics of all departments.
#[derive(Debug, Clone)]
pub(super) struct DepartmentMetrics {
    calls: HistogramVec,
    in_flight: IntGaugeVec,
    up: IntGaugeVec,
    pub(super) stale: IntGaugeVec,
    pub(super) breaker_open: IntGaugeVec,
    pub(super) retries: IntCounterVec,
}

impl DepartmentMetrics {
    pub(super) fn new(made: &Registering) -> Self {
        Self {
            calls: made.histograms(
                "heyan_department_call_duration_seconds",
                "How long departments took to answer a look-up, waiting for a turn included; what they hold is not told.",
                &BUCKETS,
                &[DEPARTMENT, "result_type", "result"],
            ),
            in_flight: made.gauges(
                "heyan_department_calls_in_flight",
                "Look-ups that a department is asked now, or that wait for a turn.",
                &[DEPARTMENT],
            ),
            up: made.gauges(
                "heyan_department_up",
                "1 while a department can be asked, by its last answers and by a check that asks about nobody.",
                &[DEPARTMENT],
            ),
            stale: made.gauges(
                "heyan_adapter_config_stale",
                "1 while the newest file of a department is bad and its previous one is in force.",
                &[DEPARTMENT],
            ),
            breaker_open: made.gauges(
                "heyan_department_breaker_open",
                "1 while a department is not asked because it has failed too often.",
                &[DEPARTMENT],
            ),
            retries: made.counters(
                "heyan_department_retries_total",
                "Look-ups that were tried again at a department.",
                &[DEPARTMENT],
            ),
        }
    }

    pub(super) fn of(&self, department: &DepartmentId) -> DepartmentMeter {
        let id: Arc<str> = department.as_str().into();
        // Shown from the start: a rate of what is absent is no rate.
        self.breaker_open.with_label_values(&[&*id]);
        self.retries.with_label_values(&[&*id]);
        DepartmentMeter {
            in_flight: self.in_flight.with_label_values(&[&*id]),
            calls: self.calls.clone(),
            up: self.up.clone(),
            id,
        }
    }

    pub(super) fn forget(&self, department: &DepartmentId) {
        let id = department.as_str();
        forget(&self.calls, id);
        forget(&self.in_flight, id);
        forget(&self.up, id);
        forget(&self.stale, id);
        forget(&self.breaker_open, id);
        forget(&self.retries, id);
    }
}

/// Removes every series of a department.
fn forget<B: MetricVecBuilder>(metrics: &MetricVec<B>, department: &str) {
    let families = metrics.collect();
    for metric in families.iter().flat_map(|family| family.get_metric()) {
        let labels: HashMap<&str, &str> =
            metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
        if labels.get(DEPARTMENT) == Some(&department) {
            // It fails only where the series is gone already.
            drop(metrics.remove(&labels));
        }
    }
}

/// The metrics of one department, found once.
#[derive(Debug, Clone)]
pub struct DepartmentMeter {
    id: Arc<str>,
    in_flight: IntGauge,
    calls: HistogramVec,
    up: IntGaugeVec,
}

impl DepartmentMeter {
    /// A look-up is under way for as long as the result lives.
    pub(crate) fn look_up(&self) -> impl Drop + Send + 'static {
        Counted::up(self.in_flight.clone())
    }

    /// A look-up has ended. `result` is a word of a closed list, and never says what is held.
    pub(crate) fn observe(&self, result_type: &ResultTypeId, result: &'static str, took: Duration) {
        let of = self.calls.with_label_values(&[&*self.id, result_type.as_str(), result]);
        of.observe(took.as_secs_f64());
    }

    /// Whether the department can be asked.
    pub(crate) fn set_up(&self, up: bool) {
        self.up.with_label_values(&[&*self.id]).set(up.into());
    }
}
