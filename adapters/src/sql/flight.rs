use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::InterruptHandle;

/// One piece of work on a blocking thread, which ends when nobody waits for it any more.
///
/// SQLite interrupts a connection, not a query, so the handle is held only while this work uses the connection: a late
/// interrupt can never meet the look-up that uses the connection next.
#[derive(Default)]
pub(super) struct Flight(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    Running(InterruptHandle),
    Ended,
    Cancelled,
}

impl Flight {
    /// Work begins on a connection; `false` where nobody waits for it any more.
    pub(super) fn begin(&self, handle: InterruptHandle) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = matches!(*state, State::Waiting);
        if begins {
            *state = State::Running(handle);
        }
        begins
    }

    /// Work has ended and the connection may serve others.
    pub(super) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::Ended;
    }

    fn cancel(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running(handle) => handle.interrupt(),
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
