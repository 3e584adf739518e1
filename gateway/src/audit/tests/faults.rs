use std::time::Instant;

use super::*;

/// `work` ends within a second, whatever is wrong with the store.
async fn fails_fast<T: fmt::Debug>(work: impl Future<Output = Result<T, AuditError>>) {
    let started: Instant = crate::clock::stopwatch();
    assert_eq!(work.await.unwrap_err(), AuditError::Unavailable);
    assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_that_fails_before_it_is_durable_is_not_released_and_may_be_asked_again() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    let mut reservation = fresh(&audit, 1).await;
    let intent = reservation.intend(answered(1, "match")).await.unwrap();
    fixture.set_fault(Fault::Before);
    fails_fast(reservation.answer(Some(intent), answered(1, "match"), b"lost".to_vec())).await;
    wait_for_health(&audit, true).await;
    fixture.wait_for_log(&[("intent", None), ("abandoned", Some(0))]).await;
    ask(&audit, 1, b"second").await.unwrap();
    assert_eq!(replayed(&audit, 1).await.0, b"second");
}

#[tokio::test]
async fn an_answer_that_fails_after_it_is_durable_is_found_when_the_question_is_asked_again() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    let mut reservation = fresh(&audit, 1).await;
    let intent = reservation.intend(answered(1, "match")).await.unwrap();
    fixture.set_fault(Fault::AfterPersisting);
    fails_fast(reservation.answer(Some(intent), answered(1, "match"), b"durable".to_vec())).await;
    wait_for_health(&audit, true).await;
    let (reply, receipt) = replayed(&audit, 1).await;
    assert_eq!((reply, receipt.index()), (b"durable".to_vec(), 1));
    audit.close().await;
    assert_eq!(fixture.log(), [("intent".to_owned(), None), ("answered".to_owned(), Some(0))]);
}

#[tokio::test]
async fn an_intent_of_unknown_outcome_is_no_proof_and_is_closed() {
    for (fault, expected) in
        [(Fault::Before, &[][..]), (Fault::AfterPersisting, &[("intent", None), ("abandoned", Some(0))][..])]
    {
        let fixture = Fixture::new();
        let audit = fixture.open_faulty();
        let mut reservation = fresh(&audit, 1).await;
        fixture.set_fault(fault);
        fails_fast(reservation.intend(answered(1, "match"))).await;
        drop(reservation);
        wait_for_health(&audit, true).await;
        fixture.wait_for_log(expected).await;
        ask(&audit, 1, b"reply").await.unwrap();
    }
}

#[tokio::test]
async fn while_the_store_is_down_nothing_is_let_in_and_it_recovers_by_itself() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    ask(&audit, 1, b"reply").await.unwrap();
    fixture.set_fault(Fault::Lasting);
    fails_fast(audit.record(answered(2, "match"))).await;
    wait_for_health(&audit, false).await;
    let cause = AuditHealth::NotServing { cause: "the connection failed earlier and is not open".to_owned() };
    assert_eq!(*audit.health().borrow(), cause);
    fails_fast(audit.begin(key(1), [1; 32])).await;
    fails_fast(audit.recall(&key(1), [1; 32])).await;
    fails_fast(audit.record(answered(2, "match"))).await;
    fixture.set_fault(Fault::None);
    let started = crate::clock::stopwatch();
    wait_for_health(&audit, true).await;
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(audit.recall(&key(1), [1; 32]).await.unwrap().unwrap().0, b"reply");
    assert_eq!(audit.record(answered(2, "match")).await.unwrap().index(), 2);
}

#[tokio::test]
async fn a_lock_of_another_process_stops_the_log_until_it_is_gone() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    ask(&audit, 1, b"reply").await.unwrap();
    let beside = fixture.beside();
    beside.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut reservation = fresh(&audit, 2).await;
    fails_fast(reservation.intend(answered(2, "match"))).await;
    drop(reservation);
    wait_for_health(&audit, false).await;
    fails_fast(audit.begin(key(3), [1; 32])).await;
    beside.execute_batch("ROLLBACK").unwrap();
    wait_for_health(&audit, true).await;
    assert_eq!(ask(&audit, 2, b"reply").await.unwrap().index(), 3);
}

