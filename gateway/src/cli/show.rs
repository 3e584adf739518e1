//! Answers in words and as JSON.

use heyan_proto::v1;
use heyan_proto::v1::verify_response::Answer;
use serde_json::{Value, json};

use super::Language;

/// What a person reads of an answer.
#[derive(Debug)]
pub(super) struct Shown {
    /// `determination`, `refusal`, `undetermined` or `validation`.
    pub(super) answer: &'static str,
    /// The finding or the cause, as the contract spells it: `CONFIRMED`, `GRANT_REQUIRED`.
    pub(super) finding: String,
    /// What stands behind it, in one line.
    pub(super) detail: String,
}

/// Puts an answer into words.
pub(super) fn show(response: &v1::VerifyResponse, language: Language) -> Shown {
    match &response.answer {
        Some(Answer::Determination(of)) => Shown {
            answer: "determination",
            finding: word(of.finding().as_str_name(), "FINDING_"),
            detail: determination(of, language),
        },
        Some(Answer::Refusal(of)) => Shown {
            answer: "refusal",
            finding: word(of.cause().as_str_name(), "REFUSAL_CAUSE_"),
            detail: refusal(of, language),
        },
        Some(Answer::Undetermined(of)) => Shown {
            answer: "undetermined",
            finding: word(of.cause().as_str_name(), "UNDETERMINED_CAUSE_"),
            detail: format!("{} · {}", text(of.explanation.as_ref(), language), of.contact),
        },
        None => {
            let detail = response.validation.as_ref().map(|of| validation(of, language)).unwrap_or_default();
            Shown { answer: "validation", finding: "PERMITTED".into(), detail }
        }
    }
}

/// The answer as one JSON object, with the contract's words. It holds what the answer holds, so it is personal.
pub(super) fn to_json(response: &v1::VerifyResponse) -> Value {
    let shown = show(response, Language::English);
    let mut object = json!({
        "decision_id": response.decision_id,
        "answer": shown.answer,
        "finding": shown.finding,
        "detail": shown.detail,
    });
    if let Some(receipt) = &response.receipt {
        object["index"] = receipt.index.into();
        object["leaf_hash"] = hex(&receipt.leaf_hash).into();
    }
    match &response.answer {
        Some(Answer::Determination(of)) => object["determination"] = determination_json(of),
        Some(Answer::Refusal(of)) => object["refusal"] = refusal_json(of),
        Some(Answer::Undetermined(of)) => object["provider"] = of.provider.clone().into(),
        None => object["validation"] = response.validation.as_ref().map(validation_json).into(),
    }
    object
}

fn validation_json(of: &v1::Validation) -> Value {
    json!({ "disclosure": word(of.disclosure().as_str_name(), "DISCLOSURE_"), "fields": of.fields })
}

fn determination_json(of: &v1::Determination) -> Value {
    let mut object = json!({
        "as_of": of.as_of,
        "provider": of.provider,
        "disclosure": word(of.disclosure().as_str_name(), "DISCLOSURE_"),
        "freshness": word(of.freshness().as_str_name(), "FRESHNESS_"),
    });
    if let Some(detail) = &of.detail {
        object["existence"] = word(detail.existence().as_str_name(), "EXISTENCE_").into();
        object["state"] = word(detail.state().as_str_name(), "RESULT_STATE_").into();
        object["name"] = word(detail.name_outcome().as_str_name(), "CLAIM_OUTCOME_").into();
        object["claims"] = (detail.claims.iter())
            .map(|claim| json!({ "field": claim.field, "outcome": word(claim.outcome().as_str_name(), "CLAIM_OUTCOME_") }))
            .collect();
    }
    object
}

fn refusal_json(of: &v1::Refusal) -> Value {
    use v1::refusal::Detail;
    match &of.detail {
        Some(Detail::Exception(exception)) => json!({
            "exception": exception.exception,
            "legal_basis": exception.legal_basis.as_ref().map(|basis| basis.citation.clone()),
            "owner": exception.owner,
        }),
        Some(Detail::Grant(grant)) => json!({
            "standing": word(grant.standing().as_str_name(), "GRANT_STANDING_"),
            "grant": grant.grant,
            "apply_to": grant.apply_to,
            "catalogue_entry": grant.catalogue_entry,
        }),
        Some(Detail::Permission(permission)) => json!({
            "unmet": permission.unmet.iter().map(|unmet| word(unmet.condition().as_str_name(), "CONDITION_")).collect::<Vec<_>>(),
        }),
        None => Value::Null,
    }
}

