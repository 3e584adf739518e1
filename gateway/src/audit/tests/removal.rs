use heyan_proto::vocabulary::PersonalText;

use super::*;

const GROUND: &str = "PIPL art. 47 (1) 核";

fn officer() -> PersonalText {
    PersonalText::parse("officer-1", 64).unwrap()
}

impl Fixture {
    /// Whether the log is whole, with every key at hand.
    fn verify(&self) -> Result<Verified, String> {
        let keys = self.keys();
        let key = keys.log_key(LOG).verifier(&format!("{LOG}/2026q4"));
        verify_log(&Database::Sqlite(self.database()), None, &key, Some(&keys), |_, _| {})
            .map_err(|error| error.to_string())
    }

    fn execute(&self, sql: &str) {
        self.beside().execute_batch(sql).unwrap();
    }

    fn leaf(&self, index: u64) -> serde_json::Value {
        let leaf: Vec<u8> = self
            .beside()
            .query_row("SELECT leaf FROM entry WHERE idx = ?1", [index.cast_signed()], |row| row.get(0))
            .unwrap();
        serde_json::from_slice(&leaf).unwrap()
    }

    /// A closed log: a question (0, 1), one that is erased (2, 3), one more (4, 5), the erasure (6), one alone (7).
    async fn with_an_erasure() -> Self {
        let fixture = Self::new();
        let audit = fixture.open();
        for n in 1..=3 {
            ask(&audit, n, b"reply").await.unwrap();
        }
        audit.erase(2, GROUND, &officer()).await.unwrap();
        audit.record(record(Uuid::from_u128(9), Class::Rejected)).await.unwrap();
        audit.close().await;
        fixture
    }
}

#[tokio::test]
async fn erasing_an_answer_erases_its_intent_and_states_it() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let given = ask(&audit, 1, b"reply").await.unwrap();
    ask(&audit, 2, b"reply").await.unwrap();
    let erasure = audit.erase(1, GROUND, &officer()).await.unwrap();
    assert_eq!((erasure.erased, erasure.receipt.index()), (vec![0, 1], 4));
    let leaf = fixture.leaf(4);
    assert_eq!((&leaf["ev"], &leaf["class"]), (&"erase".into(), &"erasure".into()));
    assert_eq!((&leaf["erased"], &leaf["ground"]), (&serde_json::json!([0, 1]), &GROUND.into()));
    assert!(!leaf.to_string().contains("officer"), "who ordered it is in the body alone");
    let found = audit.find("", erasure.receipt.decision()).await.unwrap().unwrap();
    assert_eq!(found.body.unwrap(), serde_json::json!({ "by": "officer-1" }));

    let again = audit.begin(key(1), [1; 32]).await;
    assert!(matches!(again, Err(AuditError::Erased { index: 1 })), "{again:?}");
    let recalled = audit.recall(&key(1), [2; 32]).await;
    assert!(matches!(recalled, Err(AuditError::Erased { index: 1 })), "{recalled:?}");
    let found = audit.find(CALLER, Uuid::from_u128(1)).await.unwrap().unwrap();
    assert_eq!((found.index, found.body), (1, None));
    assert_eq!(audit.inner.store.proof(1).await.unwrap(), given.proof(), "the proof stays, byte for byte");
    assert_eq!(replayed(&audit, 2).await.0, b"reply");
    let verified = fixture.verify().unwrap();
    assert_eq!((verified.size, verified.erased, verified.past_retention), (5, 2, 0));
}

#[tokio::test]
async fn what_cannot_be_erased_is_refused_and_nothing_changes() {
    let fixture = Fixture::with_an_erasure().await;
    let audit = fixture.open();
    let mut reservation = fresh(&audit, 7).await;
    let _intent = reservation.intend(answered(7, "match")).await.unwrap();
    let erase = |index| {
        let audit = audit.clone();
        async move { audit.erase(index, GROUND, &officer()).await.unwrap_err() }
    };
    assert_eq!(erase(9).await, Unerasable::Unknown { index: 9, size: 9 }.into());
    assert_eq!(erase(u64::MAX).await, Unerasable::Unknown { index: u64::MAX, size: 9 }.into());
    assert_eq!(erase(3).await, Unerasable::Erased { index: 3, under: 6 }.into());
    assert_eq!(erase(6).await, Unerasable::Erasure { index: 6 }.into());
    assert_eq!(erase(8).await, Unerasable::Open { index: 8 }.into());
    for ground in ["", "  ", "a\nb", &"x".repeat(513)] {
        let refused = audit.erase(0, ground, &officer()).await.unwrap_err();
        assert_eq!(refused, EraseError::Ground { max: 512 });
    }
    assert_eq!(fixture.count("SELECT size FROM head"), 9);
    drop(reservation);
}

