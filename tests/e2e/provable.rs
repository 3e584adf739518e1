//! What a gateway gives out can be proved by anybody: our own library and a script that shares nothing with it agree. Failure: a receipt
//! or a log that one of them does not verify; a changed one that one of them does.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use heyan::receipt::{ReceiptError, ReceiptFile};
use heyan::sample::cases::CASES;
use heyan::tlog::note::{Note, VerifierKey};
use heyan::tlog::proof::TlogProof;
use heyan::tlog::tree::leaf_hash;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, heyan, page, questions, until};
use jiff::{SignedDuration, Timestamp};
use prost::Message;

/// Runs the script for every file of a list; a line for each says `True` or `False`.
const EACH: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
import verify
for file in sys.stdin.read().split():
    try:
        verify.receipt(open(file, "rb").read(), sys.argv[2])
        print(True)
    except Exception:
        print(False)
"#;

fn scripts() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("independent")
}

fn python() -> Command {
    Command::new(std::env::var("HEYAN_TEST_PYTHON").unwrap_or_else(|_| "python3".into()))
}

/// Whether the script verifies each of these receipts.
fn independent(folder: &Path, key: &str, receipts: &[Vec<u8>]) -> Vec<bool> {
    let files: Vec<String> =
        (0..receipts.len()).map(|n| folder.join(format!("{n}.json")).display().to_string()).collect();
    for (file, receipt) in files.iter().zip(receipts) {
        fs::write(file, receipt).unwrap();
    }
    let list = folder.join("list");
    fs::write(&list, files.join("\n")).unwrap();
    let each =
        python().args(["-c", EACH]).arg(scripts()).arg(key).stdin(fs::File::open(&list).unwrap()).output().unwrap();
    assert!(each.status.success(), "{}", String::from_utf8_lossy(&each.stderr));
    let said: Vec<bool> = String::from_utf8_lossy(&each.stdout).lines().map(|line| line == "True").collect();
    assert_eq!(said.len(), receipts.len());
    said
}

fn ours(key: &VerifierKey, receipt: &[u8]) -> bool {
    ReceiptFile::parse(receipt).and_then(|receipt| receipt.verify(key, None, Timestamp::now())).is_ok()
}

/// Asks every case of the sample, and gives the receipts.
async fn receipts(gateway: &Gateway) -> Vec<ReceiptFile> {
    let mut receipts = Vec::new();
    for case in CASES {
        let (_, question) = questions::named(case.id);
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        let response = client.verify(question.clone()).await.unwrap().into_inner();
        let again = client.verify(question.clone()).await.unwrap().into_inner();
        assert_eq!(
            again.encode_to_vec(),
            response.encode_to_vec(),
            "{}: a repetition is the same, byte for byte",
            case.id
        );
        let receipt = response.receipt.clone().unwrap();
        assert!(String::from_utf8(receipt.leaf.clone()).unwrap().contains(case.system), "{}", case.id);
        let answer = v1::VerifyResponse { decision_id: String::new(), receipt: None, ..response };
        receipts.push(ReceiptFile {
            question: [b"verify:", question.encode_to_vec().as_slice()].concat(),
            answer: answer.encode_to_vec(),
            salt: receipt.salt,
            leaf: String::from_utf8(receipt.leaf).unwrap(),
            proof: receipt.proof,
        });
    }
    receipts
}

