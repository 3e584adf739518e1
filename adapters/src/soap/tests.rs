mod reply;

use std::time::{Duration, Instant};

use encoding_rs::GB18030;
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::PersonalText;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Soap;
use super::tree::Document;
use crate::contract::{SUBJECTS, lookup};
use crate::{Adapter, AdapterError, Holdings, Lookup, OfficialOnCall, Source, read_declaration};

const DECLARATION: &str = include_str!("../../tests/data/contract-soap.toml");
const PUBLIC_SECURITY: &str = include_str!("../../tests/data/public-security-soap.toml");

/// A service that gives every connection the same bytes.
struct Service {
    adapter: Soap,
    folder: TempDir,
    /// What was asked: heads and bodies.
    asked: UnboundedReceiver<(String, Vec<u8>)>,
}

impl Service {
    async fn new(declaration: &str, reply: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let text = declaration.replace("127.0.0.1:9", &listener.local_addr().unwrap().to_string());
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("password"), "canary").unwrap();
        let declaration = read_declaration("soap.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let Some(Source::Soap(source)) = &declaration.source else { panic!("it has a table `soap`") };
        let adapter = Soap::new(source, &declaration, folder.path());
        let (tell, asked) = unbounded_channel();
        tokio::spawn(async move {
            let closes = reply.windows(17).any(|window| window == b"connection: close");
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut read = Vec::new();
                let question = loop {
                    stream.read_buf(&mut read).await.unwrap();
                    if let Some(question) = whole(&read) {
                        break question;
                    }
                };
                tell.send(question).unwrap();
                stream.write_all(&reply).await.unwrap();
                if !closes {
                    open.push(stream);
                }
            }
        });
        Self { adapter, folder, asked }
    }

    async fn ask(&self) -> Result<Holdings, AdapterError> {
        self.adapter.look_up(&lookup("licence", SUBJECTS[0])).await
    }
}

