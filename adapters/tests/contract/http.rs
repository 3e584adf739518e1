//! The kind `http`, over HTTP/1.1, and over HTTP/2 with certificates on both sides.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{self, State};
use axum::http::{Version, header};
use axum::routing::{get, post};
use heyan_adapters::contract::{self, Fixture, Record};
use heyan_adapters::{
    Adapter, Breaker, DepartmentDeclaration, Http, Limit, Retry, Source, Timeout, connect, read_declaration,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::{now, unheard};

/// A department with a service of JSON.
struct HttpDepartment {
    folder: TempDir,
    declaration: DepartmentDeclaration,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    held: Held,
    running: Mutex<Option<JoinHandle<()>>>,
}

type Held = Arc<Mutex<Vec<Record>>>;

impl HttpDepartment {
    /// Over HTTP/1.1, without TLS.
    async fn new() -> Self {
        Self::set_up(|_| None, "http", "").await
    }

    /// Over HTTP/2, with certificates on both sides.
    async fn with_certificates() -> Self {
        let tls = "tls = { ca = \"ca.pem\", certificate = \"gateway.pem\", key = { file = \"gateway.key\" } }";
        Self::set_up(|folder| Some(write_certificates(folder)), "https", tls).await
    }

    async fn set_up(write: impl Fn(&Path) -> Option<TlsAcceptor>, scheme: &str, tls: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let text = include_str!("../data/contract-http.toml")
            .replace("\"http://127.0.0.1:9/api\"", &format!("\"{scheme}://{address}/api\"\n{tls}"));
        let declaration = read_declaration("contract-http.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let tls = write(folder.path());
        let department = Self { folder, declaration, address, tls, held: Held::default(), running: Mutex::default() };
        department.serve(listener);
        department
    }

    fn serve(&self, listener: TcpListener) {
        let expected = if self.tls.is_some() { Version::HTTP_2 } else { Version::HTTP_11 };
        let licences = post(move |State(held), version: Version, number, body| async move {
            assert_eq!(version, expected);
            ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], answer(&held, number, &body).to_string())
        });
        let router = Router::new()
            .route("/api/licences/{number}/query", licences)
            .route("/api/endless", get(std::future::pending::<()>))
            .with_state(Arc::clone(&self.held));
        let tls = self.tls.clone();
        *self.running.lock().unwrap() = Some(tokio::spawn(async move {
            // Connections end with this task, as they do with the process of a real service.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(converse(stream, tls.clone(), router.clone()));
                while connections.try_join_next().is_some() {}
            }
        }));
    }

    fn http(&self) -> Arc<dyn Adapter> {
        let Some(Source::Http(source)) = &self.declaration.source else { panic!("the declaration has a table `http`") };
        Arc::new(Http::new(source, &self.declaration, self.folder.path()))
    }
}

#[async_trait]
impl Fixture for HttpDepartment {
    async fn hold(&self, records: &[Record]) {
        *self.held.lock().unwrap() = records.to_vec();
    }

    async fn stop(&self) {
        let running = self.running.lock().unwrap().take().unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }

    async fn start(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }
}

async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    let service = TowerToHyperService::new(router);
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Forty look-ups that are dropped at once look like an attack to a server of HTTP/2, which then closes the connection of
    // all. Behind `Limit` they are never that many.
    server.http2().max_pending_accept_reset_streams(Some(100));
    // A caller who hangs up is no failure of the department.
    drop(match tls {
        None => server.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => server.serve_connection(TokioIo::new(stream), service).await,
            Err(_) => return,
        },
    });
}

/// What the service says: in its own codes, with HTTP 200 whatever it says.
fn answer(held: &Held, extract::Path(subject): extract::Path<String>, body: &Bytes) -> Value {
    let question: Value = serde_json::from_slice(body).unwrap();
    assert!(question["reason"].is_string(), "a question without a reason is not answered");
    let fits = |asked: &Value, held: &str| asked.is_null() || asked == held;
    let found: Vec<Value> = held
        .lock()
        .unwrap()
        .iter()
        .filter(|record| record.subject == subject)
        .filter(|record| fits(&question["no"], &record.certificate_number))
        .filter(|record| fits(&question["filter"]["name"], &record.holders))
        .map(|record| {
            let Record { certificate_number, holders, state, valid_from, valid_to, months, .. } = record;
            let holders: Vec<Value> = holders.split(',').map(|name| json!({ "name": name })).collect();
            let validity = json!({ "from": valid_from, "to": valid_to });
            json!({ "no": certificate_number, "holders": holders, "state": state, "validity": validity, "months": months })
        })
        .collect();
    match found.is_empty() {
        true => json!({ "code": 40401, "message": "查无记录", "data": null }),
        false => json!({ "code": 0, "data": { "updated": "2026-11-22 23:00:00", "list": found } }),
    }
}

/// Writes what the gateway has, and gives what the department has.
fn write_certificates(folder: &Path) -> TlsAcceptor {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap(), key)
    };
    let (gateway, gateway_key) = issue("gateway.example");
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("gateway.pem"), gateway.pem()).unwrap();
    fs::write(folder.join("gateway.key"), gateway_key.serialize_pem()).unwrap();
    let (certificate, key) = issue("127.0.0.1");
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn http() {
    let department = HttpDepartment::new().await;
    contract::answers_and_fails_closed(&*department.http(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_with_certificates() {
    let department = HttpDepartment::with_certificates().await;
    contract::answers_and_fails_closed(&*department.http(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_with_timeout() {
    let department = HttpDepartment::new().await;
    let declared = Duration::from_millis(1500);
    let adapter = Timeout::new(department.http(), declared);
    contract::answers_and_fails_closed(&adapter, &department).await;
    contract::ends_at_the_deadline(&adapter, &department, declared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_with_limit() {
    let department = HttpDepartment::new().await;
    let adapter = Limit::new(department.http(), 2, Duration::from_secs(10));
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_with_retry() {
    let department = HttpDepartment::new().await;
    let adapter = Retry::new(department.http(), Duration::from_secs(10), unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_with_breaker() {
    let department = HttpDepartment::new().await;
    let adapter = Breaker::new(department.http(), department.declaration.limits, unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_as_connected() {
    let department = HttpDepartment::with_certificates().await;
    let adapter = connect(&department.declaration, department.folder.path(), &unheard(), &now()).unwrap();
    contract::answers_and_fails_closed(&*adapter, &department).await;
    contract::ends_at_the_deadline(&*adapter, &department, department.declaration.limits.deadline).await;
}
