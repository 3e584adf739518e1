use std::fs;

use super::*;
use crate::tlog::Hash;
use crate::tlog::frontier::Frontier;
use crate::tlog::note::{Note, SigningKey};
use crate::tlog::tile::{WIDTH, add_entry, entries_path, tile_path};
use crate::tlog::tree::leaf_hash;

const ORIGIN: &str = "sample-city.example/audit/";

fn key() -> SigningKey {
    SigningKey::from_seed(&format!("{ORIGIN}2026q3"), &[7; 32]).unwrap()
}

fn leaf(n: u64, caller: &str) -> Vec<u8> {
    let caller = caller.replace('"', "\\\"");
    let at = 1_790_000_000_000_000 + n;
    format!(r#"{{"v":1,"at":{at},"ev":"verify","class":"answered","caller":"{caller}","providers":["tax"]}}"#)
        .into_bytes()
}

/// Writes a shard of these leaves as it is published.
fn publish(log: &Path, shard: &str, leaves: &[Vec<u8>]) {
    let folder = log.join(shard);
    let write = |path: String, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let (mut frontier, mut levels) = (Frontier::default(), vec![Vec::<Hash>::new(); 3]);
    for leaf in leaves {
        let hash = leaf_hash(leaf);
        levels[0].push(hash);
        frontier.push(hash, &mut |subtree| levels[usize::from(subtree.level)].push(subtree.hash));
    }
    for (number, entries) in (0..).zip(leaves.chunks(256)) {
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| add_entry(&mut bundle, entry));
        write(entries_path(number, entries.len() as u64), &bundle);
    }
    for (level, hashes) in (0..).zip(&levels) {
        for (number, tile) in (0..).zip(hashes.chunks(256)) {
            write(tile_path(level, number, tile.len() as u64), tile.as_flattened());
        }
    }
    let origin = format!("{ORIGIN}{shard}");
    let key = SigningKey::from_seed(&origin, &[7; 32]).unwrap();
    let checkpoint = Checkpoint::new(origin, leaves.len() as u64, frontier.root());
    write("checkpoint".into(), Note::sign(checkpoint.to_string(), &key).to_string().as_bytes());
}

fn tail(log: &Path, lines: u64, output: Output) -> Tail<'_, Vec<u8>> {
    let key = Some(key().verifier());
    Tail { folder: log, key, lines, output, lang: Language::English, seen: None, out: Vec::new() }
}

/// What is printed since the last time, line by line.
fn printed(tail: &mut Tail<'_, Vec<u8>>) -> Vec<String> {
    let said = String::from_utf8(std::mem::take(&mut tail.out)).unwrap();
    said.lines().map(str::to_owned).collect()
}

#[test]
fn the_newest_entries_are_printed_over_shards_and_then_those_that_come() {
    let log = tempfile::tempdir().unwrap();
    let mut tail = tail(log.path(), 4, Output::Table);
    assert_eq!((tail.step().unwrap(), printed(&mut tail)), (Reader::Here, vec![]));
    let mut leaves: Vec<Vec<u8>> = (0..255).map(|n| leaf(n, "a")).collect();
    publish(log.path(), "2026q3", &leaves);
    let opening =
        br#"{"v":1,"at":1790000000000300,"ev":"shard","class":"opened","caller":"","providers":[],"first":255}"#;
    let mut next = vec![opening.to_vec(), leaf(1, "b")];
    publish(log.path(), "2026q4", &next);
    tail.step().unwrap();
    let lines = printed(&mut tail);
    assert_eq!(lines[0], "index  time  class  event  caller  provider  item");
    assert_eq!(lines[1], "253  2026-09-21T14:13:20.000253Z  answered  verify  a  tax  -");
    assert_eq!(lines[3], "255  2026-09-21T14:13:20.000300Z  opened  shard  -  -  -");
    assert_eq!((lines.len(), lines[4].starts_with("256 ")), (5, true));
    tail.step().unwrap();
    assert_eq!(printed(&mut tail), [""; 0], "nothing has come");
    next.extend((0..300).map(|n| leaf(n, "c")));
    publish(log.path(), "2026q4", &next);
    tail.step().unwrap();
    let lines = printed(&mut tail);
    assert_eq!(lines.len(), 300);
    assert!(lines[0].starts_with("257 ") && lines[299].starts_with("556 "), "{lines:?}");
    // A tree that does not go on from the one before is not printed, and neither is a shorter one.
    leaves = next.clone();
    leaves[3] = leaf(9, "d");
    leaves.push(leaf(10, "e"));
    for changed in [&leaves[..], &next[..200]] {
        publish(log.path(), "2026q4", changed);
        let failure = tail.step().unwrap_err();
        assert_eq!((failure.exit, printed(&mut tail).len()), (Exit::Broken, 0), "{failure}");
    }
}

