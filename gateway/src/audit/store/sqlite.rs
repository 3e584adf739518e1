//! The embedded store: one SQLite file, one process, write-ahead log, every commit synced.

mod check;
mod connection;
mod finding;
mod insertion;
mod look;
mod removal;
mod tree;

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

pub(in crate::audit) use self::check::check;
use self::connection::{Mode, open};
use self::finding::{Additions, Finding, Key, filed_entries};
use self::insertion::{Insertion, Question};
pub(in crate::audit) use self::look::{look, proof_of};
use super::{Appended, Kept, Leaf, ProofOf, Recalled, Store, StoreError, Which, stored};
use crate::audit::draft::{Draft, Sealed};
use crate::audit::error::Unerasable;
use crate::audit::publishing::{Signed, Source};
use crate::audit::record::RequestKey;
use crate::audit::retention::Term;
use crate::audit::sequence::{Head, Sealer, Sequence, Sequenced};
use crate::tlog::Hash;

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
    /// The connection for auditors, who wait for each other alone.
    auditors: Mutex<Option<Connection>>,
    next_reader: AtomicUsize,
    /// What this process knows to be durable.
    known: RwLock<Known>,
    _lock: File,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// Device and inode of the database and of its write-ahead log: a file that was replaced is not the log.
    files: [(u64, u64); 2],
    /// Something was deleted whose bytes the write-ahead log may still hold.
    is_to_scrub: bool,
}

#[derive(Debug)]
struct Known {
    standing: Standing,
    finding: Finding,
}

