//! Questions about the sample city.

use heyan::sample::cases::{Case, CaseClaim};
use heyan_proto::v1;
use heyan_proto::vocabulary::Operator;
use uuid::Uuid;

/// The question of a case, ready to be asked by the case's system.
pub fn of_case(case: &Case) -> v1::VerifyRequest {
    v1::VerifyRequest {
        request_id: Uuid::new_v4().to_string(),
        purpose: Some(v1::Purpose {
            item: case.item.into(),
            case_number: "CASE-2026-TEST-0001".into(),
            reason: "办件材料核验".into(),
        }),
        official: Some(v1::Official {
            id: "w-017".into(),
            name: "样例经办人甲".into(),
            unit: "样例综合窗口".into(),
            terminal: "window-17".into(),
        }),
        subject: Some(v1::Subject {
            kind: v1::SubjectKind::from(case.subject.kind).into(),
            number: case.subject.number.into(),
            name: None,
        }),
        result_type: case.result_type.into(),
        certificate_number: case.certificate_number.map(Into::into),
        claims: case.claims.iter().map(claim).collect(),
        as_of: case.as_of.map(Into::into),
        max_age: None,
        validate_only: false,
    }
}

/// The same question, asked of the department itself whatever it has answered before.
pub fn live(question: v1::VerifyRequest) -> v1::VerifyRequest {
    v1::VerifyRequest { max_age: Some(prost_types::Duration::default()), ..question }
}

/// The question of the case with this id.
pub fn named(id: &str) -> (&'static Case, v1::VerifyRequest) {
    let case = Case::named(id).unwrap_or_else(|| panic!("the sample has no case `{id}`"));
    (case, of_case(case))
}

/// The type of a value follows from how the sample writes it.
fn claim(of: &CaseClaim) -> v1::Claim {
    use v1::claim::Value;
    let first = of.values[0];
    let value = match of.operator {
        Operator::OneOf | Operator::Contains => {
            Value::Texts(v1::TextList { items: of.values.iter().map(|&value| value.to_owned()).collect() })
        }
        _ => match (first.parse(), first.parse()) {
            (Ok(flag), _) => Value::Flag(flag),
            (_, Ok(number)) => Value::Integer(number),
            _ => Value::Text(first.into()),
        },
    };
    v1::Claim { field: of.field.into(), operator: v1::Operator::from(of.operator).into(), value: Some(value) }
}
