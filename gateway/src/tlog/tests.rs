//! The tree and its formats against a naive tree and against other people's libraries. Failure: a root, a proof, a path or a note that one
//! of them makes and another does not take; a proof with anything changed that one of ours still takes.

mod formats;

use proptest::prelude::*;
use sigstore_merkle::{verify_consistency_proof, verify_inclusion_proof};
use tlog_tiles::{
    HashReader, check_record, check_tree, prove_record, prove_tree, stored_hashes_for_record_hash, tree_hash,
};

use super::Hash;
use super::frontier::{Frontier, extension_proofs};
use super::nodes::{Nodes, consistency_proof, inclusion_proof, root};
use super::tree::{EMPTY_ROOT, ProofError, leaf_hash, node_hash, verify_consistency, verify_inclusion};

/// Leaves and what is stored of them, by both.
#[derive(Default)]
struct Both {
    leaves: Vec<Hash>,
    theirs: Vec<tlog_tiles::Hash>,
}

impl Both {
    fn of(size: u64) -> Self {
        let mut both = Self::default();
        for n in 0..size {
            let hash = leaf_hash(&n.to_be_bytes());
            let stored = stored_hashes_for_record_hash(n, tlog_tiles::Hash(hash), &Stored(&both.theirs)).unwrap();
            both.theirs.extend(stored);
            both.leaves.push(hash);
        }
        both
    }
}

struct Stored<'a>(&'a [tlog_tiles::Hash]);

impl HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|&index| self.0[usize::try_from(index).unwrap()]).collect())
    }
}

/// Every level of tiles, made from the leaves each time.
impl Nodes for &[Hash] {
    type Error = std::convert::Infallible;

    fn tile(&mut self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, Self::Error> {
        assert!(to - from <= 256, "more than a tile is read at once");
        let leaves = 1_usize << (8 * level);
        let range = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
        Ok(range.map(|index| naive(&self[index * leaves..(index + 1) * leaves])).collect())
    }
}

/// MTH of RFC 9162, section 2.1.1, word by word.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive(left), &naive(right))
        }
    }
}

fn sigstore(hash: &Hash) -> sigstore_types::Sha256Hash {
    sigstore_types::Sha256Hash::from_hex(&hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()).unwrap()
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().copied().map(tlog_tiles::Hash).collect()
}

#[test]
fn every_inclusion_and_consistency_of_small_trees_is_the_same_to_all() {
    let both = Both::of(70);
    for size in 1..=70_u64 {
        let leaves = &both.leaves[..usize::try_from(size).unwrap()];
        let head = naive(leaves);
        assert_eq!(root(size, &mut { leaves }).unwrap(), head);
        assert_eq!(tree_hash(size, &Stored(&both.theirs)).unwrap().0, head);
        for index in 0..size {
            let proof = inclusion_proof(index, size, &mut { leaves }).unwrap();
            let leaf = &leaves[usize::try_from(index).unwrap()];
            assert_eq!(prove_record(size, index, &Stored(&both.theirs)).unwrap(), theirs(&proof));
            check_record(&theirs(&proof), size, tlog_tiles::Hash(head), index, tlog_tiles::Hash(*leaf)).unwrap();
            let hashes: Vec<_> = proof.iter().map(sigstore).collect();
            verify_inclusion_proof(&sigstore(leaf), index, size, &hashes, &sigstore(&head)).unwrap();
            verify_inclusion(index, size, leaf, &proof, &head).unwrap();
        }
        for old in 1..=size {
            let before = naive(&leaves[..usize::try_from(old).unwrap()]);
            let proof = consistency_proof(old, size, &mut { leaves }).unwrap();
            assert_eq!(prove_tree(size, old, &Stored(&both.theirs)).unwrap(), theirs(&proof), "{old} to {size}");
            check_tree(&theirs(&proof), size, tlog_tiles::Hash(head), old, tlog_tiles::Hash(before)).unwrap();
            let hashes: Vec<_> = proof.iter().map(sigstore).collect();
            verify_consistency_proof(old, size, &hashes, &sigstore(&before), &sigstore(&head)).unwrap();
            verify_consistency(old, size, &proof, &before, &head).unwrap();
        }
    }
}

