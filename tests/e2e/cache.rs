//! Answers that a department gave before. Failure: a question that is answered from memory although it, the declaration or a
//! change of the declaration says otherwise; one that does not say so; one that asks or records more than it should.

use heyan::sample::cases::{self, Subject};
use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, classes_from, entries, questions, until};
use prost::Message as _;
use rusqlite::Connection;
use tonic::transport::Channel;
use v1::Freshness::{Cached, Live};
use v1::verify_response::Answer;

async fn ask(channel: &Channel, question: v1::VerifyRequest) -> v1::Determination {
    let mut client = VerificationServiceClient::new(channel.clone());
    match client.verify(question).await.unwrap().into_inner().answer {
        Some(Answer::Determination(of)) => of,
        other => panic!("no determination: {other:?}"),
    }
}

/// A company's licence, of a result type that may be used again for a day.
fn licence() -> v1::VerifyRequest {
    questions::named("food-licence-in-force").1
}

fn no_older_than(seconds: i64, question: v1::VerifyRequest) -> v1::VerifyRequest {
    v1::VerifyRequest { max_age: Some(prost_types::Duration { seconds, nanos: 0 }), ..question }
}

fn change(city: &City, database: &str, sql: &str) {
    let database = Connection::open(city.file(&format!("state/departments/{database}.db"))).unwrap();
    assert!(database.execute(sql, []).unwrap() > 0, "{sql} changes nothing");
}

/// Changes a department's declaration, its contact among the rest, and waits until it is in force.
async fn declare(city: &City, channel: &Channel, department: &str, change: impl FnOnce(String) -> String) {
    city.edit(&format!("departments/{department}.toml"), |text| {
        change(text).replacen("contact = \"", "contact = \"office-", 1)
    });
    until("the declaration is in force", async || {
        let mut client = DirectoryServiceClient::new(channel.clone());
        let page = client.list_departments(v1::ListDepartmentsRequest::default()).await.unwrap().into_inner();
        page.departments.iter().any(|of| of.id == department && of.contact.starts_with("office-"))
    })
    .await;
}

fn counted(gateway: &Gateway, outcome: &str) -> u32 {
    let line = format!("heyan_cache_total{{outcome=\"{outcome}\"}} ");
    let metrics = gateway.admin("/metrics").1;
    metrics.lines().find_map(|metric| metric.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn the_second_question_is_answered_from_memory_and_recorded_once() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let health = gateway.connect("health-intake").await;
    let first = ask(&health, licence()).await;
    assert_eq!((first.freshness(), first.finding()), (Live, v1::Finding::Confirmed));

    // The records change; an answer from memory says of when it is.
    change(&city, "market-regulation", "UPDATE SPJY_XKZ SET XKZT = '吊销'");
    let before = entries(&city).len() as u64;
    let second = ask(&health, licence()).await;
    assert_eq!(second, v1::Determination { freshness: Cached.into(), ..first.clone() });
    assert!(second.retrieved_at.is_some() && second.data_updated_at.is_some());
    assert_eq!(classes_from(&city, before), ["answered"], "nobody is asked, so there is no intent");

    // Other claims about the same subject send nothing else.
    let unclaimed = ask(&health, v1::VerifyRequest { claims: Vec::new(), ..licence() }).await;
    assert_eq!((unclaimed.freshness(), unclaimed.retrieved_at), (Cached, first.retrieved_at));

    let before = entries(&city).len() as u64;
    let live = ask(&health, questions::live(licence())).await;
    assert_eq!((live.freshness(), live.finding()), (Live, v1::Finding::NotConfirmed));
    assert_eq!(classes_from(&city, before), ["intent", "answered"]);
    let after = ask(&health, licence()).await;
    assert_eq!((after.freshness(), after.finding()), (Cached, v1::Finding::NotConfirmed), "the newer answer is kept");
    assert_eq!(["hit", "miss", "flight_joined"].map(|outcome| counted(&gateway, outcome)), [3, 2, 0]);

    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(ask(&health, no_older_than(1, licence())).await.freshness(), Live);
    assert_eq!(ask(&health, no_older_than(60, licence())).await.freshness(), Cached);
}

#[tokio::test]
async fn a_changed_declaration_forgets_what_was_read_under_the_old_one() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let health = gateway.connect("health-intake").await;
    assert_eq!(ask(&health, licence()).await.freshness(), Live);
    assert_eq!(ask(&health, licence()).await.freshness(), Cached);

    // Another department's change is nothing to this one.
    declare(&city, &health, "tax", |text| text).await;
    assert_eq!(ask(&health, licence()).await.freshness(), Cached);

    change(&city, "market-regulation", "UPDATE SPJY_XKZ SET XKZT = '吊销'");
    declare(&city, &health, "market-regulation", |text| text).await;
    let asked_again = ask(&health, licence()).await;
    assert_eq!((asked_again.freshness(), asked_again.finding()), (Live, v1::Finding::NotConfirmed));
    assert_eq!(ask(&health, licence()).await.freshness(), Cached);
}

