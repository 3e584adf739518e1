//! What a file held, as a SQLite file of its own with an index on the key. It is written beside its place and put there in one
//! step; look-ups under way keep the one that they began with.

use std::borrow::Cow;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::declaration::FilesAsk;
use super::read::{Fault, Value, Wanted};
use crate::declaration::{Input, ResultType, Template};
use crate::sql::{Bound, answer};
use crate::{AdapterError, Holdings};

/// Belongs to the digest: a snapshot of another form is not read.
const FORM: u32 = 1;

/// How many pages of a snapshot that is written are in memory, in KiB. Sorting the index takes about as much again, and beyond
/// that temporary files of SQLite's, which have no name.
const CACHE_KIB: u32 = 16 << 10;

/// After how many steps of SQLite's machine it is looked whether anybody still needs the snapshot.
const STOP_STEPS: i32 = 10_000;

/// How long the snapshot of another declaration stays at least.
const OTHERS_AFTER: Duration = Duration::from_secs(10 * 60);

const UNWRITABLE: Fault = Fault::Hindered("the snapshot cannot be written");

/// Where the snapshot of one result type is, and how it is asked.
#[derive(Debug)]
pub(super) struct Snapshot {
    folder: PathBuf,
    result_type: String,
    /// Its name has a digest of the declaration: what another declaration left is never read.
    path: PathBuf,
    pub(super) wanted: Wanted,
    query: String,
    conditions: Vec<Template>,
}

/// A file as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) name: String,
    bytes: i64,
    pub(super) modified: Timestamp,
}

impl Stamp {
    pub(super) fn new(name: &str, file: &fs::Metadata) -> Option<Self> {
        let modified = Timestamp::new(file.mtime(), i32::try_from(file.mtime_nsec()).ok()?).ok()?;
        Some(Self { name: name.to_owned(), bytes: i64::try_from(file.len()).ok()?, modified })
    }

    /// Whether the file is as it was.
    pub(super) fn is_of(&self, file: &File) -> bool {
        file.metadata().ok().and_then(|file| Self::new(&self.name, &file)).as_ref() == Some(self)
    }
}

/// Whether a file of this time is too old to answer from.
pub(super) fn is_stale(modified: Timestamp, stale_after: Duration) -> bool {
    Timestamp::now().duration_since(modified) > SignedDuration::try_from(stale_after).unwrap_or(SignedDuration::MAX)
}

