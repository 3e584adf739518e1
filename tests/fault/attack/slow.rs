//! A14: peers that are slow on purpose, at every step of a connection. Failure, beside what `attack.rs` says: a connection that
//! outlives its limit, or connections of one caller that leave none for another.

use std::process::Command;
use std::time::{Duration, Instant};

use heyan_tests::{City, Gateway, heyan, questions};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::raw::{
    CALL, CONTINUATION, DATA, END_STREAM, HEADERS, PREFACE, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, block, call,
    frame,
};
use super::watch::{Watch, ask};
use super::{ATTACKER, limit};

/// Attackers at once.
const ATTACKERS: usize = 20;
/// Between two bytes of a slow peer.
const DRIP: Duration = Duration::from_millis(50);
/// How long the end of a connection is waited for: its limits are a second each.
const END: Duration = Duration::from_secs(10);

/// A city where everything must be done within a second.
fn hasty() -> City {
    let city = City::new();
    for key in ["handshake", "first_request", "headers", "body", "reply", "idle", "grace"] {
        limit(&city, key, "\"1s\"");
    }
    city
}

/// Sends bytes again and again until the gateway ends the connection; whether it does in time.
async fn drip(raw: &mut Raw, bytes: &[u8]) -> bool {
    let dripping = async {
        while raw.send(bytes).await {
            tokio::time::sleep(DRIP).await;
        }
    };
    tokio::time::timeout(END, dripping).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_handshakes() {
    let city = hasty();
    limit(&city, "handshakes_per_address", "10");
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut attackers = JoinSet::new();
    for _ in 0..ATTACKERS {
        let mut tcp = TcpStream::connect(gateway.address()).await.unwrap();
        attackers.spawn(async move {
            // The beginning of a ClientHello, a byte at a time.
            let dripping = async {
                while tcp.write_all(&[22]).await.is_ok() && tcp.write_all(&[3]).await.is_ok() {
                    tokio::time::sleep(DRIP).await;
                }
            };
            tokio::time::timeout(END, dripping).await.is_ok()
        });
    }
    assert!(attackers.join_all().await.into_iter().all(|ended| ended), "a slow handshake goes on");
    let metrics = gateway.admin("/metrics").1;
    assert!(metrics.contains("heyan_handshake_failures_total{reason=\"too_many_of_address\"} 10"), "{metrics}");
    // The address has its handshakes back.
    ask(&gateway.connect("housing-intake").await, 0).await.unwrap();
    watch.end("slow handshakes").await;
}

/// A silent peer after the handshake of TLS, a header over HTTP/1.1 and a frame over HTTP/2 that come a byte at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_headers() {
    let city = hasty();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let begun = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(HEADERS, 0, 1, &block(&CALL))].concat();
    let begun = [&begun[..], &frame(CONTINUATION, 0, 1, &[0; 16_000])[..9]].concat();
    // What it is, the protocol, what is sent at once, and what is sent again and again.
    let cases: [(&str, [&[u8]; 3]); 5] = [
        ("nothing over HTTP/1.1", [b"http/1.1", b"", b""]),
        ("headers over HTTP/1.1", [b"http/1.1", b"GET / HTTP/1.1\r\nhost: localhost\r\n", b"x"]),
        ("nothing over HTTP/2", [b"h2", b"", b""]),
        ("half a preface", [b"h2", &PREFACE[..7], b""]),
        ("headers over HTTP/2", [b"h2", &begun, &[0]]),
    ];
    let mut attackers = JoinSet::new();
    for (what, [protocol, first, more]) in cases {
        let mut raw = Raw::connect(&city, &gateway, ATTACKER, protocol).await;
        raw.send(first).await;
        let more = more.to_vec();
        attackers.spawn(async move {
            let ended = if more.is_empty() { raw.until_closed(END).await.0 } else { drip(&mut raw, &more).await };
            (what, ended)
        });
    }
    for (what, ended) in attackers.join_all().await {
        assert!(ended, "{what}: the connection goes on");
    }
    watch.end("slow headers").await;
}

/// Each body has its second, and then its call is answered; the connection and its other calls go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_bodies() {
    let city = hasty();
    limit(&city, "in_flight_per_caller", &ATTACKERS.to_string());
    limit(&city, "idle", "\"60s\"");
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut raw = Raw::open(&city, &gateway).await;
    let streams: Vec<u32> = (0..u32::try_from(ATTACKERS).unwrap()).map(|number| 2 * number + 1).collect();
    let begun: Vec<u8> = streams.iter().flat_map(|&stream| call(stream)).collect();
    raw.send(&begun).await;
    let (mut answered, began) = (0, Instant::now());
    while answered < ATTACKERS && began.elapsed() < END {
        let bytes: Vec<u8> = streams.iter().flat_map(|&stream| frame(DATA, 0, stream, &[0])).collect();
        raw.send(&bytes).await;
        tokio::time::sleep(DRIP).await;
        let (alive, said) = raw.is_alive().await;
        assert!(alive, "the connection has ended");
        answered += said.iter().filter(|frame| frame.kind == HEADERS && frame.flags & END_STREAM != 0).count();
    }
    assert_eq!(answered, ATTACKERS, "the calls whose body drips are answered, each once");
    // Every place of the caller is free again.
    let (case, question) = questions::named("food-licence-in-force");
    let channel = gateway.connect(case.system).await;
    let mut client = heyan_proto::v1::verification_service_client::VerificationServiceClient::new(channel);
    client.verify(question).await.unwrap();
    watch.end("slow bodies").await;
}

