//! What the audit log does, in numbers.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{Histogram, IntCounter, IntGauge};

use super::registering::Registering;
use crate::audit::Observer;

/// Upper bounds in seconds: a commit is a few hundred microseconds on a good disk, and is given up after 0.9 s.
const APPEND: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Upper bounds in entries; a batch has at most 256.
const BATCH: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The metrics of the audit log.
#[derive(Debug, Clone)]
pub struct AuditMetrics {
    up: IntGauge,
    size: IntGauge,
    waiting: IntGauge,
    append: Histogram,
    batch: Histogram,
    failures: IntCounter,
    last_commit: IntGauge,
    published: IntGauge,
    unwitnessed: IntGauge,
}

impl AuditMetrics {
    pub(super) fn new(made: &Registering) -> Self {
        Self {
            up: made.gauge("heyan_audit_up", "1 while the audit log takes entries; without them nothing is answered."),
            size: made.gauge("heyan_audit_log_entries", "Entries in the audit log."),
            waiting: made.gauge("heyan_audit_queue_entries", "Entries that wait to be made durable."),
            append: made.histogram(
                "heyan_audit_append_duration_seconds",
                "How long it took to make one batch of entries durable.",
                &APPEND,
            ),
            batch: made.histogram("heyan_audit_batch_entries", "Entries that were made durable together.", &BATCH),
            failures: made.counter("heyan_audit_append_failures_total", "Batches that were not made durable."),
            last_commit: made.gauge(
                "heyan_audit_last_commit_timestamp_seconds",
                "When entries were last made durable, in seconds since 1970; 0 before the first.",
            ),
            published: made.gauge(
                "heyan_audit_published_entries",
                "Entries of the audit log that are published; within a second as many as it has.",
            ),
            unwitnessed: made.gauge(
                "heyan_audit_unwitnessed_seconds",
                "For how long the published head of the audit log has lacked the witnesses that `audit.witness_policy` asks \
                 for; 0 while it has them, or none are asked for.",
            ),
        }
    }

    /// Whether the log takes entries.
    pub fn set_up(&self, up: bool) {
        self.up.set(up.into());
    }
}

impl Observer for AuditMetrics {
    fn size(&self, entries: u64) {
        self.size.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    fn queued(&self, entries: usize) {
        self.waiting.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    fn committed(&self, entries: usize, took: Duration, at: Timestamp) {
        self.append.observe(took.as_secs_f64());
        self.batch.observe(f64::from(u32::try_from(entries).unwrap_or(u32::MAX)));
        self.last_commit.set(at.as_second());
    }

    fn published(&self, entries: u64) {
        self.published.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    fn unwitnessed(&self, age: Duration) {
        self.unwitnessed.set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }

    fn failed(&self) {
        self.failures.inc();
    }
}
