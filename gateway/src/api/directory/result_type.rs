//! A result type on the wire.

use std::sync::Arc;

use heyan_adapters::{
    CatalogueEntry, Channel, Example, Field, FieldForm, Fold, Input, ResultType, SharingMethod, UpdateFrequency,
};
use heyan_policies::ExceptionFacts;
use heyan_proto::identifier::SubjectKind;
use heyan_proto::v1;
use heyan_proto::vocabulary::{Localized, Operator};

use super::super::answer::legal_basis;
use super::super::words::{date, duration, localized};
use crate::directory::Directory;

pub(super) fn summary(of: &Arc<ResultType>) -> v1::ResultTypeSummary {
    v1::ResultTypeSummary {
        id: of.id.to_string(),
        name: Some(localized(&of.name)),
        provider: of.provider.to_string(),
        sharing: v1::SharingClass::from(of.sharing).into(),
        disclosure: v1::Disclosure::from(of.disclosure).into(),
        subject_kinds: subject_kinds(of),
    }
}

pub(super) fn whole(directory: &Directory, of: &Arc<ResultType>) -> v1::ResultType {
    let exceptions = directory.engine().exceptions_of(&of.provider, &of.id);
    v1::ResultType {
        id: of.id.to_string(),
        name: Some(localized(&of.name)),
        description: of.description.as_ref().map(localized),
        provider: of.provider.to_string(),
        certificate_type: of.certificate_type.as_ref().map(ToString::to_string).unwrap_or_default(),
        subject_kinds: subject_kinds(of),
        required_inputs: of.requires.iter().filter_map(required_input).map(Into::into).collect(),
        sharing: v1::SharingClass::from(of.sharing).into(),
        legal_basis: of.legal_basis.to_string(),
        exceptions: exceptions.into_iter().map(exception).collect(),
        disclosure: v1::Disclosure::from(of.disclosure).into(),
        sensitivity: of.sensitivity.into(),
        coverage: of.coverage.as_ref().map(|coverage| v1::Coverage {
            note: Some(localized(&coverage.note)),
            issued_from: coverage.issued_from.map(date).unwrap_or_default(),
            divisions: coverage.divisions.iter().map(ToString::to_string).collect(),
        }),
        freshness: Some(v1::FreshnessDeclaration {
            update_frequency: update_frequency(of.catalogue.update_frequency).into(),
            max_age: of.max_reuse().map(duration),
        }),
        renewal: of.validity.renewal.as_ref().map(|renewal| v1::RenewalRule {
            alive_days_max: renewal.alive_days_max.into(),
            legal_basis: renewal.legal_basis.to_string(),
            pending_field: renewal.pending_field.to_string(),
        }),
        fields: of.fields.iter().map(field).collect(),
        catalogue: Some(catalogue(directory, of)),
        example: of.examples.first().map(|first| example(of, first)),
    }
}

fn subject_kinds(of: &ResultType) -> Vec<i32> {
    of.subject_kinds.iter().map(|kind| v1::SubjectKind::from(*kind).into()).collect()
}

fn required_input(input: &Input) -> Option<v1::RequiredInput> {
    match input {
        Input::SubjectName => Some(v1::RequiredInput::SubjectName),
        Input::CertificateNumber => Some(v1::RequiredInput::CertificateNumber),
        // Every question has these.
        _ => None,
    }
}

fn exception(facts: &ExceptionFacts) -> v1::ExceptionSummary {
    v1::ExceptionSummary {
        id: facts.id.to_string(),
        title: Some(localized(&facts.title)),
        legal_basis: Some(legal_basis(&facts.legal_basis)),
        owner: facts.owner.to_string(),
        review_by: date(facts.review_by),
    }
}

fn field(of: &Field) -> v1::FieldDeclaration {
    let unit = match &of.form {
        FieldForm::Integer { unit: Some(unit) } => unit.to_string(),
        _ => String::new(),
    };
    let operators = of.field_type().operators().iter().map(|operator: &Operator| v1::Operator::from(*operator).into());
    v1::FieldDeclaration {
        name: of.name.to_string(),
        title: Some(localized(&of.title)),
        r#type: v1::FieldType::from(of.field_type()).into(),
        operators: operators.collect(),
        matching_rule: Some(localized(&matching_rule(of))),
        unit,
        code_words: of.code_list().into_iter().map(str::to_owned).collect(),
        disclosed: of.disclosed,
    }
}

