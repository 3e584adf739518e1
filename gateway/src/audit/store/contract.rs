//! What every store must do. Each function takes an empty store; `reopen` gives the same log after the process ended.

pub(in crate::audit) mod faults;
pub(in crate::audit) mod proofs;
pub(in crate::audit) mod removal;

use std::sync::atomic::{AtomicUsize, Ordering};

use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{CaseNumber, DepartmentId, PersonalText};
use jiff::civil::date;

use super::*;
use crate::audit::body::Body;
use crate::audit::cipher::{AesGcm, Cipher, Context};
use crate::audit::draft::{Claim, Drafting};
use crate::audit::keys::AuditKeys;
use crate::audit::leaf::LeafView;
use crate::audit::log_key::LogKey;
use crate::audit::record::{Class, DecisionWord, Event, Record};
use crate::tlog::proof::TlogProof;

/// A record of an invented question.
pub(in crate::audit) fn record(decision: Uuid, class: Class) -> Record {
    Record {
        decision,
        event: Event::Verify,
        caller: "spiffe://sample-city.example/system/housing-intake".into(),
        provider: DepartmentId::parse("market-regulation").ok(),
        purpose: None,
        policy: Some("ab".repeat(32).into()),
        decision_word: DecisionWord::Permit,
        class,
        subject: SubjectNumber::parse(SubjectKind::CitizenNumber, "11010519491231002X").ok(),
        official: PersonalText::parse("official-4711", 64).ok(),
        case: CaseNumber::parse("case-canary-2026-001").ok(),
        body: Body::from([("reason", "canary of the body"), ("outcome", "differs")]),
        request: b"request canary"[..].into(),
    }
}

/// What the names of shards begin with.
pub(in crate::audit) const LOG: &str = "sample-city.example/audit";

/// Seals one text, and fails at the next.
#[derive(Debug)]
struct FailsAtSecond<'a> {
    inner: &'a AesGcm,
    calls: AtomicUsize,
}

impl Cipher for FailsAtSecond<'_> {
    fn seal(&self, place: &Context<'_>, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), CipherError> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        if calls == 1 { Err(CipherError) } else { self.inner.seal(place, plain, sealed) }
    }

    fn open(&self, place: &Context<'_>, sealed: &[u8]) -> Result<Vec<u8>, CipherError> {
        self.inner.open(place, sealed)
    }
}

/// Makes drafts, and drives a store as the committer does.
pub(in crate::audit) struct Bench {
    keys: AuditKeys,
    pub(in crate::audit) cipher: AesGcm,
    log_key: LogKey,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(in crate::audit) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = AuditKeys::create(&folder.path().join("keys")).unwrap();
        Self { cipher: keys.cipher(), log_key: keys.log_key(LOG), keys, _folder: folder }
    }

    /// With the keys of a log that others write as well.
    pub(in crate::audit) fn with(keys: &AuditKeys) -> Self {
        Self { log_key: keys.log_key(LOG), cipher: keys.cipher(), ..Self::new() }
    }

    fn drafting(&self) -> Drafting<'_> {
        Drafting { keys: &self.keys, today: date(2026, 11, 23), salt: [7; 32] }
    }

    pub(in crate::audit) fn alone(&self, decision: u128) -> Draft {
        self.drafting().alone(&record(Uuid::from_u128(decision), Class::Rejected)).unwrap()
    }

    pub(in crate::audit) fn intent(&self, claim: &Claim, decision: u128) -> Draft {
        self.drafting().intent(&record(Uuid::from_u128(decision), Class::Intent), claim.clone()).unwrap()
    }

    pub(in crate::audit) fn answer(&self, claim: &Claim, intent: Option<u64>, reply: &[u8]) -> Draft {
        let record = record(Uuid::from_u128(1), Class::Answered);
        self.drafting().answer(&record, claim.clone(), intent, reply).unwrap()
    }

    pub(in crate::audit) fn log_key(&self) -> &LogKey {
        &self.log_key
    }

    pub(in crate::audit) fn abandoned(&self, leaf: &Leaf) -> Draft {
        self.drafting().abandoned(leaf.index, &LeafView::parse(&leaf.bytes).unwrap()).unwrap()
    }

    pub(in crate::audit) fn append(
        &self,
        store: &dyn Store,
        now: i64,
        drafts: &[&Draft],
    ) -> Result<Vec<Appended>, StoreError> {
        store.append(drafts, now, &Sealer { cipher: &self.cipher, log_key: &self.log_key })
    }

    /// Appends one draft and gives its place.
    pub(in crate::audit) fn place(&self, store: &dyn Store, now: i64, draft: &Draft) -> Place {
        let appended = self.append(store, now, &[draft]).unwrap();
        match appended[..] {
            [Appended::Stored(ref stored)] => stored.place,
            _ => panic!("not stored: {appended:?}"),
        }
    }
}

