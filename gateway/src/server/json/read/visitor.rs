//! The walk through the document, led by the descriptor of the message.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use heyan_proto::reason::Reason;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Trace;
use crate::server::json::expected;

/// The longest span of time that protobuf's JSON knows, about 10,000 years, in seconds.
const DURATION_MAX: u64 = 315_576_000_000;
/// Up to here a whole number is exact where it was written with a point or an exponent.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// An object, read as a message.
pub(super) struct Object<'a> {
    pub(super) of: &'a MessageDescriptor,
    pub(super) trace: &'a Trace,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<DynamicMessage, D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = DynamicMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<DynamicMessage, A::Error> {
        let Self { of, trace } = self;
        let mut message = DynamicMessage::new(of.clone());
        let mut seen = HashSet::new();
        while let Some(key) = object.next_key::<Cow<'_, str>>()? {
            let Some(field) = of.get_field_by_json_name(&key).or_else(|| of.get_field_by_name(&key)) else {
                return trace.within(&shown(&key), || Err(trace.wrong(Reason::JsonInvalid, expected::known_field(of))));
            };
            trace.within(&format!(".{}", field.name()), || {
                if !seen.insert(field.number()) {
                    return Err(trace.wrong(Reason::JsonInvalid, expected::once()));
                }
                // What is null counts as not written.
                let Some(value) = object.next_value_seed(Field { of: &field, trace })? else { return Ok(()) };
                if let Some(oneof) = field.containing_oneof()
                    && oneof.fields().any(|other| message.has_field(&other))
                {
                    return Err(trace.wrong(Reason::JsonInvalid, expected::one_of(oneof.fields())));
                }
                message.set_field(&field, value);
                Ok(())
            })?;
        }
        Ok(message)
    }
}

/// A step to a field that is not there. What cannot be the name of a field is not repeated: it might be anything.
fn shown(key: &str) -> String {
    let is_name = (1..=64).contains(&key.len())
        && key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    format!(".{}", if is_name { key } else { "?" })
}

/// The value of a field, or null.
struct Field<'a> {
    of: &'a FieldDescriptor,
    trace: &'a Trace,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<Option<Value>, D::Error> {
        document.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, document: D) -> Result<Option<Value>, D::Error> {
        Slot { kind: &self.of.kind(), is_list: self.of.is_list(), trace: self.trace }.deserialize(document).map(Some)
    }
}

/// One value of a kind, or an array of such values. Every sort of JSON value has its method here, so that none is refused by
/// serde, whose errors quote what they refuse.
#[derive(Clone, Copy)]
struct Slot<'a> {
    kind: &'a Kind,
    is_list: bool,
    trace: &'a Trace,
}

impl Slot<'_> {
    fn unfit<T, E: Error>(self) -> Result<T, E> {
        let expected = if self.is_list { expected::list() } else { expected::value(self.kind) };
        Err(self.trace.wrong(Reason::FieldInvalid, expected))
    }

    fn whole_number<E: Error>(self, number: i128) -> Result<Value, E> {
        let value = match self.kind {
            _ if self.is_list => None,
            Kind::Int32 => number.try_into().ok().map(Value::I32),
            // An enum of proto3 is open: what the number means is for the service to say.
            Kind::Enum(_) => number.try_into().ok().map(Value::EnumNumber),
            Kind::Uint32 => number.try_into().ok().map(Value::U32),
            Kind::Int64 => number.try_into().ok().map(Value::I64),
            Kind::Uint64 => number.try_into().ok().map(Value::U64),
            _ => None,
        };
        value.map_or_else(|| self.unfit(), Ok)
    }

    /// A number in quotes, as 64-bit integers are best written.
    fn quoted_number<E: Error>(self, text: &str) -> Result<Value, E> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        match text.parse() {
            Ok(number) if digits.bytes().all(|digit| digit.is_ascii_digit()) => self.whole_number(number),
            _ => self.unfit(),
        }
    }

    fn duration<E: Error>(self, of: &MessageDescriptor, text: &str) -> Result<Value, E> {
        let Ok(duration) = text.parse::<prost_types::Duration>() else { return self.unfit() };
        let mut message = DynamicMessage::new(of.clone());
        if duration.seconds.unsigned_abs() > DURATION_MAX || message.transcode_from(&duration).is_err() {
            return self.unfit();
        }
        Ok(Value::Message(message))
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<Value, D::Error> {
        self.trace.count()?;
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.unfit()
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        if *self.kind == Kind::Bool && !self.is_list { Ok(Value::Bool(flag)) } else { self.unfit() }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.whole_number(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.whole_number(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and far within the bounds")]
            return self.whole_number(number as i128);
        }
        self.unfit()
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        match self.kind {
            _ if self.is_list => self.unfit(),
            Kind::String => Ok(Value::String(text.to_owned())),
            Kind::Enum(of) => match of.get_value_by_name(text) {
                Some(value) => Ok(Value::EnumNumber(value.number())),
                None => self.unfit(),
            },
            Kind::Message(of) if of.full_name() == "google.protobuf.Duration" => self.duration(of, text),
            Kind::Int32 | Kind::Uint32 | Kind::Int64 | Kind::Uint64 => self.quoted_number(text),
            _ => self.unfit(),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        if !self.is_list {
            return self.unfit();
        }
        let (item, mut items) = (Slot { is_list: false, ..self }, Vec::new());
        while let Some(value) = {
            let step = format!("[{}]", items.len());
            self.trace.within(&step, || array.next_element_seed(item))?
        } {
            items.push(value);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Value, A::Error> {
        match self.kind {
            Kind::Message(of) if !self.is_list && of.full_name() != "google.protobuf.Duration" => {
                Object { of, trace: self.trace }.visit_map(object).map(Value::Message)
            }
            _ => self.unfit(),
        }
    }
}
