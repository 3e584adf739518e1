//! Claims: a field, an operator and a value of each type, against every result type of the sample.

use heyan::api::question;
use heyan::cli::claims::{FieldTypes, claim};
use heyan::sample::cases::{CASES, FURTHER_CASES};
use heyan_proto::v1;
use heyan_proto::v1::claim::Value;
use heyan_proto::vocabulary::Operator;
use heyan_tests::questions;

use super::harness::{Outcome, Shape, Target, run};
use super::{city, holds, messages};

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

/// The same as people write it behind `heyan verify --claim`.
#[test]
fn words_of_the_command_line() {
    let (shape, check) = (Shape::Text, &check_words);
    run(&Target { name: "claim_words", shape, bytes_max: 4_000, seeds: seeds_of_words, check });
}

/// Every field with every operator that fits it: a result type and three words, on a line each.
fn seeds_of_words() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for result_type in city::directory().result_types() {
        for field in &result_type.fields {
            for operator in field.field_type().operators() {
                for value in ["热食类食品制售,冷食类食品制售", "12,-7", "true", "2026-01-31"] {
                    let words = [result_type.id.as_str(), field.name.as_str(), operator.as_str(), value];
                    seeds.push(words.join("\n").into_bytes());
                }
            }
        }
    }
    seeds
}

fn check_words(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    let (result_type, words) = text.split_once('\n').unwrap_or((text, ""));
    let words: Vec<&str> = words.split('\n').collect();
    let known = city::directory().result_types().find(|known| known.id.as_str() == result_type);
    let fields = known.map(|known| &known.fields[..]).unwrap_or_default();
    let types: FieldTypes = fields.iter().map(|field| (field.name.to_string(), field.field_type().into())).collect();
    let claim = match claim(&words, &types) {
        Ok(claim) => claim,
        Err(failure) => {
            holds::one_line(&failure.to_string(), 200);
            let own = [words[0], "one_of, contains, at_least, at_most, on_or_before, on_or_after"];
            assert!(!holds::repeats(&failure.to_string(), text, &own), "{failure}");
            return Outcome::said(&failure.to_string());
        }
    };
    let [field, operator, value] = words[..] else { panic!("a claim of {} words", words.len()) };
    let said = Operator::try_from(claim.operator()).unwrap();
    assert_eq!((claim.field.as_str(), said.as_str()), (field, operator));
    let of_type = types.get(field).copied();
    let (kind, written) = match claim.value.as_ref().unwrap() {
        Value::Text(text) => ("text", text.clone()),
        Value::Texts(texts) => ("texts", texts.items.join(",")),
        Value::Integer(number) => ("integer", number.to_string()),
        Value::Integers(numbers) => {
            ("integers", numbers.items.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
        }
        Value::Flag(flag) => ("flag", flag.to_string()),
    };
    let is_number = of_type == Some(v1::FieldType::Integer);
    assert_eq!(kind.starts_with("integer"), is_number);
    assert_eq!(kind == "flag", of_type == Some(v1::FieldType::Flag));
    // Numbers may be written in another way: 007, +7, -0.
    assert!(is_number || written == value, "{value} became {written}");
    let case = CASES.iter().chain(FURTHER_CASES).find(|case| case.result_type == result_type).unwrap_or(&CASES[0]);
    let mut question = questions::of_case(case);
    question.result_type = result_type.into();
    question.claims = vec![claim];
    Outcome::of((kind, operator, messages::resolved(&question::verify(&question))))
}
