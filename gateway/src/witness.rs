//! A witness of transparency logs (C2SP tlog-witness): a small program that another office runs.
//!
//! It cosigns a checkpoint only where its tree begins with the last one that it cosigned, so that a log that shows two people two
//! histories needs the witness to lie as well.

mod folder;
mod server;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::server::WitnessServer;

use self::folder::Folder;
use self::state::{Seen, State};
use crate::audit::KeyError;
use crate::clock::Clock;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::cosignature::{CosigningKey, WitnessKey};
use crate::tlog::note::VerifierKey;
use crate::tlog::submission::{Submission, SubmissionError};
use crate::tlog::tree::{EMPTY_ROOT, verify_consistency};

/// Trees are counted in SQLite's integers.
const SIZE_MAX: u64 = i64::MAX.cast_unsigned();

/// Why a witness cannot be made, cannot run, or has not cosigned. Messages are for its operator.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}:{line}: {what}")]
    Content {
        /// Which one.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The witness cannot have this name.
    #[error("{0}; a name looks like `audit-office.example/witness`")]
    Name(String),
    /// Its key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What it has seen cannot be read or made durable.
    #[error("{path}: {what}")]
    State {
        /// Which database.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// What a witness says to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The line of its cosignature, with a line feed at its end.
    Cosigned(String),
    /// It is no submission.
    Malformed(SubmissionError),
    /// The log is not one of those that it watches.
    UnknownLog,
    /// The log did not sign it.
    Unsigned,
    /// What was cosigned last is another tree than the one that the proof begins with.
    Conflict {
        /// The size of that tree.
        size: u64,
    },
    /// The proof does not show that the tree begins with the one that was cosigned last.
    Unproved,
}

/// A witness.
#[derive(Debug)]
pub struct Witness {
    key: CosigningKey,
    logs: Vec<VerifierKey>,
    state: State,
    folder: Folder,
    clock: Arc<dyn Clock>,
}

/// Why a tree does not come after the one that was seen.
enum Refusal {
    Conflict(u64),
    Unproved,
    /// It is another tree of the same size.
    Forked(Seen),
}

/// Makes the folder of a new witness, and gives its public key.
///
/// # Errors
/// [`WitnessError`]; a key that is there already is never overwritten.
pub fn create(folder: &Path, name: &str, logs: &[VerifierKey]) -> Result<WitnessKey, WitnessError> {
    let (folder, key) = Folder::create(folder, name, logs)?;
    State::open(&folder.state())?;
    Ok(key)
}

impl Witness {
    /// Opens the folder of a witness.
    ///
    /// # Errors
    /// [`WitnessError`] names the file, and what is wrong with it.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        let folder = Folder::new(folder);
        let (key, logs) = (folder.key()?, folder.logs()?);
        Ok(Self { key, logs, state: State::open(&folder.state())?, folder, clock })
    }

    /// Its public key.
    pub fn key(&self) -> &WitnessKey {
        self.key.verifier()
    }

    /// Cosigns the checkpoint of a submission, or says why not. What it cosigns is durable before it returns.
    ///
    /// # Errors
    /// [`WitnessError::State`] where it cannot be made durable; nothing was cosigned then.
    pub fn add_checkpoint(&self, body: &str) -> Result<Verdict, WitnessError> {
        let submission = match Submission::parse(body) {
            Ok(submission) => submission,
            Err(error) => return Ok(Verdict::Malformed(error)),
        };
        let (note, checkpoint) = (submission.note(), submission.checkpoint());
        if checkpoint.size() > SIZE_MAX {
            return Ok(Verdict::Malformed(SubmissionError::Malformed("its tree has 2^63 leaves or more")));
        }
        let origin = checkpoint.origin();
        let mut keys = self.logs.iter().filter_map(|log| log.in_shard(origin)).peekable();
        if keys.peek().is_none() {
            return Ok(Verdict::UnknownLog);
        }
        if !keys.any(|key| note.verified_by(&key).is_ok()) {
            return Ok(Verdict::Unsigned);
        }
        let judge = |seen: Option<&Seen>| {
            follows(&submission, seen)?;
            let seen = Seen { size: checkpoint.size(), root: *checkpoint.root(), note: note.to_string() };
            // Taken while nobody can cosign a larger tree, so that at this time none larger was seen.
            Ok((seen, self.clock.now().as_second().max(0).cast_unsigned()))
        };
        Ok(match self.state.advance(origin, judge)? {
            Ok(time) => Verdict::Cosigned(format!("{}\n", self.key.cosign(note.text(), time))),
            Err(Refusal::Unproved) => {
                tracing::warn!(
                    origin,
                    size = checkpoint.size(),
                    "a signed checkpoint came with a proof that does not hold"
                );
                Verdict::Unproved
            }
            Err(Refusal::Conflict(size)) => Verdict::Conflict { size },
            Err(Refusal::Forked(seen)) => {
                self.accuse(&submission, &seen);
                Verdict::Conflict { size: seen.size }
            }
        })
    }

    /// Keeps both notes of a log that signed two trees of one size.
    fn accuse(&self, submission: &Submission, seen: &Seen) {
        let Seen { size, note, .. } = seen;
        let checkpoint = submission.checkpoint();
        let text = format!(
            "{} signed two different trees of {size} entries.\n\n== cosigned by {}\n{note}\n== refused at {}\n{}",
            checkpoint.origin(),
            self.key().name(),
            self.clock.now(),
            submission.note(),
        );
        match self.folder.keep(*size, checkpoint.root(), &text) {
            Ok(Some(path)) => {
                tracing::error!(origin = checkpoint.origin(), size, evidence = %path.display(), "the log has forked");
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(origin = checkpoint.origin(), size, %error, "the log has forked, and the evidence is not kept");
            }
        }
    }
}

/// Whether the tree of a submission is one that may come after what was seen, in the order of C2SP tlog-witness.
fn follows(submission: &Submission, seen: Option<&Seen>) -> Result<(), Refusal> {
    let checkpoint: &Checkpoint = submission.checkpoint();
    let (size, root) = seen.map_or((0, EMPTY_ROOT), |seen| (seen.size, seen.root));
    // Whatever tree the proof begins with: two roots of one size, both signed, are a fork.
    if let Some(seen) = seen.filter(|seen| seen.size == checkpoint.size() && seen.root != *checkpoint.root()) {
        return Err(Refusal::Forked(seen.clone()));
    }
    if submission.old() != size {
        return Err(Refusal::Conflict(size));
    }
    if checkpoint.size() == size {
        let same = *checkpoint.root() == root;
        return match (same, submission.hashes().is_empty()) {
            (true, true) => Ok(()),
            (true, false) => Err(Refusal::Unproved),
            (false, _) => Err(Refusal::Conflict(size)),
        };
    }
    if size == 0 {
        // Every tree begins with the one without leaves, and nothing proves it.
        return if submission.hashes().is_empty() { Ok(()) } else { Err(Refusal::Unproved) };
    }
    verify_consistency(size, checkpoint.size(), submission.hashes(), &root, checkpoint.root())
        .map_err(|_| Refusal::Unproved)
}
