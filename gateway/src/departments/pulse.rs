//! Whether a department can be asked: by what its look-ups come to, and by a check in the background that asks about nobody.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heyan_adapters::{Adapter, AdapterError};
use heyan_proto::vocabulary::DepartmentId;
use tokio::sync::{Notify, watch};

use crate::clock::stopwatch;
use crate::telemetry::DepartmentMeter;

/// How often every department is checked.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(15);

/// How long after one check the next may follow, however many look-ups fail.
pub(super) const CHECK_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// So many look-ups that fail in a row mean trouble, also where the check finds none: a check is easier than a look-up.
const FAILURES: u32 = 3;

/// What is known of one department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepartmentHealth {
    /// Whether the newest declaration is the one in force.
    pub is_newest: bool,
    /// Whether it can be asked; none while that is not known yet.
    pub can_be_asked: Option<bool>,
}

/// All departments of the city.
pub type DepartmentsHealth = BTreeMap<DepartmentId, DepartmentHealth>;

/// What one department's look-ups and checks have shown.
pub(super) struct Pulse {
    id: DepartmentId,
    seen: Mutex<Seen>,
    meter: DepartmentMeter,
    told: watch::Sender<DepartmentsHealth>,
    doubt: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Look-ups that failed since one was answered.
    failures: u32,
    last_failure: Option<Instant>,
    can_be_asked: Option<bool>,
    is_replaced: bool,
}

impl Pulse {
    /// Nothing is known yet. `told` learns what is found, as long as it names the department; `doubt` asks for a check.
    pub(super) fn new(
        id: DepartmentId,
        meter: DepartmentMeter,
        told: watch::Sender<DepartmentsHealth>,
        doubt: Arc<Notify>,
    ) -> Self {
        Self { id, seen: Mutex::default(), meter, told, doubt }
    }

