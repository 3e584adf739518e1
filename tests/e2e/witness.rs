//! Two offices witness the log of a city. Failure: a published checkpoint without the cosignatures that are asked for, or with one that
//! somebody else's library does not verify; a gateway that waits for a witness; a log that is rolled back and served.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use heyan::sample::cases::CASES;
use heyan::tlog::note::{Note, VerifierKey};
use heyan::tlog::policy::Policy;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, heyan, questions, until};

/// Verifies a cosignature by the words of C2SP tlog-cosignature.
const COSIGNED: &str = r#"
import base64, hashlib, struct, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
note, vkey = open(sys.argv[1], encoding="utf-8").read(), sys.argv[2]
name, key_id, key = vkey.split("+", 2)
key = base64.b64decode(key)
assert key[0] == 4 and hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] == key_id
text, lines = note.rsplit("\n\n", 1)
[line] = [line for line in lines.splitlines() if line.split(" ")[1] == name]
signature = base64.b64decode(line.split(" ")[2])
assert signature[:4].hex() == key_id and len(signature) == 76
time = struct.unpack(">Q", signature[4:12])[0]
Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[12:], f"cosignature/v1\ntime {time}\n{text}\n".encode())
"#;

/// A witness in a process of its own. Killed when dropped.
struct Office {
    process: Child,
    vkey: String,
    line: String,
}

impl Office {
    fn open(folder: &Path, name: &str, log: &Path) -> Self {
        let folder = folder.join(name);
        let full = format!("{name}.example/witness");
        let mut init = heyan();
        init.args(["witness", "init", "--name", &full, "--output", "json", "--log"]).arg(log).arg(&folder);
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let vkey = made["vkey"].as_str().unwrap().to_owned();
        assert_eq!(fs::read_to_string(folder.join("vkey")).unwrap().trim_end(), vkey);
        let mut serve = heyan();
        serve.args(["witness", "serve", "--listen", "127.0.0.1:0", "--output", "json"]).arg(&folder);
        let mut process = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["vkey"], vkey.as_str());
        let line = format!("witness {name} {vkey} {}\n", said["url"].as_str().unwrap());
        Self { process, vkey, line }
    }

    /// Asks it to end; whether it did so as it should.
    fn end(mut self) -> bool {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap().success()
    }

    fn cosigned(&self, note: &Path) -> bool {
        let python = std::env::var("HEYAN_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        Command::new(python).args(["-c", COSIGNED]).arg(note).arg(&self.vkey).output().unwrap().status.success()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        // It may have ended already.
        if self.process.kill().is_ok() && self.process.wait().is_err() {
            eprintln!("the witness could not be waited for");
        }
    }
}

async fn ask(gateway: &Gateway, case: usize) {
    let (case, question) = questions::named(CASES[case].id);
    VerificationServiceClient::new(gateway.connect(case.system).await).verify(question).await.unwrap();
}

/// Waits until the checkpoint of the city is another one than `before`, and gives it.
async fn next_checkpoint(city: &City, before: &str) -> String {
    let read = || fs::read_to_string(city.file("log/checkpoint")).unwrap_or_default();
    let text = |note: &str| note.split("\n\n").next().unwrap().to_owned();
    until("a new checkpoint is published", async || text(&read()) != text(before)).await;
    read()
}

fn unwitnessed(gateway: &Gateway) -> u64 {
    let metrics = gateway.admin("/metrics").1;
    let line = metrics.lines().find_map(|line| line.strip_prefix("heyan_audit_unwitnessed_seconds "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_offices_witness_the_log_and_one_is_enough_where_the_policy_says_so() {
    let (city, offices) = (City::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start(&city);
    ask(&gateway, 0).await;
    let first = next_checkpoint(&city, "").await;
    gateway.signal("TERM");
    gateway.wait();
    let log = city.file("log/vkey");
    let (audit, justice) = (Office::open(offices.path(), "audit", &log), Office::open(offices.path(), "justice", &log));
    let policy = |k: u8| {
        let log = fs::read_to_string(&log).unwrap();
        format!("log {log}{}{}group enough {k} audit justice\nquorum enough\n", audit.line, justice.line)
    };
    let satisfies = |policy: &str, note: &str| {
        Policy::parse(policy.as_bytes()).unwrap().satisfied_by(&Note::parse(note).unwrap()).is_ok()
    };
    let (both, either) = (policy(2), policy(1));
    fs::write(city.file("witnesses"), &both).unwrap();
    city.edit("heyan.toml", |text| text.replacen("[audit]", "[audit]\nwitness_policy = \"witnesses\"", 1));

    let gateway = Gateway::start(&city);
    ask(&gateway, 1).await;
    let note = next_checkpoint(&city, &first).await;
    assert!(satisfies(&both, &note), "{note}");
    let kept = offices.path().join("checkpoint");
    fs::write(&kept, &note).unwrap();
    assert!(audit.cosigned(&kept) && justice.cosigned(&kept), "{note}");
    fs::write(&kept, note.replacen("\n\n", "x\n\n", 1)).unwrap();
    assert!(!audit.cosigned(&kept), "the script verifies another checkpoint");
    assert_eq!(unwitnessed(&gateway), 0);

    assert!(justice.end(), "a witness ends when it is asked to");
    ask(&gateway, 2).await;
    let note = next_checkpoint(&city, &note).await;
    assert!(!satisfies(&both, &note) && satisfies(&either, &note), "{note}");
    until("it is told how long", async || unwitnessed(&gateway) > 0).await;
    gateway.signal("TERM");
    gateway.wait();

    fs::write(city.file("witnesses"), &either).unwrap();
    let gateway = Gateway::start(&city);
    ask(&gateway, 3).await;
    let note = next_checkpoint(&city, &note).await;
    assert!(satisfies(&either, &note), "{note}");
    note_is_of(&note, &log);
    assert_eq!(unwitnessed(&gateway), 0);
    gateway.signal("TERM");
    gateway.wait();

    let checked = heyan().args(["audit", "verify", "--city"]).arg(city.path()).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));

    // Without its store and without what was published, the gateway would begin a second log.
    fs::remove_dir_all(city.file("state")).unwrap();
    fs::remove_dir_all(city.file("log")).unwrap();
    let refused = heyan().arg("serve").arg(city.path()).args(["--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("LOG_ROLLBACK: the witness audit contradicts the log"), "{said}");
    assert!(audit.end());
}

fn note_is_of(note: &str, log: &Path) {
    let key = VerifierKey::parse(fs::read_to_string(log).unwrap().trim_end()).unwrap();
    Note::parse(note).unwrap().verified_by(&key).unwrap();
}
