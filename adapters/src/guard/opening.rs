use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::declaration::Hours;
use crate::{Adapter, AdapterError, Holdings, Lookup};

/// The time of day, as the gateway has it.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Asks a department in its declared hours alone; otherwise it is [`AdapterError::Closed`], and nothing is asked.
pub struct Opening {
    inner: Arc<dyn Adapter>,
    hours: Hours,
    now: Now,
}

impl Opening {
    /// `now` tells the time.
    pub fn new(inner: Arc<dyn Adapter>, hours: Hours, now: Now) -> Self {
        Self { inner, hours, now }
    }

    fn check(&self) -> Result<(), AdapterError> {
        self.hours.opens((self.now)()).map_or(Ok(()), |opens| Err(AdapterError::Closed { opens }))
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("inner", &self.inner).field("hours", &self.hours).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Opening {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        self.check()?;
        self.inner.look_up(lookup).await
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        self.check()?;
        self.inner.check_health().await
    }
}
