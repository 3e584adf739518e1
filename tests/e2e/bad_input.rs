//! Calls that are not questions. Failure: another code, reason or field than the table says; a text that repeats what was
//! written; a second entry in the log, or an intent; a fault that is told only after another one was mended.

mod json;
mod retrievals;
mod row;
mod table;

use heyan_proto::reason::Reason;
use heyan_proto::v1;
use heyan_proto::v1::claim::Value;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Entry, Gateway, Told, entries, entries_from, questions};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Status};

use table::{Base, RETRIEVALS, VERIFICATIONS};

/// What a caller who writes nothing of it reads, and what one who asks for English does.
const LANGUAGES: [(Option<&str>, &str); 4] =
    [(None, "zh-CN"), (Some("en"), "en"), (Some("en-GB,zh;q=0.5"), "en"), (Some("zh-CN,zh;q=0.9,en;q=0.8"), "zh-CN")];

/// The sample, with items of every standing and a field that is not disclosed.
fn city() -> City {
    let city = City::new();
    city.edit("items/construction-permit.toml", |text| text.replace("\"in_force\"", "\"suspended\""));
    city.edit("items/talent-settlement.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("in_force_from")).unwrap().to_owned();
        text.replace(&line, "in_force_from = 2099-01-01")
    });
    city.edit("items/road-freight-licence.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("in_force_from")).unwrap().to_owned();
        text.replace(&line, &format!("{line}\nin_force_until = 2026-01-31"))
    });
    city.edit("departments/market-regulation.toml", |text| {
        text.replace("from = \"JYCS\"\n", "from = \"JYCS\"\n  disclosed = false\n")
    });
    city
}

struct Asker {
    client: VerificationServiceClient<Channel>,
    calls: usize,
}

impl Asker {
    async fn new(gateway: &Gateway) -> Self {
        Self { client: VerificationServiceClient::new(gateway.connect("health-intake").await), calls: 0 }
    }

    /// The next call, in the next language; and which one that is.
    fn call<T>(&mut self, message: T) -> (Request<T>, &'static str) {
        let (accepted, language) = LANGUAGES[self.calls % LANGUAGES.len()];
        self.calls += 1;
        let mut request = Request::new(message);
        if let Some(accepted) = accepted {
            request.metadata_mut().insert("accept-language", accepted.parse().unwrap());
        }
        (request, language)
    }
}

#[tokio::test]
async fn every_bad_question_is_told_where_and_why_and_leaves_one_entry() {
    let city = city();
    let gateway = Gateway::start(&city);
    let mut asker = Asker::new(&gateway).await;
    let mut wrong = Vec::new();
    for row in VERIFICATIONS {
        let mut question = base(row.base);
        (row.change)(&mut question);
        let (call, language) = asker.call(question.clone());
        let event = if question.validate_only { "validate_only" } else { "verify" };
        let expected = Expectation { name: row.name, reason: row.reason, fields: row.fields, language, event };
        let before = entries(&city).len();
        let outcome = asker.client.verify(call).await.map(drop);
        let after = entries_from(&city, before as u64);
        wrong.extend(expected.faults(outcome, &after, &personal(&question), gateway.logs().text().as_str()));
    }
    for row in RETRIEVALS {
        let mut question = retrieval();
        (row.change)(&mut question);
        let (call, language) = asker.call(question.clone());
        let event = "retrieve";
        let expected = Expectation { name: row.name, reason: row.reason, fields: row.fields, language, event };
        let before = entries(&city).len();
        let outcome = asker.client.retrieve_result(call).await.map(drop);
        let after = entries_from(&city, before as u64);
        let personal = personal(&as_verification(question));
        wrong.extend(expected.faults(outcome, &after, &personal, gateway.logs().text().as_str()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a row says must come of its question.
struct Expectation<'a> {
    name: &'a str,
    reason: Reason,
    fields: &'a [&'a str],
    language: &'a str,
    event: &'a str,
}

impl Expectation<'_> {
    fn faults(&self, outcome: Result<(), Status>, after: &[Entry], personal: &[String], logs: &str) -> Vec<String> {
        let Err(status) = outcome else { return vec![format!("{}: it was answered", self.name)] };
        let told = Told::by(&status);
        let mut faults = Vec::new();
        let mut hold = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{}: {what}: {told:?}", self.name));
            }
        };
        hold(told.code == self.reason.code(), "another code");
        hold(told.reason == self.reason.as_str(), "another reason");
        hold(told.fields() == self.fields, "other fields");
        hold(told.metadata.get("field").is_some_and(|field| *field == self.fields.join(",")), "fields of ErrorInfo");
        hold(self.is_in_its_language(&told), "another language");
        let texts = format!("{}\n{logs}", told.texts());
        hold(!personal.iter().any(|written| texts.contains(written)), "what was written is repeated");
        let entry = after.first();
        let of_this = entry.is_some_and(|entry| {
            entry.text("class") == "rejected"
                && entry.text("ev") == self.event
                && entry.text("decision") == "none"
                && entry.providers().is_empty()
                && told.metadata.get("decision_id").is_some_and(|id| id == entry.text("id"))
                && decision_header(status.metadata()) == entry.text("id")
        });
        hold(after.len() == 1 && of_this, &format!("not one entry of its own: {after:?}"));
        faults
    }

    /// What is wrong, what to do, and what each field expects.
    fn is_in_its_language(&self, told: &Told) -> bool {
        let (text, remedy) = (self.reason.text(), self.reason.remedy());
        let text = match self.language {
            "en" => format!("{}; {}", text.en, remedy.en),
            _ => format!("{}；{}", text.zh, remedy.zh),
        };
        let expected = |(_, told): &(String, String)| {
            let (reason, expected) = told.split_once(": ").unwrap_or_default();
            let is_chinese = !expected.starts_with(|first: char| first.is_ascii_lowercase());
            Reason::ALL.iter().any(|known| known.as_str() == reason) && is_chinese == (self.language == "zh-CN")
        };
        told.localized == (self.language.to_owned(), text) && told.violations.iter().all(expected)
    }
}

