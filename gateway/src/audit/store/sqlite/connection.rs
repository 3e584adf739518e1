//! Opening the file with the settings under which a commit is durable, and bringing its tables up to date.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::rand;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::StoreError;

/// `HYAL` in ASCII, so that another application's database is not taken for a log.
const APPLICATION: i32 = 0x4859_414C;
/// One file per version, never changed once it was released.
const MIGRATIONS: [&str; 1] = [include_str!("../../../../migrations/audit/0001_log.sql")];
/// A lock that someone else holds fails the batch well within a second.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
const STATEMENTS: usize = 32;
/// The writer's page cache. SQLite looks through the whole of it at each commit that has split a page, so larger is not faster.
const WRITER_CACHE_KIB: i64 = 8_192;
/// Pages in the write-ahead log before they are copied into the database: a page that changes often is copied once.
const CHECKPOINT_PAGES: i64 = 4_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

/// Opens the file, which must exist, and verifies that the settings took.
pub(super) fn open(path: &Path, mode: Mode) -> Result<Connection, StoreError> {
    let access = match mode {
        Mode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Mode::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "trusted_schema", false)?;
    if mode == Mode::Read {
        return Ok(connection);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    let text = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let refused = |setting| Err(StoreError::Setting { path: path.to_owned(), setting });
    if text("journal_mode")? != "wal" {
        return refused("journal_mode = WAL");
    }
    if number("synchronous")? != 2 {
        return refused("synchronous = FULL");
    }
    if number("fullfsync")? != 1 {
        return refused("fullfsync = ON");
    }
    if number("secure_delete")? != 1 {
        return refused("secure_delete = ON");
    }
    Ok(connection)
}

/// Copies the write-ahead log into the database and cuts it to nothing, waiting for nobody. Says whether it came to that.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(busy? == 0)
}

/// How far a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) is_empty: bool,
    /// How many migrations were applied.
    applied: usize,
}

impl Progress {
    pub(super) fn is_done(self) -> bool {
        self.applied == MIGRATIONS.len()
    }
}

/// Reads how far a file is; an error where it is no log of this or an earlier version.
pub(super) fn progress(connection: &Connection, path: &Path) -> Result<Progress, StoreError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    let applied = usize::try_from(version).ok().filter(|&applied| applied <= MIGRATIONS.len());
    let Some(applied) = applied.filter(|_| is_empty || application == APPLICATION) else {
        let found = format!("application {application:#x}, version {version}");
        return Err(StoreError::Schema { path: path.to_owned(), found });
    };
    Ok(Progress { is_empty, applied })
}

/// Brings an empty or older file up to this version.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Progress { is_empty, applied } = progress(&transaction, path)?;
    for migration in &MIGRATIONS[applied..] {
        transaction.execute_batch(migration)?;
    }
    if is_empty {
        let mut identity = [0; 16];
        rand::fill(&mut identity).map_err(|_| StoreError::Inconsistent { what: "no random numbers are available" })?;
        transaction.execute("INSERT INTO file (log, identity, filed) VALUES (1, ?1, 0)", [identity])?;
        transaction
            .execute("INSERT INTO head (log, size, last_at, shard, frontier) VALUES (1, 0, 0, 0, zeroblob(0))", [])?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
    }
    if applied < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX))?;
    }
    Ok(transaction.commit()?)
}
