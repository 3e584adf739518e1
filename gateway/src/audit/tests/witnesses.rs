//! Heads are witnessed where witnesses can be asked, published in time where they cannot, and a store that contradicts one is refused.
//! Failure: an answer or a publication that waits for a witness; a cosignature that does not verify; a rollback that starts.

use std::fs;
use std::path::Path;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;
use crate::audit::store::contract::Bench;
use crate::audit::witnessing::Address;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::cosignature::{self, CosigningKey};
use crate::tlog::note::Note;
use crate::tlog::policy::Policy;
use crate::tlog::submission::Submission;
use crate::witness::{Witness, WitnessServer, create};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(10);

/// How a witness behaves that is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    /// Nobody listens.
    Away,
    Hanging,
    FalseSignature,
    /// It cosigned this an hour ago, or will in an hour.
    Hour(i64),
    OtherKey,
    OtherName,
    Garbage,
    Failing,
    Huge,
    Undecided,
}

struct Stranger {
    key: CosigningKey,
    manner: Mutex<Manner>,
    clock: Arc<ManualClock>,
}

impl Stranger {
    /// Starts one; the line that a policy has for it.
    async fn start(name: &str, manner: Manner, clock: &Arc<ManualClock>) -> (Arc<Self>, String) {
        let key = CosigningKey::from_seed(&format!("{name}.example/witness"), &[9; 32]).unwrap();
        let stranger = Arc::new(Self { key, manner: Mutex::new(manner), clock: Arc::clone(clock) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/prefix", listener.local_addr().unwrap());
        let line = format!("witness {name} {} {url}/\n", stranger.key.verifier());
        let router =
            Router::new().route("/prefix/add-checkpoint", post(Self::answer)).with_state(Arc::clone(&stranger));
        if manner != Manner::Away {
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        (stranger, line)
    }

    fn set(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    async fn answer(State(this): State<Arc<Self>>, body: String) -> (http::StatusCode, String) {
        let submission = Submission::parse(&body).unwrap();
        let now = this.clock.now().as_second();
        let line =
            |key: &CosigningKey, at: i64| format!("{}\n", key.cosign(submission.note().text(), at.cast_unsigned()));
        let manner = *this.manner.lock().unwrap();
        let said = match manner {
            Manner::Good => line(&this.key, now),
            Manner::Away | Manner::Hanging => std::future::pending().await,
            Manner::FalseSignature => {
                format!("{}\n", this.key.cosign("another text\n", now.cast_unsigned()))
            }
            Manner::Hour(hours) => line(&this.key, now + hours * 3_600),
            Manner::OtherKey => line(&CosigningKey::from_seed(this.key.verifier().name(), &[8; 32]).unwrap(), now),
            Manner::OtherName => line(&CosigningKey::from_seed("other.example/witness", &[9; 32]).unwrap(), now),
            Manner::Garbage => "\u{2014} what?\n".into(),
            Manner::Failing => return (http::StatusCode::INTERNAL_SERVER_ERROR, String::new()),
            Manner::Huge => "a".repeat(1 << 20),
            Manner::Undecided => {
                let size = submission.checkpoint().size();
                return (http::StatusCode::CONFLICT, format!("{}\n", if submission.old() == 0 { size } else { 0 }));
            }
        };
        (http::StatusCode::OK, said)
    }
}

/// Our own witness in a folder of its own; the line that a policy has for it.
async fn office(name: &str, folder: &Path, fixture: &Fixture) -> String {
    let vkey = fixture.keys().log_key(LOG).verifier(&format!("{LOG}/2026q1"));
    let folder = folder.join(name);
    let key = create(&folder, &format!("{name}.example/witness"), &[vkey]).unwrap();
    let witness = Witness::open(&folder, Arc::clone(&fixture.clock) as Arc<dyn Clock>).unwrap();
    let server = WitnessServer::bind("127.0.0.1:0".parse().unwrap(), Arc::new(witness)).await.unwrap();
    let url = format!("http://{}", server.address());
    tokio::spawn(server.serve(std::future::pending()));
    format!("witness {name} {key} {url}\n")
}

#[derive(Debug, Default)]
struct Age(Mutex<Duration>);

impl Observer for Age {
    fn size(&self, _: u64) {}
    fn queued(&self, _: usize) {}
    fn committed(&self, _: usize, _: Duration, _: Timestamp) {}
    fn published(&self, _: u64) {}
    fn unwitnessed(&self, age: Duration) {
        *self.0.lock().unwrap() = age;
    }
    fn failed(&self) {}
}

fn witnessing(policy: &str, strict: Option<u64>) -> Witnessing {
    Witnessing::new(Policy::parse(policy.as_bytes()).unwrap(), strict.map(Duration::from_secs)).unwrap()
}

fn open(fixture: &Fixture, witnessing: &Witnessing) -> Result<Audit, OpenError> {
    let (database, published) = (fixture.database(), fixture.published());
    let place =
        Place { database: &Database::Sqlite(database), published: &published, name: LOG, witnessing: Some(witnessing) };
    Audit::open(&place, fixture.keys(), Arc::clone(&fixture.clock) as Arc<dyn Clock>)
}

async fn append(audit: &Audit, decision: u128) -> Result<Receipt, AuditError> {
    audit.record(record(Uuid::from_u128(decision), Class::Rejected)).await
}

/// The checkpoint that is published, once it has `size` entries.
async fn published(fixture: &Fixture, size: u64) -> Note {
    published_by(fixture, size, &[]).await
}

/// The checkpoint that is published, once it has `size` entries and these witnesses have cosigned it: a machine that is busy may
/// need a second attempt for that.
async fn published_by(fixture: &Fixture, size: u64, witnesses: &[Address]) -> Note {
    let began = Instant::now();
    loop {
        let note = fs::read_to_string(fixture.published().join("checkpoint")).ok();
        if let Some(note) = note.map(|note| Note::parse(&note).unwrap())
            && Checkpoint::parse(note.text()).unwrap().size() == size
            && witnesses.iter().all(|by| cosignature::verify(&note, &by.key).is_ok())
        {
            return note;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{size} entries are not published");
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(INTERVAL).await;
    }
    panic!("{what}: not within ten seconds");
}

/// Whether a policy is satisfied by a checkpoint of the log.
fn satisfies(fixture: &Fixture, of: &Witnessing, note: &Note) -> bool {
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    let key = fixture.keys().log_key(LOG).verifier(checkpoint.origin());
    of.policy.for_log(key).satisfied_by(note).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_head_has_the_cosignatures_of_all() {
    let (fixture, offices) = (Fixture::new(), tempfile::tempdir().unwrap());
    let lines = office("a", offices.path(), &fixture).await + &office("b", offices.path(), &fixture).await;
    let both = witnessing(&format!("{lines}group both all a b\nquorum both\n"), Some(600));
    let audit = open(&fixture, &both).unwrap();
    let age = Arc::new(Age::default());
    audit.observe(Arc::clone(&age) as Arc<dyn Observer>);
    for size in 1..=3 {
        append(&audit, size.into()).await.unwrap();
        let note = published_by(&fixture, size, &both.witnesses).await;
        assert!(satisfies(&fixture, &both, &note), "{note}");
        until("the witnessed head is kept", || {
            fs::read_to_string(fixture.published().join("witnessed")).is_ok_and(|kept| kept == note.to_string())
        })
        .await;
        until("nothing is unwitnessed", || *age.0.lock().unwrap() == Duration::ZERO).await;
    }
    audit.close().await;
    // Witnesses that are away take no cosignature back; those that are there are asked where the log goes on.
    let away = lines.replace("http://127.0.0.1:", "http://127.0.0.1:1/");
    let away = witnessing(&format!("{away}group both all a b\nquorum both\n"), Some(600));
    let audit = open(&fixture, &away).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(*audit.health().borrow(), AuditHealth::Serving);
    let note = published(&fixture, 3).await;
    assert!(satisfies(&fixture, &both, &note), "{note}");
    audit.close().await;
    let audit = open(&fixture, &both).unwrap();
    append(&audit, 4).await.unwrap();
    let note = published_by(&fixture, 4, &both.witnesses).await;
    assert!(satisfies(&fixture, &both, &note), "{note}");
    // The next quarter is another tree of the same log: an opening and an entry.
    fixture.clock.advance(SignedDuration::from_hours(45 * 24));
    append(&audit, 5).await.unwrap();
    let note = published_by(&fixture, 2, &both.witnesses).await;
    assert!(note.text().starts_with(&format!("{LOG}/2027q1\n")), "{note}");
    assert!(satisfies(&fixture, &both, &note), "{note}");
    audit.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_witness_does_answers_and_publication_go_on() {
    // A machine that is busy is slow by itself now and then, but not most of the time.
    let (mut answers, mut publications) = (Vec::new(), Vec::new());
    for manner in [
        Manner::Away,
        Manner::Hanging,
        Manner::FalseSignature,
        Manner::Hour(-1),
        Manner::Hour(1),
        Manner::OtherKey,
        Manner::OtherName,
        Manner::Garbage,
        Manner::Failing,
        Manner::Huge,
        Manner::Undecided,
    ] {
        let (fixture, offices) = (Fixture::new(), tempfile::tempdir().unwrap());
        let good = office("good", offices.path(), &fixture).await;
        let (_stranger, bad) = Stranger::start("bad", manner, &fixture.clock).await;
        // One of the two is enough for `either`, and too little for `both`.
        for (quorum, is_enough) in [("all", false), ("any", true)] {
            let asked = witnessing(&format!("{good}{bad}group g {quorum} good bad\nquorum g\n"), None);
            let audit = open(&fixture, &asked).unwrap();
            let age = Arc::new(Age::default());
            audit.observe(Arc::clone(&age) as Arc<dyn Observer>);
            let size = if is_enough { 2 } else { 1 };
            let began = Instant::now();
            append(&audit, size.into()).await.unwrap();
            answers.push(began.elapsed());
            published(&fixture, size).await;
            publications.push(began.elapsed());
            let note = published_by(&fixture, size, &asked.witnesses[..1]).await;
            assert_eq!(satisfies(&fixture, &asked, &note), is_enough, "{manner:?}: {note}");
            assert_eq!(note.to_string().matches('\u{2014}').count(), 2, "{manner:?}: {note}");
            fixture.clock.advance(SignedDuration::from_secs(90));
            until("the age is told", || (*age.0.lock().unwrap() >= Duration::from_secs(90)) != is_enough).await;
            assert_eq!(*audit.health().borrow(), AuditHealth::Serving);
            audit.close().await;
        }
    }
    answers.sort_unstable();
    publications.sort_unstable();
    let half = answers.len() / 2;
    assert!(answers[half] < Duration::from_millis(250), "answers wait for a witness: {answers:?}");
    assert!(publications[half] < Duration::from_secs(1), "publication waits for a witness: {publications:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_log_stops_without_its_witness_and_goes_on_with_it() {
    let fixture = Fixture::new();
    let (stranger, line) = Stranger::start("office", Manner::Good, &fixture.clock).await;
    let strict = witnessing(&format!("{line}quorum office\n"), Some(600));
    let audit = open(&fixture, &strict).unwrap();
    append(&audit, 1).await.unwrap();
    published(&fixture, 1).await;
    // A log that is idle is as well witnessed as before.
    stranger.set(Manner::Hanging);
    fixture.clock.advance(SignedDuration::from_secs(3_600));
    tokio::time::sleep(Duration::from_millis(600)).await;
    append(&audit, 2).await.unwrap();
    published(&fixture, 2).await;
    fixture.clock.advance(SignedDuration::from_secs(590));
    tokio::time::sleep(Duration::from_millis(900)).await;
    append(&audit, 3).await.unwrap();
    published(&fixture, 3).await;
    fixture.clock.advance(SignedDuration::from_secs(20));
    wait_for_health(&audit, false).await;
    assert!(matches!(&*audit.health().borrow(), AuditHealth::NotServing { cause } if cause.contains("witness_strict")));
    assert_eq!(append(&audit, 4).await.unwrap_err(), AuditError::Unavailable);
    assert_eq!(audit.begin(key(4), [1; 32]).await.unwrap_err(), AuditError::Unavailable);
    // Neither a moment nor a restart helps.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    wait_for_health(&audit, false).await;
    audit.close().await;
    let audit = open(&fixture, &strict).unwrap();
    wait_for_health(&audit, false).await;
    assert_eq!(append(&audit, 4).await.unwrap_err(), AuditError::Unavailable);
    stranger.set(Manner::Good);
    wait_for_health(&audit, true).await;
    append(&audit, 4).await.unwrap();
    let note = published_by(&fixture, 4, &strict.witnesses).await;
    assert!(satisfies(&fixture, &strict, &note), "{note}");
    audit.close().await;
}

/// Gateways of one machine share the folder, and one of them publishes.
#[tokio::test(flavor = "multi_thread")]
async fn a_strict_log_stops_where_another_gateway_publishes_it_unwitnessed() {
    let fixture = Fixture::new();
    let (stranger, line) = Stranger::start("office", Manner::Failing, &fixture.clock).await;
    let strict = witnessing(&format!("{line}quorum office\n"), Some(600));
    let audit = open(&fixture, &strict).unwrap();
    append(&audit, 1).await.unwrap();
    published(&fixture, 1).await;
    audit.close().await;
    let lock = fs::File::create(fixture.published().join(".publisher.lock")).unwrap();
    lock.try_lock().unwrap();
    let audit = open(&fixture, &strict).unwrap();
    fixture.clock.advance(SignedDuration::from_secs(660));
    wait_for_health(&audit, false).await;
    // The other one ends, and this one takes its place.
    stranger.set(Manner::Good);
    drop(lock);
    wait_for_health(&audit, true).await;
    published_by(&fixture, 1, &strict.witnesses).await;
    audit.close().await;
}

/// Entries that only a store of its own would have: a log that goes on elsewhere.
fn grow(fixture: &Fixture, entries: Range<u128>) {
    let bench = Bench::with(&fixture.keys());
    let opened = std::iter::repeat_with(|| SqliteStore::open(&fixture.database()));
    // A log that did not start is let go in the background.
    let store =
        opened.inspect(|_| std::thread::sleep(Duration::from_millis(5))).take(1_000).find_map(Result::ok).unwrap();
    for n in entries {
        bench.place(&store, fixture.clock.now().as_microsecond(), &bench.alone(n));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_contradicts_a_witness_does_not_start() {
    let (fixture, offices) = (Fixture::new(), tempfile::tempdir().unwrap());
    let line = office("office", offices.path(), &fixture).await;
    let asked = witnessing(&format!("{line}quorum office\n"), None);
    grow(&fixture, 0..4);
    open(&fixture, &asked).unwrap().close().await;
    let old = fs::read(fixture.database()).unwrap();
    grow(&fixture, 4..9);
    open(&fixture, &asked).unwrap().close().await;
    // Not even the published folder tells: whoever restored the store has restored it too.
    let restore = || {
        fs::remove_dir_all(fixture.published()).unwrap();
        for end in ["-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{end}", fixture.database().display())));
        }
        fs::write(fixture.database(), &old).unwrap();
    };
    let refused = |what: &str, says: &str| {
        let refused = open(&fixture, &asked).unwrap_err().to_string();
        assert!(refused.contains("LOG_ROLLBACK: the witness office"), "{what}: {refused}");
        assert!(refused.contains(says), "{what}: {refused}");
        fs::create_dir_all(fixture.published()).unwrap();
    };
    for (what, others, says) in [
        ("the tail is cut off", 0, "has cosigned 9 entries"),
        ("others were appended", 3, "has cosigned 9 entries"),
        ("as many others were appended", 5, "has cosigned other entries"),
        ("more others were appended", 8, "has cosigned other entries"),
    ] {
        restore();
        grow(&fixture, 100..100 + others);
        refused(what, says);
    }
    restore();
    fs::remove_file(fixture.database()).unwrap();
    refused("the store is lost", "has cosigned 9 entries");
    // A witness that is away does not stop the start.
    let away =
        witnessing(&format!("{}quorum office\n", line.replace("http://127.0.0.1:", "http://127.0.0.1:1/")), None);
    open(&fixture, &away).unwrap().close().await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_used_is_refused() {
    let fixture = Fixture::new();
    let key = CosigningKey::from_seed("a.example/witness", &[9; 32]).unwrap();
    let key = key.verifier();
    let file = fixture.folder.path().join("policy");
    for (policy, expected) in [
        (format!("witness a {key}\nquorum a\n"), "the witness a has no URL"),
        (format!("witness a {key} https://a.example\nquorum a\n"), "the witness a has no URL"),
        (format!("witness a {key} http://u@a.example\nquorum a\n"), "the witness a has no URL"),
        (format!("witness a {key} http://a.example\n"), "line 1: the policy has no quorum"),
        ("#".repeat(300_000), "a policy has at most"),
    ] {
        fs::write(&file, policy).unwrap();
        let refused = Witnessing::read(&file, None).unwrap_err().to_string();
        assert!(refused.contains(expected) && refused.contains("policy"), "{refused}");
    }
    let other = crate::tlog::note::SigningKey::from_seed(&format!("{LOG}/2026q4"), &[3; 32]).unwrap().verifier();
    let refused = open(&fixture, &witnessing(&format!("log {other}\nquorum none\n"), None)).unwrap_err().to_string();
    assert!(refused.contains("for other logs"), "{refused}");
    let own = fixture.keys().log_key(LOG).verifier(&format!("{LOG}/2025q1"));
    open(&fixture, &witnessing(&format!("log {own}\nquorum none\n"), Some(1))).unwrap().close().await;
}