async fn published_key(city: &City) -> String {
    until("the log is published", async || city.file("log/vkey").exists()).await;
    fs::read_to_string(city.file("log/vkey")).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn receipts_are_verified_by_anybody_and_changed_ones_by_nobody() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let receipts = receipts(&gateway).await;
    let line = published_key(&city).await;
    let key = VerifierKey::parse(&line).unwrap();
    let written: Vec<Vec<u8>> = receipts.iter().map(|receipt| receipt.to_string().into_bytes()).collect();
    let folder = tempfile::tempdir().unwrap();
    assert!(written.iter().all(|receipt| ours(&key, receipt)));
    assert!(independent(folder.path(), &line, &written).into_iter().all(|verified| verified));

    // One bit of every byte of one receipt.
    let flipped: Vec<Vec<u8>> = (0..written[0].len())
        .map(|at| {
            let mut receipt = written[0].clone();
            receipt[at] ^= 1 << (at % 8);
            receipt
        })
        .collect();
    let verified: Vec<usize> =
        (0..).zip(&flipped).filter(|(_, receipt)| ours(&key, receipt)).map(|(at, _)| at).collect();
    assert_eq!(verified, [0; 0], "ours verifies a receipt with these bytes changed");
    let said = independent(folder.path(), &line, &flipped);
    let verified: Vec<usize> = (0..).zip(said).filter(|(_, verified)| *verified).map(|(at, _)| at).collect();
    assert_eq!(verified, [0; 0], "the script verifies a receipt with these bytes changed");

    // Parts of two receipts put together; another log's key; another caller.
    for other in &receipts[1..] {
        let mixed = [
            ReceiptFile { question: other.question.clone(), ..receipts[0].clone() },
            ReceiptFile { answer: other.answer.clone(), ..receipts[0].clone() },
            ReceiptFile { leaf: other.leaf.clone(), ..receipts[0].clone() },
            ReceiptFile { proof: other.proof.clone(), ..receipts[0].clone() },
            ReceiptFile { leaf: other.leaf.clone(), proof: other.proof.clone(), ..receipts[0].clone() },
        ];
        for mixed in mixed.into_iter().filter(|mixed| *mixed != receipts[0]) {
            assert!(mixed.verify(&key, None, Timestamp::now()).is_err());
        }
    }
    let owner = receipts[0].verify(&key, None, Timestamp::now()).unwrap().caller;
    assert!(receipts[0].verify(&key, Some(&owner), Timestamp::now()).is_ok());
    let others = receipts[0].verify(&key, Some("spiffe://sample-city.example/system/somebody-else"), Timestamp::now());
    assert_eq!(others, Err(ReceiptError::OtherCaller(owner)));
    let from_the_future = receipts[0].verify(&key, None, Timestamp::now() - SignedDuration::from_mins(10));
    assert!(matches!(from_the_future, Err(ReceiptError::Refuted(_))));
}

#[tokio::test]
async fn the_published_log_is_verified_by_anybody() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    receipts(&gateway).await;
    let key = published_key(&city).await;
    let proof = heyan()
        .args(["audit", "prove", "--index", "1", "--output", "json", "--city"])
        .arg(city.path())
        .output()
        .unwrap();
    let proof: serde_json::Value = serde_json::from_slice(&proof.stdout).unwrap();
    let verifier = VerifierKey::parse(&key).unwrap();
    let leaf = leaf_hash(proof["leaf"].as_str().unwrap().as_bytes());
    TlogProof::parse(proof["proof"].as_str().unwrap()).unwrap().verify(&leaf, &verifier).unwrap();
    gateway.signal("TERM");
    gateway.wait();
    let none = heyan().args(["audit", "prove", "--index", "100000", "--city"]).arg(city.path()).output().unwrap();
    assert_eq!(none.status.code(), Some(1));
    let log = |folder: &Path| -> Output {
        python().arg(scripts().join("verify.py")).arg("log").arg(folder).arg(&key).output().unwrap()
    };
    let whole = log(&city.file("log"));
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let exported = tempfile::tempdir().unwrap();
    let export = || {
        heyan().args(["audit", "export", "--city"]).arg(city.path()).arg("--to").arg(exported.path()).output().unwrap()
    };
    assert_eq!(export().status.code(), Some(0));
    assert_eq!(export().status.code(), Some(2), "a folder that is not empty is left alone");
    let shard = fs::read_dir(exported.path()).unwrap().next().unwrap().unwrap().path();
    let whole = log(&shard);
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let shard = fs::read_link(city.file("log/checkpoint")).unwrap().parent().unwrap().to_owned();
    let entries = city.file("log").join(shard).join("tile/entries/000.p");
    let bundle = fs::read_dir(&entries)
        .unwrap()
        .map(|file| file.unwrap().path())
        .max_by_key(|file| fs::metadata(file).unwrap().len());
    let bundle = bundle.unwrap();
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    assert!(!log(&city.file("log")).status.success(), "a changed entry is found");
}

#[tokio::test]
async fn the_public_log_is_served_and_nothing_beside_it() {
    let city = City::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    city.edit("heyan.toml", |text| text.replacen("[listen]", &format!("[listen]\nlog = \"{address}\""), 1));
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named(CASES[0].id);
    VerificationServiceClient::new(gateway.connect(case.system).await).verify(question).await.unwrap();
    let key = published_key(&city).await;
    let fetch = |path: &str| page(&address, path);
    let (status, checkpoint) = fetch("/checkpoint");
    assert_eq!(status, 200, "{checkpoint}");
    Note::parse(&checkpoint).unwrap().verified_by(&VerifierKey::parse(&key).unwrap()).unwrap();
    assert_eq!(fetch("/vkey"), (200, format!("{key}\n")));
    let (status, entries) = fetch("/tile/entries/000.p/2");
    assert!(status == 200 && entries.contains("\"class\":\"answered\""), "{status} {entries}");
    for path in ["/", "/../keys/audit/log.key", "/tile/../../keys/audit/log.key", "/tile/0/000", "/.checkpoint.new"] {
        assert_eq!(fetch(path).0, 404, "{path}");
    }
}
