//! `RetrieveResult`: the values that were asked for and may be given, and no other.

use heyan::sample::cases;
use heyan_proto::v1;
use heyan_tests::{City, Gateway, Told, entries, questions};
use tonic::Code;
use v1::retrieve_result_response::Answer;
use v1::retrieved_field::Value;

use super::client;

fn retrieval(case: &str, fields: &[&str]) -> v1::RetrieveResultRequest {
    let question = questions::named(case).1;
    v1::RetrieveResultRequest {
        request_id: question.request_id,
        purpose: question.purpose,
        official: question.official,
        subject: question.subject,
        result_type: question.result_type,
        certificate_number: question.certificate_number,
        fields: fields.iter().map(|&field| field.into()).collect(),
        as_of: question.as_of,
        ..Default::default()
    }
}

fn named(mut request: v1::RetrieveResultRequest, name: &str) -> v1::RetrieveResultRequest {
    request.subject.as_mut().unwrap().name = Some(name.into());
    request
}

/// A field that is not disclosed is added to the sample's, which discloses all.
fn city() -> City {
    let city = City::new();
    city.edit("departments/market-regulation.toml", |text| {
        text.replace("from = \"JYCS\"\n", "from = \"JYCS\"\n  disclosed = false\n")
    });
    city
}

async fn values(gateway: &Gateway, request: v1::RetrieveResultRequest) -> v1::Retrieval {
    let response = client(gateway, "health-intake").await.retrieve_result(request).await.unwrap().into_inner();
    assert_eq!(response.receipt.as_ref().unwrap().decision_id, response.decision_id);
    match response.answer.unwrap() {
        Answer::Retrieval(of) => of,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_are_given_in_the_order_of_the_request() {
    let city = city();
    let gateway = Gateway::start(&city);
    let of = values(&gateway, retrieval("food-licence-in-force", &["valid_to", "business_items"])).await;
    assert_eq!(of.determination.as_ref().unwrap().finding(), v1::Finding::Confirmed);
    let result = of.result.unwrap();
    assert_eq!(result.certificate_number, "JY25001030000011");
    assert_eq!((result.valid_from.as_str(), result.valid_to.as_str()), ("2025-06-01", "2030-05-31"));
    let [valid_to, items] = &result.fields[..] else { panic!("{result:?}") };
    assert_eq!((valid_to.field.as_str(), &valid_to.value), ("valid_to", &Some(Value::Date("2030-05-31".into()))));
    let Some(Value::Scope(items_held)) = &items.value else { panic!("{items:?}") };
    assert!(items.field == "business_items" && items_held.items.contains(&"热食类食品制售".to_owned()));
    assert_eq!(entries(&city).last().unwrap().text("ev"), "retrieve");
}

#[tokio::test]
async fn values_are_of_one_record_whose_name_holds() {
    let city = city();
    let gateway = Gateway::start(&city);
    let fields = &["operator_name"][..];
    let name = cases::RESTAURANT.name;
    for (what, request, finding, has_values) in [
        ("in force", retrieval("food-licence-in-force", fields), v1::Finding::Confirmed, true),
        ("its name", named(retrieval("food-licence-in-force", fields), name), v1::Finding::Confirmed, true),
        (
            "another name",
            named(retrieval("food-licence-in-force", fields), "样例别家"),
            v1::Finding::NotConfirmed,
            false,
        ),
        ("not in force", retrieval("food-licence-deregistered", fields), v1::Finding::NotConfirmed, true),
        ("not issued", retrieval("no-food-licence", fields), v1::Finding::NotConfirmed, false),
        ("several", retrieval("two-licences-ambiguous", fields), v1::Finding::Ambiguous, false),
        ("told apart", retrieval("two-licences-told-apart", fields), v1::Finding::Confirmed, true),
    ] {
        let of = values(&gateway, request).await;
        assert_eq!(of.determination.as_ref().unwrap().finding(), finding, "{what}");
        assert_eq!(of.result.is_some(), has_values, "{what}: {:?}", of.result);
    }
}

#[tokio::test]
async fn what_is_not_disclosed_is_not_given() {
    let city = city();
    let gateway = Gateway::start(&city);
    // A field of a result type that gives values, and is not among them.
    let mut health = client(&gateway, "health-intake").await;
    let told = Told::by(&health.retrieve_result(retrieval("food-licence-in-force", &["premises"])).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::FailedPrecondition, "DISCLOSURE_NOT_ALLOWED"));
    // Result types that give claims or a verdict alone: refused, and nobody is asked.
    for (case, field) in [
        ("married-owners-of-a-flat", "use"),
        ("degree-undetermined", "level"),
        ("insured-two-years", "months"),
        ("criminal-record-verdict", "no_record"),
        ("allowance-verdict", "category"),
    ] {
        let system = questions::named(case).0.system;
        let before = entries(&city).len();
        let response = client(&gateway, system).await.retrieve_result(retrieval(case, &[field])).await.unwrap();
        let answer = response.into_inner().answer.unwrap();
        let Answer::Refusal(refusal) = &answer else { panic!("{case}: {answer:?}") };
        let Some(v1::refusal::Detail::Permission(of)) = &refusal.detail else { panic!("{case}: {refusal:?}") };
        let unmet: Vec<_> = of.unmet.iter().map(v1::UnmetCondition::condition).collect();
        assert_eq!(unmet, [v1::Condition::DisclosureSuffices], "{case}");
        let after = heyan_tests::classes_from(&city, before as u64);
        assert_eq!(after, ["denied"], "{case}");
    }
}

#[tokio::test]
async fn a_repeated_retrieval_has_the_recorded_values() {
    let city = city();
    let gateway = Gateway::start(&city);
    let request = retrieval("food-licence-in-force", &["business_items"]);
    let mut client = client(&gateway, "health-intake").await;
    let first = client.retrieve_result(request.clone()).await.unwrap().into_inner();
    let after = entries(&city).len();
    assert_eq!(client.retrieve_result(request.clone()).await.unwrap().into_inner(), first);
    assert_eq!(entries(&city).len(), after);
    let other = v1::RetrieveResultRequest { fields: vec!["valid_to".into()], ..request };
    let told = Told::by(&client.retrieve_result(other).await.unwrap_err());
    assert_eq!(told.reason, "REQUEST_ID_REUSED");
}
