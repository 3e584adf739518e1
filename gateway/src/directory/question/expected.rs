//! What is expected where something is wrong, in both languages. Nothing here repeats what the caller wrote.

use heyan_adapters::ResultType;
use heyan_proto::identifier::{IdentifierError, SubjectKind};
use heyan_proto::vocabulary::{FieldType, Localized, Operator, TextError};
use jiff::civil::Date;

use crate::directory::{ItemStatus, ServiceItem};

/// How many names a message lists.
const LISTED_MAX: usize = 40;

pub(super) fn both(zh: impl Into<String>, en: impl Into<String>) -> Localized {
    Localized { zh: zh.into(), en: en.into() }
}

/// The names with `、` and with commas.
fn list<'a>(names: impl Iterator<Item = &'a str> + Clone) -> (String, String) {
    let shown: Vec<&str> = names.clone().take(LISTED_MAX).collect();
    let rest = names.count() - shown.len();
    let (mut zh, mut en) = (shown.join("、"), shown.join(", "));
    if rest > 0 {
        zh.push_str(&format!("等（另有 {rest} 项）"));
        en.push_str(&format!(" and {rest} more"));
    }
    (zh, en)
}

pub(super) fn request_id() -> Localized {
    both(
        "须为带连字符的 UUID（36 个字符），且不得全为零",
        "must be a UUID of 36 characters with hyphens, and not the nil UUID",
    )
}

pub(super) fn result_type(broken: &[&str]) -> Localized {
    let (mut zh, mut en) = (
        "须为 ListResultTypes 列出的结果类型".to_owned(),
        "must be a result type that ListResultTypes lists".to_owned(),
    );
    let (broken_zh, broken_en) = list(broken.iter().copied());
    if !broken_en.is_empty() {
        zh.push_str(&format!("；下列部门的目录文件暂不可用：{broken_zh}"));
        en.push_str(&format!("; the declarations of these departments cannot be read at present: {broken_en}"));
    }
    both(zh, en)
}

pub(super) fn item() -> Localized {
    both("须为目录中已登记的政务服务事项的实施编码", "must be the code of a service item that is in the directory")
}

pub(super) fn item_in_force(item: &ServiceItem) -> Localized {
    let from = item.in_force_from;
    let (zh, en) = match (item.status, item.in_force_until) {
        (ItemStatus::Suspended, _) => ("已暂停".to_owned(), "is suspended".to_owned()),
        (ItemStatus::Cancelled, _) => ("已取消".to_owned(), "is cancelled".to_owned()),
        (ItemStatus::InForce, None) => (format!("自 {from} 起实施"), format!("is in force from {from} on")),
        (ItemStatus::InForce, Some(until)) => {
            (format!("自 {from} 起至 {until} 止实施"), format!("is in force from {from} to {until}"))
        }
    };
    both(format!("须为今天在用的事项；该事项{zh}"), format!("must be an item in force today; this one {en}"))
}

pub(super) fn needed(item: &ServiceItem, result_type: &ResultType) -> Localized {
    let needed = item.materials.iter().filter_map(|material| material.result_type.as_ref().map(|id| id.as_str()));
    let (zh, en) = list(needed);
    let name = &result_type.id;
    if en.is_empty() {
        return both(
            format!("该事项的办事指南不需要 {name}，也不需要其他部门的任何结果"),
            format!("must be an item whose guide needs {name}; the guide of this one needs no result of a department"),
        );
    }
    both(
        format!("该事项的办事指南不需要 {name}；需要的是：{zh}"),
        format!("must be an item whose guide needs {name}; the guide of this one needs {en}"),
    )
}

pub(super) fn subject_kinds(kinds: &[SubjectKind]) -> Localized {
    let (zh, en) = list(kinds.iter().map(|kind| kind.as_str()));
    both(format!("须为下列之一：{zh}"), format!("must be one of {en}"))
}

pub(super) fn not_after(today: Date) -> Localized {
    both(format!("不得晚于今天（{today}）"), format!("must not be after today, {today}"))
}

pub(super) fn at_most(max: usize) -> Localized {
    both(format!("不得超过 {max} 项"), format!("must have at most {max} entries"))
}

pub(super) fn list_length(max: usize) -> Localized {
    both(format!("须有 1 至 {max} 个值"), format!("must have 1 to {max} values"))
}

