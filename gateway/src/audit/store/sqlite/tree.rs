//! The tree in the file: where it stands, and the proofs that it gives.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{Standing, StoreError, signed};
use crate::audit::publishing::Signed;
use crate::audit::sequence::{Head, Shard};
use crate::audit::store::Which;
use crate::tlog::frontier::{Frontier, Subtree};
use crate::tlog::nodes::{Nodes, inclusion_proof, root};
use crate::tlog::proof::TlogProof;
use crate::tlog::{Hash, tree};

/// Reads where the log stands.
pub(super) fn standing(connection: &Connection) -> Result<Standing, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT identity, filed, size, last_at, shard, frontier, origin FROM file, head LEFT JOIN shard ON first = shard",
    )?;
    type Row = (Vec<u8>, i64, i64, i64, i64, Vec<u8>, Option<String>);
    let (identity, filed, size, last_at, first, frontier, origin): Row = statement.query_row([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
    })?;
    let number = |number| u64::try_from(number).map_err(|_| StoreError::Inconsistent { what: "the head is negative" });
    let (filed, size, first) = (number(filed)?, number(size)?, number(first)?);
    if filed > size {
        return Err(StoreError::Inconsistent { what: "the head says that entries are filed which are not there" });
    }
    let unfit = || StoreError::Inconsistent { what: "the frontier does not fit the size of the tree" };
    let (hashes, rest) = frontier.as_chunks::<32>();
    let places = size.checked_sub(first).filter(|_| rest.is_empty()).ok_or_else(unfit)?;
    let frontier = Frontier::from_parts(places, hashes.to_vec()).map_err(|_| unfit())?;
    let shard = Shard { first, origin: origin.unwrap_or_default() };
    Ok(Standing { identity, filed, head: Head { size, last_at, shard, frontier } })
}

/// Writes the new head, its checkpoint and the subtrees that were completed.
pub(super) fn store(
    transaction: &Transaction<'_>,
    head: &Head,
    subtrees: &[Subtree],
    note: &str,
) -> Result<(), StoreError> {
    let (size, first) = (signed(head.size)?, signed(head.shard.first)?);
    transaction
        .prepare_cached("UPDATE head SET size = ?1, last_at = ?2, shard = ?3, frontier = ?4 WHERE log = 1")?
        .execute(params![size, head.last_at, first, head.frontier.hashes().as_flattened()])?;
    transaction.prepare_cached("INSERT INTO checkpoint (size, note) VALUES (?1, ?2)")?.execute(params![size, note])?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO subtree (shard, level, idx, hash) VALUES (?1, ?2, ?3, ?4)")?;
    for subtree in subtrees {
        insert.execute(params![first, subtree.level, signed(subtree.index)?, subtree.hash])?;
    }
    Ok(())
}

/// The newest checkpoint.
pub(super) fn last_checkpoint(connection: &Connection) -> Result<String, StoreError> {
    let mut last = connection.prepare_cached("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")?;
    Ok(last.query_row([], |row| row.get(0))?)
}

/// The newest checkpoint of the shard to which the entry at `index` belongs.
pub(super) fn newest(connection: &Connection, index: u64) -> Result<Option<Signed>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT first, origin, size, note FROM shard, checkpoint WHERE first = \
               (SELECT max(first) FROM shard WHERE first <= ?1) AND size = \
               (SELECT max(size) FROM checkpoint WHERE size <= \
                 coalesce((SELECT min(first) FROM shard WHERE first > ?1), 9223372036854775807)) AND size > ?1",
        )?
        .query_row([signed(index)?], |row| {
            let shard = Shard { first: row.get::<_, i64>(0)?.cast_unsigned(), origin: row.get(1)? };
            Ok(Signed { shard, size: row.get::<_, i64>(2)?.cast_unsigned(), note: row.get(3)? })
        });
    Ok(found.optional()?)
}

/// The newest checkpoint of a shard.
pub(super) fn newest_of(connection: &Connection, shard: Which<'_>) -> Result<Option<Signed>, StoreError> {
    let index: Option<i64> = match shard {
        Which::Of(index) => i64::try_from(index).ok(),
        Which::Named(origin) => connection
            .prepare_cached("SELECT first FROM shard WHERE origin = ?1")?
            .query_row([origin], |row| row.get(0))
            .optional()?,
        Which::Newest => {
            connection.prepare_cached("SELECT max(size) - 1 FROM checkpoint")?.query_row([], |row| row.get(0))?
        }
    };
    index.map_or(Ok(None), |index| newest(connection, index.cast_unsigned()))
}

/// Whether there is a shard of this name that begins with a tree of this size and root.
pub(super) fn holds(connection: &Connection, origin: &str, size: u64, expected: &Hash) -> Result<bool, StoreError> {
    let standing = standing(connection)?.head;
    let mut shards = connection.prepare_cached("SELECT first FROM shard WHERE origin = ?1")?;
    let first = shards.query_row([origin], |row| row.get::<_, i64>(0)).optional()?;
    let Some(first) = first.map(i64::cast_unsigned) else { return Ok(false) };
    if first.checked_add(size).is_none_or(|end| end > standing.size) {
        return Ok(false);
    }
    Ok(root(size, &mut Stored { connection, first })? == *expected)
}

/// The proof of the entry at `index` against the checkpoint of the append that made it durable.
pub(super) fn proof(connection: &Connection, index: u64) -> Result<String, StoreError> {
    let at = signed(index)?;
    let missing = StoreError::Inconsistent { what: "an entry has no checkpoint" };
    let first: Option<i64> = connection
        .prepare_cached("SELECT first FROM shard WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?
        .query_row([at], |row| row.get(0))
        .optional()?;
    let checkpoint: Option<(i64, String)> = connection
        .prepare_cached("SELECT size, note FROM checkpoint WHERE size > ?1 ORDER BY size LIMIT 1")?
        .query_row([at], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (Some(first), Some((size, note))) = (first.map(i64::cast_unsigned), checkpoint) else { return Err(missing) };
    let place = index - first;
    let hashes = inclusion_proof(place, size.cast_unsigned() - first, &mut Stored { connection, first })?;
    Ok(TlogProof::new(place, hashes, note).to_string())
}

/// The tree of the shard that begins at `first`, as the file holds it.
pub(super) struct Stored<'c> {
    pub(super) connection: &'c Connection,
    pub(super) first: u64,
}

impl Nodes for Stored<'_> {
    type Error = StoreError;

    fn tile(&mut self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
        let hashes: Vec<Hash> = if level == 0 {
            let mut leaves =
                self.connection.prepare_cached("SELECT leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx")?;
            let range = params![signed(self.first + from)?, signed(self.first + to)?];
            leaves
                .query_map(range, |row| Ok(tree::leaf_hash(row.get_ref(0)?.as_bytes()?)))?
                .collect::<Result<_, _>>()?
        } else {
            let mut roots = self.connection.prepare_cached(
                "SELECT hash FROM subtree WHERE shard = ?1 AND level = ?2 AND idx >= ?3 AND idx < ?4 ORDER BY idx",
            )?;
            let range = params![signed(self.first)?, level, signed(from)?, signed(to)?];
            roots.query_map(range, |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        if hashes.len() as u64 != to - from {
            return Err(StoreError::Inconsistent { what: "a part of the tree is missing" });
        }
        Ok(hashes)
    }
}
