//! What every store must show to auditors.

use super::*;
use crate::audit::publishing::Signed;
use crate::audit::retention::Term;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::frontier::Frontier;
use crate::tlog::note::Note;
use crate::tlog::{Hash, tree};

/// Sizes of trees around the ends of tiles, and others.
const SIZES: [u64; 12] = [1, 2, 3, 7, 8, 128, 255, 256, 257, 300, 512, 519];

/// The newest signed head of each shard is found in every way, and names its first entry.
async fn check_signed(store: &dyn Store, first: u64, size: u64, origin: &str) -> Checkpoint {
    let signed = store.signed(Which::Named(origin)).await.unwrap().unwrap();
    for index in [first, size - 1] {
        assert_eq!(store.signed(Which::Of(index)).await.unwrap().as_ref(), Some(&signed), "entry {index}");
    }
    let Signed { shard, size: found, note } = signed;
    assert_eq!((shard.first, shard.origin.as_str(), found), (first, origin, size));
    let checkpoint = Checkpoint::parse(Note::parse(&note).unwrap().text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (origin, size - first));
    checkpoint
}

/// The roots of the trees of a shard, by size, from the entries that the store shows.
async fn roots(store: &dyn Store, first: u64, size: u64) -> (Vec<Hash>, Vec<Hash>) {
    let mut frontier = Frontier::default();
    let (mut leaves, mut roots) = (Vec::new(), vec![frontier.root()]);
    for index in first..size {
        let kept = store.entry_at(index).await.unwrap().unwrap();
        assert_eq!((kept.leaf.index, kept.erased_under), (index, None));
        leaves.push(tree::leaf_hash(&kept.leaf.bytes));
        frontier.push(leaves[leaves.len() - 1], &mut |_| {});
        roots.push(frontier.root());
    }
    (leaves, roots)
}

/// Any entry is proved in any tree of its shard that has it, and any tree is proved to begin with those before it; shards are kept
/// apart, also after a restart.
pub(in crate::audit) async fn proves_any_tree(store: Box<dyn Store>, reopen: impl Fn() -> Box<dyn Store>) {
    const QUARTER: i64 = 92 * 86_400 * 1_000_000;
    let bench = Bench::new();
    assert_eq!(store.signed(Which::Newest).await.unwrap(), None);
    assert_eq!(store.entry_at(0).await.unwrap(), None);
    for (now, batch) in [(10, 1), (10, 256), (11, 262), (QUARTER, 300), (QUARTER, 2)] {
        let drafts: Vec<Draft> = (0..batch).map(|n| bench.alone(n)).collect();
        bench.append(&*store, now, &drafts.iter().collect::<Vec<_>>()).unwrap();
    }
    drop(store);
    let store = reopen();
    // The second shard has one entry more, which opens it.
    for (first, size, origin) in
        [(0, 519, "sample-city.example/audit/1970q1"), (519, 822, "sample-city.example/audit/1970q2")]
    {
        let checkpoint = check_signed(&*store, first, size, origin).await;
        let (leaves, roots) = roots(&*store, first, size).await;
        assert_eq!(roots.last(), Some(checkpoint.root()));
        for new in SIZES.into_iter().filter(|new| *new <= size - first) {
            for place in [0, new / 2, new - 1] {
                let hashes = store.hashes(first, ProofOf::Inclusion { place, size: new }).await.unwrap();
                let leaf = &leaves[usize::try_from(place).unwrap()];
                tree::verify_inclusion(place, new, leaf, &hashes, &roots[usize::try_from(new).unwrap()]).unwrap();
            }
            for old in SIZES.into_iter().filter(|old| *old <= new) {
                let hashes = store.hashes(first, ProofOf::Consistency { old, new }).await.unwrap();
                let [before, after] = [old, new].map(|size| &roots[usize::try_from(size).unwrap()]);
                tree::verify_consistency(old, new, &hashes, before, after).unwrap();
            }
        }
    }
    let newest = store.signed(Which::Newest).await.unwrap();
    assert_eq!(newest, store.signed(Which::Of(821)).await.unwrap());
    for nowhere in [Which::Of(822), Which::Of(u64::MAX), Which::Named(""), Which::Named("sample-city.example/audit")] {
        assert_eq!(store.signed(nowhere).await.unwrap(), None, "{nowhere:?}");
    }
    for index in [822, u64::MAX] {
        assert_eq!(store.entry_at(index).await.unwrap(), None, "entry {index}");
    }
    for never in [
        ProofOf::Inclusion { place: 5, size: 5 },
        ProofOf::Inclusion { place: 0, size: u64::MAX },
        ProofOf::Consistency { old: 0, new: 5 },
        ProofOf::Consistency { old: 6, new: 5 },
        ProofOf::Consistency { old: 1, new: u64::MAX },
    ] {
        assert!(store.hashes(0, never).await.is_err(), "{never:?}");
    }
}

/// An entry says what became of its body: it is there, erased under another entry, or gone.
pub(in crate::audit) async fn tells_what_became_of_bodies(store: Box<dyn Store>) {
    let bench = Bench::new();
    for n in 0..3 {
        bench.place(&*store, 10, &bench.alone(n));
    }
    bench.place(&*store, 11, &bench.erasure(&[1]));
    bench.place(&*store, 50, &bench.retention(Term::Technical, 0..1));
    let mut kept = Vec::new();
    for index in 0..5 {
        let entry = store.entry_at(index).await.unwrap().unwrap();
        kept.push((entry.has_body, entry.erased_under));
    }
    assert_eq!(kept, [(false, None), (false, Some(3)), (true, None), (true, None), (false, None)]);
}
