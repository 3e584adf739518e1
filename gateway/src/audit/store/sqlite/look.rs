//! A look at a log that may be in use: nothing is made, and nothing is changed.

use std::fs::{OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::connection::{Mode, open, progress};
use super::{SqliteStore, StoreError, failed, lock_file, signed, tree};
use crate::audit::sequence::Head;
use crate::audit::store::{Kept, Leaf, Look};

/// Looks at the log at `path`; `None` where there is no file. A log that nobody uses is opened as a gateway would open it, so
/// that it is known to take a write.
pub(in crate::audit) fn look(path: &Path) -> Result<Option<Look>, StoreError> {
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) => return Err(failed(path, error)),
    }
    let is_in_use = is_locked(path)?;
    let connection = open(path, Mode::Read)?;
    let progress = progress(&connection, path)?;
    if progress.is_empty {
        return Ok(Some(Look { is_in_use, size: 0, last_at: 0, newest: None }));
    }
    let Head { size, last_at, .. } = tree::standing(&connection)?.head;
    let newest = connection.query_row(
        "SELECT entry.idx, leaf, sealed FROM entry JOIN body ON body.idx = entry.idx ORDER BY entry.idx DESC LIMIT 1",
        [],
        |row| Ok((Leaf { index: row.get::<_, i64>(0)?.cast_unsigned(), bytes: row.get(1)? }, row.get(2)?)),
    );
    let newest = newest.optional()?;
    drop(connection);
    // A log of an earlier version is left to the gateway that brings it up to date.
    if !is_in_use && progress.is_done() {
        drop(SqliteStore::open(path)?);
    }
    Ok(Some(Look { is_in_use, size, last_at, newest }))
}

/// The leaf and the proof of the entry at `index`, from a log that may be in use.
pub(in crate::audit) fn proof_of(path: &Path, index: u64) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    let connection = open(path, Mode::Read)?;
    if !progress(&connection, path)?.is_done() {
        return Err(StoreError::Inconsistent { what: "it is of another version; `heyan serve` brings it up to date" });
    }
    let leaf = connection.query_row("SELECT leaf FROM entry WHERE idx = ?1", [signed(index)?], |row| row.get(0));
    let Some(leaf) = leaf.optional()? else { return Ok(None) };
    Ok(Some((leaf, tree::proof(&connection, index)?)))
}

/// The entry at `index`, and what became of its body, at one moment.
pub(super) fn entry_at(connection: &Connection, index: u64) -> Result<Option<Kept>, StoreError> {
    // No log has a larger index than SQLite can hold.
    let Ok(at) = i64::try_from(index) else { return Ok(None) };
    let mut entry = connection.prepare_cached(
        "SELECT leaf, body.idx IS NOT NULL, under FROM entry LEFT JOIN body ON body.idx = entry.idx \
         LEFT JOIN erasure ON erasure.idx = entry.idx WHERE entry.idx = ?1",
    )?;
    let kept = entry.query_row([at], |row| {
        let leaf = Leaf { index, bytes: row.get(0)? };
        let erased_under = row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned);
        Ok(Kept { leaf, has_body: row.get(1)?, erased_under })
    });
    Ok(kept.optional()?)
}

/// Whether another process holds the lock beside the file.
fn is_locked(path: &Path) -> Result<bool, StoreError> {
    let beside = lock_file(path);
    let file = match OpenOptions::new().read(true).open(&beside) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(&beside, error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(failed(&beside, error)),
    }
}
