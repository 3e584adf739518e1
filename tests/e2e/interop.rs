//! Other people's clients, over mTLS, against the sample city. Failure: a probe that a client cannot do, or reads otherwise than
//! the contract says; a client that leaves a probe out without the reason that stands here.
//!
//! A client whose tools are not on the machine is skipped and says which; where `tests/run` could install them all, it sets
//! `HEYAN_TEST_CLIENTS=all`, and then a missing tool is a failure.

mod examples;
mod served;
mod workshop;

use served::Served;
use workshop::{Need, Workshop};

/// What every client is asked to do, in this order; `tests/interop/README.md` says what each means.
const PROBES: [&str; 17] = [
    "answer",
    "refusal",
    "error",
    "error-en",
    "chinese",
    "metadata",
    "repeat",
    "batch",
    "gzip",
    "large",
    "health",
    "reflection-v1",
    "reflection-v1alpha",
    "unknown-method",
    "cancel",
    "deadline",
    "deadline-default",
];

/// Probes that a client has no means to do, and why.
type Lacks = &'static [(&'static str, &'static str)];

const NO_STREAM: &str = "a stream of requests needs HTTP/2 and gRPC";
const STREAMS: Lacks = &[("reflection-v1", NO_STREAM), ("reflection-v1alpha", NO_STREAM)];
const HEALTH: Lacks = &[("health", "health is served over gRPC alone")];
const GRPCLIB: Lacks = &[("gzip", "grpclib compresses nothing")];
const BUF: Lacks = &[
    ("gzip", "buf curl compresses no request"),
    ("cancel", "a command that is ended asks nothing more"),
    ("deadline", "the time-out of buf counts from its start, not from the call"),
];

#[test]
fn python_grpcio() {
    check(workshop::PYTHON, &[], |workshop| workshop.python("grpcio_client.py"));
}

#[test]
fn python_grpclib() {
    check(workshop::PYTHON, &[GRPCLIB], |workshop| workshop.python("grpclib_client.py"));
}

#[test]
fn node_grpc_js() {
    check(workshop::NODE, &[], Workshop::grpc_js);
}

#[test]
fn node_connect_over_grpc() {
    check(workshop::NODE, &[], |workshop| workshop.connect("grpc"));
}

#[test]
fn node_connect_over_grpc_web() {
    check(workshop::NODE, &[STREAMS], |workshop| workshop.connect("grpc-web"));
}

#[test]
fn node_connect_over_connect() {
    check(workshop::NODE, &[STREAMS, HEALTH], |workshop| workshop.connect("connect"));
}

#[test]
fn java_grpc_netty() {
    check(workshop::JAVA, &[], Workshop::java);
}

#[test]
fn go_grpc() {
    check(workshop::GO, &[], Workshop::go);
}

#[test]
fn buf_curl_over_grpc() {
    check(workshop::PYTHON, &[BUF], |workshop| workshop.buf_curl("grpc"));
}

#[test]
fn buf_curl_over_grpc_web() {
    check(workshop::PYTHON, &[BUF], |workshop| workshop.buf_curl("grpcweb"));
}

#[test]
fn buf_curl_over_connect() {
    check(workshop::PYTHON, &[BUF, STREAMS, HEALTH], |workshop| workshop.buf_curl("connect"));
}

/// Makes a client and holds what it prints against the table, line by line.
fn check(needs: &[Need], lacks: &[Lacks], make: impl FnOnce(&Workshop) -> std::process::Command) {
    let Some(workshop) = Workshop::with(needs) else { return };
    let mut client = make(&workshop);
    let served = Served::shared();
    let said = workshop::run(client.envs(served.environment()));
    let expected = PROBES.map(|probe| match lacks.iter().copied().flatten().find(|(lacking, _)| *lacking == probe) {
        Some((_, why)) => format!("skip {probe}: {why}"),
        None => format!("ok {probe}"),
    });
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
