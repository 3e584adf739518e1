//! What a department said, and when.

use std::fmt;
use std::mem::size_of;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heyan_adapters::{Holder, Holding, Holdings};
use heyan_proto::vocabulary::{FieldName, FieldValue, ResultState};
use jiff::Timestamp;

use crate::clock::{Clock, stopwatch};

/// What a department said, and when it was asked: its records may be newer than that, never older.
pub(crate) struct Reading {
    holdings: Holdings,
    moment: Moment,
}

/// A reading that may be used again.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) reading: Arc<Reading>,
    /// For how long, from when it was read.
    pub(super) lifetime: Duration,
}

/// A point in time, on the clock that is shown to callers and on one that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    at: Timestamp,
    since: Instant,
}

impl Moment {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { at: clock.now(), since: stopwatch() }
    }

    /// How long ago it was: what the slower of the two clocks says cannot make it younger. `None` where the clock was set
    /// back to before it, since its age is then unknown.
    pub(super) fn age(&self, clock: &dyn Clock) -> Option<Duration> {
        let shown = Duration::try_from(clock.now().duration_since(self.at)).ok()?;
        Some(shown.max(stopwatch().saturating_duration_since(self.since)))
    }
}

/// What an entry takes beside what it holds: its key, its places in the cache's tables, this reading itself.
const OVERHEAD: usize = 512;
/// What a member of a map takes beside its key and value.
const MEMBER: usize = 16;

impl Reading {
    pub(super) fn new(holdings: Holdings, moment: Moment) -> Self {
        Self { holdings, moment }
    }

    /// What the department holds.
    pub(crate) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// When it was asked.
    pub(crate) fn read_at(&self) -> Timestamp {
        self.moment.at
    }

    pub(super) fn moment(&self) -> &Moment {
        &self.moment
    }

    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> u32 {
        let bytes: usize = self.holdings.records.iter().map(bytes_of).sum();
        u32::try_from(OVERHEAD + bytes).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Reading {
    /// Shows nothing of what was said: it is about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("read_at", &self.moment.at).finish_non_exhaustive()
    }
}

fn bytes_of(record: &Holding) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let holder = |holder: &Holder| size_of::<Holder>() + text(&holder.number) + text(&holder.name);
    let state = if let ResultState::Other(words) = &record.state { words.len() } else { 0 };
    let fields = record.fields.iter().map(|(name, value)| {
        MEMBER + size_of::<(FieldName, FieldValue)>() + name.as_str().len() + bytes_of_value(value)
    });
    let holders: usize = record.holders.iter().map(holder).sum();
    size_of::<Holding>() + text(&record.certificate_number) + holders + state + fields.sum::<usize>()
}

fn bytes_of_value(value: &FieldValue) -> usize {
    match value {
        FieldValue::Text(text) | FieldValue::Code(text) => text.len(),
        FieldValue::Scope(items) => items.iter().map(|item| size_of::<String>() + item.len()).sum(),
        FieldValue::Integer(_) | FieldValue::Date(_) | FieldValue::Flag(_) => 0,
    }
}