/// How a claim about the field is compared, for people.
fn matching_rule(of: &Field) -> Localized {
    let (zh, en) = match &of.form {
        FieldForm::Text { fold: Fold::Name } => (
            "全半角、间隔号、空格、生僻字编码的差异仅视为书写形式不同",
            "width, middle dots, spaces and codings of rare characters are differences of form alone",
        ),
        FieldForm::Text { fold: Fold::Organisation | Fold::Address } => {
            ("全半角、括号、空格的差异仅视为书写形式不同", "width, brackets and spaces are differences of form alone")
        }
        FieldForm::Text { fold: Fold::Exact } => ("逐字比对", "compared character by character"),
        FieldForm::Code { .. } => ("与所列代码词比对", "compared with the listed words"),
        FieldForm::Scope { .. } => {
            ("所核验的每一项均须在记录的范围之内，逐项比对", "each item claimed must be among the items of the record")
        }
        FieldForm::Integer { .. } => ("按数值比较", "compared as a number"),
        FieldForm::Date(_) => (
            "按日期比较；日期写法不同仅视为书写形式不同，「长期」晚于任何日期",
            "compared as a day; notations are differences of form alone, and 长期 is later than every date",
        ),
        FieldForm::Flag { .. } => ("是或否", "yes or no"),
    };
    Localized { zh: zh.into(), en: en.into() }
}

fn catalogue(directory: &Directory, of: &ResultType) -> v1::CatalogueEntry {
    let CatalogueEntry {
        name,
        format,
        update_frequency: frequency,
        sharing_method,
        conditions,
        classification,
        entry,
        channel,
    } = &of.catalogue;
    let providing_unit = directory.department(&of.provider).and_then(|entry| entry.declaration.as_ref());
    v1::CatalogueEntry {
        entry: entry.to_string(),
        name: name.to_string(),
        data_items: of.fields.iter().map(|field| field.title.zh.clone()).collect(),
        providing_unit: providing_unit.map(|declaration| declaration.department.name.zh.clone()).unwrap_or_default(),
        format: format.to_string(),
        update_frequency: update_frequency(*frequency).into(),
        sharing: v1::SharingClass::from(of.sharing).into(),
        sharing_method: match sharing_method {
            SharingMethod::ServiceInterface => v1::SharingMethod::ServiceInterface,
            SharingMethod::BatchExchange => v1::SharingMethod::BatchExchange,
            SharingMethod::FileDownload => v1::SharingMethod::FileDownload,
        }
        .into(),
        conditions: conditions.to_string(),
        classification: classification.to_string(),
        channel: match channel {
            Channel::CityPlatform => v1::Channel::CityPlatform,
            Channel::NationalPlatform => v1::Channel::NationalPlatform,
            Channel::DepartmentInterface => v1::Channel::DepartmentInterface,
        }
        .into(),
    }
}

fn update_frequency(of: UpdateFrequency) -> v1::UpdateFrequency {
    match of {
        UpdateFrequency::Realtime => v1::UpdateFrequency::Realtime,
        UpdateFrequency::Daily => v1::UpdateFrequency::Daily,
        UpdateFrequency::Weekly => v1::UpdateFrequency::Weekly,
        UpdateFrequency::Monthly => v1::UpdateFrequency::Monthly,
        UpdateFrequency::Quarterly => v1::UpdateFrequency::Quarterly,
        UpdateFrequency::Yearly => v1::UpdateFrequency::Yearly,
    }
}

/// A question that can be asked as it stands, about the invented subject of the declaration's first example.
fn example(of: &ResultType, example: &Example) -> v1::VerifyRequest {
    let kind: SubjectKind = example.subject.kind();
    v1::VerifyRequest {
        subject: Some(v1::Subject {
            kind: v1::SubjectKind::from(kind).into(),
            number: example.subject.expose().into(),
            name: None,
        }),
        result_type: of.id.to_string(),
        ..Default::default()
    }
}
