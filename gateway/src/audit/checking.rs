//! Whether a log is whole: every entry, body, checkpoint and subtree of it, in one pass that takes no more memory for a longer log.
//! It trusts the log's public key alone; the keys of bodies show more where they are at hand.

mod entry;
mod removal;
mod views;

use std::path::Path;
use std::{fmt, fs, iter};

use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::frontier::Frontier;
use crate::tlog::note::{Note, VerifierKey};
use crate::tlog::tile::{WIDTH, tile_path};
use crate::tlog::{Hash, tree};

use super::database::Database;
use super::keys::AuditKeys;
use super::leaf::{self, LeafView};
use super::sequence::{Head, Shard};
use super::store::{StoreError, postgres, sqlite};
use entry::BodyCheck;
pub(super) use removal::Beside;
use removal::{Removals, Verdict};
use views::Views;

/// One entry as the store holds it.
#[derive(Debug)]
pub(super) struct StoredEntry<'a> {
    pub(super) index: u64,
    pub(super) leaf: &'a [u8],
    pub(super) decision: &'a [u8],
    pub(super) step: i16,
    pub(super) closes: Option<i64>,
    pub(super) question: Option<&'a [u8]>,
    pub(super) content: Option<&'a [u8]>,
    pub(super) body: Option<StoredBody<'a>>,
    pub(super) reply: Option<&'a [u8]>,
    /// The entry under which the store has it erased.
    pub(super) erased_under: Option<u64>,
    /// The checkpoint of the append that ends with this entry.
    pub(super) checkpoint: Option<&'a str>,
}

/// The personal part of an entry as the store holds it.
#[derive(Debug)]
pub(super) struct StoredBody<'a> {
    pub(super) sealed: &'a [u8],
    /// Of subject, official and case.
    pub(super) tags: [Option<&'a [u8]>; 3],
}

/// A place where the log is not what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The first entry that is broken; the log's size where all entries are there and something after them is not.
    pub index: u64,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}: {}", self.index, self.what)
    }
}

/// Why a log could not be found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not.
    #[error("{0}")]
    Broken(Break),
    /// It cannot be read.
    #[error("audit log: {0}")]
    Store(String),
}

/// Why a log could not be checked, or where it is broken.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Broken(Break),
}

impl From<Break> for CheckError {
    fn from(broken: Break) -> Self {
        Self::Broken(broken)
    }
}

/// What a whole log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The name of its last shard; empty for a log without entries.
    pub origin: String,
    /// The number of its entries.
    pub size: u64,
    /// The root of the last shard's tree.
    pub root: Hash,
    /// Whether bodies were opened and held to the leaves.
    pub bodies_opened: bool,
    /// How many bodies were erased, each named by an entry after it.
    pub erased: u64,
    /// How many bodies are past retention, each in a range that an entry after it states.
    pub past_retention: u64,
}

/// The pass over a log, from its first entry to its last.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    /// The key in whose name every shard signs.
    key: &'a VerifierKey,
    bodies: Option<BodyCheck>,
    head: Head,
    /// The key under the name of the shard that is read.
    shard_key: Option<VerifierKey>,
    /// The newest checkpoint so far, and the size of the log by then.
    last: Option<(u64, String)>,
    pub(super) removals: Removals,
    /// What is beside the entries.
    pub(super) views: Views,
    /// The leaf hashes since then.
    since: Vec<Hash>,
    /// A folder of the published log: shows which of them is another one. It need not be trusted.
    published: Option<&'a Path>,
    pub(super) bodies_seen: u64,
    pub(super) checkpoints_seen: u64,
    pub(super) subtrees_seen: u64,
    pub(super) shards_seen: u64,
}

