//! The shared store: one PostgreSQL database, any number of gateways, every commit waited for.
//!
//! A gateway that writes has a number and holds the advisory lock of that number as long as its connection lives. So the others
//! know which intents nobody will answer, without clocks. Deleted rows leave the files of the server when it vacuums and recycles
//! its own log; they hold nothing that is not encrypted.

mod append;
mod check;
mod look;
mod removal;
mod schema;
mod session;
mod tree;

#[cfg(test)]
pub(in crate::audit) mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::runtime::{Handle, Runtime};
use uuid::Uuid;

use self::append::Question;
pub(in crate::audit) use self::check::check;
pub(in crate::audit) use self::look::{look, proof_of};
use self::session::Session;
use super::{Appended, Kept, Leaf, ProofOf, Recalled, Store, StoreError, Which};
use crate::audit::database::Server;
use crate::audit::draft::Draft;
use crate::audit::error::Unerasable;
use crate::audit::publishing::{Signed, Source};
use crate::audit::record::RequestKey;
use crate::audit::retention::Term;
use crate::audit::sequence::{Head, Sealer};
use crate::tlog::Hash;

/// Connections that read while the committer writes.
const READERS: usize = 3;
/// `HYAL` in ASCII: the class of the advisory locks of this application.
const LOCKS: i32 = 0x4859_414C;
/// Open intents that one look reads at most.
const OPEN_MAX: i64 = 65_536;

/// Gateways that hold the lock of their number.
macro_rules! alive {
    () => {
        "(SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = 1213808972 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    };
}
use alive;

/// The log in a PostgreSQL database.
pub(in crate::audit) struct PostgresStore {
    shared: Arc<Shared>,
    /// Drives the connections. Left to itself when the store is dropped, which may be in a task.
    runtime: Option<Runtime>,
}

struct Shared {
    server: Server,
    runtime: Handle,
    writer: Mutex<Option<Writer>>,
    readers: [Mutex<Option<Session>>; READERS],
    next_reader: AtomicUsize,
    /// The connection for auditors, who wait for each other alone.
    auditors: Mutex<Option<Session>>,
    /// What this process knows to be durable.
    known: Mutex<Known>,
    /// Other gateways were writing a moment ago. A hint: it decides what is sent together.
    has_company: AtomicBool,
}

struct Writer {
    session: Session,
    /// The number of this gateway.
    replica: i32,
    /// A transaction is open, and holds the head.
    has_turn: bool,
}

struct Known {
    identity: Vec<u8>,
    head: Head,
    /// The number under which this process wrote last.
    replica: i32,
}

impl PostgresStore {
    /// Opens the log, and makes it where there is none.
    pub(in crate::audit) fn open(server: &Server) -> Result<Self, StoreError> {
        // The caller may be a task, which must not wait for another runtime.
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| {
                let runtime = runtime()?;
                let session = Session::open(server, runtime.handle())?;
                session.wait(schema::migrate(&session, server))?;
                let (identity, head) = tree::standing(session.row(tree::STANDING, &[])?.as_ref())?;
                let shared = Arc::new(Shared {
                    server: server.clone(),
                    runtime: runtime.handle().clone(),
                    writer: Mutex::new(None),
                    readers: std::array::from_fn(|_| Mutex::new(None)),
                    next_reader: AtomicUsize::new(0),
                    auditors: Mutex::new(None),
                    known: Mutex::new(Known { identity, head, replica: 0 }),
                    has_company: AtomicBool::new(false),
                });
                shared.revive()?;
                Ok(Self { shared, runtime: Some(runtime) })
            });
            opening.join().unwrap_or(Err(StoreError::NotOpen))
        })
    }

    /// Runs `work` on a thread that may wait.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let done = self.shared.runtime.spawn_blocking(move || work(&shared)).await;
        done.unwrap_or(Err(StoreError::NotOpen))
    }
}