    /// Its declaration is no longer the one in force: look-ups that are still under way say nothing of the one that is.
    pub(super) fn replace(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).is_replaced = true;
    }

    /// What a look-up came to. `is_whole` says that it had all the time that its declaration allows.
    pub(super) fn observe<T>(&self, outcome: &Result<T, AdapterError>, is_whole: bool) {
        match outcome {
            // What does not fit was an answer all the same, about one record.
            Ok(_) | Err(AdapterError::Malformed { .. }) => self.change(|seen| {
                seen.failures = 0;
                Some(true)
            }),
            Err(AdapterError::Timeout) if !is_whole => {}
            Err(AdapterError::Unavailable | AdapterError::Timeout | AdapterError::Misconfigured { .. }) => {
                self.change(|seen| {
                    seen.failures = seen.failures.saturating_add(1);
                    seen.last_failure = Some(stopwatch());
                    (seen.failures >= FAILURES).then_some(false)
                });
                self.doubt.notify_one();
            }
            // Our own limits say nothing about the department.
            Err(_) => {}
        }
    }

    /// Whether it can be asked; none while that is not known yet.
    pub(super) fn can_be_asked(&self) -> Option<bool> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).can_be_asked
    }

    /// Whether nothing is known yet, or a look-up has failed since the last was answered.
    pub(super) fn is_unsure(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.failures > 0 || seen.can_be_asked.is_none()
    }

    /// Asks the department whether it could be asked.
    pub(super) async fn check(&self, adapter: &dyn Adapter) {
        let outcome = adapter.check_health().await;
        self.change(|seen| match &outcome {
            Ok(()) => {
                let recent = seen.last_failure.is_some_and(|at| at.elapsed() < CHECK_EVERY);
                if seen.failures >= FAILURES && recent {
                    return None;
                }
                seen.failures = 0;
                Some(true)
            }
            Err(AdapterError::Busy | AdapterError::Closed { .. }) => None,
            Err(_) => Some(false),
        });
        if let Err(error) = outcome {
            tracing::debug!(department = %self.id, %error, "a department cannot be asked");
        }
    }

    fn change(&self, by: impl FnOnce(&mut Seen) -> Option<bool>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = by(&mut seen) else { return };
        if seen.can_be_asked == Some(now) || seen.is_replaced {
            return;
        }
        seen.can_be_asked = Some(now);
        // Whoever tells of all departments holds their lock and then takes this one.
        drop(seen);
        self.told.send_if_modified(|told| {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(of) = told.get_mut(&self.id).filter(|_| !seen.is_replaced) else { return false };
            of.can_be_asked = seen.can_be_asked;
            self.meter.set_up(of.can_be_asked == Some(true));
            true
        });
        if now {
            tracing::info!(department = %self.id, "the department can be asked");
        } else {
            tracing::warn!(department = %self.id, "the department cannot be asked");
        }
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse").field("id", &self.id).field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// A look-up's outcome in one word for metrics; never what is held.
pub(super) fn word<T>(outcome: &Result<T, AdapterError>) -> &'static str {
    match outcome {
        Ok(_) => "answered",
        Err(AdapterError::Unavailable) => "unavailable",
        Err(AdapterError::Timeout) => "timeout",
        Err(AdapterError::Busy) => "busy",
        Err(AdapterError::Resting { .. }) => "resting",
        Err(AdapterError::Closed { .. }) => "closed",
        Err(AdapterError::Malformed { .. }) => "malformed",
        Err(AdapterError::Misconfigured { .. }) => "misconfigured",
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use heyan_adapters::{Holdings, Lookup};

    use super::*;
    use crate::telemetry::Metrics;

    /// A department whose check comes out as a test says.
    #[derive(Debug)]
    struct Checked(Result<(), AdapterError>);

    #[async_trait]
    impl Adapter for Checked {
        async fn look_up(&self, _: &Lookup) -> Result<Holdings, AdapterError> {
            Err(AdapterError::Unavailable)
        }

        async fn check_health(&self) -> Result<(), AdapterError> {
            self.0.clone()
        }
    }

    fn pulse() -> (Pulse, watch::Receiver<DepartmentsHealth>, Metrics) {
        let (metrics, id) = (Metrics::new(), DepartmentId::parse("transport").unwrap());
        let unknown = DepartmentHealth { is_newest: true, can_be_asked: None };
        let (told, is_told) = watch::channel(DepartmentsHealth::from([(id.clone(), unknown)]));
        (Pulse::new(id.clone(), metrics.department(&id), told, Arc::default()), is_told, metrics)
    }

    fn can_be_asked(told: &watch::Receiver<DepartmentsHealth>) -> Option<bool> {
        told.borrow().values().next().unwrap().can_be_asked
    }

    const DOWN: Result<(), AdapterError> = Err(AdapterError::Unavailable);

    #[tokio::test]
    async fn a_check_tells_and_a_look_up_tells_better() {
        let (pulse, told, metrics) = pulse();
        assert_eq!(can_be_asked(&told), None);
        pulse.check(&Checked(DOWN)).await;
        assert_eq!(can_be_asked(&told), Some(false));
        assert!(
            String::from_utf8(metrics.render()).unwrap().contains("heyan_department_up{department=\"transport\"} 0")
        );
        pulse.observe(&Ok(()), true);
        assert_eq!(can_be_asked(&told), Some(true));
        pulse.observe(&DOWN, true);
        assert_eq!(can_be_asked(&told), Some(true), "one failure is looked into first");
        assert!(pulse.is_unsure());
        pulse.check(&Checked(Ok(()))).await;
        assert!(!pulse.is_unsure());
    }

    #[tokio::test]
    async fn look_ups_that_fail_in_a_row_count_more_than_a_check_that_passes() {
        let (pulse, told, _metrics) = pulse();
        for _ in 0..FAILURES {
            pulse.observe::<()>(&Err(AdapterError::Timeout), true);
        }
        assert_eq!(can_be_asked(&told), Some(false));
        pulse.check(&Checked(Ok(()))).await;
        assert_eq!(can_be_asked(&told), Some(false));
        pulse.observe(&Ok(()), true);
        assert_eq!(can_be_asked(&told), Some(true));
    }

    #[tokio::test]
    async fn a_declaration_that_is_replaced_says_nothing_of_the_next() {
        let (pulse, told, metrics) = pulse();
        pulse.observe(&Ok(()), true);
        pulse.replace();
        for _ in 0..FAILURES {
            pulse.observe(&DOWN, true);
        }
        assert_eq!(can_be_asked(&told), Some(true));
        assert!(
            String::from_utf8(metrics.render()).unwrap().contains("heyan_department_up{department=\"transport\"} 1")
        );
    }

    #[tokio::test]
    async fn what_is_not_the_departments_doing_is_not_held_against_it() {
        let (pulse, told, _metrics) = pulse();
        for _ in 0..10 {
            pulse.observe::<()>(&Err(AdapterError::Timeout), false);
            pulse.observe::<()>(&Err(AdapterError::Busy), true);
        }
        pulse.check(&Checked(Err(AdapterError::Busy))).await;
        assert_eq!(can_be_asked(&told), None);
    }
}
