mod checking;
mod entries;
mod faults;
mod publishing;
mod receipts;
mod removal;
mod witnesses;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rusqlite::Connection;

use super::publishing::Signed;
use super::sequence::Sealer;
use super::store::contract::record;
use super::store::{Appended, Kept, ProofOf, Recalled, StoreError, Which};
use super::*;
use crate::clock::ManualClock;
use crate::tlog::Hash;

/// What the names of shards begin with.
const LOG: &str = "sample-city.example/audit";
const CALLER: &str = "spiffe://sample-city.example/system/housing-intake";

/// A log in a folder of its own, whose store can be made to fail.
struct Fixture {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    fault: Arc<Mutex<Fault>>,
    appends: Arc<AtomicUsize>,
}

/// What goes wrong in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fault {
    #[default]
    None,
    /// The next append fails and leaves nothing.
    Before,
    /// The next append is durable, and fails nevertheless.
    AfterPersisting,
    /// Every append and every revival fails.
    Lasting,
    /// Appends hang until the fault is lifted.
    Hanging,
}

/// A store that fails on demand.
#[derive(Debug)]
struct FaultyStore {
    inner: SqliteStore,
    fault: Arc<Mutex<Fault>>,
    appends: Arc<AtomicUsize>,
}

impl FaultyStore {
    /// The fault, which a single failure uses up.
    fn fault(&self) -> Fault {
        let mut fault = self.fault.lock().unwrap();
        let now = *fault;
        if matches!(now, Fault::Before | Fault::AfterPersisting) {
            *fault = Fault::None;
        }
        now
    }
}