#[tokio::test]
async fn no_record_and_sensitive_records_are_kept_only_where_that_is_declared() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let health = gateway.connect("health-intake").await;
    let unknown = || {
        let (_, mut question) = questions::named("food-licence-in-force");
        question.subject = Some(subject(cases::CARE_HOME));
        question
    };
    let (housing, sensitive) = (gateway.connect("housing-intake").await, || questions::named("allowance-verdict").1);
    for _ in 0..2 {
        let none = ask(&health, unknown()).await;
        assert_eq!(none.detail.as_ref().unwrap().existence(), v1::Existence::NotIssued);
        assert_eq!(none.freshness(), Live);
        assert_eq!(ask(&housing, sensitive()).await.freshness(), Live);
    }
    declare(&city, &health, "market-regulation", |text| {
        text.replace("max_age = \"24h\"", "max_age = \"24h\"\nnegative_ttl = \"5m\"")
    })
    .await;
    assert_eq!(ask(&health, unknown()).await.freshness(), Live);
    assert_eq!(ask(&health, unknown()).await.freshness(), Cached);
}

/// Everything that deserves the same "no", asked twice.
const NO: &[(&str, Subject, Option<&str>)] = &[
    ("not issued", cases::UNKNOWN_PERSON, None),
    ("another name", cases::ON_ALLOWANCE, Some("另一个人的名字")),
    ("deregistered", cases::HUSBAND, None),
    ("several", cases::RESIDENT, None),
    ("too many", cases::CHILD, None),
];

#[tokio::test]
async fn a_verdict_from_memory_is_the_same_no_too() {
    let city = City::new();
    for (subject, count) in [(cases::RESIDENT, 2), (cases::CHILD, 40)] {
        let database = Connection::open(city.file("state/departments/civil-affairs.db")).unwrap();
        for number in 0..count {
            let from = format!("2020-01-{:02}", number % 28 + 1);
            let row = [subject.number, subject.name, "城市低保", &from, "9999-12-31", "在保"];
            database.execute("INSERT INTO shjz_dx VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).unwrap();
        }
    }
    let gateway = Gateway::start(&city);
    let housing = gateway.connect("housing-intake").await;
    same_no_twice(&housing, Live).await;

    let declared = "max_age = \"24h\"\n  negative_ttl = \"5m\"\n  cache_sensitive = true";
    declare(&city, &housing, "civil-affairs", |text| {
        let (others, allowance) = text.split_at(text.find("id = \"subsistence-allowance\"").unwrap());
        format!("{others}{}", allowance.replacen("max_age = \"24h\"", declared, 1))
    })
    .await;
    same_no_twice(&housing, Cached).await;
}

/// Asks each twice; the second time all answers are alike, and as fresh as this.
async fn same_no_twice(channel: &Channel, freshness: v1::Freshness) {
    let question = |subject: Subject, name: Option<&str>| {
        let (_, question) = questions::named("allowance-verdict");
        let subject = v1::Subject { name: name.map(Into::into), ..self::subject(subject) };
        v1::VerifyRequest { subject: Some(subject), claims: Vec::new(), ..question }
    };
    for (_, subject, name) in NO {
        ask(channel, question(*subject, *name)).await;
    }
    let mut first: Option<Vec<u8>> = None;
    for (why, subject, name) in NO {
        let mut of = ask(channel, question(*subject, *name)).await;
        assert_eq!((of.finding(), of.freshness()), (v1::Finding::NotConfirmed, freshness), "{why}");
        // A second may have begun between two of them.
        of.retrieved_at = of.retrieved_at.map(|_| prost_types::Timestamp { seconds: 1_800_000_000, nanos: 0 });
        let bytes = of.encode_to_vec();
        assert_eq!(first.get_or_insert_with(|| bytes.clone()), &bytes, "{why}");
    }
}

fn subject(of: Subject) -> v1::Subject {
    v1::Subject { kind: v1::SubjectKind::from(of.kind).into(), number: of.number.into(), name: None }
}
