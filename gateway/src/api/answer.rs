//! Answers on the wire. Here alone an answer and its receipt become a response.

use heyan_adapters::Holding;
use heyan_policies::{Condition, DenialCause, ExceptionFacts, GrantStanding, ScopeGap};
use heyan_proto::v1;
use heyan_proto::vocabulary::{FieldName, FieldValue, LegalBasis, Localized, ResultState, UndeterminedCause};

use super::words::{date, duration, localized, term, timestamp};
use crate::answer::{Answer, Determination, Refusal, Retrieval, Retry, Undetermined, Validation};
use crate::audit::Receipt;
use crate::matching::Detail;

/// The response to `Verify`, without its receipt: what the audit log keeps for a repeated `request_id`.
pub(super) fn verify_response(answer: &Answer) -> v1::VerifyResponse {
    use v1::verify_response::Answer as Wire;
    let wire = match answer {
        Answer::Determination(of) => Some(Wire::Determination(determination(of))),
        Answer::Retrieval(of) => Some(Wire::Determination(determination(&of.determination))),
        Answer::Refusal(of) => Some(Wire::Refusal(refusal(of))),
        Answer::Undetermined(of) => Some(Wire::Undetermined(undetermined(of))),
        Answer::Validation(_) => None,
    };
    v1::VerifyResponse { answer: wire, validation: validation(answer), ..Default::default() }
}

/// The response to `RetrieveResult`, without its receipt.
pub(super) fn retrieve_response(answer: &Answer) -> v1::RetrieveResultResponse {
    use v1::retrieve_result_response::Answer as Wire;
    let wire = match answer {
        Answer::Retrieval(of) => Some(Wire::Retrieval(retrieval(of))),
        Answer::Determination(of) => {
            Some(Wire::Retrieval(v1::Retrieval { determination: Some(determination(of)), result: None }))
        }
        Answer::Refusal(of) => Some(Wire::Refusal(refusal(of))),
        Answer::Undetermined(of) => Some(Wire::Undetermined(undetermined(of))),
        Answer::Validation(_) => None,
    };
    v1::RetrieveResultResponse { answer: wire, validation: validation(answer), ..Default::default() }
}

/// `caller` is the URI of the system that asked: officials are who it says they are.
pub(super) fn receipt(receipt: &Receipt, caller: &str) -> v1::Receipt {
    v1::Receipt {
        index: receipt.index(),
        leaf_hash: receipt.leaf_hash().to_vec(),
        decision_id: receipt.decision().to_string(),
        // Whole seconds take as many bytes whatever the answer is; the leaf has the microsecond.
        recorded_at: Some(prost_types::Timestamp { seconds: receipt.recorded_at().as_second(), nanos: 0 }),
        official_asserted_by: caller.into(),
        leaf: receipt.leaf().to_vec(),
        salt: receipt.salt().to_vec(),
        proof: receipt.proof(),
    }
}

fn validation(answer: &Answer) -> Option<v1::Validation> {
    let Answer::Validation(Validation { disclosure, fields }) = answer else { return None };
    Some(v1::Validation {
        disclosure: v1::Disclosure::from(*disclosure).into(),
        fields: fields.iter().map(FieldName::to_string).collect(),
    })
}

fn determination(of: &Determination) -> v1::Determination {
    v1::Determination {
        finding: v1::Finding::from(of.finding).into(),
        disclosure: v1::Disclosure::from(of.disclosure).into(),
        as_of: date(of.as_of),
        provider: of.provider.to_string(),
        data_updated_at: of.data_updated_at.map(timestamp),
        freshness: v1::Freshness::from(of.freshness).into(),
        retrieved_at: of.retrieved_at.map(timestamp),
        coverage_note: of.coverage_note.as_ref().map(localized),
        detail: of.detail.as_ref().map(detail),
    }
}

