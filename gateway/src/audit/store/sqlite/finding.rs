//! How entries are found again: by question, by decision, by tag.
//!
//! The newest entries are found in memory. Every [`RUN`] of them become a run, which appends file into the table `mention` in the
//! order of its keys, a slice with each append: so keys that lie on one page are written together, and no commit waits for
//! many. After a start the entries that are not filed yet are read again.

use std::collections::BTreeSet;
use std::ops::Bound;

use rusqlite::{Connection, Transaction, params};

use super::{StoreError, signed};
use crate::audit::draft::step::INTENT;

/// A key under which entries are found. Of questions and tags these are digests, of decisions random: none is guessed.
pub(super) type Key = [u8; 16];

/// Entries whose keys are filed together.
const RUN: u64 = if cfg!(test) { 8 } else { 8_192 };
/// Keys that are filed for each entry that is appended. An entry has at most five, so that a run ends before the next is full.
const FILED_PER_ENTRY: usize = 16;

/// The entries that the file alone does not find, and the intents that are open.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// Keys of the newest entries.
    newer: BTreeSet<(Key, u64)>,
    /// Keys of the run, which are being filed.
    run: BTreeSet<(Key, u64)>,
    /// The last of the run that is filed.
    last_filed: Option<(Key, u64)>,
    /// The run begins with this entry; those before are filed.
    filed: u64,
    /// The run ends before this entry.
    run_end: u64,
    open: BTreeSet<u64>,
}

/// What an append adds, until it is durable.
#[derive(Debug, Default)]
pub(super) struct Additions {
    keys: Vec<(Key, u64)>,
    /// Those of questions, oldest first.
    questions: Vec<(Key, u64)>,
    opened: BTreeSet<u64>,
    closed: BTreeSet<u64>,
    /// Tags of entries that are erased or past retention.
    forgotten: BTreeSet<(Key, u64)>,
    /// Whether anything is deleted.
    pub(super) deletes: bool,
    filed: Option<Filed>,
}

/// How far an append has filed the run.
#[derive(Debug, Clone, Copy)]
enum Filed {
    UpTo((Key, u64)),
    Whole,
}

impl Finding {
    /// Reads the entries that are not filed.
    pub(super) fn load(connection: &Connection, filed: u64) -> Result<Self, StoreError> {
        let mut finding = Self { filed, run_end: filed, ..Self::default() };
        let mut open = connection.prepare("SELECT idx FROM open_intent")?;
        for index in open.query_map([], |row| row.get::<_, i64>(0))? {
            finding.open.insert(index?.cast_unsigned());
        }
        let mut unfiled = connection.prepare(
            "SELECT entry.idx, step, closes, decision, question, subject_tag, official_tag, case_tag FROM entry \
             LEFT JOIN body ON body.idx = entry.idx WHERE entry.idx >= ?1 ORDER BY entry.idx",
        )?;
        let mut rows = unfiled.query([signed(filed)?])?;
        while let Some(row) = rows.next()? {
            let index = row.get::<_, i64>(0)?.cast_unsigned();
            if row.get::<_, i16>(1)? == INTENT {
                finding.open.insert(index);
            }
            if let Some(closed) = row.get::<_, Option<i64>>(2)? {
                finding.open.remove(&closed.cast_unsigned());
            }
            for column in 3..=7 {
                if let Some(key) = row.get::<_, Option<Key>>(column)? {
                    finding.newer.insert((key, index));
                }
            }
        }
        Ok(finding)
    }

    /// The entries in memory that mention `key`, oldest first.
    pub(super) fn entries(&self, key: &Key) -> impl Iterator<Item = u64> {
        of_key(&self.run, key).chain(of_key(&self.newer, key))
    }

