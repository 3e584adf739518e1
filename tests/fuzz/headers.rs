//! `grpc-timeout` and `traceparent`.

use heyan::server::timeout_of;
use heyan::telemetry::Traceparent;
use tonic::codegen::http::{HeaderMap, HeaderValue};

use super::harness::{Outcome, Shape, Target, run};

#[test]
fn timeouts_and_trace_contexts() {
    run(&Target { name: "headers", shape: Shape::Bytes, bytes_max: 300, seeds: Vec::new, check: &check });
}

fn check(input: &[u8]) -> Outcome {
    let mut headers = HeaderMap::new();
    // What is no header value never reaches the parser: hyper refuses the request.
    let Ok(value) = HeaderValue::from_bytes(input) else { return Outcome::of("no header value") };
    headers.insert("grpc-timeout", value);
    let timeout = match timeout_of(&headers) {
        Ok(timeout) => {
            let timeout = timeout.unwrap();
            // The grammar of gRPC over HTTP/2, as a regular expression would say it: [0-9]{1,8}[HMSmun].
            let (unit, digits) = input.split_last().unwrap();
            assert!(b"HMSmun".contains(unit) && (1..=8).contains(&digits.len()));
            let count: u64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
            let nanos: u128 = match unit {
                b'H' => 3_600_000_000_000,
                b'M' => 60_000_000_000,
                b'S' => 1_000_000_000,
                b'm' => 1_000_000,
                b'u' => 1_000,
                _ => 1,
            };
            assert_eq!(timeout.as_nanos(), u128::from(count) * nanos);
            format!("{} {}", digits.len(), char::from(*unit))
        }
        Err(error) => {
            let legal = input.split_last().is_some_and(|(unit, digits)| {
                b"HMSmun".contains(unit) && matches!(digits.len(), 1..=8) && digits.iter().all(u8::is_ascii_digit)
            });
            assert!(!legal, "refuses what the protocol allows");
            format!("{error:?}")
        }
    };
    let parent = std::str::from_utf8(input).ok().and_then(Traceparent::parse);
    if let Some(parent) = &parent {
        let text = parent.as_str();
        assert!(text.as_bytes() == input && text.len() == 55 && text.starts_with("00-"));
        let zero = |part: &str| part.bytes().all(|b| b == b'0');
        assert!(!zero(&text[3..35]) && !zero(&text[36..52]) && [2, 35, 52].iter().all(|&at| &text[at..=at] == "-"));
        assert!(text.bytes().all(|b| matches!(b, b'-' | b'0'..=b'9' | b'a'..=b'f')));
    }
    Outcome::of((timeout, parent.is_some(), input.len()))
}