impl<'a> Pass<'a> {
    /// `key` is the log's public key under the name of any of its shards.
    pub(super) fn new(key: &'a VerifierKey, keys: Option<&AuditKeys>, published: Option<&'a Path>) -> Self {
        let head = Head { size: 0, last_at: 0, shard: Shard::default(), frontier: Frontier::default() };
        Self {
            key,
            bodies: keys.map(BodyCheck::new),
            head,
            shard_key: None,
            last: None,
            removals: Removals::default(),
            views: Views::new(),
            since: Vec::new(),
            published,
            bodies_seen: 0,
            checkpoints_seen: 0,
            subtrees_seen: 0,
            shards_seen: 0,
        }
    }

    /// Something is wrong at the next entry, unless one before it is already another than was published.
    pub(super) fn broken(&self, what: &'static str) -> Break {
        self.unlike_published().unwrap_or(Break { index: self.head.size, what })
    }

    /// The first entry since the newest checkpoint whose leaf is another in the published log.
    fn unlike_published(&self) -> Option<Break> {
        let (folder, shard) = (self.published?, &self.head.shard);
        let first = self.last.as_ref().map_or(0, |(size, _)| *size).max(shard.first);
        let mut entries = (first..).zip(&self.since);
        let (index, _) = entries.find(|(index, hash)| {
            published_hash(folder, shard, index - shard.first).is_some_and(|published| published != **hash)
        })?;
        Some(Break { index, what: "its leaf is not the one that was signed" })
    }

    /// A shard begins with the next entry.
    pub(super) fn shard(&mut self, first: u64, origin: &str) -> Result<(), Break> {
        if first != self.head.size {
            return Err(self.broken("its shard begins elsewhere"));
        }
        let key = self.key.in_shard(origin).ok_or_else(|| self.broken("its shard has a name that is not the log's"))?;
        if self.last.as_ref().is_some_and(|(size, _)| *size != self.head.size) {
            return Err(self.broken("the shard before it does not end with a checkpoint"));
        }
        self.head.shard = Shard { first: self.head.size, origin: origin.to_owned() };
        self.head.frontier = Frontier::default();
        self.shard_key = Some(key);
        self.shards_seen += 1;
        Ok(())
    }

    /// The next entry. What it says of others is looked up `beside` it.
    pub(super) fn entry<B: Beside>(&mut self, stored: &StoredEntry<'_>, beside: &mut B) -> Result<Verdict, B::Error> {
        if stored.index != self.head.size {
            return Err(self.broken("it is missing").into());
        }
        let view = LeafView::parse(stored.leaf).map_err(|_| self.broken("its leaf is not readable"))?;
        entry::check(stored, &view).map_err(|what| self.broken(what))?;
        if self.head.size > 0 && view.at < self.head.last_at {
            return Err(self.broken("it is older than the entry before it").into());
        }
        self.check_opening(&view)?;
        let verdict = self.removals.judge(stored, &view).map_err(|what| self.broken(what))?;
        if let Some(body) = &stored.body {
            self.bodies_seen += 1;
            if let Some(bodies) = &self.bodies {
                bodies.check(stored, body, &view).map_err(|what| self.broken(what))?;
            }
        }
        if let Err(what) = self.removals.adopt(stored.index, &view, beside)? {
            return Err(self.broken(what).into());
        }
        self.views.entry(stored);
        let mut completed = Vec::new();
        let leaf_hash = tree::leaf_hash(stored.leaf);
        self.since.push(leaf_hash);
        self.head.frontier.push(leaf_hash, &mut |subtree| completed.push(subtree));
        for completed in completed {
            self.subtrees_seen += 1;
            if !beside.has_subtree(&self.head.shard, &completed)? {
                return Err(self.broken("the subtree that it completes is not the stored one").into());
            }
        }
        self.head.last_at = view.at;
        if let Some(note) = stored.checkpoint {
            self.check_checkpoint(note)?;
            self.last = Some((self.head.size + 1, note.to_owned()));
            self.since.clear();
            self.checkpoints_seen += 1;
        }
        self.head.size += 1;
        Ok(verdict)
    }