pub(super) fn fields(result_type: &ResultType) -> Localized {
    let (zh, en) = list(result_type.fields.iter().map(|field| field.name.as_str()));
    both(format!("须为该结果类型的数据项：{zh}"), format!("must be a field of this result type: {en}"))
}

pub(super) fn at_least_one_field(result_type: &ResultType) -> Localized {
    let (zh, en) = list(result_type.fields.iter().filter(|field| field.disclosed).map(|field| field.name.as_str()));
    both(format!("至少须列出一个数据项：{zh}"), format!("must name at least one field: {en}"))
}

pub(super) fn disclosed_fields(result_type: &ResultType) -> Localized {
    let (zh, en) = list(result_type.fields.iter().filter(|field| field.disclosed).map(|field| field.name.as_str()));
    both(format!("须为可提供取值的数据项：{zh}"), format!("must be a field whose value is disclosed: {en}"))
}

pub(super) fn operators(field_type: FieldType) -> Localized {
    let (zh, en) = list(field_type.operators().iter().map(|operator: &Operator| operator.as_str()));
    let kind = field_type.as_str();
    both(
        format!("须为适用于 {kind} 类数据项的核验方式：{zh}"),
        format!("must be an operator that fits a {kind} field: {en}"),
    )
}

pub(super) fn words(words: &[&str]) -> Localized {
    let (zh, en) = list(words.iter().copied());
    both(format!("须为该数据项的代码值之一：{zh}"), format!("must be one of the words of this field: {en}"))
}

pub(super) fn value(field_type: FieldType, is_list: bool) -> Localized {
    match (field_type, is_list) {
        (FieldType::Integer, false) => both("须为整数（integer）", "must be a whole number (`integer`)"),
        (FieldType::Integer, true) => both("须为整数列表（integers）", "must be a list of whole numbers (`integers`)"),
        (FieldType::Date, _) => {
            both("须为日期（text），例如 2026-11-23，或长期", "must be a date (`text`) such as 2026-11-23, or 长期")
        }
        (FieldType::Flag, _) => both("须为是或否（flag）", "must be true or false (`flag`)"),
        (FieldType::Text | FieldType::Code | FieldType::Scope, false) => {
            both("须为文本（text）", "must be a text (`text`)")
        }
        (FieldType::Text | FieldType::Code | FieldType::Scope, true) => {
            both("须为文本列表（texts）", "must be a list of texts (`texts`)")
        }
    }
}

pub(super) fn text_expected(error: &TextError) -> Localized {
    let zh = match error {
        TextError::Empty => "不得为空".to_owned(),
        TextError::TooLong { max } => format!("不得超过 {max} 个字符"),
        TextError::Forbidden { code, at } => {
            format!("不得含有控制字符或文字方向字符（第 {at} 个字符为 U+{code:04X}）")
        }
    };
    both(zh, error.to_string())
}

pub(super) fn identifier_expected(error: &IdentifierError) -> Localized {
    both(identifier_zh(error), error.to_string())
}

fn identifier_zh(error: &IdentifierError) -> String {
    match error {
        IdentifierError::Empty => "不得为空".into(),
        IdentifierError::TooLong { max } => format!("不得超过 {max} 个字符"),
        IdentifierError::Space { at } => format!("不得含有空格（第 {at} 个字符）"),
        IdentifierError::Foreign { at } => format!("只能含有数字和拉丁字母（第 {at} 个字符不是）"),
        IdentifierError::Length { expected } => format!("长度不符，应为{}", expected.zh),
        IdentifierError::Character { at, expected } => format!("第 {at} 个字符不符，应为{}", expected.zh),
        IdentifierError::Start { expected } => format!("开头不符，应为 {}", expected.zh),
        IdentifierError::Date { from, to } => format!("第 {from} 至 {to} 个字符须为真实存在的日期（yyyyMMdd）"),
        IdentifierError::CheckCharacter => "校验码不符，请对照证件重新录入".into(),
        IdentifierError::OldForm => "15 位号码自 2013-01-01 起停用，请填写 18 位号码".into(),
        IdentifierError::OtherKind { kind } => format!("这是另一类证件的号码，请将类别填为 {}", kind.as_str()),
        IdentifierError::Part { part, error } => format!("{}有误：{}", part.zh, identifier_zh(error)),
    }
}
