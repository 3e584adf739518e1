//! Who is let in, who is not, and what the operator reads about it.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tracing_subscriber::fmt::MakeWriter;

use super::running::{Authority, DESK, Pair, Roll, Running, assert_error, call, expired, limits, naming};

/// The log lines of the test's own thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Holds that the handshake is refused, for this reason in the metrics and these words in the log.
async fn assert_refused(gateway: &Running, pair: &Pair, reason: &str, words: &str) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    // In TLS 1.3 the client ends its handshake before the server has seen the certificate: the first call fails then.
    if let Ok(channel) = gateway.connect(pair).await {
        call(&channel, "/test.Dummy/Echo").await.unwrap_err();
    }
    gateway.until_metric(&format!("heyan_handshake_failures_total{{reason=\"{reason}\"}} 1")).await;
    let text = lines.text();
    let warned = text.lines().find(|line| line.contains("\"WARN\"")).unwrap_or_else(|| panic!("no warning in {text}"));
    assert!(warned.contains(words) && warned.contains("\"peer\":\"127.0.0.1:"), "{warned}");
}

#[tokio::test]
async fn a_registered_system_is_answered() {
    let gateway = Running::start(limits()).await;
    let reply = call(&gateway.desk().await, "/test.Dummy/Echo").await.unwrap();
    assert_eq!(reply.metadata().get("x-decision-id").unwrap().to_str().unwrap().len(), 36);
    gateway.until_metric("heyan_connections 1").await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let gateway = Running::start(limits()).await;
    let pair = Authority::new("elsewhere").name(&[DESK]);
    assert_refused(&gateway, &pair, "unknown_authority", "is not signed by an authority of `tls.client_ca`").await;
    let pair = Authority::new("city").name(&[DESK]);
    assert_refused(&gateway, &pair, "bad_signature", "another authority of the same name").await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let gateway = Running::start(limits()).await;
    let pair = gateway.authority.sign(&expired());
    assert_refused(&gateway, &pair, "expired", "the client certificate has expired").await;
}

#[tokio::test]
async fn an_authoritys_certificate_is_no_identity() {
    let gateway = Running::start(limits()).await;
    let mut params = naming(&[DESK]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pair = gateway.authority.sign(&params);
    assert_refused(&gateway, &pair, "authority", "an authority's").await;
}

#[tokio::test]
async fn a_connection_without_a_certificate_is_refused() {
    let gateway = Running::start(limits()).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(gateway.authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert!(stream.read_to_end(&mut Vec::new()).await.is_err());
    gateway.until_metric("heyan_handshake_failures_total{reason=\"no_certificate\"} 1").await;
}

#[tokio::test]
async fn plain_text_is_refused() {
    let gateway = Running::start(limits()).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    gateway.until_metric("heyan_handshake_failures_total{reason=\"not_tls\"} 1").await;
}

#[tokio::test]
async fn a_slow_handshake_is_cut() {
    let mut limits = limits();
    limits.handshake = Duration::from_millis(50);
    let gateway = Running::start(limits).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    gateway.until_metric("heyan_handshake_failures_total{reason=\"slow\"} 1").await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let mut limits = limits();
    limits.connections = 1;
    let gateway = Running::start(limits).await;
    let desk = gateway.desk().await;
    call(&desk, "/test.Dummy/Echo").await.unwrap();
    TcpStream::connect(gateway.address).await.unwrap();
    gateway.until_metric("heyan_handshake_failures_total{reason=\"too_many\"} 1").await;
    call(&desk, "/test.Dummy/Echo").await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_names_no_caller_is_told_why_on_every_call() {
    let gateway = Running::start(limits()).await;
    let mut signer = naming(&[DESK]);
    signer.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    let cases: [(&str, CertificateParams, &str); 5] = [
        ("several_uris", naming(&[DESK, "spiffe://sample-city.example/system/other"]), "CERTIFICATE_NAMES_AMBIGUOUS"),
        // The common name is the desk's URI, and counts for nothing.
        ("no_uri", common_name_alone(), "CERTIFICATE_NAMES_AMBIGUOUS"),
        ("unknown", naming(&["spiffe://sample-city.example/system/other"]), "CERTIFICATE_UNKNOWN"),
        ("unknown", naming(&["SPIFFE://sample-city.example/system/desk"]), "CERTIFICATE_UNKNOWN"),
        ("authority", signer, "CERTIFICATE_UNKNOWN"),
    ];
    for (reason, params, answered) in cases {
        let before = gateway.refusals(reason);
        let channel = gateway.connect(&gateway.authority.sign(&params)).await.unwrap();
        for _ in 0..2 {
            let status = call(&channel, "/test.Dummy/Echo").await.unwrap_err();
            assert_error(&status, Code::Unauthenticated, answered);
        }
        assert_eq!(gateway.refusals(reason), before + 2, "{reason}");
    }
}

fn common_name_alone() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, DESK);
    params
}

#[tokio::test]
async fn revoking_takes_effect_on_an_open_connection() {
    let gateway = Running::start(limits()).await;
    let desk = gateway.desk().await;
    call(&desk, "/test.Dummy/Echo").await.unwrap();
    gateway.members.store(Arc::new(Roll::with_desk(true)));
    let status = call(&desk, "/test.Dummy/Echo").await.unwrap_err();
    assert_error(&status, Code::Unauthenticated, "CERTIFICATE_REVOKED");
    gateway.members.store(Arc::new(Roll::with_desk(false)));
    call(&desk, "/test.Dummy/Echo").await.unwrap();
}

#[tokio::test]
async fn metadata_is_no_identity() {
    let gateway = Running::start(limits()).await;
    let pair = gateway.authority.name(&["spiffe://sample-city.example/system/other"]);
    let channel = gateway.connect(&pair).await.unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
    let mut request = tonic::Request::new(tonic_health::pb::HealthCheckRequest::default());
    for name in ["x-forwarded-client-cert", "x-caller", "authorization"] {
        request.metadata_mut().insert(name, DESK.parse().unwrap());
    }
    assert_error(&client.check(request).await.unwrap_err(), Code::Unauthenticated, "CERTIFICATE_UNKNOWN");
}
