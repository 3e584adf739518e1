use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::declaration::RateLimit;
use crate::{Adapter, AdapterError, Holdings, Lookup};

/// What may come at once after a rest: as much as in this time.
const BURST: Duration = Duration::from_secs(1);

/// Asks a department at most so often.
///
/// A look-up that comes too early waits for its time, for at most half of its deadline; where that is not enough it is
/// [`AdapterError::Busy`] at once.
#[derive(Debug)]
pub struct Rate {
    inner: Arc<dyn Adapter>,
    wait_max: Duration,
    interval: Duration,
    /// Up to when all turns are taken, if each took one interval.
    taken_until: Mutex<Instant>,
}

impl Rate {
    /// At most as often as `declared`; `deadline` is the longest that the declaration allows for one look-up.
    pub fn new(inner: Arc<dyn Adapter>, declared: RateLimit, deadline: Duration) -> Self {
        let taken_until = Mutex::new(Instant::now());
        Self { inner, wait_max: deadline / 2, interval: declared.interval(), taken_until }
    }

    async fn turn(&self, wait_max: Duration) -> Result<(), AdapterError> {
        let wait = {
            let mut taken_until = self.taken_until.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let begins = (*taken_until).max(now);
            let burst = BURST.saturating_sub(self.interval);
            let wait = begins.saturating_duration_since(now).saturating_sub(burst);
            if wait > wait_max {
                return Err(AdapterError::Busy);
            }
            *taken_until = begins + self.interval;
            wait
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Rate {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        self.turn(self.wait_max.min(lookup.deadline / 2)).await?;
        self.inner.look_up(lookup).await
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        self.turn(self.wait_max).await?;
        self.inner.check_health().await
    }
}
