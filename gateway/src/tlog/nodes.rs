//! Proofs of a tree that is stored: each reads as many short rows of hashes as the tree is high.

use super::Hash;
use super::tree::{EMPTY_ROOT, node_hash, perfect_root};

/// The height of a tile: hashes are stored for every eighth level (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;

/// Where the hashes of a tree are stored.
pub trait Nodes {
    /// Why they cannot be read.
    type Error;

    /// The hashes `from` to `to` (without it) of a level: of leaves at level 0, of perfect subtrees of 256 to the power of `level` leaves
    /// above. At most 256 are asked for at a time, and none that the tree does not have.
    fn tile(&mut self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error>;
}

/// The path of the leaf at `index` in the tree of `size` leaves (RFC 9162, section 2.1.3.1).
///
/// # Errors
/// What the store says.
///
/// # Panics
/// Where the leaf is not in the tree.
pub fn inclusion_proof<N: Nodes>(index: u64, size: u64, nodes: &mut N) -> Result<Vec<Hash>, N::Error> {
    assert!(index < size, "the leaf is in the tree");
    let (mut from, mut to, mut path) = (0, size, Vec::new());
    // From the root down; a proof goes from the leaf up.
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(subtree(middle, to, nodes)?);
            to = middle;
        } else {
            path.push(subtree(from, middle, nodes)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162, section 2.1.4.1).
///
/// # Errors
/// What the store says.
///
/// # Panics
/// Where the old tree has no leaf, or more than the new one.
pub fn consistency_proof<N: Nodes>(old: u64, new: u64, nodes: &mut N) -> Result<Vec<Hash>, N::Error> {
    assert!(0 < old && old <= new, "the new tree begins with the old one, which has leaves");
    let (mut from, mut to, mut path) = (0, new, Vec::new());
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(subtree(middle, to, nodes)?);
            to = middle;
        } else {
            path.push(subtree(from, middle, nodes)?);
            from = middle;
        }
    }
    // The old tree's own root is known to whoever has it.
    if from > 0 {
        path.push(subtree(from, to, nodes)?);
    }
    path.reverse();
    Ok(path)
}

/// The root of the tree of `size` leaves.
///
/// # Errors
/// What the store says.
pub fn root<N: Nodes>(size: u64, nodes: &mut N) -> Result<Hash, N::Error> {
    if size == 0 { Ok(EMPTY_ROOT) } else { subtree(0, size, nodes) }
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The root over the leaves from `from` to `to`, of which there is one or more, and which begin where a subtree of their number may.
fn subtree<N: Nodes>(from: u64, to: u64, nodes: &mut N) -> Result<Hash, N::Error> {
    let size = to - from;
    if !size.is_power_of_two() {
        let middle = from + split(size);
        let left = subtree(from, middle, nodes)?;
        return Ok(node_hash(&left, &subtree(middle, to, nodes)?));
    }
    let (level, above) = (size.ilog2() / TILE_HEIGHT, size.ilog2() % TILE_HEIGHT);
    let first = from >> (level * TILE_HEIGHT);
    let level = u8::try_from(level).expect("a tree has at most eight levels of tiles");
    Ok(perfect_root(nodes.tile(level, first, first + (1 << above))?))
}
