use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Adapter, AdapterError, Holdings, Lookup};

/// Ends a look-up at its deadline: the department's or the caller's, whichever comes first.
#[derive(Debug)]
pub struct Timeout {
    inner: Arc<dyn Adapter>,
    deadline: Duration,
}

impl Timeout {
    /// `deadline` is the longest that the declaration allows.
    pub fn new(inner: Arc<dyn Adapter>, deadline: Duration) -> Self {
        Self { inner, deadline }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Timeout {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let deadline = self.deadline.min(lookup.deadline);
        tokio::time::timeout(deadline, self.inner.look_up(lookup)).await.unwrap_or(Err(AdapterError::Timeout))
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        tokio::time::timeout(self.deadline, self.inner.check_health()).await.unwrap_or(Err(AdapterError::Timeout))
    }
}
