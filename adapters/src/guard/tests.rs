//! The guards by themselves, under a clock that stands until a test moves it.

mod breaker;
mod limits;
mod retry;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{BreakerState, GuardListener};
use crate::contract::{SUBJECTS, lookup};
use crate::declaration::Limits;
use crate::{Adapter, AdapterError, Holdings, Lookup};

type Answer = Result<Holdings, AdapterError>;

/// A department that answers as it is told, and remembers how often and for how long it was asked.
#[derive(Debug, Default)]
struct Scripted {
    /// The next answers, each after its time; then always [`Scripted::otherwise`].
    script: Mutex<VecDeque<(Duration, Answer)>>,
    otherwise: Mutex<Option<AdapterError>>,
    asked: Mutex<Vec<Duration>>,
    /// How often its health was tried.
    tried: Mutex<usize>,
}

impl Scripted {
    fn answering(script: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let script = script.into_iter().map(|answer| (Duration::ZERO, answer)).collect();
        Arc::new(Self { script: Mutex::new(script), ..Self::default() })
    }

    fn becomes(&self, otherwise: Option<AdapterError>) {
        *self.otherwise.lock().unwrap() = otherwise;
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn now(&self) -> Answer {
        self.otherwise.lock().unwrap().clone().map_or_else(|| Ok(none()), Err)
    }
}

#[async_trait]
impl Adapter for Scripted {
    async fn look_up(&self, lookup: &Lookup) -> Answer {
        self.asked.lock().unwrap().push(lookup.deadline);
        let next = self.script.lock().unwrap().pop_front();
        let Some((took, answer)) = next else { return self.now() };
        tokio::time::sleep(took).await;
        answer
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        *self.tried.lock().unwrap() += 1;
        self.now().map(drop)
    }
}

/// What a listener heard.
#[derive(Debug, Default)]
struct Heard {
    moves: Mutex<Vec<(BreakerState, BreakerState)>>,
    retries: Mutex<usize>,
}

impl GuardListener for Heard {
    fn breaker_moved(&self, from: BreakerState, to: BreakerState) {
        self.moves.lock().unwrap().push((from, to));
    }

    fn retried(&self) {
        *self.retries.lock().unwrap() += 1;
    }
}

fn none() -> Holdings {
    Holdings { records: Vec::new(), more: false, updated_at: None }
}

fn malformed() -> AdapterError {
    AdapterError::Malformed { what: "column `x` has a code that its map does not know".into() }
}

fn limits() -> Limits {
    Limits {
        deadline: Duration::from_secs(2),
        concurrency: 8,
        pause: Duration::from_secs(1),
        pause_max: Duration::from_secs(5),
        rate: None,
        hours: None,
    }
}

fn about(subject: usize) -> Lookup {
    lookup("licence", SUBJECTS[subject % SUBJECTS.len()])
}
