//! A witness says what C2SP tlog-witness asks for, forgets nothing, and signs one of two histories. Failure: another status; a tree that
//! is cosigned twice in two forms; a cosignature that is not remembered.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::*;
use crate::clock::ManualClock;
use crate::tlog::Hash;
use crate::tlog::cosignature;
use crate::tlog::frontier::Frontier;
use crate::tlog::nodes::consistency_proof;
use crate::tlog::note::{Note, Signature, SigningKey};
use crate::tlog::tree::leaf_hash;

const ORIGIN: &str = "city.example/audit/2026q4";
const NAME: &str = "office.example/witness";

/// A log that can be forked: its leaves from `fork` on are others.
struct Log {
    key: SigningKey,
    leaves: Vec<Hash>,
}

impl Log {
    fn new(origin: &str) -> Self {
        Self::forked(origin, u64::MAX)
    }

    fn forked(origin: &str, fork: u64) -> Self {
        let leaf = |n: u64| leaf_hash(&[n, u64::from(n >= fork)].map(u64::to_be_bytes).concat());
        Self { key: SigningKey::from_seed(origin, &[1; 32]).unwrap(), leaves: (0..40).map(leaf).collect() }
    }

    fn note(&self, size: u64) -> Note {
        let mut frontier = Frontier::default();
        for leaf in &self.leaves[..usize::try_from(size).unwrap()] {
            frontier.push(*leaf, &mut |_| {});
        }
        let checkpoint = Checkpoint::new(self.key.name().to_owned(), size, frontier.root());
        Note::sign(checkpoint.to_string(), &self.key)
    }

    fn submission(&self, old: u64, size: u64) -> String {
        let between = 0 < old && old <= size;
        let proof = if between { consistency_proof(old, size, &mut &self.leaves[..]).unwrap() } else { Vec::new() };
        Submission::new(old, proof, self.note(size)).unwrap().to_string()
    }
}

struct Office {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    key: WitnessKey,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The key of another quarter of the same log, and another log.
        let logs = ["city.example/audit/2026q1", "other.example/log"].map(|origin| Log::new(origin).key.verifier());
        let key = create(folder.path(), NAME, &logs).unwrap();
        let clock = Arc::new(ManualClock::at("2026-11-23T06:00:00Z".parse().unwrap()));
        Self { folder, clock, key }
    }

    fn open(&self) -> Witness {
        Witness::open(self.folder.path(), Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    fn evidence(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path().join("evidence")).unwrap();
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// When this line cosigns the note.
    fn time(&self, note: &Note, line: &str) -> u64 {
        let mut note = note.clone();
        note.add(Signature::parse(line.strip_suffix('\n').unwrap()).unwrap()).unwrap();
        cosignature::verify(&note, &self.key).unwrap()
    }
}

/// Status, content type and body of the reply to a body.
async fn post(address: SocketAddr, body: &[u8]) -> (u16, String, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A witness that has read enough closes before all is sent.
    drop(stream.write_all(body).await);
    let mut reply = Vec::new();
    drop(stream.read_to_end(&mut reply).await);
    let reply = String::from_utf8(reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), kind.to_owned(), body.to_owned())
}

#[tokio::test]
async fn every_status_is_that_of_the_specification() {
    let office = Office::new();
    let server = WitnessServer::bind("127.0.0.1:0".parse().unwrap(), Arc::new(office.open())).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async { drop(stopped.await) }));
    let (log, fork, unknown) = (Log::new(ORIGIN), Log::forked(ORIGIN, 3), Log::new("elsewhere.example/audit/2026q4"));
    let thief = Log { key: SigningKey::from_seed(ORIGIN, &[2; 32]).unwrap(), leaves: log.leaves.clone() };
    let mut unproved = log.submission(5, 9);
    unproved.replace_range(6..7, if &unproved[6..7] == "A" { "B" } else { "A" });
    let stray = Submission::new(0, vec![[0; 32]], log.note(5)).unwrap().to_string();
    for (what, body, status, says) in [
        ("an unknown log", unknown.submission(0, 5), 404, None),
        ("another key of that name", thief.submission(0, 5), 403, None),
        ("a proof from nothing", stray, 422, None),
        ("a size that was never seen", log.submission(4, 5), 409, Some("0\n")),
        ("the first checkpoint", log.submission(0, 5), 200, None),
        ("the same again, as if it were the first", log.submission(0, 5), 409, Some("5\n")),
        ("the same again", log.submission(5, 5), 200, None),
        ("a smaller one", log.submission(0, 4), 409, Some("5\n")),
        ("another one of the same size", fork.submission(5, 5), 409, Some("5\n")),
        ("another one of the same size, as if it were the first", fork.submission(0, 5), 409, Some("5\n")),
        ("a fork that has grown", fork.submission(5, 9), 422, None),
        ("a changed proof", unproved, 422, None),
        ("the next one", log.submission(5, 9), 200, None),
        ("the one before", log.submission(5, 7), 409, Some("9\n")),
        ("no submission", "old 9\n".into(), 400, None),
    ] {
        let (answered, kind, text) = post(address, body.as_bytes()).await;
        assert_eq!(answered, status, "{what}: {text}");
        assert_eq!(kind == "text/x.tlog.size", status == 409, "{what}: {kind}");
        assert!(says.is_none_or(|says| says == text), "{what}: {text}");
        if status == 200 {
            let note = Submission::parse(&body).unwrap().note().clone();
            assert_eq!(office.time(&note, &text), office.clock.now().as_second().cast_unsigned(), "{what}");
        }
    }
    assert_eq!(post(address, &vec![b'a'; 300 * 1_024]).await.0, 413);
    assert_eq!(post(address, b"old 0\n\n\xff").await.0, 400);
    let evidence = office.evidence();
    assert_eq!(evidence.len(), 1, "a fork is kept once: {evidence:?}");
    for note in [log.note(5), fork.note(5)] {
        assert!(evidence[0].contains(&note.to_string()), "{}", evidence[0]);
    }
    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[test]
