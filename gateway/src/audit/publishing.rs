//! Publishing: within a second what is durable lies in a folder of files that never change, in the layout of C2SP tlog-tiles, for
//! auditors and the public. Reading it takes nothing from the store.
//!
//! Below the folder each shard has a folder of its own, named by its quarter; `checkpoint`, `tile` and `vkey` lead to those of the
//! newest.

mod shelf;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::shelf::Shelf;
use super::log_key::LogKey;
use super::queue::Queue;
use super::sequence::Shard;
use super::store::StoreError;
use crate::tlog::Hash;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::Note;

/// How often the store is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// Entries that are read at a time: a bundle.
const READ: u64 = crate::tlog::tile::WIDTH;

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
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The thread that publishes.
pub(super) struct Publisher {
    stop: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Publisher {
    /// Refuses a store that is behind what was published, and publishes from then on.
    pub(super) fn start(
        folder: &Path,
        source: Arc<dyn Source>,
        log_key: Arc<LogKey>,
        queue: Arc<Queue>,
    ) -> Result<Self, PublishError> {
        let mut press = Press { folder: folder.to_owned(), source, log_key, shelf: None };
        press.open()?;
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("audit-publisher".into());
        let thread = thread.spawn(move || press.run(&stopped, &queue));
        let thread = thread.map_err(|source| PublishError::File { path: folder.to_owned(), source })?;
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

/// Makes files of entries.
struct Press {
    folder: PathBuf,
    source: Arc<dyn Source>,
    log_key: Arc<LogKey>,
    /// The shard that grows; `None` before the first entry.
    shelf: Option<Shelf>,
}

impl Press {
    /// Finds what was published, and holds the store to it.
    fn open(&mut self) -> Result<(), PublishError> {
        let path = self.folder.join("checkpoint");
        let Some(note) = shelf::read_if_there(&path)? else { return Ok(()) };
        let unfit = |what: String| PublishError::Checkpoint { path: path.clone(), what };
        let note = Note::parse(&note).map_err(|error| unfit(error.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| unfit(error.to_string()))?;
        let (origin, size) = (checkpoint.origin(), checkpoint.size());
        note.verified_by(&self.log_key.verifier(origin)).map_err(|error| unfit(error.to_string()))?;
        if !self.source.holds(origin, size, checkpoint.root())? {
            return Err(PublishError::Rollback { path, origin: origin.to_owned(), size });
        }
        Ok(())
    }

    fn run(mut self, stopped: &Receiver<()>, queue: &Queue) {
        let mut was_well = true;
        loop {
            let ends = !matches!(stopped.recv_timeout(INTERVAL), Err(RecvTimeoutError::Timeout));
            match self.publish() {
                Ok(published) => {
                    was_well = true;
                    if let Some((size, observer)) = published.zip(queue.observer()) {
                        observer.published(size);
                    }
                }
                Err(error) => {
                    if was_well {
                        tracing::warn!(%error, "the audit log is not published; answers go on");
                    }
                    was_well = false;
                    // What is in memory may be ahead of the files: they are read again.
                    self.shelf = None;
                }
            }
            if ends {
                return;
            }
        }
    }

    /// Publishes all that is durable by now; says up to which entry, if there was something.
    fn publish(&mut self) -> Result<Option<u64>, PublishError> {
        let mut published = None;
        loop {
            let shelf = self.shelf.take();
            let next = shelf.as_ref().map_or(0, Shelf::next);
            let Some(signed) = self.source.newest(next)? else {
                self.shelf = shelf;
                return Ok(published);
            };
            let mut shelf = match shelf {
                Some(shelf) if *shelf.shard() == signed.shard => shelf,
                _ => Shelf::open(&self.folder, &signed.shard, &self.log_key.verifier(&signed.shard.origin))?,
            };
            while shelf.next() < signed.size {
                // Up to the end of a bundle, so that every full one is written once.
                let to = signed.size.min(shelf.next() + READ - shelf.width());
                for leaf in self.source.leaves(shelf.next(), to)? {
                    shelf.add(&leaf)?;
                }
            }
            shelf.close(&signed.note)?;
            published = Some(signed.size);
            self.shelf = Some(shelf);
        }
    }
}
