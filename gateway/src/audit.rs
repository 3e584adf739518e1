//! The audit log: no durable record, no answer.
//!
//! An entry is a *leaf*, exact bytes without anything personal, and a *body*, encrypted and erasable. The leaf commits to the
//! body, to the request and to the answer under random salts, so that erasing a body leaves the log provable and nothing to
//! guess. A question that asks a department has two entries: its intent before, its answer after. Everything else has one.
//!
//! - [`Audit::begin`] reserves a question, or gives the reply that is recorded for it.
//! - [`Reservation::intend`] makes the intent durable before a department is asked.
//! - [`Reservation::answer`] makes the answer durable before it leaves.
//!
//! Entries are committed in groups by one thread: while one transaction is in flight, the next batch fills. After any error,
//! the commit's included, nothing is released and nothing is let in until the store has taken a write again.

mod body;
mod checking;
mod cipher;
mod committer;
mod database;
mod delivery;
mod draft;
mod erasure;
mod error;
mod inspection;
mod keys;
mod leaf;
mod log_key;
mod observer;
mod proving;
mod publishing;
mod queue;
mod record;
mod reservation;
mod retention;
mod sequence;
mod store;
mod witnessing;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

pub use self::body::Body;
pub use self::checking::{Break, Verified, VerifyError, verify_log};
pub use self::database::{Database, Server};
pub use self::erasure::Erasure;
pub use self::error::{AuditError, EraseError, ProveError, Unerasable};
pub use self::inspection::{Inspection, inspect, migrate, prove};
pub use self::keys::{AuditKeys, KeyError};
pub(crate) use self::keys::{read_key, write_key};
pub use self::leaf::commit;
#[doc(hidden)]
pub use self::leaf::read_leaf;
pub use self::observer::Observer;
pub use self::proving::{BodyState, Entry, Inclusion, SignedHead};
pub use self::record::{AuditHealth, Class, DecisionWord, Event, Found, Intent, Receipt, Record, RequestKey};
pub use self::reservation::Reservation;
pub use self::retention::{Retention, Term};
pub use self::witnessing::{Witnessing, WitnessingError};

use self::cipher::{Cipher, Context};
use self::committer::Committer;
use self::draft::{Claim, Draft, Drafting, Salt};
use self::leaf::LeafView;
use self::log_key::LogKey;
use self::publishing::{Printing, Publisher, Source};
use self::queue::{Done, Job, LiveIntent, Queue};
use self::record::Proof;
use self::reservation::{Slot, Slots};
use self::store::postgres::PostgresStore;
use self::store::sqlite::SqliteStore;
use self::store::{Leaf, Store, StoreError};
use crate::clock::Clock;
use crate::tlog::tree;

/// How long a reply is kept for a question that is asked again.
const REPLY_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// An entry that is not durable by then is not waited for: whether it will be is unknown.
const DURABLE_WITHIN: Duration = Duration::from_millis(900);

/// Why the log cannot be opened. Messages are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store cannot be used.
    #[error("audit log: {0}")]
    Store(String),
    /// The keys cannot be used.
    #[error("audit keys: {0}")]
    Keys(#[from] KeyError),
    /// The committer cannot be started.
    #[error("audit log: no thread can be started: {0}")]
    Thread(std::io::Error),
}

/// A handle of the audit log. When the last handle is dropped the log is closed.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

/// What became of a question's reservation.
pub enum Begun {
    /// Nobody has answered it: it is to be answered.
    Fresh(Reservation),
    /// It was answered before: this is the reply, and nobody is to be asked again.
    Replayed {
        /// The reply as it was recorded.
        reply: Vec<u8>,
        /// The receipt of its entry.
        receipt: Receipt,
    },
}

struct Inner {
    queue: Arc<Queue>,
    store: Arc<dyn Store>,
    keys: Arc<AuditKeys>,
    log_key: Arc<LogKey>,
    content_key: hmac::Key,
    cipher: Arc<dyn Cipher>,
    clock: Arc<dyn Clock>,
    slots: Arc<Slots>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
    publisher: Mutex<Option<Publisher>>,
}