fn what_is_no_submission_is_refused() {
    let witness = Office::new();
    let witness = witness.open();
    let log = Log::new(ORIGIN);
    let good = log.submission(0, 5);
    let note = log.note(5).to_string();
    let hash = "A".repeat(43) + "=";
    for body in [
        String::new(),
        "\n".into(),
        note.clone(),
        format!("\n\n{note}"),
        format!("old 0\n{note}"),
        format!("old\n\n{note}"),
        format!("old \n\n{note}"),
        format!("old 00\n\n{note}"),
        format!("old 05\n\n{note}"),
        format!("old +5\n\n{note}"),
        format!("old -1\n\n{note}"),
        format!("old 5 \n\n{note}"),
        format!("old  5\n\n{note}"),
        format!("OLD 5\n\n{note}"),
        format!("new 5\n\n{note}"),
        format!("old 18446744073709551616\n\n{note}"),
        format!("old 6\n\n{note}"),
        format!("old 1\r\n\r\n{note}"),
        format!("old 1\n{hash} \n\n{note}"),
        format!("old 1\n{}\n\n{note}", &hash[..40]),
        format!("old 1\nnot base64\n\n{note}"),
        format!("old 1\n{}\n{note}", format!("{hash}\n").repeat(64)),
        format!("old 0\n\n\n{note}"),
        good.replace("2026q4\n5\n", "2026q4\n05\n"),
        good.replace("2026q4\n5\n", "2026q4\n18446744073709551616\n"),
        good.replace("2026q4\n5\n", "2026q4\n\n5\n"),
        good.replace('\u{2014}', "-"),
        good.trim_end().to_owned(),
        good.split('\u{2014}').next().unwrap().to_owned(),
    ] {
        let verdict = witness.add_checkpoint(&body).unwrap();
        assert!(matches!(verdict, Verdict::Malformed(_)), "{body:?}: {verdict:?}");
    }
    assert!(matches!(witness.add_checkpoint(&good).unwrap(), Verdict::Cosigned(_)));
    let huge = Note::sign(Checkpoint::new(ORIGIN.into(), u64::MAX, [1; 32]).to_string(), &log.key);
    let huge = Submission::new(5, Vec::new(), huge).unwrap().to_string();
    assert!(matches!(witness.add_checkpoint(&huge).unwrap(), Verdict::Malformed(_)));
}

#[test]
fn signatures_of_others_are_ignored_and_a_false_one_of_the_log_is_not() {
    let office = Office::new();
    let witness = office.open();
    let log = Log::new(ORIGIN);
    let line = |note: &Note| note.to_string().lines().last().unwrap().to_owned();
    let mut greased = log.note(5);
    greased.add(Signature::parse("\u{2014} grease.example/x AAAAAAAAAA==").unwrap()).unwrap();
    let mut false_one = log.note(6);
    false_one.add(Signature::parse(&line(&log.note(7))).unwrap()).unwrap();
    let submission = |old, note| Submission::new(old, Vec::new(), note).unwrap().to_string();
    assert!(matches!(witness.add_checkpoint(&submission(0, greased)).unwrap(), Verdict::Cosigned(_)));
    assert_eq!(witness.add_checkpoint(&submission(5, false_one)).unwrap(), Verdict::Unsigned);
}