#[tokio::test]
async fn a_file_that_is_deleted_stops_the_log_until_it_is_back() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    ask(&audit, 1, b"reply").await.unwrap();
    let aside = fixture.folder.path().join("aside");
    std::fs::rename(fixture.database(), &aside).unwrap();
    fails_fast(audit.record(answered(2, "match"))).await;
    wait_for_health(&audit, false).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!fixture.database().exists(), "a lost log is not begun anew");
    fails_fast(audit.begin(key(3), [1; 32])).await;
    std::fs::rename(&aside, fixture.database()).unwrap();
    wait_for_health(&audit, true).await;
    ask(&audit, 2, b"reply").await.unwrap();
}

#[tokio::test]
async fn a_store_that_hangs_fails_closed_within_a_second_and_the_queue_is_bounded() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    fixture.set_fault(Fault::Hanging);
    let started = crate::clock::stopwatch();
    let waiting: Vec<_> = (0..5_000)
        .map(|n| {
            let audit = audit.clone();
            tokio::spawn(async move { audit.record(answered(n, "match")).await })
        })
        .collect();
    let mut refused = [0, 0];
    for outcome in waiting {
        match outcome.await.unwrap() {
            Err(AuditError::Overloaded) => refused[0] += 1,
            Err(AuditError::Unavailable) => refused[1] += 1,
            other => panic!("released: {other:?}"),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(4), "took {:?}", started.elapsed());
    assert!(refused[0] > 0 && refused[1] >= 4_096, "{refused:?}");
    wait_for_health(&audit, false).await;
    fails_fast(audit.begin(key(1), [1; 32])).await;
    fixture.set_fault(Fault::None);
    wait_for_health(&audit, true).await;
    // The first batch has shown that the store works; what else waited is made durable before there is room again.
    let room = async {
        while let Err(AuditError::Overloaded) = ask(&audit, 1, b"reply").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), room).await.expect("the queue is worked off");
    replayed(&audit, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_are_committed_in_groups_without_gaps() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    let asked: Vec<_> = (0..600)
        .map(|n| {
            let audit = audit.clone();
            tokio::spawn(async move { ask(&audit, n, b"reply").await.unwrap().index() })
        })
        .collect();
    let mut indices = Vec::new();
    for index in asked {
        indices.push(index.await.unwrap());
    }
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), 600);
    audit.close().await;
    assert_eq!(fixture.count("SELECT count(*) FROM entry"), 1_200);
    assert_eq!(fixture.count("SELECT max(idx) FROM entry"), 1_199);
    assert_eq!(fixture.count("SELECT size FROM head"), 1_200);
    let appends = fixture.appends.load(Ordering::Relaxed);
    assert!(appends < 600, "{appends} commits");
}

#[tokio::test]
async fn closing_makes_durable_what_waits_and_refuses_what_comes_later() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let late = audit.clone();
    let waiting: Vec<_> = (0..50)
        .map(|n| {
            let audit = audit.clone();
            tokio::spawn(async move { audit.record(answered(n, "match")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    audit.close().await;
    let mut durable = 0;
    for outcome in waiting {
        durable += i64::from(outcome.await.unwrap().is_ok());
    }
    assert!(durable > 0);
    assert_eq!(fixture.count("SELECT count(*) FROM entry"), durable);
    fails_fast(late.record(answered(99, "match"))).await;
    fails_fast(late.begin(key(1), [1; 32])).await;
    let second = fixture.open_at();
    assert!(second.unwrap_err().to_string().contains("another process uses this log"));
    drop(late);
    fixture.open().close().await;
}
