//! Cosignatures are of a time and a text, and of a witness's key alone.

use super::*;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::{SigningKey, VerifierKey};
use crate::tlog::tree::EMPTY_ROOT;

fn witness() -> CosigningKey {
    CosigningKey::from_seed("witness.example/w1", &[3; 32]).unwrap()
}

fn signed() -> Note {
    let key = SigningKey::from_seed("heyan.example/log", &[1; 32]).unwrap();
    Note::sign(Checkpoint::new("heyan.example/log".into(), 0, EMPTY_ROOT).to_string(), &key)
}

#[test]
fn the_message_is_that_of_the_specification() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    assert_eq!(message(1_679_315_147, text), format!("cosignature/v1\ntime 1679315147\n{text}"));
    let line = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5\
        nNo0xUe+mbIUBkBIfZ+qnA==";
    let example = Signature::parse(line).unwrap();
    assert_eq!(example.bytes.len(), 8 + 64);
    assert_eq!(example.bytes[..8], 1_679_315_147_u64.to_be_bytes());
}

#[test]
fn what_is_cosigned_is_verified_with_its_time() {
    let key = witness();
    for time in [0, 1, 1_679_315_147, TIME_MAX, u64::MAX] {
        let mut note = signed();
        note.add(key.cosign(note.text(), time)).unwrap();
        let read = Note::parse(&note.to_string()).unwrap();
        assert_eq!(verify(&read, key.verifier()), Ok(time.min(TIME_MAX)));
    }
    assert_eq!(verify(&signed(), key.verifier()), Err(NoteError::Unsigned));
}

#[test]
fn the_latest_of_several_times_counts_and_a_wrong_one_rejects_all() {
    let key = witness();
    let mut note = signed();
    for time in [7, 9, 8, 9] {
        note.add(key.cosign(note.text(), time)).unwrap();
    }
    assert_eq!(note.to_string().lines().count(), 4 + 4);
    assert_eq!(verify(&note, key.verifier()), Ok(9));
    note.add(key.cosign("another text\n", 1)).unwrap();
    assert_eq!(verify(&note, key.verifier()), Err(NoteError::Forged));
}

#[test]
fn every_bit_counts() {
    let key = witness();
    let good = key.cosign(signed().text(), 1_679_315_147);
    for bit in 0..8 * good.bytes.len() {
        let mut wrong = good.clone();
        wrong.bytes[bit / 8] ^= 1 << (bit % 8);
        let mut note = signed();
        note.add(wrong).unwrap();
        assert!(matches!(verify(&note, key.verifier()), Err(NoteError::Forged)), "bit {bit}");
    }
    for length in 1..good.bytes.len() {
        let mut note = signed();
        note.add(Signature { bytes: good.bytes[..length].to_vec(), ..good.clone() }).unwrap();
        assert!(verify(&note, key.verifier()).is_err(), "{length} bytes");
    }
}

#[test]
fn a_signature_of_one_kind_is_none_of_the_other() {
    let key = witness();
    let as_log = SigningKey::from_seed("witness.example/w1", &[3; 32]).unwrap();
    let mut note = signed();
    note.add(key.cosign(note.text(), 7)).unwrap();
    assert_eq!(note.verified_by(&as_log.verifier()), Err(NoteError::Unsigned));
    // Even where the ids were made to agree, what is signed differs.
    let by_log = Note::sign(note.text().into(), &as_log).to_string();
    let by_log = Signature::parse(by_log.lines().last().unwrap()).unwrap();
    let mut bytes = 7_u64.to_be_bytes().to_vec();
    bytes.extend(&by_log.bytes);
    let mut note = signed();
    note.add(Signature { bytes, id: key.verifier().id, ..by_log }).unwrap();
    assert!(matches!(verify(&note, key.verifier()), Err(NoteError::Forged)));
}

#[test]
fn a_time_past_the_last_is_none() {
    let key = witness();
    let time = TIME_MAX + 1;
    let mut bytes = time.to_be_bytes().to_vec();
    bytes.extend(key.pair.sign(message(time, signed().text()).as_bytes()).as_ref());
    let mut note = signed();
    note.add(Signature { bytes, ..key.cosign("", 0) }).unwrap();
    assert!(verify(&note, key.verifier()).is_err());
}

#[test]
fn keys_are_read_as_they_are_written_and_are_for_one_use() {
    let key = witness();
    let written = key.verifier().to_string();
    assert_eq!(WitnessKey::parse(&written).as_ref(), Ok(key.verifier()));
    let log = SigningKey::from_seed("witness.example/w1", &[3; 32]).unwrap().verifier();
    assert_eq!(
        WitnessKey::parse(&log.to_string()),
        Err(NoteError::Key("its algorithm is not the one that is used here"))
    );
    assert!(VerifierKey::parse(&written).is_err());
    assert!(!format!("{key:?}").contains(&format!("{:?}", [3; 32])));
}
