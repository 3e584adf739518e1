//! What a witness has seen: of each log the largest tree that it cosigned. It is durable before anybody gets a cosignature.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::WitnessError;
use crate::tlog::Hash;

/// `HYWI` in ASCII, so that another application's database is not taken for a witness's.
const APPLICATION: i32 = 0x4859_5749;
const VERSION: i32 = 1;
/// A lock that another process of the same witness holds is waited for so long.
const BUSY: Duration = Duration::from_secs(2);
const TABLES: &str = "\
    CREATE TABLE log (
        origin TEXT PRIMARY KEY,
        size INTEGER NOT NULL CHECK (size >= 0),
        root BLOB NOT NULL CHECK (length(root) = 32),
        note TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;";

/// The largest tree that was cosigned of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    pub(super) root: Hash,
    /// The checkpoint with the signature of its log.
    pub(super) note: String,
}

/// The database of a witness.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    /// `None` after a failure: it is opened anew.
    connection: Mutex<Option<Connection>>,
}

impl State {
    /// Opens the database, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, WitnessError> {
        let connection = open(path)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(Some(connection)) })
    }

    /// Lets `judge` say what comes after what was seen of a log, or why nothing does, and makes that durable. Nobody else changes it
    /// meanwhile.
    pub(super) fn advance<T, E>(
        &self,
        origin: &str,
        judge: impl FnOnce(Option<&Seen>) -> Result<(Seen, T), E>,
    ) -> Result<Result<T, E>, WitnessError> {
        let mut slot = self.connection.lock().expect("no holder of this lock can panic");
        // After a failure, the commit's included, what the connection shows may not be durable: it is dropped.
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let advanced = advance(&mut connection, origin, judge).map_err(|error| self.failed(&error))?;
        *slot = Some(connection);
        Ok(advanced)
    }

    fn failed(&self, error: &rusqlite::Error) -> WitnessError {
        WitnessError::State { path: self.path.clone(), what: error.to_string() }
    }
}

fn advance<T, E>(
    connection: &mut Connection,
    origin: &str,
    judge: impl FnOnce(Option<&Seen>) -> Result<(Seen, T), E>,
) -> rusqlite::Result<Result<T, E>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let seen = transaction
        .prepare_cached("SELECT size, root, note FROM log WHERE origin = ?1")?
        .query_row([origin], |row| {
            Ok(Seen { size: row.get::<_, i64>(0)?.cast_unsigned(), root: row.get(1)?, note: row.get(2)? })
        })
        .optional()?;
    let (next, then) = match judge(seen.as_ref()) {
        Ok(next) => next,
        Err(refused) => return Ok(Err(refused)),
    };
    if seen.as_ref().is_none_or(|seen| seen.size != next.size) {
        // The old size is compared once more, by the statement that replaces it.
        let changed = transaction
            .prepare_cached(
                "INSERT INTO log (origin, size, root, note) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (origin) DO UPDATE SET size = ?2, root = ?3, note = ?4 WHERE size = ?5 AND ?5 < ?2",
            )?
            .execute(params![
                origin,
                next.size.cast_signed(),
                next.root,
                next.note,
                seen.map_or(0, |seen| seen.size).cast_signed()
            ])?;
        if changed != 1 {
            return Err(rusqlite::Error::StatementChangedRows(changed));
        }
        transaction.commit()?;
    }
    Ok(Ok(then))
}

/// Opens the file with the settings under which a commit is durable, and verifies that they took.
fn open(path: &Path) -> Result<Connection, WitnessError> {
    let refused = |what: String| WitnessError::State { path: path.to_owned(), what };
    let opened = || -> rusqlite::Result<(Connection, String, i64, i32, i32)> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let synchronous = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        let application = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((connection, mode, synchronous, application, version))
    };
    let (mut connection, mode, synchronous, application, version) =
        opened().map_err(|error| refused(error.to_string()))?;
    if mode != "wal" || synchronous != 2 {
        return Err(refused("the database does not accept WAL with synchronous = FULL".into()));
    }
    match (application, version) {
        (APPLICATION, VERSION) => Ok(connection),
        (0, 0) => make(&mut connection).map(|()| connection).map_err(|error| refused(error.to_string())),
        _ => Err(refused("it is not the database of a witness of this version".into())),
    }
}

fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have made them since.
    if transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))? == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}
