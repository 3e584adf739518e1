//! For how long the published head has lacked its witnesses, and what follows from it.

use std::time::Duration;

use jiff::Timestamp;

use crate::audit::queue::Queue;

/// Why the log takes nothing; the same words each time, so that it is told once.
const CAUSE: &str = "its head has lacked a quorum of witnesses for longer than `audit.witness_strict`";

/// The last time at which nothing lacked witnesses.
#[derive(Debug)]
pub(super) struct Vigil {
    since: Timestamp,
    /// For longer than this the log takes nothing.
    strict: Option<Duration>,
}

impl Vigil {
    pub(super) fn new(since: Timestamp, strict: Option<Duration>) -> Self {
        Self { since, strict }
    }

    /// Nothing lacked witnesses at this time.
    pub(super) fn keep(&mut self, at: Timestamp) {
        self.since = at;
    }

    /// Tells how long it has been, and holds the log where that is too long.
    pub(super) fn look(&mut self, now: Timestamp, queue: &Queue) {
        // A clock that was set back starts the vigil anew, for nobody knows how long it was.
        self.since = self.since.min(now);
        let age = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        if let Some(observer) = queue.observer() {
            observer.unwitnessed(age);
        }
        if let Some(strict) = self.strict {
            queue.hold((age > strict).then_some(CAUSE));
        }
    }
}
