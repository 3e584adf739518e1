use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One piece of work on a look-up thread, which ends when nobody waits for it any more.
///
/// The connection that it uses stops on a flag. The flag is held only while the work uses the connection, so that a
/// late cancellation never meets the look-up that uses the connection next. (SQLite's own interrupt would be lost when
/// it came just before a statement starts.)
#[derive(Default)]
pub(super) struct Flight(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    Running(Arc<AtomicBool>),
    Ended,
    Cancelled,
}

impl Flight {
    /// Work begins on a connection that stops on this flag; `false` where nobody waits for it any more.
    pub(super) fn begin(&self, stop: &Arc<AtomicBool>) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = matches!(*state, State::Waiting);
        if begins {
            stop.store(false, Ordering::Relaxed);
            *state = State::Running(Arc::clone(stop));
        }
        begins
    }

    /// Nobody has begun the work, and somebody waits for it.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), State::Waiting)
    }

    /// Work has ended and the connection may serve others.
    pub(super) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Ended;
    }

    fn cancel(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running(stop) => stop.store(true, Ordering::Relaxed),
            State::Waiting => *state = State::Cancelled,
            State::Ended | State::Cancelled => {}
        }
    }
}

/// Cancels a flight when dropped; after its end this does nothing.
pub(super) struct CancelOnDrop(pub(super) Arc<Flight>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
