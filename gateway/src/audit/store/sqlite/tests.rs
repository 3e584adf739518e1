use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::audit::store::contract::{self, Bench, claim};

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.db")
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }

    fn boxed(&self) -> Box<dyn Store> {
        Box::new(self.store())
    }

    /// Another connection to the same file.
    fn beside(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

#[tokio::test]
async fn holds_the_contract() {
    let fixtures: [Fixture; 12] = std::array::from_fn(|_| Fixture::new());
    contract::numbers_without_gaps(fixtures[0].boxed(), || fixtures[0].boxed());
    contract::appends_whole_or_not_at_all(fixtures[1].boxed()).await;
    contract::keeps_time_in_order(fixtures[2].boxed()).await;
    contract::answers_a_question_once(fixtures[3].boxed()).await;
    contract::knows_open_intents(fixtures[4].boxed(), || fixtures[4].boxed());
    contract::forgets_old_replies(fixtures[5].boxed()).await;
    contract::proves_every_entry(fixtures[6].boxed(), || fixtures[6].boxed()).await;
    contract::opens_a_shard_each_quarter(fixtures[7].boxed()).await;
    contract::removal::erases_whole_questions(fixtures[8].boxed(), || fixtures[8].boxed()).await;
    contract::removal::takes_bodies_past_retention(fixtures[9].boxed(), || fixtures[9].boxed()).await;
    contract::proofs::proves_any_tree(fixtures[10].boxed(), || fixtures[10].boxed()).await;
    contract::proofs::tells_what_became_of_bodies(fixtures[11].boxed()).await;
}

#[test]
fn survives_faults_around_every_write() {
    let fixture = Fixture::new();
    let store = fixture.boxed();
    // Another process holds the file's lock.
    let beside = fixture.beside();
    let fault = |is_on: bool| beside.execute_batch(if is_on { "BEGIN EXCLUSIVE" } else { "ROLLBACK" }).unwrap();
    contract::faults::survives_faults_around_every_write(store, fault);
}

#[test]
fn one_process_at_a_time_and_the_owner_alone() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let second = SqliteStore::open(&fixture.path());
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    for file in ["audit.db", "audit.db-wal", "audit.db.lock"] {
        let mode = fs::metadata(fixture.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    drop(store);
    fixture.store();
}

#[test]
fn the_settings_are_those_of_a_durable_commit() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let writer = store.writer.lock().unwrap();
    let connection = &writer.as_ref().unwrap().connection;
    let setting = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((setting("synchronous"), setting("fullfsync"), setting("busy_timeout")), (2, 1, 250));
    assert_eq!(setting("secure_delete"), 1);
}

#[test]
fn other_databases_and_later_versions_are_refused() {
    for statement in ["CREATE TABLE theirs (a)", "PRAGMA application_id = 1", "PRAGMA user_version = 99"] {
        let fixture = Fixture::new();
        fixture.beside().execute_batch(statement).unwrap();
        let refused = SqliteStore::open(&fixture.path());
        assert!(matches!(refused, Err(StoreError::Schema { .. })), "{statement}: {refused:?}");
    }
    let fixture = Fixture::new();
    fs::write(fixture.path(), "not a database, but longer than the header of one".repeat(20)).unwrap();
    assert!(matches!(SqliteStore::open(&fixture.path()), Err(StoreError::Database(_))));
}

#[test]
fn a_full_disk_fails_the_batch_and_keeps_the_log_whole() {
    let fixture = Fixture::new();
    let (bench, store) = (Bench::new(), fixture.store());
    {
        let writer = store.writer.lock().unwrap();
        let connection = &writer.as_ref().unwrap().connection;
        let pages = connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0)).unwrap();
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    }
    let drafts: Vec<Draft> = (1..=200).map(|n| bench.alone(n)).collect();
    let all: Vec<&Draft> = drafts.iter().collect();
    let error = bench.append(&store, 10, &all).unwrap_err();
    assert_eq!(error.to_string(), "database or disk is full");
    assert!(matches!(bench.append(&store, 10, &all[..1]), Err(StoreError::NotOpen)), "nothing before a revival");
    store.revive().unwrap();
    assert_eq!(bench.append(&store, 10, &all).unwrap().len(), 200);
    let (rows, highest): (i64, i64) = fixture
        .beside()
        .query_row("SELECT count(*), max(idx) FROM entry", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!((rows, highest), (200, 199));
}

