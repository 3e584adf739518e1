//! Submissions (C2SP tlog-witness): a checkpoint for a witness to cosign, and the proof that its tree begins with the one that the
//! witness has seen.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Hash;
use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::note::{Note, NoteError};

/// No proof has more hashes.
const HASHES_MAX: usize = 63;

/// The body of `add-checkpoint`. Nothing of it has been verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    old: u64,
    hashes: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

/// What is wrong with a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// It is not built as one.
    #[error("{0}")]
    Malformed(&'static str),
    /// Its last part is no signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Its note is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl Submission {
    /// A signed checkpoint, for a witness that has seen the tree of `old` leaves.
    ///
    /// # Errors
    /// [`SubmissionError`] where the note is no checkpoint.
    pub fn new(old: u64, hashes: Vec<Hash>, note: Note) -> Result<Self, SubmissionError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { old, hashes, note, checkpoint })
    }

    /// Reads a body, strictly.
    ///
    /// # Errors
    /// [`SubmissionError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SubmissionError> {
        let malformed = SubmissionError::Malformed;
        let (head, note) = text.split_once("\n\n").ok_or(malformed("no empty line comes before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| decimal(line.strip_prefix("old ")?));
        let old = old.ok_or(malformed("its first line is not the old size"))?;
        let mut hashes = Vec::new();
        for line in lines {
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
            hashes.push(hash.ok_or(malformed("a line of its proof is no hash"))?);
            if hashes.len() > HASHES_MAX {
                return Err(malformed("its proof has more than 63 hashes"));
            }
        }
        let submission = Self::new(old, hashes, Note::parse(note)?)?;
        if old > submission.checkpoint.size() {
            return Err(malformed("its old size is larger than that of the checkpoint"));
        }
        Ok(submission)
    }

    /// The size of the tree that the proof begins with.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The consistency proof.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The signed note.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The checkpoint of the note. Its signatures have not been verified.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.note)
    }
}
