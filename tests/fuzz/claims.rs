//! Claims: a field, an operator and a value of each type, against every result type of the sample.

use heyan::api::question;
use heyan::sample::cases::{CASES, FURTHER_CASES};
use heyan_proto::v1;
use heyan_proto::v1::claim::Value;
use heyan_proto::vocabulary::Operator;
use heyan_tests::questions;

use super::harness::{Outcome, Shape, Target, run};
use super::{city, messages};

#[test]
fn fields_operators_and_values() {
    run(&Target { name: "claims", shape: Shape::Text, bytes_max: 4_000, seeds, check: &check });
}

/// Every field of every result type, with every operator and a value of each type: `type field operator kind value`.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for result_type in city::directory().result_types() {
        for field in &result_type.fields {
            for operator in field.field_type().operators() {
                let value = field.code_list().first().map_or("2026-01-31", |word| *word).to_owned();
                for value in [
                    &format!("text {value}"),
                    &format!("texts {value},{value}"),
                    "integer 12",
                    "integers 1,2",
                    "flag true",
                ] {
                    seeds.push(format!("{} {} {} {value}", result_type.id, field.name, operator.as_str()).into_bytes());
                }
            }
        }
    }
    seeds
}

fn check(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    let mut parts = text.splitn(5, ' ');
    let mut part = || parts.next().unwrap_or_default();
    let (result_type, field, operator, kind, value) = (part(), part(), part(), part(), part());
    // The question of a case that asks for this result type, so that the claim alone decides.
    let case = CASES.iter().chain(FURTHER_CASES).find(|case| case.result_type == result_type).unwrap_or(&CASES[0]);
    let mut question = questions::of_case(case);
    question.result_type = result_type.into();
    let items = || value.split(',');
    let operator = Operator::ALL.into_iter().find(|known| known.as_str() == operator);
    question.claims = vec![v1::Claim {
        field: field.into(),
        operator: operator.map_or(v1::Operator::Unspecified, Into::into).into(),
        value: match kind {
            "text" => Some(Value::Text(value.into())),
            "texts" => Some(Value::Texts(v1::TextList { items: items().map(Into::into).collect() })),
            "integer" => value.parse().ok().map(Value::Integer),
            "integers" => Some(Value::Integers(v1::IntegerList { items: items().flat_map(str::parse).collect() })),
            "flag" => Some(Value::Flag(value == "true")),
            _ => None,
        },
    }];
    messages::resolved(&question::verify(&question))
}
