//! What JSON is expected where something else was found, in both languages. Nothing here repeats what the caller wrote, apart from
//! the name of a field that does not exist.

use heyan_proto::vocabulary::Localized;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

fn both(zh: impl Into<String>, en: impl Into<String>) -> Localized {
    Localized { zh: zh.into(), en: en.into() }
}

fn names<T>(all: impl Iterator<Item = T>, name: impl Fn(&T) -> String, separator: &str) -> String {
    all.map(|each| name(&each)).collect::<Vec<_>>().join(separator)
}

fn fields(of: &MessageDescriptor, separator: &str) -> String {
    names(of.fields(), |field| field.json_name().to_owned(), separator)
}

/// What the value of a field, or of one item of a list, must be.
pub(super) fn value(of: &Kind) -> Localized {
    match of {
        Kind::Bool => both("应为 true 或 false", "must be true or false"),
        Kind::Int32 => both("应为 32 位整数", "must be a whole number of 32 bits"),
        Kind::Uint32 => both("应为 32 位非负整数", "must be a whole number of 32 bits, not negative"),
        Kind::Int64 => both(
            "应为 64 位整数，宜写成字符串，例如 \"12\"",
            "must be a whole number of 64 bits, best written as a string such as \"12\"",
        ),
        Kind::Uint64 => both(
            "应为 64 位非负整数，宜写成字符串，例如 \"12\"",
            "must be a whole number of 64 bits, not negative, best written as a string such as \"12\"",
        ),
        Kind::Enum(of) => word(of),
        Kind::Message(of) if of.full_name() == "google.protobuf.Duration" => both(
            "应为以 s 结尾的秒数字符串，例如 \"3600s\"",
            "must be a string of seconds that ends in s, such as \"3600s\"",
        ),
        Kind::Message(of) => object(of),
        _ => both("应为字符串，例如 \"abc\"", "must be a string such as \"abc\""),
    }
}

fn word(of: &EnumDescriptor) -> Localized {
    let known = |separator: &str| names(of.values(), |value| value.name().to_owned(), separator);
    both(format!("应为以下之一：{}", known("、")), format!("must be one of {}", known(", ")))
}

fn object(of: &MessageDescriptor) -> Localized {
    both(
        format!("应为对象 {{…}}，其字段为：{}", fields(of, "、")),
        format!("must be an object {{...}} with fields among {}", fields(of, ", ")),
    )
}

pub(super) fn list() -> Localized {
    both("应为数组 […]", "must be an array [...]")
}

pub(super) fn known_field(of: &MessageDescriptor) -> Localized {
    both(
        format!("不是此处的字段；此处的字段为：{}", fields(of, "、")),
        format!("is not a field here; those here are {}", fields(of, ", ")),
    )
}

pub(super) fn once() -> Localized {
    both("重复出现，只能写一次", "is there twice and may be written once")
}

pub(super) fn one_of(of: impl Iterator<Item = FieldDescriptor>) -> Localized {
    let fields: Vec<String> = of.map(|field| field.json_name().to_owned()).collect();
    both(
        format!("以下字段只能写一个：{}", fields.join("、")),
        format!("goes with no other of {}: write one of them", fields.join(", ")),
    )
}

pub(super) fn fewer(max: usize) -> Localized {
    both(
        format!("字段值与数组元素合计至多 {max} 个"),
        format!("is one too many: at most {max} values of fields and in arrays"),
    )
}

pub(super) fn a_document() -> Localized {
    both("请求体为空，至少应为 {}", "the body is empty; write at least {}")
}

/// What is wrong with text that is no JSON. `told` is a fixed sentence of the JSON reader, which quotes nothing.
pub(super) fn json(told: &str) -> Localized {
    both(format!("不是合法的 JSON（{told}），须为 UTF-8 编码"), format!("this is no JSON in UTF-8: {told}"))
}
