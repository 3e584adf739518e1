//! The threads that ask one database file.
//!
//! A look-up of some microseconds is cheaper than waking a thread for it. So a thread that is awake takes one look-up after
//! another, and a look-up that nobody has begun after a moment rouses a thread for itself: one that hangs holds nobody up.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::answer;
use super::flight::{CancelOnDrop, Flight};
use crate::AdapterError;

/// A look-up that has not begun by then rouses a thread for itself.
const BEGUN_WITHIN: Duration = Duration::from_millis(1);

/// How long a thread waits for look-ups before it ends, and its connection with it.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// How long a look-up waits while the department's own software holds its database locked.
const LOCKED_MAX: Duration = Duration::from_millis(250);

/// After how many steps of SQLite's machine a query looks whether anybody still waits for it: some tens of microseconds.
const STOP_STEPS: c_int = 1000;

/// The largest value that SQLite makes or reads, in bytes: its own bound is a gigabyte, and a value is in memory before
/// its size can be looked at.
const VALUE_BYTES_MAX: c_int = 1 << 20;

/// Threads with a connection each. At most `threads_max` look-ups run, also when a file system hangs and the threads of
/// earlier ones do not come back.
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    path: PathBuf,
    threads_max: usize,
    statements: usize,
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    /// Threads that sleep and that nobody has roused.
    idle: usize,
    /// Threads that were roused and are not awake yet.
    roused: usize,
    closing: bool,
}

/// One look-up, on its way to a thread.
struct Job {
    flight: Arc<Flight>,
    work: Work,
}

type Work = Box<dyn FnOnce(&Shared, &mut Option<Opened>) + Send>;

/// A connection, the flag on which it stops, and the file that it was opened on: the file may be replaced under the
/// same name.
struct Opened {
    connection: Connection,
    stop: Arc<AtomicBool>,
    file: FileId,
}

type FileId = (u64, u64);

impl Pool {
    pub(crate) fn new(path: PathBuf, threads_max: usize, statements: usize) -> Self {
        let (state, ready) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Shared { path, threads_max, statements, state, ready }))
    }

    /// Runs `work` on a thread with a connection of its own. Dropping the future ends it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, AdapterError> + Send + 'static,
    ) -> Result<T, AdapterError> {
        let (done, mut is_done) = oneshot::channel();
        let flight = Arc::new(Flight::default());
        let _waiting = CancelOnDrop(Arc::clone(&flight));
        let flown = Arc::clone(&flight);
        let work: Work = Box::new(move |shared, opened| {
            // Where nobody waits any more there is nobody to tell.
            drop(done.send(shared.look_up(opened, &flown, work)));
        });
        Shared::submit(&self.0, Job { flight: Arc::clone(&flight), work });
        let done = match tokio::time::timeout(BEGUN_WITHIN, &mut is_done).await {
            Ok(done) => done,
            Err(_) => {
                if flight.is_waiting() {
                    Shared::rouse(&self.0, &mut self.0.lock());
                }
                is_done.await
            }
        };
        // Nothing was sent: a panic in `work`, or no thread to be had. Nothing was learned either way.
        done.unwrap_or(Err(AdapterError::Unavailable))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().closing = true;
        self.0.ready.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(shared: &Arc<Self>, job: Job) {
        let mut state = shared.lock();
        if state.waiting.len() > shared.threads_max {
            // Threads hang: look-ups that nobody waits for any more are not kept for them.
            state.waiting.retain(|job| job.flight.is_waiting());
        }
        state.waiting.push_back(job);
        if state.threads == state.idle {
            Self::rouse(shared, &mut state);
        }
    }

    /// One thread more, if there may be one.
    fn rouse(shared: &Arc<Self>, state: &mut State) {
        if state.idle > 0 {
            state.idle -= 1;
            state.roused += 1;
            shared.ready.notify_one();
        } else if state.threads < shared.threads_max {
            let worker = Arc::clone(shared);
            let started = thread::Builder::new().name("look-up".into()).spawn(move || worker.work());
            state.threads += usize::from(started.is_ok());
            if state.threads == 0 {
                state.waiting.clear();
            }
        }
    }

    /// A thread: takes what waits until nothing has come for a while.
    fn work(&self) {
        let mut opened = None;
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                drop(state);
                // The panic itself is reported where panics are; its look-up learns that nothing came of it.
                if panic::catch_unwind(AssertUnwindSafe(|| (job.work)(self, &mut opened))).is_err() {
                    opened = None;
                }
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let sleeps = |state: &mut State| state.roused == 0 && !state.closing;
            let slept = self.ready.wait_timeout_while(state, IDLE_MAX, sleeps);
            state = slept.unwrap_or_else(PoisonError::into_inner).0;
            if state.roused == 0 {
                state.idle -= 1;
                state.threads -= 1;
                return;
            }
            state.roused -= 1;
        }
    }

    fn look_up<T>(
        &self,
        kept: &mut Option<Opened>,
        flight: &Flight,
        work: impl FnOnce(&Connection) -> Result<T, AdapterError>,
    ) -> Result<T, AdapterError> {
        let file = self.file_id().map_err(|_| AdapterError::Unavailable)?;
        let opened = match kept.take().filter(|opened| opened.file == file) {
            Some(opened) => opened,
            None => self.connect(file).map_err(|error| answer::trouble(&error))?,
        };
        if !flight.begin(&opened.stop) {
            *kept = Some(opened);
            return Err(AdapterError::Timeout);
        }
        let result = work(&opened.connection);
        flight.end();
        // After other trouble a fresh connection is worth its cost.
        if matches!(result, Ok(_) | Err(AdapterError::Malformed { .. })) {
            *kept = Some(opened);
        }
        result
    }

    fn connect(&self, file: FileId) -> rusqlite::Result<Opened> {
        let stop = Arc::new(AtomicBool::new(false));
        Ok(Opened { connection: self.open(&stop)?, stop, file })
    }

    fn file_id(&self) -> io::Result<FileId> {
        let metadata = std::fs::metadata(&self.path)?;
        // Opening a named pipe waits until somebody writes to it: the thread would not come back, whatever takes its place.
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
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
