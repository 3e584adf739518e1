use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Adapter, AdapterError, Holdings, Lookup};

/// How many look-ups may wait for each that runs.
const WAITING_PER_TURN: usize = 8;

/// Asks a department at most so many things at once.
///
/// When all turns are taken, a look-up waits for at most half of its deadline, so that one that gets its turn still has
/// the other half to be answered in; then it is [`AdapterError::Busy`]. When too many wait already, it is so at once:
/// a department that is slow gathers no queue.
#[derive(Debug)]
pub struct Limit {
    inner: Arc<dyn Adapter>,
    wait_max: Duration,
    turns: Semaphore,
    places: Semaphore,
}

impl Limit {
    /// At most `concurrency` look-ups run at once; `deadline` is the longest that the declaration allows for one.
    pub fn new(inner: Arc<dyn Adapter>, concurrency: usize, deadline: Duration) -> Self {
        let places = Semaphore::new(concurrency.saturating_mul(WAITING_PER_TURN).min(Semaphore::MAX_PERMITS));
        Self { inner, wait_max: deadline / 2, turns: Semaphore::new(concurrency), places }
    }

    async fn turn(&self, wait_max: Duration) -> Result<SemaphorePermit<'_>, AdapterError> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let _place = self.places.try_acquire().map_err(|_| AdapterError::Busy)?;
        let turn = tokio::time::timeout(wait_max, self.turns.acquire()).await.map_err(|_| AdapterError::Busy)?;
        Ok(turn.expect("the semaphore is never closed"))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Limit {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let _turn = self.turn(self.wait_max.min(lookup.deadline / 2)).await?;
        self.inner.look_up(lookup).await
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        let _turn = self.turn(self.wait_max).await?;
        self.inner.check_health().await
    }
}
