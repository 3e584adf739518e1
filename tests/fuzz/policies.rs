//! The departments' exceptions, as Cedar.

use heyan_policies::{KnownNames, KnownResultType, PolicyBundle};
use heyan_proto::vocabulary::{DepartmentId, FieldName, ResultTypeId};
use jiff::civil::date;

use super::harness::{Outcome, Shape, Target, files, run};
use super::holds;

const FILE: &str = "policies/any.cedar";

#[test]
fn exceptions() {
    let seeds = || {
        let mut seeds = files(&["policies/departments", "policies/base"], ".cedar");
        seeds.extend(deep());
        seeds
    };
    run(&Target { name: "policies", shape: Shape::Text, bytes_max: 32 << 10, seeds, check: &check });
}

/// An exception whose condition is nested in every way that the language has, as deeply as a file allows.
fn deep() -> Vec<Vec<u8>> {
    let whole = String::from_utf8(files(&["policies/departments"], "health.cedar").remove(0)).unwrap();
    let (head, _) = whole.split_once("when").unwrap();
    let nested = [
        ("(", "true", ")"),
        ("!", "true", ""),
        ("[", "", "]"),
        ("if true then true else ", "true", ""),
        ("{a: ", "1", "}"),
    ];
    let endless = [("true && ", "true", ""), ("context", ".a", ".a"), ("1 + ", "1", ""), ("-", "1", "")];
    // As deeply as is read, and more deeply than a stack holds.
    let shapes = nested.into_iter().flat_map(|shape| [(shape, 14), (shape, 3_000)]);
    let shapes = shapes.chain(endless.into_iter().flat_map(|shape| [(shape, 62), (shape, 3_000)]));
    shapes
        .map(|((open, inside, close), times)| {
            format!("{head}when {{ {}{inside}{} }};", open.repeat(times), close.repeat(times)).into_bytes()
        })
        .collect()
}

fn check(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    match PolicyBundle::load(&[(FILE, text)], date(2026, 11, 23)) {
        Ok(bundle) => {
            assert!(text.matches("forbid").count() >= bundle.exceptions().count(), "an exception out of nothing");
            assert!(bundle.exceptions().count() > 0, "a file without an exception");
            for facts in bundle.exceptions() {
                assert!(facts.review_by >= date(2026, 11, 23));
                holds::one_line(facts.title.zh.as_str(), 2_000);
                holds::one_line(facts.remedy.en.as_str(), 2_000);
            }
            let again = PolicyBundle::load(&[(FILE, text)], date(2026, 11, 23)).unwrap();
            assert_eq!(again.hash(), bundle.hash());
            let other = PolicyBundle::load(&[(FILE, format!("{text}\n"))], date(2026, 11, 23)).unwrap();
            assert_ne!(other.hash(), bundle.hash(), "two texts of one hash");
            names(&bundle, text);
            Outcome::of((bundle.policy_ids().count(), text.len() / 256))
        }
        Err(problems) => holds::problems(&problems, FILE, text),
    }
}

/// The names that it uses, held against a city that has one of each.
pub(crate) fn names(bundle: &PolicyBundle, text: &str) {
    let department = DepartmentId::parse("health").unwrap();
    let result_type = ResultTypeId::parse("birth-certificate").unwrap();
    let fields = [FieldName::parse("mother").unwrap(), FieldName::parse("father").unwrap()];
    let result_types = [KnownResultType { id: &result_type, provider: &department, fields: &fields }];
    let known = KnownNames { departments: std::slice::from_ref(&department), result_types: &result_types };
    if let Err(problems) = bundle.check_names(&known) {
        holds::problems(&problems, FILE, text);
    }
}