pub(in crate::audit) fn claim(request_id: u128, content: u8) -> Claim {
    let key =
        RequestKey { caller: "spiffe://sample-city.example/system/a".into(), request_id: Uuid::from_u128(request_id) };
    Claim { key, content: [content; 32] }
}

fn indices(appended: &[Appended]) -> Vec<Option<u64>> {
    let index = |appended: &Appended| match appended {
        Appended::Stored(stored) => Some(stored.place.index),
        Appended::Taken | Appended::Closed | Appended::Stale => None,
    };
    appended.iter().map(index).collect()
}

/// Indices run from 0 without gaps, over batches and over a restart.
pub(in crate::audit) fn numbers_without_gaps(store: Box<dyn Store>, reopen: impl Fn() -> Box<dyn Store>) {
    let bench = Bench::new();
    let drafts: Vec<Draft> = (1..=5).map(|n| bench.alone(n)).collect();
    let all: Vec<&Draft> = drafts.iter().collect();
    assert_eq!(indices(&bench.append(&*store, 10, &all[..3]).unwrap()), [Some(0), Some(1), Some(2)]);
    assert_eq!(indices(&bench.append(&*store, 11, &all[3..4]).unwrap()), [Some(3)]);
    drop(store);
    let store = reopen();
    assert_eq!(bench.place(&*store, 12, all[4]).index, 4);
}

/// A batch that fails in its middle leaves nothing, and the next one takes its indices after a revival.
pub(in crate::audit) async fn appends_whole_or_not_at_all(store: Box<dyn Store>) {
    let bench = Bench::new();
    let (first, second) = (bench.intent(&claim(1, 1), 1), bench.alone(2));
    let failing = FailsAtSecond { inner: &bench.cipher, calls: AtomicUsize::new(0) };
    let failed = store.append(&[&first, &second], 10, &Sealer { cipher: &failing, log_key: &bench.log_key });
    assert!(matches!(failed, Err(StoreError::Cipher(_))), "{failed:?}");
    store.revive().unwrap();
    assert_eq!(store.recall(&claim(1, 1).key).await.unwrap(), None);
    assert_eq!(store.entry(Uuid::from_u128(1)).await.unwrap(), None);
    assert_eq!(store.open_intents(&|_| false, 9).unwrap(), []);
    assert_eq!(bench.place(&*store, 10, &second).index, 0);
}

