//! Messages and enums as schemas, each under its full name.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;

/// The schemas that were needed so far.
pub(super) struct Schemas<'a> {
    comments: &'a Comments,
    all: BTreeMap<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(comments: &'a Comments) -> Self {
        Self { comments, all: BTreeMap::new() }
    }

    pub(super) fn into_value(self) -> Value {
        self.all.into_iter().collect::<Map<_, _>>().into()
    }

    /// Adds a schema that is no message of the contract.
    pub(super) fn add(&mut self, name: &str, schema: Value) {
        self.all.insert(name.to_owned(), schema);
    }

    /// A message that callers send, with all that it holds: fields that are not described are refused.
    pub(super) fn request(&mut self, of: &MessageDescriptor) -> Value {
        let reference = self.message(of);
        let mut closed = vec![of.clone()];
        while let Some(message) = closed.pop() {
            let Some(schema) = self.all.get_mut(message.full_name()).and_then(Value::as_object_mut) else { continue };
            if schema.insert("additionalProperties".into(), false.into()).is_none() {
                closed.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
            }
        }
        reference
    }

    /// A message: a reference to its schema, or what the JSON form of protobuf makes of a well-known one.
    pub(super) fn message(&mut self, of: &MessageDescriptor) -> Value {
        match of.full_name() {
            "google.protobuf.Timestamp" => return json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.Duration" => {
                return json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["3600s"] });
            }
            "google.protobuf.Any" => {
                return json!({
                    "type": "object",
                    "description": "A message in its JSON form, with its type.",
                    "required": ["@type"],
                    "properties": { "@type": { "type": "string" } },
                });
            }
            _ => {}
        }
        if !self.all.contains_key(of.full_name()) {
            // It is there before its fields are, so that a message may hold itself.
            self.add(of.full_name(), Value::Null);
            let properties: Map<_, _> =
                of.fields().map(|field| (field.json_name().to_owned(), self.field(&field))).collect();
            let mut description = self.comments.at(&of.parent_file(), of.path()).to_owned();
            for oneof in of.oneofs().filter(|oneof| !oneof.is_synthetic()) {
                let fields: Vec<String> = oneof.fields().map(|field| format!("`{}`", field.json_name())).collect();
                let about = self.comments.at(&of.parent_file(), oneof.path());
                description.push_str(&format!("\n\nAt most one of {} is present. {about}", fields.join(", ")));
            }
            self.add(
                of.full_name(),
                described(json!({ "type": "object", "properties": properties }), description.trim()),
            );
        }
        reference(of.full_name())
    }

    fn field(&mut self, of: &FieldDescriptor) -> Value {
        let schema = match of.kind() {
            Kind::Message(entry) if of.is_map() => {
                let value = self.value(&entry.map_entry_value_field().kind());
                json!({ "type": "object", "additionalProperties": value })
            }
            kind if of.is_list() => json!({ "type": "array", "items": self.value(&kind) }),
            kind => self.value(&kind),
        };
        described(schema, self.comments.at(&of.parent_message().parent_file(), of.path()))
    }

    fn value(&mut self, of: &Kind) -> Value {
        match of {
            Kind::Double | Kind::Float => json!({ "type": "number" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]+$" })
            }
            Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]+$" }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Message(of) => self.message(of),
            Kind::Enum(of) => self.words(of),
        }
    }

    /// An enum: a reference to the schema of its names.
    pub(super) fn words(&mut self, of: &EnumDescriptor) -> Value {
        if !self.all.contains_key(of.full_name()) {
            let file = of.parent_file();
            let mut description = self.comments.at(&file, of.path()).to_owned();
            for value in of.values() {
                let separator = if value.number() == of.default_value().number() { "\n\n" } else { "\n" };
                let about = self.comments.at(&file, value.path());
                description.push_str(&format!("{separator}- `{}`: {about}", value.name()));
            }
            let names: Vec<String> = of.values().map(|value| value.name().to_owned()).collect();
            self.add(of.full_name(), described(json!({ "type": "string", "enum": names }), description.trim()));
        }
        reference(of.full_name())
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The schema with a description, unless there is nothing to say.
fn described(mut schema: Value, description: &str) -> Value {
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    schema
}
