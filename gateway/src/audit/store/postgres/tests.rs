//! The store on a real server, held to the contract; several stores on one database; and what only a server does.

#[expect(unreachable_pub, reason = "the other test suites share this file")]
mod server;

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use self::server::PostgresServer;
use super::*;
use crate::audit::checking::CheckError;
use crate::audit::keys::AuditKeys;
use crate::audit::store::contract::{self, Bench, claim};

/// One server for all tests that run at the same time.
fn shared() -> Arc<PostgresServer> {
    static SERVER: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    server.upgrade().unwrap_or_else(|| {
        let started = Arc::new(PostgresServer::start());
        *server = Arc::downgrade(&started);
        started
    })
}

/// An empty database.
struct Fixture {
    postgres: Arc<PostgresServer>,
    server: Server,
}

impl Fixture {
    fn new() -> Self {
        Self::on(shared())
    }

    fn on(postgres: Arc<PostgresServer>) -> Self {
        let server = Server::parse(&postgres.database()).unwrap().reached_with(Some(postgres.password_file()), None);
        Self { postgres, server }
    }

    fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.server).unwrap()
    }

    /// The same log after the process ended: its connections are gone.
    fn reopen(&self) -> Box<dyn Store> {
        self.wait_for(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'heyan'",
            "0",
        );
        Box::new(self.open())
    }

    fn sql(&self, statements: &str) -> String {
        self.postgres.sql(self.server.url(), statements)
    }

    fn wait_for(&self, query: &str, expected: &str) {
        for _ in 0..200 {
            if self.sql(query) == expected {
                return;
            }
            thread::sleep(Duration::from_millis(25));
        }
        panic!("{query} does not become {expected}");
    }
}

/// Waits where no task does, as the committer's thread does.
fn wait<T>(work: impl Future<Output = T>) -> T {
    futures::executor::block_on(work)
}

#[test]
fn holds_the_contract() {
    let at: [Fixture; 12] = std::array::from_fn(|_| Fixture::new());
    let boxed = |n: usize| Box::new(at[n].open()) as Box<dyn Store>;
    contract::numbers_without_gaps(boxed(0), || at[0].reopen());
    wait(contract::appends_whole_or_not_at_all(boxed(1)));
    wait(contract::keeps_time_in_order(boxed(2)));
    wait(contract::answers_a_question_once(boxed(3)));
    contract::knows_open_intents(boxed(4), || at[4].reopen());
    wait(contract::forgets_old_replies(boxed(5)));
    wait(contract::proves_every_entry(boxed(6), || at[6].reopen()));
    wait(contract::opens_a_shard_each_quarter(boxed(7)));
    wait(contract::removal::erases_whole_questions(boxed(8), || at[8].reopen()));
    wait(contract::removal::takes_bodies_past_retention(boxed(9), || at[9].reopen()));
    wait(contract::proofs::proves_any_tree(boxed(10), || at[10].reopen()));
    wait(contract::proofs::tells_what_became_of_bodies(boxed(11)));
}

#[test]
fn survives_faults_around_every_write() {
    let at = Fixture::new();
    // Its connections break.
    let fault = |is_on: bool| {
        if is_on {
            at.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name = 'heyan'",
            );
        }
    };
    contract::faults::survives_faults_around_every_write(Box::new(at.open()), fault);
}

/// Failure: an index that two have, a gap, or a log that is not whole.
#[test]
fn several_gateways_are_one_log() {
    const BATCHES: u128 = 25;
    let at = Fixture::new();
    let keys = keys();
    let mut indices: Vec<u64> = thread::scope(|scope| {
        let gateways: Vec<_> = (0..3_u128)
            .map(|gateway| {
                let (at, keys) = (&at, &keys);
                scope.spawn(move || {
                    let (store, bench) = (at.open(), Bench::with(keys));
                    let batch =
                        |n: u128| (0..1 + n % 7).map(|m| bench.alone(gateway << 64 | n << 8 | m)).collect::<Vec<_>>();
                    (0..BATCHES).flat_map(|n| places(&bench, &store, &batch(n))).collect::<Vec<u64>>()
                })
            })
            .collect();
        gateways.into_iter().flat_map(|gateway| gateway.join().unwrap()).collect()
    });
    indices.sort_unstable();
    assert_eq!(indices, (0..indices.len() as u64).collect::<Vec<_>>());
    assert_eq!(verified(&at, &keys).unwrap().size, indices.len() as u64);
}

