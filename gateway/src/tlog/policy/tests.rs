//! Policies are read strictly, and trust what they say alone.

use super::*;
use crate::tlog::cosignature::CosigningKey;
use crate::tlog::note::{Signature, SigningKey};
use crate::tlog::tree::EMPTY_ROOT;

const ORIGIN: &str = "heyan.example/log";

fn log() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn signed(origin: &str, key: &SigningKey) -> Note {
    Note::sign(Checkpoint::new(origin.into(), 0, EMPTY_ROOT).to_string(), key)
}

fn witness(number: u8) -> CosigningKey {
    CosigningKey::from_seed(&format!("witness.example/{number}"), &[number + 100; 32]).unwrap()
}

/// The policy of the specification's example: two of the first three witnesses, and one of the other three.
fn example() -> String {
    let mut text = format!("# who is trusted\n\nlog {}\thttps://heyan.example/log/\n", log().verifier());
    for number in 1..=6 {
        text += &format!("  witness w{number} {} \n", witness(number).verifier());
    }
    text + "group X-witnesses 2 w1 w2 w3\ngroup Y-witnesses any w4 w5 w6\ngroup X-and-Y all X-witnesses Y-witnesses\n\
        quorum X-and-Y\n"
}

fn note(cosigners: &[u8]) -> Note {
    let mut note = signed(ORIGIN, &log());
    for number in cosigners {
        note.add(witness(*number).cosign(note.text(), 1_000 + u64::from(*number))).unwrap();
    }
    note
}

#[test]
fn every_set_of_witnesses_is_judged_as_the_groups_say() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    for set in 0..64_u32 {
        let cosigners: Vec<u8> = (1..=6).filter(|number| set >> (number - 1) & 1 == 1).collect();
        let expected = (set & 0b111).count_ones() >= 2 && set & 0b11_1000 != 0;
        match policy.satisfied_by(&note(&cosigners)) {
            Ok(witnessed) => {
                assert!(expected, "{cosigners:?}");
                assert_eq!(witnessed.checkpoint.origin(), ORIGIN);
                assert_eq!(witnessed.log.url.as_deref(), Some(b"https://heyan.example/log/".as_slice()));
                let seen: Vec<(String, u64)> = witnessed
                    .cosigners
                    .iter()
                    .map(|(witness, time)| (String::from_utf8(witness.name.to_vec()).unwrap(), *time))
                    .collect();
                let all: Vec<(String, u64)> =
                    cosigners.iter().map(|number| (format!("w{number}"), 1_000 + u64::from(*number))).collect();
                assert_eq!(seen, all);
            }
            Err(error) => {
                assert_eq!(error, Unsatisfied::NoQuorum);
                assert!(!expected, "{cosigners:?}");
            }
        }
    }
}

#[test]
fn a_quorum_may_be_one_witness_or_none() {
    let key = witness(1);
    let one = format!("log {}\nwitness a {}\nquorum a\n", log().verifier(), key.verifier());
    let policy = Policy::parse(one.as_bytes()).unwrap();
    assert!(policy.satisfied_by(&note(&[1])).is_ok());
    assert_eq!(policy.satisfied_by(&note(&[2])), Err(Unsatisfied::NoQuorum));
    let none = format!("quorum none\nlog {}\n", log().verifier());
    let policy = Policy::parse(none.as_bytes()).unwrap();
    assert_eq!(policy.satisfied_by(&note(&[])).unwrap().cosigners, []);
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 0));
    let empty = Policy::parse(b"quorum none\n").unwrap();
    assert_eq!(empty.satisfied_by(&note(&[])), Err(Unsatisfied::NoLog(ORIGIN.into())));
}

#[test]
fn what_is_not_signed_as_it_should_be_is_not_trusted() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let stranger = SigningKey::from_seed(ORIGIN, &[9; 32]).unwrap();
    let of_stranger = signed(ORIGIN, &stranger);
    assert_eq!(policy.satisfied_by(&of_stranger), Err(Unsatisfied::NoLog(ORIGIN.into())));
    let of_other_log = signed("other", &log());
    assert_eq!(policy.satisfied_by(&of_other_log), Err(Unsatisfied::NoLog("other".into())));
    let no_checkpoint = Note::sign("a\n".into(), &log());
    assert!(matches!(policy.satisfied_by(&no_checkpoint), Err(Unsatisfied::Checkpoint(_))));
    // A wrong cosignature rejects the note though the quorum is reached without it.
    let mut wrong = note(&[1, 2, 4]);
    assert!(policy.satisfied_by(&wrong).is_ok());
    wrong.add(witness(3).cosign("another text\n", 5)).unwrap();
    let bad = Unsatisfied::Signature { by: "witness.example/3".into(), error: NoteError::Forged };
    assert_eq!(policy.satisfied_by(&wrong), Err(bad));
    // The key of a witness that signs as a log does has not cosigned.
    let as_log = SigningKey::from_seed("witness.example/2", &[102; 32]).unwrap();
    let mut confused = note(&[1, 4]);
    let line = Note::sign(confused.text().into(), &as_log).to_string().lines().last().unwrap().to_owned();
    confused.add(Signature::parse(&line).unwrap()).unwrap();
    assert_eq!(policy.satisfied_by(&confused), Err(Unsatisfied::NoQuorum));
}

