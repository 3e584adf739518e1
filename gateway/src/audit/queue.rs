//! What waits for the committer. While one batch commits, the next one fills.

mod health;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use self::health::Health;
use super::draft::Draft;
use super::error::AuditError;
use super::observer::Observer;
use super::record::{AuditHealth, Receipt};
use super::reservation::Slot;
use super::retention::Retention;

/// Entries that may wait. Answers of open intents are let in beyond it: intents bound their number.
const WAITING_MAX: usize = 4_096;
/// Entries of one transaction.
pub(super) const BATCH_MAX: usize = 256;
/// How long a batch waits for questions that are on their way, so that they share its commit. Whoever asks alone waits for nobody.
const LINGER: Duration = Duration::from_micros(500);

/// One entry on its way.
pub(super) struct Job {
    pub(super) draft: Draft,
    /// The intent that the entry closes. Dropped without being closed, it is closed as abandoned.
    pub(super) intent: Option<LiveIntent>,
    /// The question's place among those in flight, freed when the entry's fate is known.
    pub(super) slot: Option<Slot>,
    pub(super) done: oneshot::Sender<Result<Done, AuditError>>,
    /// Where the entry is waited for.
    pub(super) home: Handle,
}

/// What a job came to.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) receipt: Receipt,
    /// Where the entry is an intent.
    pub(super) intent: Option<LiveIntent>,
}

/// The queue, and what the committer and the calls share beside it.
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    health: Health,
    observer: OnceLock<Arc<dyn Observer>>,
    retention: OnceLock<Retention>,
}

#[derive(Default)]
struct State {
    jobs: Vec<Job>,
    /// The committer sleeps until so many jobs wait; 0 while it is awake.
    wake_at: usize,
    /// Durable intents whose question is still being answered.
    live: HashSet<u64>,
    /// Some intents were let go: the committer closes them.
    sweep: bool,
    /// The store failed: nothing is let in until it has been revived.
    down: bool,
    closing: bool,
}