#[tokio::test]
async fn an_erasure_while_the_question_is_asked_again_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let mut reservation = fresh(&audit, 1).await;
    let _intent = reservation.intend(answered(1, "match")).await.unwrap();
    drop(reservation);
    fixture.wait_for_log(&[("intent", None), ("abandoned", Some(0))]).await;
    let again = fresh(&audit, 1).await;
    audit.erase(0, GROUND, &officer()).await.unwrap();
    let answered = again.answer(None, answered(1, "match"), b"late".to_vec()).await;
    assert_eq!(answered.unwrap_err(), AuditError::Taken);
    assert!(matches!(audit.recall(&key(1), [1; 32]).await, Err(AuditError::Erased { index: 0 })));
    assert_eq!(fixture.verify().unwrap().erased, 1);
}

#[tokio::test]
async fn bodies_are_kept_for_their_term_and_no_longer() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    audit.retain(Retention { use_days: 3, technical_days: 1 });
    ask(&audit, 1, b"reply").await.unwrap();
    audit.record(record(Uuid::from_u128(2), Class::Rejected)).await.unwrap();
    let trial = Record { event: Event::ValidateOnly, ..answered(3, "match") };
    audit.record(trial).await.unwrap();
    fixture.clock.advance(SignedDuration::from_hours(25));
    audit.record(record(Uuid::from_u128(4), Class::Rejected)).await.unwrap();
    let first = [("intent", None), ("answered", Some(0)), ("rejected", None), ("answered", None), ("rejected", None)];
    let mut expected = first.to_vec();
    expected.push(("retention", None));
    fixture.wait_for_log(&expected).await;
    let leaf = fixture.leaf(5);
    let stated = ["term", "days", "from", "to"].map(|key| leaf[key].to_string());
    assert_eq!(stated, ["\"technical\"", "1", "0", "4"]);
    assert_eq!(fixture.count("SELECT count(*) FROM body"), 3);
    assert_eq!(fixture.verify().unwrap().past_retention, 2);

    fixture.clock.advance(SignedDuration::from_hours(50));
    expected.extend([("retention", None), ("retention", None)]);
    fixture.wait_for_log(&expected).await;
    assert_eq!(fixture.count("SELECT count(*) FROM body"), 0);
    let verified = fixture.verify().unwrap();
    assert_eq!((verified.size, verified.past_retention), (8, 5));
    let again = audit.begin(key(1), [1; 32]).await;
    assert!(matches!(again, Err(AuditError::ReplyGone { index: 1 })), "{again:?}");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(fixture.log().len(), 8, "retention makes no entry of nothing");
}