#[test]
fn names_are_bytes_and_spaces_are_spaces_and_tabs() {
    let (w1, w2) = (witness(1), witness(2));
    let mut text = b"\t \twitness\t K ".to_vec();
    text.extend(format!("{}\nwitness \u{212a} {}\n", w1.verifier(), w2.verifier()).bytes());
    text.extend(b"group \xff\xfe any K\n \t \n\t# \xff none of it #\nquorum \xff\xfe");
    assert_eq!(Policy::parse(&text).unwrap_err(), PolicyError { line: 6, problem: PolicyProblem::NoNewline });
    text.push(b'\n');
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(&*policy.witnesses()[1].name, "\u{212a}".as_bytes());
    assert_eq!(policy.witnesses()[1].url, None);
}

#[test]
fn large_policies_are_read() {
    let mut text = String::new();
    for number in 0..100_u8 {
        let key = SigningKey::from_seed("a", &[number; 32]).unwrap();
        text += &format!(
            "log {}\nwitness w{number} {}\ngroup g{number} 1 w{number}\n",
            key.verifier(),
            witness(number).verifier()
        );
    }
    let members: String = (0..100).map(|number| format!(" g{number}")).collect();
    text += &format!("group all 99{members}\nquorum all\n");
    assert_eq!(Policy::parse(text.as_bytes()).unwrap().witnesses().len(), 100);
    let long = "# long\n".repeat(POLICY_BYTES_MAX);
    assert_eq!(Policy::parse(long.as_bytes()).unwrap_err().problem, PolicyProblem::TooLarge);
}

#[test]
fn malformed_policies_are_rejected_with_their_line() {
    let (l, w1, w2) = (log(), witness(1), witness(2));
    let (l, w1, w2) = (l.verifier().to_string(), w1.verifier().to_string(), w2.verifier().to_string());
    let start = format!("log {l}\nwitness a {w1}\nwitness b {w2}\n");
    let renamed = CosigningKey::from_seed("other", &[101; 32]).unwrap().verifier().to_string();
    use PolicyProblem as P;
    for (rest, line, problem) in [
        ("", 3, P::NoQuorum),
        ("# quorum a\n", 4, P::NoQuorum),
        ("quorum\n", 4, P::Words),
        ("quorum a b\n", 4, P::Words),
        ("quorum a # b\n", 4, P::Words),
        ("quorum c\n", 4, P::UnknownName),
        ("quorum A\n", 4, P::UnknownName),
        ("quorum g\ngroup g any a\n", 4, P::UnknownName),
        ("quorum a\nquorum a\n", 5, P::RepeatedQuorum),
        ("quorum none\nquorum a\n", 5, P::RepeatedQuorum),
        ("quorum a", 4, P::NoNewline),
        ("quorum a\r\n", 4, P::Byte(b'\r')),
        ("quorum a\0\n", 4, P::Byte(0)),
        ("# \x1b[0m\n", 4, P::Byte(0x1b)),
        ("# \x7f\n", 4, P::Byte(0x7f)),
        ("Quorum a\n", 4, P::Keyword),
        ("quorums a\n", 4, P::Keyword),
        ("\u{a0}quorum a\n", 4, P::Keyword),
        ("group\n", 4, P::Words),
        ("group g\n", 4, P::Words),
        ("group g 1\n", 4, P::Words),
        ("group g any\n", 4, P::Words),
        ("group g 0 a\n", 4, P::Threshold),
        ("group g 2 a\n", 4, P::Threshold),
        ("group g 01 a\n", 4, P::Threshold),
        ("group g +1 a\n", 4, P::Threshold),
        ("group g -1 a\n", 4, P::Threshold),
        ("group g 18446744073709551617 a\n", 4, P::Threshold),
        ("group g Any a\n", 4, P::Threshold),
        ("group g \u{661} a\n", 4, P::Threshold),
        ("group g any c\n", 4, P::UnknownName),
        ("group g any g\n", 4, P::UnknownName),
        ("group g any none\n", 4, P::None),
        ("group none any a\n", 4, P::None),
        ("group a any b\n", 4, P::RepeatedName),
        ("group g 1 a a\n", 4, P::RepeatedMember),
        ("group g any a\ngroup h any b a\n", 5, P::RepeatedMember),
        ("group g any a\ngroup h any g\ngroup i any g b\n", 6, P::RepeatedMember),
        ("group g any a\ngroup g any b\n", 5, P::RepeatedName),
        (&format!("witness none {renamed}\n"), 4, P::RepeatedKey),
        (&format!("witness c {renamed}\n"), 4, P::RepeatedKey),
        (&format!("log {l} https://other.example\n"), 4, P::RepeatedKey),
        (&format!("log {l} a b\n"), 4, P::Words),
        (&format!("witness {w1}\n"), 4, P::Words),
        (&format!("log {w1}\n"), 4, P::Key(NoteError::Key("its algorithm is not the one that is used here"))),
        (&format!("witness c {l}\n"), 4, P::Key(NoteError::Key("its algorithm is not the one that is used here"))),
        ("log key\n", 4, P::Key(NoteError::Key("it has no plus sign"))),
        (&format!("log x{l}\n"), 4, P::Key(NoteError::Key("its id is not that of its name and its bytes"))),
    ] {
        let text = format!("{start}{rest}");
        let error = Policy::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, PolicyError { line, problem }, "{rest:?}");
        assert!(error.to_string().starts_with(&format!("line {line}: ")), "{error}");
    }
    assert_eq!(Policy::parse(b"").unwrap_err(), PolicyError { line: 1, problem: PolicyProblem::NoQuorum });
    let key = witness(7);
    let none = format!("witness none {}\n", key.verifier());
    assert_eq!(Policy::parse(none.as_bytes()).unwrap_err().problem, PolicyProblem::None);
    assert_eq!(
        Policy::parse(b"log \xff+00000000+AAAA\n").unwrap_err().problem,
        PolicyProblem::Key(NoteError::Key("it is not UTF-8"))
    );
}
