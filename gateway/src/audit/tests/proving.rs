//! What auditors are shown: what became of a body, while an append hangs as at any time, and nothing while the log may show what is not
//! durable.

use super::*;
use crate::audit::store::contract::Bench;

#[tokio::test]
async fn an_entry_tells_what_became_of_its_body() {
    let fixture = Fixture::new();
    let bench = Bench::with(&fixture.keys());
    let store = SqliteStore::open(&fixture.database()).unwrap();
    let now = fixture.clock.now().as_microsecond();
    for n in 0..3 {
        bench.place(&store, now, &bench.alone(n));
    }
    bench.place(&store, now, &bench.erasure(&[1]));
    bench.place(&store, now, &bench.retention(Term::Technical, 0..1));
    drop(store);
    let audit = fixture.open();
    let expected =
        [BodyState::PastRetention, BodyState::ErasedUnder(3), BodyState::Present, BodyState::Present, BodyState::None];
    for (index, expected) in (0..).zip(expected) {
        let entry = audit.entry(index).await.unwrap();
        assert_eq!((entry.index, entry.body, entry.leaf_hash), (index, expected, tree::leaf_hash(&entry.leaf)));
    }
    assert_eq!(audit.entry(5).await, Err(ProveError::Unknown { entries: 5 }));
    audit.close().await;
}

#[tokio::test]
async fn auditors_are_answered_while_an_append_hangs_and_not_while_the_log_is_down() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    let one = |n| record(Uuid::from_u128(n), Class::Rejected);
    for n in 0..2 {
        audit.record(one(n)).await.unwrap();
    }
    let origin = audit.head(None).await.unwrap().origin;
    fixture.set_fault(Fault::Hanging);
    let hanging = tokio::spawn({
        let audit = audit.clone();
        async move { audit.record(one(2)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let proofs = async {
        audit.entry(1).await.unwrap();
        audit.inclusion(1, None).await.unwrap();
        audit.consistency(&origin, 1, 2).await.unwrap();
    };
    tokio::time::timeout(Duration::from_millis(500), proofs).await.unwrap();
    fixture.set_fault(Fault::Lasting);
    hanging.await.unwrap().unwrap_err();
    wait_for_health(&audit, false).await;
    let unavailable = ProveError::Audit(AuditError::Unavailable);
    assert_eq!(audit.entry(1).await, Err(unavailable.clone()));
    assert_eq!(audit.head(None).await, Err(unavailable));
    fixture.set_fault(Fault::None);
    wait_for_health(&audit, true).await;
    audit.entry(1).await.unwrap();
    audit.close().await;
}
