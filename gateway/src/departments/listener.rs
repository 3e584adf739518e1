//! What the guards of a department do reaches the log and the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heyan_adapters::{BreakerState, GuardListener};
use heyan_proto::vocabulary::DepartmentId;

use crate::telemetry::Metrics;

/// Listens to the guards of one department, as one declaration connects it.
#[derive(Debug)]
pub(super) struct Listener {
    department: DepartmentId,
    metrics: Arc<Metrics>,
    is_open: AtomicBool,
}

impl Listener {
    pub(super) fn of(department: &DepartmentId, metrics: &Arc<Metrics>) -> Arc<dyn GuardListener> {
        // Shown from the start, also where it never opens.
        metrics.set_breaker(department, false);
        let (department, metrics) = (department.clone(), Arc::clone(metrics));
        Arc::new(Self { department, metrics, is_open: AtomicBool::new(false) })
    }
}

impl GuardListener for Listener {
    fn breaker_moved(&self, from: BreakerState, to: BreakerState) {
        let is_open = to == BreakerState::Open;
        self.is_open.store(is_open, Ordering::Relaxed);
        self.metrics.set_breaker(&self.department, is_open);
        // One line when it goes, one when it is back, none for each trial between.
        match (from, to) {
            (BreakerState::Closed, BreakerState::Open) => {
                tracing::warn!(department = %self.department, "a department fails and is left alone for now");
            }
            (_, BreakerState::Closed) => {
                tracing::info!(department = %self.department, "a department answers again");
            }
            _ => {}
        }
    }

    fn retried(&self) {
        self.metrics.count_retry(&self.department);
    }
}

impl Drop for Listener {
    /// Its declaration is in force no longer, and another breaker stands for the department.
    fn drop(&mut self) {
        if self.is_open.load(Ordering::Relaxed) {
            self.metrics.set_breaker(&self.department, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use BreakerState::{Closed, Open, Trial};

    use super::*;

    #[test]
    fn the_metric_says_whether_the_department_is_left_alone_until_its_declaration_is_gone() {
        let (department, metrics) = (DepartmentId::parse("tax").unwrap(), Arc::new(Metrics::new()));
        let is_open = || {
            let page = String::from_utf8(metrics.render()).unwrap();
            let mut lines = page.lines();
            let value = lines.find_map(|line| line.strip_prefix("heyan_department_breaker_open{department=\"tax\"} "));
            value.expect("it is shown from the start") == "1"
        };
        let listener = Listener::of(&department, &metrics);
        assert!(!is_open());
        for (from, to) in [(Closed, Open), (Open, Trial), (Trial, Open)] {
            listener.breaker_moved(from, to);
            assert_eq!(is_open(), to == Open, "{to:?}");
        }
        drop(listener);
        assert!(!is_open());
    }
}
