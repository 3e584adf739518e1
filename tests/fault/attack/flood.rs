//! A12: floods of frames that cost the peer nothing. Failure, beside what `attack.rs` says: a flood that should end its
//! connection and does not.

use std::time::Duration;

use heyan_tests::{City, Gateway, questions};
use prost::Message as _;

use super::raw::{
    CALL, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, Raw, SETTINGS,
    WINDOW_UPDATE, block, call, frame,
};
use super::times;
use super::watch::Watch;

const ENHANCE_YOUR_CALM: u32 = 11;
const REFUSED_STREAM: u32 = 7;

/// How long the end of a flooded connection is waited for.
const END: Duration = Duration::from_secs(10);

/// What the gateway does about a flood.
enum Met {
    /// It ends the connection, and says `ENHANCE_YOUR_CALM` where the peer still listens.
    Ended,
    /// It bears it: what is sent is worth no more memory than one frame.
    Borne,
}

/// Floods one connection of a gateway of its own.
async fn flood(attack: &str, begin: &[u8], count: usize, piece: impl Fn(u32) -> Vec<u8>, met: Met) {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut raw = Raw::open(&city, &gateway).await;
    raw.send(begin).await;
    let sent = pour(&mut raw, count, piece).await;
    match met {
        Met::Ended => assert!(is_ended(&mut raw).await, "{attack}: the connection goes on after {sent} pieces"),
        Met::Borne => assert_eq!(sent, count, "{attack}: not all was taken"),
    }
    println!("{attack}: {sent} of {count} pieces were taken");
    drop(raw);
    watch.end(attack).await;
}

/// Sends pieces and reads nothing, until all are sent or the gateway takes no more; how many were sent.
async fn pour(raw: &mut Raw, count: usize, piece: impl Fn(u32) -> Vec<u8>) -> usize {
    let numbers: Vec<u32> = (0..u32::try_from(count).unwrap()).collect();
    let mut sent = 0;
    for numbers in numbers.chunks(200) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|&number| piece(number)).collect();
        match tokio::time::timeout(END, raw.send(&bytes)).await {
            Ok(true) => sent += numbers.len(),
            _ => break,
        }
    }
    sent
}

/// Whether the gateway has ended the connection. Its GOAWAY is lost where it closes before all is read that was sent.
async fn is_ended(raw: &mut Raw) -> bool {
    match raw.next_of(&[GOAWAY]).await {
        Some(goaway) => {
            assert_eq!(goaway.code(), ENHANCE_YOUR_CALM, "{}", String::from_utf8_lossy(&goaway.payload[8..]));
            true
        }
        None => !raw.is_alive().await.0,
    }
}

/// CVE-2023-44487. Streams are opened and reset at once, on one connection after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_reset() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let (mut left, mut connections) = (times(20_000, 100_000), 0);
    while left > 0 {
        let mut raw = Raw::open(&city, &gateway).await;
        let sent = pour(&mut raw, left, |number| [call(2 * number + 1), reset(2 * number + 1)].concat()).await;
        assert!(sent == left || is_ended(&mut raw).await, "the connection takes no more and goes on");
        left -= sent;
        connections += 1;
    }
    println!("rapid reset: {connections} connections were made");
    watch.end("rapid reset").await;
}

/// The same with whole questions, each of which was begun before it was given up: a caller's places are all that it can fill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_reset_of_whole_questions() {
    let question = || {
        let message = questions::live(questions::named("food-licence-in-force").1).encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, &message].concat()
    };
    let piece = |number| {
        let stream = 2 * number + 1;
        [call(stream), frame(DATA, END_STREAM, stream, &question()), reset(stream)].concat()
    };
    flood("rapid reset of questions", &[], times(2_000, 20_000), piece, Met::Ended).await;
}

/// CVE-2024-27316: a header block without an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn continuation_flood() {
    let begin = frame(HEADERS, 0, 1, &block(&CALL));
    let piece = |_| frame(CONTINUATION, 0, 1, &block(&[("x-flood", "of continuations")]));
    flood("CONTINUATION flood", &begin, times(20_000, 100_000), piece, Met::Ended).await;
}

