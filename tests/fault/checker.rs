//! The checker: from what callers hold, what the gateway said it asked, and the log as it lies on disk, whether any promise
//! was broken. It reads the store by itself and shares no code with the gateway.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use heyan_proto::v1;
use heyan_tests::PostgresServer;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::time::Instant;
use uuid::Uuid;

/// What a caller holds: a receipt, when it asked for it and when it came.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) request_id: String,
    pub(crate) receipt: v1::Receipt,
    pub(crate) sent: Instant,
    pub(crate) received: Instant,
}

struct Entry {
    decision: String,
    class: String,
    caller: String,
    intent: Option<u64>,
    hash: [u8; 32],
}

/// Where the log lies.
#[derive(Debug)]
pub(crate) enum Log<'a> {
    File(PathBuf),
    /// A database of a server, by its URL.
    Server(&'a PostgresServer, &'a str),
}

/// Everything that is violated; empty when every promise was kept. `asked` are the decisions for which a department was
/// asked, as the gateway said before asking.
pub(crate) fn violations(log: &Log<'_>, held: &[Held], asked: &HashSet<String>) -> Vec<String> {
    let (rows, size, notes) = match log {
        Log::File(path) => read_file(path),
        Log::Server(server, url) => read_server(server, url),
    };
    let (entries, mut found) = read(rows, size);
    checkpoints_are_of_one_log(&notes, held, &mut found);
    receipts_are_in_the_log(&entries, held, &mut found);
    every_question_to_a_department_has_an_earlier_intent(&entries, asked, &mut found);
    intents_are_closed_once(&entries, &mut found);
    the_same_question_has_the_same_receipt(held, &mut found);
    order_respects_time(held, &mut found);
    found
}

/// C1, C2, C5: every answer that a caller received is an answer in the log, at its index, with its hash.
fn receipts_are_in_the_log(entries: &[Entry], held: &[Held], found: &mut Vec<String>) {
    for held in held {
        let receipt = &held.receipt;
        match entries.get(usize::try_from(receipt.index).unwrap()) {
            None => found.push(format!("#{} was answered and is not in the log", receipt.index)),
            Some(entry) => {
                let answers = ["answered", "denied", "undetermined"].contains(&entry.class.as_str());
                if !answers || entry.decision != receipt.decision_id || entry.hash.as_slice() != receipt.leaf_hash {
                    found.push(format!("#{} is another entry than its receipt says ({})", receipt.index, entry.class));
                }
            }
        }
    }
}

/// C3: every checkpoint that left with a receipt is one that the log kept. `heyan audit verify` holds those to one another.
fn checkpoints_are_of_one_log(notes: &HashSet<String>, held: &[Held], found: &mut Vec<String>) {
    for held in held {
        let note = held.receipt.proof.split_once("\n\n").map(|(_, note)| note);
        if note.is_none_or(|note| !notes.contains(note)) {
            found.push(format!("#{} left with a checkpoint that the log does not have", held.receipt.index));
        }
    }
}

/// C4: a durable intent stands before every question to a department.
fn every_question_to_a_department_has_an_earlier_intent(
    entries: &[Entry],
    asked: &HashSet<String>,
    found: &mut Vec<String>,
) {
    let intents: HashSet<&str> =
        entries.iter().filter(|entry| entry.class == "intent").map(|entry| entry.decision.as_str()).collect();
    for decision in asked {
        if !intents.contains(decision.as_str()) {
            found.push(format!("a department was asked for {decision} without an intent"));
        }
    }
}

/// C7: after a clean start no intent is open, and none is closed twice.
fn intents_are_closed_once(entries: &[Entry], found: &mut Vec<String>) {
    let mut closed = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if let Some(intent) = entry.intent {
            if entries
                .get(usize::try_from(intent).unwrap())
                .is_none_or(|of| of.class != "intent" || of.caller != entry.caller)
            {
                found.push(format!("#{index} closes #{intent}, which is no intent of its caller"));
            }
            if let Some(other) = closed.insert(intent, index) {
                found.push(format!("#{intent} is closed by #{other} and by #{index}"));
            }
        }
    }
    for (index, _) in entries.iter().enumerate().filter(|(_, entry)| entry.class == "intent") {
        if !closed.contains_key(&(index as u64)) {
            found.push(format!("#{index} is an intent that nothing closes"));
        }
    }
}

/// C6: one question, one receipt, however often it was asked.
fn the_same_question_has_the_same_receipt(held: &[Held], found: &mut Vec<String>) {
    let mut first: HashMap<&str, &v1::Receipt> = HashMap::new();
    for held in held {
        let receipt = first.entry(&held.request_id).or_insert(&held.receipt);
        if **receipt != held.receipt {
            found.push(format!("one question has the receipts #{} and #{}", receipt.index, held.receipt.index));
        }
    }
}