fn decision_header(metadata: &MetadataMap) -> &str {
    metadata.get("x-decision-id").and_then(|id| id.to_str().ok()).unwrap_or_default()
}

fn base(of: Base) -> v1::VerifyRequest {
    let (_, mut question) = questions::named("food-licence-in-force");
    if of == Base::Person {
        question.result_type = "identity-card".into();
        question.claims.clear();
        question.subject = Some(v1::Subject {
            kind: v1::SubjectKind::CitizenNumber.into(),
            number: heyan::sample::cases::RESIDENT.number.into(),
            name: None,
        });
    }
    question
}

fn retrieval() -> v1::RetrieveResultRequest {
    let question = base(Base::Organisation);
    v1::RetrieveResultRequest {
        request_id: question.request_id,
        purpose: question.purpose,
        official: question.official,
        subject: question.subject,
        result_type: question.result_type,
        fields: vec!["business_items".into()],
        ..Default::default()
    }
}

fn as_verification(of: v1::RetrieveResultRequest) -> v1::VerifyRequest {
    let v1::RetrieveResultRequest { purpose, official, subject, certificate_number, .. } = of;
    v1::VerifyRequest { purpose, official, subject, certificate_number, ..Default::default() }
}

/// Whatever a caller wrote that may be about a person, and is long enough to be recognised.
fn personal(question: &v1::VerifyRequest) -> Vec<String> {
    let mut all = vec![question.certificate_number.clone().unwrap_or_default()];
    if let Some(purpose) = &question.purpose {
        all.extend([purpose.case_number.clone(), purpose.reason.clone()]);
    }
    if let Some(of) = &question.official {
        all.extend([of.id.clone(), of.name.clone(), of.unit.clone(), of.terminal.clone()]);
    }
    if let Some(subject) = &question.subject {
        all.extend([subject.number.clone(), subject.name.clone().unwrap_or_default()]);
    }
    for claim in &question.claims {
        match &claim.value {
            Some(Value::Text(text)) => all.push(text.clone()),
            Some(Value::Texts(list)) => all.extend(list.items.clone()),
            Some(Value::Integer(number)) => all.push(number.to_string()),
            _ => {}
        }
    }
    // The words of a published list are no secret.
    all.retain(|text| text.chars().count() >= 4 && text != "股份有限公司");
    all
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let city = city();
    let gateway = Gateway::start(&city);
    let mut asker = Asker::new(&gateway).await;
    let mut question = base(Base::Organisation);
    question.request_id = "1".into();
    question.purpose.as_mut().unwrap().case_number.clear();
    question.official.as_mut().unwrap().name = "甲\0".into();
    question.subject.as_mut().unwrap().number = "91500000MA00000150".into();
    question.claims[0].field = "no_such_field".into();
    let told = Told::by(&asker.client.verify(question.clone()).await.unwrap_err());
    assert_eq!(
        told.fields(),
        ["request_id", "purpose.case_number", "official.name", "subject.number", "claims[0].field"]
    );
    // What is malformed goes before what does not fit: the code is that of an argument.
    question.purpose.as_mut().unwrap().item = heyan::sample::cases::item::FOOD_LICENCE_ISSUE.into();
    let told = Told::by(&asker.client.verify(question).await.unwrap_err());
    assert_eq!((told.reason.as_str(), told.fields().len()), ("FIELD_INVALID", 6));
    // An empty request names every field that must be there.
    let told = Told::by(&asker.client.verify(v1::VerifyRequest::default()).await.unwrap_err());
    let missing = [
        "request_id",
        "purpose.item",
        "purpose.case_number",
        "purpose.reason",
        "official.id",
        "official.name",
        "official.unit",
        "official.terminal",
        "result_type",
        "subject.kind",
    ];
    assert_eq!(told.fields(), missing);
}

#[tokio::test]
async fn a_batch_holds_one_to_a_hundred_questions() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut asker = Asker::new(&gateway).await;
    for (count, reason) in [(0, Reason::FieldInvalid), (101, Reason::TooManyRequestsInBatch)] {
        let requests = vec![base(Base::Organisation); count];
        let (call, language) = asker.call(v1::BatchVerifyRequest { requests });
        let before = entries(&city).len();
        let status = asker.client.batch_verify(call).await.unwrap_err();
        let told = Told::by(&status);
        assert_eq!((told.code, told.reason.as_str()), (reason.code(), reason.as_str()), "{count}");
        assert_eq!((told.fields(), told.localized.0.as_str()), (vec!["requests"], language), "{count}");
        let after = entries_from(&city, before as u64);
        assert_eq!(after.len(), 1, "{count}: {after:?}");
        assert_eq!((after[0].text("class"), after[0].text("id")), ("rejected", decision_header(status.metadata())));
    }
}

#[tokio::test]
async fn a_person_asks_nothing() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for person in ["person/auditor", "person/approver", "person/administrator"] {
        let mut client = VerificationServiceClient::new(gateway.try_connect(person).await.unwrap());
        let before = entries(&city).len();
        let told = Told::by(&client.verify(base(Base::Organisation)).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (tonic::Code::PermissionDenied, "ROLE_REQUIRED"), "{person}");
        let after = entries_from(&city, before as u64);
        assert_eq!(after.len(), 1, "{after:?}");
        assert_eq!(after[0].text("class"), "rejected");
        assert!(after[0].text("caller").ends_with(person), "{after:?}");
    }
}
