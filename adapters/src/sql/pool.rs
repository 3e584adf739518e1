use std::ffi::c_int;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::answer;
use super::flight::{CancelOnDrop, Flight};
use crate::AdapterError;

/// How long a look-up waits while the department's own software holds its database locked.
const LOCKED_MAX: Duration = Duration::from_millis(250);

/// After how many steps of SQLite's machine a query looks whether anybody still waits for it: some tens of microseconds.
const STOP_STEPS: c_int = 1000;

/// The largest value that SQLite makes or reads, in bytes: its own bound is a gigabyte, and a value is in memory before
/// its size can be looked at.
const VALUE_BYTES_MAX: c_int = 1 << 20;

/// Connections to one database file. At most `turns` pieces of work run, also when a file system hangs and the threads
/// of earlier look-ups do not come back.
pub(super) struct Pool {
    path: PathBuf,
    turns: Arc<Semaphore>,
    statements: usize,
    idle: Mutex<Vec<Opened>>,
}

/// A connection, the flag on which it stops, and the file that it was opened on: the file may be replaced under the
/// same name.
struct Opened {
    connection: Connection,
    stop: Arc<AtomicBool>,
    file: FileId,
}

type FileId = (u64, u64);

impl Pool {
    pub(super) fn new(path: PathBuf, turns: usize, statements: usize) -> Self {
        Self { path, turns: Arc::new(Semaphore::new(turns)), statements, idle: Mutex::default() }
    }

    /// Runs `work` on a blocking thread with a connection of its own. Dropping the future ends it.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, AdapterError> + Send + 'static,
    ) -> Result<T, AdapterError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.expect("the semaphore is never closed");
        let flight = Arc::new(Flight::default());
        let waiting = CancelOnDrop(Arc::clone(&flight));
        let pool = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let result = pool.work(&flight, work);
            drop(turn);
            result
        });
        // A join error is a panic in `work` or a runtime that shuts down: nothing was learned either way.
        let result = done.await.unwrap_or(Err(AdapterError::Unavailable));
        drop(waiting);
        result
    }

    fn work<T>(
        &self,
        flight: &Flight,
        work: impl FnOnce(&Connection) -> Result<T, AdapterError>,
    ) -> Result<T, AdapterError> {
        let opened = self.take()?;
        if !flight.begin(&opened.stop) {
            self.put_back(opened);
            return Err(AdapterError::Timeout);
        }
        let result = work(&opened.connection);
        flight.end();
        // After other trouble a fresh connection is worth its cost.
        if matches!(result, Ok(_) | Err(AdapterError::Malformed { .. })) {
            self.put_back(opened);
        }
        result
    }

    fn take(&self) -> Result<Opened, AdapterError> {
        let file = self.file_id().map_err(|_| AdapterError::Unavailable)?;
        {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|opened| opened.file == file);
            if let Some(opened) = idle.pop() {
                return Ok(opened);
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let connection = self.open(&stop).map_err(|error| answer::trouble(&error))?;
        Ok(Opened { connection, stop, file })
    }

    fn put_back(&self, opened: Opened) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(opened);
    }

    fn file_id(&self) -> io::Result<FileId> {
        let metadata = std::fs::metadata(&self.path)?;
        Ok((metadata.dev(), metadata.ino()))
    }

    fn open(&self, stop: &Arc<AtomicBool>) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(LOCKED_MAX)?;
        connection.set_prepared_statement_cache_capacity(self.statements);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
        connection.pragma_update(None, "query_only", true)?;
        // The file is the department's: what its views and triggers call is not ours to run.
        connection.pragma_update(None, "trusted_schema", false)?;
        let stop = Arc::clone(stop);
        connection.progress_handler(STOP_STEPS, Some(move || stop.load(Ordering::Relaxed)))?;
        Ok(connection)
    }
}
