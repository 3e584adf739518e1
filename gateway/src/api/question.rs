//! Questions from the wire, in the words that the directory resolves.

use heyan_proto::identifier::SubjectKind;
use heyan_proto::v1;
use heyan_proto::vocabulary::Operator;

use crate::directory::{AskedWords, ClaimWords, OfficialWords, PurposeWords, SubjectWords, ValueWords, Words};

/// The words of a request to verify claims.
pub fn verify(request: &v1::VerifyRequest) -> Words<'_> {
    Words {
        request_id: &request.request_id,
        purpose: purpose(request.purpose.as_ref()),
        official: official(request.official.as_ref()),
        subject: subject(request.subject.as_ref()),
        result_type: &request.result_type,
        certificate_number: request.certificate_number.as_deref(),
        asked: AskedWords::Claims(request.claims.iter().map(claim).collect()),
        as_of: request.as_of.as_deref(),
        max_age: request.max_age.map(|age| (age.seconds, age.nanos)),
        validate_only: request.validate_only,
    }
}

/// The words of a request to retrieve values.
pub fn retrieve(request: &v1::RetrieveResultRequest) -> Words<'_> {
    Words {
        request_id: &request.request_id,
        purpose: purpose(request.purpose.as_ref()),
        official: official(request.official.as_ref()),
        subject: subject(request.subject.as_ref()),
        result_type: &request.result_type,
        certificate_number: request.certificate_number.as_deref(),
        asked: AskedWords::Fields(request.fields.iter().map(String::as_str).collect()),
        as_of: request.as_of.as_deref(),
        max_age: request.max_age.map(|age| (age.seconds, age.nanos)),
        validate_only: request.validate_only,
    }
}

fn purpose(purpose: Option<&v1::Purpose>) -> PurposeWords<'_> {
    let Some(purpose) = purpose else { return PurposeWords::default() };
    PurposeWords { item: &purpose.item, case_number: &purpose.case_number, reason: &purpose.reason }
}

fn official(official: Option<&v1::Official>) -> OfficialWords<'_> {
    let Some(official) = official else { return OfficialWords::default() };
    OfficialWords { id: &official.id, name: &official.name, unit: &official.unit, terminal: &official.terminal }
}

fn subject(subject: Option<&v1::Subject>) -> SubjectWords<'_> {
    let Some(subject) = subject else { return SubjectWords::default() };
    SubjectWords {
        kind: SubjectKind::try_from(subject.kind()).ok(),
        number: &subject.number,
        name: subject.name.as_deref(),
    }
}

fn claim(claim: &v1::Claim) -> ClaimWords<'_> {
    use v1::claim::Value;
    let value = claim.value.as_ref().map(|value| match value {
        Value::Text(text) => ValueWords::Text(text),
        Value::Texts(list) => ValueWords::Texts(list.items.iter().map(String::as_str).collect()),
        Value::Integer(number) => ValueWords::Integer(*number),
        Value::Integers(list) => ValueWords::Integers(list.items.clone()),
        Value::Flag(flag) => ValueWords::Flag(*flag),
    });
    ClaimWords { field: &claim.field, operator: Operator::try_from(claim.operator()).ok(), value }
}