#[test]
fn the_roots_of_rfc_6962_test_data() {
    // The leaves and roots with which implementations of RFC 6962 are commonly tried.
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(naive(&hashes[..1])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_eq!(hex(naive(&hashes)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

proptest! {
    #[test]
    fn a_frontier_grows_as_the_tree_does(before in 0_u64..700, more in 0_usize..300) {
        let all: Vec<Hash> = (0..before + more as u64).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut frontier = Frontier::default();
        let mut completed = Vec::new();
        for leaf in &all[..usize::try_from(before).unwrap()] {
            frontier.push(*leaf, &mut |subtree| completed.push(subtree));
        }
        prop_assert_eq!(frontier.root(), naive(&all[..usize::try_from(before).unwrap()]));
        prop_assert_eq!(completed.len() as u64, before / 256);
        for subtree in completed {
            let from = usize::try_from(subtree.index).unwrap() * 256;
            prop_assert_eq!((subtree.level, subtree.hash), (1, naive(&all[from..from + 256])));
        }
        prop_assert_eq!(&Frontier::from_parts(before, frontier.hashes().to_vec()).unwrap(), &frontier);
        let added = &all[usize::try_from(before).unwrap()..];
        let extension = extension_proofs(&frontier, added);
        prop_assert_eq!(extension.root(), naive(&all));
        for at in 0..added.len() {
            let proof: Vec<Hash> = extension.proof(at).copied().collect();
            let index = before + at as u64;
            prop_assert_eq!(&proof, &inclusion_proof(index, all.len() as u64, &mut &all[..]).unwrap());
        }
    }

    #[test]
    fn a_proof_with_anything_changed_is_refused(size in 2_u64..400, place in any::<u64>(), what in 0_u8..8, bit in any::<usize>()) {
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let (index, head) = (place % size, naive(&leaves));
        let leaf = leaves[usize::try_from(index).unwrap()];
        let mut proof = inclusion_proof(index, size, &mut &leaves[..]).unwrap();
        let at = bit % proof.len();
        let (mut index_said, mut size_said, mut leaf_said, mut head_said) = (index, size, leaf, head);
        match what {
            0 => proof[at][bit % 32] ^= 1 << (bit % 8),
            1 => drop(proof.remove(at)),
            2 => proof.insert(at, leaf),
            3 => leaf_said[bit % 32] ^= 1 << (bit % 8),
            4 => head_said[bit % 32] ^= 1 << (bit % 8),
            5 => index_said = (index + 1 + bit as u64 % (size - 1)) % size,
            // An inner node is no leaf.
            6 => leaf_said = node_hash(&leaf, &proof[0]),
            _ => size_said = index.max(1),
        }
        prop_assert!(verify_inclusion(index_said, size_said, &leaf_said, &proof, &head_said).is_err());
    }

    #[test]
    fn a_consistency_with_anything_changed_is_refused(new in 2_u64..400, place in any::<u64>(), what in 0_u8..6, bit in any::<usize>()) {
        let leaves: Vec<Hash> = (0..new).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let old = 1 + place % (new - 1);
        let (before, head) = (naive(&leaves[..usize::try_from(old).unwrap()]), naive(&leaves));
        let mut proof = consistency_proof(old, new, &mut &leaves[..]).unwrap();
        let at = bit % proof.len();
        let (mut before_said, mut head_said) = (before, head);
        match what {
            0 => proof[at][bit % 32] ^= 1 << (bit % 8),
            1 => drop(proof.remove(at)),
            2 => proof.insert(at, before),
            3 => before_said[bit % 32] ^= 1 << (bit % 8),
            4 => head_said[bit % 32] ^= 1 << (bit % 8),
            _ => std::mem::swap(&mut before_said, &mut head_said),
        }
        prop_assert!(verify_consistency(old, new, &proof, &before_said, &head_said).is_err());
    }
}

#[test]
fn sizes_and_places_that_do_not_fit_are_refused() {
    let leaf = leaf_hash(b"");
    assert_eq!(verify_inclusion(0, 0, &leaf, &[], &leaf), Err(ProofError::Range));
    assert_eq!(verify_inclusion(1, 1, &leaf, &[], &leaf), Err(ProofError::Range));
    assert_eq!(verify_inclusion(u64::MAX, u64::MAX, &leaf, &[], &leaf), Err(ProofError::Range));
    assert_eq!(verify_inclusion(u64::MAX - 1, u64::MAX, &leaf, &[leaf; 99], &leaf), Err(ProofError::Length));
    assert_eq!(verify_consistency(0, 1, &[], &EMPTY_ROOT, &leaf), Err(ProofError::Range));
    assert_eq!(verify_consistency(2, 1, &[], &leaf, &leaf), Err(ProofError::Range));
    assert_eq!(verify_consistency(1, 1, &[], &leaf, &leaf), Ok(()));
    assert_eq!(verify_consistency(1, 1, &[leaf], &leaf, &leaf), Err(ProofError::Length));
    assert_eq!(verify_consistency(1, 2, &[], &leaf, &leaf), Err(ProofError::Length));
}
