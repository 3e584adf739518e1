//! What departments have answered, kept for a while in memory alone, so that the same is not asked twice.
//!
//! "The same" is everything that is sent ([`key`]); for how long, the declaration and the question say ([`lifetime`]);
//! who asks while the same is being asked waits for that answer ([`flight`]).

mod flight;
mod key;
mod lifetime;
mod reading;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use heyan_adapters::{AdapterError, Holdings};
use moka::Expiry;

use self::flight::{Boarding, Flights};
pub(super) use self::key::{Generation, Key, Sent};
pub(super) use self::lifetime::Lifetime;
pub(crate) use self::reading::Reading;
use self::reading::{Kept, Moment};
use crate::clock::{Clock, stopwatch};
use crate::telemetry::{CacheOutcome, Metrics};

/// The answers that may be used again, bounded by their size in memory.
pub(super) struct Cache {
    kept: moka::sync::Cache<Key, Kept>,
    flights: Flights,
    /// Made anew by each process, so that a key in memory tells nothing.
    secret: hmac::Key,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

/// What one question may use of earlier answers, and what of its own answer may be kept.
pub(super) struct Reuse {
    /// What is sent.
    pub(super) key: Key,
    /// What the declaration allows.
    pub(super) lifetime: Lifetime,
    /// The oldest answer that the question takes; zero: none but its own.
    pub(super) max_age: Duration,
}

/// How long a department is given to answer.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// By the caller.
    pub(super) caller: Duration,
    /// By its declaration.
    pub(super) declared: Duration,
}

impl Cache {
    /// Keeps answers of about `bytes` bytes in all; with 0, none.
    pub(super) fn new(bytes: u64, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let kept = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, kept: &Kept| kept.reading.bytes())
            .expire_after(AsLongAsKept)
            .build();
        let secret = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .expect("the system's source of random bytes never fails once the system has started");
        Self { kept, flights: Flights::default(), secret, clock, metrics }
    }

    /// The key of what is sent.
    pub(super) fn key(&self, sent: &Sent<'_>) -> Key {
        sent.key(&self.secret)
    }

    /// An earlier answer that is fresh enough for the question.
    pub(super) fn fresh(&self, reuse: &Reuse) -> Option<Arc<Reading>> {
        if reuse.max_age.is_zero() {
            return None;
        }
        let kept = self.kept.get(&reuse.key)?;
        let age = kept.reading.moment().age(&*self.clock)?;
        if age > reuse.max_age || age >= kept.lifetime {
            return None;
        }
        self.metrics.count_cache(CacheOutcome::Hit);
        Some(kept.reading)
    }

    /// Asks by `look_up`, or waits for somebody who asks the same already and began late enough for the question.
    ///
    /// # Errors
    /// That of the look-up that was waited for; [`AdapterError::Timeout`] where the caller's patience ends first.
    pub(super) async fn ask<F, L>(
        &self,
        reuse: &Reuse,
        patience: Patience,
        look_up: F,
    ) -> Result<Arc<Reading>, AdapterError>
    where
        F: Fn(Duration) -> L,
        L: Future<Output = Result<Holdings, AdapterError>>,
    {
        let ends = stopwatch() + patience.caller;
        loop {
            let remaining = ends.saturating_duration_since(stopwatch());
            let fits = |began: &Moment| {
                !reuse.max_age.is_zero() && began.age(&*self.clock).is_some_and(|age| age <= reuse.max_age)
            };
            let moment = Moment::now(&*self.clock);
            match self.flights.board(reuse.key, moment, fits) {
                Boarding::Join(mut flight) => {
                    match tokio::time::timeout(remaining, flight.landing()).await {
                        Err(_) => return Err(AdapterError::Timeout),
                        Ok(Some(landing)) => {
                            self.metrics.count_cache(CacheOutcome::FlightJoined);
                            return landing;
                        }
                        // It ended without an answer for others.
                        Ok(None) => {}
                    }
                }
                Boarding::Lead(flight) => {
                    let landing = self.read(reuse, moment, look_up(remaining)).await;
                    // An error may come from this caller's short deadline; who has more time shall ask for themselves.
                    if landing.is_ok() || remaining >= patience.declared {
                        flight.land(landing.clone());
                    }
                    return landing;
                }
                Boarding::Alone => return self.read(reuse, moment, look_up(remaining)).await,
            }
        }
    }

    async fn read(
        &self,
        reuse: &Reuse,
        moment: Moment,
        look_up: impl Future<Output = Result<Holdings, AdapterError>>,
    ) -> Result<Arc<Reading>, AdapterError> {
        self.metrics.count_cache(CacheOutcome::Miss);
        let reading = Arc::new(Reading::new(look_up.await?, moment));
        if let Some(lifetime) = reuse.lifetime.of(reading.holdings()) {
            self.kept.insert(reuse.key, Kept { reading: Arc::clone(&reading), lifetime });
        }
        Ok(reading)
    }

    /// Asks for one question alone; nothing is kept.
    ///
    /// # Errors
    /// That of the look-up.
    pub(super) async fn read_once(
        &self,
        look_up: impl Future<Output = Result<Holdings, AdapterError>>,
    ) -> Result<Arc<Reading>, AdapterError> {
        let moment = Moment::now(&*self.clock);
        Ok(Arc::new(Reading::new(look_up.await?, moment)))
    }

    /// Forgets what was read under a declaration that is no longer in force. Takes as long as the cache is large.
    pub(super) fn forget(&self, is_gone: impl Fn(Generation) -> bool) {
        for (key, _) in self.kept.iter().filter(|(key, _)| is_gone(key.generation())) {
            self.kept.invalidate(&*key);
        }
        self.kept.run_pending_tasks();
    }
}

impl fmt::Debug for Cache {
    /// Shows nothing that is kept: it is about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// Frees what nobody may use any more.
struct AsLongAsKept;

impl Expiry<Key, Kept> for AsLongAsKept {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.lifetime)
    }

    fn expire_after_update(&self, _: &Key, kept: &Kept, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(kept.lifetime)
    }
}