/// C8: an answer that came before another question was sent has the smaller index. Repetitions are left out: they bring
/// an old receipt.
fn order_respects_time(held: &[Held], found: &mut Vec<String>) {
    let mut seen = HashSet::new();
    let fresh: Vec<&Held> = held.iter().filter(|held| seen.insert(held.request_id.as_str())).collect();
    let mut by_sent = fresh.clone();
    by_sent.sort_by_key(|held| held.sent);
    let mut by_received = fresh;
    by_received.sort_by_key(|held| held.received);
    let (mut highest, mut next) = (None, 0);
    for held in by_sent {
        while by_received[next].received < held.sent {
            highest = highest.max(Some(by_received[next].receipt.index));
            next += 1;
        }
        if highest.is_some_and(|highest| highest > held.receipt.index) {
            found.push(format!("#{} was asked after #{highest:?} was answered", held.receipt.index));
        }
    }
}

/// Index, decision and leaf of an entry.
type Row = (i64, Vec<u8>, Vec<u8>);

/// The rows, the size by the head's word, and the checkpoints of a SQLite file.
fn read_file(path: &Path) -> (Vec<Row>, i64, HashSet<String>) {
    let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut rows = store.prepare("SELECT idx, decision, leaf FROM entry ORDER BY idx").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let size = store.query_row("SELECT size FROM head", [], |row| row.get(0)).unwrap();
    let mut notes = store.prepare("SELECT note FROM checkpoint").unwrap();
    let notes = notes.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    (rows.collect::<Result<_, _>>().unwrap(), size, notes)
}

/// The same of a PostgreSQL database.
fn read_server(server: &PostgresServer, url: &str) -> (Vec<Row>, i64, HashSet<String>) {
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let rows = server.sql(url, "SELECT idx, encode(decision, 'hex'), encode(leaf, 'hex') FROM entry ORDER BY idx");
    let rows = rows.lines().map(|line| {
        let columns: Vec<&str> = line.split('|').collect();
        (columns[0].parse().unwrap(), bytes(columns[1]), bytes(columns[2]))
    });
    let size = server.sql(url, "SELECT size FROM head").parse().unwrap();
    let notes = server.sql(url, "SELECT encode(convert_to(note, 'UTF8'), 'hex') FROM checkpoint");
    (rows.collect(), size, notes.lines().map(|note| String::from_utf8(bytes(note)).unwrap()).collect())
}

fn read(rows: Vec<Row>, size: i64) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut found) = (Vec::new(), Vec::new());
    for (index, decision, leaf) in rows {
        if usize::try_from(index) != Ok(entries.len()) {
            found.push(format!("#{index} follows #{}", entries.len()));
        }
        let json: Value = serde_json::from_slice(&leaf).unwrap();
        let word = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let decision = Uuid::from_slice(&decision).unwrap().to_string();
        if word("id") != decision {
            found.push(format!("#{index} is filed under another decision than its leaf says"));
        }
        let intent = json.get("intent").and_then(Value::as_u64);
        entries.push(Entry { decision, class: word("class"), caller: word("caller"), intent, hash: leaf_hash(&leaf) });
    }
    if usize::try_from(size) != Ok(entries.len()) {
        found.push(format!("the head says {size} entries, the log has {}", entries.len()));
    }
    (entries, found)
}

/// RFC 6962, section 2.1.
fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(&[0]);
    context.update(leaf);
    context.finish().as_ref().try_into().unwrap()
}

/// The checker finds what it is for. Failure: a broken log that passes.
#[test]
fn the_checker_finds_every_kind_of_violation() {
    let now = Instant::now();
    let receipt =
        |index| v1::Receipt { index, leaf_hash: vec![7; 32], decision_id: format!("d{index}"), ..Default::default() };
    let held = |id: &str, index| Held { request_id: id.into(), receipt: receipt(index), sent: now, received: now };
    let entry = |decision: &str, class: &str, intent| Entry {
        decision: decision.into(),
        class: class.into(),
        caller: "c".into(),
        intent,
        hash: [7; 32],
    };
    let log = [entry("d0", "intent", None), entry("d1", "answered", None)];
    let mut found = Vec::new();
    receipts_are_in_the_log(&log, &[held("a", 1)], &mut found);
    assert_eq!(found, [""; 0]);
    receipts_are_in_the_log(&log, &[held("a", 0), held("b", 9)], &mut found);
    every_question_to_a_department_has_an_earlier_intent(&log, &HashSet::from(["d1".into()]), &mut found);
    intents_are_closed_once(&log, &mut found);
    the_same_question_has_the_same_receipt(&[held("a", 0), held("a", 1)], &mut found);
    let later = now + std::time::Duration::from_secs(1);
    let late = Held { sent: later, received: later, ..held("b", 1) };
    order_respects_time(&[held("a", 5), late], &mut found);
    checkpoints_are_of_one_log(&HashSet::from(["note".into()]), &[held("a", 5)], &mut found);
    assert_eq!(found.len(), 7, "{found:?}");
}
