use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use heyan_proto::document;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use reqwest::Method;
use reqwest::header::HeaderMap;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::canned::{Canned, reply};
use super::{Encoding, Endpoint, Exchange, REPLY_BYTES_MAX, Reply, Request, endpoint};
use crate::AdapterError;

const AMPLE: Duration = Duration::from_secs(10);

fn exchange(url: &str, tls: &str, folder: &Path) -> Exchange {
    let text = format!("url = \"{url}\"\n{tls}");
    let endpoint = document::read("endpoint.toml", &text, |table| Endpoint::read(table, "url"));
    Exchange::new(endpoint.unwrap_or_else(|problems| panic!("{problems}")), folder, 4)
}

async fn get(exchange: &Exchange, within: Duration) -> Result<Reply, AdapterError> {
    let url = exchange.endpoint().join("/licences", None).unwrap();
    let request = Request { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() };
    exchange.send(request, Instant::now() + within).await
}

/// Says this once over a connection without TLS.
async fn told(bytes: Vec<u8>) -> Result<Reply, AdapterError> {
    let service = Canned::new(move |_| bytes.clone()).await;
    get(&exchange(&service.url, "", Path::new("")), AMPLE).await
}

#[tokio::test]
async fn replies_are_whole_and_bounded() {
    let closing =
        |head: &str, body: &str| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n\r\n{body}").into_bytes();
    let largest = "x".repeat(REPLY_BYTES_MAX);
    assert_eq!(told(reply("200 OK", &largest)).await.unwrap().body.len(), REPLY_BYTES_MAX);
    assert_eq!(told(closing("x-a: b", "to the end")).await.unwrap().body, b"to the end");
    let malformed = |what: &str| AdapterError::Malformed { what: what.into() };
    for (bytes, error) in [
        (reply("200 OK", &format!("{largest}x")), malformed("the reply is too large")),
        (closing("x-a: b", &format!("{largest}x")), malformed("the reply is too large")),
        (closing("content-encoding: gzip\r\ncontent-length: 2", "ab"), malformed("the reply is compressed")),
        // Cut short, or no HTTP at all: the connection broke, and asking again is safe.
        (closing("content-length: 9", "short"), AdapterError::Unavailable),
        (closing("transfer-encoding: chunked", "5\r\nsh"), AdapterError::Unavailable),
        (b"connection: close, and what this is nobody knows\r\n\r\n".to_vec(), AdapterError::Unavailable),
        (closing(&format!("x: {}", "y".repeat(1 << 20)), ""), AdapterError::Unavailable),
    ] {
        assert_eq!(told(bytes).await.unwrap_err(), error);
    }
}

#[tokio::test]
async fn a_slow_reply_ends_at_the_deadline() {
    for bytes in [Vec::new(), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow".to_vec()] {
        let service = Canned::new(move |_| bytes.clone()).await;
        let exchange = exchange(&service.url, "", Path::new(""));
        let asked = Instant::now();
        assert_eq!(get(&exchange, Duration::from_millis(200)).await.unwrap_err(), AdapterError::Timeout);
        assert!(asked.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Canned::new(|_| reply("200 OK", "[]")).await;
    let location = format!("302 Found\r\nlocation: {}/licences", elsewhere.url);
    let service = Canned::new(move |_| reply(&location, "")).await;
    let replied = get(&exchange(&service.url, "", Path::new("")), AMPLE).await.unwrap();
    assert_eq!((replied.status.as_u16(), elsewhere.heard().len()), (302, 0));
}

/// An authority and the certificates under it.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str, last_year: i32) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(last_year, 1, 1);
        (parameters.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A service that shows this certificate and, where `demands` is, demands one.
    async fn serve(&self, (certificate, key): (rcgen::Certificate, KeyPair), demands: bool) -> Canned {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ServerConfig::builder();
        let builder = match demands {
            true => builder.with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap()),
            false => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        Canned::with_tls(TlsAcceptor::from(Arc::new(config)), |_| reply("200 OK", "[]")).await
    }
}

#[tokio::test]
async fn trouble_with_certificates_names_its_cause() {
    let (authority, other) = (Authority::new(), Authority::new());
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("ca.pem", &authority.0.pem());
    let (own, own_key) = authority.issue("gateway.example", 2099);
    write("own.pem", &own.pem());
    write("own.key", &own_key.serialize_pem());
    write("empty.pem", "");
    write("other.key", &KeyPair::generate().unwrap().serialize_pem());
    let good = authority.serve(authority.issue("127.0.0.1", 2099), false).await;
    let strict = authority.serve(authority.issue("127.0.0.1", 2099), true).await;
    let expired = authority.serve(authority.issue("127.0.0.1", 2021), false).await;
    let misnamed = authority.serve(authority.issue("licences.example", 2099), false).await;
    let strange = other.serve(other.issue("127.0.0.1", 2099), false).await;
    let ca = "tls = { ca = \"ca.pem\" }";
    let with_key =
        |key: &str| format!("tls = {{ ca = \"ca.pem\", certificate = \"own.pem\", key = {{ file = \"{key}\" }} }}");
    for (service, tls, expected) in [
        (&good, ca, None),
        (&strict, &with_key("own.key"), None),
        (&expired, ca, Some("its certificate has expired")),
        (&misnamed, ca, Some("its certificate is for another host than that of the URL")),
        (&strange, ca, Some("its certificate is not issued under the declared `tls.ca`")),
        (&strict, ca, Some("it does not accept our certificate: see `tls.certificate`")),
        (&good, "tls = { ca = \"absent.pem\" }", Some("the file of `tls.ca` cannot be read")),
        (&good, "tls = { ca = \"empty.pem\" }", Some("`tls.ca` is not a list of certificates in PEM")),
        (&good, &with_key("absent.key"), Some("the secret in the file `absent.key` cannot be read")),
        (&good, &with_key("own.pem"), Some("`tls.certificate` and `tls.key` are not a certificate and its key in PEM")),
        (&good, &with_key("other.key"), Some("`tls.certificate` and `tls.key` do not fit each other")),
    ] {
        let replied = get(&exchange(&service.url, tls, folder.path()), AMPLE).await;
        let expected = expected.map(|what| AdapterError::Misconfigured { what: what.into() });
        assert_eq!(replied.err(), expected, "{tls}");
    }
}

#[tokio::test]
async fn a_port_without_tls_is_a_wrong_port() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let exchange = exchange(&format!("https://{}", listener.local_addr().unwrap()), "", Path::new(""));
    let refusing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&reply("400 Bad Request", "")).await.unwrap();
        stream
    };
    let (replied, _stream) = tokio::join!(get(&exchange, AMPLE), refusing);
    let expected = AdapterError::Misconfigured { what: "it does not speak TLS at the port of the URL".into() };
    assert_eq!(replied.unwrap_err(), expected);
}

