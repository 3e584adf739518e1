//! Proofs in a file (C2SP tlog-proof): the path of one entry, and the signed checkpoint of the tree that it leads to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Hash;
use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::note::{BYTES_MAX, Note, NoteError, VerifierKey};
use super::tree::{ProofError, verify_inclusion};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 leaves is no higher.
const HASHES_MAX: usize = 64;

/// The proof of one entry. Nothing of it has been verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    index: u64,
    hashes: Vec<Hash>,
    note: String,
}

/// What is wrong with a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// It is not built as one.
    #[error("{0}")]
    Malformed(&'static str),
    /// Its checkpoint cannot be trusted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Its checkpoint is not one.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its path does not lead from the entry to the checkpoint's root.
    #[error(transparent)]
    Path(#[from] ProofError),
}

impl TlogProof {
    /// The proof of the entry at `index`; `note` is a signed checkpoint.
    pub fn new(index: u64, hashes: Vec<Hash>, note: String) -> Self {
        Self { index, hashes, note }
    }

    /// Reads a proof, strictly. Extra data is let through unread.
    ///
    /// # Errors
    /// [`TlogProofError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        let malformed = TlogProofError::Malformed;
        if text.len() > 2 * BYTES_MAX {
            return Err(malformed("it is too large"));
        }
        let (path, note) = text.split_once("\n\n").ok_or(malformed("no empty line comes before its checkpoint"))?;
        let mut lines = path.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed("its first line is another"));
        }
        if let Some(extra) = lines.next_if(|line| line.starts_with("extra ")) {
            STANDARD.decode(&extra["extra ".len()..]).map_err(|_| malformed("its extra data is not base64"))?;
        }
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(malformed("it has no index"))?;
        let mut hashes = Vec::new();
        for line in lines {
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
            hashes.push(hash.filter(|_| hashes.len() < HASHES_MAX).ok_or(malformed("a line of its path is no hash"))?);
        }
        Note::parse(note)?;
        Ok(Self { index, hashes, note: note.to_owned() })
    }

    /// The entry's place in the tree.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The path, from the leaf up.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The checkpoint, whose signatures have not been verified.
    ///
    /// # Errors
    /// [`TlogProofError`] where it is not one.
    pub fn checkpoint(&self) -> Result<Checkpoint, TlogProofError> {
        Ok(Checkpoint::parse(Note::parse(&self.note)?.text())?)
    }

    /// Verifies that the entry with this leaf hash is in the log of this key, whose name is the log's.
    ///
    /// # Errors
    /// [`TlogProofError`] says what refutes it.
    pub fn verify(&self, leaf: &Hash, key: &VerifierKey) -> Result<Checkpoint, TlogProofError> {
        let note = Note::parse(&self.note)?;
        note.verified_by(key)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin() != key.name() {
            return Err(TlogProofError::Malformed("its checkpoint is of another log"));
        }
        verify_inclusion(self.index, checkpoint.size(), leaf, &self.hashes, checkpoint.root())?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\nindex {}", self.index)?;
        let mut line = [0; 44];
        for hash in &self.hashes {
            STANDARD.encode_slice(hash, &mut line).map_err(|_| fmt::Error)?;
            writeln!(f, "{}", str::from_utf8(&line).map_err(|_| fmt::Error)?)?;
        }
        write!(f, "\n{}", self.note)
    }
}
