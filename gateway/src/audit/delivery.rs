//! Telling those who wait what became of their entries.

use tokio::runtime::Handle;

use super::error::AuditError;
use super::queue::{Done, Job};

/// What the entries of a batch came to, by the runtime on which each is waited for. A runtime is woken once for all of its own:
/// each time costs a system call of the committer, and often the sleep of a thread.
#[derive(Default)]
pub(super) struct Deliveries(Vec<(Handle, Vec<Delivery>)>);

/// An entry, and what it came to.
type Delivery = (Job, Result<Done, AuditError>);

impl Deliveries {
    pub(super) fn add(&mut self, job: Job, outcome: Result<Done, AuditError>) {
        let delivery = (job, outcome);
        match self.0.iter_mut().find(|(home, _)| home.id() == delivery.0.home.id()) {
            Some((_, deliveries)) => deliveries.push(delivery),
            None => self.0.push((delivery.0.home.clone(), vec![delivery])),
        }
    }

    /// Tells them. What the jobs have in memory is freed where it was made.
    pub(super) fn make(self) {
        for (home, deliveries) in self.0 {
            home.spawn(async {
                for (Job { draft, slot, done, .. }, outcome) in deliveries {
                    // Where nobody waits any more the intent comes back in the error, is dropped, and is closed as abandoned.
                    drop(done.send(outcome));
                    drop((slot, draft));
                }
            });
        }
    }
}
