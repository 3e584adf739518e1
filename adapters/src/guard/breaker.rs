use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::listener::{BreakerState, GuardListener};
use super::window::Window;
use crate::declaration::Limits;
use crate::{Adapter, AdapterError, Holdings, Lookup};

/// Failures in a row that open it.
const FAILURES_IN_A_ROW: usize = 5;
/// It opens as well where more than half of the look-ups of ten seconds failed, of at least so many.
const RATED_FROM: u32 = 20;

/// Leaves a department alone that does not answer.
///
/// It opens after five failures in a row, or where most look-ups fail, and then says [`AdapterError::Resting`] at once.
/// After `limits.pause` the department's health is tried by itself, and while that fails the pause doubles, up to
/// `limits.pause_max`. Then one question at a time is let through: one answer closes it, one failure opens it again.
///
/// A failure is what says that the department is down: unavailable, a time-out, a malformed answer. Not a time-out of a
/// caller who gave less than half of the declared deadline; not what is malformed about one subject again and again, which
/// is that record's trouble; not a caller who hangs up; not [`AdapterError::Busy`], which is our own limit.
pub struct Breaker(Arc<Shared>);

struct Shared {
    inner: Arc<dyn Adapter>,
    limits: Limits,
    listener: Arc<dyn GuardListener>,
    /// Subjects are remembered by a hash under a secret of this breaker.
    hasher: RandomState,
    memory: Mutex<Memory>,
}

struct Memory {
    phase: Phase,
    window: Window,
    /// What failed since the last answer, by the hash of what was asked.
    failed: Vec<u64>,
    /// How long it is left alone when it opens next.
    pause: Duration,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    Trial { asking: bool },
}

/// What a look-up says about the department.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Answers,
    Fails,
    /// It fails, perhaps for this subject alone.
    FailsAboutThis,
    Nothing,
}

impl Breaker {
    /// Closed at first. Goes around [`Timeout`](super::Timeout): it must see a look-up end, not vanish.
    pub fn new(inner: Arc<dyn Adapter>, limits: Limits, listener: Arc<dyn GuardListener>) -> Self {
        let memory = Memory { phase: Phase::Closed, window: Window::new(), failed: Vec::new(), pause: limits.pause };
        let (hasher, memory) = (RandomState::new(), Mutex::new(memory));
        Self(Arc::new(Shared { inner, limits, listener, hasher, memory }))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Breaker {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let mut pass = self.0.let_in()?;
        let answer = self.0.inner.look_up(lookup).await;
        pass.sign = self.0.read(&answer, lookup);
        pass.about = self.0.hasher.hash_one((lookup.result_type.as_str(), lookup.subject.expose()));
        answer
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        if let Phase::Open { until } = self.0.memory().phase {
            return Err(resting_until(until));
        }
        self.0.inner.check_health().await
    }
}

/// One look-up on its way; when it ends or is given up, what it says of the department is taken into account.
struct Pass<'a> {
    shared: &'a Arc<Shared>,
    is_trial: bool,
    sign: Sign,
    about: u64,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.shared.conclude(self);
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no holder of this lock can panic")
    }

    fn let_in(self: &Arc<Self>) -> Result<Pass<'_>, AdapterError> {
        let mut memory = self.memory();
        let is_trial = match &mut memory.phase {
            Phase::Closed => false,
            Phase::Open { until } => return Err(resting_until(*until)),
            Phase::Trial { asking: true } => return Err(AdapterError::Resting { retry_after: self.limits.pause }),
            Phase::Trial { asking } => {
                *asking = true;
                true
            }
        };
        Ok(Pass { shared: self, is_trial, sign: Sign::Nothing, about: 0 })
    }

    fn read(&self, answer: &Result<Holdings, AdapterError>, lookup: &Lookup) -> Sign {
        match answer {
            // A declaration that does not fit is answered by a department that is up.
            Ok(_) | Err(AdapterError::Misconfigured { .. }) => Sign::Answers,
            Err(AdapterError::Timeout) if lookup.deadline < self.limits.deadline / 2 => Sign::Nothing,
            Err(AdapterError::Unavailable | AdapterError::Timeout) => Sign::Fails,
            Err(AdapterError::Malformed { .. }) => Sign::FailsAboutThis,
            Err(AdapterError::Busy | AdapterError::Resting { .. } | AdapterError::Closed { .. }) => Sign::Nothing,
        }
    }

    fn conclude(self: &Arc<Self>, pass: &Pass<'_>) {
        let mut memory = self.memory();
        match (memory.phase, pass.sign) {
            (Phase::Closed, Sign::Answers) => {
                memory.window.count();
                memory.failed.clear();
            }
            (Phase::Closed, Sign::FailsAboutThis) if memory.failed.contains(&pass.about) => {}
            (Phase::Closed, Sign::Fails | Sign::FailsAboutThis) => {
                memory.failed.push(pass.about);
                memory.window.count();
                memory.window.mark();
                let counted = memory.window.sum();
                let fails_mostly = counted.all >= RATED_FROM && counted.marked > counted.all / 2;
                if fails_mostly || memory.failed.len() >= FAILURES_IN_A_ROW {
                    self.open(&mut memory);
                }
            }
            (Phase::Trial { .. }, Sign::Answers) if pass.is_trial => {
                *memory = Memory { window: Window::new(), failed: Vec::new(), pause: self.limits.pause, ..*memory };
                self.enter(&mut memory, Phase::Closed);
            }
            (Phase::Trial { .. }, Sign::Fails | Sign::FailsAboutThis) if pass.is_trial => self.open(&mut memory),
            (Phase::Trial { asking }, Sign::Nothing) if pass.is_trial && asking => {
                memory.phase = Phase::Trial { asking: false };
            }
            // It began before the breaker opened, and says nothing of now.
            (Phase::Open { .. } | Phase::Trial { .. }, _) | (Phase::Closed, Sign::Nothing) => {}
        }
    }

    fn open(self: &Arc<Self>, memory: &mut Memory) {
        let pause = self.lengthen(memory);
        tokio::spawn(come_back(Arc::downgrade(self), pause));
    }

    /// Leaves the department alone for this long, and for twice as long the next time.
    fn lengthen(&self, memory: &mut Memory) -> Duration {
        let pause = memory.pause;
        memory.pause = (pause * 2).min(self.limits.pause_max);
        self.enter(memory, Phase::Open { until: Instant::now() + pause });
        pause
    }

    fn enter(&self, memory: &mut Memory, phase: Phase) {
        let (from, to) = (memory.phase.state(), phase.state());
        memory.phase = phase;
        if from != to {
            self.listener.breaker_moved(from, to);
        }
    }
}

/// Tries the department's health after each pause, until it is well. Ends where nobody asks through this breaker any more.
async fn come_back(breaker: Weak<Shared>, mut pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        let Some(shared) = breaker.upgrade() else { return };
        let health = shared.inner.check_health().await;
        let mut memory = shared.memory();
        if matches!(health, Ok(()) | Err(AdapterError::Misconfigured { .. })) {
            return shared.enter(&mut memory, Phase::Trial { asking: false });
        }
        pause = shared.lengthen(&mut memory);
    }
}

fn resting_until(until: Instant) -> AdapterError {
    AdapterError::Resting { retry_after: until.saturating_duration_since(Instant::now()) }
}

impl Phase {
    fn state(self) -> BreakerState {
        match self {
            Self::Closed => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::Trial { .. } => BreakerState::Trial,
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.memory().phase.state();
        f.debug_struct("Breaker").field("inner", &self.0.inner).field("state", &state).finish_non_exhaustive()
    }
}
