//! The rows of questions that want values.

use heyan::sample::cases::item;
use heyan_proto::reason::Reason;
use heyan_proto::v1::RetrieveResultRequest;

use super::row::{BIDI, Base, NUL, Row, long};

macro_rules! purpose {
    ($of:ident.$field:ident = $text:expr) => {
        |$of| $of.purpose.as_mut().unwrap().$field = $text.into()
    };
}

const fn fields(
    name: &'static str,
    change: fn(&mut RetrieveResultRequest),
    reason: Reason,
    fields: &'static [&'static str],
) -> Row<RetrieveResultRequest> {
    Row { name, base: Base::Organisation, change, reason, fields }
}

pub(super) const RETRIEVALS: &[Row<RetrieveResultRequest>] = &[
    fields("no fields", |q| q.fields.clear(), Reason::FieldInvalid, &["fields"]),
    fields("an empty field", |q| q.fields = vec![String::new()], Reason::FieldUnknown, &["fields[0]"]),
    fields("no such field", |q| q.fields.push("colour".into()), Reason::FieldUnknown, &["fields[1]"]),
    fields("a field with NUL", |q| q.fields.push("valid_to\0".into()), Reason::FieldUnknown, &["fields[1]"]),
    fields("a field twice", |q| q.fields.push("business_items".into()), Reason::FieldInvalid, &["fields[1]"]),
    fields("33 fields", |q| q.fields = vec!["valid_to".into(); 33], Reason::TooManyClaims, &["fields"]),
    fields("not disclosed", |q| q.fields.push("premises".into()), Reason::DisclosureNotAllowed, &["fields[1]"]),
    fields(
        "no purpose",
        |q| q.purpose = None,
        Reason::FieldInvalid,
        &["purpose.item", "purpose.case_number", "purpose.reason"],
    ),
    fields("an overlong field", |q| q.fields.push("a".repeat(10_000)), Reason::FieldUnknown, &["fields[1]"]),
    fields("a field with bidi", |q| q.fields.push("valid\u{202E}_to".into()), Reason::FieldUnknown, &["fields[1]"]),
    fields("no request_id", |q| q.request_id.clear(), Reason::FieldInvalid, &["request_id"]),
    fields("no subject", |q| q.subject = None, Reason::FieldInvalid, &["subject.kind"]),
    fields(
        "no official",
        |q| q.official = None,
        Reason::FieldInvalid,
        &["official.id", "official.name", "official.unit", "official.terminal"],
    ),
    fields("result type", |q| q.result_type = "no-such".into(), Reason::ResultTypeUnknown, &["result_type"]),
    fields(
        "check character",
        |q| q.subject.as_mut().unwrap().number = "91500000MA0000015A".into(),
        Reason::FieldInvalid,
        &["subject.number"],
    ),
    fields("empty case number", purpose!(q.case_number = ""), Reason::FieldInvalid, &["purpose.case_number"]),
    fields("NUL in the case number", purpose!(q.case_number = NUL), Reason::FieldInvalid, &["purpose.case_number"]),
    fields("overlong reason", purpose!(q.reason = long(201)), Reason::FieldInvalid, &["purpose.reason"]),
    fields(
        "bidi in the unit",
        |q| q.official.as_mut().unwrap().unit = BIDI.into(),
        Reason::FieldInvalid,
        &["official.unit"],
    ),
    fields(
        "unknown item",
        purpose!(q.item = "11500000MB000006XJ2001023004099"),
        Reason::ItemUnknown,
        &["purpose.item"],
    ),
    fields(
        "an item that does not need the result",
        purpose!(q.item = item::FOOD_LICENCE_ISSUE),
        Reason::ResultNotNeededByItem,
        &["purpose.item"],
    ),
    fields(
        "an item that is not in force",
        |q| {
            q.purpose.as_mut().unwrap().item = item::CONSTRUCTION_PERMIT.into();
            q.result_type = "business-licence".into();
            q.fields = vec!["registered_capital".into()];
        },
        Reason::ItemNotInForce,
        &["purpose.item"],
    ),
    fields("as_of to come", |q| q.as_of = Some("2999-01-01".into()), Reason::AsOfInFuture, &["as_of"]),
];
