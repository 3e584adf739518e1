use std::fmt::Debug;

use heyan_proto::vocabulary::ResultTypeId;

/// Hears what the guards of one department do, and how far a file of it is loaded, for logs and metrics. It is told while
/// these are at work, so it must be quick and never wait.
pub trait GuardListener: Send + Sync + Debug {
    /// The circuit breaker has changed its state.
    fn breaker_moved(&self, from: BreakerState, to: BreakerState);
    /// The department is asked the same once more.
    fn retried(&self);
    /// So many rows of the file for a result type have been read into its snapshot, the last time with `whole`.
    fn loading(&self, result_type: &ResultTypeId, rows: u64, whole: bool) {
        let _ = (result_type, rows, whole);
    }
}

/// Whether a department is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It is asked.
    Closed,
    /// It is left alone: whoever would ask is told so at once.
    Open,
    /// It seems to be back: one question at a time finds out.
    Trial,
}

/// Listens to nothing: for adapters that nobody watches.
impl GuardListener for () {
    fn breaker_moved(&self, _: BreakerState, _: BreakerState) {}

    fn retried(&self) {}
}
