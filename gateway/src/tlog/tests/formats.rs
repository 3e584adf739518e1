//! Notes, checkpoints, proofs in files and paths of tiles.

use signed_note::{Note as TheirNote, StandardVerifier, VerifierList};
use tlog_tiles::Tile;

use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::{Note, NoteError, SIGNATURES_MAX, SigningKey, VerifierKey};
use crate::tlog::proof::TlogProof;
use crate::tlog::tile::{entries_path, tile_path};
use crate::tlog::tree::{EMPTY_ROOT, leaf_hash};

const NAME: &str = "sample-city.example/audit/2026q4";

fn key() -> SigningKey {
    SigningKey::from_seed(NAME, &[7; 32]).unwrap()
}

fn signed() -> String {
    Note::sign(Checkpoint::new(NAME.into(), 7, EMPTY_ROOT).to_string(), &key()).to_string()
}

#[test]
fn what_we_sign_others_verify_and_the_other_way_round() {
    let note = signed();
    let line = key().verifier().to_string();
    let theirs = TheirNote::from_bytes(note.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&line).unwrap();
    assert_eq!(theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap().0.len(), 1);
    assert_eq!(String::from_utf8(theirs.to_bytes()).unwrap(), note);
    let ours = Note::parse(&note).unwrap();
    ours.verified_by(&VerifierKey::parse(&line).unwrap()).unwrap();
    assert_eq!(ours.to_string(), note);
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(ours.text().as_bytes()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size(), checkpoint.hash().0), (NAME, 7, EMPTY_ROOT));
    assert_eq!(Checkpoint::parse(ours.text()).unwrap(), Checkpoint::new(NAME.into(), 7, EMPTY_ROOT));
}

#[test]
fn notes_that_are_not_built_as_one_are_refused() {
    let note = signed();
    let (text, line) = note.split_once("\n\n").unwrap();
    for (why, bad) in [
        ("no signature", format!("{text}\n")),
        ("no empty line", format!("{text}\n{line}")),
        ("an empty line after the signatures", format!("{note}\n")),
        ("a carriage return", note.replacen('\n', "\r\n", 1)),
        ("a control character", note.replacen('7', "7\u{1}", 1)),
        ("no line feed at the end", note.trim_end().to_owned()),
        ("a hyphen for the dash", note.replace('\u{2014}', "-")),
        ("a signature without a name", note.replace(&format!("\u{2014} {NAME}"), "\u{2014} ")),
        ("a name with a plus sign", note.replace(&format!("\u{2014} {NAME}"), "\u{2014} a+b")),
        ("a signature that is too short", format!("{text}\n\n\u{2014} {NAME} AAAA\n")),
        ("base64 that is none", format!("{text}\n\n\u{2014} {NAME} ====\n")),
        ("more signatures than there may be", format!("{text}\n\n{}", line.repeat(SIGNATURES_MAX + 1))),
    ] {
        let parsed = Note::parse(&bad);
        assert!(matches!(parsed, Err(NoteError::Malformed(_))), "{why}: {parsed:?}");
    }
}

#[test]
fn signatures_of_others_are_left_alone_and_a_false_one_of_ours_is_not() {
    let note = signed();
    let verifier = key().verifier();
    let grease = "\u{2014} somebody.example/else Z3JlYXNlIGFuZCBtb3JlIG9mIGl0\n";
    let many = format!("{note}{}", grease.repeat(20));
    assert_eq!(Note::parse(&many).unwrap().verified_by(&verifier), Ok(()));
    // Names may have what no text of ours has, as long as it is no space and no control character of ASCII.
    let odd = grease.replace("somebody", "some\u{7f}\u{9f}body");
    assert_eq!(Note::parse(&format!("{note}{odd}")).unwrap().verified_by(&verifier), Ok(()));
    let (text, line) = note.split_once("\n\n").unwrap();
    let twice = Note::parse(&format!("{note}{line}")).unwrap();
    assert!(matches!(twice.verified_by(&verifier), Err(NoteError::Malformed(_))));
    let alone = Note::parse(&format!("{text}\n\n{grease}")).unwrap();
    assert_eq!(alone.verified_by(&verifier), Err(NoteError::Unsigned));
    let other = Note::parse(&note.replacen('7', "8", 1)).unwrap();
    assert_eq!(other.verified_by(&verifier), Err(NoteError::Forged));
}

