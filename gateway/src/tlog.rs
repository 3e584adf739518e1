//! Transparency logs: the Merkle tree of RFC 6962 and RFC 9162, and the formats of C2SP that make its proofs portable.
//!
//! Nothing here reads or writes: [`tree`] hashes and verifies, [`frontier`] grows a tree and proves what was added, [`nodes`] proves what
//! was added long ago, [`note`], [`checkpoint`], [`cosignature`], [`policy`], [`proof`], [`submission`] and [`tile`] are the
//! formats.

pub mod checkpoint;
pub mod cosignature;
pub mod frontier;
pub mod nodes;
pub mod note;
pub mod policy;
pub mod proof;
pub mod submission;
pub mod tile;
pub mod tree;

#[cfg(test)]
mod tests;

/// A SHA-256 digest.
pub type Hash = [u8; 32];
