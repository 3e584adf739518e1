use std::sync::mpsc;

use super::*;
use crate::clock::SystemClock;
use crate::directory::fixture::{City, NOW};
use crate::identity::Members;

const SYSTEM: &str = "spiffe://sample-city.example/system/intake";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

#[test]
fn a_reload_replaces_the_snapshot_and_leaves_those_in_use_alone() {
    let city = City::new();
    let current = CurrentDirectory::new(city.path().to_owned(), city.load());
    let before = current.snapshot();
    city.edit("systems/centre.toml", "system/intake\"\n", "system/intake\"\nrevoked = true\n");
    let mut seen = None;
    current.reload(now(), |directory| {
        // Whoever connects departments runs before the snapshot is in use.
        assert!(!current.member(SYSTEM).unwrap().revoked);
        seen = directory.member(SYSTEM);
    });
    assert!(seen.unwrap().revoked);
    assert!(current.member(SYSTEM).unwrap().revoked);
    assert!(!before.member(SYSTEM).unwrap().revoked);
}

#[test]
fn each_problem_is_reported_once() {
    let city = City::new();
    city.edit("items/food.toml", "schema = 1", "schema = 2");
    let loaded = city.load();
    let (first, problems) = (report(&BTreeSet::new(), &loaded.problems, &loaded.warnings), loaded.problems);
    assert_eq!(first.len(), problems.iter().count());
    assert_eq!(report(&first, &problems, &Problems::default()), first);
    assert!(report(&first, &Problems::default(), &Problems::default()).is_empty(), "what was mended may break again");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_files_are_heard() {
    let city = City::new();
    let current = Arc::new(CurrentDirectory::new(city.path().to_owned(), city.load()));
    let (send, receive) = mpsc::channel();
    let watch = Arc::clone(&current).watch(Arc::new(SystemClock), move |directory: &Directory| {
        send.send(directory.items().count()).unwrap();
    });
    let watch = tokio::spawn(watch);
    // Something that is not configuration, then a removal: one reload, which sees the removal.
    city.write("state/audit.db", "busy");
    city.remove("items/food.toml");
    city.remove("grants/2026.toml");
    let heard = tokio::task::spawn_blocking(move || {
        let first = receive.recv_timeout(COMPARE_EVERY * 3).unwrap();
        (first, receive.recv_timeout(SETTLE * 4).is_err())
    });
    assert_eq!(heard.await.unwrap(), (0, true), "files written together are read once");
    assert_eq!(current.snapshot().items().count(), 0);
    watch.abort();
}
