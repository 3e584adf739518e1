//! What goes when an entry is erased or past retention, and which entries those are.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::finding::{Additions, Key};
use super::{StoreError, signed};
use crate::audit::draft::step::ERASURE;
use crate::audit::error::Unerasable;
use crate::audit::retention::Term;
use crate::audit::store::term_of;

/// Entries that one step of retention reads at most.
const LOOKED_AT: i64 = 4_096;

/// The entries that are erased together with the entry at `index` of a log of `size` entries. `mentions` gives the entries of a
/// question, `is_open` says whether an intent is open.
pub(super) fn erasable(
    connection: &Connection,
    (index, size): (u64, u64),
    mentions: impl FnOnce(&Key) -> rusqlite::Result<Vec<u64>>,
    is_open: impl Fn(u64) -> bool,
) -> rusqlite::Result<Result<Vec<u64>, Unerasable>> {
    let mut entry = connection.prepare_cached(
        "SELECT step, question, under, sealed IS NOT NULL FROM entry LEFT JOIN body ON body.idx = entry.idx \
         LEFT JOIN erasure ON erasure.idx = entry.idx WHERE entry.idx = ?1",
    )?;
    type Found = (i16, Option<Key>, Option<i64>, bool);
    let mut find = |index: u64| -> rusqlite::Result<Option<Found>> {
        let found = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        i64::try_from(index).map_or(Ok(None), |index| entry.query_row([index], found).optional())
    };
    let question = match find(index)? {
        None => return Ok(Err(Unerasable::Unknown { index, size })),
        Some((ERASURE, ..)) => return Ok(Err(Unerasable::Erasure { index })),
        Some((_, _, Some(under), _)) => return Ok(Err(Unerasable::Erased { index, under: under.cast_unsigned() })),
        Some((_, _, None, false)) => return Ok(Err(Unerasable::NoBody { index })),
        Some((_, None, None, true)) => return Ok(Ok(vec![index])),
        Some((_, Some(question), None, true)) => question,
    };
    let mut indices = mentions(&question)?;
    indices.sort_unstable();
    indices.dedup();
    let mut erased = Vec::with_capacity(indices.len());
    for index in indices {
        let found = find(index)?;
        let Some((.., has_body)) = found.filter(|(_, of, ..)| *of == Some(question)) else { continue };
        if is_open(index) {
            return Ok(Err(Unerasable::Open { index }));
        }
        if has_body {
            erased.push(index);
        }
    }
    Ok(Ok(erased))
}

/// How far bodies of a term are past retention.
pub(super) fn retained(connection: &Connection, term: Term) -> Result<u64, StoreError> {
    let mut past = connection.prepare_cached("SELECT past FROM retained WHERE term = ?1")?;
    let past: Option<i64> = past.query_row([term.as_str()], |row| row.get(0)).optional()?;
    let past = past.and_then(|past| u64::try_from(past).ok());
    past.ok_or(StoreError::Inconsistent { what: "it does not say how far bodies are past retention" })
}

/// The entries from where the retention of `term` ended that were made before `before`, with at most `max` bodies among them.
pub(super) fn expiring(
    connection: &Connection,
    term: Term,
    before: i64,
    max: usize,
) -> Result<Option<Range<u64>>, StoreError> {
    let from = retained(connection, term)?;
    let mut entries = connection.prepare_cached(
        "SELECT entry.idx, leaf, sealed IS NOT NULL FROM entry LEFT JOIN body ON body.idx = entry.idx \
         WHERE entry.idx >= ?1 ORDER BY entry.idx LIMIT ?2",
    )?;
    let mut rows = entries.query([signed(from)?, LOOKED_AT])?;
    let (mut looked_at, mut bodies, mut to) = (0, 0, from);
    while let Some(row) = rows.next()? {
        let (leaf_term, at) = term_of(row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?)?;
        if at >= before || bodies == max {
            break;
        }
        looked_at += 1;
        to = row.get::<_, i64>(0)?.cast_unsigned() + 1;
        bodies += usize::from(leaf_term == Some(term) && row.get(2)?);
    }
    // A range without bodies is worth an entry only for getting past it.
    Ok((bodies > 0 || looked_at == LOOKED_AT).then_some(from..to))
}

/// Deletes the bodies of a term in a range, and what goes with them.
pub(super) fn retire(
    transaction: &Transaction<'_>,
    term: Term,
    range: &Range<u64>,
    additions: &mut Additions,
) -> Result<(), StoreError> {
    let mut bodies = transaction.prepare_cached(
        "SELECT entry.idx, leaf FROM body JOIN entry ON entry.idx = body.idx WHERE body.idx >= ?1 AND body.idx < ?2",
    )?;
    let mut rows = bodies.query([signed(range.start)?, signed(range.end)?])?;
    let mut retired = Vec::new();
    while let Some(row) = rows.next()? {
        let (leaf_term, _) = term_of(row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?)?;
        if leaf_term == Some(term) {
            retired.push(row.get::<_, i64>(0)?.cast_unsigned());
        }
    }
    for index in retired {
        remove(transaction, index, additions)?;
    }
    let mut past = transaction.prepare_cached("UPDATE retained SET past = ?1 WHERE term = ?2")?;
    past.execute(params![signed(range.end)?, term.as_str()])?;
    Ok(())
}

/// States that the entry at `index` is erased under another, and deletes what goes with that.
pub(super) fn erase(
    transaction: &Transaction<'_>,
    index: u64,
    under: u64,
    additions: &mut Additions,
) -> Result<(), StoreError> {
    let mut erasure = transaction.prepare_cached("INSERT INTO erasure (idx, under) VALUES (?1, ?2)")?;
    erasure.execute([signed(index)?, signed(under)?])?;
    remove(transaction, index, additions)
}

/// Deletes body, reply, content digest and tags of an entry.
fn remove(transaction: &Transaction<'_>, index: u64, additions: &mut Additions) -> Result<(), StoreError> {
    let place = signed(index)?;
    let mut tags = transaction.prepare_cached("SELECT subject_tag, official_tag, case_tag FROM body WHERE idx = ?1")?;
    let tags: [Option<Key>; 3] = tags.query_row([place], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
    transaction.prepare_cached("DELETE FROM body WHERE idx = ?1")?.execute([place])?;
    transaction.prepare_cached("DELETE FROM reply WHERE idx = ?1")?.execute([place])?;
    transaction.prepare_cached("UPDATE entry SET content = NULL WHERE idx = ?1")?.execute([place])?;
    let mut mention = transaction.prepare_cached("DELETE FROM mention WHERE key = ?1 AND idx = ?2")?;
    for tag in tags.into_iter().flatten() {
        mention.execute(params![tag, place])?;
    }
    additions.forget(tags.into_iter().flatten(), index);
    Ok(())
}
