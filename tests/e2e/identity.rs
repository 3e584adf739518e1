//! Who calls is who holds the certificate. Failure: a caller that is revoked and still answered; one that suffers for
//! another's revocation; anything but the certificate that counts; a refusal whose reason the operator cannot find.

mod certificates;

use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, Told, entries, questions, until};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use certificates::{Authority, BAD_CERTIFICATES, Refused, Shown};

async fn ask(channel: &Channel, case: &str) -> Result<v1::VerifyResponse, Status> {
    let question = questions::named(case).1;
    VerificationServiceClient::new(channel.clone()).verify(question).await.map(tonic::Response::into_inner)
}

async fn departments(channel: &Channel) -> Result<usize, Status> {
    let page =
        DirectoryServiceClient::new(channel.clone()).list_departments(v1::ListDepartmentsRequest::default()).await;
    page.map(|page| page.into_inner().departments.len())
}

fn handshake_failures(gateway: &Gateway, reason: &str) -> usize {
    let line = format!("heyan_handshake_failures_total{{reason=\"{reason}\"}} ");
    let metrics = gateway.admin("/metrics").1;
    metrics.lines().find_map(|metric| metric.strip_prefix(&line)).unwrap_or("0").parse().unwrap()
}

fn revoke(city: &City, system: &str, revoked: bool) {
    let file = "systems/systems.toml";
    let uri = format!("uri = \"spiffe://sample-city.example/system/{system}\"\n");
    let (off, on) = (uri.clone(), format!("{uri}revoked = true\n"));
    let (from, to) = if revoked { (off, on) } else { (on, off) };
    city.edit(file, |text| text.replace(&from, &to));
}

#[tokio::test]
async fn revoking_takes_effect_on_open_connections_and_on_one_system_alone() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (health, housing) = (gateway.connect("health-intake").await, gateway.connect("housing-intake").await);
    ask(&health, "food-licence-in-force").await.unwrap();
    ask(&housing, "married-owners-of-a-flat").await.unwrap();
    assert!(gateway.admin("/metrics").1.contains("\nheyan_connections 2\n"));

    revoke(&city, "health-intake", true);
    until("the revoked system is refused", async || ask(&health, "food-licence-in-force").await.is_err()).await;
    for told in [
        Told::by(&ask(&health, "food-licence-in-force").await.unwrap_err()),
        Told::by(&departments(&health).await.unwrap_err()),
    ] {
        assert_eq!((told.code, told.reason.as_str()), (Code::Unauthenticated, "CERTIFICATE_REVOKED"));
    }
    ask(&housing, "married-owners-of-a-flat").await.unwrap();
    assert!(
        gateway.admin("/metrics").1.contains("\nheyan_connections 2\n"),
        "both connections are the ones from before"
    );
    let refusals = gateway.logs().text().lines().filter(|line| line.contains("\"revoked\"")).count();
    assert_eq!(refusals, 1, "one line for the connection, however often it calls: {}", gateway.logs().text());

    revoke(&city, "health-intake", false);
    until("the system is taken back", async || ask(&health, "food-licence-in-force").await.is_ok()).await;
}

#[tokio::test]
async fn a_revoked_system_leaves_no_trace_in_the_log_of_answers() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let legacy = gateway.connect("housing-legacy").await;
    let told = Told::by(&ask(&legacy, "married-owners-of-a-flat").await.unwrap_err());
    assert_eq!(told.reason, "CERTIFICATE_REVOKED");
    assert!(entries(&city).is_empty(), "who is not known is not recorded, and nobody was asked");
}

/// What proxies and other systems put identity into.
const HEADERS: &[(&str, &str)] = &[
    ("x-forwarded-client-cert", "By=spiffe://a;URI=spiffe://sample-city.example/system/housing-intake"),
    ("x-client-cert", "spiffe://sample-city.example/system/housing-intake"),
    ("x-spiffe-id", "spiffe://sample-city.example/system/housing-intake"),
    ("x-ssl-client-s-dn", "CN=housing-intake"),
    ("authorization", "Bearer housing-intake"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-user", "housing-intake"),
    ("x-caller", "housing-intake"),
    ("x-department", "housing-construction"),
];

#[tokio::test]
async fn nothing_but_the_certificate_names_the_caller() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let window = gateway.connect("service-window").await;
    let plain = ask(&window, "marriage-needs-a-grant").await.unwrap();
    for (header, value) in HEADERS {
        // Housing has the grant that the window lacks.
        let mut call = Request::new(questions::named("marriage-needs-a-grant").1);
        call.metadata_mut().insert(*header, value.parse().unwrap());
        let answered = VerificationServiceClient::new(window.clone()).verify(call).await.unwrap().into_inner();
        assert_eq!(answered.answer, plain.answer, "{header}");
        let receipt = answered.receipt.unwrap();
        let entry = entries(&city).into_iter().find(|entry| entry.index == receipt.index).unwrap();
        assert_eq!(entry.text("caller"), "spiffe://sample-city.example/system/service-window", "{header}");
    }
}

