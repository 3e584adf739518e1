//! Questions as plain JSON.

use heyan::api::question;
use heyan::sample::cases::{CASES, FURTHER_CASES};
use heyan::server::read_document;
use heyan_proto::v1;
use heyan_tests::{plain, questions};
use prost::Message as _;

use super::harness::{Outcome, Shape, Target, run};
use super::{holds, messages};

#[test]
fn plain_documents() {
    run(&Target { name: "json", shape: Shape::Text, bytes_max: 64 << 10, seeds, check: &check });
}

fn seeds() -> Vec<Vec<u8>> {
    let written = CASES.iter().chain(FURTHER_CASES).enumerate().map(|(number, case)| {
        let mut question = questions::of_case(case);
        question.request_id = format!("0199f3f2-0000-7000-8000-{number:012}");
        question.max_age = Some(prost_types::Duration { seconds: 3_600, nanos: 500_000_000 });
        plain::to_json("VerifyRequest", &question).unwrap().to_string().into_bytes()
    });
    let nested = ["[", "{\"subject\":", "{\"claims\":[", "{\"claims\":[{\"texts\":{\"items\":["];
    written.chain(nested.map(|open| open.repeat(4_000).into_bytes())).collect()
}

fn check(input: &[u8]) -> Outcome {
    let document = std::str::from_utf8(input).unwrap();
    match read_document("heyan.v1.VerifyRequest", input) {
        Ok(bytes) => {
            let question = v1::VerifyRequest::decode(bytes.as_slice()).expect("it is the binary form of the message");
            assert!(question.encode_to_vec() == bytes, "is written in another way");
            // A document that can be written of it is read as the same message.
            if let Ok(json) = plain::to_json("VerifyRequest", &question) {
                let again = read_document("heyan.v1.VerifyRequest", json.to_string().as_bytes());
                assert!(again.is_ok_and(|again| again == bytes), "is read in another way again");
            }
            messages::resolved(&question::verify(&question))
        }
        Err((path, line, column, expected)) => {
            let lines: Vec<&str> = document.split('\n').collect();
            // What is empty has no first line.
            assert!(line <= lines.len() && (line > 0 || column == 0), "line {line} of {}", lines.len());
            let length = lines.get(line.saturating_sub(1)).map_or(0, |line| line.len());
            assert!(column <= length + 1, "column {column} of {length}");
            // `?` stands for a name that is not the contract's.
            let place = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '?');
            assert!(path.chars().all(place) && path.len() < 100, "a path that the contract does not have: {path}");
            for text in [&expected.zh, &expected.en] {
                holds::one_line(text, 2_000);
                assert!(
                    !holds::repeats(
                        text,
                        document,
                        &["2026-11-23", "315576000000", "9223372036854775807", "2147483647"]
                    ),
                    "{text}"
                );
            }
            Outcome::of((path.chars().filter(|c| !c.is_ascii_digit()).collect::<String>(), expected.en))
        }
    }
}