/// Failure: an intent of a living gateway is closed by another, one of a dead gateway is not, or a question is asked by two.
#[test]
fn intents_are_closed_for_a_gateway_that_died_and_for_no_other() {
    let (at, bench, asked) = (Fixture::new(), Bench::new(), claim(1, 1));
    let (first, second) = (at.open(), at.open());
    let intent = bench.place(&first, 10, &bench.intent(&asked, 1)).index;
    assert!(!second.has_orphans().unwrap());
    assert_eq!(second.open_intents(&|_| false, 9).unwrap(), []);
    assert_eq!(bench.append(&second, 11, &[&bench.intent(&asked, 2)]).unwrap(), [Appended::Taken]);
    // Its number is kept over a connection that breaks.
    at.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    assert!(bench.append(&first, 12, &[&bench.alone(3)]).is_err());
    first.revive().unwrap();
    assert!(!second.has_orphans().unwrap());
    drop(first);
    let died = || {
        (0..200).any(|_| {
            second.has_orphans().unwrap() || {
                thread::sleep(Duration::from_millis(25));
                false
            }
        })
    };
    assert!(died(), "nobody notices that it died");
    let open = second.open_intents(&|_| false, 9).unwrap();
    assert_eq!(open.iter().map(|leaf| leaf.index).collect::<Vec<_>>(), [intent]);
    bench.place(&second, 13, &bench.abandoned(&open[0]));
    // It was only stopped, and answers late: the answer comes too late.
    let late = bench.append(&second, 14, &[&bench.answer(&asked, Some(intent), b"late")]).unwrap();
    assert_eq!(late, [Appended::Taken]);
    bench.place(&second, 15, &bench.intent(&asked, 4));
}

/// A server on the way could read and change everything. Failure: a log that opens although the server's certificate is another
/// authority's or for another name.
#[test]
fn a_server_that_does_not_prove_who_it_is_is_not_used() {
    let (postgres, other) = (
        PostgresServer::start_with_certificate("127.0.0.1"),
        PostgresServer::start_with_certificate("db.city.example"),
    );
    let at = |postgres: &PostgresServer, ca| {
        let server = Server::parse(&postgres.database()).unwrap();
        PostgresStore::open(&server.reached_with(Some(postgres.password_file()), Some(ca)))
    };
    at(&postgres, postgres.ca()).unwrap();
    for (what, refused) in [("another authority", at(&postgres, other.ca())), ("another name", at(&other, other.ca()))]
    {
        assert!(matches!(refused, Err(StoreError::Server { .. } | StoreError::NotOpen)), "{what}: {refused:?}");
    }
}

/// A cancelled wait for a standby lets COMMIT succeed with a warning alone (A9). Failure: the append says that it is durable.
#[test]
fn a_commit_that_the_server_warns_of_is_unknown() {
    let at = Fixture::on(Arc::new(PostgresServer::start()));
    let (store, bench, asked) = (at.open(), Bench::new(), claim(1, 1));
    at.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    at.sql("SELECT pg_reload_conf()");
    at.wait_for("SHOW synchronous_standby_names", "nobody");
    thread::scope(|scope| {
        let appending = scope.spawn(|| bench.append(&store, 10, &[&bench.answer(&asked, None, b"yes")]));
        at.wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", "1");
        at.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        let appended = appending.join().unwrap();
        assert!(matches!(appended, Err(StoreError::Unknown)), "{appended:?}");
    });
    assert!(matches!(store.append(&[], 11, &sealer(&bench)), Err(StoreError::NotOpen)));
    assert!(store.revive().is_err(), "no commit can be durable");
    // What is seen is not given out, since it may be gone after a failover.
    assert!(wait(store.recall(&asked.key)).is_err());
    at.sql("ALTER SYSTEM RESET synchronous_standby_names");
    at.sql("SELECT pg_reload_conf()");
    at.wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", "0");
    store.revive().unwrap();
    assert_eq!(wait(store.recall(&asked.key)).unwrap().unwrap().answer.unwrap().0.index, 0);
    assert_eq!(bench.append(&store, 12, &[&bench.answer(&asked, None, b"again")]).unwrap(), [Appended::Taken]);
}