#[async_trait]
impl Store for FaultyStore {
    fn append(&self, drafts: &[&Draft], now: i64, sealer: &Sealer<'_>) -> Result<Vec<Appended>, StoreError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        while *self.fault.lock().unwrap() == Fault::Hanging {
            std::thread::sleep(Duration::from_millis(5));
        }
        match self.fault() {
            Fault::None | Fault::Hanging => self.inner.append(drafts, now, sealer),
            Fault::Before | Fault::Lasting => Err(StoreError::NotOpen),
            Fault::AfterPersisting => self.inner.append(drafts, now, sealer).and(Err(StoreError::NotOpen)),
        }
    }

    async fn erasable(&self, index: u64) -> Result<Result<Vec<u64>, Unerasable>, StoreError> {
        self.inner.erasable(index).await
    }

    fn expiring(&self, term: Term, before: i64, max: usize) -> Result<Option<Range<u64>>, StoreError> {
        self.inner.expiring(term, before, max)
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn revive(&self) -> Result<(), StoreError> {
        match *self.fault.lock().unwrap() {
            Fault::Lasting => Err(StoreError::NotOpen),
            _ => self.inner.revive(),
        }
    }

    fn open_intents(&self, held: &dyn Fn(u64) -> bool, max: usize) -> Result<Vec<Leaf>, StoreError> {
        self.inner.open_intents(held, max)
    }

    fn forget_replies(&self, kept: Range<i64>, max: usize) -> Result<usize, StoreError> {
        self.inner.forget_replies(kept, max)
    }

    fn is_recent(&self, key: &RequestKey) -> bool {
        self.inner.is_recent(key)
    }

    async fn recall(&self, key: &RequestKey) -> Result<Option<Recalled>, StoreError> {
        self.inner.recall(key).await
    }

    async fn proof(&self, index: u64) -> Result<String, StoreError> {
        self.inner.proof(index).await
    }

    async fn entry(&self, decision: Uuid) -> Result<Option<(Leaf, Option<Vec<u8>>)>, StoreError> {
        self.inner.entry(decision).await
    }

    async fn entry_at(&self, index: u64) -> Result<Option<Kept>, StoreError> {
        self.inner.entry_at(index).await
    }

    async fn signed(&self, shard: Which<'_>) -> Result<Option<Signed>, StoreError> {
        self.inner.signed(shard).await
    }

    async fn hashes(&self, first: u64, proof: ProofOf) -> Result<Vec<Hash>, StoreError> {
        self.inner.hashes(first, proof).await
    }
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-23T06:00:00Z".parse().unwrap()));
        Self { folder: tempfile::tempdir().unwrap(), clock, fault: Arc::default(), appends: Arc::default() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("audit.db")
    }

    fn published(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn open_at(&self) -> Result<Audit, OpenError> {
        let (database, published) = (Database::Sqlite(self.database()), self.published());
        let place = Place { database: &database, published: &published, name: LOG, witnessing: None };
        Audit::open(&place, self.keys(), Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    fn keys(&self) -> AuditKeys {
        let dir = self.folder.path().join("keys");
        if dir.exists() { AuditKeys::load(&dir).unwrap() } else { AuditKeys::create(&dir).unwrap() }
    }

    /// The log as the gateway opens it.
    fn open(&self) -> Audit {
        self.open_at().unwrap()
    }

    /// The log over a store that fails on demand.
    fn open_faulty(&self) -> Audit {
        let inner = SqliteStore::open(&self.database()).unwrap();
        let store = FaultyStore { inner, fault: Arc::clone(&self.fault), appends: Arc::clone(&self.appends) };
        Audit::over(Arc::new(store), LOG, self.keys(), Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    fn set_fault(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn beside(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        self.beside().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Class and intent of every entry, in order.
    fn log(&self) -> Vec<(String, Option<u64>)> {
        let beside = self.beside();
        let mut leaves = beside.prepare("SELECT leaf FROM entry ORDER BY idx").unwrap();
        let leaves = leaves.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        leaves
            .map(|leaf| {
                let leaf: serde_json::Value = serde_json::from_slice(&leaf.unwrap()).unwrap();
                (leaf["class"].as_str().unwrap().to_owned(), leaf["intent"].as_u64())
            })
            .collect()
    }

    /// Waits until the log is `expected`, as what nobody waits for is committed in the background.
    async fn wait_for_log(&self, expected: &[(&str, Option<u64>)]) {
        let expected: Vec<_> = expected.iter().map(|(class, intent)| ((*class).to_owned(), *intent)).collect();
        for _ in 0..400 {
            if self.log() == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.log(), expected);
    }
}

/// Random numbers that are the same in each run (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn key(request_id: u128) -> RequestKey {
    RequestKey { caller: CALLER.into(), request_id: Uuid::from_u128(request_id) }
}

/// An answer whose body says `outcome`.
fn answered(decision: u128, outcome: &str) -> Record {
    Record { body: Body::from([("outcome", outcome)]), ..record(Uuid::from_u128(decision), Class::Answered) }
}

async fn fresh(audit: &Audit, request_id: u128) -> Reservation {
    match audit.begin(key(request_id), [1; 32]).await {
        Ok(Begun::Fresh(reservation)) => reservation,
        other => panic!("not fresh: {other:?}"),
    }
}

async fn replayed(audit: &Audit, request_id: u128) -> (Vec<u8>, Receipt) {
    match audit.begin(key(request_id), [1; 32]).await {
        Ok(Begun::Replayed { reply, receipt }) => (reply, receipt),
        other => panic!("not replayed: {other:?}"),
    }
}

/// Asks a department: an intent, then an answer.
async fn ask(audit: &Audit, request_id: u128, reply: &[u8]) -> Result<Receipt, AuditError> {
    let mut reservation = fresh(audit, request_id).await;
    let intent = reservation.intend(answered(request_id, "differs")).await?;
    reservation.answer(Some(intent), answered(request_id, "differs"), reply.to_vec()).await
}

async fn wait_for_health(audit: &Audit, serving: bool) {
    let mut health = audit.health();
    let reached = health.wait_for(|health| (*health == AuditHealth::Serving) == serving);
    tokio::time::timeout(Duration::from_secs(5), reached).await.unwrap().unwrap();
}
