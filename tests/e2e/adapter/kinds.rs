//! A department of each kind, connected by a file that `heyan adapter new` wrote, and then broken. Failure: a good set-up that is
//! refused, or a broken one whose cause and line are not named.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use heyan_tests::{City, heyan};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{check, line_of, problems};

const ID: &str = "new-department";
const HELD: &str = "91500000MA0000015Q";

/// A text of the declaration, and what stands there instead.
type Replaced<'t> = (&'t str, &'t str);

/// What is broken: its name, how, the exit code, a text of the line that is told, and a part of the cause.
type Broken<'t> = (&'t str, &'t [Replaced<'t>], i32, &'t str, &'t str);

/// A declaration that `heyan adapter new` has written.
struct New {
    city: City,
    file: PathBuf,
    text: String,
}

impl New {
    fn of(kind: &str) -> Self {
        let city = City::new();
        let file = city.file(&format!("departments/{ID}.toml"));
        let written = heyan().args(["adapter", "new", kind, ID, "--out"]).arg(&file).output().unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        let text = fs::read_to_string(&file).unwrap();
        Self { city, file, text }
    }

    /// Checks the declaration after these texts were replaced, first those that break it; exit code, and the first problem with its line.
    fn check(&self, broken: &[Replaced<'_>], good: &[Replaced<'_>]) -> (Option<i32>, Option<(u64, String)>) {
        let mut text = self.text.clone();
        for (from, to) in broken {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        let text = good.iter().fold(text, |text, (from, to)| text.replace(from, to));
        fs::write(&self.file, text).unwrap();
        let (exit, json) = check(&self.city, &format!("departments/{ID}.toml"), &["--online", "--output", "json"]);
        (exit, problems(&json).into_iter().next())
    }

    /// Is found good with `good`; with each of `broken` more, told at the line that has the text.
    fn is_good_and_breaks(&self, good: &[Replaced<'_>], broken: &[Broken<'_>]) {
        assert_eq!(self.check(&[], good), (Some(0), None));
        for (what, replaced, exit, line, cause) in broken {
            let (ended, problem) = self.check(replaced, good);
            let (at, message) = problem.unwrap_or_else(|| panic!("{what}: nothing is found wrong"));
            assert_eq!((ended, at), (Some(*exit), line_of(&self.file, line)), "{what}: {message}");
            assert!(message.contains(cause), "{what}: {message}");
        }
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn json(headers: HeaderMap, body: String) -> (StatusCode, String) {
    if headers.get("x-api-key").is_none_or(|key| key != "sample-key") {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let record = r#"{"code":0,"data":[{"licenceNo":"JY1","holder":"sample","state":"1","issuedOn":"2024-03-01","validUntil":"2029-02-28","businessForm":"2"}]}"#;
    let none = r#"{"code":404}"#;
    (StatusCode::OK, if body.contains(HELD) { record } else { none }.to_owned())
}

async fn xml(body: String) -> ([(header::HeaderName, &'static str); 1], String) {
    let record = "<m:ResultCode>0000</m:ResultCode><m:Record><m:LicenceNo>JY1</m:LicenceNo><m:Holder>sample</m:Holder>\
                  <m:State>1</m:State><m:IssuedOn>20240301</m:IssuedOn><m:ValidUntil>20290228</m:ValidUntil>\
                  <m:BusinessForm>2</m:BusinessForm></m:Record>";
    let said = if body.contains(HELD) { record } else { "<m:ResultCode>0002</m:ResultCode>" };
    let envelope = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <m:R xmlns:m=\"http://department.example/licences\">{said}</m:R></soap:Body></soap:Envelope>"
    );
    ([(header::CONTENT_TYPE, "text/xml; charset=gb18030")], envelope)
}

/// A server whose certificate has expired; its authority is in the city's `keys`.
async fn expired(city: &City) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(city.file("keys/ca-of-new.pem"), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let mut certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Nobody who looks at the certificate gets further.
            drop(acceptor.accept(stream).await);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http() {
    let new = New::of("http");
    let address = serve(Router::new().route("/v1/licences/query", post(json))).await;
    let expired = expired(&new.city).await;
    fs::write(new.city.file(&format!("keys/{ID}.key")), "sample-key\n").unwrap();
    fs::write(new.city.file("keys/wrong.key"), "another").unwrap();
    let (url, tls) =
        (format!("http://{address}/v1"), format!("https://{expired}/v1\"\ntls = {{ ca = \"keys/ca-of-new.pem\" }}#"));
    let base = "https://api.department.example/v1";
    new.is_good_and_breaks(
        &[(base, &url)],
        &[
            ("wrong host", &[(base, "http://127.0.0.1:9/v1")], 3, "base_url =", "cannot be reached"),
            ("expired certificate", &[(base, &tls)], 78, "base_url =", "its certificate has expired"),
            ("wrong key", &[(&format!("{ID}.key"), "wrong.key")], 78, "auth =", "refuses the credentials"),
            ("no key", &[(&format!("{ID}.key"), "none.key")], 78, "none.key", "cannot be read"),
            ("changed path", &[("/licences/query", "/licence/query")], 78, "path =", "does not know such a question"),
            ("renamed member", &[("businessForm", "form")], 78, "$.form", "`$.form` is missing"),
            (
                "other code",
                &[("equals = [0, \"0\"]", "equals = [200]"), ("\"code\": 0", "\"code\": 200")],
                78,
                "success =",
                "`$.code`",
            ),
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soap() {
    let new = New::of("soap");
    let address = serve(Router::new().route("/LicenceService", post(xml))).await;
    let url = format!("http://{address}/LicenceService");
    let endpoint = "https://ws.department.example/LicenceService";
    new.is_good_and_breaks(
        &[(endpoint, &url)],
        &[
            ("wrong host", &[(endpoint, "http://127.0.0.1:9/LicenceService")], 3, "endpoint =", "cannot be reached"),
            (
                "changed path",
                &[(endpoint, &format!("http://{address}/Other"))],
                78,
                "endpoint =",
                "does not know such a question",
            ),
            ("renamed element", &[("m:ResultCode", "m:Code")], 78, "success =", "neither success nor"),
            (
                "other encoding",
                &[("encoding = \"gb18030\"", "encoding = \"utf-8\"")],
                78,
                "encoding =",
                "not written in `utf-8`",
            ),
        ],
    );
}

#[test]
fn files() {
    let new = New::of("files");
    let folder = new.city.file(&format!("incoming/{ID}"));
    fs::create_dir_all(&folder).unwrap();
    let drop_file = |name: &str, header: &str, age: u64| {
        let text = format!("{header}\n{HELD},JY1,sample,1,2024-03-01,2029-02-28,2\n");
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        let at = SystemTime::now() - Duration::from_secs(age);
        fs::File::options().write(true).open(&file).unwrap().set_modified(at).unwrap();
    };
    let header = "credit_code,licence_no,holder,state,issued_on,valid_until,business_form";
    drop_file("licence-20261130.csv", header, 3_600);
    drop_file("renamed-20261130.csv", &header.replace("business_form", "form"), 3_600);
    drop_file("old-20261101.csv", header, 30 * 86_400);
    new.is_good_and_breaks(
        &[("stale_after = \"26h\"", "settle = \"0s\"\nstale_after = \"26h\"")],
        &[
            ("no folder", &[("incoming/", "nowhere/")], 3, "folder =", "cannot be reached"),
            ("no file", &[("licence-*.csv", "none-*.csv")], 3, "folder =", "cannot be reached"),
            ("stale file", &[("licence-*.csv", "old-*.csv")], 3, "folder =", "cannot be reached"),
            (
                "renamed column",
                &[("licence-*.csv", "renamed-*.csv")],
                78,
                "fields.business_form",
                "no column `business_form`",
            ),
        ],
    );
}
