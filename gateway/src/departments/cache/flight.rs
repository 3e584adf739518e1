//! Look-ups that are under way, so that who asks the same waits for the answer instead of asking again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use heyan_adapters::AdapterError;
use tokio::sync::watch;

use super::key::Key;
use super::reading::{Moment, Reading};

type Landing = Result<Arc<Reading>, AdapterError>;

/// The look-ups under way, one for each key.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Key, Flight>>);

struct Flight {
    began: Moment,
    lands: watch::Receiver<Option<Landing>>,
}

/// How a question that must be asked goes on.
pub(super) enum Boarding<'a> {
    /// By asking, for everybody who comes meanwhile.
    Lead(Lead<'a>),
    /// By waiting for one who asks.
    Join(Joined),
    /// By asking for itself: somebody asks the same, but began too early for this question.
    Alone,
}

/// The one who asks. When it is dropped without having landed, those who wait ask for themselves.
pub(super) struct Lead<'a> {
    flights: &'a Flights,
    key: Key,
    landing: watch::Sender<Option<Landing>>,
}

/// One who waits.
pub(super) struct Joined(watch::Receiver<Option<Landing>>);

impl Flights {
    /// Finds the look-up of this key that is under way, or begins it.
    pub(super) fn board(&self, key: Key, now: Moment, fits: impl FnOnce(&Moment) -> bool) -> Boarding<'_> {
        match self.0.lock().expect(UNPOISONED).entry(key) {
            Entry::Vacant(vacant) => {
                let (landing, lands) = watch::channel(None);
                vacant.insert(Flight { began: now, lands });
                Boarding::Lead(Lead { flights: self, key, landing })
            }
            Entry::Occupied(flight) => {
                let Flight { began, lands } = flight.get();
                if fits(began) { Boarding::Join(Joined(lands.clone())) } else { Boarding::Alone }
            }
        }
    }
}

impl Lead<'_> {
    /// Gives what came of it to everybody who waits.
    pub(super) fn land(self, landing: Landing) {
        // Where nobody waits there is nobody to tell.
        self.landing.send_replace(Some(landing));
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.flights.0.lock().expect(UNPOISONED).remove(&self.key);
    }
}

impl Joined {
    /// What came of it; `None` where there was nothing for others.
    pub(super) async fn landing(&mut self) -> Option<Landing> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

const UNPOISONED: &str = "no holder of this lock can panic";
