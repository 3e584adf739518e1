//! The one thread that writes. A batch is what waited while the batch before it was committed, and what comes within the moment
//! that it is left for questions on their way.

mod retirement;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;

use self::retirement::Retirement;
use super::REPLY_KEPT;
use super::cipher::Cipher;
use super::delivery::Deliveries;
use super::draft::{self, Draft, Drafting};
use super::error::AuditError;
use super::keys::AuditKeys;
use super::leaf::LeafView;
use super::log_key::LogKey;
use super::queue::{BATCH_MAX, Done, Job, LiveIntent, Queue, Work};
use super::record::{Proof, Receipt};
use super::reservation::Slots;
use super::sequence::Sealer;
use super::store::{Appended, Leaf, Store, StoreError, Stored};
use crate::clock::{Clock, stopwatch};

/// How often a store that failed is tried again.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// How often old replies are looked for when nothing else is to do, and at most this seldom when much is.
const FORGET_INTERVAL: Duration = Duration::from_secs(1);

/// Everything the thread owns or shares.
pub(super) struct Committer {
    pub(super) queue: Arc<Queue>,
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: Arc<AuditKeys>,
    pub(super) cipher: Arc<dyn Cipher>,
    pub(super) log_key: Arc<LogKey>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) slots: Arc<Slots>,
}

/// However the thread ends, nothing is let in after it.
struct Ending {
    queue: Arc<Queue>,
    _ended: oneshot::Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.queue.go_down("the audit log is closed"));
    }
}

impl Committer {
    /// Starts the thread. The receiver is released when the thread has ended.
    pub(super) fn start(self) -> std::io::Result<oneshot::Receiver<()>> {
        let (ended, has_ended) = oneshot::channel();
        let ending = Ending { queue: Arc::clone(&self.queue), _ended: ended };
        thread::Builder::new().name("audit-committer".into()).spawn(move || {
            // The store, and with it the lock file, is released before anybody learns that the thread has ended.
            let ending = ending;
            self.run();
            drop(ending);
        })?;
        Ok(has_ended)
    }

    fn run(self) {
        let mut last_forgotten = stopwatch();
        let mut retirement = Retirement::new();
        loop {
            let done = match self.queue.take(FORGET_INTERVAL, || self.slots.in_flight()) {
                Work::Commit { jobs, sweep } => self.commit(jobs, sweep),
                Work::Idle => self.look_again(),
                Work::Close => return,
            };
            let tidied = done.and_then(|()| self.forget(&mut last_forgotten));
            if let Err(error) = tidied.and_then(|()| self.retire(&mut retirement))
                && !self.recover(&error)
            {
                return;
            }
        }
    }

    /// Makes a batch durable, then releases it. After any error nothing of it is released.
    fn commit(&self, mut jobs: Vec<Job>, sweep: bool) -> Result<(), StoreError> {
        let done = self.let_go(sweep).and_then(|let_go| {
            if jobs.is_empty() && let_go.is_empty() {
                return Ok(Vec::new());
            }
            self.store.await_turn()?;
            self.queue.take_more(&mut jobs);
            let drafts: Vec<&Draft> = jobs.iter().map(|job| &job.draft).chain(&let_go).collect();
            self.append(&drafts)
        });
        match done {
            Ok(appended) if appended.is_empty() => Ok(()),
            Ok(appended) => {
                let mut deliveries = Deliveries::default();
                for (mut job, appended) in jobs.into_iter().zip(appended) {
                    let outcome = self.outcome(&mut job, appended);
                    deliveries.add(job, outcome);
                }
                deliveries.make();
                self.queue.trust();
                Ok(())
            }
            Err(error) => {
                if let Some(observer) = self.queue.observer() {
                    observer.failed();
                }
                // Nothing is let in before the first learns of it, so that none comes between.
                refuse(self.queue.go_down(&error.to_string()));
                refuse(jobs);
                Err(error)
            }
        }
    }

