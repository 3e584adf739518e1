//! One result type, for people and for machines: both are told the same.

use heyan_proto::v1;
use serde_json::{Value, json};

use super::super::Language;
use super::super::show::{pick, text, word};

/// The result type as lines of a name and what it is.
pub(super) fn rows(of: &v1::ResultType, language: Language) -> Vec<Vec<String>> {
    let mut rows = vec![vec![of.id.clone(), text(of.name.as_ref(), language)]];
    let mut fact = |zh: &str, en: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![pick(language, zh, en).to_owned(), value]);
        }
    };
    fact("说明", "description", text(of.description.as_ref(), language));
    fact("提供部门", "provider", of.provider.clone());
    fact("证照类型代码", "certificate type", of.certificate_type.clone());
    fact("持证主体", "subject kinds", subject_kinds(of).join(", "));
    fact("还须填写", "also needed", required_inputs(of).join(", "));
    fact("共享属性", "sharing", sharing(of.sharing()));
    fact("依据", "legal basis", of.legal_basis.clone());
    for exception in &of.exceptions {
        let title = text(exception.title.as_ref(), language);
        fact("不予共享例外", "exception", format!("{} · {} · {title}", exception.id, citation(exception)));
    }
    fact("披露层级", "disclosure", disclosure(of));
    fact("数据分级", "sensitivity", of.sensitivity.to_string());
    if let Some(coverage) = &of.coverage {
        let parts =
            [coverage.issued_from.clone(), coverage.divisions.join(" "), text(coverage.note.as_ref(), language)];
        fact("覆盖范围", "coverage", parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "));
    }
    if let Some(freshness) = &of.freshness {
        fact("更新频率", "updated", update_frequency(freshness.update_frequency()));
        if let Some(age) = &freshness.max_age {
            fact("副本最长留用", "oldest copy", format!("{} s", age.seconds));
        }
    }
    if let Some(renewal) = &of.renewal {
        let days = format!("{} d · {} · {}", renewal.alive_days_max, renewal.pending_field, renewal.legal_basis);
        fact("到期未决仍有效", "alive by law", days);
    }
    if let Some(entry) = &of.catalogue {
        fact("目录", "catalogue", format!("{} · {} · {}", entry.entry, entry.name, channel(entry)));
        fact("使用条件", "conditions", entry.conditions.clone());
    }
    for field in &of.fields {
        rows.push(vec![field.name.clone(), field_line(field, language)]);
    }
    if let Some(example) = &of.example {
        rows.push(vec![pick(language, "示例", "example").to_owned(), example_line(example)]);
    }
    rows
}

/// The result type as one object.
pub(super) fn object(of: &v1::ResultType, language: Language) -> Value {
    let exceptions = of.exceptions.iter().map(|exception| {
        json!({
            "id": exception.id, "title": text(exception.title.as_ref(), language),
            "legal_basis": citation(exception), "owner": exception.owner, "review_by": exception.review_by,
        })
    });
    let fields = of.fields.iter().map(|field| {
        json!({
            "name": field.name, "title": text(field.title.as_ref(), language), "type": field_type(field),
            "operators": operators(field), "matching_rule": text(field.matching_rule.as_ref(), language),
            "unit": field.unit, "code_words": field.code_words, "disclosed": field.disclosed,
        })
    });
    json!({
        "id": of.id,
        "name": text(of.name.as_ref(), language),
        "description": text(of.description.as_ref(), language),
        "provider": of.provider,
        "certificate_type": of.certificate_type,
        "subject_kinds": subject_kinds(of),
        "required_inputs": required_inputs(of),
        "sharing": sharing(of.sharing()),
        "legal_basis": of.legal_basis,
        "exceptions": exceptions.collect::<Vec<_>>(),
        "disclosure": disclosure(of),
        "sensitivity": of.sensitivity,
        "coverage": of.coverage.as_ref().map(|coverage| json!({
            "note": text(coverage.note.as_ref(), language), "issued_from": coverage.issued_from,
            "divisions": coverage.divisions,
        })),
        "freshness": of.freshness.as_ref().map(|freshness| json!({
            "update_frequency": update_frequency(freshness.update_frequency()),
            "max_age_seconds": freshness.max_age.as_ref().map(|age| age.seconds),
        })),
        "renewal": of.renewal.as_ref().map(|renewal| json!({
            "alive_days_max": renewal.alive_days_max, "legal_basis": renewal.legal_basis,
            "pending_field": renewal.pending_field,
        })),
        "catalogue": of.catalogue.as_ref().map(catalogue),
        "fields": fields.collect::<Vec<_>>(),
        "example": of.example.as_ref().map(example_line),
    })
}

