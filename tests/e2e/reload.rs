//! The city folder changes under a running gateway. Failure: a broken file that takes anything but itself out of force, or
//! hides; a change that does not arrive; a withholding that arrives late; `heyan check` that does not tell all.

use std::fs;

use heyan_proto::v1;
use heyan_proto::v1::directory_service_client::DirectoryServiceClient;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, heyan, questions, until};
use tonic::transport::Channel;
use v1::DeclarationHealth::{Good, Stale};
use v1::refusal::Detail;
use v1::verify_response::Answer;

async fn department(channel: &Channel, id: &str) -> v1::Department {
    let mut client = DirectoryServiceClient::new(channel.clone());
    let page = client.list_departments(v1::ListDepartmentsRequest::default()).await.unwrap().into_inner();
    page.departments.into_iter().find(|department| department.id == id).unwrap()
}

async fn finding(channel: &Channel, case: &str) -> v1::Finding {
    match answer(channel, case).await {
        Answer::Determination(of) => of.finding(),
        other => panic!("{case}: {other:?}"),
    }
}

async fn answer(channel: &Channel, case: &str) -> Answer {
    let mut client = VerificationServiceClient::new(channel.clone());
    client.verify(questions::named(case).1).await.unwrap().into_inner().answer.unwrap()
}

fn is_stale(gateway: &Gateway, department: &str) -> bool {
    let line = format!("heyan_adapter_config_stale{{department=\"{department}\"}} ");
    let metrics = gateway.admin("/metrics").1;
    let value = metrics.lines().find_map(|metric| metric.strip_prefix(&line)).unwrap();
    value == "1"
}

fn lines(gateway: &Gateway, words: &[&str]) -> usize {
    gateway.logs().text().lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

const MARKET: &str = "departments/market-regulation.toml";

#[tokio::test]
async fn a_broken_file_keeps_its_department_as_it_was_and_no_other() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let health = gateway.connect("health-intake").await;
    let whole = fs::read_to_string(city.file(MARKET)).unwrap();
    assert!(!is_stale(&gateway, "market-regulation"));

    city.edit(MARKET, |text| format!("{text}\n[[result_type]\n"));
    city.edit("departments/tax.toml", |text| text.replace("contact = \"", "contact = \"office-"));
    until("the broken file is noticed", async || department(&health, "market-regulation").await.health() == Stale)
        .await;
    until("the other department takes its change", async || {
        department(&health, "tax").await.contact.starts_with("office-")
    })
    .await;
    assert_eq!(department(&health, "tax").await.health(), Good);
    assert_eq!(finding(&health, "food-licence-in-force").await, v1::Finding::Confirmed);
    assert_eq!(department(&health, "market-regulation").await.credit_code, "11500000MB0000027A");
    assert!(is_stale(&gateway, "market-regulation") && !is_stale(&gateway, "tax"));
    let (ready, _) = gateway.admin("/readyz");
    assert_eq!(ready, 200, "one department's file is no trouble of the gateway");

    // Reading the same broken file again is no news.
    let broken = [MARKET, "is broken"];
    assert_eq!(lines(&gateway, &broken), 1, "{}", gateway.logs().text());
    let read_before = lines(&gateway, &["read again"]);
    gateway.signal("HUP");
    until("the folder is read again", async || lines(&gateway, &["read again"]) > read_before).await;
    assert_eq!(lines(&gateway, &broken), 1, "{}", gateway.logs().text());

    fs::write(city.file(MARKET), &whole).unwrap();
    until("the mended file is noticed", async || department(&health, "market-regulation").await.health() == Good).await;
    assert!(!is_stale(&gateway, "market-regulation"));

    // A file that is broken once more is news again.
    city.edit(MARKET, |text| text.replace("disclosure = \"fields\"", "disclosure = \"everything\""));
    until("it is noticed once more", async || is_stale(&gateway, "market-regulation")).await;
    assert_eq!(finding(&health, "food-licence-in-force").await, v1::Finding::Confirmed);
}

#[tokio::test]
async fn a_department_that_was_broken_from_the_start_is_told_and_comes_when_it_is_mended() {
    let city = City::new();
    let whole = fs::read_to_string(city.file(MARKET)).unwrap();
    city.edit(MARKET, |text| format!("{text}\nunknown_key = 1\n"));
    let gateway = Gateway::start(&city);
    let housing = gateway.connect("housing-intake").await;
    assert_eq!(department(&housing, "market-regulation").await.health(), Stale);
    assert_eq!(finding(&housing, "married-owners-of-a-flat").await, v1::Finding::Confirmed);
    let health = gateway.connect("health-intake").await;
    let asked =
        VerificationServiceClient::new(health.clone()).verify(questions::named("food-licence-in-force").1).await;
    let status = asked.unwrap_err();
    assert!(status.message().contains("market-regulation"), "the caller learns whose file it is: {status:?}");

    fs::write(city.file(MARKET), whole).unwrap();
    until("the mended file is taken", async || department(&housing, "market-regulation").await.health() == Good).await;
    assert_eq!(finding(&health, "food-licence-in-force").await, v1::Finding::Confirmed);
}