fn detail(of: &Detail) -> v1::DeterminationDetail {
    let state_text = match &of.state {
        Some(ResultState::Other(text)) => text.clone(),
        _ => String::new(),
    };
    v1::DeterminationDetail {
        existence: of.existence.map_or(v1::Existence::Unspecified, Into::into).into(),
        state: of.state.as_ref().map_or(v1::ResultState::Unspecified, Into::into).into(),
        state_text,
        // The citation of a law is the same text in both languages.
        state_basis: of.state_basis.as_ref().map(|law| v1::LocalizedText { zh_cn: law.clone(), en: law.clone() }),
        claims: (of.claims.iter())
            .map(|(field, operator, outcome)| v1::ClaimResult {
                field: field.to_string(),
                operator: v1::Operator::from(*operator).into(),
                outcome: v1::ClaimOutcome::from(*outcome).into(),
            })
            .collect(),
        name_outcome: of.name.map_or(v1::ClaimOutcome::Unspecified, Into::into).into(),
    }
}

fn retrieval(of: &Retrieval) -> v1::Retrieval {
    v1::Retrieval {
        determination: Some(determination(&of.determination)),
        result: of.record.as_ref().map(|(record, fields)| result(record, fields)),
    }
}

fn result(record: &Holding, fields: &[FieldName]) -> v1::RetrievedResult {
    v1::RetrievedResult {
        certificate_number: record.certificate_number.clone().unwrap_or_default(),
        valid_from: record.valid_from.map(term).unwrap_or_default(),
        valid_to: record.valid_to.map(term).unwrap_or_default(),
        fields: (fields.iter())
            .map(|field| v1::RetrievedField {
                field: field.to_string(),
                value: record.fields.get(field).map(field_value),
            })
            .collect(),
    }
}

fn field_value(value: &FieldValue) -> v1::retrieved_field::Value {
    use v1::retrieved_field::Value;
    match value {
        FieldValue::Text(text) => Value::Text(text.clone()),
        FieldValue::Code(word) => Value::Code(word.clone()),
        FieldValue::Scope(items) => Value::Scope(v1::TextList { items: items.clone() }),
        FieldValue::Integer(number) => Value::Integer(*number),
        FieldValue::Date(day) => Value::Date(term(*day)),
        FieldValue::Flag(flag) => Value::Flag(*flag),
    }
}

fn refusal(of: &Refusal) -> v1::Refusal {
    use v1::refusal::Detail;
    let (cause, detail) = match &of.cause {
        DenialCause::Exception(facts) => (v1::RefusalCause::Exception, Detail::Exception(exception(facts))),
        DenialCause::GrantRequired(standing) => (v1::RefusalCause::GrantRequired, Detail::Grant(grant(of, standing))),
        DenialCause::NotPermitted(unmet) => (v1::RefusalCause::NotPermitted, Detail::Permission(permission(unmet))),
    };
    v1::Refusal { cause: cause.into(), detail: Some(detail) }
}

fn exception(facts: &ExceptionFacts) -> v1::ExceptionRefusal {
    v1::ExceptionRefusal {
        exception: facts.id.to_string(),
        title: Some(localized(&facts.title)),
        legal_basis: Some(legal_basis(&facts.legal_basis)),
        owner: facts.owner.to_string(),
        review_by: date(facts.review_by),
        remedy: Some(localized(&facts.remedy)),
    }
}

pub(super) fn legal_basis(basis: &LegalBasis) -> v1::LegalBasis {
    v1::LegalBasis { kind: v1::LegalKind::from(basis.kind).into(), citation: basis.citation.to_string() }
}

