//! Where the log is kept. The trait is the contract; `contract.rs` beside the tests holds every store to it.

#[cfg(feature = "bench")]
pub(super) mod nowhere;
pub(super) mod postgres;
pub(super) mod sqlite;

#[cfg(test)]
pub(super) mod contract;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::cipher::CipherError;
use super::draft::{Draft, Place};
use super::error::Unerasable;
use super::leaf::LeafView;
use super::publishing::Signed;
use super::record::{Class, RequestKey};
use super::retention::Term;
use super::sequence::{Growth, Sealer};
use crate::tlog::Hash;
use crate::tlog::nodes::{Nodes, consistency_proof, inclusion_proof};

/// A durable log.
///
/// - **Whole or not at all.** [`Self::append`] is one transaction. After an error nothing may be released: the entries may be
///   durable (the error came after the commit) or not, and only [`Self::revive`] and a new look tell which.
/// - **Durable when it returns.** A loss of power after `Ok` loses nothing.
/// - **One order.** Indices come from the head row inside the transaction, from 0 without gaps. Time never runs backwards: an
///   entry whose clock is behind the head gets the head's time plus one microsecond and is marked.
/// - **One tree.** The same transaction extends the tree of the shard, signs its new head and keeps the checkpoint. A head is never
///   signed for entries that another transaction could still take the places of.
/// - **Once.** A `request` key is reserved in the transaction of its first entry. A draft whose question another entry has
///   reserved with other content, or has answered, is [`Appended::Taken`]: it takes no index and leaves no trace.
/// - **Gone is gone.** The transaction of an erasure or a retention deletes body, reply, content digest and tags of the entries that it
///   names, and nothing finds these entries by a tag from then on. What is deleted is overwritten in the files as soon as nobody
///   reads them. An erasure that no longer fits what [`Self::erasable`] says is [`Appended::Stale`], as is a retention that does not
///   begin where the one before ended.
/// - **Reads are fresh.** What `append` has acknowledged, `recall`, `entry` and the others see.
/// - **Auditors hold up nobody.** `entry_at`, `signed` and `hashes` take nothing that `append` or `recall` would wait for.
#[async_trait]
pub(super) trait Store: Send + Sync + fmt::Debug {
    /// Waits until nobody else writes before the next [`Self::append`], which must follow: what comes meanwhile shares its commit.
    fn await_turn(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Appends `drafts` in their order in one transaction, at `now` (microseconds since 1970 UTC). One outcome per draft.
    fn append(&self, drafts: &[&Draft], now: i64, sealer: &Sealer<'_>) -> Result<Vec<Appended>, StoreError>;

    /// The entries that are erased together with the entry at `index`, itself included, in order: all that hold a body of the same
    /// question.
    async fn erasable(&self, index: u64) -> Result<Result<Vec<u64>, Unerasable>, StoreError>;

    /// Where bodies of `term` are past retention: the entries from where the retention before ended, all made before `before`
    /// (microseconds since 1970), with at most `max` such bodies among them. `None` where none is worth an entry. Bounded in work.
    fn expiring(&self, term: Term, before: i64, max: usize) -> Result<Option<Range<u64>>, StoreError>;

    /// How many entries the log is known to have.
    fn size(&self) -> u64;

    /// Makes the store usable again after an error: new connections, settings and head checked, a write made durable. An error
    /// means that it is still not usable; a log that lost entries which this process saw acknowledged is never usable.
    fn revive(&self) -> Result<(), StoreError>;

    /// Intents that nothing has closed, oldest first, without those that `held` names; at most `max`.
    fn open_intents(&self, held: &dyn Fn(u64) -> bool, max: usize) -> Result<Vec<Leaf>, StoreError>;

    /// Whether another gateway has died and left intents open. Asked about once a second.
    fn has_orphans(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Deletes at most `max` of the oldest replies that were recorded outside of `kept`, by the machine's clock of then, and
    /// returns how many.
    fn forget_replies(&self, kept: Range<i64>, max: usize) -> Result<usize, StoreError>;

    /// Whether the question is among the newest entries: at once, without reading. An older one is noticed by [`Self::append`].
    fn is_recent(&self, key: &RequestKey) -> bool;

    /// What is recorded under a question's key.
    async fn recall(&self, key: &RequestKey) -> Result<Option<Recalled>, StoreError>;

    /// The proof of the entry at `index`, as it left with its receipt.
    async fn proof(&self, index: u64) -> Result<String, StoreError>;

    /// The newest entry of a decision, and its sealed body unless that was erased.
    async fn entry(&self, decision: Uuid) -> Result<Option<(Leaf, Option<Vec<u8>>)>, StoreError>;

    /// The entry at `index`; `None` where the log ends before it.
    async fn entry_at(&self, index: u64) -> Result<Option<Kept>, StoreError>;

    /// The newest signed head of a shard; `None` where there is no such shard.
    async fn signed(&self, shard: Which<'_>) -> Result<Option<Signed>, StoreError>;

    /// The hashes of a proof in the tree of the shard that begins with the entry at `first`, by what is stored of the tree: as many
    /// rows of at most 256 hashes are read as the tree is high. The shard has had a tree of the sizes that are asked for.
    async fn hashes(&self, first: u64, proof: ProofOf) -> Result<Vec<Hash>, StoreError>;
}

/// Which shard is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which<'a> {
    Newest,
    /// The one of this origin.
    Named(&'a str),
    /// The one to which the entry at this index belongs.
    Of(u64),
}

/// Which proof is meant; places and sizes are counted in the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofOf {
    /// That the leaf at `place` is in the tree of `size` leaves (RFC 9162, section 2.1.3.1).
    Inclusion { place: u64, size: u64 },
    /// That the tree of `new` leaves begins with that of `old`, which are one or more (section 2.1.4.1).
    Consistency { old: u64, new: u64 },
}

impl ProofOf {
    /// The hashes, from the stored `nodes` of the tree that begins with the entry at `first`.
    fn hashes(self, first: u64, nodes: &mut impl Nodes<Error = StoreError>) -> Result<Vec<Hash>, StoreError> {
        let (begins, size) = match self {
            Self::Inclusion { place, size } => (place < size, size),
            Self::Consistency { old, new } => (0 < old && old <= new, new),
        };
        if !begins || first.checked_add(size).is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(StoreError::Inconsistent { what: "a proof was asked for in a tree that the log never had" });
        }
        match self {
            Self::Inclusion { place, size } => inclusion_proof(place, size, nodes),
            Self::Consistency { old, new } => consistency_proof(old, new, nodes),
        }
    }
}

/// An entry with its proof, and what became of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) leaf: Leaf,
    /// As [`Store::proof`] gives it.
    pub(super) proof: String,
    pub(super) has_body: bool,
    /// The entry that states its erasure.
    pub(super) erased_under: Option<u64>,
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Appended {
    /// It is the entry at this place.
    Stored(Box<Stored>),
    /// The question is another entry's.
    Taken,
    /// The intent that it was to close is closed.
    Closed,
    /// What it was to erase, or to take for being past retention, is not as it was.
    Stale,
}

/// An entry that has become durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) place: Place,
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_hash: [u8; 32],
    pub(super) growth: Arc<Growth>,
}

/// A stored leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) index: u64,
    pub(super) bytes: Vec<u8>,
}

