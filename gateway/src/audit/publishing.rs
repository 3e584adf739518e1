//! Publishing: within a second what is durable lies in a folder of files that never change, in the layout of C2SP tlog-tiles, for
//! auditors and the public. Reading it takes nothing from the store.
//!
//! Below the folder each shard has a folder of its own, named by its quarter; `checkpoint`, `tile` and `vkey` lead to those of the
//! newest.

mod conversation;
mod cosigning;
mod press;
mod shelf;
#[cfg(test)]
mod tests;
mod vigil;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::press::Press;
use super::log_key::LogKey;
use super::queue::Queue;
use super::sequence::Shard;
use super::store::StoreError;
use super::witnessing::Witnessing;
use crate::clock::Clock;
use crate::tlog::Hash;

/// How often the store is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// What publishing reads of a store. Everything that it gives is durable.
pub(super) trait Source: Send + Sync + fmt::Debug {
    /// The newest checkpoint of the shard to which the entry at `index` belongs; `None` where there is no such entry.
    fn newest(&self, index: u64) -> Result<Option<Signed>, StoreError>;

    /// The leaves from `from` to `to`, without it.
    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Whether the log has had this tree: a shard of this name, which begins with `size` entries that have this root.
    fn holds(&self, origin: &str, size: u64, root: &Hash) -> Result<bool, StoreError>;

    /// The proof that the tree of `new` entries of the shard that begins at `first` begins with that of its first `old`, which are one
    /// or more.
    fn consistency(&self, first: u64, old: u64, new: u64) -> Result<Vec<Hash>, StoreError>;
}

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) shard: Shard,
    /// Entries of the whole log by then.
    pub(super) size: u64,
    pub(super) note: String,
}

/// Why nothing was published, or why a log must not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}: is not a checkpoint of this log: {what}")]
    Checkpoint { path: PathBuf, what: String },
    #[error(
        "LOG_ROLLBACK: the log does not begin with the {size} entries of {origin} that {path} shows; restore the store to a later state"
    )]
    Rollback { path: PathBuf, origin: String, size: u64 },
    #[error(
        "LOG_ROLLBACK: the witness {witness} contradicts the log: {what}; restore the store to a later state, or find out who else signs with its key"
    )]
    Contradicted { witness: String, what: String },
    #[error("the policy of witnesses is for other logs than {0}")]
    OtherLog(String),
    #[error("no thread for witnesses can be had: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a log is published with.
pub(super) struct Printing<'a> {
    pub(super) folder: &'a Path,
    pub(super) source: Arc<dyn Source>,
    pub(super) log_key: Arc<LogKey>,
    pub(super) witnessing: Option<&'a Witnessing>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The thread that publishes.
pub(super) struct Publisher {
    stop: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Publisher {
    /// Refuses a store that is behind what was published, or what a witness has seen, and publishes from then on.
    pub(super) fn start(printing: Printing<'_>, queue: Arc<Queue>) -> Result<Self, PublishError> {
        let folder = printing.folder.to_owned();
        let mut press = Press::new(printing)?;
        let (stop, stopped) = channel();
        let (opened, is_open) = channel();
        let thread = thread::Builder::new().name("audit-publisher".into());
        // Witnesses are asked on a runtime of this thread's own; whoever starts it may be on another.
        let thread = thread.spawn(move || {
            let outcome = press.open(&queue);
            let press = outcome.is_ok().then_some(press);
            // Where the log is refused, nothing holds its store any more when that is told.
            if opened.send(outcome).is_ok()
                && let Some(press) = press
            {
                let ends = || !matches!(stopped.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout));
                press.run(ends, &queue);
            }
        });
        let thread = thread.map_err(|source| PublishError::File { path: folder, source })?;
        is_open.recv().map_err(|_| PublishError::Runtime(std::io::Error::other("the publisher failed")))??;
        Ok(Self { stop: Mutex::new(Some((stop, thread))) })
    }

    /// Publishes what is left, and ends.
    pub(super) fn close(&self) {
        let stop = self.stop.lock().expect("no holder of this lock can panic").take();
        if let Some((stop, thread)) = stop {
            drop(stop);
            // It has said in the log why it ended, if it did not end by itself.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publisher(…)")
    }
}
