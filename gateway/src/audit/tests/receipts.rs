//! Whoever verifies a receipt comes to the same verdict: our own verifier, as `heyan receipt verify` uses it; the script that shares
//! nothing with it; and other people's libraries (`signed_note`, `tlog_tiles`, `sigstore-merkle`), which know notes and trees and
//! nothing of receipts. Failure: a receipt of a log that one of them does not verify; one with a byte of its leaf, its path or its
//! checkpoint changed that one of them does; a verdict that is missing.

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sigstore_types::Sha256Hash;

use super::*;
use crate::clock::SystemClock;
use crate::receipt::ReceiptFile;
use crate::tlog::note::VerifierKey;

const RECEIPTS: usize = 10_000;
const FLIPS: usize = 200;

/// Runs the script for every receipt of a file, one to a line; a line for each says `True` or `False`.
const EACH: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
import verify
for text in open(sys.argv[2], encoding="utf-8", newline="\n"):
    try:
        verify.receipt(text, sys.argv[3])
        print(True)
    except Exception:
        print(False)
"#;

/// Records questions of many lengths in batches of many sizes, and gives their receipts.
async fn receipts(audit: &Audit, chance: &mut Chance) -> Vec<ReceiptFile> {
    let mut receipts = Vec::with_capacity(RECEIPTS);
    while receipts.len() < RECEIPTS {
        let batch = usize::try_from(1 + chance.below(400)).unwrap().min(RECEIPTS - receipts.len());
        let answers = (receipts.len()..receipts.len() + batch).map(|n| {
            let mut text = |most| (0..chance.below(most)).map(|_| chance.below(256) as u8).collect::<Vec<u8>>();
            let (question, answer) = (text(100), text(200));
            async move {
                let reservation = fresh(audit, n as u128).await;
                let record = Record { request: question.as_slice().into(), ..answered(n as u128, "differs") };
                let receipt = reservation.answer(None, record, answer.clone()).await.unwrap();
                let leaf = String::from_utf8(receipt.leaf().to_vec()).unwrap();
                let (salt, proof) = (receipt.salt().to_vec(), receipt.proof());
                ReceiptFile { question, answer, salt, leaf, proof }
            }
        });
        receipts.extend(futures::future::join_all(answers).await);
    }
    receipts
}

fn ours(key: &VerifierKey, receipts: &[ReceiptFile]) -> Vec<bool> {
    let verify = |text: &str| {
        ReceiptFile::parse(text.as_bytes()).and_then(|receipt| receipt.verify(key, None, SystemClock.now()))
    };
    receipts.iter().map(|receipt| verify(&receipt.to_string()).is_ok()).collect()
}

/// All in one process.
fn independent(folder: &Path, key: &VerifierKey, receipts: &[ReceiptFile]) -> Vec<bool> {
    let list = folder.join("receipts");
    let mut lines = BufWriter::new(fs::File::create(&list).unwrap());
    for receipt in receipts {
        // The file as it is written, on one line: in JSON a line feed within a text is escaped.
        writeln!(lines, "{}", receipt.to_string().replace('\n', "")).unwrap();
    }
    lines.into_inner().unwrap();
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/independent");
    let python = std::env::var("HEYAN_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut each = Command::new(python);
    let each = each.args(["-c", EACH, scripts]).arg(&list).arg(key.to_string()).stdin(Stdio::null()).output().unwrap();
    assert!(each.status.success(), "{}", String::from_utf8_lossy(&each.stderr));
    String::from_utf8_lossy(&each.stdout).lines().map(|line| line == "True").collect()
}

/// What a note is worth to `signed_note` and `tlog_tiles`: the size and root of its tree. Many receipts have the same one.
struct Theirs<'a> {
    key: &'a VerifierKey,
    notes: HashMap<String, Option<(u64, tlog_tiles::Hash)>>,
}

