//! The thread that looks at a department's folder and loads what is new.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::declaration::FilesAsk;
use super::read::{self, Fault};
use super::snapshot::{Snapshot, Stamp, is_stale};
use crate::declaration::ResultType;
use crate::{AdapterError, GuardListener};

/// The longest time between two looks at the folder, and the shortest, for short times of settling.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(2);
const LOOK_EVERY_MIN: Duration = Duration::from_millis(20);

/// When a load is tried again that was hindered by something else than the file.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How far the clocks of the department and of the gateway may differ.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// After so many rows it is looked whether anybody still needs the snapshot; and so many more are told of.
const ROWS_PER_CHECK: u64 = 1024;
const ROWS_PER_WORD: u64 = 100 * ROWS_PER_CHECK;

/// The files of one result type and their snapshot.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) result_type: Arc<ResultType>,
    folder: PathBuf,
    pub(super) snapshot: Snapshot,
    pub(super) stale_after: Duration,
    pub(super) standing: watch::Sender<Standing>,
}

/// What is known of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The folder was looked at since the start.
    pub(super) looked: bool,
    /// The time of the file that the snapshot is of.
    pub(super) snapshot: Option<Timestamp>,
    /// A newer file is being written or loaded.
    pub(super) loading: bool,
    /// Why the newest file was not loaded.
    pub(super) refused: Option<AdapterError>,
}

impl Standing {
    /// Whether waiting would tell nothing more.
    pub(super) fn can_answer(&self, stale_after: Duration) -> bool {
        let is_fresh = self.snapshot.is_some_and(|modified| !is_stale(modified, stale_after));
        self.looked && (is_fresh || !self.loading)
    }
}

/// Looks at the folder from the first question until it is dropped.
pub(super) struct Watch {
    shared: Arc<Shared>,
    started: Mutex<bool>,
}

struct Shared {
    feeds: Vec<Arc<Feed>>,
    settle: Duration,
    listener: Arc<dyn GuardListener>,
    /// Ends also what SQLite is doing.
    stop: Arc<AtomicBool>,
    sleep: Mutex<()>,
    wake: Condvar,
}

/// What the thread remembers of a feed between two looks.
#[derive(Default)]
struct Memory {
    /// The newest file, and since when it is as it is.
    newest: Option<(Stamp, Instant)>,
    loaded: Option<Stamp>,
    refused: Option<Refused>,
}

/// A file that was not loaded.
struct Refused {
    file: Stamp,
    why: AdapterError,
    /// When it is tried again; `None` where it must be another first.
    again: Option<Instant>,
}

impl Feed {
    pub(super) fn new(
        result_type: Arc<ResultType>,
        folder: PathBuf,
        snapshot: Snapshot,
        stale_after: Duration,
    ) -> Self {
        Self { result_type, folder, snapshot, stale_after, standing: watch::Sender::default() }
    }

    fn ask(&self) -> &FilesAsk {
        self.result_type.ask.files().expect("a feed is of a result type of this kind")
    }

    /// The newest file by name. A pipe would be waited for, and a link may lead to what is not this department's.
    fn newest(&self) -> Option<Stamp> {
        let files = fs::read_dir(&self.folder).ok()?.flatten();
        let files = files.filter(|entry| entry.file_type().is_ok_and(|what| what.is_file()));
        let names = files.filter_map(|entry| entry.file_name().into_string().ok());
        let name = names.filter(|name| self.ask().file.fits(name)).max()?;
        Stamp::new(&name, &fs::symlink_metadata(self.folder.join(&name)).ok()?)
    }

    /// Opens the newest file, where it is still that very file.
    fn open(&self, newest: &Stamp) -> Result<File, Fault> {
        let path = self.folder.join(&newest.name);
        let file = File::open(&path).map_err(|_| Fault::Hindered("the file cannot be read"))?;
        let (Ok(opened), Ok(named)) = (file.metadata(), fs::symlink_metadata(&path)) else {
            return Err(Fault::Changed);
        };
        let is_named = named.is_file() && (named.dev(), named.ino()) == (opened.dev(), opened.ino());
        if is_named && newest.is_of(&file) { Ok(file) } else { Err(Fault::Changed) }
    }

    fn look(&self, memory: &mut Memory) {
        let newest = self.newest();
        if memory.newest.as_ref().map(|(stamp, _)| stamp) != newest.as_ref() {
            memory.newest = newest.map(|stamp| (stamp, Instant::now()));
        }
        // Also without a load of ours: another gateway may have written it, and a person may have removed it.
        memory.loaded = self.snapshot.stamp();
        let standing = Standing {
            looked: true,
            snapshot: memory.loaded.as_ref().map(|file| file.modified),
            loading: memory.waits().is_some(),
            refused: memory.refused().map(|refused| refused.why.clone()),
        };
        self.standing.send_if_modified(|known| {
            let moved = *known != standing;
            *known = standing;
            moved
        });
    }
}

impl Memory {
    /// Why the newest file is not loaded.
    fn refused(&self) -> Option<&Refused> {
        let (newest, _) = self.newest.as_ref()?;
        self.refused.as_ref().filter(|refused| refused.file == *newest)
    }