#[test]
fn checkpoints_that_are_not_built_as_one_are_refused() {
    let good = Checkpoint::new(NAME.into(), 10, EMPTY_ROOT).to_string();
    let refused = |text: &str| Checkpoint::parse(text).is_err();
    assert!(!refused(&good) && !refused(&format!("{good}an extension\n")));
    for bad in [
        good.replacen("\n10\n", "\n010\n", 1),
        good.replacen("\n10\n", "\n+10\n", 1),
        good.replacen("\n10\n", "\n-10\n", 1),
        good.replacen("\n10\n", "\n18446744073709551616\n", 1),
        good.replacen("\n10\n", "\n\n", 1),
        good.replacen(NAME, "", 1),
        good.replacen('\n', "\r\n", 1),
        good.replacen(NAME, "a\u{1}b", 1),
        good.replacen('=', "", 1),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        format!("{NAME}\n10\nAAAA\n"),
    ] {
        assert!(refused(&bad), "{bad:?}");
    }
}

#[test]
fn keys_that_are_not_built_as_one_are_refused() {
    let line = key().verifier().to_string();
    let [name, id, public]: [&str; 3] = line.splitn(3, '+').collect::<Vec<_>>().try_into().unwrap();
    for bad in [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("other+{id}+{public}"),
        format!("{name}+00000000+{public}"),
        format!("{name}+{}+{public}", id.to_ascii_uppercase().replace(|c: char| c.is_ascii_digit(), "A")),
        format!("{name}+{id}+{}", &public[..40]),
        format!("+{id}+{public}"),
    ] {
        assert!(matches!(VerifierKey::parse(&bad), Err(NoteError::Key(_))), "{bad}");
    }
    assert_eq!(VerifierKey::parse(&line).unwrap().to_string(), line);
    let next = key().verifier().in_shard("sample-city.example/audit/2027q1").unwrap();
    assert_eq!(next, SigningKey::from_seed("sample-city.example/audit/2027q1", &[7; 32]).unwrap().verifier());
    assert_eq!(key().verifier().in_shard("another-city.example/audit/2027q1"), None);
}

#[test]
fn a_proof_is_read_as_it_was_written_and_nothing_else_is_a_proof() {
    let leaf = leaf_hash(b"leaf");
    let note = Note::sign(Checkpoint::new(NAME.into(), 1, leaf).to_string(), &key()).to_string();
    let proof = TlogProof::new(0, Vec::new(), note).to_string();
    assert_eq!(TlogProof::parse(&proof).unwrap().to_string(), proof);
    TlogProof::parse(&proof).unwrap().verify(&leaf, &key().verifier()).unwrap();
    let extra = proof.replacen("index", "extra Zm9v\nindex", 1);
    TlogProof::parse(&extra).unwrap().verify(&leaf, &key().verifier()).unwrap();
    for bad in [
        proof.replacen("@v1", "@v2", 1),
        proof.replacen("index 0", "index 00", 1),
        proof.replacen("index 0\n", "", 1),
        proof.replacen("index 0\n", "index 0\nAAAA\n", 1),
        proof.replacen("\n\n", "\n", 1),
        proof.replacen("index", "extra ?\nindex", 1),
    ] {
        assert!(TlogProof::parse(&bad).is_err(), "{bad}");
    }
    let long = proof.replacen(
        "index 0\n",
        &format!("index 0\n{}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(65)),
        1,
    );
    assert!(TlogProof::parse(&long).is_err(), "a path longer than any tree is high");
}

#[test]
fn paths_of_tiles_are_those_of_others() {
    for index in [0, 1, 999, 1_000, 123_456, 1_234_067, 999_999_999] {
        for width in [1, 17, 256] {
            for level in [0, 1, 5] {
                let theirs = Tile::new(8, level, index, width, false).path();
                // Their paths name the height of a tile, which the standard fixes at eight.
                let ours = tile_path(level, index, width.into());
                assert_eq!(theirs.replacen("tile/8/", "tile/", 1), ours);
            }
            let data = Tile::new(8, 0, index, width, true).path();
            assert_eq!(data.replacen("tile/8/data/", "tile/entries/", 1), entries_path(index, width.into()));
        }
    }
}