impl Theirs<'_> {
    fn tree(&mut self, note: &str) -> Option<(u64, tlog_tiles::Hash)> {
        let key = self.key.to_string();
        let read = |note: &str| {
            let verifier = signed_note::StandardVerifier::new(&key).ok()?;
            let signed = signed_note::Note::from_bytes(note.as_bytes()).ok()?;
            signed.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).ok()?;
            let checkpoint = tlog_tiles::Checkpoint::from_bytes(signed.text()).ok()?;
            (checkpoint.origin() == self.key.name()).then_some((checkpoint.size(), *checkpoint.hash()))
        };
        *self.notes.entry(note.to_owned()).or_insert_with(|| read(note))
    }

    /// Takes a proof apart by its lines, which is all that no library of others does.
    fn verify(&mut self, receipt: &ReceiptFile) -> Option<bool> {
        let (path, note) = receipt.proof.split_once("\n\n")?;
        let mut lines = path.split('\n');
        let index = lines.next().filter(|first| *first == "c2sp.org/tlog-proof@v1").and(lines.next())?;
        let index: u64 = index.strip_prefix("index ")?.parse().ok().filter(|n| format!("index {n}") == index)?;
        let path: Vec<Hash> = lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<_>>()?;
        let (size, root) = self.tree(note)?;
        let leaf = tlog_tiles::record_hash(receipt.leaf.as_bytes());
        let theirs: Vec<_> = path.iter().copied().map(tlog_tiles::Hash).collect();
        let by_tiles = tlog_tiles::check_record(&theirs, size, root, index, leaf).is_ok();
        let sigstore = |hash: &Hash| Sha256Hash::new(*hash);
        let path: Vec<_> = path.iter().map(sigstore).collect();
        let (leaf, root) = (sigstore(&leaf.0), sigstore(&root.0));
        let by_sigstore = sigstore_merkle::verify_inclusion_proof(&leaf, index, size, &path, &root).is_ok();
        assert_eq!(by_tiles, by_sigstore, "the libraries of others disagree: {}", receipt.proof);
        Some(by_tiles)
    }
}

fn theirs(key: &VerifierKey, receipts: &[ReceiptFile]) -> Vec<bool> {
    let mut theirs = Theirs { key, notes: HashMap::new() };
    receipts.iter().map(|receipt| theirs.verify(receipt).unwrap_or(false)).collect()
}

/// The verdict of each on each receipt, who work at the same time.
fn everybody(fixture: &Fixture, key: &VerifierKey, receipts: &[ReceiptFile]) -> [(&'static str, Vec<bool>); 3] {
    std::thread::scope(|threads| {
        let script = threads.spawn(|| independent(fixture.folder.path(), key, receipts));
        let libraries = threads.spawn(|| theirs(key, receipts));
        let ours = ours(key, receipts);
        [("ours", ours), ("the script", script.join().unwrap()), ("the libraries of others", libraries.join().unwrap())]
    })
}

/// One bit changed of the leaf, of the path or of the checkpoint, in turn. What is ASCII stays so.
fn flipped(receipt: &ReceiptFile, round: usize, chance: &mut Chance) -> ReceiptFile {
    let mut receipt = receipt.clone();
    let checkpoint = receipt.proof.find("\n\n").unwrap();
    let (text, range) = match round % 3 {
        0 => (&mut receipt.leaf, 0..usize::MAX),
        1 => (&mut receipt.proof, 0..checkpoint),
        _ => (&mut receipt.proof, checkpoint..usize::MAX),
    };
    let mut bytes = std::mem::take(text).into_bytes();
    loop {
        let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        // The dash before a signature is not ASCII.
        if range.contains(&at) && bytes[at].is_ascii() {
            bytes[at] ^= 1 << chance.below(7);
            break;
        }
    }
    *text = String::from_utf8(bytes).unwrap();
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_verify_ten_thousand_receipts_agree() {
    let fixture = Fixture::new();
    let audit = fixture.open();
    let mut chance = Chance(11);
    let receipts = receipts(&audit, &mut chance).await;
    audit.close().await;
    let key = fixture.keys().log_key(LOG).verifier(&format!("{LOG}/2026q4"));
    for (who, verdicts) in everybody(&fixture, &key, &receipts) {
        assert_eq!(verdicts.len(), RECEIPTS, "{who}");
        let refused = verdicts.iter().position(|verified| !verified);
        assert_eq!(refused.map(|at| (&receipts[at].leaf, &receipts[at].proof)), None, "refused by {who}");
    }
    let flipped: Vec<ReceiptFile> = (0..FLIPS)
        .map(|round| {
            let receipt = &receipts[usize::try_from(chance.below(RECEIPTS as u64)).unwrap()];
            flipped(receipt, round, &mut chance)
        })
        .collect();
    for (who, verdicts) in everybody(&fixture, &key, &flipped) {
        assert_eq!(verdicts.len(), FLIPS, "{who}");
        let verified = verdicts.iter().position(|verified| *verified);
        assert_eq!(verified.map(|at| (&flipped[at].leaf, &flipped[at].proof)), None, "verified by {who}");
    }
}
