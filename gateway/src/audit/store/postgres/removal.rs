//! What goes when an entry is erased or past retention, and which entries those are.

use std::ops::Range;

use super::session::Session;
use super::{StoreError, signed, tree};
use crate::audit::draft::step::ERASURE;
use crate::audit::error::Unerasable;
use crate::audit::retention::Term;
use crate::audit::store::term_of;

/// Entries that one step of retention reads at most.
const LOOKED_AT: i64 = 4_096;

const ENTRY: &str = "SELECT entry.idx, step, question, under, sealed IS NOT NULL, replica IS NOT NULL FROM entry \
     LEFT JOIN body ON body.idx = entry.idx LEFT JOIN erasure ON erasure.idx = entry.idx \
     LEFT JOIN open_intent ON open_intent.idx = entry.idx WHERE entry.idx = $1";
const OF_QUESTION: &str = "SELECT entry.idx, step, question, under, sealed IS NOT NULL, replica IS NOT NULL FROM entry \
     LEFT JOIN body ON body.idx = entry.idx LEFT JOIN erasure ON erasure.idx = entry.idx \
     LEFT JOIN open_intent ON open_intent.idx = entry.idx WHERE question = $1 ORDER BY entry.idx";

/// The entries that are erased together with the entry at `index`.
pub(super) async fn erasable(session: &Session, index: u64) -> Result<Result<Vec<u64>, Unerasable>, StoreError> {
    // An index that the database cannot hold is none that it has.
    let at = i64::try_from(index).unwrap_or(i64::MAX);
    let found = session.query(ENTRY, &[&at]).await?;
    let Some(row) = found.first() else {
        let standing = session.query(tree::STANDING, &[]).await?;
        let size = tree::standing(standing.first())?.1.size;
        return Ok(Err(Unerasable::Unknown { index, size }));
    };
    if row.try_get::<_, i16>(1)? == ERASURE {
        return Ok(Err(Unerasable::Erasure { index }));
    }
    if let Some(under) = row.try_get::<_, Option<i64>>(3)? {
        return Ok(Err(Unerasable::Erased { index, under: under.cast_unsigned() }));
    }
    if !row.try_get::<_, bool>(4)? {
        return Ok(Err(Unerasable::NoBody { index }));
    }
    let Some(question) = row.try_get::<_, Option<&[u8]>>(2)? else { return Ok(Ok(vec![index])) };
    let mut erased = Vec::new();
    for row in session.query(OF_QUESTION, &[&question]).await? {
        let index = tree::number(&row, 0)?;
        if row.try_get(5)? {
            return Ok(Err(Unerasable::Open { index }));
        }
        if row.try_get(4)? {
            erased.push(index);
        }
    }
    Ok(Ok(erased))
}

/// How far bodies of a term are past retention.
pub(super) async fn retained(session: &Session, term: Term) -> Result<u64, StoreError> {
    let rows = session.query("SELECT past FROM retained WHERE term = $1", &[&term.as_str()]).await?;
    let missing = StoreError::Inconsistent { what: "it does not say how far bodies are past retention" };
    tree::number(rows.first().ok_or(missing)?, 0)
}

/// The entries from where the retention of `term` ended that were made before `before`, with at most `max` bodies among them.
pub(super) async fn expiring(
    session: &Session,
    term: Term,
    before: i64,
    max: usize,
) -> Result<Option<Range<u64>>, StoreError> {
    let from = retained(session, term).await?;
    let rows = session
        .query(
            "SELECT entry.idx, leaf, sealed IS NOT NULL FROM entry LEFT JOIN body ON body.idx = entry.idx \
             WHERE entry.idx >= $1 ORDER BY entry.idx LIMIT $2",
            &[&signed(from)?, &LOOKED_AT],
        )
        .await?;
    let (mut looked_at, mut bodies, mut to) = (0, 0, from);
    for row in &rows {
        let (leaf_term, at) = term_of(row.try_get(1)?)?;
        if at >= before || bodies == max {
            break;
        }
        looked_at += 1;
        to = tree::number(row, 0)? + 1;
        bodies += usize::from(leaf_term == Some(term) && row.try_get(2)?);
    }
    // A range without bodies is worth an entry only for getting past it.
    Ok((bodies > 0 || looked_at == LOOKED_AT).then_some(from..to))
}

/// Deletes the bodies of a term in a range, and what goes with them.
pub(super) async fn retire(session: &Session, term: Term, range: &Range<u64>) -> Result<(), StoreError> {
    let (from, to) = (signed(range.start)?, signed(range.end)?);
    let rows = session
        .query("SELECT idx, leaf FROM body JOIN entry USING (idx) WHERE idx >= $1 AND idx < $2", &[&from, &to])
        .await?;
    let mut retired: Vec<i64> = Vec::new();
    for row in &rows {
        if term_of(row.try_get(1)?)?.0 == Some(term) {
            retired.push(row.try_get(0)?);
        }
    }
    remove(session, &retired).await?;
    session.execute("UPDATE retained SET past = $1 WHERE term = $2", &[&to, &term.as_str()]).await.map(drop)
}

/// States that entries are erased under another, and deletes what goes with that.
pub(super) async fn erase(session: &Session, indices: &[u64], under: u64) -> Result<(), StoreError> {
    let indices = indices.iter().map(|&index| signed(index)).collect::<Result<Vec<i64>, _>>()?;
    let state = "INSERT INTO erasure (idx, under) SELECT idx, $2 FROM unnest($1::bigint[]) AS new (idx)";
    session.execute(state, &[&indices, &signed(under)?]).await?;
    remove(session, &indices).await
}

/// Deletes body, tags, reply and content digest of entries.
async fn remove(session: &Session, indices: &[i64]) -> Result<(), StoreError> {
    session.execute("DELETE FROM body WHERE idx = ANY($1)", &[&indices]).await?;
    session.execute("DELETE FROM reply WHERE idx = ANY($1)", &[&indices]).await?;
    session.execute("UPDATE entry SET content = NULL WHERE idx = ANY($1)", &[&indices]).await.map(drop)
}