/// Where a log lies.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its database.
    pub database: &'a Database,
    /// The folder in which it is published.
    pub published: &'a Path,
    /// What the names of its shards begin with: `city.example/audit`.
    pub name: &'a str,
    /// The witnesses that cosign its heads, if any are asked for.
    pub witnessing: Option<&'a Witnessing>,
}

impl Audit {
    /// Opens the log, or starts one, and publishes it. Intents that a crash left open are closed as abandoned.
    ///
    /// # Errors
    /// [`OpenError`] says which file and why: in use by another process, not a log of this version, weaker settings than a
    /// durable commit needs, a key that is missing or that others may read.
    pub fn open(place: &Place<'_>, keys: AuditKeys, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let unusable = |error: StoreError| OpenError::Store(error.to_string());
        let (store, source): (Arc<dyn Store>, Arc<dyn Source>) = match place.database {
            Database::Sqlite(path) => both(SqliteStore::open(path).map_err(unusable)?),
            Database::Postgres(server) => both(PostgresStore::open(server).map_err(unusable)?),
        };
        let audit = Self::over(store, place.name, keys, clock)?;
        let Inner { log_key, queue, clock, .. } = &*audit.inner;
        let (log_key, clock) = (Arc::clone(log_key), Arc::clone(clock));
        let printing = Printing { folder: place.published, source, log_key, witnessing: place.witnessing, clock };
        let publisher = Publisher::start(printing, Arc::clone(queue)).map_err(|error| {
            audit.inner.abandon();
            OpenError::Store(error.to_string())
        })?;
        *audit.inner.publisher.lock().expect("no holder of this lock can panic") = Some(publisher);
        Ok(audit)
    }

    /// A log that keeps nothing: measured beside one that does.
    ///
    /// # Errors
    /// [`OpenError`] where the keys cannot be used.
    #[cfg(feature = "bench")]
    pub fn nowhere(name: &str, keys: AuditKeys, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::over(Arc::new(store::nowhere::Nowhere::default()), name, keys, clock)
    }