/// Failure: an append says that it is durable and is not, or the store does not come back.
#[test]
fn a_server_that_crashes_fails_the_append_and_loses_nothing() {
    let at = Fixture::on(Arc::new(PostgresServer::start()));
    let (store, bench) = (at.open(), Bench::new());
    for round in 0..3 {
        assert_eq!(bench.place(&store, 10, &bench.alone(round)).index, u64::try_from(round).unwrap());
        at.postgres.stop();
        assert!(bench.append(&store, 11, &[&bench.alone(9)]).is_err());
        assert!(store.revive().is_err());
        at.postgres.resume();
        store.revive().unwrap();
    }
}

/// Failure: an append waits without end, or takes an index that it must not have (A26).
#[test]
fn a_head_that_another_holds_fails_the_append() {
    let (at, bench) = (Fixture::new(), Bench::new());
    let store = at.open();
    thread::scope(|scope| {
        scope.spawn(|| at.sql("BEGIN; SELECT size FROM head FOR UPDATE; SELECT pg_sleep(6.5)"));
        at.wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
        let appended = bench.append(&store, 10, &[&bench.alone(1)]);
        assert!(matches!(appended, Err(StoreError::Late)), "{appended:?}");
    });
    store.revive().unwrap();
    assert_eq!(bench.place(&store, 10, &bench.alone(2)).index, 0);
}

/// Failure: a log that lost what was acknowledged is used again, even if others have appended to it since.
#[test]
fn a_log_that_lost_acknowledged_entries_is_never_used_again() {
    let (at, bench) = (Fixture::new(), Bench::new());
    let store = at.open();
    bench.place(&store, 10, &bench.alone(1));
    let backup = at.sql("SELECT size, encode(frontier, 'hex') FROM head");
    let (size, frontier) = backup.split_once('|').unwrap();
    bench.place(&store, 11, &bench.alone(2));
    at.sql(&format!(
        "DELETE FROM entry WHERE idx >= {size}; DELETE FROM body WHERE idx >= {size}; DELETE FROM checkpoint WHERE size > {size}; \
         UPDATE head SET size = {size}, frontier = decode('{frontier}', 'hex')"
    ));
    assert!(matches!(store.revive(), Err(StoreError::RolledBack { known: 2, found: 1, .. })));
    let other = at.open();
    bench.place(&other, 12, &bench.alone(3));
    bench.place(&other, 13, &bench.alone(4));
    assert!(matches!(store.revive(), Err(StoreError::RolledBack { known: 2, found: 3, .. })));
}

#[test]
fn other_databases_later_versions_and_weaker_settings_are_refused() {
    let at = Fixture::on(Arc::new(PostgresServer::start()));
    let refusal = || PostgresStore::open(&at.server).unwrap_err().to_string();
    at.sql("CREATE TABLE entry (id integer)");
    assert!(refusal().contains("is not an audit log of this version (1 of its tables)"), "{}", refusal());
    at.sql("DROP TABLE entry");
    drop(at.open());
    at.sql("UPDATE file SET version = 99");
    assert!(refusal().contains("version Some(99)"), "{}", refusal());
    at.sql("UPDATE file SET version = 1");
    at.sql("ALTER SYSTEM SET fsync = off");
    at.sql("SELECT pg_reload_conf()");
    at.wait_for("SHOW fsync", "off");
    assert!(refusal().contains("fsync = on"), "{}", refusal());
    at.sql("ALTER SYSTEM RESET fsync");
    at.sql("SELECT pg_reload_conf()");
    at.wait_for("SHOW fsync", "on");
    at.sql("ALTER ROLE heyan SET default_transaction_read_only = on");
    assert!(refusal().contains("transaction_read_only = off"), "{}", refusal());
}

