//! Every edit of a finished log is found, and the entry is named. Failure: an edit that is not found, or another entry named.

use std::fs;

use rusqlite::params;

use super::*;
use crate::audit::store::contract::{Bench, claim};
use crate::tlog::note::VerifierKey;

/// Edits of each kind; the whole number of them is at least a thousand.
const ROUNDS: u64 = 45;

/// A finished log: questions with intents and replies, entries alone, an abandoned intent, batches of many sizes, two shards.
async fn finished(fixture: &Fixture) -> VerifierKey {
    const QUARTER: i64 = 92 * 86_400 * 1_000_000;
    let bench = Bench::with(&fixture.keys());
    let store = SqliteStore::open(&fixture.database()).unwrap();
    let now = fixture.clock.now().as_microsecond();
    for (shard, now) in [(0_u128, now - QUARTER), (1, now)] {
        for n in 0..60 {
            let asked = claim(shard * 1_000 + n, 1);
            let intent = bench.place(&store, now, &bench.intent(&asked, n)).index;
            bench.place(&store, now, &bench.answer(&asked, Some(intent), b"yes"));
            let drafts: Vec<Draft> = (0..n % 8).map(|m| bench.alone(n * 100 + m)).collect();
            bench.append(&store, now, &drafts.iter().collect::<Vec<_>>()).unwrap();
        }
    }
    drop(store);
    fixture.open().close().await;
    VerifierKey::parse(fs::read_to_string(fixture.published().join("vkey")).unwrap().trim_end()).unwrap()
}

fn verify(fixture: &Fixture, key: &VerifierKey) -> Result<Verified, VerifyError> {
    let keys = fixture.keys();
    verify_log(&Database::Sqlite(fixture.database()), Some(&fixture.published()), key, Some(&keys), |_, _| ())
}

/// What is edited, which rows, and the entry to be named for one.
const EDITS: [(&str, &str, &str); 24] = [
    ("UPDATE entry SET leaf = flipped(leaf) WHERE idx = ?1", "SELECT idx FROM entry", "exactly"),
    ("UPDATE entry SET decision = flipped(decision) WHERE idx = ?1", "SELECT idx FROM entry", "exactly"),
    ("UPDATE entry SET step = (step + 1) % 4 WHERE idx = ?1", "SELECT idx FROM entry", "exactly"),
    ("UPDATE entry SET closes = closes - 1 WHERE idx = ?1", "SELECT idx FROM entry WHERE closes > 0", "exactly"),
    ("UPDATE entry SET closes = NULL WHERE idx = ?1", "SELECT idx FROM entry WHERE closes IS NOT NULL", "exactly"),
    ("UPDATE entry SET closes = 3 WHERE idx = ?1", "SELECT idx FROM entry WHERE closes IS NULL", "exactly"),
    (
        "UPDATE entry SET question = flipped(question) WHERE idx = ?1",
        "SELECT idx FROM entry WHERE step IN (1, 2)",
        "exactly",
    ),
    (
        "UPDATE entry SET content = flipped(content) WHERE idx = ?1",
        "SELECT idx FROM entry WHERE step IN (1, 2)",
        "exactly",
    ),
    ("DELETE FROM entry WHERE idx = ?1", "SELECT idx FROM entry", "exactly"),
    ("UPDATE entry SET idx = idx + 100000 WHERE idx = ?1", "SELECT idx FROM entry", "exactly"),
    (
        "UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = ?1 + 1) WHERE idx = ?1",
        "SELECT idx FROM entry WHERE idx < 300",
        "exactly",
    ),
    ("UPDATE body SET sealed = flipped(sealed) WHERE idx = ?1", "SELECT idx FROM body", "exactly"),
    (
        "UPDATE body SET subject_tag = flipped(subject_tag) WHERE idx = ?1",
        "SELECT idx FROM body WHERE subject_tag IS NOT NULL",
        "exactly",
    ),
    (
        "UPDATE body SET official_tag = NULL WHERE idx = ?1",
        "SELECT idx FROM body WHERE official_tag IS NOT NULL",
        "exactly",
    ),
    (
        "UPDATE body SET case_tag = flipped(case_tag) WHERE idx = ?1",
        "SELECT idx FROM body WHERE case_tag IS NOT NULL",
        "exactly",
    ),
    ("DELETE FROM body WHERE idx = ?1", "SELECT idx FROM body", "exactly"),
    (
        "UPDATE body SET sealed = (SELECT sealed FROM body WHERE idx > ?1 ORDER BY idx LIMIT 1) WHERE idx = ?1",
        "SELECT idx FROM body WHERE idx < 300",
        "exactly",
    ),
    ("UPDATE reply SET sealed = flipped(sealed) WHERE idx = ?1", "SELECT idx FROM reply", "exactly"),
    (
        "UPDATE checkpoint SET note = cast(flipped(cast(note AS BLOB)) AS TEXT) WHERE size = ?1 + 1",
        "SELECT size - 1 FROM checkpoint",
        "exactly",
    ),
    ("UPDATE subtree SET hash = flipped(hash) WHERE shard = ?1", "SELECT shard FROM subtree", "somewhere"),
    ("DELETE FROM subtree WHERE shard = ?1", "SELECT shard FROM subtree", "somewhere"),
    ("UPDATE head SET frontier = flipped(frontier) WHERE log = ?1", "SELECT 1", "somewhere"),
    ("UPDATE head SET last_at = last_at + ?1", "SELECT 1", "somewhere"),
    ("UPDATE shard SET origin = replace(origin, 'q', 'p') WHERE first = ?1", "SELECT first FROM shard", "somewhere"),
];