/// A question that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recalled {
    /// `None` once it was erased or is past retention.
    pub(super) content: Option<[u8; 32]>,
    /// The answer, or the intent where no answer followed, if it was erased.
    pub(super) erased: Option<u64>,
    pub(super) intent: Option<u64>,
    /// The answer's leaf, and the sealed reply while it is kept.
    pub(super) answer: Option<(Leaf, Option<Vec<u8>>)>,
}

/// What lies at a path.
#[derive(Debug)]
pub(super) struct Look {
    /// Another process has it open.
    pub(super) is_in_use: bool,
    pub(super) size: u64,
    /// When the newest entry was made, in microseconds since 1970.
    pub(super) last_at: i64,
    /// The newest entry whose body is there, and the body.
    pub(super) newest: Option<(Leaf, Vec<u8>)>,
}

/// A draft that has its place, its leaf and its hash, or what became of it without one.
pub(super) type Placed = Result<(Place, Vec<u8>, Hash), Appended>;

/// What became of each draft, now that the head is signed.
pub(super) fn stored(placed: Vec<Placed>, growth: Option<&Arc<Growth>>) -> Result<Vec<Appended>, StoreError> {
    let stored = |placed| match (placed, growth) {
        (Err(without_place), _) => Ok(without_place),
        (Ok((place, leaf, leaf_hash)), Some(growth)) => {
            Ok(Appended::Stored(Box::new(Stored { place, leaf, leaf_hash, growth: Arc::clone(growth) })))
        }
        (Ok(_), None) => Err(StoreError::Inconsistent { what: "entries were placed and no head was signed" }),
    };
    placed.into_iter().map(stored).collect()
}

/// The term of an entry, and when it was made, as its leaf says.
pub(super) fn term_of(leaf: &[u8]) -> Result<(Option<Term>, i64), StoreError> {
    let unreadable = || StoreError::Inconsistent { what: "a leaf is not readable" };
    let view = LeafView::parse(leaf).map_err(|_| unreadable())?;
    let class = Class::from_word(&view.class).ok_or_else(unreadable)?;
    Ok((Term::of(&view.ev, class), view.at))
}

/// Why the store did not do it. Messages are for the operator and hold nothing personal.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    #[error("postgresql: {what}")]
    Server { what: String },
    #[error("postgresql: the server warned of the commit; whether it is durable is unknown")]
    Unknown,
    #[error("postgresql: no answer in time")]
    Late,
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: another process uses this log")]
    InUse { path: PathBuf },
    #[error("{path}: is not an audit log of this version ({found})")]
    Schema { path: PathBuf, found: String },
    #[error(
        "{path}: the database does not accept `{setting}`, without which entries can be lost or erased ones found again"
    )]
    Setting { path: PathBuf, setting: &'static str },
    #[error("{path}: the file was deleted or replaced while in use")]
    Replaced { path: PathBuf },
    #[error("{path}: the log ends at {found}, but {known} entries were acknowledged: it was rolled back")]
    RolledBack { path: PathBuf, known: u64, found: u64 },
    #[error("the connection failed earlier and is not open")]
    NotOpen,
    #[error("the log is inconsistent: {what}")]
    Inconsistent { what: &'static str },
    #[error(transparent)]
    Cipher(#[from] CipherError),
}