fn grant(of: &Refusal, standing: &GrantStanding) -> v1::GrantRefusal {
    use v1::GrantStanding as Wire;
    let (word, grant, gap) = match standing {
        GrantStanding::None => (Wire::None, None, None),
        GrantStanding::NotYet(grant) => (Wire::NotYet, Some(grant), None),
        GrantStanding::Ended(grant) => (Wire::Ended, Some(grant), None),
        GrantStanding::Suspended(grant) => (Wire::Suspended, Some(grant), None),
        GrantStanding::OutsideScope(grant, gap) => (Wire::OutsideScope, Some(grant), Some(gap)),
        // A live grant refuses nothing; if one is ever reported here, no grant is named.
        GrantStanding::Live(_) => (Wire::Unspecified, None, None),
    };
    let remedy = Localized {
        zh: format!(
            "请依照《政务数据共享条例》第二十条，通过本部门数据共享工作机构向「{}」申请目录「{}」的授权。",
            of.provider_name.zh, of.result_type.catalogue.entry
        ),
        en: format!(
            "apply through your department's sharing office to `{}` for a grant to directory entry `{}` (Decree 809, article 20)",
            of.provider_name.en, of.result_type.catalogue.entry
        ),
    };
    v1::GrantRefusal {
        standing: word.into(),
        grant: grant.map(ToString::to_string).unwrap_or_default(),
        outside_scope: gap.map(ScopeGap::describe).as_ref().map(localized),
        apply_to: of.result_type.provider.to_string(),
        catalogue_entry: of.result_type.catalogue.entry.to_string(),
        remedy: Some(localized(&remedy)),
    }
}

fn permission(unmet: &[Condition]) -> v1::PermissionRefusal {
    let remedy = Localized {
        zh: "请核对政务服务事项及其办事指南；如认为应当共享，请向本级政务数据共享主管部门提出。".into(),
        en: "check the service item and its guide; if the result should be shared, take it to the data-sharing authority".into(),
    };
    v1::PermissionRefusal {
        unmet: (unmet.iter())
            .map(|condition| v1::UnmetCondition {
                condition: wire_condition(*condition).into(),
                text: Some(localized(&condition.describe())),
            })
            .collect(),
        remedy: Some(localized(&remedy)),
    }
}

pub(super) fn wire_condition(condition: Condition) -> v1::Condition {
    match condition {
        Condition::RequesterRegistered => v1::Condition::RequesterRegistered,
        Condition::ItemInForce => v1::Condition::ItemInForce,
        Condition::ItemNeedsResult => v1::Condition::ItemNeedsResult,
        Condition::ItemAcceptedByRequester => v1::Condition::ItemAcceptedByRequester,
        Condition::CaseNumberGiven => v1::Condition::CaseNumberGiven,
        Condition::DisclosureSuffices => v1::Condition::DisclosureSuffices,
    }
}

fn undetermined(of: &Undetermined) -> v1::Undetermined {
    v1::Undetermined {
        cause: v1::UndeterminedCause::from(of.cause).into(),
        provider: of.provider.to_string(),
        contact: of.contact.as_ref().map(ToString::to_string).unwrap_or_default(),
        explanation: Some(localized(&explanation(of.cause))),
        retry: of.retry.map(|retry| match retry {
            Retry::After(after) => v1::undetermined::Retry::RetryAfter(duration(after)),
            Retry::At(at) => v1::undetermined::Retry::RetryAt(timestamp(at)),
        }),
    }
}

fn explanation(cause: UndeterminedCause) -> Localized {
    let (zh, en) = match cause {
        UndeterminedCause::DepartmentDown => ("提供部门的系统无法连接", "the department's system cannot be reached"),
        UndeterminedCause::DepartmentTimeout => ("提供部门未在时限内答复", "the department did not answer in time"),
        UndeterminedCause::DepartmentBusy => {
            ("提供部门的并发核验已达其声明的上限", "the department is being asked as much as its declaration allows")
        }
        UndeterminedCause::DepartmentClosed => {
            ("不在提供部门声明的服务时间内", "the department is outside its declared hours")
        }
        UndeterminedCause::AnswerMalformed => {
            ("提供部门的答复与其声明不符", "the department's answer does not fit its declaration")
        }
        UndeterminedCause::DeclarationBroken => (
            "该部门的接入声明有误，且没有可用的旧版本",
            "the department's declaration is broken and no earlier one was good",
        ),
    };
    let duty = "此结果未知，不等于没有；不得因此要求申请人另行提供材料。";
    Localized {
        zh: format!("{zh}。{duty}"),
        en: format!("{en}; this is not a no, and the applicant must not be asked for it"),
    }
}
