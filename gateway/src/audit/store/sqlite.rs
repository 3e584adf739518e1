//! The embedded store: one SQLite file, one process, write-ahead log, every commit synced.

mod connection;
mod insertion;
mod look;

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use self::connection::{Mode, open};
use self::insertion::{Insertion, signed};
pub(in crate::audit) use self::look::look;
use super::{Appended, Leaf, Recalled, Seal, Store, StoreError};
use crate::audit::draft::{Draft, Place};
use crate::audit::record::RequestKey;

/// Connections that read while the committer writes.
const READERS: usize = 4;
/// Enough pages to notice a full disk before an entry does.
const BALLAST_BYTES: i64 = 64 * 1024;

/// The log in one SQLite file. Other processes are kept out by a lock on a file beside it.
#[derive(Debug)]
pub(in crate::audit) struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Option<Writer>>,
    readers: [Mutex<Option<Connection>>; READERS],
    next_reader: AtomicUsize,
    /// What this process knows to be durable.
    known: Mutex<Head>,
    _lock: File,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// Device and inode of the database and of its write-ahead log: a file that was replaced is not the log.
    files: [(u64, u64); 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    identity: Vec<u8>,
    size: u64,
    last_at: i64,
}

impl SqliteStore {
    /// Opens the log at `path`, and makes it (mode 0600) where there is none.
    pub(in crate::audit) fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|e| failed(path, e))?;
        let mut connection = open(path, Mode::Write)?;
        connection::migrate(&mut connection, path)?;
        let known = head(&connection)?;
        let store = Self {
            path: path.to_owned(),
            writer: Mutex::new(None),
            readers: std::array::from_fn(|_| Mutex::new(None)),
            next_reader: AtomicUsize::new(0),
            known: Mutex::new(known),
            _lock: lock,
        };
        drop(connection);
        store.revive()?;
        Ok(store)
    }

    fn files(&self) -> Result<[(u64, u64); 2], StoreError> {
        let mut wal = self.path.clone().into_os_string();
        wal.push("-wal");
        let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
        match (identity(&self.path), identity(Path::new(&wal))) {
            (Ok(database), Ok(wal)) => Ok([database, wal]),
            _ => Err(StoreError::Replaced { path: self.path.clone() }),
        }
    }

    /// Runs `work` on a reading connection, which is opened where there is none and dropped after an error.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % READERS;
        let mut slot = self.readers[turn].lock().expect("no holder of this lock can panic");
        let connection = match slot.take() {
            Some(connection) => connection,
            None => open(&self.path, Mode::Read)?,
        };
        let found = work(&connection)?;
        *slot = Some(connection);
        Ok(found)
    }

    /// Runs `work` in a writing transaction. After any error, the commit's included, the connection is dropped: the
    /// transaction is rolled back or its outcome is unknown, and only [`Store::revive`] opens another.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut slot = self.writer.lock().expect("no holder of this lock can panic");
        let mut writer = slot.take().ok_or(StoreError::NotOpen)?;
        let transaction = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        if self.files()? != writer.files {
            return Err(StoreError::Replaced { path: self.path.clone() });
        }
        *slot = Some(writer);
        Ok(done)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn append(&self, drafts: &[&Draft], now: i64, seal: Seal<'_>) -> Result<Vec<Appended>, StoreError> {
        let (appended, head) = self.write(|transaction| {
            let mut head = head(transaction)?;
            let mut insertion = Insertion::prepare(transaction)?;
            let mut appended = Vec::with_capacity(drafts.len());
            for draft in drafts {
                let place = head.next(now);
                if let Some(without_place) = insertion.reserve(draft, place.index)? {
                    appended.push(without_place);
                    continue;
                }
                let sealed = seal(draft, place)?;
                insertion.insert(draft, place.index, now, &sealed)?;
                appended.push(Appended::Stored { place, leaf_hash: sealed.leaf_hash });
                head.size += 1;
                head.last_at = place.at;
            }
            drop(insertion);
            transaction
                .prepare_cached("UPDATE head SET size = ?1, last_at = ?2 WHERE log = 1")?
                .execute(params![signed(head.size)?, head.last_at])?;
            Ok((appended, head))
        })?;
        *self.known.lock().expect("no holder of this lock can panic") = head;
        Ok(appended)
    }

    fn size(&self) -> u64 {
        self.known.lock().expect("no holder of this lock can panic").size
    }

    fn revive(&self) -> Result<(), StoreError> {
        let mut slot = self.writer.lock().expect("no holder of this lock can panic");
        *slot = None;
        for reader in &self.readers {
            *reader.lock().expect("no holder of this lock can panic") = None;
        }
        let mut connection = open(&self.path, Mode::Write)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = head(&transaction)?;
        let mut known = self.known.lock().expect("no holder of this lock can panic");
        if found.identity != known.identity {
            return Err(StoreError::Replaced { path: self.path.clone() });
        }
        if found.size < known.size {
            return Err(StoreError::RolledBack { path: self.path.clone(), known: known.size, found: found.size });
        }
        transaction.execute("INSERT OR REPLACE INTO probe (id, ballast) VALUES (1, zeroblob(?1))", [BALLAST_BYTES])?;
        transaction.execute("DELETE FROM probe", [])?;
        transaction.commit()?;
        *known = found;
        let files = self.files()?;
        *slot = Some(Writer { connection, files });
        Ok(())
    }

    fn open_intents(&self, held: &dyn Fn(u64) -> bool, max: usize) -> Result<Vec<Leaf>, StoreError> {
        self.read(|connection| {
            let mut open = connection.prepare_cached("SELECT idx FROM open_intent ORDER BY idx")?;
            let indices = open.query_map([], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
            let mut leaves = connection.prepare_cached("SELECT leaf FROM entry WHERE idx = ?1")?;
            let abandoned = indices.into_iter().filter(|&index| !held(index.cast_unsigned())).take(max);
            abandoned
                .map(|index| {
                    Ok(Leaf { index: index.cast_unsigned(), bytes: leaves.query_row([index], |row| row.get(0))? })
                })
                .collect()
        })
    }

    fn forget_replies(&self, kept: Range<i64>, max: usize) -> Result<usize, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        // Nothing to forget is the rule, and learning it takes no write.
        let oldest = self.read(|connection| {
            let mut oldest = connection.prepare_cached("SELECT at FROM reply ORDER BY idx LIMIT 1")?;
            oldest.query_row([], |row| row.get::<_, i64>(0)).optional()
        })?;
        if oldest.is_none_or(|at| kept.contains(&at)) {
            return Ok(0);
        }
        self.write(|transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM reply WHERE idx IN (SELECT idx FROM (SELECT idx, at FROM reply ORDER BY idx LIMIT ?3) WHERE at < ?1 OR at >= ?2)",
            )?;
            Ok(delete.execute([kept.start, kept.end, max])?)
        })
    }

    async fn recall(&self, key: &RequestKey) -> Result<Option<Recalled>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT content, intent, answer, leaf, sealed FROM request \
                 LEFT JOIN entry ON entry.idx = answer LEFT JOIN reply ON reply.idx = answer \
                 WHERE caller = ?1 AND request_id = ?2",
            )?;
            let found = statement.query_row(params![&*key.caller, key.request_id.as_bytes()], |row| {
                let answer = row.get::<_, Option<i64>>(2)?;
                let answer = answer.map(|index| {
                    Ok::<_, rusqlite::Error>((Leaf { index: index.cast_unsigned(), bytes: row.get(3)? }, row.get(4)?))
                });
                Ok(Recalled {
                    content: row.get(0)?,
                    intent: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
                    answer: answer.transpose()?,
                })
            });
            found.optional()
        })
    }

    async fn entry(&self, decision: Uuid) -> Result<Option<(Leaf, Option<Vec<u8>>)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT entry.idx, leaf, sealed FROM entry LEFT JOIN body ON body.idx = entry.idx \
                 WHERE decision = ?1 ORDER BY entry.idx DESC LIMIT 1",
            )?;
            let found = statement.query_row([decision.as_bytes()], |row| {
                Ok((Leaf { index: row.get::<_, i64>(0)?.cast_unsigned(), bytes: row.get(1)? }, row.get(2)?))
            });
            found.optional()
        })
    }
}

impl Head {
    fn next(&self, now: i64) -> Place {
        let stepped_back = self.size > 0 && now < self.last_at;
        Place { index: self.size, at: if stepped_back { self.last_at + 1 } else { now }, stepped_back }
    }
}

fn head(connection: &Connection) -> Result<Head, StoreError> {
    let mut statement = connection.prepare_cached("SELECT identity, size, last_at FROM head WHERE log = 1")?;
    let (identity, size, last_at) =
        statement.query_row([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?)))?;
    let size = u64::try_from(size).map_err(|_| StoreError::Inconsistent { what: "the head has a negative size" })?;
    Ok(Head { identity, size, last_at })
}

/// Keeps other processes out for as long as the file is held.
fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = lock_file(path);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&beside);
    let file = file.map_err(|e| failed(&beside, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(&beside, error)),
    }
}

fn lock_file(path: &Path) -> PathBuf {
    let mut beside = path.to_owned().into_os_string();
    beside.push(".lock");
    PathBuf::from(beside)
}

fn failed(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), source }
}
