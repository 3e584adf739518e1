//! The contract suite over `soap`: SOAP 1.1 in GB 18030, with a password.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use heyan_adapters::contract::{self, Fixture, Record};
use heyan_adapters::{
    Adapter, Breaker, DepartmentDeclaration, Limit, Retry, Soap, Source, Timeout, connect, read_declaration,
};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::{now, unheard};

/// A department with a SOAP service.
struct SoapDepartment {
    folder: TempDir,
    declaration: DepartmentDeclaration,
    address: SocketAddr,
    held: Held,
    server: Mutex<Option<JoinHandle<()>>>,
}

type Held = Arc<Mutex<Vec<Record>>>;

impl SoapDepartment {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let text = include_str!("../data/contract-soap.toml").replace("127.0.0.1:9", &address.to_string());
        let declaration = read_declaration("contract-soap.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("password"), "sample\n").unwrap();
        let held = Held::default();
        let server = Mutex::new(Some(serve(listener, Arc::clone(&held))));
        Self { folder, declaration, address, held, server }
    }

    fn soap(&self) -> Arc<dyn Adapter> {
        let Some(Source::Soap(source)) = &self.declaration.source else { panic!("the declaration has a table `soap`") };
        Arc::new(Soap::new(source, &self.declaration, self.folder.path()))
    }
}

/// Serves until it is aborted, and ends its connections then.
fn serve(listener: TcpListener, held: Held) -> JoinHandle<()> {
    let service = Router::new().route("/licences", post(answer)).with_state(held);
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            connections.spawn(async move {
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // Clients may hang up whenever they like.
                drop(connection.await);
            });
        }
    })
}

async fn answer(State(held): State<Held>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    assert_eq!(header("content-type"), Some("text/xml; charset=gb18030"));
    if header("authorization") != Some("Basic aGV5YW46c2FtcGxl") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let question = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&body).unwrap();
    if question.contains("<m:Endless>") {
        return std::future::pending().await;
    }
    assert_eq!(header("soapaction"), Some("\"http://contract.example/licences/Query\""));
    assert_ne!(value(&question, "Reason"), "");
    let (number, name) = (value(&question, "Number"), value(&question, "Name"));
    let certificate_number = value(&question, "CertificateNumber");
    let fits = |record: &&Record| {
        record.subject == number
            && (name.is_empty() || record.holders == name)
            && (certificate_number.is_empty() || record.certificate_number == certificate_number)
    };
    let records: String = held.lock().unwrap().iter().filter(fits).map(write).collect();
    let code = if records.is_empty() { "0002" } else { "0000" };
    let reply = format!(
        "<?xml version=\"1.0\" encoding=\"GB18030\"?>\
         <SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body>\
         <QueryResponse xmlns=\"http://contract.example/licences\"><ResultCode>{code}</ResultCode>{records}</QueryResponse>\
         </SOAP-ENV:Body></SOAP-ENV:Envelope>"
    );
    let (bytes, _, unmappable) = encoding_rs::GB18030.encode(&reply);
    assert!(!unmappable);
    ([("content-type", "text/xml; charset=GB18030")], bytes.into_owned()).into_response()
}

/// The text of the one element of this name in a question.
fn value(question: &str, name: &str) -> String {
    let (_, rest) = question.split_once(&format!("<m:{name}>")).unwrap();
    let (text, _) = rest.split_once(&format!("</m:{name}>")).unwrap();
    quick_xml::escape::unescape(text).unwrap().into_owned()
}

fn write(record: &Record) -> String {
    let escape = |text: &str| quick_xml::escape::escape(text).into_owned();
    let holders: String =
        record.holders.split(',').map(|holder| format!("<Holder>{}</Holder>", escape(holder))).collect();
    format!(
        "<Record><No>{}</No><Holders>{holders}</Holders><State code=\"{}\"/><Issued>{}</Issued><Until>{}</Until>\
         <Months>{}</Months></Record>",
        escape(&record.certificate_number),
        escape(&record.state),
        escape(&record.valid_from),
        escape(&record.valid_to),
        escape(&record.months)
    )
}

#[async_trait]
impl Fixture for SoapDepartment {
    async fn hold(&self, records: &[Record]) {
        *self.held.lock().unwrap() = records.to_vec();
    }

    async fn stop(&self) {
        let server = self.server.lock().unwrap().take().unwrap();
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }

    async fn start(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.server.lock().unwrap() = Some(serve(listener, Arc::clone(&self.held)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soap() {
    let department = SoapDepartment::new().await;
    contract::answers_and_fails_closed(&*department.soap(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_with_timeout() {
    let department = SoapDepartment::new().await;
    let declared = Duration::from_millis(1500);
    let adapter = Timeout::new(department.soap(), declared);
    contract::answers_and_fails_closed(&adapter, &department).await;
    contract::ends_at_the_deadline(&adapter, &department, declared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_with_limit() {
    let department = SoapDepartment::new().await;
    let adapter = Limit::new(department.soap(), 2, Duration::from_secs(10));
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_with_retry() {
    let department = SoapDepartment::new().await;
    let adapter = Retry::new(department.soap(), Duration::from_secs(10), unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_with_breaker() {
    let department = SoapDepartment::new().await;
    let adapter = Breaker::new(department.soap(), department.declaration.limits, unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_as_connected() {
    let department = SoapDepartment::new().await;
    let adapter = connect(&department.declaration, department.folder.path(), &unheard(), &now()).unwrap();
    contract::answers_and_fails_closed(&*adapter, &department).await;
    contract::ends_at_the_deadline(&*adapter, &department, department.declaration.limits.deadline).await;
}
