//! A look at the log from outside of a gateway, for whoever asks what is wrong.

use jiff::Timestamp;

use super::database::Database;
use super::leaf::LeafView;
use super::store::postgres::PostgresStore;
use super::store::sqlite::SqliteStore;
use super::store::{Store as _, postgres, sqlite};
use super::{AuditKeys, Cipher as _, OpenError, context};

/// What was seen of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// A gateway has it open.
    pub is_in_use: bool,
    /// How many entries it has.
    pub entries: u64,
    /// When the newest was made.
    pub last_at: Option<Timestamp>,
    /// Whether the keys open the newest body; none where there is no body, or no key to try.
    pub keys_fit: Option<bool>,
}

/// Looks at the log in `database`; `None` where there is none yet. A log that nobody uses is opened for writing as well, and
/// left as it was.
///
/// # Errors
/// [`OpenError`] where it cannot be used.
pub fn inspect(database: &Database, keys: Option<&AuditKeys>) -> Result<Option<Inspection>, OpenError> {
    let seen = match database {
        Database::Sqlite(path) => sqlite::look(path),
        Database::Postgres(server) => postgres::look(server),
    };
    let Some(seen) = seen.map_err(|error| OpenError::Store(error.to_string()))? else { return Ok(None) };
    let keys_fit = keys.zip(seen.newest.as_ref()).map(|(keys, (leaf, sealed))| {
        let view = LeafView::parse(&leaf.bytes);
        view.is_ok_and(|view| keys.cipher().open(&context("body", leaf, &view), sealed).is_ok())
    });
    let last_at = (seen.size > 0).then(|| Timestamp::from_microsecond(seen.last_at).ok()).flatten();
    Ok(Some(Inspection { is_in_use: seen.is_in_use, entries: seen.size, last_at, keys_fit }))
}

/// The bytes and the tlog-proof of the entry at `index`; `None` where there is no such entry. Nothing is changed.
///
/// # Errors
/// [`OpenError`] where the log cannot be read.
pub fn prove(database: &Database, index: u64) -> Result<Option<(Vec<u8>, String)>, OpenError> {
    let proven = match database {
        Database::Sqlite(path) => sqlite::proof_of(path, index),
        Database::Postgres(server) => postgres::proof_of(server, index),
    };
    proven.map_err(|error| OpenError::Store(error.to_string()))
}

/// Makes the tables of a log, or brings them up to this version, and says how many entries it has.
///
/// # Errors
/// [`OpenError`] where the database cannot be used, or a gateway uses the file.
pub fn migrate(database: &Database) -> Result<u64, OpenError> {
    let opened = match database {
        Database::Sqlite(path) => SqliteStore::open(path).map(|store| store.size()),
        Database::Postgres(server) => PostgresStore::open(server).map(|store| store.size()),
    };
    opened.map_err(|error| OpenError::Store(error.to_string()))
}
