//! Why the log does not do what it is asked.

use std::ops::RangeInclusive;

/// Why nothing was recorded, or why nothing is answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The caller used this request id for another question.
    #[error("this request id belongs to another question, recorded at index {index}")]
    OtherContent {
        /// The entry of the other question.
        index: u64,
    },
    /// The question was answered, and its reply is no longer kept (24 hours).
    #[error("this question was answered at index {index}, and its reply is no longer kept")]
    ReplyGone {
        /// The answer's entry.
        index: u64,
    },
    /// The question was asked, and what is personal about it was erased: there is no reply, and no receipt can be made anew.
    #[error("this question is recorded at index {index}, and was erased")]
    Erased {
        /// The answer's entry, or the intent's where no answer followed.
        index: u64,
    },
    /// The question is recorded already: [`Audit::recall`](super::Audit::recall) finds it.
    #[error("the question is recorded already")]
    Taken,
    /// The store takes no entry, or it is unknown whether it took this one. Asking again with the same id is safe.
    #[error("the audit store is not available")]
    Unavailable,
    /// More entries wait than the queue holds.
    #[error("too many audit entries are waiting")]
    Overloaded,
    /// A part of the record is larger than an entry may be.
    #[error("the {part} of an audit entry may have at most {max} bytes")]
    TooLarge {
        /// Which part.
        part: &'static str,
        /// The largest size in bytes.
        max: usize,
    },
}

/// Why something is not proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The log ends before the entry.
    #[error("the log has {entries} entries")]
    Unknown {
        /// How many there are.
        entries: u64,
    },
    /// There is no shard of this origin, or no entry yet.
    #[error("the log has no such shard")]
    Origin,
    /// The older tree is empty, or larger than the newest that is signed.
    #[error("the older tree may have {} to {} entries", sizes.start(), sizes.end())]
    OldSize {
        /// What it may have.
        sizes: RangeInclusive<u64>,
    },
    /// The tree does not hold what is to be proved in it, or is larger than the newest that is signed.
    #[error("the tree may have {} to {} entries", sizes.start(), sizes.end())]
    Size {
        /// What it may have.
        sizes: RangeInclusive<u64>,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// Why an entry cannot be erased. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unerasable {
    /// The log ends before it.
    #[error("there is no entry {index}: the log has {size} entries")]
    Unknown {
        /// Which one.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// It never had a body, or its body is past retention.
    #[error("entry {index} has no body that could be erased")]
    NoBody {
        /// Which one.
        index: u64,
    },
    /// It is erased.
    #[error("entry {index} was erased already, under #{under}")]
    Erased {
        /// Which one.
        index: u64,
        /// The entry that states it.
        under: u64,
    },
    /// It says what was erased, and who ordered it.
    #[error("entry {index} states an erasure, and cannot be erased itself")]
    Erasure {
        /// Which one.
        index: u64,
    },
    /// Its question is being answered: the answer would say again what was erased.
    #[error("the question of entry {index} is still being answered")]
    Open {
        /// The intent that is open.
        index: u64,
    },
}

/// Why nothing was erased, or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EraseError {
    /// The entry cannot be erased.
    #[error(transparent)]
    Unerasable(#[from] Unerasable),
    /// The legal ground is no text that a leaf can hold.
    #[error("the legal ground must have 1 to {max} bytes, without control characters")]
    Ground {
        /// The most bytes.
        max: usize,
    },
    /// The log could not take the erasure. Where that is not known, asking again finds out.
    #[error(transparent)]
    Audit(#[from] AuditError),
}
