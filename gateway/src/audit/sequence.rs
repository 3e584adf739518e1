//! Sequencing: entries get their places, the tree grows by them, and its new head is signed, all inside the transaction that makes
//! them durable. What is computed here leaves memory after COMMIT alone.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::cipher::{Cipher, CipherError};
use super::draft::{self, Draft, Place, Sealed};
use super::leaf;
use super::log_key::LogKey;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::frontier::{ExtensionProofs, Frontier, Subtree, extension_proofs};
use crate::tlog::proof::TlogProof;
use crate::tlog::{Hash, tree};

/// Where the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// How many entries it has; the index of the next one.
    pub(super) size: u64,
    /// When the newest was made, in microseconds since 1970.
    pub(super) last_at: i64,
    /// The shard that grows.
    pub(super) shard: Shard,
    /// The perfect subtrees of its tree.
    pub(super) frontier: Frontier,
}

/// A part of the log with a tree of its own: the entries of one quarter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shard {
    /// The index of its first entry in the log. The place in the tree is counted from there.
    pub(super) first: u64,
    /// Its name: the origin line of its checkpoints. Empty before the first entry of the log.
    pub(super) origin: String,
}

/// What makes entries and heads of trees into bytes.
pub(super) struct Sealer<'a> {
    pub(super) cipher: &'a dyn Cipher,
    pub(super) log_key: &'a LogKey,
}

/// One append under way: from the head before it to the head after it.
pub(super) struct Sequence<'a> {
    sealer: &'a Sealer<'a>,
    head: Head,
    now: i64,
    before: Frontier,
    leaves: Vec<Hash>,
    subtrees: Vec<Subtree>,
}

/// The bytes of an entry that opens a shard.
pub(super) struct Opening {
    pub(super) place: Place,
    pub(super) decision: Uuid,
    pub(super) leaf: Vec<u8>,
}

/// What an append made of the head.
pub(super) struct Sequenced {
    pub(super) head: Head,
    /// Perfect subtrees that were completed, for proofs of later days.
    pub(super) subtrees: Vec<Subtree>,
    pub(super) growth: Arc<Growth>,
}

/// The proofs of the entries of one append, against the signed head after it.
pub(super) struct Growth {
    /// The tree's size before.
    from: u64,
    first: u64,
    proofs: ExtensionProofs,
    /// The signed checkpoint.
    pub(super) note: String,
}

impl<'a> Sequence<'a> {
    pub(super) fn after(head: Head, now: i64, sealer: &'a Sealer<'a>) -> Self {
        let before = head.frontier.clone();
        Self { sealer, head, now, before, leaves: Vec::new(), subtrees: Vec::new() }
    }

    /// Opens a shard where the quarter of the log's newest time asks for another one. `last` gives the newest checkpoint: the first
    /// entry of a shard holds the last checkpoint of the one before. The first shard of all has no such entry. Says which shard
    /// was opened.
    pub(super) fn open_shard<E>(
        &mut self,
        last: impl FnOnce() -> Result<String, E>,
    ) -> Result<Option<(Shard, Option<Opening>)>, E> {
        let at = self.now.max(self.head.last_at);
        let origin = self.sealer.log_key.origin(quarter(at));
        if self.head.shard.origin == origin {
            return Ok(None);
        }
        let is_first = self.head.size == 0;
        let previous = if is_first { None } else { Some(last()?) };
        self.head.shard = Shard { first: self.head.size, origin };
        self.head.frontier = Frontier::default();
        self.before = Frontier::default();
        let opening = previous.map(|previous| {
            let place = self.next();
            let decision = draft::decision_at(place.at);
            let leaf = leaf::opening(decision, place, &previous);
            self.grow(place, tree::leaf_hash(&leaf));
            Opening { place, decision, leaf }
        });
        Ok(Some((self.head.shard.clone(), opening)))
    }

    /// Gives a draft the next place and its bytes there.
    pub(super) fn place(&mut self, draft: &Draft, sealed: &mut Sealed) -> Result<Place, CipherError> {
        let place = self.next();
        draft.seal(place, self.sealer.cipher, sealed)?;
        self.grow(place, sealed.leaf_hash);
        Ok(place)
    }

    /// Signs the new head; `None` where nothing was placed.
    pub(super) fn finish(self) -> Option<Sequenced> {
        if self.leaves.is_empty() {
            return None;
        }
        let proofs = extension_proofs(&self.before, &self.leaves);
        let (root, first) = (proofs.root(), self.head.shard.first);
        let checkpoint = Checkpoint::new(self.head.shard.origin.clone(), self.head.size - first, root);
        let note = self.sealer.log_key.sign(&checkpoint);
        let growth = Arc::new(Growth { from: self.before.size(), first, proofs, note });
        Some(Sequenced { head: self.head, subtrees: self.subtrees, growth })
    }

    fn next(&self) -> Place {
        let stepped_back = self.head.size > 0 && self.now < self.head.last_at;
        let at = if stepped_back { self.head.last_at + 1 } else { self.now };
        Place { index: self.head.size, at, stepped_back }
    }

    fn grow(&mut self, place: Place, leaf_hash: Hash) {
        self.leaves.push(leaf_hash);
        self.head.frontier.push(leaf_hash, &mut |subtree| self.subtrees.push(subtree));
        self.head.size += 1;
        self.head.last_at = place.at;
    }
}

impl Growth {
    /// The proof of the entry at `index`, in the form of a C2SP tlog-proof.
    pub(super) fn proof(&self, index: u64) -> String {
        let place = index - self.first;
        let at = usize::try_from(place - self.from).expect("a place in a batch is small");
        TlogProof::new(place, self.proofs.proof(at).copied().collect(), self.note.clone()).to_string()
    }
}

/// Which quarter a time in microseconds belongs to, in UTC: `2026q4`.
pub(super) fn quarter(at: i64) -> String {
    let day = Timestamp::from_microsecond(at).unwrap_or_default().to_zoned(TimeZone::UTC).date();
    super::keys::quarter(day)
}

impl PartialEq for Growth {
    /// A signed head stands for one tree, and a tree grows from one size in one way.
    fn eq(&self, other: &Self) -> bool {
        self.note == other.note && self.from == other.from
    }
}

impl Eq for Growth {}

impl fmt::Debug for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growth").field("from", &self.from).finish_non_exhaustive()
    }
}
