//! Whoever counts what the log does.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;

/// Is told what happens, from the threads on which it happens: it returns at once.
pub trait Observer: Send + Sync + Debug {
    /// The log has so many entries.
    fn size(&self, entries: u64);

    /// So many entries wait to be made durable.
    fn queued(&self, entries: usize);

    /// So many entries became durable together at `at`, and it took so long.
    fn committed(&self, entries: usize, took: Duration, at: Timestamp);

    /// So many entries of the log are published.
    fn published(&self, entries: u64);

    /// For so long no published head of the log has had the witnesses that it needs; zero where the newest has them.
    fn unwitnessed(&self, age: Duration);

    /// A batch was not made durable.
    fn failed(&self);
}
