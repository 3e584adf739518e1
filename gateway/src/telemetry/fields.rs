//! The fields of a span as they stand in log lines.

use std::fmt;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FormatFields, FormattedFields};

/// Writes the fields of a span as a JSON object, one after the other. Each call has a span, whether a line is written in it or
/// not; the library's own formatter sorts them first, and reads and writes all of them again when one more is recorded.
#[derive(Debug)]
pub(super) struct SpanFields;

impl<'w> FormatFields<'w> for SpanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        writer.write_str(&written(String::from("{"), fields)?)
    }

    fn add_fields(&self, recorded: &'w mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let mut object = std::mem::take(&mut recorded.fields);
        match object.pop() {
            Some(_) => {}
            None => object.push('{'),
        }
        recorded.fields = written(object, fields)?;
        Ok(())
    }
}

/// The object that has begun, with these fields too.
fn written(begun: String, fields: impl RecordFields) -> Result<String, fmt::Error> {
    let mut object = Object { text: begun.into_bytes() };
    fields.record(&mut object);
    object.text.push(b'}');
    String::from_utf8(object.text).map_err(|_| fmt::Error)
}

/// An object without its end.
struct Object {
    text: Vec<u8>,
}

impl Object {
    fn put(&mut self, field: &Field, value: impl Serialize) {
        if self.text.len() > 1 {
            self.text.push(b',');
        }
        self.write(field.name());
        self.text.push(b':');
        self.write(value);
    }

    fn write(&mut self, value: impl Serialize) {
        serde_json::to_writer(&mut self.text, &value).expect("words and numbers are written to memory");
    }
}

impl Visit for Object {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