/// Failure: an edit that is not found, or another entry named.
#[test]
fn every_edit_of_a_finished_log_is_found() {
    let keys = keys();
    for (edit, expected) in [
        ("UPDATE entry SET leaf = leaf || ' ' WHERE idx = 3", Some(3)),
        ("UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 2) WHERE idx = 3", Some(3)),
        ("UPDATE entry SET decision = (SELECT decision FROM entry WHERE idx = 2) WHERE idx = 3", Some(3)),
        ("UPDATE entry SET step = 2 WHERE idx = 4", Some(4)),
        ("DELETE FROM entry WHERE idx = 5", Some(5)),
        ("DELETE FROM entry WHERE idx = 9", Some(9)),
        ("DELETE FROM body WHERE idx = 6", Some(6)),
        ("UPDATE body SET sealed = (SELECT sealed FROM body WHERE idx = 2) WHERE idx = 7", Some(7)),
        ("UPDATE body SET subject_tag = NULL WHERE idx = 7", Some(7)),
        ("DELETE FROM checkpoint WHERE size = 10", Some(10)),
        ("INSERT INTO body (idx, sealed) VALUES (77, '')", Some(10)),
        ("UPDATE head SET size = 9", Some(10)),
        ("UPDATE shard SET first = 1", Some(0)),
        ("INSERT INTO open_intent (idx, replica) VALUES (3, 1)", Some(3)),
        ("INSERT INTO reply (idx, at, sealed) VALUES (77, 1, '')", Some(10)),
        ("SELECT 1", None),
    ] {
        let (at, bench) = (Fixture::new(), Bench::with(&keys));
        let store = at.open();
        for n in 0..10 {
            bench.place(&store, 10, &bench.alone(n));
        }
        at.sql(edit);
        match (verified(&at, &keys), expected) {
            (Ok(verified), None) => assert_eq!((verified.size, verified.bodies_opened), (10, true)),
            (Err(CheckError::Broken(broken)), Some(index)) => assert_eq!(broken.index, index, "{edit}: {broken}"),
            (found, _) => panic!("{edit}: {found:?}"),
        }
    }
}

#[test]
fn a_look_changes_nothing_and_a_proof_is_the_one_that_left() {
    let (at, bench) = (Fixture::new(), Bench::new());
    assert!(look(&at.server).unwrap().is_none());
    let store = at.open();
    bench.place(&store, 10, &bench.alone(1));
    let seen = look(&at.server).unwrap().unwrap();
    assert_eq!((seen.is_in_use, seen.size, seen.last_at), (true, 1, 10));
    let (leaf, proof) = proof_of(&at.server, 0).unwrap().unwrap();
    assert_eq!((proof, leaf), (wait(store.proof(0)).unwrap(), store.leaves(0, 1).unwrap().remove(0)));
    assert!(proof_of(&at.server, 1).unwrap().is_none());
    drop(store);
    at.wait_for(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
         (SELECT oid FROM pg_database WHERE datname = current_database())",
        "0",
    );
    assert!(!look(&at.server).unwrap().unwrap().is_in_use);
}

fn keys() -> AuditKeys {
    AuditKeys::create(&tempfile::tempdir().unwrap().path().join("keys")).unwrap()
}

fn sealer(bench: &Bench) -> Sealer<'_> {
    Sealer { cipher: &bench.cipher, log_key: bench.log_key() }
}

fn places(bench: &Bench, store: &PostgresStore, drafts: &[Draft]) -> Vec<u64> {
    let appended = bench.append(store, 10, &drafts.iter().collect::<Vec<_>>()).unwrap();
    let index = |appended: Appended| match appended {
        Appended::Stored(stored) => stored.place.index,
        other => panic!("not stored: {other:?}"),
    };
    appended.into_iter().map(index).collect()
}

fn verified(at: &Fixture, keys: &AuditKeys) -> Result<crate::audit::Verified, CheckError> {
    let key = keys.log_key(contract::LOG).verifier("sample-city.example/audit/1970q1");
    check(&at.server, crate::audit::checking::Pass::new(&key, Some(keys), None), |_, _| ())
}
