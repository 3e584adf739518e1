use std::error::Error;
use std::fmt;

use encoding_rs::Encoding;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::mapping::SHANGHAI;
use crate::sql::server::cell::Value;

/// An input, sent as text: the server reads it as the type of what it is compared with.
pub(super) struct Bind<'v>(pub(super) &'v Option<String>);

impl fmt::Debug for Bind<'_> {
    /// Shows nothing of a question.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bind(…)")
    }
}

impl ToSql for Bind<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(text) = self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A value as it was sent.
struct Raw<'r>(&'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What stands in a column of a row.
pub(super) fn value(row: &Row, at: usize, of: &Type, encoding: Option<&'static Encoding>) -> Value {
    match row.try_get::<_, Option<Raw<'_>>>(at) {
        Ok(None) => Value::Null,
        Ok(Some(Raw(raw))) => read(of, raw, encoding).unwrap_or(Value::Unreadable("is not as the server said")),
        Err(_) => Value::Unreadable("cannot be read"),
    }
}

/// A value in the binary form of its type; `None` where it has another form.
fn read(of: &Type, raw: &[u8], encoding: Option<&'static Encoding>) -> Option<Value> {
    Some(match *of {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::XML | Type::UNKNOWN => {
            Value::utf8(raw)
        }
        Type::INT2 => Value::Integer(i16::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT4 => Value::Integer(i32::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT8 => Value::Integer(i64::from_be_bytes(raw.try_into().ok()?)),
        Type::NUMERIC => numeric(raw)?,
        Type::BOOL => Value::text(if raw == [1] { "true" } else { "false" }),
        Type::DATE => date(i32::from_be_bytes(raw.try_into().ok()?)),
        Type::TIMESTAMP => timestamp(i64::from_be_bytes(raw.try_into().ok()?), false),
        Type::TIMESTAMPTZ => timestamp(i64::from_be_bytes(raw.try_into().ok()?), true),
        Type::BYTEA => Value::bytes(raw, encoding),
        Type::FLOAT4 | Type::FLOAT8 => {
            Value::Unreadable("is a floating-point number; only text and whole numbers are read")
        }
        _ => match of.kind() {
            Kind::Enum(_) => Value::utf8(raw),
            Kind::Domain(of) => read(of, raw, encoding)?,
            _ => Value::Unreadable("has a type that is not read; select it as text"),
        },
    })
}

/// The day from which the server counts.
const EPOCH: Date = Date::constant(2000, 1, 1);

fn date(days: i32) -> Value {
    match days {
        i32::MAX => Value::text("infinity"),
        i32::MIN => Value::text("-infinity"),
        _ => {
            let date = EPOCH.checked_add(Span::new().days(days));
            date.map_or(Value::Unreadable("is a date beyond the calendar"), |date| Value::text(&date.to_string()))
        }
    }
}

/// As `2026-11-23 09:30:00`; with a zone, in RFC 3339 as Shanghai has it.
fn timestamp(micros: i64, has_zone: bool) -> Value {
    match micros {
        i64::MAX => return Value::text("infinity"),
        i64::MIN => return Value::text("-infinity"),
        _ => {}
    }
    let epoch: DateTime = EPOCH.into();
    let Ok(time) = epoch.checked_add(SignedDuration::from_micros(micros)) else {
        return Value::Unreadable("is a time beyond the calendar");
    };
    if !has_zone {
        return Value::text(&time.to_string().replace('T', " "));
    }
    let zoned = time.to_zoned(TimeZone::UTC);
    zoned.map_or(Value::Unreadable("is a time beyond the calendar"), |time| {
        Value::text(&time.timestamp().display_with_offset(SHANGHAI).to_string())
    })
}

/// A whole number: groups of four decimal digits, the first of which stands for 10000 to the power of `weight`.
fn numeric(raw: &[u8]) -> Option<Value> {
    let (groups, _) = raw.as_chunks::<2>();
    let mut groups = groups.iter().map(|group| i16::from_be_bytes(*group));
    let (count, weight, sign, _scale) = (groups.next()?, groups.next()?, groups.next()?, groups.next()?);
    let fraction = Value::Unreadable("is not a whole number that can be read");
    if !matches!(sign.cast_unsigned(), 0 | 0x4000) || count < 0 || count > weight.saturating_add(1) {
        return Some(fraction);
    }
    let mut number: i64 = 0;
    for place in 0..=weight {
        let group = if place < count { groups.next().filter(|group| (0..10_000).contains(group))? } else { 0 };
        let grown = number.checked_mul(10_000).and_then(|number| number.checked_add(group.into()));
        let Some(grown) = grown else { return Some(fraction) };
        number = grown;
    }
    Some(Value::Integer(if sign == 0 { number } else { -number }))
}