    fn over(store: Arc<dyn Store>, name: &str, keys: AuditKeys, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        keys.tags_of(clock.today())?;
        let log_key = Arc::new(keys.log_key(name));
        let cipher: Arc<dyn Cipher> = Arc::new(keys.cipher());
        let content_key = keys.content_key();
        let keys = Arc::new(keys);
        let queue = Arc::new(Queue::new());
        let slots = Arc::default();
        let committer = Committer {
            slots: Arc::clone(&slots),
            queue: Arc::clone(&queue),
            store: Arc::clone(&store),
            keys: Arc::clone(&keys),
            cipher: Arc::clone(&cipher),
            log_key: Arc::clone(&log_key),
            clock: Arc::clone(&clock),
        };
        let ended = Mutex::new(Some(committer.start().map_err(OpenError::Thread)?));
        let publisher = Mutex::default();
        let inner = Inner { queue, store, keys, log_key, content_key, cipher, clock, slots, ended, publisher };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Reserves a question. While the same question is in flight this waits for it.
    ///
    /// A question that was answered lately is noticed here. An older one is not looked for, since next to none is asked again:
    /// its intent or answer is then [`AuditError::Taken`], and [`Self::recall`] finds it.
    ///
    /// `content` is a digest of everything that was asked; it is stored under a key of its own, so that nothing can be guessed
    /// from it.
    ///
    /// # Errors
    /// As [`Self::recall`].
    pub async fn begin(&self, key: RequestKey, content: [u8; 32]) -> Result<Begun, AuditError> {
        let inner = &self.inner;
        inner.check_serving()?;
        let slot = inner.slots.take(&key).await;
        inner.check_serving()?;
        if inner.store.is_recent(&key)
            && let Some((reply, receipt)) = self.recall(&key, content).await?
        {
            return Ok(Begun::Replayed { reply, receipt });
        }
        let content = inner.content_digest(&content);
        Ok(Begun::Fresh(Reservation::new(inner, slot, Claim { key, content }, draft::salt()?)))
    }

    /// The reply that is recorded for a question, and its receipt; `None` where it is not answered: an intent that no answer
    /// followed may be asked again under a new one.
    ///
    /// # Errors
    /// [`AuditError::OtherContent`] where the id belongs to another question, [`AuditError::ReplyGone`] where the reply is no
    /// longer kept, [`AuditError::Erased`] where the question was erased, [`AuditError::Unavailable`] while the store is.
    pub async fn recall(&self, key: &RequestKey, content: [u8; 32]) -> Result<Option<(Vec<u8>, Receipt)>, AuditError> {
        let inner = &self.inner;
        // After a commit of unknown outcome the store may show what is not durable.
        inner.check_serving()?;
        let recalled = inner.store.recall(key).await.map_err(|_| AuditError::Unavailable)?;
        let Some(recalled) = recalled else { return Ok(None) };
        if let Some(index) = recalled.erased {
            return Err(AuditError::Erased { index });
        }
        let answered = recalled.answer.as_ref().map(|(leaf, _)| leaf.index);
        let Some(recorded) = recalled.content else {
            // Past retention: what was asked is not known any more, but that it was answered is.
            return answered.map_or(Ok(None), |index| Err(AuditError::ReplyGone { index }));
        };
        if constant_time::verify_slices_are_equal(&recorded, &inner.content_digest(&content)).is_err() {
            let index = answered.or(recalled.intent).ok_or(AuditError::Unavailable)?;
            return Err(AuditError::OtherContent { index });
        }
        let Some((leaf, reply)) = recalled.answer else { return Ok(None) };
        let proof = inner.store.proof(leaf.index).await.map_err(|_| AuditError::Unavailable)?;
        inner.replay(leaf, reply, proof).map(Some)
    }

    /// Records a call that is no question to be answered once: a rejected argument, a policy that fails.
    ///
    /// # Errors
    /// As [`Reservation::answer`].
    pub async fn record(&self, record: Record) -> Result<Receipt, AuditError> {
        let draft = self.inner.drafting(draft::salt()?).alone(&record)?;
        Ok(self.inner.append(draft, None, None).await?.receipt)
    }

    /// The newest entry of a decision, if it is one of this caller's own.
    ///
    /// # Errors
    /// [`AuditError::Unavailable`] where the store cannot be read.
    pub async fn find(&self, caller: &str, decision: Uuid) -> Result<Option<Found>, AuditError> {
        let unavailable = |_| AuditError::Unavailable;
        let Some((leaf, sealed)) = self.inner.store.entry(decision).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let view = LeafView::parse(&leaf.bytes).map_err(|_| AuditError::Unavailable)?;
        if view.caller != caller {
            return Ok(None);
        }
        let class = Class::from_word(&view.class).ok_or(AuditError::Unavailable)?;
        let body = sealed.map(|sealed| {
            let plain =
                self.inner.cipher.open(&context("body", &leaf, &view), &sealed).map_err(|_| AuditError::Unavailable)?;
            draft::value_of(&plain).ok_or(AuditError::Unavailable)
        });
        Ok(Some(Found { index: leaf.index, at: instant(view.at)?, class, body: body.transpose()? }))
    }

    /// Tells `observer` what happens from now on. The first observer stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        observer.size(self.inner.store.size());
        self.inner.queue.observe(observer);
    }

    /// Deletes bodies that are past `retention` from now on, some at a time, each time with an entry that says which. The first
    /// retention stays; without one nothing is deleted.
    pub fn retain(&self, retention: Retention) {
        self.inner.queue.retain(retention);
    }

    /// Whether the keys can be used today. The key of a new quarter is made when it is first needed.
    ///
    /// # Errors
    /// [`KeyError`] names the file and what is wrong with it.
    pub fn check_keys(&self) -> Result<(), KeyError> {
        self.inner.keys.tags_of(self.inner.clock.today()).map(drop)
    }

    /// Whether entries become durable, now and from now on.
    pub fn health(&self) -> watch::Receiver<AuditHealth> {
        self.inner.queue.health()
    }