/// What the committer is to do.
#[derive(Debug)]
pub(super) enum Work {
    Commit {
        jobs: Vec<Job>,
        /// Intents that were let go are to be closed in the same transaction.
        sweep: bool,
    },
    /// Nothing came for a while.
    Idle,
    Close,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State { sweep: true, ..State::default() }),
            ready: Condvar::new(),
            health: Health::new(),
            observer: OnceLock::new(),
            retention: OnceLock::new(),
        }
    }

    /// The first observer stays.
    pub(super) fn observe(&self, observer: Arc<dyn Observer>) {
        self.observer.get_or_init(|| observer);
    }

    pub(super) fn observer(&self) -> Option<&dyn Observer> {
        self.observer.get().map(AsRef::as_ref)
    }

    /// The first retention stays.
    pub(super) fn retain(&self, retention: Retention) {
        self.retention.get_or_init(|| retention);
    }

    pub(super) fn retention(&self) -> Option<Retention> {
        self.retention.get().copied()
    }

    fn tell_queued(&self, entries: usize) {
        if let Some(observer) = self.observer() {
            observer.queued(entries);
        }
    }

    pub(super) fn health(&self) -> watch::Receiver<AuditHealth> {
        self.health.subscribe()
    }

    pub(super) fn is_serving(&self) -> bool {
        self.health.is_serving()
    }

    pub(super) fn push(&self, job: Job) -> Result<(), AuditError> {
        let mut state = self.lock();
        if state.down || state.closing || self.health.is_held() {
            return Err(AuditError::Unavailable);
        }
        if state.jobs.len() >= WAITING_MAX && job.intent.is_none() {
            return Err(AuditError::Overloaded);
        }
        state.jobs.push(job);
        self.tell_queued(state.jobs.len());
        let wakes = state.jobs.len() == state.wake_at;
        drop(state);
        if wakes {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Waits for work, at most `patience`. `on_their_way` is how many questions are in flight: a batch of fewer waits a moment.
    pub(super) fn take(&self, patience: Duration, on_their_way: impl Fn() -> usize) -> Work {
        let mut state = self.lock();
        if state.jobs.is_empty() && !state.sweep {
            state = self.sleep(state, patience, 1);
        }
        let expected = on_their_way().min(BATCH_MAX);
        if !state.jobs.is_empty() && state.jobs.len() < expected {
            state = self.sleep(state, LINGER, expected);
        }
        let sweep = std::mem::take(&mut state.sweep);
        if sweep || !state.jobs.is_empty() {
            let rest = if state.jobs.len() > BATCH_MAX { state.jobs.split_off(BATCH_MAX) } else { Vec::new() };
            self.tell_queued(rest.len());
            return Work::Commit { jobs: std::mem::replace(&mut state.jobs, rest), sweep };
        }
        if state.closing { Work::Close } else { Work::Idle }
    }

    /// Adds what came since to the jobs of a batch, as long as there is room.
    pub(super) fn take_more(&self, jobs: &mut Vec<Job>) {
        let mut state = self.lock();
        let room = BATCH_MAX.saturating_sub(jobs.len()).min(state.jobs.len());
        jobs.extend(state.jobs.drain(..room));
        self.tell_queued(state.jobs.len());
    }

    /// Sleeps until `jobs` wait, something else is to do, or the time has passed.
    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State>, time: Duration, jobs: usize) -> MutexGuard<'a, State> {
        state.wake_at = jobs;
        let sleeps = |state: &mut State| state.jobs.len() < jobs && !state.sweep && !state.closing;
        let (mut state, _) =
            self.ready.wait_timeout_while(state, time, sleeps).expect("no holder of this lock can panic");
        state.wake_at = 0;
        state
    }

    /// Waits `pause`, unless the queue is closed meanwhile, and says whether it is.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let state = self.lock();
        let waited = self.ready.wait_timeout_while(state, pause, |state| !state.closing);
        waited.expect("no holder of this lock can panic").0.closing
    }

    /// Nothing more is let in; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.ready.notify_all();
    }

    /// The store failed: lets nothing in and hands out what waits, to be refused.
    pub(super) fn go_down(&self, cause: &str) -> Vec<Job> {
        self.suspect(cause);
        let mut state = self.lock();
        state.down = true;
        self.tell_queued(0);
        std::mem::take(&mut state.jobs)
    }

    /// The store works again. Intents whose commit was unknown are looked for.
    pub(super) fn come_up(&self) {
        let mut state = self.lock();
        state.down = false;
        state.sweep = true;
        drop(state);
        self.trust();
    }

    /// Something is wrong with the store: no new question is let in.
    pub(super) fn suspect(&self, cause: &str) {
        self.health.of_store(Some(cause));
    }

    /// The store has just made an entry durable.
    pub(super) fn trust(&self) {
        if self.is_suspected() {
            self.health.of_store(None);
        }
    }

    /// Whether the store is thought to fail.
    pub(super) fn is_suspected(&self) -> bool {
        self.health.is_suspected()
    }

    /// Lets nothing in while too much is unwitnessed, for this cause; without one lets in again.
    pub(super) fn hold(&self, cause: Option<&str>) {
        self.health.of_witnesses(cause);
    }

    pub(super) fn sweep_again(&self) {
        self.lock().sweep = true;
    }

    pub(super) fn is_live(&self, intent: u64) -> bool {
        self.lock().live.contains(&intent)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock can panic")
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("health", &self.health).finish_non_exhaustive()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("draft", &self.draft).finish_non_exhaustive()
    }
}

/// A durable intent that waits for its answer. Whoever drops it unanswered, a cancelled call for example, has it closed with an
/// `abandoned` entry.
#[derive(Debug)]
pub(super) struct LiveIntent {
    pub(super) index: u64,
    queue: Arc<Queue>,
    is_closed: bool,
}

impl LiveIntent {
    pub(super) fn new(queue: &Arc<Queue>, index: u64) -> Self {
        queue.lock().live.insert(index);
        Self { index, queue: Arc::clone(queue), is_closed: false }
    }

    /// The answer is durable.
    pub(super) fn close(mut self) {
        self.is_closed = true;
    }
}

impl Drop for LiveIntent {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.live.remove(&self.index);
        if !self.is_closed {
            state.sweep = true;
            drop(state);
            self.queue.ready.notify_one();
        }
    }
}
