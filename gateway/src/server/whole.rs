//! A request over HTTP/1.1 is read to its end before its deadline can end it.
//!
//! HTTP/2 ends a stream whose request nobody has read; HTTP/1.1 can only close the connection, often before the client has read
//! the answer, and without a word to a client that is about to ask again on it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Version;
use http_body_util::BodyExt as _;

use super::DECODE_MAX;
use super::deadline::Deadlines;
use super::fault::Fault;

/// What stands before each message: whether it is compressed, and its length.
const MESSAGE_HEADER: usize = 5;

/// So much of a request that is too large is thrown away, so that its sender reads why; a sender of more is cut off.
const THROWN_AWAY_MAX: usize = 16 * DECODE_MAX;

/// So long a request may take to arrive even where its deadline is shorter: an answer before its end would be lost.
const ARRIVAL: Duration = Duration::from_secs(1);

pub(super) async fn read_whole(State(deadlines): State<Deadlines>, request: Request, next: Next) -> Response {
    if request.version() >= Version::HTTP_2 {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    // A deadline that cannot be read is refused later.
    let patience = deadlines.allowed(&parts.headers).unwrap_or(ARRIVAL).max(ARRIVAL);
    match tokio::time::timeout(patience, read(body)).await {
        Ok(Ok(whole)) => next.run(Request::from_parts(parts, Body::from(whole))).await,
        Ok(Err(fault)) => fault.mark(),
        Err(_) => Fault::Deadline.mark(),
    }
}

async fn read(mut body: Body) -> Result<Bytes, Fault> {
    let (mut whole, mut thrown_away) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Fault::MessageInvalid)?.into_data() else { continue };
        if thrown_away == 0 && whole.len() + data.len() <= DECODE_MAX + MESSAGE_HEADER {
            whole.extend_from_slice(&data);
            continue;
        }
        whole = Vec::new();
        thrown_away += data.len();
        if thrown_away > THROWN_AWAY_MAX {
            break;
        }
    }
    if thrown_away == 0 { Ok(whole.into()) } else { Err(Fault::MessageTooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: usize) -> Body {
        let chunks =
            (0..bytes.div_ceil(1 << 16)).map(move |chunk| Bytes::from(vec![7; (bytes - (chunk << 16)).min(1 << 16)]));
        Body::from_stream(futures::stream::iter(chunks.map(Ok::<_, std::io::Error>)))
    }

    #[tokio::test]
    async fn a_message_of_the_largest_size_is_kept_whole_and_one_byte_more_is_told() {
        assert_eq!(read(Body::empty()).await, Ok(Bytes::new()));
        let largest = DECODE_MAX + MESSAGE_HEADER;
        assert_eq!(read(of(largest)).await, Ok(Bytes::from(vec![7; largest])));
        for bytes in [largest + 1, largest * 3, THROWN_AWAY_MAX * 2] {
            assert_eq!(read(of(bytes)).await, Err(Fault::MessageTooLarge), "{bytes}");
        }
    }

    #[tokio::test]
    async fn a_request_that_breaks_off_is_no_request() {
        let chunks = [Ok(Bytes::from_static(b"\0\0")), Err(std::io::Error::other("reset"))];
        let body = Body::from_stream(futures::stream::iter(chunks));
        assert_eq!(read(body).await, Err(Fault::MessageInvalid));
    }
}
