//! The deadline of a call. tonic's own would answer CANCELLED, which tells the caller nothing.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;

use super::fault::Fault;
use super::layers::Next;
use crate::clock;

/// When a call must have been answered; in the extensions of its request.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that is `allowed` from now.
    pub fn after(allowed: Duration) -> Self {
        Self(clock::stopwatch() + allowed)
    }

    /// What is left of it; zero once it has passed.
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(clock::stopwatch())
    }
}

/// What a caller gets that sets no deadline, and what anyone gets at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub(super) default: Duration,
    pub(super) max: Duration,
}

pub(super) async fn keep_deadline(deadlines: &Deadlines, mut request: Request, next: impl Next) -> Response {
    let allowed = match timeout_of(request.headers()) {
        Ok(asked) => asked.unwrap_or(deadlines.default).min(deadlines.max),
        Err(Malformed) => return Fault::TimeoutInvalid.mark(),
    };
    if allowed.is_zero() {
        return Fault::Deadline.mark();
    }
    request.extensions_mut().insert(Deadline::after(allowed));
    match tokio::time::timeout(allowed, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Fault::Deadline.mark(),
    }
}

/// A `grpc-timeout` that is not one.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// `grpc-timeout` as the gRPC protocol over HTTP/2 writes it: 1 to 8 digits and a unit.
///
/// # Errors
/// `Malformed` where it is anything else.
pub fn timeout_of(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let (unit, digits) = value.as_bytes().split_last().ok_or(Malformed)?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let count = digits.iter().fold(0_u64, |count, digit| count * 10 + u64::from(digit - b'0'));
    Ok(Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return Err(Malformed),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Option<Duration>, Malformed> {
        timeout_of(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), value.parse().unwrap())]))
    }

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        assert_eq!(timeout_of(&HeaderMap::new()), Ok(None));
        for (text, expected) in [
            ("5S", Duration::from_secs(5)),
            ("2M", Duration::from_secs(120)),
            ("99999999H", Duration::from_secs(359_999_996_400)),
            ("250m", Duration::from_millis(250)),
            ("7u", Duration::from_micros(7)),
            ("0n", Duration::ZERO),
        ] {
            assert_eq!(read(text), Ok(Some(expected)), "{text}");
        }
        for text in ["", "S", "5", "5s", "-5S", "+5S", "5.0S", "123456789S", "5S ", "五S"] {
            let value = http::HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), value)]);
            assert_eq!(timeout_of(&headers), Err(Malformed), "{text}");
        }
    }
}