#[tokio::test]
async fn a_suspended_grant_stops_at_once() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let housing = gateway.connect("housing-intake").await;
    assert_eq!(finding(&housing, "married-owners-of-a-flat").await, v1::Finding::Confirmed);
    let file = "grants/grants.toml";
    city.edit(file, |text| text.replacen("approver = ", "suspended = true\napprover = ", 1));
    until("the grant is suspended", async || {
        matches!(answer(&housing, "married-owners-of-a-flat").await, Answer::Refusal(_))
    })
    .await;
    let Answer::Refusal(refusal) = answer(&housing, "married-owners-of-a-flat").await else { panic!("it is refused") };
    let Some(Detail::Grant(of)) = refusal.detail else { panic!("{refusal:?}") };
    assert_eq!((of.standing(), of.grant.as_str()), (v1::GrantStanding::Suspended, "housing-rental-2026"));
}

const EXCEPTION: &str = r#"@id("market-test-withheld")
@title_zh("测试例外")
@title_en("An exception of this test")
@legal_basis("《中华人民共和国个人信息保护法》第二十八条")
@legal_kind("law")
@owner("market-regulation")
@review_by("2030-06-30")
@remedy_zh("向市场监管局提出")
@remedy_en("Take it to market regulation")
forbid (principal, action in [Action::"verify", Action::"retrieve"], resource == ResultType::"food-licence");
"#;

#[tokio::test]
async fn a_new_exception_withholds_at_once_and_a_broken_one_keeps_what_was_withheld() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let health = gateway.connect("health-intake").await;
    assert_eq!(finding(&health, "food-licence-in-force").await, v1::Finding::Confirmed);
    let file = city.file("policies/market-regulation.cedar");
    let refused = async || match answer(&health, "food-licence-in-force").await {
        Answer::Refusal(v1::Refusal { detail: Some(Detail::Exception(of)), .. }) => {
            of.exception == "market-test-withheld"
        }
        _ => false,
    };
    fs::write(&file, EXCEPTION).unwrap();
    until("the exception withholds", refused).await;

    let broken = EXCEPTION.replace("@owner(\"market-regulation\")\n", "");
    fs::write(&file, broken).unwrap();
    until("the broken exception is logged", async || lines(&gateway, &["market-regulation.cedar", "is broken"]) > 0)
        .await;
    assert!(refused().await, "what was withheld stays withheld");

    fs::remove_file(&file).unwrap();
    until("the exception is gone", async || !refused().await).await;
    assert_eq!(finding(&health, "food-licence-in-force").await, v1::Finding::Confirmed);
}

/// A file, how it is broken, and what the line about it says.
type Broken = (&'static str, fn(String) -> String, &'static str);

const BROKEN: &[Broken] = &[
    (MARKET, |text| text.replacen("sharing_office =", "sharing_ofice =", 1), "sharing_ofice"),
    ("departments/tax.toml", |text| text.replacen("max_rows = 2", "max_rows = 0", 1), "max_rows"),
    ("departments/health.toml", |text| format!("{text}\n[[\n"), ""),
    ("systems/systems.toml", |text| text.replacen("/system/tax-intake", "/system/tax", 1), "uri"),
    ("people/people.toml", |text| text.replacen("\"approver\"]", "\"boss\"]", 1), "roles"),
    ("items/nursery-filing.toml", |text| text.replacen("\"tolerable\"", "\"maybe\"", 1), "necessity"),
    ("grants/grants.toml", |text| text.replacen("\"housing-construction\"", "\"housing\"", 1), "housing"),
    ("policies/tax.cedar", |text| text.replacen("@owner(\"tax\")\n", "", 1), "owner"),
    ("heyan.toml", |text| text.replacen("in_flight = 1024", "in_flight = \"many\"", 1), "in_flight"),
];

#[test]
fn check_tells_everything_at_once() {
    let city = City::new();
    let clean = heyan().arg("check").arg(city.path()).output().unwrap();
    assert_eq!(clean.status.code(), Some(0), "{}", String::from_utf8_lossy(&clean.stdout));
    // Without heyan.toml nothing else can be read, so it comes last and alone.
    let (settings, files) = BROKEN.split_last().unwrap();
    for (file, break_it, _) in files {
        city.edit(file, break_it);
    }
    check(&city, files);
    city.edit(settings.0, settings.1);
    check(&city, std::slice::from_ref(settings));
}

fn check(city: &City, broken: &[Broken]) {
    let output = heyan().arg("check").arg(city.path()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(78), "{told}");
    for (file, _, about) in broken {
        let lines = || told.lines().filter(|line| line.starts_with(&format!("{file}:")));
        let line = lines().find(|line| line.contains(about));
        let line = line.unwrap_or_else(|| panic!("nothing about `{about}` in {file}: {told}"));
        let place: Vec<&str> = line[file.len() + 1..].splitn(3, ':').collect();
        assert!(place[0].parse::<usize>().unwrap() > 0 && place[1].parse::<usize>().unwrap() > 0, "{line}");
    }
    let json = heyan().args(["check", "--output", "json"]).arg(city.path()).output().unwrap();
    assert_eq!(json.status.code(), Some(78));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let problems = json["problems"].as_array().unwrap();
    for (file, _, _) in broken {
        let of_file = || problems.iter().filter(|problem| problem["file"] == *file);
        assert!(of_file().next().is_some(), "{file}: {json}");
        assert!(of_file().all(|problem| problem["line"].as_u64() > Some(0) && problem["column"].as_u64() > Some(0)));
        // What to write instead stands in the help, where it does not follow from the message.
        let is_told = |problem: &serde_json::Value| {
            let message = problem["message"].as_str().unwrap();
            problem["help"].is_string() || ["must be", "missing", "expected"].iter().any(|word| message.contains(word))
        };
        assert!(of_file().all(is_told), "{file}: {json}");
    }
}