/// Time never runs backwards; an entry whose clock was behind is marked in its leaf.
pub(in crate::audit) async fn keeps_time_in_order(store: Box<dyn Store>) {
    let bench = Bench::new();
    let at = |now, decision| bench.place(&*store, now, &bench.alone(decision));
    assert_eq!((at(1_000, 1).at, at(1_000, 2).at), (1_000, 1_000));
    let back = at(400, 3);
    assert_eq!((back.at, back.stepped_back), (1_001, true));
    assert_eq!((at(2_000, 4).at, at(2_000, 5).stepped_back), (2_000, false));
    let (leaf, _) = store.entry(Uuid::from_u128(3)).await.unwrap().unwrap();
    assert!(String::from_utf8(leaf.bytes).unwrap().contains(r#""at":1001,"clock":"stepped_back","ev""#));
}

/// A question is reserved by its first entry, answered once, and what is taken leaves no trace.
pub(in crate::audit) async fn answers_a_question_once(store: Box<dyn Store>) {
    let bench = Bench::new();
    let asked = claim(1, 1);
    let intent = bench.place(&*store, 10, &bench.intent(&asked, 1)).index;
    let other = bench.intent(&claim(1, 2), 2);
    let (wrong_intent, answer) = (bench.answer(&asked, Some(99), b"no"), bench.answer(&asked, Some(intent), b"yes"));
    let again = bench.answer(&asked, Some(intent), b"again");
    let appended = bench.append(&*store, 11, &[&other, &wrong_intent, &answer, &again, &bench.alone(3)]).unwrap();
    assert_eq!(indices(&appended), [None, None, Some(1), None, Some(2)]);
    assert_eq!(appended[0], Appended::Taken);
    assert_eq!(bench.append(&*store, 12, &[&bench.intent(&asked, 4)]).unwrap(), [Appended::Taken]);

    let recalled = store.recall(&asked.key).await.unwrap().unwrap();
    assert_eq!((recalled.content, recalled.intent), (Some(asked.content), Some(intent)));
    let (leaf, reply) = recalled.answer.unwrap();
    assert_eq!(leaf.index, 1);
    let decision = Uuid::from_u128(1);
    let place = Context { part: "reply", index: 1, decision, at: 11, department: Some("market-regulation") };
    let framed = bench.cipher.open(&place, &reply.unwrap()).unwrap();
    assert_eq!(crate::audit::draft::unframe(&framed).unwrap(), (&[7; 32], &b"yes"[..]));
    assert_eq!(store.entry(Uuid::from_u128(4)).await.unwrap(), None);
}

/// An intent is open until its answer or its abandonment; a question whose intent nobody answered may have another.
pub(in crate::audit) fn knows_open_intents(store: Box<dyn Store>, reopen: impl Fn() -> Box<dyn Store>) {
    let bench = Bench::new();
    for n in 1..=3 {
        bench.place(&*store, 10, &bench.intent(&claim(n, 1), n));
    }
    bench.place(&*store, 11, &bench.answer(&claim(2, 1), Some(1), b"yes"));
    drop(store);
    let store = reopen();
    let open = |held: u64, max| store.open_intents(&|index| index == held, max).unwrap();
    let at = |leaves: &[Leaf]| leaves.iter().map(|leaf| leaf.index).collect::<Vec<_>>();
    assert_eq!(at(&open(99, 9)), [0, 2]);
    assert_eq!((at(&open(0, 9)), at(&open(99, 1))), (vec![2], vec![0]));
    let closing = bench.abandoned(&open(99, 1)[0]);
    let appended = bench.append(&*store, 12, &[&closing, &closing]).unwrap();
    assert_eq!((indices(&appended), appended[1].clone()), (vec![Some(4), None], Appended::Closed));
    let again = bench.place(&*store, 13, &bench.intent(&claim(1, 1), 9)).index;
    assert_eq!(at(&open(99, 9)), [2, again]);
}

/// Replies are forgotten oldest first, a bounded number at a time; the question stays answered.
pub(in crate::audit) async fn forgets_old_replies(store: Box<dyn Store>) {
    let bench = Bench::new();
    for n in 1..=4 {
        let answer = bench.answer(&claim(n, 1), None, b"yes");
        bench.place(&*store, i64::try_from(n).unwrap() * 10, &answer);
    }
    assert_eq!(store.forget_replies(10..i64::MAX, 9).unwrap(), 0);
    assert_eq!(store.forget_replies(31..i64::MAX, 2).unwrap(), 2);
    assert_eq!(store.forget_replies(31..i64::MAX, 2).unwrap(), 1);
    let mut kept = Vec::new();
    for n in 1..=4 {
        kept.push(store.recall(&claim(n, 1).key).await.unwrap().unwrap().answer.unwrap().1.is_some());
    }
    assert_eq!(kept, [false, false, false, true]);
}

/// Every entry's proof leads to the root that its append signed, when it leaves and when it is made anew, also after a restart
/// and over completed subtrees.
pub(in crate::audit) async fn proves_every_entry(store: Box<dyn Store>, reopen: impl Fn() -> Box<dyn Store>) {
    let bench = Bench::new();
    let key = bench.log_key.verifier("sample-city.example/audit/1970q1");
    let mut left = Vec::new();
    for batch in [1_u128, 2, 250, 3, 1, 256, 7] {
        let first = left.len() as u128;
        let drafts: Vec<Draft> = (first..first + batch).map(|n| bench.alone(n)).collect();
        for appended in bench.append(&*store, 10, &drafts.iter().collect::<Vec<_>>()).unwrap() {
            let Appended::Stored(stored) = appended else { panic!("not stored: {appended:?}") };
            let (index, proof) = (stored.place.index, stored.growth.proof(stored.place.index));
            let parsed = TlogProof::parse(&proof).unwrap();
            parsed.verify(&stored.leaf_hash, &key).unwrap_or_else(|e| panic!("entry {index}: {e}"));
            left.push(proof);
        }
    }
    drop(store);
    let store = reopen();
    for (index, proof) in left.iter().enumerate() {
        assert_eq!(store.proof(index as u64).await.unwrap(), *proof, "entry {index}");
    }
}

/// A quarter has a tree of its own, whose first entry holds the last checkpoint of the one before; a clock that steps back opens
/// none.
pub(in crate::audit) async fn opens_a_shard_each_quarter(store: Box<dyn Store>) {
    const QUARTER: i64 = 92 * 86_400 * 1_000_000;
    let bench = Bench::new();
    let last = bench.append(&*store, 10, &[&bench.alone(1)]).unwrap();
    let Appended::Stored(last) = &last[0] else { panic!("not stored: {last:?}") };
    let indices: Vec<u64> =
        [QUARTER, 20, QUARTER + 5].map(|now| bench.place(&*store, now, &bench.alone(2)).index).into();
    assert_eq!(indices, [2, 3, 4]);
    let key = bench.log_key.verifier("sample-city.example/audit/1970q2");
    let proof = TlogProof::parse(&store.proof(1).await.unwrap()).unwrap();
    let opening = crate::audit::leaf::opening(
        Uuid::nil(),
        Place { index: 1, at: QUARTER, stepped_back: false },
        &last.growth.note,
    );
    assert_eq!(proof.index(), 0);
    assert!(proof.verify(&crate::tlog::tree::leaf_hash(&opening), &key).is_err(), "the id of the entry is random");
    let text = String::from_utf8(opening).unwrap();
    assert!(text.contains("1970q1") && text.contains(r#""first":1"#), "{text}");
}