#[test]
fn what_was_not_signed_is_not_printed_and_its_index_is_named() {
    let log = tempfile::tempdir().unwrap();
    let leaves: Vec<Vec<u8>> = (0..300).map(|n| leaf(n, "a")).collect();
    let shard = log.path().join("2026q3");
    let opening = format!("{}: in this shard, entry 0: it is not what was signed", shard.display());
    for (file, at, named) in [
        (entries_path(1, 300 - WIDTH), 2 * (leaves[0].len() + 2) + 50, "entry 258: it is not what was signed"),
        (tile_path(0, 1, 300 - WIDTH), 5 * 32, &opening),
        (tile_path(1, 0, 1), 31, "entry 256: it is not what was signed"),
        (tile_path(0, 0, WIDTH), 31, &opening),
        (entries_path(0, WIDTH), 50, &opening),
    ] {
        publish(log.path(), "2026q3", &leaves);
        let mut bytes = fs::read(shard.join(&file)).unwrap();
        bytes[at] ^= 1;
        fs::write(shard.join(&file), bytes).unwrap();
        let mut tail = tail(log.path(), 44, Output::Json);
        let failure = tail.step().unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Broken, named), "{file}");
        let lines = printed(&mut tail);
        assert!(lines.len() < 3 && lines.iter().all(|line| line.contains("\"caller\":\"a\"")), "{file}: {lines:?}");
    }
    publish(log.path(), "2026q3", &leaves);
    let checkpoint = fs::read_to_string(shard.join("checkpoint")).unwrap();
    fs::write(shard.join("checkpoint"), checkpoint.replacen("300", "299", 1)).unwrap();
    assert_eq!(tail(log.path(), 1, Output::Table).step().unwrap_err().exit, Exit::Broken);
    publish(log.path(), "2026q3", &leaves);
    let mut other = tail(log.path(), 1, Output::Table);
    other.key = Some(SigningKey::from_seed(&format!("{ORIGIN}2026q3"), &[8; 32]).unwrap().verifier());
    assert_eq!(other.step().unwrap_err().exit, Exit::Broken, "another log's key");
}

/// A11: what a caller has put into a leaf can neither move the cursor of a terminal nor write a line of its own.
#[test]
fn no_leaf_can_control_a_terminal() {
    let log = tempfile::tempdir().unwrap();
    let hostile = "\\u001b[2J\\u001b]0;x\\u0007\\n99  forged\\u202e\\u009b31m \\\\\\u0000\\u7b26\\ud83d\\ude00\\u007f";
    publish(log.path(), "2026q3", &[leaf(0, hostile)]);
    for output in [Output::Table, Output::Json] {
        let mut tail = tail(log.path(), 9, output);
        tail.step().unwrap();
        let out = std::mem::take(&mut tail.out);
        let lines = if output == Output::Table { 2 } else { 1 };
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), lines);
        assert!(out.iter().all(|byte| *byte == b'\n' || (b' '..=b'~').contains(byte)), "{out:?}");
        let said = String::from_utf8(out).unwrap();
        assert!(said.contains("\\u001b[2J\\u001b]0;x\\u0007"), "{said}");
    }
    // A leaf with such bytes as they are is none of ours, whoever signed it.
    for raw in ["\u{1b}[2J", "\u{202e}", "\u{7f}", "\n"] {
        publish(log.path(), "2026q3", &[leaf(0, raw)]);
        for output in [Output::Table, Output::Json] {
            let mut tail = tail(log.path(), 9, output);
            assert_eq!(tail.step().unwrap_err().exit, Exit::Broken, "{raw:?}");
            assert!(printed(&mut tail).len() < 2);
        }
    }
}