/// Attack A6, and every way to hide it that an owner of the database, but not of the log's key, has.
#[tokio::test]
async fn what_goes_without_a_statement_is_found() {
    let exchanged = "UPDATE body SET sealed = (SELECT sealed FROM body AS other WHERE other.idx = 5 - body.idx) WHERE idx IN (1, 4)";
    for (change, found) in [
        ("DELETE FROM body WHERE idx = 1", "entry 1: its body is missing"),
        (exchanged, "entry 1: its body cannot be opened with these keys"),
        (
            "DELETE FROM body WHERE idx = 1; INSERT INTO erasure VALUES (1, 6)",
            "entry 1: something personal of it is there",
        ),
        (
            "DELETE FROM body WHERE idx = 7; INSERT INTO erasure VALUES (7, 6)",
            "entry 7: it is erased under an entry before it",
        ),
        (
            "DELETE FROM body WHERE idx = 4; UPDATE entry SET content = NULL WHERE idx = 4; INSERT INTO erasure VALUES (4, 6)",
            "something is stored that belongs to no entry",
        ),
        (
            "DELETE FROM body WHERE idx = 4; UPDATE entry SET content = NULL WHERE idx = 4; INSERT INTO erasure VALUES (4, 7)",
            "something is stored that belongs to no entry",
        ),
        (
            "DELETE FROM body WHERE idx = 4; UPDATE entry SET content = NULL WHERE idx = 4; \
             UPDATE erasure SET idx = 4 WHERE idx = 2",
            "entry 2: its body is missing",
        ),
        ("DELETE FROM erasure WHERE idx = 3", "entry 3: its body is missing"),
        (
            "INSERT INTO body SELECT 3, sealed, NULL, NULL, NULL FROM body WHERE idx = 1",
            "entry 3: its body is there although",
        ),
        ("UPDATE entry SET content = zeroblob(32) WHERE idx = 3", "entry 3: something personal of it is there"),
        ("INSERT INTO reply VALUES (3, 0, x'00')", "entry 3: something personal of it is there although it was erased"),
        ("UPDATE retained SET past = 2 WHERE term = 'use'", "entry 0: its body is there although it is past retention"),
        (
            "DELETE FROM body WHERE idx = 7; UPDATE retained SET past = 8 WHERE term = 'technical'",
            "bodies are said to be past retention, and no entry states it",
        ),
        ("DELETE FROM retained", "it does not say how far bodies are past retention"),
        ("UPDATE erasure SET under = 7 WHERE idx = 3", "entry 6: an entry that it erases is not erased under it"),
    ] {
        let fixture = Fixture::with_an_erasure().await;
        assert_eq!(fixture.verify().unwrap().erased, 2);
        fixture.execute(change);
        let error = fixture.verify().unwrap_err();
        assert!(error.contains(found), "{change}\nexpected {found}\nfound {error}");
    }
}

/// Attack A6 by somebody with the key of bodies: what a body or its salt is exchanged for is not what the leaf commits to.
#[tokio::test]
async fn exchanged_salts_are_found() {
    let fixture = Fixture::with_an_erasure().await;
    let cipher = fixture.keys().cipher();
    let beside = fixture.beside();
    let plain = |index: u64| {
        let (bytes, sealed): (Vec<u8>, Vec<u8>) = beside
            .query_row(
                "SELECT leaf, sealed FROM entry JOIN body USING (idx) WHERE idx = ?1",
                [index.cast_signed()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        let (leaf, view) = (Leaf { index, bytes: bytes.clone() }, LeafView::parse(&bytes).unwrap());
        let plain = cipher.open(&context("body", &leaf, &view), &sealed).unwrap();
        (leaf, view, plain)
    };
    let (one, other) = (plain(0), plain(4));
    for ((leaf, view, own), (.., foreign)) in [(&one, &other), (&other, &one)] {
        let (exchanged, mut sealed) = ([&foreign[..32], &own[32..]].concat(), Vec::new());
        cipher.seal(&context("body", leaf, view), &exchanged, &mut sealed).unwrap();
        beside
            .execute("UPDATE body SET sealed = ?1 WHERE idx = ?2", rusqlite::params![sealed, leaf.index.cast_signed()])
            .unwrap();
    }
    assert_eq!(fixture.verify().unwrap_err(), "entry 0: its body is not the one that its leaf commits to");
}

/// All bytes that the live rows of the log hold, text as bytes and base64 decoded.
fn live(fixture: &Fixture) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let beside = fixture.beside();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let mut tables = beside.prepare(names).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = vec![vec![0; 32]];
    for table in tables {
        let mut all = beside.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            found.extend(
                (0..columns).filter_map(|column| row.get_ref(column).unwrap().as_bytes().ok()).map(<[u8]>::to_vec),
            );
        }
    }
    let words = |bytes: &Vec<u8>| {
        let words = bytes.split(|byte| !byte.is_ascii_alphanumeric() && !b"-_".contains(byte));
        words
            .filter_map(|word| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(word).ok())
            .filter(|decoded| decoded.len() >= 32)
            .collect::<Vec<_>>()
    };
    let decoded: Vec<Vec<u8>> = found.iter().flat_map(words).collect();
    found.extend(decoded);
    found
}

