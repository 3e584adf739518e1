//! The dashboard and the alert rules show what there is. Failure: a metric or a label that they name and a gateway does not
//! export; a metric that it exports and nobody sees; a rule without words for whoever is woken.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use heyan::sample::cases::CASES;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions, until};
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../gateway/dashboards/heyan.json");
const ALERTS: &str = include_str!("../../gateway/dashboards/alerts.yaml");

/// Labels that the scrape adds, or that the sum of a histogram's buckets needs.
const SCRAPED: [&str; 2] = ["instance", "le"];

/// The metrics of a gateway, each with its labels.
type Exported = BTreeMap<String, BTreeSet<String>>;

#[tokio::test]
async fn every_metric_and_label_that_is_shown_is_exported() {
    let exported = exported().await;
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut wrong = Vec::new();
    let mut shown = BTreeSet::new();
    for target in
        dashboard["panels"].as_array().unwrap().iter().filter_map(|panel| panel["targets"].as_array()).flatten()
    {
        let (expression, legend) = (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
        let legend = legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().to_owned());
        check(expression, legend.collect(), &exported, &mut shown, &mut wrong);
    }
    assert!(shown.len() > 20, "the dashboard shows little: {shown:?}");
    let rules = rules();
    assert!(rules.len() >= 12, "{rules:?}");
    for (expression, words) in &rules {
        let labels = words.split("$labels.").skip(1).map(|rest| identifier(rest).to_owned());
        check(expression, labels.collect(), &exported, &mut shown, &mut wrong);
        assert!(words.contains("summary: ") && words.contains("description: "), "{expression} says nothing: {words}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let family = |name: &str| {
        ["_bucket", "_sum", "_count"].iter().fold(name.to_owned(), |name, end| name.trim_end_matches(end).into())
    };
    let shown: BTreeSet<String> = shown.iter().map(|name| family(name)).collect();
    let unseen: Vec<_> = exported.keys().filter(|name| !shown.contains(&family(name))).collect();
    assert!(unseen.is_empty(), "nobody sees {unseen:?}");
}

#[test]
fn what_is_not_exported_is_found() {
    let exported = Exported::from([
        ("heyan_ready".into(), BTreeSet::new()),
        ("heyan_up".into(), BTreeSet::from(["department".into()])),
    ]);
    for (expression, labels, expected) in [
        ("heyan_ready", vec![], 0),
        (
            "sum by (department) (rate(heyan_up{instance=~\"$i\", department!=\"x\"}[5m])) > 0.5",
            vec!["department".into()],
            0,
        ),
        ("heyan_gone > 1", vec![], 1),
        ("heyan_up{subject=\"x\"}", vec![], 1),
        ("sum by (case) (heyan_up)", vec![], 1),
        ("heyan_ready", vec!["department".into()], 1),
    ] {
        let mut wrong = Vec::new();
        check(expression, labels, &exported, &mut BTreeSet::new(), &mut wrong);
        assert_eq!(wrong.len(), expected, "{expression}: {wrong:?}");
    }
}

/// What a gateway exports that has answered every kind of question, and refused some connections and calls.
async fn exported() -> Exported {
    let city = City::new();
    let revoked = "uri = \"spiffe://sample-city.example/system/civil-affairs-hall\"\n";
    city.edit("systems/systems.toml", |text| text.replace(revoked, &format!("{revoked}revoked = true\n")));
    city.edit("heyan.toml", |text| text.replace("idle = \"5m\"", "idle = \"500ms\""));
    let gateway = Gateway::start(&city);
    for case in CASES.iter().filter(|case| case.system != "civil-affairs-hall") {
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        client.verify(questions::of_case(case)).await.unwrap();
    }
    let mut refused = VerificationServiceClient::new(gateway.connect("civil-affairs-hall").await);
    refused.verify(v1::VerifyRequest::default()).await.unwrap_err();
    std::net::TcpStream::connect(gateway.address()).unwrap().write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    until("what is refused is counted", async || {
        gateway.admin("/metrics").1.contains("heyan_handshake_failures_total{")
    })
    .await;
    until("idle connections are ended", async || {
        gateway.admin("/metrics").1.contains("heyan_connections_ended_total{")
    })
    .await;
    until("departments are checked", async || gateway.admin("/metrics").1.contains("heyan_department_up{")).await;
    let mut exported = Exported::new();
    let metrics = gateway.admin("/metrics").1;
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let name = identifier(line);
        let labels = line[name.len()..].strip_prefix('{').map_or("", |rest| rest.split('}').next().unwrap());
        let labels = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        exported.entry(name.to_owned()).or_default().extend(labels);
    }
    exported
}

/// Adds what an expression names to `shown`, and what of it and of `labels` is not exported to `wrong`.
fn check(
    expression: &str,
    mut labels: Vec<String>,
    exported: &Exported,
    shown: &mut BTreeSet<String>,
    wrong: &mut Vec<String>,
) {
    let mut known: BTreeSet<&str> = SCRAPED.into();
    for (place, _) in expression.match_indices(|c: char| c.is_ascii_alphabetic()) {
        let follows = place.checked_sub(1).and_then(|before| expression.get(before..place));
        let starts = follows.is_none_or(|before| !before.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        let name = identifier(&expression[place..]);
        if !starts || !(name.starts_with("heyan_") || name.starts_with("rpc_server_")) {
            continue;
        }
        let Some(has) = exported.get(name) else {
            wrong.push(format!("`{name}` is not exported: {expression}"));
            continue;
        };
        shown.insert(name.to_owned());
        known.extend(has.iter().map(String::as_str));
        let selector =
            expression[place + name.len()..].strip_prefix('{').map_or("", |rest| rest.split('}').next().unwrap());
        for label in selector.split(',').filter(|label| !label.trim().is_empty()) {
            let label = identifier(label.trim());
            if !has.contains(label) && !SCRAPED.contains(&label) {
                wrong.push(format!("`{name}` has no label `{label}`: {expression}"));
            }
        }
    }
    for grouped in expression.split("by (").skip(1) {
        labels.extend(grouped.split(')').next().unwrap().split(',').map(|label| label.trim().to_owned()));
    }
    wrong.extend(
        labels
            .iter()
            .filter(|label| !known.contains(label.as_str()))
            .map(|label| format!("no metric has `{label}`: {expression}")),
    );
}

/// The name with which a text begins.
fn identifier(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The expression of each rule, and the rest of it.
fn rules() -> Vec<(String, String)> {
    let rule = |text: &str| {
        let (_, rest) = text.split_once("expr: ").unwrap();
        let (expression, rest) = rest.split_once("\n        labels: ").unwrap();
        let expression = expression.split("\n        for: ").next().unwrap();
        (expression.trim_start_matches('|').trim().to_owned(), rest.to_owned())
    };
    ALERTS.split("- alert: ").skip(1).map(rule).collect()
}
