//! An HTTP/2 client that sends whatever it is told to: frames written by hand (RFC 9113, section 4).

use std::sync::Arc;
use std::time::Duration;

use heyan::sample::client_keys;
use heyan_tests::{City, Gateway};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const WITH_PRIORITY: u8 = 0x20;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a silent gateway is waited for, before it is taken to have nothing to say.
const SILENCE: Duration = Duration::from_secs(5);

/// A frame in its bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Header fields as HPACK literals that are neither indexed nor compressed (RFC 7541, 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            integer(&mut bytes, text.len());
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// An HPACK integer with a prefix of seven bits (RFC 7541, 5.1).
fn integer(bytes: &mut Vec<u8>, mut value: usize) {
    if value < 127 {
        bytes.push(value.to_le_bytes()[0]);
        return;
    }
    bytes.push(127);
    value -= 127;
    while value >= 128 {
        bytes.push((value % 128).to_le_bytes()[0] | 128);
        value /= 128;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// The header fields of a call to `Verify`.
pub(crate) const CALL: [(&str, &str); 6] = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "localhost"),
    (":path", "/heyan.v1.VerificationService/Verify"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
];

/// HEADERS of a call, whole, with its body to come.
pub(crate) fn call(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(&CALL))
}

/// A frame of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The code of a GOAWAY or `RST_STREAM`.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A connection over TLS on which nothing is sent by itself.
pub(crate) struct Raw {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

impl Raw {
    /// After the handshake of TLS, before the first byte of HTTP.
    pub(crate) async fn connect(city: &City, gateway: &Gateway, member: &str, protocol: &[u8]) -> Self {
        let tcp = TcpStream::connect(gateway.address()).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let stream = connector(city, member, protocol).connect(ServerName::try_from("localhost").unwrap(), tcp).await;
        Self { stream: stream.unwrap(), read: Vec::new() }
    }

    /// After both sides have said their settings; `settings` is the payload of ours.
    pub(crate) async fn open_with(city: &City, gateway: &Gateway, settings: &[u8]) -> Self {
        let mut raw = Self::connect(city, gateway, super::ATTACKER, b"h2").await;
        let mut hello = PREFACE.to_vec();
        hello.extend(frame(SETTINGS, 0, 0, settings));
        hello.extend(frame(SETTINGS, ACK, 0, &[]));
        raw.send(&hello).await;
        while raw.next().await.expect("the gateway says its settings").kind != SETTINGS {}
        raw
    }

    pub(crate) async fn open(city: &City, gateway: &Gateway) -> Self {
        Self::open_with(city, gateway, &[]).await
    }

    /// Sends bytes. A gateway that has closed the connection does not take them; what it said is still read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// The next frame; `None` when the connection has ended, or nothing comes.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.parsed() {
                return Some(frame);
            }
            let mut chunk = [0; 16 * 1024];
            match tokio::time::timeout(SILENCE, self.stream.read(&mut chunk)).await {
                Ok(Ok(count @ 1..)) => self.read.extend_from_slice(&chunk[..count]),
                _ => return None,
            }
        }
    }

    /// As [`Raw::next`], passing over frames of no interest.
    pub(crate) async fn next_of(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }

    /// Whether the gateway answers a PING, so the connection goes on; what it said before that.
    pub(crate) async fn is_alive(&mut self) -> (bool, Vec<Frame>) {
        self.send(&frame(PING, 0, 0, b"isalive?")).await;
        let mut before = Vec::new();
        while let Some(frame) = self.next().await {
            if frame.kind == PING && frame.flags & ACK != 0 && frame.payload == b"isalive?" {
                return (true, before);
            }
            before.push(frame);
        }
        (false, before)
    }

    /// Everything that the gateway says until it ends the connection; whether it does within `limit`.
    pub(crate) async fn until_closed(&mut self, limit: Duration) -> (bool, Vec<u8>) {
        let mut said = std::mem::take(&mut self.read);
        let mut chunk = [0; 16 * 1024];
        let reading = async {
            while let Ok(count @ 1..) = self.stream.read(&mut chunk).await {
                said.extend_from_slice(&chunk[..count]);
            }
        };
        let closed = tokio::time::timeout(limit, reading).await.is_ok();
        (closed, said)
    }

    fn parsed(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.read.get(..9)?.try_into().unwrap();
        let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap();
        let payload = self.read.get(9..9 + length)?.to_vec();
        self.read.drain(..9 + length);
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }
}

fn connector(city: &City, member: &str, protocol: &[u8]) -> TlsConnector {
    let keys = client_keys(city.path(), member);
    let read = |file| std::fs::read(file).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read(city.file("keys/client-ca.pem"))).unwrap()).unwrap();
    let chain = CertificateDer::pem_slice_iter(&read(keys.certificate)).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(&read(keys.key)).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}