    /// Intents that nothing has closed, oldest first.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> {
        self.open.iter().copied()
    }

    /// Whether nothing has closed this intent, `additions` included.
    pub(super) fn is_open(&self, intent: u64, additions: &Additions) -> bool {
        (self.open.contains(&intent) || additions.opened.contains(&intent)) && !additions.closed.contains(&intent)
    }

    /// Whether this entry is filed.
    pub(super) fn is_filed(&self, index: u64) -> bool {
        index < self.filed
    }

    /// Files a slice of the run within the transaction that appends `count` entries. `filed` says how far filing came.
    pub(super) fn file(
        &self,
        transaction: &Transaction<'_>,
        filed: &mut u64,
        additions: &mut Additions,
        count: usize,
    ) -> Result<(), StoreError> {
        if self.run.is_empty() {
            return Ok(());
        }
        let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO mention (key, idx) VALUES (?1, ?2)")?;
        let from = self.last_filed.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.run.range((from, Bound::Unbounded));
        let mut last = self.last_filed;
        for &(key, index) in rest.by_ref().take(count.saturating_mul(FILED_PER_ENTRY)) {
            if !additions.forgotten.contains(&(key, index)) {
                insert.execute(params![key, signed(index)?])?;
            }
            last = Some((key, index));
        }
        if rest.next().is_some() {
            additions.filed = last.map(Filed::UpTo);
            return Ok(());
        }
        let mut open = transaction.prepare_cached("INSERT INTO open_intent (idx) VALUES (?1)")?;
        for &intent in self.open.range(*filed..self.run_end) {
            if !additions.closed.contains(&intent) {
                open.execute([signed(intent)?])?;
            }
        }
        *filed = self.run_end;
        transaction.prepare_cached("UPDATE file SET filed = ?1 WHERE log = 1")?.execute([signed(*filed)?])?;
        additions.filed = Some(Filed::Whole);
        Ok(())
    }

    /// Takes over what has become durable: the log's new size, and up to where it is filed. A run that is filed is given back, to be freed where nobody
    /// waits for it.
    #[must_use]
    pub(super) fn adopt(&mut self, additions: Additions, size: u64, filed_to: u64) -> BTreeSet<(Key, u64)> {
        let Additions { keys, opened, closed, forgotten, filed, .. } = additions;
        self.newer.extend(keys);
        for key in &forgotten {
            self.newer.remove(key);
            self.run.remove(key);
        }
        self.open.extend(opened);
        for intent in &closed {
            self.open.remove(intent);
        }
        let mut done = BTreeSet::new();
        match filed {
            None => {}
            Some(Filed::UpTo(last)) => self.last_filed = Some(last),
            Some(Filed::Whole) => {
                done = std::mem::take(&mut self.run);
                self.last_filed = None;
            }
        }
        self.filed = filed_to;
        if self.run.is_empty() && size - filed_to >= RUN {
            self.run = std::mem::take(&mut self.newer);
            self.run_end = size;
        }
        done
    }
}

impl Additions {
    /// The keys of an entry at `index`: those of its question apart from the others.
    pub(super) fn mention(&mut self, keys: impl IntoIterator<Item = Key>, question: Option<Key>, index: u64) {
        self.keys.extend(keys.into_iter().chain(question).map(|key| (key, index)));
        self.questions.extend(question.map(|key| (key, index)));
    }

    /// The entries of this append that belong to a question, oldest first.
    pub(super) fn entries(&self, question: &Key) -> impl Iterator<Item = u64> {
        self.questions.iter().filter(move |(key, _)| key == question).map(|&(_, index)| index)
    }

    /// What is personal about the entry at `index` is deleted: these tags find it no more.
    pub(super) fn forget(&mut self, tags: impl IntoIterator<Item = Key>, index: u64) {
        self.deletes = true;
        self.forgotten.extend(tags.into_iter().map(|tag| (tag, index)));
    }

    pub(super) fn open(&mut self, intent: u64) {
        self.opened.insert(intent);
    }

    pub(super) fn close(&mut self, intent: u64) {
        self.closed.insert(intent);
    }
}

fn of_key(keys: &BTreeSet<(Key, u64)>, key: &Key) -> impl Iterator<Item = u64> {
    keys.range((*key, 0)..=(*key, u64::MAX)).map(|&(_, index)| index)
}

/// The filed entries that mention `key`, oldest first.
pub(super) fn filed_entries(connection: &Connection, key: &Key) -> rusqlite::Result<Vec<u64>> {
    let mut filed = connection.prepare_cached("SELECT idx FROM mention WHERE key = ?1 ORDER BY idx")?;
    filed.query_map([key], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?.collect()
}
