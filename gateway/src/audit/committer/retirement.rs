//! Deleting bodies that are past retention, some at a time, each time with an entry that says which.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::{BATCH_MAX, Committer, unusable};
use crate::audit::draft::{self, Drafting};
use crate::audit::retention::{MICROS_PER_DAY, Term};
use crate::audit::store::StoreError;
use crate::clock::stopwatch;

/// No more often than this while there is much to delete: questions come first.
const PAUSE: Duration = Duration::from_secs(1);
/// By the clock, once there is little: each time costs an entry, and bodies are kept for days.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// When bodies were last looked for.
pub(super) struct Retirement {
    last: Option<Instant>,
    /// When there were no more to delete.
    done: Option<Timestamp>,
}

impl Retirement {
    pub(super) fn new() -> Self {
        Self { last: None, done: None }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        // A clock that was set back does not stop it.
        self.last.is_none_or(|last| last.elapsed() >= PAUSE)
            && self.done.is_none_or(|done| now.duration_since(done).abs() >= INTERVAL)
    }
}

impl Committer {
    /// Deletes bodies that are past retention, if it is time.
    pub(super) fn retire(&self, retirement: &mut Retirement) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(retention) = self.queue.retention().filter(|_| retirement.is_due(now)) else { return Ok(()) };
        let mut is_done = true;
        for term in Term::ALL {
            let (at, days) = (now.as_microsecond(), retention.days(term));
            let before = at - i64::from(days) * MICROS_PER_DAY;
            let Some(range) = self.store.expiring(term, before, BATCH_MAX)? else { continue };
            is_done = false;
            let salt = draft::salt().map_err(unusable)?;
            let drafting = Drafting { keys: &self.keys, today: self.clock.today(), salt };
            self.append(&[&drafting.retention(draft::decision_at(at), term, days, range)])?;
        }
        retirement.last = Some(stopwatch());
        retirement.done = is_done.then_some(now);
        Ok(())
    }
}
