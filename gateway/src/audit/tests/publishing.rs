//! The published log is whole, says what the store says, and a store that is behind it is refused.

use std::fs;
use std::path::Path;

use super::*;
use crate::audit::publishing::Source as _;
use crate::audit::store::contract::Bench;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::frontier::Frontier;
use crate::tlog::note::{Note, VerifierKey};
use crate::tlog::tile::{WIDTH, entries_path, tile_path};

/// Puts entries into the store as a gateway would have, and publishes them.
async fn publish(fixture: &Fixture, entries: u128) {
    let bench = Bench::with(&fixture.keys());
    let store = SqliteStore::open(&fixture.database()).unwrap();
    let now = fixture.clock.now().as_microsecond();
    let first = u128::from(store.size());
    for n in first..first + entries {
        bench.place(&store, now, &bench.alone(n));
    }
    drop(store);
    fixture.open().close().await;
}

/// Reads the published log as an auditor would: the key, the checkpoint, every bundle and every tile.
fn read(folder: &Path) -> Checkpoint {
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let key = VerifierKey::parse(text("vkey").trim_end()).unwrap();
    let note = Note::parse(&text("checkpoint")).unwrap();
    note.verified_by(&key).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    let (mut frontier, mut hashes) = (Frontier::default(), vec![Vec::new(); 3]);
    let mut index = 0;
    while index * WIDTH < checkpoint.size() {
        let width = WIDTH.min(checkpoint.size() - index * WIDTH);
        let bundle = fs::read(folder.join(entries_path(index, width))).unwrap();
        let mut rest = &bundle[..];
        for _ in 0..width {
            let (length, after) = rest.split_first_chunk::<2>().unwrap();
            let (entry, after) = after.split_at(u16::from_be_bytes(*length).into());
            let hash = tree::leaf_hash(entry);
            hashes[0].push(hash);
            frontier.push(hash, &mut |subtree| hashes[usize::from(subtree.level)].push(subtree.hash));
            rest = after;
        }
        assert!(rest.is_empty(), "bundle {index} has more than {width} entries");
        index += 1;
    }
    assert_eq!(frontier.root(), *checkpoint.root());
    for (level, hashes) in (0..).zip(&hashes) {
        for (index, tile) in (0..).zip(hashes.chunks(256)) {
            let path = tile_path(level, index, tile.len() as u64);
            assert_eq!(fs::read(folder.join(&path)).unwrap(), tile.as_flattened(), "{path}");
        }
    }
    checkpoint
}

#[tokio::test]
async fn a_log_is_published_in_the_layout_of_tiles() {
    let fixture = Fixture::new();
    for (more, size) in [(1, 1), (254, 255), (1, 256), (1, 257), (300, 557)] {
        publish(&fixture, more).await;
        assert_eq!(read(&fixture.published()).size(), size);
    }
    let shard = fixture.published().join("2026q4");
    assert!(!shard.join("tile/0/000.p").exists(), "partial tiles go when the full one is there");
    // Whatever is lost of the folder is made again, the same.
    let before = fs::read(shard.join("tile/entries/001")).unwrap();
    fs::remove_dir_all(&shard).unwrap();
    publish(&fixture, 1).await;
    assert_eq!(read(&fixture.published()).size(), 558);
    assert_eq!(fs::read(shard.join("tile/entries/001")).unwrap(), before);
}

#[tokio::test]
async fn while_a_log_grows_it_is_published_within_a_second() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    audit.record(record(Uuid::from_u128(1), Class::Rejected)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(read(&fixture.published()).size(), 1);
    audit.close().await;
}

#[tokio::test]
async fn a_store_that_is_behind_what_was_published_is_refused() {
    let fixture = Fixture::new();
    publish(&fixture, 3).await;
    let old = fs::read(fixture.database()).unwrap();
    publish(&fixture, 2).await;
    fs::write(fixture.database(), old).unwrap();
    let refused = fixture.open_at().unwrap_err().to_string();
    assert!(refused.contains("LOG_ROLLBACK") && refused.contains("the 5 entries"), "{refused}");

    // The same number of entries, but others: a log that was restored and went on elsewhere.
    let bench = Bench::with(&fixture.keys());
    let store = SqliteStore::open(&fixture.database()).unwrap();
    for n in 10..20 {
        bench.place(&store, fixture.clock.now().as_microsecond(), &bench.alone(n));
    }
    drop(store);
    let refused = fixture.open_at().unwrap_err().to_string();
    assert!(refused.contains("LOG_ROLLBACK"), "{refused}");
}

#[tokio::test]
async fn a_store_proves_that_each_tree_begins_with_those_before_it() {
    let fixture = Fixture::new();
    publish(&fixture, 300).await;
    let store = SqliteStore::open(&fixture.database()).unwrap();
    let mut frontier = Frontier::default();
    let mut roots = vec![frontier.root()];
    for leaf in store.leaves(0, 300).unwrap() {
        frontier.push(tree::leaf_hash(&leaf), &mut |_| {});
        roots.push(frontier.root());
    }
    for (old, new) in [(1, 1), (1, 300), (255, 256), (256, 300), (257, 299), (300, 300), (128, 256)] {
        let proof = store.consistency(0, old as u64, new as u64).unwrap();
        tree::verify_consistency(old as u64, new as u64, &proof, &roots[old], &roots[new]).unwrap();
    }
    for (old, new) in [(0, 5), (6, 5), (1, 301), (1, u64::MAX)] {
        assert!(store.consistency(0, old, new).is_err(), "{old} to {new}");
    }
}