/// Failure is an exchange that goes on with files that were replaced since.
#[tokio::test]
async fn renewed_certificates_are_read() {
    let (authority, other) = (Authority::new(), Authority::new());
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ca.pem"), other.0.pem()).unwrap();
    let service = authority.serve(authority.issue("127.0.0.1", 2099), false).await;
    let exchange = exchange(&service.url, "tls = { ca = \"ca.pem\" }", folder.path());
    assert!(matches!(get(&exchange, AMPLE).await, Err(AdapterError::Misconfigured { .. })));
    fs::write(folder.path().join("ca.pem"), authority.0.pem()).unwrap();
    assert_eq!(get(&exchange, AMPLE).await.unwrap().status, 200);
}

#[test]
fn only_this_machine_is_asked_without_tls() {
    let good = [
        "https://licences.example.gov.cn/api/v2",
        "https://10.8.0.12:8443",
        "http://127.0.0.1:8080/x",
        "http://127.8.0.1",
        "http://[::1]:8080",
    ];
    let bad = [
        "",
        "licences.example.gov.cn",
        "/api",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://licences.example.gov.cn",
        "http://localhost",
        "http://10.8.0.12",
        "http://127.0.0.1.example.com",
        "https://user:password@licences.example.gov.cn",
        "https://licences.example.gov.cn?x=1",
        "https://licences.example.gov.cn#x",
    ];
    for url in good {
        assert!(endpoint::parse_url(url).is_ok(), "{url}");
    }
    for url in bad {
        assert!(endpoint::parse_url(url).is_err(), "{url}");
    }
}

#[test]
fn a_path_is_sent_as_it_is_written_or_not_at_all() {
    let at = |base: &str, path: &str| {
        let exchange = exchange(base, "", Path::new(""));
        exchange.endpoint().join(path, Some("a=b")).map(String::from)
    };
    assert_eq!(at("https://a.example/api/", "/x%2Fy"), Ok("https://a.example/api/x%2Fy?a=b".into()));
    assert_eq!(at("https://a.example", "/x"), Ok("https://a.example/x?a=b".into()));
    for path in ["/..", "/x/../y", "/./x", "/%2e%2E/x", "/x?y", "/x#y", "/样例"] {
        assert!(at("https://a.example/api", path).is_err(), "{path}");
    }
}

#[test]
fn text_is_wholly_in_its_encoding() {
    let gb18030 = Encoding::Gb18030.encode("样例㐀").unwrap().into_owned();
    assert_eq!(Encoding::Gb18030.decode(&gb18030).as_deref(), Some("样例㐀"));
    assert_eq!(Encoding::Utf8.decode(&gb18030), None);
    assert_eq!(Encoding::Utf8.decode("\u{FEFF}样例".as_bytes()).as_deref(), Some("样例"));
    assert_eq!(Encoding::Gb18030.decode(b"\xD1"), None, "half a character");
    assert_eq!(Encoding::Utf8.decode(b"\xE6\xA0"), None, "half a character");
    for (encoding, charset, is_named) in [
        (Encoding::Utf8, "UTF-8", true),
        (Encoding::Utf8, "gbk", false),
        (Encoding::Utf8, "nonsense", false),
        (Encoding::Gb18030, "GB2312", true),
        (Encoding::Gb18030, "gb18030", true),
        (Encoding::Gb18030, "utf-8", false),
    ] {
        assert_eq!(encoding.is_named(charset), is_named, "{charset}");
    }
}
