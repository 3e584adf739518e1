//! Reading a whole log for whoever checks it. A gateway may be writing meanwhile: one reading transaction sees one state.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, Statement, params};

use super::connection::{Mode, open, progress};
use super::{StoreError, removal, signed, tree};
use crate::audit::checking::{Beside, Break, CheckError, Pass, StoredBody, StoredEntry, Verified};
use crate::audit::retention::Term;
use crate::audit::sequence::Shard;
use crate::tlog::frontier::Subtree;

impl From<rusqlite::Error> for CheckError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

const ENTRIES: &str = "SELECT entry.idx, leaf, decision, step, closes, question, content, body.sealed, subject_tag, official_tag, \
     case_tag, reply.sealed, note, under FROM entry LEFT JOIN body ON body.idx = entry.idx LEFT JOIN reply ON reply.idx = entry.idx \
     LEFT JOIN checkpoint ON checkpoint.size = entry.idx + 1 LEFT JOIN erasure ON erasure.idx = entry.idx ORDER BY entry.idx";

/// The columns under which an entry is found.
const KEYS: [&str; 5] = ["decision", "question", "subject_tag", "official_tag", "case_tag"];

/// Leads `pass` over the log at `path`. `progress` is told how many entries of how many are done.
pub(in crate::audit) fn check(
    path: &Path,
    mut pass: Pass<'_>,
    mut told: impl FnMut(u64, u64),
) -> Result<Verified, CheckError> {
    let connection = open(path, Mode::Read)?;
    // Sees one state of the file for as long as it is open.
    let connection = connection.unchecked_transaction()?;
    if !progress(&connection, path)?.is_done() {
        return Err(
            StoreError::Inconsistent { what: "it is of another version; `heyan serve` brings it up to date" }.into()
        );
    }
    let standing = tree::standing(&connection).map_err(|error| unless_broken(error, &pass))?;
    let mut shards = shards(&connection)?.into_iter().peekable();
    for term in Term::ALL {
        let past = removal::retained(&connection, term).map_err(|error| unless_broken(error, &pass))?;
        pass.removals.retained(term, past);
    }
    pass.views.file(standing.filed);
    let mut beside = Rows::prepare(&connection)?;
    let mut entries = connection.prepare(ENTRIES)?;
    let mut rows = entries.query([])?;
    let mut done = 0;
    while let Some(row) = rows.next()? {
        while let Some(shard) = shards.next_if(|shard| shard.first <= done) {
            pass.shard(shard.first, &shard.origin)?;
        }
        let entry = entry(row).map_err(|_| pass.broken("a column of it is not what it should be"))?;
        pass.entry(&entry, &mut beside)?;
        done += 1;
        if done % 4_096 == 0 {
            told(done, standing.head.size);
        }
    }
    told(done, standing.head.size);
    for (table, seen) in [
        ("entry", done),
        ("body", pass.bodies_seen),
        ("checkpoint", pass.checkpoints_seen),
        ("subtree", pass.subtrees_seen),
        ("shard", pass.shards_seen),
        ("erasure", pass.removals.named),
        ("reply", pass.views.replies),
    ] {
        let rows = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))?;
        if rows.cast_unsigned() != seen {
            return Err(pass.broken("something is stored that belongs to no entry").into());
        }
    }
    check_views(&connection, standing.filed, &pass)?;
    Ok(pass.finish(&standing.head)?)
}