    fn append(&self, drafts: &[&Draft]) -> Result<Vec<Appended>, StoreError> {
        let sealer = Sealer { cipher: self.cipher.as_ref(), log_key: &self.log_key };
        let (began, now) = (stopwatch(), self.clock.now());
        let appended = self.store.append(drafts, now.as_microsecond(), &sealer)?;
        if let Some(observer) = self.queue.observer() {
            observer.committed(appended.len(), began.elapsed(), now);
            observer.size(self.store.size());
        }
        Ok(appended)
    }

    fn outcome(&self, job: &mut Job, appended: Appended) -> Result<Done, AuditError> {
        let Appended::Stored(stored) = appended else { return Err(AuditError::Taken) };
        let Stored { place, leaf, leaf_hash, growth } = *stored;
        let recorded_at = Timestamp::from_microsecond(place.at).map_err(|_| AuditError::Unavailable)?;
        let (salt, decision) = (job.draft.salt, job.draft.leaf.decision);
        let proof = Proof::Grown(growth);
        let receipt = Receipt { index: place.index, leaf, leaf_hash, salt, decision, recorded_at, proof };
        let is_intent = matches!(job.draft.step, draft::Step::Intent(_));
        let intent = is_intent.then(|| LiveIntent::new(&self.queue, place.index));
        if let Some(answered) = job.intent.take() {
            answered.close();
        }
        Ok(Done { receipt, intent })
    }

    /// The entries that close the intents which nobody will answer: of cancelled calls, of failed commits, of a crash.
    fn let_go(&self, sweep: bool) -> Result<Vec<Draft>, StoreError> {
        if !sweep {
            return Ok(Vec::new());
        }
        let abandoned = self.store.open_intents(&|index| self.queue.is_live(index), BATCH_MAX)?;
        if abandoned.len() == BATCH_MAX {
            self.queue.sweep_again();
        }
        let salt = draft::salt().map_err(unusable)?;
        let drafting = Drafting { keys: &self.keys, today: self.clock.today(), salt };
        let close = |intent: &Leaf| {
            let leaf = LeafView::parse(&intent.bytes)
                .map_err(|_| StoreError::Inconsistent { what: "the leaf of an intent is not readable" })?;
            drafting.abandoned(intent.index, &leaf).map_err(unusable)
        };
        abandoned.iter().map(close).collect()
    }

    /// An entry was late, and none came after it to show that the store works: tries it.
    fn look_again(&self) -> Result<(), StoreError> {
        if self.queue.is_suspected() {
            self.store.revive()?;
            self.queue.trust();
        }
        Ok(())
    }

    /// Deletes replies that are kept no longer, a bounded number at a time and no more than keeps pace with new ones.
    fn forget(&self, last: &mut Instant) -> Result<(), StoreError> {
        if last.elapsed() < FORGET_INTERVAL {
            return Ok(());
        }
        if self.store.has_orphans()? {
            self.queue.sweep_again();
        }
        let now = self.clock.now();
        // A reply from later than now is from a clock that was ahead; it is kept no longer than others either.
        let kept = (now - REPLY_KEPT).as_microsecond()..(now + REPLY_KEPT).as_microsecond();
        if self.store.forget_replies(kept, BATCH_MAX)? < BATCH_MAX {
            *last = stopwatch();
        }
        Ok(())
    }

    /// Refuses everything until the store takes a write again. Says `false` if the log was closed instead.
    fn recover(&self, error: &StoreError) -> bool {
        let mut cause = error.to_string();
        loop {
            refuse(self.queue.go_down(&cause));
            if self.queue.pause(PROBE_INTERVAL) {
                return false;
            }
            match self.store.revive() {
                Ok(()) => {
                    self.queue.come_up();
                    return true;
                }
                Err(error) => cause = error.to_string(),
            }
        }
    }
}

/// Without random numbers or keys the log makes no entry of itself.
fn unusable(_: AuditError) -> StoreError {
    StoreError::Inconsistent { what: "no entry can be made: the keys cannot be used" }
}

fn refuse(jobs: Vec<Job>) {
    let mut deliveries = Deliveries::default();
    for job in jobs {
        deliveries.add(job, Err(AuditError::Unavailable));
    }
    deliveries.make();
}
