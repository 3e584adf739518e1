use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::listener::GuardListener;
use super::window::{SECONDS, Window};
use crate::{Adapter, AdapterError, Holdings, Lookup};

/// How long the department is left before it is asked again.
const PAUSE: Duration = Duration::from_millis(20);
/// One look-up in so many may be repeated,
const SHARE: u32 = 5;
/// and beyond them so many a second, so that a department that is seldom asked is not left without.
const EXTRA_PER_SECOND: u32 = 10;

/// Asks once more where the department was not reached.
///
/// That is [`AdapterError::Unavailable`], which kinds say only where asking again is safe. Never a third time, never beyond
/// the deadline, and only as far as the budget goes: of the look-ups of ten seconds a fifth may be repeated, and a hundred
/// more. A department that is down gets no storm.
#[derive(Debug)]
pub struct Retry {
    inner: Arc<dyn Adapter>,
    deadline: Duration,
    budget: Mutex<Window>,
    listener: Arc<dyn GuardListener>,
}

impl Retry {
    /// `deadline` is the longest that the declaration allows, both tries together.
    pub fn new(inner: Arc<dyn Adapter>, deadline: Duration, listener: Arc<dyn GuardListener>) -> Self {
        Self { inner, deadline, budget: Mutex::new(Window::new()), listener }
    }

    /// Takes a repetition from the budget, if there is one.
    fn may_repeat(&self) -> bool {
        let mut budget = self.budget.lock().expect("no holder of this lock can panic");
        let counted = budget.sum();
        let affordable = counted.marked < counted.all / SHARE + EXTRA_PER_SECOND * SECONDS;
        if affordable {
            budget.mark();
        }
        affordable
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Retry {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        self.budget.lock().expect("no holder of this lock can panic").count();
        let began = Instant::now();
        let answer = self.inner.look_up(lookup).await;
        if answer != Err(AdapterError::Unavailable) {
            return answer;
        }
        let took = began.elapsed();
        let left = self.deadline.min(lookup.deadline).saturating_sub(took + PAUSE);
        // With less time than the first try took, the second would probably be cut short and say nothing new.
        if left <= took || !self.may_repeat() {
            return answer;
        }
        tokio::time::sleep(PAUSE).await;
        self.listener.retried();
        match self.inner.look_up(&Lookup { deadline: left, ..lookup.clone() }).await {
            // It got no turn, so what is known is what the first try said.
            Err(AdapterError::Busy) => answer,
            again => again,
        }
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        self.inner.check_health().await
    }
}