/// Holds what finds entries, and what says which intents are open, to the log.
fn check_views(connection: &Connection, filed: u64, pass: &Pass<'_>) -> Result<(), CheckError> {
    let mut mentions = connection.prepare("SELECT key, idx FROM mention WHERE idx < ?1")?;
    let mut rows = mentions.query([signed(filed)?])?;
    let mut sum = 0_u128;
    while let Some(row) = rows.next()? {
        let index = row.get::<_, i64>(1)?.cast_unsigned();
        sum = sum.wrapping_add(pass.views.row(row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?, index));
    }
    if !pass.views.are_found_by(sum) {
        let hides = KEYS.map(|key| {
            format!(
                "{key} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM mention WHERE key = {key} AND mention.idx = entry.idx)"
            )
        });
        let hidden = format!(
            "SELECT entry.idx FROM entry LEFT JOIN body ON body.idx = entry.idx WHERE entry.idx < ?1 AND ({}) \
             ORDER BY entry.idx LIMIT 1",
            hides.join(" OR ")
        );
        let hidden = connection.query_row(&hidden, [signed(filed)?], |row| row.get::<_, i64>(0)).optional()?;
        return Err(match hidden {
            Some(index) => Break { index: index.cast_unsigned(), what: "it is not found by what it is about" },
            None => pass.broken("something finds an entry that is not about it"),
        }
        .into());
    }
    let mut open = connection.prepare("SELECT idx FROM open_intent")?;
    let open = open.query_map([], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?.collect::<Result<_, _>>()?;
    Ok(pass.views.check_open(&open, true)?)
}

/// What is looked up beside the entries, each by its key.
struct Rows<'c> {
    subtree: Statement<'c>,
    erasure: Statement<'c>,
    leaf: Statement<'c>,
}

impl<'c> Rows<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            subtree: connection.prepare("SELECT hash FROM subtree WHERE shard = ?1 AND level = ?2 AND idx = ?3")?,
            erasure: connection.prepare("SELECT under FROM erasure WHERE idx = ?1")?,
            leaf: connection.prepare("SELECT leaf FROM entry WHERE idx = ?1")?,
        })
    }
}

impl Beside for Rows<'_> {
    type Error = CheckError;

    fn has_subtree(&mut self, shard: &Shard, subtree: &Subtree) -> Result<bool, CheckError> {
        let key = params![signed(shard.first)?, subtree.level, signed(subtree.index)?];
        let is_it = |row: &Row<'_>| Ok(row.get_ref(0)?.as_bytes().is_ok_and(|hash| hash == subtree.hash));
        Ok(self.subtree.query_row(key, is_it).optional()?.unwrap_or(false))
    }

    fn erased_under(&mut self, index: u64) -> Result<Option<u64>, CheckError> {
        let under = self.erasure.query_row([signed(index)?], |row| row.get::<_, i64>(0)).optional()?;
        Ok(under.map(i64::cast_unsigned))
    }

    fn leaf(&mut self, index: u64) -> Result<Option<Vec<u8>>, CheckError> {
        Ok(self.leaf.query_row([signed(index)?], |row| row.get(0)).optional()?)
    }
}

/// A head that contradicts itself is a broken log; a file that cannot be read is not.
fn unless_broken(error: StoreError, pass: &Pass<'_>) -> CheckError {
    match error {
        StoreError::Inconsistent { what } => pass.broken(what).into(),
        error => error.into(),
    }
}

fn shards(connection: &Connection) -> Result<Vec<Shard>, CheckError> {
    let mut shards = connection.prepare("SELECT first, origin FROM shard ORDER BY first")?;
    let shard = |row: &Row<'_>| Ok(Shard { first: row.get::<_, i64>(0)?.cast_unsigned(), origin: row.get(1)? });
    Ok(shards.query_map([], shard)?.collect::<Result<_, _>>()?)
}

fn entry<'r>(row: &'r Row<'_>) -> rusqlite::Result<StoredEntry<'r>> {
    let bytes = |column| optional(row, column);
    let tags = [bytes(8)?, bytes(9)?, bytes(10)?];
    let body = bytes(7)?.map(|sealed| StoredBody { sealed, tags });
    Ok(StoredEntry {
        index: row.get::<_, i64>(0)?.cast_unsigned(),
        leaf: row.get_ref(1)?.as_bytes()?,
        decision: row.get_ref(2)?.as_bytes()?,
        step: row.get(3)?,
        closes: row.get(4)?,
        question: bytes(5)?,
        content: bytes(6)?,
        body,
        reply: bytes(11)?,
        erased_under: row.get::<_, Option<i64>>(13)?.map(i64::cast_unsigned),
        checkpoint: match row.get_ref(12)? {
            ValueRef::Null => None,
            note => Some(note.as_str()?),
        },
    })
}

fn optional<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r [u8]>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_bytes()?)),
    }
}