    /// The newest file, where it is to be loaded, and since when it is as it is.
    fn waits(&self) -> Option<&(Stamp, Instant)> {
        let (newest, _) = self.newest.as_ref()?;
        if self.loaded.as_ref() == Some(newest) {
            return None;
        }
        match self.refused() {
            Some(refused) if refused.again.is_none_or(|again| Instant::now() < again) => None,
            _ => self.newest.as_ref(),
        }
    }
}

impl Watch {
    pub(super) fn new(feeds: Vec<Arc<Feed>>, settle: Duration, listener: Arc<dyn GuardListener>) -> Self {
        let (stop, sleep, wake) = (Arc::default(), Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { feeds, settle, listener, stop, sleep, wake });
        Self { shared, started: Mutex::new(false) }
    }

    /// Starts the thread, unless it runs.
    pub(super) fn start(&self) -> Result<(), AdapterError> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if !*started {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("files".into()).spawn(move || shared.work());
            thread.map_err(|_| AdapterError::Unavailable)?;
            *started = true;
        }
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Under the lock, so that the thread is either asleep or will see that it is to stop.
        let _sleep = self.shared.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn work(&self) {
        let mut memories: Vec<Memory> = self.feeds.iter().map(|_| Memory::default()).collect();
        let look_every = match self.settle {
            Duration::ZERO => LOOK_EVERY_MAX,
            settle => (settle / 2).clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX),
        };
        while !self.is_stopped() {
            // All are looked at before any is loaded: a large file keeps nobody from the snapshots that there are.
            for (feed, memory) in self.feeds.iter().zip(&mut memories) {
                feed.look(memory);
            }
            for (feed, memory) in self.feeds.iter().zip(&mut memories) {
                self.load_what_waits(feed, memory);
            }
            let sleep = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
            drop(self.wake.wait_timeout_while(sleep, look_every, |()| !self.is_stopped()));
        }
    }

    fn load_what_waits(&self, feed: &Feed, memory: &mut Memory) {
        let Some((newest, since)) = memory.waits() else { return };
        if since.elapsed() < self.settle {
            return;
        }
        let newest = newest.clone();
        // The panic itself is reported where panics are. Readers of hostile files are where one is most likely.
        let loaded = panic::catch_unwind(AssertUnwindSafe(|| self.load(feed, &newest)));
        let loaded = loaded.unwrap_or_else(|_| Err(Fault::Broken("the file cannot be read by its format".into())));
        let what = |why: &str| format!("`{}`: {why}", feed.result_type.id);
        let (why, again) = match loaded {
            Ok(()) | Err(Fault::Changed | Fault::Stopped) => {
                memory.refused = None;
                return feed.look(memory);
            }
            Err(Fault::Broken(why)) => (AdapterError::Malformed { what: what(&why) }, None),
            Err(Fault::Hindered(why)) => {
                (AdapterError::Misconfigured { what: what(why) }, Some(Instant::now() + AGAIN_AFTER))
            }
        };
        memory.refused = Some(Refused { file: newest, why, again });
        feed.look(memory);
    }

    fn load(&self, feed: &Feed, newest: &Stamp) -> Result<(), Fault> {
        if self.is_stopped() {
            return Err(Fault::Stopped);
        }
        if newest.modified.duration_since(Timestamp::now()) > AHEAD_MAX {
            // It would be fresh for longer than the department's word for it lasts.
            return Err(Fault::Hindered("the time of the file is in the future"));
        }
        let lock = feed.snapshot.lock().map_err(|_| Fault::Hindered("the folder of snapshots cannot be written"))?;
        let Some(_lock) = lock else { return Err(Fault::Changed) };
        if feed.snapshot.stamp().as_ref() == Some(newest) {
            return Ok(());
        }
        feed.snapshot.sweep();
        let file = feed.open(newest)?;
        let opened = file.try_clone().map_err(|_| Fault::Hindered("the file cannot be read"))?;
        let mut building = feed.snapshot.begin(&self.stop)?;
        let mut has_keys = false;
        let read = read::read(&feed.ask().format, file, &feed.snapshot.wanted, &mut |row| {
            building.add(row)?;
            has_keys |= !row[0].is_blank();
            if building.rows % ROWS_PER_CHECK == 0 && self.is_stopped() {
                return Err(Fault::Stopped);
            }
            if building.rows % ROWS_PER_WORD == 0 {
                self.listener.loading(&feed.result_type.id, building.rows, false);
            }
            Ok(())
        });
        // What was read while it was written to says nothing of what it is: also where it seems broken.
        if !newest.is_of(&opened) {
            return Err(Fault::Changed);
        }
        read?;
        let rows = building.rows;
        if rows > 0 && !has_keys {
            // Every look-up would find nothing.
            return Err(Fault::Broken(format!("the column `{}` is blank in every row", feed.ask().key)));
        }
        building.finish(newest)?;
        self.listener.loading(&feed.result_type.id, rows, true);
        Ok(())
    }
}