/// The same without a byte in it, which no limit of size ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_continuation_flood() {
    let begin = frame(HEADERS, 0, 1, &block(&CALL));
    let piece = |_| frame(CONTINUATION, 0, 1, &[]);
    flood("empty CONTINUATION flood", &begin, times(20_000, 100_000), piece, Met::Ended).await;
}

/// CVE-2019-9515.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_flood() {
    let piece = |number: u32| frame(SETTINGS, 0, 0, &[&[0, 3][..], &number.to_be_bytes()].concat());
    flood("SETTINGS flood", &[], times(50_000, 200_000), piece, Met::Borne).await;
}

/// CVE-2019-9512.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ping_flood() {
    let piece = |number: u32| frame(PING, 0, 0, &u64::from(number).to_be_bytes());
    flood("PING flood", &[], times(50_000, 200_000), piece, Met::Borne).await;
}

/// CVE-2019-9513.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn priority_flood() {
    let piece = |number: u32| frame(PRIORITY, 0, 2 * number + 1, &[0, 0, 0, 0, 7]);
    flood("PRIORITY flood", &[], times(50_000, 200_000), piece, Met::Borne).await;
}

/// CVE-2019-9518.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_data_flood() {
    let piece = |_| frame(DATA, 0, 1, &[]);
    flood("empty DATA flood", &call(1), times(20_000, 100_000), piece, Met::Ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_frame_flood() {
    flood("flood of unknown frames", &[], times(2_000, 20_000), |_| frame(0xBE, 0, 0, &[0; 4096]), Met::Borne).await;
}

/// CVE-2025-8671, "MadeYouReset": the peer has the gateway reset its streams, so that they are not its own resets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_that_the_gateway_is_made_to_send() {
    // Not one of the peer's errors here ends the connection by itself; a thousand of them do.
    let too_wide = |stream| frame(WINDOW_UPDATE, 0, stream, &0x7FFF_FFFF_u32.to_be_bytes());
    let piece = |number| [call(2 * number + 1), too_wide(2 * number + 1)].concat();
    flood("resets by windows", &[], times(5_000, 50_000), piece, Met::Ended).await;
    let short = block(&[&CALL[..], &[("content-length", "1")]].concat());
    let piece = |number| {
        let stream = 2 * number + 1;
        [frame(HEADERS, END_HEADERS, stream, &short), frame(DATA, 0, stream, b"longer")].concat()
    };
    flood("resets by lengths", &[], times(5_000, 50_000), piece, Met::Ended).await;
}

/// A value that fills the table of HPACK, and then a header block that names it thousands of times, a byte each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hpack_bomb() {
    let value = "x".repeat(3_900);
    // A literal that is remembered (RFC 7541, 6.2.1), and its index, 62, ever after.
    let mut remembered = vec![0x40, 1, b'b', 0x7F];
    remembered.extend([0xBD, 0x1D]);
    remembered.extend(value.as_bytes());
    let begin = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[block(&CALL), remembered].concat());
    let bomb = [block(&CALL), vec![0xBE; 15_000]].concat();
    let piece = |number| frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 3, &bomb);
    flood("HPACK bomb", &begin, times(500, 5_000), piece, Met::Ended).await;
}

/// Streams beyond the setting are refused, one by one, and those within it go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_the_setting() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut raw = Raw::open(&city, &gateway).await;
    let open: Vec<u8> = (0..200).flat_map(|number| call(2 * number + 1)).collect();
    raw.send(&open).await;
    let (mut refused, mut alive) = (0, false);
    while let Some(frame) = raw.next_of(&[RST_STREAM, GOAWAY]).await {
        assert_eq!((frame.kind, frame.code()), (RST_STREAM, REFUSED_STREAM), "{frame:?}");
        refused += 1;
        if refused == 200 - 128 {
            alive = raw.is_alive().await.0;
            break;
        }
    }
    assert!(alive, "{refused} of 72 were refused");
    drop(raw);
    watch.end("more streams than the setting").await;
}

/// What bytes arrive in before the first frame, or instead of it.
#[tokio::test]
async fn what_is_no_preface_ends_the_connection() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for bytes in [&b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"[..], &[0; 100], b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"] {
        let mut raw = Raw::connect(&city, &gateway, super::ATTACKER, b"h2").await;
        raw.send(bytes).await;
        assert!(raw.until_closed(END).await.0, "{bytes:?}: the connection goes on");
    }
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
}