fn determination(of: &v1::Determination, language: Language) -> String {
    let mut parts = Vec::new();
    if let Some(detail) = &of.detail {
        match detail.existence() {
            v1::Existence::NotIssued => parts.push(pick(language, "提供部门没有此项记录", "no such record").to_owned()),
            v1::Existence::Issued => parts.push(state(detail, language)),
            v1::Existence::Unspecified => {}
        }
        for claim in &detail.claims {
            parts.push(format!("{}: {}", claim.field, outcome(claim.outcome(), language)));
        }
        if detail.name_outcome() != v1::ClaimOutcome::Unspecified {
            parts.push(format!("{}: {}", pick(language, "名称", "name"), outcome(detail.name_outcome(), language)));
        }
        if let Some(basis) = &detail.state_basis {
            parts.push(text(Some(basis), language));
        }
    }
    let detail = of.detail.as_ref();
    let nothing_found = detail.is_none_or(|detail| detail.existence() == v1::Existence::NotIssued);
    if nothing_found && of.coverage_note.is_some() {
        parts.push(text(of.coverage_note.as_ref(), language));
    }
    parts.push(format!("{} {}", pick(language, "截至", "as of"), of.as_of));
    parts.join(" · ")
}

fn state(detail: &v1::DeterminationDetail, language: Language) -> String {
    use v1::ResultState as State;
    let (zh, en) = match detail.state() {
        State::Unspecified => ("状态未知", "state not known"),
        State::InForce => ("有效", "in force"),
        State::NotYetInForce => ("尚未生效", "not yet in force"),
        State::Expired => ("已过期", "expired"),
        State::Suspended => ("暂扣", "suspended"),
        State::Superseded => ("已换发", "superseded"),
        State::Deregistered => ("已注销", "deregistered"),
        State::Rescinded => ("已撤销", "rescinded"),
        State::Withdrawn => ("已撤回", "withdrawn"),
        State::LicenceRevoked => ("已吊销", "licence revoked"),
        State::Void => ("作废", "void"),
        State::Other => return detail.state_text.clone(),
    };
    pick(language, zh, en).into()
}

fn outcome(outcome: v1::ClaimOutcome, language: Language) -> &'static str {
    use v1::ClaimOutcome as Outcome;
    let (zh, en) = match outcome {
        Outcome::Unspecified => ("未比对", "not compared"),
        Outcome::Match => ("一致", "matches"),
        Outcome::DiffersInForm => ("仅书写形式不同", "differs only in form"),
        Outcome::Differs => ("不一致", "differs"),
        Outcome::NotHeld => ("记录中无此项", "not held"),
    };
    pick(language, zh, en)
}

fn validation(of: &v1::Validation, language: Language) -> String {
    let disclosure = word(of.disclosure().as_str_name(), "DISCLOSURE_");
    let fields = if of.fields.is_empty() { String::new() } else { format!(" · {}", of.fields.join(", ")) };
    format!("{} {disclosure}{fields}", pick(language, "披露层级", "disclosure"))
}

fn refusal(of: &v1::Refusal, language: Language) -> String {
    use v1::refusal::Detail;
    match &of.detail {
        Some(Detail::Exception(exception)) => {
            let citation = exception.legal_basis.as_ref().map(|basis| basis.citation.as_str()).unwrap_or_default();
            format!("{citation} · {}", text(exception.title.as_ref(), language))
        }
        Some(Detail::Grant(grant)) => text(grant.remedy.as_ref(), language),
        Some(Detail::Permission(permission)) => {
            permission.unmet.iter().map(|unmet| text(unmet.text.as_ref(), language)).collect::<Vec<_>>().join(" · ")
        }
        None => String::new(),
    }
}

/// A text in the language wanted.
pub(super) fn text(text: Option<&v1::LocalizedText>, language: Language) -> String {
    text.map(|text| pick(language, &text.zh_cn, &text.en).to_owned()).unwrap_or_default()
}

/// One of two texts, by language.
pub(super) fn pick<'a>(language: Language, zh: &'a str, en: &'a str) -> &'a str {
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}

/// The name of an enum value without the prefix that the contract's lint wants.
pub(super) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
