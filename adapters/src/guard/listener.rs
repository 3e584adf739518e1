use std::fmt::Debug;

/// Hears what the guards of one department do, for logs and metrics. It is told while a guard is at work, so it must be
/// quick and never wait.
pub trait GuardListener: Send + Sync + Debug {
    /// The circuit breaker has changed its state.
    fn breaker_moved(&self, from: BreakerState, to: BreakerState);
    /// The department is asked the same once more.
    fn retried(&self);
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
