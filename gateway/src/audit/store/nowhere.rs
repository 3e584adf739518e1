//! A store that keeps nothing, for measuring what keeping costs. Nothing but benchmarks is built with it.

use std::ops::Range;
use std::sync::OnceLock;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Appended, Kept, Leaf, ProofOf, Recalled, Store, StoreError, Stored, Which};
use crate::audit::draft::{Draft, Sealed};
use crate::audit::error::Unerasable;
use crate::audit::publishing::Signed;
use crate::audit::record::RequestKey;
use crate::audit::retention::Term;
use crate::audit::sequence::{Head, Sealer, Sequence, Sequenced, Shard};
use crate::tlog::Hash;
use crate::tlog::frontier::Frontier;

/// Breaks the contract: whatever is appended is said to be stored, as the first entry of all, and nothing is found again.
#[derive(Debug, Default)]
pub(in crate::audit) struct Nowhere {
    first: OnceLock<Stored>,
}

#[async_trait]
impl Store for Nowhere {
    fn append(&self, drafts: &[&Draft], now: i64, sealer: &Sealer<'_>) -> Result<Vec<Appended>, StoreError> {
        let Some(draft) = drafts.first() else { return Ok(Vec::new()) };
        let first = match self.first.get() {
            Some(first) => first,
            None => {
                let sealed = seal(draft, now, sealer)?;
                self.first.get_or_init(|| sealed)
            }
        };
        Ok(drafts.iter().map(|_| Appended::Stored(Box::new(first.clone()))).collect())
    }

    async fn erasable(&self, _: u64) -> Result<Result<Vec<u64>, Unerasable>, StoreError> {
        Err(StoreError::NotOpen)
    }

    fn expiring(&self, _: Term, _: i64, _: usize) -> Result<Option<Range<u64>>, StoreError> {
        Ok(None)
    }

    fn size(&self) -> u64 {
        0
    }

    fn revive(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn open_intents(&self, _: &dyn Fn(u64) -> bool, _: usize) -> Result<Vec<Leaf>, StoreError> {
        Ok(Vec::new())
    }

    fn forget_replies(&self, _: Range<i64>, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn is_recent(&self, _: &RequestKey) -> bool {
        false
    }

    async fn recall(&self, _: &RequestKey) -> Result<Option<Recalled>, StoreError> {
        Ok(None)
    }

    async fn proof(&self, _: u64) -> Result<String, StoreError> {
        Err(StoreError::NotOpen)
    }

    async fn entry(&self, _: Uuid) -> Result<Option<(Leaf, Option<Vec<u8>>)>, StoreError> {
        Ok(None)
    }

    async fn entry_at(&self, _: u64) -> Result<Option<Kept>, StoreError> {
        Ok(None)
    }

    async fn signed(&self, _: Which<'_>) -> Result<Option<Signed>, StoreError> {
        Ok(None)
    }

    async fn hashes(&self, _: u64, _: ProofOf) -> Result<Vec<Hash>, StoreError> {
        Err(StoreError::NotOpen)
    }
}

/// The draft as the only entry of a log.
fn seal(draft: &Draft, now: i64, sealer: &Sealer<'_>) -> Result<Stored, StoreError> {
    let head = Head { size: 0, last_at: now, shard: Shard::default(), frontier: Frontier::default() };
    let mut sequence = Sequence::after(head, now, sealer);
    sequence.open_shard(|| Err(StoreError::NotOpen))?;
    let mut sealed = Sealed::default();
    let place = sequence.place(draft, &mut sealed)?;
    let Sequenced { growth, .. } = sequence.finish().ok_or(StoreError::NotOpen)?;
    Ok(Stored { place, leaf: sealed.leaf, leaf_hash: sealed.leaf_hash, growth })
}