/// The head and the body of a question that was read wholly.
fn whole(read: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = read.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(read[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest.lines().next().unwrap());
    let body = &read[end..];
    (body.len() == length.parse::<usize>().unwrap()).then(|| (head, body.to_vec()))
}

fn http(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn envelope(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' xmlns='http://contract.example/licences'><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// The whole answer "none", as bytes.
fn none() -> Vec<u8> {
    envelope("<ResultCode>0002</ResultCode>").into_bytes()
}

/// What a reply of these bytes comes to.
async fn told(reply: Vec<u8>) -> Result<usize, AdapterError> {
    Service::new(DECLARATION, reply).await.ask().await.map(|holdings| holdings.records.len())
}

fn malformed(what: &str) -> AdapterError {
    AdapterError::Malformed { what: what.into() }
}

fn misconfigured(what: &str) -> AdapterError {
    AdapterError::Misconfigured { what: what.into() }
}

#[tokio::test]
async fn a_question_is_one_envelope_in_the_declared_encoding() {
    let mut service = Service::new(DECLARATION, http("200 OK", "text/xml", &none())).await;
    assert_eq!(service.ask().await.unwrap().records.len(), 0);
    let (head, body) = service.asked.recv().await.unwrap();
    assert!(head.starts_with("post /licences http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nsoapaction: \"http://contract.example/licences/query\"\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: text/xml; charset=gb18030\r\n"), "{head}");
    let text = GB18030.decode_without_bom_handling_and_without_replacement(&body).unwrap();
    assert!(
        text.contains("<soap:Header><m:Caller><m:Reason>办理样例事项</m:Reason></m:Caller></soap:Header>"),
        "{text}"
    );
    let document = Document::parse(&text).unwrap();
    assert_eq!(document.encoding.as_deref(), Some("gb18030"));
    assert_eq!(document.root.children.len(), 2);
    // SOAP 1.2 names what is called in the type of the message.
    let version_2 =
        DECLARATION.replace("version = \"1.1\"", "version = \"1.2\"").replace("xmlsoap.org/soap/envelope/", "x");
    let version_2 = version_2.replace("http://schemas.x", "http://www.w3.org/2003/05/soap-envelope");
    let mut service = Service::new(&version_2, http("200 OK", "text/xml", b"")).await;
    let traced = Lookup { traceparent: Some("00-1-2-01".into()), ..lookup("licence", SUBJECTS[0]) };
    assert_eq!(service.adapter.look_up(&traced).await, Err(malformed("the reply is not well-formed XML")));
    let (head, _) = service.asked.recv().await.unwrap();
    let content = "application/soap+xml; charset=gb18030; action=\"http://contract.example/licences/query\"";
    assert!(head.contains(&format!("\r\ncontent-type: {content}\r\n")) && !head.contains("soapaction"), "{head}");
    assert!(head.contains("\r\ntraceparent: 00-1-2-01\r\n"), "{head}");
}

/// Failure is a text of a question that is more than the text of its element, or that reads otherwise there.
#[tokio::test]
async fn no_text_of_a_question_is_markup() {
    let hostile = "</m:Name></m:Query>]]>&lt;<!--\"'{{reason}}{{x}}<m:Number>1</m:Number>　：𠮷";
    let text = || PersonalText::parse(hostile, 200).unwrap();
    let official = OfficialOnCall { id: text(), name: text(), unit: text(), terminal: text() };
    let citizen = SubjectNumber::parse(SubjectKind::CitizenNumber, "500101194912310019").unwrap();
    let licence = lookup("licence", SUBJECTS[0]);
    let hostile_licence =
        Lookup { subject_name: Some(text()), certificate_number: Some(text()), reason: text(), ..licence.clone() };
    let household = Lookup { subject: citizen.clone(), ..lookup("household-registration", SUBJECTS[0]) };
    let hostile_household = Lookup { reason: text(), official, ..household.clone() };
    for (declaration, plain, hostile_lookup, places) in
        [(DECLARATION, licence, hostile_licence, 3), (PUBLIC_SECURITY, household, hostile_household, 5)]
    {
        let mut service = Service::new(declaration, http("503 Service Unavailable", "text/xml", b"")).await;
        let mut shapes = Vec::new();
        for lookup in [plain, hostile_lookup] {
            assert_eq!(service.adapter.look_up(&lookup).await, Err(AdapterError::Unavailable));
            let (_, body) = service.asked.recv().await.unwrap();
            let text = GB18030.decode_without_bom_handling_and_without_replacement(&body).unwrap();
            let root = Document::parse(&text).unwrap().root;
            let mut elements = Vec::new();
            walk(&root, &mut elements);
            shapes.push(elements);
        }
        let names = |shape: &[(String, String)]| shape.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&shapes[0]), names(&shapes[1]));
        assert_eq!(shapes[1].iter().filter(|(_, text)| text == hostile).count(), places);
    }
}

fn walk(element: &super::tree::Element, into: &mut Vec<(String, String)>) {
    into.push((element.name.local.to_string(), element.text.clone()));
    element.children.iter().for_each(|child| walk(child, into));
}

/// Every call of the public-security bus names the human who asks now, and why. That a file has a constant instead is an error of
/// the file: `tests/declarations/soap-dummy.toml`.
#[tokio::test]
async fn the_end_user_is_the_official_of_the_look_up() {
    let mut service = Service::new(PUBLIC_SECURITY, http("503 Service Unavailable", "text/xml", b"")).await;
    let text = |text: &str| PersonalText::parse(text, 200).unwrap();
    let subject = SubjectNumber::parse(SubjectKind::CitizenNumber, "500101194912310019").unwrap();
    for (id, name, unit, terminal, reason) in [
        ("0417", "样例员", "受理科", "10.0.0.7", "办理样例事项"),
        ("0418", "样例长", "审批科", "10.0.0.8", "复核样例事项"),
    ] {
        let official = OfficialOnCall { id: text(id), name: text(name), unit: text(unit), terminal: text(terminal) };
        let asked = lookup("household-registration", SUBJECTS[0]);
        let asked = Lookup { subject: subject.clone(), official, reason: text(reason), ..asked };
        assert_eq!(service.adapter.look_up(&asked).await, Err(AdapterError::Unavailable));
        let (_, body) = service.asked.recv().await.unwrap();
        let envelope = GB18030.decode_without_bom_handling_and_without_replacement(&body).unwrap();
        for (element, value) in [
            ("UserCardId", id),
            ("UserName", name),
            ("UserDept", unit),
            ("UserIp", terminal),
            ("CallReason", reason),
            ("Condition", "GMSFHM='500101194912310019'"),
            ("Item", "XM"),
        ] {
            assert!(envelope.contains(&format!("<b:{element}>{value}</b:{element}>")), "{element}: {envelope}");
        }
    }
}

/// Failure is a question that is sent with another character in place of one that the encoding lacks.
#[tokio::test]
async fn what_the_encoding_cannot_write_is_not_sent() {
    let gbk =
        DECLARATION.replace("\"gb18030\"\nnamespaces", "\"gbk\"\nnamespaces").replace(" encoding=\"gb18030\"", "");
    let mut service = Service::new(&gbk, http("200 OK", "text/xml", &none())).await;
    let named = |name: &str| Lookup {
        subject_name: Some(PersonalText::parse(name, 200).unwrap()),
        ..lookup("licence", SUBJECTS[0])
    };
    let unfit = misconfigured("a value of the question has a character that gbk cannot write");
    for name in ["𠮷", "样例😀"] {
        assert_eq!(service.adapter.look_up(&named(name)).await, Err(unfit.clone()), "{name}");
    }
    let not_xml = misconfigured("a value of the question has a character that XML cannot hold");
    assert_eq!(service.adapter.look_up(&named("x\u{FFFE}")).await, Err(not_xml));
    assert!(service.asked.try_recv().is_err(), "nothing is sent");
}

/// Failure is "no record", or an error that says otherwise what to do.
#[tokio::test]
async fn what_is_no_reply_is_trouble() {
    let html = b"<html><body>Error</body></html>";
    let xml = |status, body: &str| http(status, "text/xml; charset=gb18030", body.as_bytes());
    let ok = |body: &str| xml("200 OK", body);
    let not_well_formed = || malformed("the reply is not well-formed XML");
    for (reply, error) in [
        (http("302 Found", "text/html", b""), misconfigured("it redirects, which is never followed (HTTP 302 Found)")),
        (xml("401 Unauthorized", ""), misconfigured("it refuses the credentials (HTTP 401 Unauthorized)")),
        (xml("404 Not Found", ""), misconfigured("it does not know such a question (HTTP 404 Not Found)")),
        (http("429 Too Many Requests", "text/plain", b""), AdapterError::Busy),
        (http("502 Bad Gateway", "text/html", html), AdapterError::Unavailable),
        (http("500 Internal Server Error", "text/html", html), AdapterError::Unavailable),
        (
            http("400 Bad Request", "text/html", html),
            misconfigured("it does not know such a question (HTTP 400 Bad Request)"),
        ),
        (
            xml("500 Error", &envelope("<s:Fault><faultcode>s:Client</faultcode></s:Fault>")),
            misconfigured("it refuses the question with a SOAP fault"),
        ),
        (
            xml("500 Error", "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>"),
            misconfigured("it replies in another version than `soap.version`"),
        ),
        // That it says "none" with the status of an error is trouble.
        (http("500 Internal Server Error", "text/xml", &none()), AdapterError::Unavailable),
        (http("200 OK", "text/html", html), malformed("the reply is no SOAP envelope")),
        (ok(""), not_well_formed()),
        (ok(&String::from_utf8(none()).unwrap()[..100]), not_well_formed()),
        (ok(&"<a>".repeat(1000)), malformed("the reply is nested too deeply")),
        (ok(&format!("<!DOCTYPE x>{}", envelope(""))), malformed("the reply has a DOCTYPE, which is never read")),
        (ok(&" ".repeat((1 << 20) + 1)), malformed("the reply is too large")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<a>".to_vec(), AdapterError::Timeout),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\n<a>".to_vec(), AdapterError::Unavailable),
        (b"no http".to_vec(), AdapterError::Unavailable),
    ] {
        let shown = String::from_utf8_lossy(&reply[..reply.len().min(90)]).into_owned();
        assert_eq!(told(reply).await, Err(error), "{shown}");
    }
}

#[tokio::test]
async fn a_reply_is_in_the_declared_encoding_or_malformed() {
    let with = |content_type: &str, body: &[u8]| told(http("200 OK", content_type, body));
    let declared = |label: &str| {
        format!("<?xml version=\"1.0\" encoding=\"{label}\"?>{}", envelope("<ResultCode>0002</ResultCode>"))
    };
    let foreign = || Err(malformed("the reply says that it is not written in `gb18030`"));
    for content_type in ["text/xml", "text/xml;charset=GB18030", "text/xml; charset=\"gb2312\"; x", "text/plain"] {
        assert_eq!(with(content_type, &none()).await, Ok(0), "{content_type}");
    }
    for content_type in
        ["text/xml; charset=utf-8", "text/xml; Charset = \"big5\"", "text/xml; charset", "text/xml; charset=中"]
    {
        assert_eq!(with(content_type, &none()).await, foreign(), "{content_type}");
    }
    for (label, fits) in [("GB18030", true), ("GBK", true), ("utf-8", false), ("unknown", false)] {
        let told = with("text/xml", declared(label).as_bytes()).await;
        assert_eq!(told, if fits { Ok(0) } else { foreign() }, "{label}");
    }
    for bytes in [&b"<a>\xff</a>"[..], b"<a>\x81</a>", b"<a>\xc4", "\u{FEFF}<a/>".as_bytes(), b"\xfe\xff\0<\0a"] {
        let told = with("text/xml", bytes).await;
        assert!(matches!(told, Err(AdapterError::Malformed { .. })), "{bytes:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_slow_reply_ends_at_the_deadline() {
    let service = Service::new(DECLARATION, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec()).await;
    let hurried = Lookup { deadline: Duration::from_millis(200), ..lookup("licence", SUBJECTS[0]) };
    let began = Instant::now();
    assert_eq!(service.adapter.look_up(&hurried).await, Err(AdapterError::Timeout));
    assert!(began.elapsed() < Duration::from_secs(1));
}

/// Failure is a connection that stays although nobody waits for its reply.
#[tokio::test]
async fn a_look_up_that_is_dropped_ends_its_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = DECLARATION.replace("127.0.0.1:9", &listener.local_addr().unwrap().to_string());
    let text = text.replace("auth = { kind = \"basic\", user = \"heyan\", password = { file = \"password\" } }\n", "");
    let declaration = read_declaration("soap.toml", &text).unwrap();
    let Some(Source::Soap(source)) = &declaration.source else { panic!("it has a table `soap`") };
    let adapter = Soap::new(source, &declaration, std::path::Path::new("."));
    let asked = lookup("licence", SUBJECTS[0]);
    let mut stream = tokio::select! {
        told = adapter.look_up(&asked) => panic!("{told:?}"),
        accepted = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream
        } => accepted,
    };
    let ended = tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn a_password_is_shown_to_the_service_alone() {
    let mut service = Service::new(DECLARATION, http("200 OK", "text/xml", &none())).await;
    service.ask().await.unwrap();
    assert!(service.asked.recv().await.unwrap().0.contains("\r\nauthorization: basic agv5yw46y2fuyxj5\r\n"));
    assert!(!format!("{:?}", service.adapter).contains("canary"));
    std::fs::remove_file(service.folder.path().join("password")).unwrap();
    let unread = misconfigured("the secret in the file `password` cannot be read");
    assert_eq!(service.ask().await, Err(unread.clone()));
    assert_eq!(service.adapter.check_health().await, Err(unread));
    assert!(service.asked.try_recv().is_err(), "nothing is sent without it");
}

#[tokio::test]
async fn health_asks_about_nobody() {
    for (status, healthy) in [
        ("200 OK", Ok(())),
        ("405 Method Not Allowed", Ok(())),
        ("500 Internal Server Error", Ok(())),
        ("401 Unauthorized", Err(misconfigured("it refuses the credentials (HTTP 401 Unauthorized)"))),
        ("503 Service Unavailable", Err(AdapterError::Unavailable)),
    ] {
        let mut service = Service::new(DECLARATION, http(status, "text/xml", b"")).await;
        assert_eq!(service.adapter.check_health().await, healthy, "{status}");
        let (head, body) = service.asked.recv().await.unwrap();
        assert!(head.starts_with("head /licences ") && body.is_empty(), "{head}");
    }
}

#[tokio::test]
async fn a_required_input_that_is_missing_is_not_sent_as_nothing() {
    let declaration = DECLARATION.replacen("max_rows = 3", "max_rows = 3\nrequires = [\"subject_name\"]", 1);
    let mut service = Service::new(&declaration, http("200 OK", "text/xml", &none())).await;
    let lacks = misconfigured("it requires `subject_name`, which the look-up lacks");
    assert_eq!(service.ask().await, Err(lacks));
    assert!(service.asked.try_recv().is_err());
}
