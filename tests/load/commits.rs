//! How long a gateway's commits take by themselves, as its metrics have it.

use std::ops::{AddAssign, Sub};

use heyan_tests::page;

use super::Failure;

/// The commits of one gateway, or of several, in some time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Commits {
    count: f64,
    seconds: f64,
    entries: f64,
}

impl Commits {
    /// Those so far, by the gateway whose admin listener is here.
    pub(crate) fn of(admin: &str) -> Result<Self, Failure> {
        let (_, metrics) = page(admin, "/metrics");
        let figure = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            line.ok_or_else(|| Failure(format!("a gateway does not tell `{name}`")))
        };
        Ok(Self {
            count: figure("heyan_audit_append_duration_seconds_count")?,
            seconds: figure("heyan_audit_append_duration_seconds_sum")?,
            entries: figure("heyan_audit_batch_entries_sum")?,
        })
    }

    /// How long one took, in milliseconds.
    pub(crate) fn each(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.seconds * 1e3 / self.count)
    }

    /// Entries of one.
    pub(crate) fn batch(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.entries / self.count)
    }
}

impl AddAssign for Commits {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.seconds += other.seconds;
        self.entries += other.entries;
    }
}

impl Sub for Commits {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            count: self.count - before.count,
            seconds: self.seconds - before.seconds,
            entries: self.entries - before.entries,
        }
    }
}