/// A question, framed as gRPC frames it.
pub(crate) fn question() -> Vec<u8> {
    let message = questions::named("food-licence-in-force").1.encode_to_vec();
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat()
}

/// Questions on a connection whose window for replies is `window` bytes for each stream.
async fn ask_with_window(city: &City, gateway: &Gateway, window: u32) -> Raw {
    let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
    let mut raw = Raw::open_with(city, gateway, &settings).await;
    let streams = (0..u32::try_from(ATTACKERS).unwrap()).map(|number| 2 * number + 1);
    let calls = streams.flat_map(|stream| [call(stream), frame(DATA, END_STREAM, stream, &question())].concat());
    raw.send(&calls.collect::<Vec<_>>()).await;
    assert!(raw.next_of(&[HEADERS]).await.is_some(), "no reply has begun");
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_that_are_not_taken() {
    let city = hasty();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut none = ask_with_window(&city, &gateway, 0).await;
    let mut one = ask_with_window(&city, &gateway, 1).await;
    let bytes: Vec<u8> = (0..u32::try_from(ATTACKERS).unwrap())
        .flat_map(|number| frame(WINDOW_UPDATE, 0, 2 * number + 1, &[0, 0, 0, 1]))
        .collect();
    let (never, slowly) = tokio::join!(none.until_closed(END), drip(&mut one, &bytes));
    assert!(never.0, "a connection with no window goes on");
    assert!(slowly, "a connection that takes a byte at a time goes on");
    let metrics = gateway.admin("/metrics").1;
    assert!(metrics.contains("heyan_connections_ended_total{reason=\"reply_not_taken\"} 1"), "{metrics}");
    watch.end("replies that are not taken").await;
}

/// It calls, and never answers a PING: it is gone, or does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_gives_no_sign_of_life() {
    let city = City::new();
    limit(&city, "keep_alive", "\"500ms\"");
    limit(&city, "keep_alive_reply", "\"500ms\"");
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut raw = Raw::open(&city, &gateway).await;
    raw.send(&[call(1), frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])].concat()).await;
    assert!(raw.until_closed(END).await.0, "the connection goes on");
    watch.end("no sign of life").await;
}

/// Connections take four fifths of the descriptors at most, and one caller half of these. What is left serves everyone else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_up_to_the_limit_of_descriptors() {
    const DESCRIPTORS: usize = 256;
    let city = City::new();
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}")).arg(heyan().get_program());
    let gateway = Gateway::start_in(&city, "info", &mut command);
    let watch = Watch::over(&gateway).await;
    let (mut held, mut refused) = (Vec::new(), 0);
    for _ in 0..DESCRIPTORS * 4 / 5 {
        let mut raw = Raw::connect(&city, &gateway, ATTACKER, b"h2").await;
        raw.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        match raw.next_of(&[SETTINGS]).await {
            Some(_) => held.push(raw),
            None => refused += 1,
        }
    }
    assert_eq!((held.len(), refused), (102, 102), "one caller has half of four fifths of 256");
    // What is left of the connections is taken by those who do not even begin a handshake.
    let mut silent = Vec::new();
    for _ in 0..DESCRIPTORS {
        silent.push(TcpStream::connect(gateway.address()).await.unwrap());
    }
    let metrics = gateway.admin("/metrics").1;
    assert!(metrics.contains("heyan_handshake_failures_total{reason=\"too_many_of_caller\"} 102"), "{metrics}");
    for mut tcp in silent {
        let ended = tokio::time::timeout(END, tcp.read(&mut [0])).await;
        assert!(matches!(ended, Ok(Ok(0) | Err(_))), "a silent connection goes on");
    }
    // Another caller connects anew, and its department's connections can be opened.
    for case in ["married-owners-of-a-flat", "divorced"] {
        let channel = gateway.connect("housing-intake").await;
        let mut client = heyan_proto::v1::verification_service_client::VerificationServiceClient::new(channel);
        client.verify(questions::live(questions::named(case).1)).await.unwrap();
    }
    watch.end("idle connections").await;
    drop(held);
}
