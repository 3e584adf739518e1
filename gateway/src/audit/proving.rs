//! What the log gives to those who check it: entries, signed heads and proofs, none of it personal.

use super::error::ProveError;
use super::leaf::LeafView;
use super::publishing::Signed;
use super::store::{Kept, ProofOf, Which};
use super::{Audit, AuditError};
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::Note;
use crate::tlog::{Hash, tree};

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its index in the log.
    pub index: u64,
    /// Its exact bytes.
    pub leaf: Vec<u8>,
    /// SHA-256 of a zero byte and these.
    pub leaf_hash: Hash,
    /// What became of its body.
    pub body: BodyState,
    /// The C2SP tlog-proof that left with its receipt.
    pub proof: String,
}

/// What became of the personal part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyState {
    /// It is there.
    Present,
    /// It is erased, as the entry at this index states.
    ErasedUnder(u64),
    /// It is past retention, as a later entry states.
    PastRetention,
    /// There never was one.
    None,
}

/// The newest signed head of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// The signed checkpoint.
    pub note: String,
    /// The name of the shard.
    pub origin: String,
    /// The index in the log of the shard's first entry.
    pub first: u64,
    /// How many entries the shard has.
    pub size: u64,
    /// The root of its tree.
    pub root: Hash,
}

/// A proof that an entry is in a tree of its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The newest signed head of the shard.
    pub head: SignedHead,
    /// The entry's place in the tree.
    pub place: u64,
    /// The size of the tree.
    pub size: u64,
    /// Of the entry.
    pub leaf_hash: Hash,
    /// From the leaf up.
    pub hashes: Vec<Hash>,
}

impl Audit {
    /// The entry at `index`, with its proof.
    ///
    /// # Errors
    /// [`ProveError::Unknown`] where the log ends before it, [`ProveError::Audit`] while the store cannot be read.
    pub async fn entry(&self, index: u64) -> Result<Entry, ProveError> {
        let kept = self.kept(index).await?;
        let proof = self.inner.store.proof(index).await.map_err(|_| AuditError::Unavailable)?;
        let view = LeafView::parse(&kept.leaf.bytes).map_err(|_| AuditError::Unavailable)?;
        let body = match (kept.has_body, kept.erased_under) {
            (true, _) => BodyState::Present,
            (false, Some(under)) => BodyState::ErasedUnder(under),
            (false, None) if view.body.is_empty() => BodyState::None,
            (false, None) => BodyState::PastRetention,
        };
        let leaf_hash = tree::leaf_hash(&kept.leaf.bytes);
        Ok(Entry { index, leaf: kept.leaf.bytes, leaf_hash, body, proof })
    }

    /// The newest signed head of a shard: of that with this origin, or of the newest.
    ///
    /// # Errors
    /// [`ProveError::Origin`] where there is no such shard, [`ProveError::Audit`] while the store cannot be read.
    pub async fn head(&self, origin: Option<&str>) -> Result<SignedHead, ProveError> {
        self.signed(origin.map_or(Which::Newest, Which::Named)).await?.ok_or(ProveError::Origin)
    }

    /// The proof that the entry at `index` is in its shard's tree of `size` entries, or in the newest that is signed.
    ///
    /// # Errors
    /// As [`Self::entry`]; [`ProveError::Size`] where the entry is not in a tree of this size, or no such tree is signed yet.
    pub async fn inclusion(&self, index: u64, size: Option<u64>) -> Result<Inclusion, ProveError> {
        let leaf = self.kept(index).await?.leaf;
        let head = self.signed(Which::Of(index)).await?.ok_or(AuditError::Unavailable)?;
        let (first, place, size) = (head.first, index - head.first, size.unwrap_or(head.size));
        if size <= place || size > head.size {
            return Err(ProveError::Size { sizes: place + 1..=head.size });
        }
        let hashes = self.hashes(first, ProofOf::Inclusion { place, size }).await?;
        Ok(Inclusion { head, place, size, leaf_hash: tree::leaf_hash(&leaf.bytes), hashes })
    }

    /// The proof that a shard's tree of `new` entries begins with that of `old`.
    ///
    /// # Errors
    /// As [`Self::head`]; [`ProveError::OldSize`] and [`ProveError::Size`] where there is no such proof.
    pub async fn consistency(&self, origin: &str, old: u64, new: u64) -> Result<Vec<Hash>, ProveError> {
        let head = self.head(Some(origin)).await?;
        if old == 0 || old > head.size {
            return Err(ProveError::OldSize { sizes: 1..=head.size });
        }
        if new < old || new > head.size {
            return Err(ProveError::Size { sizes: old..=head.size });
        }
        self.hashes(head.first, ProofOf::Consistency { old, new }).await
    }

    async fn kept(&self, index: u64) -> Result<Kept, ProveError> {
        let inner = &self.inner;
        // After a commit of unknown outcome the store may show what is not durable.
        inner.check_serving()?;
        let kept = inner.store.entry_at(index).await.map_err(|_| AuditError::Unavailable)?;
        match kept {
            Some(kept) => Ok(kept),
            None => {
                let newest = inner.store.signed(Which::Newest).await.map_err(|_| AuditError::Unavailable)?;
                Err(ProveError::Unknown { entries: newest.map_or(0, |newest| newest.size) })
            }
        }
    }

    async fn signed(&self, shard: Which<'_>) -> Result<Option<SignedHead>, ProveError> {
        let inner = &self.inner;
        inner.check_serving()?;
        let signed = inner.store.signed(shard).await.map_err(|_| AuditError::Unavailable)?;
        let Some(Signed { shard, note, .. }) = signed else { return Ok(None) };
        let checkpoint = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
        let checkpoint = checkpoint.ok_or(AuditError::Unavailable)?;
        let (size, root) = (checkpoint.size(), *checkpoint.root());
        Ok(Some(SignedHead { note, origin: shard.origin, first: shard.first, size, root }))
    }

    async fn hashes(&self, first: u64, proof: ProofOf) -> Result<Vec<Hash>, ProveError> {
        Ok(self.inner.store.hashes(first, proof).await.map_err(|_| AuditError::Unavailable)?)
    }
}