impl Snapshot {
    pub(super) fn new(folder: &Path, files: &Path, result_type: &ResultType, ask: &FilesAsk) -> Self {
        let wanted = Wanted::new(result_type, ask);
        let declared = format!("{FORM} {} {ask:?} {wanted:?}", files.display());
        let digest: String =
            digest(&SHA256, declared.as_bytes()).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let name = result_type.id.as_str();
        let columns: Vec<String> = (0..wanted.columns.len()).map(|place| format!("c{place}")).collect();
        let mut query = format!("SELECT {} FROM record WHERE c0 = ?1", columns.join(", "));
        for (i, (column, _)) in ask.conditions.iter().enumerate() {
            let place = wanted.position(column).expect("columns that are compared are wanted");
            query += &format!(" AND (?{0} IS NULL OR c{place} = ?{0})", i + 2);
        }
        query += " ORDER BY rowid";
        Self {
            folder: folder.to_owned(),
            result_type: name.to_owned(),
            path: folder.join(format!("{name}.{digest}.db")),
            wanted,
            query,
            conditions: ask.conditions.iter().map(|(_, template)| template.clone()).collect(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file that the snapshot there is of; `None` where there is none.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        // Opening would make no file, but say so more slowly.
        self.path.exists().then_some(())?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        read_stamp(&Connection::open_with_flags(&self.path, flags).ok()?).ok()
    }

    /// The records that fit a look-up.
    pub(super) fn ask(
        &self,
        connection: &Connection,
        result_type: &ResultType,
        bound: &Bound,
        stale_after: Duration,
    ) -> Result<Holdings, AdapterError> {
        let file = check(connection, stale_after)?;
        let trouble = |error| answer::trouble(&error);
        let given = |input: Input| bound.iter().find(|(known, _)| *known == input)?.1.as_deref().map(Cow::Borrowed);
        let rendered = |template: &Template| template.render(given, |value, text| text.push_str(value));
        let mut statement = connection.prepare_cached(&self.query).map_err(trouble)?;
        statement.raw_bind_parameter(1, given(Input::SubjectNumber).as_deref().map(str::trim)).map_err(trouble)?;
        for (i, template) in self.conditions.iter().enumerate() {
            let value = rendered(template);
            statement.raw_bind_parameter(i + 2, value.as_deref().map(str::trim)).map_err(trouble)?;
        }
        let place = |_: &rusqlite::Row<'_>, name: &str| self.wanted.position(name);
        answer::read_rows(statement.raw_query(), result_type, &place, Some(file.modified))
    }

    /// Holds other gateways over the same city folder off while this one loads; `None` where another does.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let lock = self.folder.join(format!("{}.lock", self.result_type));
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes what other declarations and loads that were cut short left: personal data that nobody asks. For whoever holds
    /// the lock. What another declaration wrote just now stays: some gateway may still be asked by it, and would write it anew.
    pub(super) fn sweep(&self) {
        let own = format!("{}.", self.result_type);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_old = || {
                let written = entry.metadata().and_then(|file| file.modified());
                written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > OTHERS_AFTER))
            };
            let is_left = name.ends_with(".loading") || name.ends_with(".db") && entry.path() != self.path && is_old();
            if name.starts_with(&own) && is_left {
                // Where it cannot be removed now, the next load tries again.
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    /// Begins a new one, for whoever holds the lock.
    pub(super) fn begin(&self, stop: &Arc<AtomicBool>) -> Result<Building<'_>, Fault> {
        let path = self.path.with_extension("loading");
        drop(fs::remove_file(&path));
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(|_| UNWRITABLE)?;
        let mut building = Building { of: self, path, connection: None, insert: String::new(), rows: 0 };
        let places = 0..self.wanted.columns.len();
        let columns: Vec<String> = places.clone().map(|place| format!("c{place}")).collect();
        let values: Vec<String> = places.map(|place| format!("?{}", place + 1)).collect();
        building.insert = format!("INSERT INTO record VALUES ({})", values.join(", "));
        let open = || {
            let connection = Connection::open_with_flags(&building.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let stop = Arc::clone(stop);
            connection.progress_handler(STOP_STEPS, Some(move || stop.load(Ordering::Relaxed)))?;
            connection.execute_batch(&format!(
                "PRAGMA journal_mode = OFF;
                 PRAGMA synchronous = OFF;
                 PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA cache_size = -{CACHE_KIB};
                 BEGIN;
                 CREATE TABLE snapshot (name, bytes, modified);
                 CREATE TABLE record ({});",
                columns.join(", ")
            ))?;
            Ok(connection)
        };
        building.connection = Some(open().map_err(|error: rusqlite::Error| unwritten(&error))?);
        Ok(building)
    }
}

/// The file that a snapshot is of, where it is not too old.
pub(super) fn check(connection: &Connection, stale_after: Duration) -> Result<Stamp, AdapterError> {
    let file = read_stamp(connection).map_err(|error| answer::trouble(&error))?;
    if is_stale(file.modified, stale_after) { Err(AdapterError::Unavailable) } else { Ok(file) }
}

fn read_stamp(connection: &Connection) -> rusqlite::Result<Stamp> {
    let mut statement = connection.prepare_cached("SELECT name, bytes, modified FROM snapshot")?;
    statement.query_row([], |row| {
        let modified: i64 = row.get(2)?;
        Ok(Stamp {
            name: row.get(0)?,
            bytes: row.get(1)?,
            modified: Timestamp::from_nanosecond(modified.into()).map_err(|_| rusqlite::Error::InvalidQuery)?,
        })
    })
}

/// A snapshot that is being written. Dropped before [`Building::finish`], it leaves nothing.
pub(super) struct Building<'s> {
    of: &'s Snapshot,
    path: PathBuf,
    connection: Option<Connection>,
    insert: String,
    pub(super) rows: u64,
}

impl Building<'_> {
    pub(super) fn add(&mut self, row: &[Value]) -> Result<(), Fault> {
        let mut statement = self.connection().prepare_cached(&self.insert).map_err(|error| unwritten(&error))?;
        statement.execute(params_from_iter(row)).map_err(|error| unwritten(&error))?;
        drop(statement);
        self.rows += 1;
        Ok(())
    }

    /// Puts it in the place of the last one, whole and on disk.
    pub(super) fn finish(mut self, file: &Stamp) -> Result<(), Fault> {
        let modified = i64::try_from(file.modified.as_nanosecond()).map_err(|_| UNWRITABLE)?;
        let finish = |connection: &Connection| {
            connection.execute_batch("CREATE INDEX record_by_key ON record (c0)")?;
            let insert = "INSERT INTO snapshot VALUES (?1, ?2, ?3)";
            connection.execute(insert, rusqlite::params![file.name, file.bytes, modified])?;
            connection.execute_batch("COMMIT")
        };
        finish(self.connection()).map_err(|error| unwritten(&error))?;
        self.connection.take().map_or(Ok(()), Connection::close).map_err(|(_, error)| unwritten(&error))?;
        let put = || {
            File::open(&self.path)?.sync_all()?;
            fs::rename(&self.path, &self.of.path)?;
            File::open(&self.of.folder)?.sync_all()
        };
        put().map_err(|_| UNWRITABLE)
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until it is finished")
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.connection = None;
        // After `finish` there is none; else the next sweep finds it.
        drop(fs::remove_file(&self.path));
    }
}

fn unwritten(error: &rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Fault::Stopped,
        _ => UNWRITABLE,
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Blank => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            // Whoever reads it says that it is neither text nor a number.
            Self::Other => ValueRef::Blob(&[]),
        }))
    }
}