/// How many of the leaf's commitments some 32 of these bytes open, as a salt, to one of the guesses.
fn opened(leaf: &serde_json::Value, salts: &[Vec<u8>], guesses: &[(&str, Vec<u8>)]) -> usize {
    let mut hits = 0;
    for salt in salts.iter().flat_map(|bytes| bytes.windows(32)) {
        let salt = salt.try_into().unwrap();
        hits += guesses.iter().filter(|(part, guess)| leaf[part] == leaf::base64(&commit(salt, part, guess))).count();
    }
    hits
}

/// Attack A7: whoever has the file after an erasure, and knows every outcome and every number, opens no commitment.
#[tokio::test]
async fn nothing_that_is_left_opens_a_commitment() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let guessed = |id: u32, outcome: &str| format!("1101051949123100{id:02} {outcome}").into_bytes();
    let mut reservation = fresh(&audit, 1).await;
    let record = Record { request: guessed(7, "").into(), ..answered(1, "differs") };
    let intent = reservation.intend(record.clone()).await.unwrap();
    reservation.answer(Some(intent), record, guessed(7, "differs")).await.unwrap();
    let (leaf, sealed) = audit.inner.store.entry(Uuid::from_u128(1)).await.unwrap().unwrap();
    let view = LeafView::parse(&leaf.bytes).unwrap();
    let plain = audit.inner.cipher.open(&context("body", &leaf, &view), &sealed.unwrap()).unwrap();
    let mut guesses = vec![("body", plain[32..].to_vec())];
    for id in 0..20 {
        guesses.push(("req", guessed(id, "")));
        guesses.extend(["match", "differs", "not_held"].map(|outcome| ("ans", guessed(id, outcome))));
    }
    let mut salts = live(&fixture);
    let shown = fixture.leaf(1);
    let secret: serde_json::Value = serde_json::from_slice(&plain[32..]).unwrap();
    let salt =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret["salt"].as_str().unwrap());
    salts = [vec![plain[..32].to_vec(), salt.unwrap()], salts].concat();
    assert_eq!(opened(&shown, &salts[..2], &guesses), 3, "with the salts all three open");
    audit.erase(1, GROUND, &officer()).await.unwrap();
    assert_eq!(opened(&shown, &live(&fixture), &guesses), 0);
    assert_eq!(opened(&fixture.leaf(0), &live(&fixture), &guesses), 0);
}

/// What was erased is in no file any more: not in a free page, and not in the write-ahead log.
#[tokio::test]
async fn erased_bytes_are_overwritten() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    for n in 1..=60 {
        let begun = audit.begin(key(n), [u8::try_from(n).unwrap(); 32]).await.unwrap();
        let Begun::Fresh(mut reservation) = begun else { panic!("not fresh: {begun:?}") };
        let intent = reservation.intend(answered(n, "differs")).await.unwrap();
        reservation.answer(Some(intent), answered(n, "differs"), b"reply".to_vec()).await.unwrap();
    }
    let mut erased: Vec<Vec<u8>> = Vec::new();
    let parts = "SELECT body.sealed, content, reply.sealed FROM entry JOIN body USING (idx) LEFT JOIN reply USING (idx) WHERE idx IN (58, 59)";
    let beside = fixture.beside();
    let mut rows = beside.prepare(parts).unwrap();
    let mut rows = rows.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..3 {
            erased.extend(row.get::<_, Option<Vec<u8>>>(column).unwrap());
        }
    }
    assert_eq!(erased.len(), 5);
    let left = || {
        let files = ["audit.db", "audit.db-wal"].map(|file| std::fs::read(fixture.folder.path().join(file)).unwrap());
        let bytes = files.concat();
        let pieces = erased.iter().flat_map(|part| part.chunks(16));
        pieces.filter(|piece| memmem(&bytes, piece)).count()
    };
    assert!(left() > 60, "the search finds what is there");
    audit.erase(59, GROUND, &officer()).await.unwrap();
    assert_eq!(left(), 0);
    assert_eq!(fixture.verify().unwrap().erased, 2);
}

fn memmem(bytes: &[u8], piece: &[u8]) -> bool {
    bytes.windows(piece.len()).any(|window| window == piece)
}
