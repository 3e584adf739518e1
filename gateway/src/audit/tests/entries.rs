use super::*;
use crate::audit::store::contract::{Bench, claim};

/// Intents that nothing has closed.
const OPEN: &str = "SELECT count(*) FROM entry AS intent WHERE step = 1 AND idx NOT IN \
                    (SELECT closes FROM entry WHERE closes IS NOT NULL)";

#[tokio::test]
async fn an_asked_question_has_its_intent_before_and_its_answer_after() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let mut reservation = fresh(&audit, 1).await;
    let intent = reservation.intend(answered(1, "match")).await.unwrap();
    assert_eq!(fixture.log(), [("intent".to_owned(), None)], "durable when it returns");
    assert_eq!(fixture.count(OPEN), 1);
    let receipt = reservation.answer(Some(intent), answered(1, "match"), b"reply".to_vec()).await.unwrap();
    assert_eq!((receipt.index(), receipt.decision()), (1, Uuid::from_u128(1)));
    assert_eq!(receipt.recorded_at(), fixture.clock.now());
    fixture.wait_for_log(&[("intent", None), ("answered", Some(0))]).await;
    assert_eq!(fixture.count(OPEN), 0);
}

#[tokio::test]
async fn the_receipt_has_the_leaf_hash_of_the_stored_bytes() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let receipt = audit.record(answered(1, "match")).await.unwrap();
    let leaf: Vec<u8> = fixture.beside().query_row("SELECT leaf FROM entry", [], |row| row.get(0)).unwrap();
    let prefixed = [&[0], &leaf[..]].concat();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &prefixed);
    assert_eq!(receipt.leaf_hash(), hash.as_ref());
    assert!(leaf.len() <= 640, "a leaf has {} bytes", leaf.len());
}

#[tokio::test]
async fn debug_shows_no_reply() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    ask(&audit, 1, b"the reply").await.unwrap();
    let shown = format!("{:?}", audit.begin(key(1), [1; 32]).await.unwrap());
    assert!(shown.starts_with("Replayed { receipt: Receipt {"), "{shown}");
    assert!(!shown.contains(&format!("{:?}", b"the reply")), "{shown}");
}

#[tokio::test]
async fn a_question_asked_again_has_the_recorded_reply_and_receipt() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let receipt = ask(&audit, 1, b"the reply").await.unwrap();
    assert_eq!(replayed(&audit, 1).await, (b"the reply".to_vec(), receipt.clone()));
    audit.close().await;
    assert_eq!(replayed(&fixture.open(), 1).await, (b"the reply".to_vec(), receipt), "after a restart");
    assert_eq!(fixture.log().len(), 2);
}

#[tokio::test]
async fn other_content_under_the_same_id_is_refused_and_other_callers_are_apart() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    ask(&audit, 1, b"reply").await.unwrap();
    let other = audit.begin(key(1), [2; 32]).await;
    assert!(matches!(other, Err(AuditError::OtherContent { index: 1 })), "{other:?}");
    let elsewhere = RequestKey { caller: "spiffe://sample-city.example/system/other".into(), ..key(1) };
    assert!(matches!(audit.begin(elsewhere, [2; 32]).await, Ok(Begun::Fresh(_))));
    let stored: Vec<u8> =
        fixture.beside().query_row("SELECT content FROM entry WHERE step = 2", [], |row| row.get(0)).unwrap();
    assert_ne!(stored, [1; 32], "the digest is stored under a key");
}

#[tokio::test]
async fn a_concurrent_duplicate_waits_for_the_first() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let mut first = fresh(&audit, 1).await;
    let duplicates: Vec<_> = (0..8)
        .map(|_| {
            let audit = audit.clone();
            tokio::spawn(async move { replayed(&audit, 1).await })
        })
        .collect();
    let intent = first.intend(answered(1, "match")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(duplicates.iter().all(|duplicate| !duplicate.is_finished()));
    let receipt = first.answer(Some(intent), answered(1, "match"), b"once".to_vec()).await.unwrap();
    for duplicate in duplicates {
        assert_eq!(duplicate.await.unwrap(), (b"once".to_vec(), receipt.clone()));
    }
    assert_eq!(fixture.log().len(), 2);
}

#[tokio::test]
async fn an_unanswered_question_may_be_asked_again_under_a_new_intent() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    drop(fresh(&audit, 1).await);
    let mut reservation = fresh(&audit, 1).await;
    let _intent = reservation.intend(answered(1, "match")).await.unwrap();
    drop(reservation);
    fixture.wait_for_log(&[("intent", None), ("abandoned", Some(0))]).await;
    let mut again = fresh(&audit, 1).await;
    let intent = again.intend(answered(2, "match")).await.unwrap();
    let receipt = again.answer(Some(intent), answered(2, "match"), b"reply".to_vec()).await.unwrap();
    assert_eq!(receipt.index(), 3);
    assert_eq!(fixture.log()[3], ("answered".to_owned(), Some(2)));
}