    /// Makes durable what waits, and closes the log; whatever comes later is refused.
    pub async fn close(self) {
        self.inner.queue.close();
        let ended = self.inner.ended.lock().expect("no holder of this lock can panic").take();
        if let Some(ended) = ended {
            // The thread never sends: the channel closes when it ends.
            drop(ended.await);
        }
        // What it made durable last is published as well.
        if let Some(publisher) = self.inner.publisher.lock().expect("no holder of this lock can panic").take() {
            publisher.close();
        }
    }
}

impl Inner {
    /// Closes a log that is refused, and waits until its store is let go of.
    fn abandon(&self) {
        self.queue.close();
        let ended = self.ended.lock().expect("no holder of this lock can panic").take();
        if let Some(ended) = ended {
            // On a thread of its own: the one that opens the log may be a runtime's, which must not be blocked in this way. The
            // committer never sends: the channel closes when it ends.
            std::thread::scope(|scope| drop(scope.spawn(|| ended.blocking_recv()).join()));
        }
    }

    fn check_serving(&self) -> Result<(), AuditError> {
        if self.queue.is_serving() { Ok(()) } else { Err(AuditError::Unavailable) }
    }

    fn content_digest(&self, content: &[u8; 32]) -> [u8; 32] {
        let digest = hmac::sign(&self.content_key, content);
        *digest.as_ref().first_chunk().expect("HMAC-SHA256 gives 32 bytes")
    }

    fn drafting(&self, salt: Salt) -> Drafting<'_> {
        Drafting { keys: &self.keys, today: self.clock.today(), salt }
    }

    /// Hands an entry to the committer and waits until it is durable.
    async fn append(&self, draft: Draft, intent: Option<LiveIntent>, slot: Option<Slot>) -> Result<Done, AuditError> {
        let (done, is_done) = oneshot::channel();
        self.queue.push(Job { draft, intent, slot, done, home: Handle::current() })?;
        match tokio::time::timeout(DURABLE_WITHIN, is_done).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(AuditError::Unavailable),
            Err(_) => {
                self.queue.suspect("an entry was not durable in time");
                Err(AuditError::Unavailable)
            }
        }
    }

    fn replay(&self, leaf: Leaf, sealed: Option<Vec<u8>>, proof: String) -> Result<(Vec<u8>, Receipt), AuditError> {
        let view = LeafView::parse(&leaf.bytes).map_err(|_| AuditError::Unavailable)?;
        let recorded_at = instant(view.at)?;
        let Some(sealed) = sealed.filter(|_| self.clock.now() - REPLY_KEPT < recorded_at) else {
            return Err(AuditError::ReplyGone { index: leaf.index });
        };
        let framed = self.cipher.open(&context("reply", &leaf, &view), &sealed).map_err(|_| AuditError::Unavailable)?;
        let (salt, reply) = draft::unframe(&framed).ok_or(AuditError::Unavailable)?;
        let receipt = Receipt {
            index: leaf.index,
            leaf_hash: tree::leaf_hash(&leaf.bytes),
            leaf: leaf.bytes,
            salt: *salt,
            decision: view.id,
            recorded_at,
            proof: Proof::Written(proof),
        };
        Ok((reply.to_vec(), receipt))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for Begun {
    /// Shows nothing of the reply: it is about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh(reservation) => f.debug_tuple("Fresh").field(reservation).finish(),
            Self::Replayed { receipt, .. } => {
                f.debug_struct("Replayed").field("receipt", receipt).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("store", &self.inner.store)
            .field("queue", &self.inner.queue)
            .finish_non_exhaustive()
    }
}

/// The two sides of a store.
fn both<S: Store + Source + 'static>(store: S) -> (Arc<dyn Store>, Arc<dyn Source>) {
    let store = Arc::new(store);
    (Arc::clone(&store) as _, store)
}

fn context<'a>(part: &'static str, leaf: &Leaf, view: &'a LeafView) -> Context<'a> {
    Context { part, index: leaf.index, decision: view.id, at: view.at, department: view.provider() }
}

fn instant(micros: i64) -> Result<Timestamp, AuditError> {
    Timestamp::from_microsecond(micros).map_err(|_| AuditError::Unavailable)
}