    /// The first entry of a shard, and no other, holds the last checkpoint of the shard before.
    fn check_opening(&self, view: &LeafView) -> Result<(), Break> {
        let is_first = self.head.size == self.head.shard.first;
        if self.shard_key.is_none() {
            return Err(self.broken("it belongs to no shard"));
        }
        let opens = is_first && self.head.size > 0;
        if (view.ev == leaf::OPENING) != opens {
            return Err(self.broken("a shard does not open where it begins"));
        }
        if view.previous.as_ref() != self.last.as_ref().filter(|_| opens).map(|(_, note)| note) {
            return Err(self.broken("it does not hold the last checkpoint of the shard before"));
        }
        Ok(())
    }

    fn check_checkpoint(&self, note: &str) -> Result<(), Break> {
        let broken = |what| self.broken(what);
        let key = self.shard_key.as_ref().ok_or_else(|| broken("it belongs to no shard"))?;
        let note = Note::parse(note).map_err(|_| broken("its checkpoint is not a signed note"))?;
        note.verified_by(key).map_err(|_| broken("its checkpoint is not signed by the log"))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|_| broken("its checkpoint is not readable"))?;
        let Head { size, shard, frontier, .. } = &self.head;
        if checkpoint.origin() != shard.origin || checkpoint.size() != size + 1 - shard.first {
            return Err(broken("its checkpoint is of another tree"));
        }
        if *checkpoint.root() != frontier.root() {
            let first = size + 1 - self.since.len() as u64;
            let what = "it or one up to the next checkpoint is not what was signed";
            return Err(self.unlike_published().unwrap_or(Break { index: first, what }));
        }
        Ok(())
    }

    /// The log ends here; `stored` is where it stands by its own word.
    pub(super) fn finish(self, stored: &Head) -> Result<Verified, Break> {
        let root = self.head.frontier.root();
        if self.last.as_ref().is_some_and(|(size, _)| *size != self.head.size)
            || (self.last.is_none() && self.head.size > 0)
        {
            return Err(self.broken("the log does not end with a checkpoint"));
        }
        if self.head.size < stored.size {
            return Err(self.broken("it is missing"));
        }
        if self.head != *stored {
            return Err(self.broken("the head is not that of these entries"));
        }
        self.removals.finish().map_err(|what| self.broken(what))?;
        let Removals { erased, past_retention, .. } = self.removals;
        Ok(Verified {
            origin: self.head.shard.origin,
            size: self.head.size,
            root,
            bodies_opened: self.bodies.is_some(),
            erased,
            past_retention,
        })
    }
}

/// The hash of a leaf in the published tiles.
fn published_hash(folder: &Path, shard: &Shard, place: u64) -> Option<Hash> {
    let folder = folder.join(shard.origin.rsplit('/').next()?);
    let (tile, at) = (place / WIDTH, usize::try_from(place % WIDTH).ok()?);
    // A tile that is not full lies there in several widths.
    let widths = iter::once(WIDTH).chain(at as u64 + 1..WIDTH);
    let bytes = widths.filter_map(|width| fs::read(folder.join(tile_path(0, tile, width))).ok()).next()?;
    bytes.as_chunks::<32>().0.get(at).copied()
}

/// Checks the log in `database` with the log's public key, under the name of any of its shards.
///
/// With `keys` bodies and replies are opened and held to their leaves as well. `published` is the folder of the published log, which
/// helps to name the entry. `progress` is told how many entries of how many are done.
///
/// # Errors
/// [`VerifyError::Broken`] names the first entry that is not what was signed.
pub fn verify_log(
    database: &Database,
    published: Option<&Path>,
    key: &VerifierKey,
    keys: Option<&AuditKeys>,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Verified, VerifyError> {
    let pass = Pass::new(key, keys, published);
    let checked = match database {
        Database::Sqlite(path) => sqlite::check(path, pass, progress),
        Database::Postgres(server) => postgres::check(server, pass, progress),
    };
    checked.map_err(|error| match error {
        CheckError::Broken(broken) => VerifyError::Broken(broken),
        CheckError::Store(error) => VerifyError::Store(error.to_string()),
    })
}