#[tokio::test]
async fn an_intent_that_is_not_handed_back_is_closed_as_abandoned() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let mut reservation = fresh(&audit, 1).await;
    let _intent = reservation.intend(answered(1, "match")).await.unwrap();
    reservation.answer(None, answered(1, "match"), b"from the cache".to_vec()).await.unwrap();
    for _ in 0..400 {
        if fixture.log().len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut log = fixture.log();
    log[1..].sort();
    let expected = [("intent", None), ("abandoned", Some(0)), ("answered", None)];
    assert_eq!(log, expected.map(|(class, intent)| (class.to_owned(), intent)));
    assert_eq!(replayed(&audit, 1).await.0, b"from the cache");
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_its_intent_commits_leaves_no_open_intent() {
    let fixture = Fixture::new();
    let audit = fixture.open_faulty();
    let mut reservation = fresh(&audit, 1).await;
    fixture.set_fault(Fault::Hanging);
    let cancelled = tokio::time::timeout(Duration::from_millis(50), reservation.intend(answered(1, "match"))).await;
    assert!(cancelled.is_err());
    drop(reservation);
    fixture.set_fault(Fault::None);
    fixture.wait_for_log(&[("intent", None), ("abandoned", Some(0))]).await;
}

#[tokio::test]
async fn intents_that_a_crash_left_open_are_closed_when_the_log_is_opened() {
    let fixture = Fixture::new();
    {
        let bench = Bench::new();
        let store = SqliteStore::open(&fixture.database()).unwrap();
        for n in 1..=300 {
            let now = fixture.clock.now().as_microsecond();
            bench.place(&store, now, &bench.intent(&claim(n, 1), n));
        }
    }
    let audit = fixture.open();
    for _ in 0..400 {
        if fixture.count(OPEN) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let log = fixture.log();
    assert_eq!(log.len(), 600);
    assert_eq!(log[599], ("abandoned".to_owned(), Some(299)));
    audit.close().await;
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_no_reply_longer() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let years = SignedDuration::from_hours(24 * 3650);
    fixture.clock.advance(years);
    ask(&audit, 1, b"from a clock that is ahead").await.unwrap();
    fixture.clock.advance(-years);
    ask(&audit, 2, b"after it was set right").await.unwrap();
    replayed(&audit, 2).await;
    fixture.clock.advance(SignedDuration::from_hours(25));
    for _ in 0..400 {
        if fixture.count("SELECT count(*) FROM reply") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fixture.count("SELECT count(*) FROM reply"), 0);
}

#[tokio::test]
async fn a_reply_is_kept_for_24_hours_and_then_forgotten() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    ask(&audit, 1, b"reply").await.unwrap();
    fixture.clock.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
    replayed(&audit, 1).await;
    fixture.clock.advance(SignedDuration::from_secs(1));
    let gone = audit.begin(key(1), [1; 32]).await;
    assert!(matches!(gone, Err(AuditError::ReplyGone { index: 1 })), "{gone:?}");
    fixture.clock.advance(SignedDuration::from_secs(1));
    for _ in 0..400 {
        if fixture.count("SELECT count(*) FROM reply") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fixture.count("SELECT count(*) FROM reply"), 0);
    let gone = audit.begin(key(1), [1; 32]).await;
    assert!(matches!(gone, Err(AuditError::ReplyGone { index: 1 })), "{gone:?}");
}

#[tokio::test]
async fn a_caller_finds_its_own_decisions_alone() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let receipt = audit.record(answered(1, "differs")).await.unwrap();
    let found = audit.find(CALLER, Uuid::from_u128(1)).await.unwrap().unwrap();
    assert_eq!((found.index, found.at, found.class), (0, receipt.recorded_at(), Class::Answered));
    assert_eq!(found.body.unwrap(), serde_json::json!({ "outcome": "differs" }));
    assert!(audit.find("spiffe://sample-city.example/system/other", Uuid::from_u128(1)).await.unwrap().is_none());
    assert!(audit.find(CALLER, Uuid::from_u128(2)).await.unwrap().is_none());
    fixture.beside().execute("DELETE FROM body", []).unwrap();
    assert!(audit.find(CALLER, Uuid::from_u128(1)).await.unwrap().unwrap().body.is_none(), "erased");
}

#[tokio::test]
async fn exchanged_bodies_do_not_open() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    for n in 1..=2 {
        audit.record(answered(n, "differs")).await.unwrap();
    }
    let exchange = "UPDATE body SET sealed = (SELECT sealed FROM body AS other WHERE other.idx = 1 - body.idx)";
    fixture.beside().execute(exchange, []).unwrap();
    assert_eq!(audit.find(CALLER, Uuid::from_u128(1)).await.unwrap_err(), AuditError::Unavailable);
}

