//! A15: messages that cost more to read than to send. Failure, beside what `attack.rs` says: another error than the row's.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _};
use heyan_tests::{City, Gateway, Told, questions};
use prost::Message as _;
use tokio::task::JoinSet;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::ATTACKER;
use super::raw::{DATA, HEADERS, Raw, call, frame};
use super::watch::Watch;

/// The largest message that is taken.
const MESSAGE_MAX: usize = 1024 * 1024;
/// How long the reply to a bomb is waited for.
const END: Duration = Duration::from_secs(10);
/// Messages of a kind at once.
const AT_ONCE: usize = 16;

pub(crate) const VERIFY: &str = "/heyan.v1.VerificationService/Verify";
const BATCH: &str = "/heyan.v1.VerificationService/BatchVerify";

/// What is sent, where, and the reason of its error; none when it is answered.
struct Case {
    what: &'static str,
    method: &'static str,
    bytes: Vec<u8>,
    reason: Option<&'static str>,
}

fn cases() -> Vec<Case> {
    let question = || questions::named("food-licence-in-force").1.encode_to_vec();
    let with = |more: &[u8]| [&question()[..], more].concat();
    // A field that no message has, number 100: an empty text of it, the beginning of a group of it.
    let (unknown, group) = ([0xA2, 0x06, 0x00], [0xA3, 0x06]);
    // The fields that repeat: `claims` of a question, `requests` of a batch, each empty.
    let (claim, request) = ([0x3A, 0x00], [0x0A, 0x00]);
    let verify = |what, bytes, reason| Case { what, method: VERIFY, bytes, reason };
    vec![
        verify("one byte too many", vec![0; MESSAGE_MAX + 1], Some("MESSAGE_TOO_LARGE")),
        verify("groups in groups", with(&group.repeat(30_000)), Some("MESSAGE_INVALID")),
        verify("unknown fields", with(&unknown.repeat(10_000)), None),
        verify("more unknown fields", with(&unknown.repeat(300_000)), Some("MESSAGE_TOO_LARGE")),
        verify("claims", with(&claim.repeat(10_000)), Some("TOO_MANY_CLAIMS")),
        verify("claims without end", with(&claim.repeat(500_000)), Some("MESSAGE_TOO_LARGE")),
        Case { method: BATCH, ..verify("questions", request.repeat(10_000), Some("TOO_MANY_REQUESTS_IN_BATCH")) },
        Case { method: BATCH, ..verify("questions without end", request.repeat(500_000), Some("MESSAGE_TOO_LARGE")) },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_cost_more_than_they_say() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for case in cases() {
        let watch = Watch::over(&gateway).await;
        let channel = gateway.connect("health-intake").await;
        let mut calls = JoinSet::new();
        for _ in 0..AT_ONCE {
            calls.spawn(send(channel.clone(), case.method, case.bytes.clone()));
        }
        for outcome in calls.join_all().await {
            match (case.reason, outcome) {
                (None, Ok(_)) => {}
                (Some(reason), Err(status)) => {
                    assert_eq!(Told::by(&status).reason, reason, "{}: {status:?}", case.what)
                }
                (_, outcome) => panic!("{}: {outcome:?}", case.what),
            }
        }
        watch.end(case.what).await;
    }
}

/// Its length alone would fill the memory.
#[tokio::test]
async fn a_message_that_announces_four_gigabytes() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut raw = Raw::open(&city, &gateway).await;
    for number in 0..100 {
        let stream = 2 * number + 1;
        raw.send(&[call(stream), frame(DATA, 0, stream, &[0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3])].concat()).await;
        assert!(raw.next_of(&[HEADERS]).await.is_some_and(|reply| reply.stream == stream), "not answered at once");
    }
    watch.end("announced lengths").await;
}

/// Half a megabyte that becomes 128 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gzip_bomb() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let bomb = zeros(128 << 20);
    assert!(bomb.len() < MESSAGE_MAX);
    let mut body = vec![1];
    body.extend(u32::try_from(bomb.len()).unwrap().to_be_bytes());
    body.extend(bomb);
    let head = format!(
        "POST {VERIFY} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/grpc-web+proto\r\n\
         grpc-encoding: gzip\r\naccept-language: en\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut attackers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let mut raw = Raw::connect(&city, &gateway, ATTACKER, b"http/1.1").await;
        let request = [head.as_bytes(), &body].concat();
        attackers.spawn(async move {
            raw.send(&request).await;
            String::from_utf8_lossy(&raw.until_closed(END).await.1).into_owned()
        });
    }
    for reply in attackers.join_all().await {
        assert!(reply.contains("grpc-status: 3") && reply.contains("the%20request%20is%20larger"), "{reply}");
    }
    watch.end("gzip bomb").await;
}

/// So many zeros as gzip writes them (RFC 1952, RFC 1951): one literal, and copies of 258 of what stands one byte before.
fn zeros(count: usize) -> Vec<u8> {
    let (mut bytes, mut pending, mut held) = (vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF], 0_u32, 0);
    let mut put = |code: &str| {
        for bit in code.bytes() {
            pending |= u32::from(bit == b'1') << held;
            held += 1;
            if held == 8 {
                bytes.push(pending.to_le_bytes()[0]);
                (pending, held) = (0, 0);
            }
        }
    };
    // The last block, with the fixed codes; the literal 0.
    put("1");
    put("10");
    put("00110000");
    for _ in 0..count / 258 {
        put("11000101");
        put("00000");
    }
    put("0000000");
    put("00000000");
    bytes
}

/// One call, with bytes for its message; the bytes of the reply.
pub(crate) async fn send(channel: Channel, method: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(method);
    grpc.unary(Request::new(bytes), path, Bytes).await.map(tonic::Response::into_inner)
}

/// Messages as they are, whatever they hold.
#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut reply = vec![0; from.remaining()];
        from.copy_to_slice(&mut reply);
        Ok(Some(reply))
    }
}