#[tokio::test]
async fn a_person_reads_the_directory_and_asks_nothing() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let auditor = gateway.try_connect("person/auditor").await.unwrap();
    assert_eq!(departments(&auditor).await.unwrap(), 12);
    let mut directory = DirectoryServiceClient::new(auditor.clone());
    directory.list_result_types(v1::ListResultTypesRequest::default()).await.unwrap();
    directory.get_result_type(v1::GetResultTypeRequest { result_type: "food-licence".into() }).await.unwrap();
    let mut client = VerificationServiceClient::new(auditor);
    let question = questions::named("food-licence-in-force").1;
    let retrieval = v1::RetrieveResultRequest { request_id: question.request_id.clone(), ..Default::default() };
    let told = [
        Told::by(&client.verify(question.clone()).await.unwrap_err()),
        Told::by(&client.retrieve_result(retrieval).await.unwrap_err()),
    ];
    for told in told {
        assert_eq!((told.code, told.reason.as_str()), (Code::PermissionDenied, "ROLE_REQUIRED"));
    }
    let batch = client.batch_verify(v1::BatchVerifyRequest { requests: vec![question] }).await.unwrap().into_inner();
    let Some(v1::batch_verify_item::Result::Status(status)) = &batch.items[0].result else { panic!("{batch:?}") };
    assert_eq!(Code::from_i32(status.code), Code::PermissionDenied);
    assert!(entries(&city).iter().all(|entry| entry.text("class") == "rejected"));
}

#[tokio::test]
async fn a_certificate_that_is_not_one_of_ours_is_refused_and_the_log_says_why() {
    let city = City::new();
    let ours = Authority::new("Sample City second authority");
    city.edit("keys/client-ca.pem", |text| text + &ours.pem());
    let gateway = Gateway::start(&city);
    // What is signed by ours is taken, so that what is refused below is refused for the reason alone.
    let good = ours.show(&gateway, &city, &Shown::system("health-intake")).await.unwrap();
    ask(&good, "food-licence-in-force").await.unwrap();
    for (what, shown, refused) in BAD_CERTIFICATES {
        let before = gateway.logs().text().len();
        let authority = if shown.of_another_authority { &Authority::new("Somebody else") } else { &ours };
        let outcome = match authority.show(&gateway, &city, shown).await {
            Ok(channel) => ask(&channel, "food-licence-in-force").await.map(drop),
            Err(error) => Err(Status::from_error(Box::new(error))),
        };
        let status = outcome.expect_err(what);
        let word = match refused {
            Refused::InTheHandshake(word) => {
                assert!(std::error::Error::source(&status).is_some(), "{what}: the client's own error: {status:?}");
                word
            }
            Refused::OnEachCall(word, reason) => {
                let told = Told::by(&status);
                assert_eq!((told.code, told.reason.as_str()), (Code::Unauthenticated, *reason), "{what}");
                word
            }
        };
        let lines = || -> Vec<String> {
            let said = gateway.logs().text()[before..].to_owned();
            said.lines().filter(|line| line.contains("refused")).map(str::to_owned).collect()
        };
        until(what, async || !lines().is_empty()).await;
        // A client whose handshake fails may try once more by itself; each connection has its line.
        let connections = match refused {
            Refused::InTheHandshake(word) => handshake_failures(&gateway, word),
            Refused::OnEachCall(..) => 1,
        };
        let lines = lines();
        assert_eq!(lines.len(), connections, "{what}: {lines:?}");
        assert!(lines.iter().all(|line| line.contains(&format!("\"reason\":\"{word}\""))), "{what}: {lines:?}");
    }
    ask(&good, "food-licence-in-force").await.unwrap();
}