/// Drives connections on a thread of its own.
fn runtime() -> Result<Runtime, StoreError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("audit-postgres")
        .enable_all()
        .build();
    runtime.map_err(|source| StoreError::File { path: "audit-postgres".into(), source })
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no holder of this lock can panic")
    }

    /// Runs `work` on a reading connection, which is opened where there is none and dropped after an error.
    fn read<T>(&self, work: impl FnOnce(&Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % READERS;
        self.read_on(&self.readers[turn], work)
    }

    /// Runs `work` on the connection of `slot`.
    fn read_on<T>(
        &self,
        slot: &Mutex<Option<Session>>,
        work: impl FnOnce(&Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = slot.lock().expect("no holder of this lock can panic");
        let session = match slot.take() {
            Some(session) => session,
            None => Session::open(&self.server, &self.runtime)?,
        };
        let found = work(&session)?;
        *slot = Some(session);
        Ok(found)
    }

    /// Runs `work` on the writing connection. After any error, the commit's included, the connection is dropped: the transaction
    /// is rolled back or its outcome is unknown, and only [`Store::revive`] opens another.
    fn write<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut slot = self.writer.lock().expect("no holder of this lock can panic");
        let mut writer = slot.take().ok_or(StoreError::NotOpen)?;
        let done = work(&mut writer)?;
        *slot = Some(writer);
        Ok(done)
    }

    fn revive(&self) -> Result<(), StoreError> {
        let mut slot = self.writer.lock().expect("no holder of this lock can panic");
        *slot = None;
        for reader in self.readers.iter().chain([&self.auditors]) {
            *reader.lock().expect("no holder of this lock can panic") = None;
        }
        let session = Session::open(&self.server, &self.runtime)?;
        let before = self.known().replica;
        let (identity, head, replica) = session.wait(async {
            session.prepare(&append::STATEMENTS).await?;
            session.begin().await?;
            // Waits for a commit of this process whose outcome is unknown.
            session.query(tree::LOCK, &[]).await?;
            let (identity, head) = tree::standing(session.query(tree::STANDING, &[]).await?.first())?;
            let number = session.query("SELECT nextval('replica')::integer", &[]).await?;
            let replica: i32 = number.first().ok_or(StoreError::NotOpen)?.try_get(0)?;
            session.query("SELECT pg_advisory_lock($1, $2)", &[&LOCKS, &replica]).await?;
            session.execute("UPDATE open_intent SET replica = $1 WHERE replica = $2", &[&replica, &before]).await?;
            session.query("SELECT pg_logical_emit_message(true, 'heyan', '')", &[]).await?;
            session.commit().await?;
            Ok((identity, head, replica))
        })?;
        self.check(&session, &identity, &head)?;
        *self.known() = Known { identity, head, replica };
        *slot = Some(Writer { session, replica, has_turn: false });
        Ok(())
    }

    /// Whether the log that was found begins with the one that this process has seen.
    fn check(&self, session: &Session, identity: &[u8], found: &Head) -> Result<(), StoreError> {
        let path = || self.server.url().into();
        let (known, root, shard) = {
            let known = self.known();
            if known.identity != identity {
                return Err(StoreError::Replaced { path: path() });
            }
            (known.head.size, known.head.frontier.root(), known.head.shard.clone())
        };
        let is_there = known == 0 || tree::holds(session, &shard.origin, known - shard.first, &root)?;
        if found.size < known || !is_there {
            return Err(StoreError::RolledBack { path: path(), known, found: found.size });
        }
        Ok(())
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn await_turn(&self) -> Result<(), StoreError> {
        if !self.shared.has_company.load(Ordering::Relaxed) {
            // The head is free: it is locked together with the first questions of the append.
            return Ok(());
        }
        self.shared.write(|Writer { session, has_turn, .. }| {
            session.wait(append::lock(session))?;
            *has_turn = true;
            Ok(())
        })
    }

    fn append(&self, drafts: &[&Draft], now: i64, sealer: &Sealer<'_>) -> Result<Vec<Appended>, StoreError> {
        self.shared.write(|Writer { session, replica, has_turn }| {
            let has_turn = std::mem::take(has_turn);
            let (appended, head) = session.wait(append::append(session, (*replica, has_turn), drafts, now, sealer))?;
            self.shared.known().head = head;
            Ok(appended)
        })
    }

    async fn erasable(&self, index: u64) -> Result<Result<Vec<u64>, Unerasable>, StoreError> {
        self.apart(move |shared| shared.read(|session| session.wait(removal::erasable(session, index)))).await
    }

    fn expiring(&self, term: Term, before: i64, max: usize) -> Result<Option<Range<u64>>, StoreError> {
        self.shared.read(|session| session.wait(removal::expiring(session, term, before, max)))
    }

    fn size(&self) -> u64 {
        self.shared.known().head.size
    }

    fn revive(&self) -> Result<(), StoreError> {
        self.shared.revive()
    }

    fn open_intents(&self, held: &dyn Fn(u64) -> bool, max: usize) -> Result<Vec<Leaf>, StoreError> {
        const OPEN: &str = concat!(
            "SELECT entry.idx, leaf FROM open_intent JOIN entry ON entry.idx = open_intent.idx WHERE replica = $1 \
             OR replica NOT IN ",
            alive!(),
            " ORDER BY entry.idx LIMIT $2"
        );
        let replica = self.shared.known().replica;
        let rows = self.shared.read(|session| session.rows(OPEN, &[&replica, &OPEN_MAX]))?;
        let mut open = Vec::new();
        for row in &rows {
            let index = tree::number(row, 0)?;
            if !held(index) && open.len() < max {
                open.push(Leaf { index, bytes: row.try_get(1)? });
            }
        }
        Ok(open)
    }

    fn has_orphans(&self) -> Result<bool, StoreError> {
        const ORPHANS: &str = concat!(
            "SELECT EXISTS (SELECT FROM open_intent WHERE replica <> $1 AND replica NOT IN ",
            alive!(),
            "), (SELECT count(*) > 1 FROM ",
            alive!(),
            " AS alive)"
        );
        let replica = self.shared.known().replica;
        let row = self.shared.read(|session| session.row(ORPHANS, &[&replica]))?;
        let row = row.ok_or(StoreError::NotOpen)?;
        self.shared.has_company.store(row.try_get(1)?, Ordering::Relaxed);
        Ok(row.try_get(0)?)
    }

    fn forget_replies(&self, kept: Range<i64>, max: usize) -> Result<usize, StoreError> {
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        // Nothing to forget is the rule, and learning it takes no write.
        let oldest = self.shared.read(|session| session.row("SELECT at FROM reply ORDER BY idx LIMIT 1", &[]))?;
        let Some(oldest) = oldest else { return Ok(0) };
        if kept.contains(&oldest.try_get(0)?) {
            return Ok(0);
        }
        const FORGET: &str = "DELETE FROM reply WHERE idx IN \
             (SELECT idx FROM (SELECT idx, at FROM reply ORDER BY idx LIMIT $3) AS oldest WHERE at < $1 OR at >= $2)";
        self.shared.write(|Writer { session, .. }| {
            session.wait(async {
                session.begin().await?;
                let forgotten = session.execute(FORGET, &[&kept.start, &kept.end, &max]).await?;
                session.commit().await?;
                Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
            })
        })
    }

    /// Others write as well, and only the database knows: [`Store::append`] notices.
    fn is_recent(&self, _: &RequestKey) -> bool {
        false
    }

    async fn recall(&self, key: &RequestKey) -> Result<Option<Recalled>, StoreError> {
        let key = key.digest();
        self.apart(move |shared| {
            shared.read(|session| {
                let questions = session.wait(append::questions(session, &[&key]))?;
                let Some(recorded) = questions.into_values().next() else { return Ok(None) };
                let Question { content, erased, intent, answer, .. } = recorded;
                let Some(index) = answer else {
                    return Ok(Some(Recalled { content, erased, intent, answer: None }));
                };
                // Another gateway may have committed it, and not have heard yet that it will outlive the server.
                session.wait(session.settle())?;
                let row = session.row(
                    "SELECT leaf, sealed FROM entry LEFT JOIN reply ON reply.idx = entry.idx WHERE entry.idx = $1",
                    &[&signed(index)?],
                )?;
                let row = row.ok_or(StoreError::Inconsistent { what: "an answer is gone" })?;
                let answer = (Leaf { index, bytes: row.try_get(0)? }, row.try_get(1)?);
                Ok(Some(Recalled { content, erased, intent, answer: Some(answer) }))
            })
        })
        .await
    }

    async fn proof(&self, index: u64) -> Result<String, StoreError> {
        self.apart(move |shared| shared.read(|session| tree::proof(session, index))).await
    }

    async fn entry(&self, decision: Uuid) -> Result<Option<(Leaf, Option<Vec<u8>>)>, StoreError> {
        const ENTRY: &str = "SELECT entry.idx, leaf, sealed FROM entry LEFT JOIN body ON body.idx = entry.idx \
             WHERE decision = $1 ORDER BY entry.idx DESC LIMIT 1";
        self.apart(move |shared| {
            let row = shared.read(|session| session.row(ENTRY, &[&&decision.as_bytes()[..]]))?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some((Leaf { index: tree::number(&row, 0)?, bytes: row.try_get(1)? }, row.try_get(2)?)))
        })
        .await
    }

    async fn entry_at(&self, index: u64) -> Result<Option<Kept>, StoreError> {
        self.apart(move |shared| shared.read_on(&shared.auditors, |session| look::entry_at(session, index))).await
    }

    async fn signed(&self, shard: Which<'_>) -> Result<Option<Signed>, StoreError> {
        let (origin, index) = match shard {
            Which::Newest => (None, None),
            Which::Named(origin) => (Some(origin.to_owned()), None),
            Which::Of(index) => (None, Some(index)),
        };
        self.apart(move |shared| {
            let shard = match (&origin, index) {
                (Some(origin), _) => Which::Named(origin),
                (None, Some(index)) => Which::Of(index),
                (None, None) => Which::Newest,
            };
            shared.read_on(&shared.auditors, |session| tree::newest_of(session, shard))
        })
        .await
    }

    async fn hashes(&self, first: u64, proof: ProofOf) -> Result<Vec<Hash>, StoreError> {
        self.apart(move |shared| {
            shared.read_on(&shared.auditors, |session| proof.hashes(first, &mut tree::Stored { session, first }))
        })
        .await
    }
}

impl Source for PostgresStore {
    fn newest(&self, index: u64) -> Result<Option<Signed>, StoreError> {
        self.shared.read(|session| tree::newest(session, index))
    }

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.shared.read(|session| tree::leaves(session, from, to))
    }

    fn holds(&self, origin: &str, size: u64, root: &Hash) -> Result<bool, StoreError> {
        self.shared.read(|session| tree::holds(session, origin, size, root))
    }

    fn consistency(&self, first: u64, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        self.shared
            .read(|session| ProofOf::Consistency { old, new }.hashes(first, &mut tree::Stored { session, first }))
    }
}

/// PostgreSQL integers are signed.
fn signed(index: u64) -> Result<i64, StoreError> {
    i64::try_from(index).map_err(|_| StoreError::Inconsistent { what: "an index is past 2^63" })
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("server", &self.shared.server.url()).finish_non_exhaustive()
    }
}
