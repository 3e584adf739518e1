//! One question on its way from its reservation to its answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::Inner;
use super::draft::{Claim, Salt};
use super::error::AuditError;
use super::queue::LiveIntent;
use super::record::{Intent, Receipt, Record, RequestKey};

/// A question that nobody else is answering. Dropping it frees the question; an intent that is still open is then closed with
/// an `abandoned` entry, and the question may be asked again under a new one.
#[must_use = "a reserved question is to be answered"]
pub struct Reservation {
    inner: Arc<Inner>,
    slot: Slot,
    claim: Claim,
    salt: Salt,
    open: Option<LiveIntent>,
}

impl Reservation {
    pub(super) fn new(inner: &Arc<Inner>, slot: Slot, claim: Claim, salt: Salt) -> Self {
        Self { inner: Arc::clone(inner), slot, claim, salt, open: None }
    }

    /// Records that a department is about to be asked; durable when it returns.
    ///
    /// # Errors
    /// Then no department may be asked.
    pub async fn intend(&mut self, record: Record) -> Result<Intent, AuditError> {
        let draft = self.inner.drafting(self.salt).intent(&record, self.claim.clone())?;
        let done = self.inner.append(draft, None, None).await?;
        self.open = done.intent;
        Ok(Intent { receipt: done.receipt })
    }

    /// Records the answer and keeps the reply, in one transaction. The entry closes `intent`; an intent that is not handed back
    /// is closed as abandoned.
    ///
    /// # Errors
    /// Then nothing may be released. Whether the answer is durable may be unknown: the same question asked again finds out.
    pub async fn answer(self, intent: Option<Intent>, record: Record, reply: Vec<u8>) -> Result<Receipt, AuditError> {
        let open = self.open.filter(|open| intent.is_some_and(|intent| intent.receipt.index == open.index));
        let index = open.as_ref().map(|open| open.index);
        let draft = self.inner.drafting(self.salt).answer(&record, self.claim, index, &reply)?;
        let done = self.inner.append(draft, open, Some(self.slot)).await?;
        Ok(done.receipt)
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("request_id", &self.claim.key.request_id).finish_non_exhaustive()
    }
}

/// The questions that are being answered. The wake-up exists once somebody waits for it.
#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: Mutex<HashMap<RequestKey, Option<Arc<Notify>>>>,
    in_flight: AtomicUsize,
}

/// A question's place among those in flight.
#[derive(Debug)]
pub(super) struct Slot {
    key: RequestKey,
    slots: Arc<Slots>,
}

impl Slots {
    /// How many questions are being answered.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Takes the question's place, after whoever has it.
    pub(super) async fn take(self: &Arc<Self>, key: &RequestKey) -> Slot {
        loop {
            let freed = {
                let mut slots = self.taken.lock().expect("no holder of this lock can panic");
                match slots.get_mut(key) {
                    None => {
                        self.in_flight.fetch_add(1, Ordering::Relaxed);
                        slots.insert(key.clone(), None);
                        return Slot { key: key.clone(), slots: Arc::clone(self) };
                    }
                    // Made while the map is locked, so the wake-up cannot come before it.
                    Some(waiting) => Arc::clone(waiting.get_or_insert_default()).notified_owned(),
                }
            };
            freed.await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let freed = self.slots.taken.lock().expect("no holder of this lock can panic").remove(&self.key);
        self.slots.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(Some(waiting)) = freed {
            waiting.notify_waiters();
        }
    }
}
