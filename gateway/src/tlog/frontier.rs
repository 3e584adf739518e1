//! A tree that grows at its right edge: the roots of its perfect subtrees are all that growing needs.

use std::iter;

use super::Hash;
use super::tree::{EMPTY_ROOT, node_hash};

/// Subtrees of this height are told of when they are complete: tiles have 256 hashes (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;

/// The roots of the perfect subtrees of a tree, the largest first: one for each bit of its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// A perfect subtree of 256, 65,536 ... leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// Its height in tiles: 1 for 256 leaves.
    pub level: u8,
    /// Which one of its level, from the left.
    pub index: u64,
    /// Its root.
    pub hash: Hash,
}

/// The number of hashes is not that of a tree of this size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frontier of {size} leaves does not have {hashes} hashes")]
pub struct FrontierError {
    size: u64,
    hashes: usize,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves.
    ///
    /// # Errors
    /// [`FrontierError`] where there are not as many hashes as `size` has bits that are one.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if hashes.len() != size.count_ones() as usize {
            return Err(FrontierError { size, hashes: hashes.len() });
        }
        Ok(Self { size, hashes })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut smallest_first = self.hashes.iter().rev();
        let Some(&smallest) = smallest_first.next() else { return EMPTY_ROOT };
        smallest_first.fold(smallest, |root, left| node_hash(left, &root))
    }

    /// Adds a leaf. Each subtree of a tile's height that it completes is told to `completed`, the smallest first.
    pub fn push(&mut self, leaf: Hash, completed: &mut impl FnMut(Subtree)) {
        let mut hash = leaf;
        // The leaf completes one subtree for each one bit at the end of the size before it.
        for height in 1..=self.size.trailing_ones() {
            let left = self.hashes.pop().expect("there is a subtree for each bit of the size that is one");
            hash = node_hash(&left, &hash);
            if height.is_multiple_of(TILE_HEIGHT) {
                let level = u8::try_from(height / TILE_HEIGHT).expect("a height is at most 64");
                completed(Subtree { level, index: self.size >> height, hash });
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }
}

/// Proofs for all leaves that were added to a tree, in the tree after them, made from the frontier before them and the leaves alone.
///
/// Memory: the hashes of every node to the right of the old tree, about two for each leaf.
#[derive(Debug, Clone)]
pub struct ExtensionProofs {
    before: u64,
    after: u64,
    /// By height: the index of the first node that is kept, and the nodes from there on. Of each level those are kept that hold a new
    /// leaf and are perfect, and before them the left sibling that the old frontier gives, if any.
    levels: Vec<(u64, Vec<Hash>)>,
    /// By height: the root of what lies right of the perfect nodes of this level, where something does. At the end the tree's root.
    rests: Vec<Option<Hash>>,
}

/// See [`ExtensionProofs`].
pub fn extension_proofs(before: &Frontier, leaves: &[Hash]) -> ExtensionProofs {
    let after = before.size + leaves.len() as u64;
    let mut old = before.hashes.iter().rev();
    let mut levels: Vec<(u64, Vec<Hash>)> = Vec::with_capacity(16);
    let mut rests = Vec::with_capacity(16);
    let (mut new, mut rest) = (leaves.to_vec(), None);
    let mut height = 0;
    while height < 64 && after >> height > 0 {
        let mut first = before.size >> height;
        // An odd number of old nodes leaves one that is the left sibling of the first new one.
        let left = if first % 2 == 1 { old.next() } else { None };
        let mut nodes = Vec::with_capacity(new.len() + 1);
        if let Some(&left) = left {
            nodes.push(left);
            first -= 1;
        }
        nodes.append(&mut new);
        new = nodes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        rests.push(rest);
        if let [alone] = nodes.chunks_exact(2).remainder() {
            rest = Some(rest.map_or(*alone, |rest| node_hash(alone, &rest)));
        }
        levels.push((first, nodes));
        height += 1;
    }
    rests.push(rest);
    ExtensionProofs { before: before.size, after, levels, rests }
}

impl ExtensionProofs {
    /// The root of the tree after.
    pub fn root(&self) -> Hash {
        self.rests.last().copied().flatten().unwrap_or(EMPTY_ROOT)
    }

    /// The inclusion proof of the new leaf `at`, counted from the first new one.
    ///
    /// # Panics
    /// Where there is no such new leaf.
    pub fn proof(&self, at: usize) -> impl Iterator<Item = &Hash> {
        let mut index = self.before + at as u64;
        assert!(index < self.after, "the leaf is one of those that were added");
        let mut levels = self.levels.iter().zip(&self.rests).enumerate();
        iter::from_fn(move || {
            for (height, ((first, nodes), rest)) in levels.by_ref() {
                let perfect = self.after >> height;
                let sibling = index ^ 1;
                let hash = if index >= perfect {
                    // The leaf is in the rest: the last perfect node is its sibling where it has one.
                    (perfect % 2 == 1).then(|| &nodes[nodes.len() - 1])
                } else if sibling < perfect {
                    Some(&nodes[usize::try_from(sibling - first).expect("a place in a batch is small")])
                } else {
                    rest.as_ref()
                };
                // From the last perfect node on the leaf is in the rest of the levels above.
                index = if index >= perfect || sibling >= perfect { u64::MAX } else { index / 2 };
                if hash.is_some() {
                    return hash;
                }
            }
            None
        })
    }
}
