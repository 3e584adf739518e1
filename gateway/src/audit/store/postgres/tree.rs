//! The tree in the database: where it stands, and the proofs that it gives.

use tokio_postgres::Row;

use super::session::Session;
use super::{StoreError, signed};
use crate::audit::publishing::Signed;
use crate::audit::sequence::{Head, Shard};
use crate::audit::store::Which;
use crate::tlog::frontier::Frontier;
use crate::tlog::nodes::{Nodes, inclusion_proof, root};
use crate::tlog::proof::TlogProof;
use crate::tlog::{Hash, tree};

/// Which log it is and where it stands.
pub(super) const STANDING: &str =
    "SELECT identity, size, last_at, shard, frontier, origin FROM file, head LEFT JOIN shard ON first = shard";
/// Keeps every other writer out until the commit. What was waited for is read after it, by a statement that sees it whole.
pub(super) const LOCK: &str = "SELECT size FROM head FOR UPDATE";

/// Reads a row of [`STANDING`].
pub(super) fn standing(row: Option<&Row>) -> Result<(Vec<u8>, Head), StoreError> {
    let unfit = |what| StoreError::Inconsistent { what };
    let row = row.ok_or_else(|| unfit("it has no head"))?;
    let size = number(row, 1)?;
    let first = number(row, 3)?;
    let frontier: &[u8] = row.try_get(4)?;
    let (hashes, rest) = frontier.as_chunks::<32>();
    let misfit = || unfit("the frontier does not fit the size of the tree");
    let places = size.checked_sub(first).filter(|_| rest.is_empty()).ok_or_else(misfit)?;
    let frontier = Frontier::from_parts(places, hashes.to_vec()).map_err(|_| misfit())?;
    let shard = Shard { first, origin: row.try_get::<_, Option<String>>(5)?.unwrap_or_default() };
    Ok((row.try_get(0)?, Head { size, last_at: row.try_get(2)?, shard, frontier }))
}

/// A column that is never negative.
pub(super) fn number(row: &Row, column: usize) -> Result<u64, StoreError> {
    u64::try_from(row.try_get::<_, i64>(column)?).map_err(|_| StoreError::Inconsistent { what: "a number is negative" })
}

/// The newest checkpoint of the shard to which the entry at `index` belongs.
pub(super) fn newest(session: &Session, index: u64) -> Result<Option<Signed>, StoreError> {
    let found = session.row(
        "SELECT first, origin, size, note FROM shard, checkpoint WHERE first = \
           (SELECT max(first) FROM shard WHERE first <= $1) AND size = \
           (SELECT max(size) FROM checkpoint WHERE size <= \
             coalesce((SELECT min(first) FROM shard WHERE first > $1), 9223372036854775807)) AND size > $1",
        &[&signed(index)?],
    )?;
    let Some(row) = found else { return Ok(None) };
    let shard = Shard { first: number(&row, 0)?, origin: row.try_get(1)? };
    Ok(Some(Signed { shard, size: number(&row, 2)?, note: row.try_get(3)? }))
}

/// The newest checkpoint of a shard.
pub(super) fn newest_of(session: &Session, shard: Which<'_>) -> Result<Option<Signed>, StoreError> {
    let found = match shard {
        Which::Of(index) => return if signed(index).is_ok() { newest(session, index) } else { Ok(None) },
        Which::Named(origin) => session.row("SELECT first FROM shard WHERE origin = $1", &[&origin])?,
        Which::Newest => session.row("SELECT size - 1 FROM checkpoint ORDER BY size DESC LIMIT 1", &[])?,
    };
    found.map_or(Ok(None), |row| newest(session, number(&row, 0)?))
}

pub(super) fn leaves(session: &Session, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = session
        .rows("SELECT leaf FROM entry WHERE idx >= $1 AND idx < $2 ORDER BY idx", &[&signed(from)?, &signed(to)?])?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Whether there is a shard of this name that begins with a tree of this size and root.
pub(super) fn holds(session: &Session, origin: &str, size: u64, expected: &Hash) -> Result<bool, StoreError> {
    let (_, standing) = standing(session.row(STANDING, &[])?.as_ref())?;
    let Some(row) = session.row("SELECT first FROM shard WHERE origin = $1", &[&origin])? else { return Ok(false) };
    let first = number(&row, 0)?;
    if first.checked_add(size).is_none_or(|end| end > standing.size) {
        return Ok(false);
    }
    Ok(root(size, &mut Stored { session, first })? == *expected)
}

/// The proof of the entry at `index` against the checkpoint of the append that made it durable.
pub(super) fn proof(session: &Session, index: u64) -> Result<String, StoreError> {
    let at = signed(index)?;
    let missing = || StoreError::Inconsistent { what: "an entry has no checkpoint" };
    let shard = session.row("SELECT first FROM shard WHERE first <= $1 ORDER BY first DESC LIMIT 1", &[&at])?;
    let checkpoint = session.row("SELECT size, note FROM checkpoint WHERE size > $1 ORDER BY size LIMIT 1", &[&at])?;
    let (first, checkpoint) = (number(&shard.ok_or_else(missing)?, 0)?, checkpoint.ok_or_else(missing)?);
    let (size, place) = (number(&checkpoint, 0)?, index - first);
    let hashes = inclusion_proof(place, size - first, &mut Stored { session, first })?;
    Ok(TlogProof::new(place, hashes, checkpoint.try_get(1)?).to_string())
}

/// The tree of the shard that begins at `first`, as the database holds it.
pub(super) struct Stored<'s> {
    pub(super) session: &'s Session,
    pub(super) first: u64,
}

impl Nodes for Stored<'_> {
    type Error = StoreError;

    fn tile(&mut self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let hashes: Vec<Hash> = if level == 0 {
            let leaves = leaves(self.session, self.first + from, self.first + to)?;
            leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect()
        } else {
            let rows = self.session.rows(
                "SELECT hash FROM subtree WHERE shard = $1 AND level = $2 AND idx >= $3 AND idx < $4 ORDER BY idx",
                &[&signed(self.first)?, &i16::from(level), &signed(from)?, &signed(to)?],
            )?;
            rows.iter()
                .map(|row| Ok(row.try_get::<_, &[u8]>(0)?.try_into().ok()))
                .collect::<Result<Option<_>, StoreError>>()?
                .ok_or(StoreError::Inconsistent { what: "a hash of the tree has not 32 bytes" })?
        };
        if hashes.len() as u64 != to - from {
            return Err(StoreError::Inconsistent { what: "a part of the tree is missing" });
        }
        Ok(hashes)
    }
}