#[test]
fn a_lock_of_another_process_fails_fast() {
    let fixture = Fixture::new();
    let (bench, store) = (Bench::new(), fixture.store());
    let beside = fixture.beside();
    beside.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let started = crate::clock::stopwatch();
    assert!(matches!(bench.append(&store, 10, &[&bench.alone(1)]), Err(StoreError::Database(_))));
    assert!(store.revive().is_err());
    assert!(started.elapsed().as_millis() < 1_000);
    beside.execute_batch("ROLLBACK").unwrap();
    store.revive().unwrap();
    assert_eq!(bench.place(&store, 10, &bench.alone(1)).index, 0);
}

#[test]
fn a_deleted_file_is_noticed_and_never_made_anew() {
    let fixture = Fixture::new();
    let (bench, store) = (Bench::new(), fixture.store());
    bench.place(&store, 10, &bench.alone(1));
    for file in ["audit.db", "audit.db-wal"] {
        let (path, aside) = (fixture.folder.path().join(file), fixture.folder.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        let lost = bench.append(&store, 11, &[&bench.alone(2)]);
        assert!(matches!(lost, Err(StoreError::Replaced { .. })), "{file}: {lost:?}");
        if file == "audit.db" {
            assert!(store.revive().is_err());
            assert!(!path.exists());
            fs::rename(&aside, &path).unwrap();
            store.revive().unwrap();
        }
    }
}

#[test]
fn another_log_in_its_place_is_refused() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let (bench, store) = (Bench::new(), fixture.store());
    drop(other.store());
    bench.place(&store, 10, &bench.alone(1));
    fs::rename(other.path(), fixture.path()).unwrap();
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(fixture.folder.path().join(format!("audit.db{suffix}"))).unwrap();
    }
    assert!(matches!(bench.append(&store, 11, &[&bench.alone(2)]), Err(StoreError::Replaced { .. })));
    assert!(matches!(store.revive(), Err(StoreError::Replaced { .. })));
}

#[test]
fn a_log_that_lost_acknowledged_entries_is_never_used_again() {
    let fixture = Fixture::new();
    let (bench, store) = (Bench::new(), fixture.store());
    bench.place(&store, 10, &bench.alone(1));
    fixture.beside().execute_batch("DELETE FROM entry; UPDATE head SET size = 0, frontier = zeroblob(0)").unwrap();
    let refused = store.revive();
    assert!(matches!(refused, Err(StoreError::RolledBack { known: 1, found: 0, .. })), "{refused:?}");
}

/// An entry that is erased is found by its decision and its question alone, wherever it was filed when it was erased: before its run
/// was filed, while it was, and after it was.
#[test]
fn erasing_a_body_erases_its_tags() {
    for filed_meanwhile in 0..24 {
        let fixture = Fixture::new();
        let (bench, store) = (Bench::new(), fixture.store());
        let asked = claim(1, 1);
        let intent = bench.place(&store, 10, &bench.intent(&asked, 1)).index;
        bench.place(&store, 10, &bench.answer(&asked, Some(intent), b"yes"));
        let tags: Vec<Key> = fixture
            .beside()
            .query_row("SELECT subject_tag, official_tag, case_tag FROM body WHERE idx = 0", [], |row| {
                Ok(vec![row.get(0)?, row.get(1)?, row.get(2)?])
            })
            .unwrap();
        for n in 0..filed_meanwhile {
            bench.place(&store, 10, &bench.alone(100 + n));
        }
        let found = |store: &SqliteStore, key| {
            let mut found = store.find(&fixture.beside(), key).unwrap();
            found.retain(|index| *index < 2);
            found.dedup();
            found
        };
        assert!(tags.iter().all(|tag| found(&store, tag) == [0, 1]), "{filed_meanwhile}: found before");
        bench.place(&store, 11, &bench.erasure(&[0, 1]));
        for n in 0..24 {
            assert!(tags.iter().all(|tag| found(&store, tag).is_empty()), "{filed_meanwhile}: after {n} more");
            bench.place(&store, 12, &bench.alone(200 + n));
        }
        let question = asked.key.digest();
        assert_eq!(found(&store, &question), [0, 1], "the question stays known");
        drop(store);
        let store = fixture.store();
        assert!(tags.iter().all(|tag| found(&store, tag).is_empty()), "{filed_meanwhile}: after a start");
    }
}