#[tokio::test]
async fn outcomes_cannot_be_told_apart_by_length() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let mut shown = Vec::new();
    for (n, outcome) in [(1, "not_issued"), (2, "differs"), (3, "ambiguous")] {
        let mut reservation = fresh(&audit, n).await;
        let intent = reservation.intend(answered(n, outcome)).await.unwrap();
        let receipt = reservation.answer(Some(intent), answered(n, outcome), b"not confirmed".to_vec()).await.unwrap();
        let lengths = "SELECT length(leaf) || ' ' || length(body.sealed) || ' ' || length(reply.sealed) FROM entry \
             JOIN body USING (idx) JOIN reply USING (idx) WHERE idx = ?1";
        let row = [i64::try_from(receipt.index()).unwrap()];
        shown.push(fixture.beside().query_row(lengths, row, |row| row.get::<_, String>(0)).unwrap());
    }
    assert_eq!(shown[0], shown[1]);
    assert_eq!(shown[1], shown[2]);
}

#[tokio::test]
async fn nothing_personal_is_in_the_files_in_plain() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let receipt = ask(&audit, 1, b"canary of the reply").await.unwrap();
    let record = record(Uuid::from_u128(7), Class::Rejected);
    let shown = format!("{audit:?} {record:?} {receipt:?} {:?}", audit.find(CALLER, Uuid::from_u128(1)).await);
    audit.record(record).await.unwrap();
    let mut bytes = shown.into_bytes();
    for file in ["audit.db", "audit.db-wal"] {
        bytes.extend(std::fs::read(fixture.folder.path().join(file)).unwrap());
    }
    let holds = |canary: &str| bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
    assert!(holds("housing-intake"), "the search finds what is there");
    for canary in ["11010519491231002X", "official-4711", "case-canary", "canary of the", "request canary", "differs"] {
        assert!(!holds(canary), "{canary}");
    }
}

#[tokio::test]
async fn what_a_caller_writes_cannot_break_a_leaf() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let caller = "a\"\\\n\r\0\u{1b}[31m\u{202e}\u{2028}\u{7f}核\u{1F600}\",\"class\":\"denied";
    audit.record(Record { caller: caller.into(), ..answered(1, "match") }).await.unwrap();
    let leaf: Vec<u8> = fixture.beside().query_row("SELECT leaf FROM entry", [], |row| row.get(0)).unwrap();
    assert!(leaf.iter().all(|byte| (b' '..=b'~').contains(byte)), "one line of ASCII");
    let view = LeafView::parse(&leaf).unwrap();
    assert_eq!((view.caller.as_str(), view.class.as_str()), (caller, "answered"));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let caller: Arc<str> = "c".repeat(70_000).into();
    let long = audit.record(Record { caller, ..answered(1, "match") }).await;
    assert!(matches!(long, Err(AuditError::TooLarge { part: "leaf", .. })));
    let long = audit.record(answered(1, &"x".repeat(draft::BODY_BYTES_MAX))).await;
    assert!(matches!(long, Err(AuditError::TooLarge { part: "body", .. })));
    let reservation = fresh(&audit, 1).await;
    let long = reservation.answer(None, answered(1, "match"), vec![0; draft::REPLY_BYTES_MAX + 1]).await;
    assert!(matches!(long, Err(AuditError::TooLarge { part: "reply", .. })));
    assert!(fixture.log().is_empty());
}

#[tokio::test]
async fn the_leaf_opens_its_commitments_with_the_salts_of_the_body() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let receipt = ask(&audit, 1, b"the reply").await.unwrap();
    let (leaf, sealed) = audit.inner.store.entry(Uuid::from_u128(1)).await.unwrap().unwrap();
    assert_eq!(leaf.index, receipt.index());
    let view = LeafView::parse(&leaf.bytes).unwrap();
    let plain = audit.inner.cipher.open(&context("body", &leaf, &view), &sealed.unwrap()).unwrap();
    let (body_salt, text) = plain.split_first_chunk::<32>().unwrap();
    let body: serde_json::Value = serde_json::from_slice(text).unwrap();
    let tags = audit.inner.keys.tags_of(audit.inner.clock.today()).unwrap();
    let official = tags.official(&record(Uuid::nil(), Class::Answered).official.unwrap());
    assert_eq!(body["tags"]["official"], leaf::base64(&official), "the body's commitment covers the tags");
    let salt =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, body["salt"].as_str().unwrap());
    let salt: [u8; 32] = salt.unwrap().try_into().unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&leaf.bytes).unwrap();
    assert_eq!(stored["body"], leaf::base64(&commit(body_salt, "body", text)));
    assert_eq!(stored["req"], leaf::base64(&commit(&salt, "req", b"request canary")));
    assert_eq!(stored["ans"], leaf::base64(&commit(&salt, "ans", b"the reply")));
}