#[test]
fn what_was_cosigned_is_remembered_over_a_restart_and_for_each_shard() {
    let office = Office::new();
    let (log, next) = (Log::new(ORIGIN), Log::new("city.example/audit/2027q1"));
    assert!(matches!(office.open().add_checkpoint(&log.submission(0, 7)).unwrap(), Verdict::Cosigned(_)));
    let witness = office.open();
    assert_eq!(witness.add_checkpoint(&log.submission(0, 8)).unwrap(), Verdict::Conflict { size: 7 });
    office.clock.advance(SignedDuration::from_secs(60));
    let Verdict::Cosigned(line) = witness.add_checkpoint(&log.submission(7, 8)).unwrap() else {
        panic!("not cosigned")
    };
    assert_eq!(office.time(&log.note(8), &line), office.clock.now().as_second().cast_unsigned());
    assert!(matches!(witness.add_checkpoint(&next.submission(0, 3)).unwrap(), Verdict::Cosigned(_)));
    assert_eq!(office.open().add_checkpoint(&next.submission(0, 4)).unwrap(), Verdict::Conflict { size: 3 });
    assert_eq!(office.open().add_checkpoint(&log.submission(0, 9)).unwrap(), Verdict::Conflict { size: 8 });
}

/// A log whose tail was cut off and grown anew at the same places.
#[test]
fn a_log_that_was_rolled_back_is_not_cosigned() {
    let office = Office::new();
    let witness = office.open();
    let (log, regrown) = (Log::new(ORIGIN), Log::forked(ORIGIN, 6));
    assert!(matches!(witness.add_checkpoint(&log.submission(0, 10)).unwrap(), Verdict::Cosigned(_)));
    for (size, verdict) in [(6, Verdict::Conflict { size: 10 }), (8, Verdict::Conflict { size: 10 })] {
        assert_eq!(witness.add_checkpoint(&regrown.submission(6, size)).unwrap(), verdict);
    }
    assert_eq!(witness.add_checkpoint(&regrown.submission(10, 10)).unwrap(), Verdict::Conflict { size: 10 });
    assert_eq!(witness.add_checkpoint(&regrown.submission(10, 12)).unwrap(), Verdict::Unproved);
    assert!(matches!(witness.add_checkpoint(&log.submission(10, 12)).unwrap(), Verdict::Cosigned(_)));
}

#[test]
fn of_those_who_come_at_once_with_the_same_size_one_is_cosigned() {
    let office = Office::new();
    // Two processes over the same folder.
    let witnesses = [office.open(), office.open()];
    let log = Log::new(ORIGIN);
    assert!(matches!(witnesses[0].add_checkpoint(&log.submission(0, 4)).unwrap(), Verdict::Cosigned(_)));
    let start = std::sync::Barrier::new(16);
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let each = (5..21).map(|size| {
            let (witness, body) = (&witnesses[usize::try_from(size % 2).unwrap()], log.submission(4, size));
            let start = &start;
            scope.spawn(move || {
                start.wait();
                witness.add_checkpoint(&body).unwrap()
            })
        });
        let threads: Vec<_> = each.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sizes: Vec<u64> =
        (5..21).zip(&verdicts).filter(|(_, v)| matches!(v, Verdict::Cosigned(_))).map(|(n, _)| n).collect();
    assert_eq!(sizes.len(), 1, "{verdicts:?}");
    for verdict in verdicts.iter().filter(|verdict| !matches!(verdict, Verdict::Cosigned(_))) {
        assert_eq!(*verdict, Verdict::Conflict { size: sizes[0] });
    }
}

#[test]
fn a_folder_that_is_not_as_it_should_be_is_refused() {
    let refused = |change: &dyn Fn(&Path)| {
        let office = Office::new();
        change(office.folder.path());
        let opened = Witness::open(office.folder.path(), Arc::clone(&office.clock) as Arc<dyn Clock>);
        opened.map(drop).unwrap_err().to_string()
    };
    let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let other = |folder: &Path| {
        let other = Office::new();
        fs::copy(other.folder.path().join("vkey"), folder.join("vkey")).unwrap();
    };
    for (change, expected) in [
        (&(|folder: &Path| chmod(&folder.join("witness.key"), 0o640)) as &dyn Fn(&Path), "others may read it"),
        (&|folder| fs::write(folder.join("witness.key"), "x").unwrap(), "a key is 64 hexadecimal digits"),
        (&|folder| fs::write(folder.join("vkey"), "x").unwrap(), "vkey:1: it is not a key"),
        (&other, "it does not belong to witness.key"),
        (&|folder| fs::write(folder.join("logs"), "# none\n").unwrap(), "it names no log"),
        (&|folder| fs::write(folder.join("logs"), "#\nx\n").unwrap(), "logs:2: it is not a key"),
        (&|folder| fs::write(folder.join("state.db"), "not a database at all").unwrap(), "state.db: "),
    ] {
        let said = refused(change);
        assert!(said.contains(expected), "{said}");
    }
    let office = Office::new();
    let again = create(office.folder.path(), NAME, &[]).unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");
    let key = fs::metadata(office.folder.path().join("witness.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert!(create(&office.folder.path().join("x"), "a name", &[]).is_err());
    assert!(!office.folder.path().join("x").exists());
}
