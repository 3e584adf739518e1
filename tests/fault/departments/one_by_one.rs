//! Each trouble by itself. Failure: any answer but Undetermined with a cause that fits; a breaker that stays closed; a
//! question that waits while it is open; another department that gives no answer; a breaker that does not close by itself
//! once the department is mended; memory that grows with what the department sends.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use heyan::sample::cases;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use v1::UndeterminedCause::{self, DepartmentBusy, DepartmentDown};
use v1::verify_response::Answer;

use super::trouble::{Department, TROUBLES, Trouble};
use crate::process::{forget_memory_max, memory_max, metric};

/// How much more memory a gateway may hold while a department sends what it likes, in MiB. Sixteen look-ups hold at most
/// an answer of 1 MiB and a cache of 2 MiB each.
const MEMORY_MAX: u64 = 128;

/// Companies that have food licences.
const LICENSED: [cases::Subject; 6] = [
    cases::RESTAURANT,
    cases::CLOSED_RESTAURANT,
    cases::LAPSED_RESTAURANT,
    cases::TWO_BRANCHES,
    cases::RENEWING_RESTAURANT,
    cases::FUTURE_RESTAURANT,
];

/// A city whose market regulation is given half a second to answer, and little time to rest.
pub(super) fn city() -> City {
    let city = City::new();
    city.edit("departments/market-regulation.toml", |text| {
        let limits = "deadline = \"500ms\"\npause = \"500ms\"\npause_max = \"1s\"\nconcurrency = 16";
        text.replacen("deadline = \"800ms\"\nconcurrency = 16", limits, 1)
    });
    city
}

/// Whether market regulation is left alone.
pub(super) fn is_open(gateway: &Gateway) -> bool {
    let series = "heyan_department_breaker_open{department=\"market-regulation\"}";
    metric(gateway, series).expect("it is shown from the start") == 1
}

/// A question about the food licences of the nth company, for its department itself.
pub(super) fn question(number: usize) -> v1::VerifyRequest {
    let (_, mut question) = questions::named("food-licence-in-force");
    question.subject.as_mut().unwrap().number = LICENSED[number % LICENSED.len()].number.into();
    questions::live(question)
}

pub(super) async fn client(gateway: &Gateway) -> VerificationServiceClient<Channel> {
    let (case, _) = questions::named("food-licence-in-force");
    VerificationServiceClient::new(gateway.connect(case.system).await)
}

async fn ask(client: &mut VerificationServiceClient<Channel>, number: usize) -> Answer {
    client.verify(question(number)).await.unwrap().into_inner().answer.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trouble_is_undetermined_and_passes() {
    let city = city();
    let department = Department::of(&city);
    let gateway = Gateway::start(&city);
    let mut client = client(&gateway).await;
    assert!(matches!(ask(&mut client, 0).await, Answer::Determination(_)), "it is well at first");
    forget_memory_max(&gateway);
    let before = memory_max(&gateway);
    for trouble in &TROUBLES {
        let begun = Instant::now();
        department.begins(trouble);
        let causes = until_open(&gateway, &client, trouble).await;
        let opened = begun.elapsed();
        // In place of an answer: at once, with when to try again.
        let since = Instant::now();
        for number in 0..20 {
            match ask(&mut client, number).await {
                Answer::Undetermined(of) => {
                    assert!(of.retry.is_some() || of.cause() != DepartmentDown, "{}: {of:?}", trouble.name);
                }
                other => panic!("{}: {other:?}", trouble.name),
            }
        }
        let refused = since.elapsed() / 20;
        let alone = super::ask(&gateway, "married-owners-of-a-flat").await;
        assert!(matches!(alone, Answer::Determination(_)), "{}: another department suffers: {alone:?}", trouble.name);
        department.is_mended();
        let mended = Instant::now();
        until_closed(&gateway, &mut client, trouble).await;
        let (closed, name) = (mended.elapsed(), trouble.name);
        println!(
            "{name}: {causes:?}, open after {opened:.1?}, then {refused:.1?} a question, closed after {closed:.1?}"
        );
    }
    let grown = memory_max(&gateway).saturating_sub(before);
    println!("memory: {grown} MiB more than the {before} MiB before");
    assert!(grown < MEMORY_MAX, "memory grew by {grown} MiB");
    let retries = metric(&gateway, "heyan_department_retries_total{department=\"market-regulation\"}");
    assert!(retries.is_some_and(|retries| retries > 0), "what was not reached is asked once more");
    let lines = gateway.logs().text();
    let said = |what: &str| lines.lines().filter(|line| line.contains(what)).count();
    assert_eq!(said("is left alone for now"), TROUBLES.len(), "each opening is logged once");
    assert_eq!(said("answers again"), TROUBLES.len(), "each closing is logged once");
}

/// Asks about many companies at once until the breaker is open; gives the causes of those answers.
async fn until_open(
    gateway: &Gateway,
    client: &VerificationServiceClient<Channel>,
    trouble: &Trouble,
) -> BTreeSet<UndeterminedCause> {
    let mut causes = BTreeSet::new();
    let since = Instant::now();
    while !is_open(gateway) {
        // Half a second is the deadline; the rest is for a machine that is busy otherwise. The figure is printed.
        assert!(since.elapsed() < Duration::from_secs(5), "{}: the breaker is still closed", trouble.name);
        let mut asking = JoinSet::new();
        for number in 0..12 {
            let mut client = client.clone();
            asking.spawn(async move { ask(&mut client, number).await });
        }
        while let Some(answer) = asking.join_next().await {
            match answer.unwrap() {
                Answer::Undetermined(of) => causes.insert(of.cause()),
                other => panic!("{}: {other:?}", trouble.name),
            };
        }
    }
    // Those who came after it opened, and those whose turn did not come.
    let beside = [DepartmentDown, DepartmentBusy];
    let fits = causes.iter().all(|cause| trouble.causes.contains(cause) || beside.contains(cause));
    assert!(fits && causes.iter().any(|cause| trouble.causes.contains(cause)), "{}: {causes:?}", trouble.name);
    causes
}

async fn until_closed(gateway: &Gateway, client: &mut VerificationServiceClient<Channel>, trouble: &Trouble) {
    let since = Instant::now();
    while is_open(gateway) || !matches!(ask(client, 0).await, Answer::Determination(_)) {
        assert!(since.elapsed() < Duration::from_secs(10), "{}: it does not come back", trouble.name);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