fn catalogue(of: &v1::CatalogueEntry) -> Value {
    json!({
        "entry": of.entry, "name": of.name, "data_items": of.data_items, "providing_unit": of.providing_unit,
        "format": of.format, "update_frequency": update_frequency(of.update_frequency()),
        "sharing": sharing(of.sharing()),
        "sharing_method": word(of.sharing_method().as_str_name(), "SHARING_METHOD_"),
        "conditions": of.conditions, "classification": of.classification, "channel": channel(of),
    })
}

fn field_line(of: &v1::FieldDeclaration, language: Language) -> String {
    let rule = text(of.matching_rule.as_ref(), language);
    let mut parts = vec![text(of.title.as_ref(), language), field_type(of), operators(of).join(" "), rule];
    parts.push(of.unit.clone());
    parts.push(of.code_words.join(" | "));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// The example as options of `heyan verify`.
fn example_line(of: &v1::VerifyRequest) -> String {
    let subject = of.subject.clone().unwrap_or_default();
    let mut line =
        format!("--result-type {} --subject {}:{}", of.result_type, subject_kind(subject.kind()), subject.number);
    if let Some(name) = &subject.name {
        line.push_str(&format!(" --name {name}"));
    }
    if let Some(number) = &of.certificate_number {
        line.push_str(&format!(" --certificate-number {number}"));
    }
    for claim in &of.claims {
        use v1::claim::Value;
        let operator = word(claim.operator().as_str_name(), "OPERATOR_").to_lowercase();
        let value = match &claim.value {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Texts(list)) => list.items.join(","),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Integers(list)) => list.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Some(Value::Flag(flag)) => flag.to_string(),
            None => continue,
        };
        line.push_str(&format!(" --claim {} {operator} {value}", claim.field));
    }
    line
}

fn citation(of: &v1::ExceptionSummary) -> String {
    of.legal_basis.as_ref().map(|basis| basis.citation.clone()).unwrap_or_default()
}

fn subject_kinds(of: &v1::ResultType) -> Vec<String> {
    of.subject_kinds().map(subject_kind).collect()
}

fn subject_kind(of: v1::SubjectKind) -> String {
    word(of.as_str_name(), "SUBJECT_KIND_").to_lowercase()
}

fn required_inputs(of: &v1::ResultType) -> Vec<String> {
    of.required_inputs().map(|input| word(input.as_str_name(), "REQUIRED_INPUT_").to_lowercase()).collect()
}

fn sharing(of: v1::SharingClass) -> String {
    word(of.as_str_name(), "SHARING_CLASS_")
}

fn disclosure(of: &v1::ResultType) -> String {
    word(of.disclosure().as_str_name(), "DISCLOSURE_")
}

fn update_frequency(of: v1::UpdateFrequency) -> String {
    word(of.as_str_name(), "UPDATE_FREQUENCY_").to_lowercase()
}

fn channel(of: &v1::CatalogueEntry) -> String {
    word(of.channel().as_str_name(), "CHANNEL_").to_lowercase()
}

fn field_type(of: &v1::FieldDeclaration) -> String {
    word(of.r#type().as_str_name(), "FIELD_TYPE_").to_lowercase()
}

fn operators(of: &v1::FieldDeclaration) -> Vec<String> {
    of.operators().map(|operator| word(operator.as_str_name(), "OPERATOR_").to_lowercase()).collect()
}