#[tokio::test]
async fn every_edit_of_a_finished_log_is_found() {
    let fixture = Fixture::new();
    let key = finished(&fixture).await;
    let whole = verify(&fixture, &key).unwrap();
    assert!(whole.size > 600 && whole.origin.ends_with("/2026q4"), "{whole:?}");
    let original = fs::read(fixture.database()).unwrap();
    let mut chance = Chance(7);
    let mut edits = 0;
    for (edit, rows, named) in EDITS {
        let beside = fixture.beside();
        let rows: Vec<i64> =
            beside.prepare(rows).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        drop(beside);
        for _ in 0..ROUNDS {
            let row = rows[usize::try_from(chance.below(rows.len() as u64)).unwrap()];
            let (byte, bit) = (chance.below(u64::MAX), chance.below(8));
            let beside = fixture.beside();
            let flags = rusqlite::functions::FunctionFlags::SQLITE_UTF8;
            beside
                .create_scalar_function("flipped", 1, flags, move |context| {
                    let mut bytes: Vec<u8> = context.get(0)?;
                    let at = usize::try_from(byte % bytes.len() as u64).unwrap();
                    bytes[at] ^= 1 << bit;
                    Ok(bytes)
                })
                .unwrap();
            assert_eq!(beside.execute(edit, params![row]).unwrap(), 1, "{edit}");
            beside.close().unwrap();
            match verify(&fixture, &key) {
                Err(VerifyError::Broken(broken)) if named == "exactly" => {
                    assert_eq!(broken.index.cast_signed(), row, "{edit}: {broken}");
                }
                Err(VerifyError::Broken(_)) => {}
                other => panic!("{edit} of {row}, byte {byte}, bit {bit}: {other:?}"),
            }
            edits += 1;
            for end in ["", "-wal", "-shm"] {
                let mut path = fixture.database().into_os_string();
                path.push(end);
                if end.is_empty() { fs::write(path, &original).unwrap() } else { drop(fs::remove_file(path)) }
            }
        }
    }
    assert!(edits >= 1_000, "{edits}");
    assert_eq!(verify(&fixture, &key).unwrap(), whole);
}

#[tokio::test]
async fn what_is_added_or_cut_off_is_found_and_so_is_another_log() {
    let fixture = Fixture::new();
    let key = finished(&fixture).await;
    let size = verify(&fixture, &key).unwrap().size;
    let original = fs::read(fixture.database()).unwrap();
    for (edit, index) in [
        // The tail is cut off, with and without a head that hides it.
        ("DELETE FROM entry WHERE idx >= (SELECT size FROM head) - 3", Some(size - 3)),
        ("UPDATE head SET size = size - 1", None),
        ("INSERT INTO body (idx, sealed) VALUES (100000, x'01')", Some(size)),
        ("INSERT INTO checkpoint (size, note) VALUES (100000, 'x')", Some(size)),
        ("INSERT INTO subtree (shard, level, idx, hash) VALUES (0, 3, 0, zeroblob(32))", Some(size)),
        ("INSERT INTO shard (first, origin) VALUES (100000, 'x')", Some(size)),
        ("DELETE FROM shard WHERE first = 0", Some(0)),
        // What finds entries again is changed.
        ("DELETE FROM mention WHERE idx = 5", Some(5)),
        (
            "UPDATE mention SET idx = idx + 1 WHERE idx = 7 AND key = (SELECT decision FROM entry WHERE idx = 7)",
            Some(7),
        ),
        (
            "UPDATE mention SET key = zeroblob(16) WHERE idx = 7 AND key = (SELECT subject_tag FROM body WHERE idx = 7)",
            Some(7),
        ),
        ("INSERT INTO mention (key, idx) VALUES (zeroblob(16), 3)", Some(size)),
        ("INSERT INTO open_intent (idx) VALUES (0)", Some(0)),
        ("INSERT INTO reply (idx, at, sealed) VALUES (100000, 1, x'01')", Some(size)),
    ] {
        fixture.beside().execute_batch(edit).unwrap();
        match verify(&fixture, &key) {
            Err(VerifyError::Broken(broken)) => {
                assert!(index.is_none_or(|index| index == broken.index), "{edit}: {broken}");
            }
            other => panic!("{edit}: {other:?}"),
        }
        fs::write(fixture.database(), &original).unwrap();
    }
    let other = Fixture::new();
    let other_key = finished(&other).await;
    let refused = verify(&fixture, &other_key);
    assert!(matches!(refused, Err(VerifyError::Broken(_))), "{refused:?}");
}