/// What a question, a decision or an intent comes to does not depend on whether its entries are filed: checked after every
/// append over several runs, and after a start at every stage of a run.
#[tokio::test]
async fn entries_are_found_wherever_they_are_filed() {
    let fixture = Fixture::new();
    let bench = Bench::new();
    let mut store = fixture.store();
    let mut left_open = Vec::new();
    for n in 1..=40_u128 {
        let asked = claim(n, 1);
        let intent = bench.place(&store, 10, &bench.intent(&asked, n)).index;
        if n % 5 == 0 {
            left_open.push(intent);
        } else {
            bench.place(&store, 10, &bench.answer(&asked, Some(intent), b"yes"));
        }
        if n % 3 == 0 {
            drop(store);
            store = fixture.store();
        }
        for earlier in 1..=n {
            let asked = claim(earlier, 1);
            let recalled = store.recall(&asked.key).await.unwrap().unwrap();
            assert_eq!(recalled.answer.is_some(), earlier % 5 != 0, "question {earlier} of {n}");
            assert!(store.entry(Uuid::from_u128(earlier)).await.unwrap().is_some(), "decision {earlier} of {n}");
            let again = bench.answer(&asked, None, b"again");
            if earlier % 5 != 0 {
                assert_eq!(
                    bench.append(&store, 10, &[&again]).unwrap(),
                    [Appended::Taken],
                    "question {earlier} of {n}"
                );
            }
            let other = bench.intent(&claim(earlier, 2), 1);
            assert_eq!(bench.append(&store, 10, &[&other]).unwrap(), [Appended::Taken], "content {earlier} of {n}");
        }
        let open: Vec<u64> = store.open_intents(&|_| false, 99).unwrap().iter().map(|leaf| leaf.index).collect();
        assert_eq!(open, left_open, "after {n}");
    }
    let (filed, mentions, open): (i64, i64, i64) = fixture
        .beside()
        .query_row(
            "SELECT filed, (SELECT count(*) FROM mention), (SELECT count(*) FROM open_intent) FROM file",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    // Each entry mentions its decision, its question and three tags.
    assert!(filed >= 40 && mentions >= 5 * filed && open >= 4, "filed {filed}, mentions {mentions}, open {open}");
}

/// A closing entry finds its intent open or closed, also where the intent was filed long ago.
#[tokio::test]
async fn a_filed_intent_is_closed_once() {
    let fixture = Fixture::new();
    let (bench, store) = (Bench::new(), fixture.store());
    let asked = claim(1, 1);
    let intent = bench.place(&store, 10, &bench.intent(&asked, 1)).index;
    for n in 10..60 {
        bench.place(&store, 10, &bench.alone(n));
    }
    let open =
        || fixture.beside().query_row("SELECT count(*) FROM open_intent", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(open(), 1);
    bench.place(&store, 11, &bench.answer(&asked, Some(intent), b"yes"));
    assert_eq!((open(), store.open_intents(&|_| false, 9).unwrap()), (0, vec![]));
    assert_eq!(bench.append(&store, 12, &[&bench.answer(&asked, Some(intent), b"no")]).unwrap(), [Appended::Taken]);
    drop(store);
    assert_eq!(fixture.store().open_intents(&|_| false, 9).unwrap(), []);
}