/// What one file says of itself and of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    identity: Vec<u8>,
    /// Entries before this one are found through the file alone.
    filed: u64,
    head: Head,
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
        let known = Known { standing: tree::standing(&connection)?, finding: Finding::default() };
        let store = Self {
            path: path.to_owned(),
            writer: Mutex::new(None),
            readers: std::array::from_fn(|_| Mutex::new(None)),
            auditors: Mutex::new(None),
            next_reader: AtomicUsize::new(0),
            known: RwLock::new(known),
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

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().expect("no holder of this lock can panic")
    }

    /// The entries that mention `key`, oldest first; some may be named twice.
    fn find(&self, connection: &Connection, key: &Key) -> rusqlite::Result<Vec<u64>> {
        // In memory first: what is filed meanwhile is in the file by the time it is looked at.
        let recent: Vec<u64> = self.known().finding.entries(key).collect();
        let mut found = filed_entries(connection, key)?;
        found.extend(recent);
        found.sort_unstable();
        Ok(found)
    }

    /// Runs `work` on a reading connection, which is opened where there is none and dropped after an error.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % READERS;
        self.read_on(&self.readers[turn], work)
    }

    /// Runs `work` on the connection of `slot`.
    fn read_on<T, E>(
        &self,
        slot: &Mutex<Option<Connection>>,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, StoreError>
    where
        StoreError: From<E>,
    {
        let mut slot = slot.lock().expect("no holder of this lock can panic");
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

    /// Empties the write-ahead log after something was deleted, so that its bytes are in no file; `after` says that just now it
    /// was. Where somebody reads meanwhile, the next time does it. No failure is an error: what was written is durable.
    fn scrub(&self, after: bool) {
        let mut slot = self.writer.lock().expect("no holder of this lock can panic");
        let Some(writer) = slot.as_mut() else { return };
        writer.is_to_scrub |= after;
        if writer.is_to_scrub && connection::empty_log(&writer.connection).is_ok_and(|is_empty| is_empty) {
            writer.is_to_scrub = false;
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn append(&self, drafts: &[&Draft], now: i64, sealer: &Sealer<'_>) -> Result<Vec<Appended>, StoreError> {
        // Held for reading only, so that nobody waits for the commit: until it is durable nothing of it is to be found.
        let known = self.known();
        let (appended, standing, additions) = self.write(|transaction| {
            let mut standing = tree::standing(transaction)?;
            let mut insertion = Insertion::prepare(transaction, &known.finding)?;
            let mut sequence = Sequence::after(standing.head.clone(), now, sealer);
            if let Some((shard, opening)) = sequence.open_shard(|| tree::last_checkpoint(transaction))? {
                insertion.open_shard(&shard, opening)?;
            }
            let (mut placed, mut sealed) = (Vec::with_capacity(drafts.len()), Sealed::default());
            for draft in drafts {
                if let Some(without_place) = insertion.refuse(draft)? {
                    placed.push(Err(without_place));
                    continue;
                }
                let place = sequence.place(draft, &mut sealed)?;
                insertion.insert(draft, place.index, now, &sealed)?;
                placed.push(Ok((place, sealed.leaf.clone(), sealed.leaf_hash)));
            }
            let growth = match sequence.finish() {
                Some(Sequenced { head, subtrees, growth }) => {
                    tree::store(transaction, &head, &subtrees, &growth.note)?;
                    standing.head = head;
                    Some(growth)
                }
                None => None,
            };
            let mut additions = insertion.additions;
            known.finding.file(transaction, &mut standing.filed, &mut additions, drafts.len())?;
            Ok((stored(placed, growth.as_ref())?, standing, additions))
        })?;
        drop(known);
        let deletes = additions.deletes;
        let mut known = self.known.write().expect("no holder of this lock can panic");
        let filed = known.finding.adopt(additions, standing.head.size, standing.filed);
        known.standing = standing;
        drop(known);
        drop(filed);
        if deletes {
            self.scrub(true);
        }
        Ok(appended)
    }

    async fn erasable(&self, index: u64) -> Result<Result<Vec<u64>, Unerasable>, StoreError> {
        let size = self.size();
        self.read(|connection| {
            let mentions = |question: &Key| self.find(connection, question);
            let is_open = |index| self.known().finding.is_open(index, &Additions::default());
            removal::erasable(connection, (index, size), mentions, is_open)
        })
    }

    fn expiring(&self, term: Term, before: i64, max: usize) -> Result<Option<Range<u64>>, StoreError> {
        self.read(|connection| Ok(removal::expiring(connection, term, before, max)))?
    }

    fn size(&self) -> u64 {
        self.known().standing.head.size
    }

    fn revive(&self) -> Result<(), StoreError> {
        let mut slot = self.writer.lock().expect("no holder of this lock can panic");
        *slot = None;
        for reader in self.readers.iter().chain([&self.auditors]) {
            *reader.lock().expect("no holder of this lock can panic") = None;
        }
        let mut connection = open(&self.path, Mode::Write)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = tree::standing(&transaction)?;
        {
            let known = &self.known().standing;
            if found.identity != known.identity {
                return Err(StoreError::Replaced { path: self.path.clone() });
            }
            if found.head.size < known.head.size {
                let (known, found) = (known.head.size, found.head.size);
                return Err(StoreError::RolledBack { path: self.path.clone(), known, found });
            }
        }
        transaction.execute("INSERT OR REPLACE INTO probe (id, ballast) VALUES (1, zeroblob(?1))", [BALLAST_BYTES])?;
        transaction.execute("DELETE FROM probe", [])?;
        transaction.commit()?;
        let finding = Finding::load(&connection, found.filed)?;
        *self.known.write().expect("no holder of this lock can panic") = Known { standing: found, finding };
        let files = self.files()?;
        // Whoever wrote last may have been cut off before it came to that.
        *slot = Some(Writer { connection, files, is_to_scrub: true });
        Ok(())
    }

    fn open_intents(&self, held: &dyn Fn(u64) -> bool, max: usize) -> Result<Vec<Leaf>, StoreError> {
        let open: Vec<u64> = self.known().finding.open().filter(|&index| !held(index)).take(max).collect();
        self.read(|connection| {
            let mut leaves = connection.prepare_cached("SELECT leaf FROM entry WHERE idx = ?1")?;
            let leaf =
                |index: u64| Ok(Leaf { index, bytes: leaves.query_row([index.cast_signed()], |row| row.get(0))? });
            open.into_iter().map(leaf).collect()
        })
    }

    fn forget_replies(&self, kept: Range<i64>, max: usize) -> Result<usize, StoreError> {
        self.scrub(false);
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

    fn is_recent(&self, key: &RequestKey) -> bool {
        self.known().finding.entries(&key.digest()).next().is_some()
    }

    async fn recall(&self, key: &RequestKey) -> Result<Option<Recalled>, StoreError> {
        let key = key.digest();
        self.read(|connection| {
            let recorded = Question::read(connection, &key, self.find(connection, &key)?)?;
            if !recorded.is_recorded() {
                return Ok(None);
            }
            let mut answer = connection.prepare_cached(
                "SELECT leaf, sealed FROM entry LEFT JOIN reply ON reply.idx = entry.idx WHERE entry.idx = ?1",
            )?;
            let mut answer = |index: u64| {
                let found = |row: &Row<'_>| Ok((Leaf { index, bytes: row.get(0)? }, row.get(1)?));
                answer.query_row([index.cast_signed()], found)
            };
            let answer = recorded.answer.map(&mut answer).transpose()?;
            let Question { content, erased, intent, .. } = recorded;
            Ok(Some(Recalled { content, erased, intent, answer }))
        })
    }

    async fn proof(&self, index: u64) -> Result<String, StoreError> {
        self.read(|connection| Ok(tree::proof(connection, index)))?
    }

    async fn entry(&self, decision: Uuid) -> Result<Option<(Leaf, Option<Vec<u8>>)>, StoreError> {
        self.read(|connection| {
            let mut entry = connection.prepare_cached(
                "SELECT leaf, sealed FROM entry LEFT JOIN body ON body.idx = entry.idx WHERE entry.idx = ?1 AND decision = ?2",
            )?;
            for index in self.find(connection, decision.as_bytes())?.into_iter().rev() {
                let found = entry.query_row(params![index.cast_signed(), decision.as_bytes()], |row| {
                    Ok((Leaf { index, bytes: row.get(0)? }, row.get(1)?))
                });
                if let Some(found) = found.optional()? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })
    }

    async fn entry_at(&self, index: u64) -> Result<Option<Kept>, StoreError> {
        self.read_on(&self.auditors, |connection| look::entry_at(connection, index))
    }

    async fn signed(&self, shard: Which<'_>) -> Result<Option<Signed>, StoreError> {
        self.read_on(&self.auditors, |connection| tree::newest_of(connection, shard))
    }

    async fn hashes(&self, first: u64, proof: ProofOf) -> Result<Vec<Hash>, StoreError> {
        self.read_on(&self.auditors, |connection| proof.hashes(first, &mut tree::Stored { connection, first }))
    }
}

impl Source for SqliteStore {
    fn newest(&self, index: u64) -> Result<Option<Signed>, StoreError> {
        self.read(|connection| Ok(tree::newest(connection, index)))?
    }

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|connection| {
            let mut leaves =
                connection.prepare_cached("SELECT leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx")?;
            leaves.query_map(params![from.cast_signed(), to.cast_signed()], |row| row.get(0))?.collect()
        })
    }

    fn holds(&self, origin: &str, size: u64, root: &Hash) -> Result<bool, StoreError> {
        self.read(|connection| Ok(tree::holds(connection, origin, size, root)))?
    }

    fn consistency(&self, first: u64, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        self.read(|connection| {
            Ok(ProofOf::Consistency { old, new }.hashes(first, &mut tree::Stored { connection, first }))
        })?
    }
}

/// SQLite integers are signed.
fn signed(index: u64) -> Result<i64, StoreError> {
    i64::try_from(index).map_err(|_| StoreError::Inconsistent { what: "an index is past 2^63" })
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
