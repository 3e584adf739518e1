//! Nothing personal leaves the gateway by a side door. Failure: any number, name, case, reason, official or claimed value of
//! the sample city in logs (at their most talkative), traces, metrics or error texts.

mod words;

use heyan::sample::cases::CASES;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions};
use prost::Message as _;
use tonic::Status;

use crate::collector::{Collector, with_collector};
use words::Personal;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_leaves_by_a_side_door() {
    let city = City::new();
    let collector = Collector::start().await;
    city.edit("heyan.toml", |text| with_collector(&text, &collector.address()));
    let gateway = Gateway::start_with(&city, "trace");
    let mut errors = String::new();
    let mut asked = 0;
    for case in CASES {
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        for question in variations(questions::of_case(case)) {
            asked += 1;
            match client.verify(question).await {
                Ok(_) => {}
                Err(status) => errors.push_str(&written(&status)),
            }
        }
    }
    let metrics = gateway.admin("/metrics").1;
    gateway.signal("TERM");
    let (ended, logs) = gateway.wait();
    assert!(ended, "{logs}");
    let (traces, sent_metrics) = (collector.traces(), collector.metrics());

    // What was not written cannot leak: each place must have been used.
    assert!(logs.lines().count() > asked, "only {} lines were logged for {asked} questions", logs.lines().count());
    assert!(traces.matches("heyan.v1.VerificationService/Verify").count() >= asked, "the traces are not whole");
    assert!(errors.contains("FIELD_INVALID") && metrics.contains("heyan_decisions_total"));
    assert!(sent_metrics.contains("heyan_decisions_total"));

    let personal = Personal::of(&city);
    let places = [
        ("logs", &logs),
        ("traces", &traces),
        ("errors", &errors),
        ("metrics", &metrics),
        ("sent metrics", &sent_metrics),
    ];
    for (place, text) in places {
        let leaks = personal.found_in(text);
        assert!(leaks.is_empty(), "{place} hold {leaks:?}");
    }
}

/// The question as it is, and with each kind of mistake beside its personal words.
fn variations(question: v1::VerifyRequest) -> Vec<v1::VerifyRequest> {
    let number = question.subject.as_ref().unwrap().number.clone();
    let wrong = |change: &dyn Fn(&mut v1::VerifyRequest)| {
        let mut wrong = question.clone();
        wrong.request_id = uuid::Uuid::new_v4().to_string();
        change(&mut wrong);
        wrong
    };
    vec![
        question.clone(),
        wrong(&|of| of.subject.as_mut().unwrap().number.push('9')),
        wrong(&|of| of.subject.as_mut().unwrap().name = Some("周样宁\u{202E}".into())),
        wrong(&|of| of.result_type.clone_from(&number)),
        wrong(&|of| of.purpose.as_mut().unwrap().item.clone_from(&number)),
        wrong(&|of| of.request_id.clone_from(&number)),
        wrong(&|of| of.as_of = Some(number.clone())),
        wrong(&|of| of.certificate_number = Some(format!("{number}\0"))),
        wrong(&|of| {
            of.claims = vec![v1::Claim {
                field: number.clone(),
                operator: 1,
                value: Some(v1::claim::Value::Text("周样宁".into())),
            }];
        }),
        // The same id with other content.
        v1::VerifyRequest { certificate_number: Some("样例证号-0001".into()), ..question },
    ]
}

/// Everything that an error says: its message, and its details as bytes.
fn written(status: &Status) -> String {
    let details = tonic_types::Status::decode(status.details()).unwrap();
    let texts = details.details.iter().map(|detail| String::from_utf8_lossy(&detail.value).into_owned());
    format!("{}\n{:?}\n{}\n", status.message(), status.metadata(), texts.collect::<Vec<_>>().join("\n"))
}
