//! Reads the JSON form of a protobuf message strictly: what is not known, written twice or of another kind is refused, with its
//! line, column and path. What the caller wrote is never repeated: values may be personal.

mod visitor;

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use axum::response::Response;
use heyan_proto::codec::FIELDS_MAX;
use heyan_proto::reason::Reason;
use heyan_proto::vocabulary::Localized;
use http::Extensions;
use prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde::de::DeserializeSeed as _;
use serde_json::error::Category;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::expected;
use crate::server::decision::DecisionId;
use crate::server::fault::{Fault, Language, described};
use visitor::Object;

/// Reads a message and gives its binary form, whose fields are in the order of their numbers.
///
/// # Errors
/// [`Misread`] says where the document is wrong, and what to write instead.
pub(super) fn message(of: &MessageDescriptor, document: &[u8]) -> Result<Vec<u8>, Misread> {
    let trace = Trace::default();
    let mut reader = serde_json::Deserializer::from_slice(document);
    let read = Object { of, trace: &trace }.deserialize(&mut reader);
    match read.and_then(|message| reader.end().map(|()| message)) {
        Ok(message) => Ok(message.encode_to_vec()),
        Err(error) => Err(trace.misread(of, document, &error)),
    }
}

/// Where the reader is, and what it has found wrong there.
#[derive(Debug, Default)]
struct Trace {
    path: RefCell<String>,
    /// How many there were so far. Two bytes are an empty object, which takes hundreds of bytes of memory once it is read.
    values: Cell<usize>,
    wrong: RefCell<Option<(Reason, Localized)>>,
}

impl Trace {
    /// Reads one part of the document below this step (`.field`, `[0]`); the path stays there where it goes wrong.
    fn within<T, E>(&self, step: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let length = self.path.borrow().len();
        self.path.borrow_mut().push_str(if length == 0 { step.trim_start_matches('.') } else { step });
        let read = read()?;
        self.path.borrow_mut().truncate(length);
        Ok(read)
    }

    /// Counts one more value, of a field or in a list.
    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.values.replace(self.values.get() + 1) >= FIELDS_MAX {
            return Err(self.wrong(Reason::MessageTooLarge, expected::fewer(FIELDS_MAX)));
        }
        Ok(())
    }

    /// Remembers what is wrong here. The error itself says nothing, so nothing can be quoted by it.
    fn wrong<E: serde::de::Error>(&self, reason: Reason, expected: Localized) -> E {
        self.wrong.borrow_mut().get_or_insert((reason, expected));
        E::custom("")
    }

    fn misread(self, of: &MessageDescriptor, document: &[u8], error: &serde_json::Error) -> Misread {
        let (line, column) = (error.line(), error.column());
        let syntax = || {
            if document.trim_ascii().is_empty() {
                return expected::a_document();
            }
            // Its sentences are fixed, for errors of these two categories.
            let told = error.to_string();
            expected::json(told.split(" at line ").next().unwrap_or_default())
        };
        let (path, (reason, expected)) = match (self.wrong.into_inner(), error.classify()) {
            (Some(wrong), _) => (self.path.into_inner(), wrong),
            (None, Category::Syntax | Category::Eof) => (self.path.into_inner(), (Reason::JsonInvalid, syntax())),
            // The document itself is of another kind than an object.
            (None, _) => {
                (String::new(), (Reason::JsonInvalid, expected::value(&prost_reflect::Kind::Message(of.clone()))))
            }
        };
        Misread { reason, path, line, column, expected }
    }
}

/// Why a document is not a message: where, and what to write instead.
#[derive(Debug)]
pub(super) struct Misread {
    /// `FIELD_INVALID` where a field has a value that it cannot have, `MESSAGE_TOO_LARGE` where there are too many, else
    /// `JSON_INVALID`.
    reason: Reason,
    /// As errors of the services name fields: `claims[0].operator`. Empty for the document itself.
    path: String,
    /// From 1.
    line: usize,
    /// From 1, in bytes: where the reader stopped.
    column: usize,
    expected: Localized,
}

impl Misread {
    /// The error of the call, in the words of its decision and language, which the layers have left in its request.
    pub(super) fn refuse(&self, extensions: &Extensions) -> Response {
        let (Some(&decision), Some(&language)) = (extensions.get::<DecisionId>(), extensions.get::<Language>()) else {
            return Fault::Internal.mark();
        };
        self.status(decision, language).into_http()
    }

    fn status(&self, decision: DecisionId, language: Language) -> Status {
        let Self { reason, path, line, column, expected } = self;
        let position = [("line", line.to_string()), ("column", column.to_string())];
        let field = (!path.is_empty()).then(|| ("field", path.clone()));
        let mut details = described(*reason, decision.as_uuid(), language, position.into_iter().chain(field));
        let place = if path.is_empty() { String::new() } else { format!("{path} ") };
        let (text, remedy) = (reason.text(), reason.remedy());
        let localized = match language {
            Language::Chinese => {
                format!("{}：第 {line} 行第 {column} 列，{place}{}；{}", text.zh, expected.zh, remedy.zh)
            }
            Language::English => {
                format!("{}: line {line}, column {column}, {place}{}; {}", text.en, expected.en, remedy.en)
            }
        };
        details.set_localized_message(language.tag(), localized);
        if !path.is_empty() {
            details.add_bad_request_violation(path, format!("{reason}: {}", language.pick(expected)));
        }
        let message = format!("{}: line {line}, column {column}, {place}{}", text.en, expected.en);
        Status::with_error_details(reason.code(), message, details)
    }
}

/// A document as the binary form of this message of the contract, or where it is none (path, line, column) and what is expected
/// there; for the fuzz target.
///
/// # Errors
/// As [`message`].
#[doc(hidden)]
pub fn read_document(of: &str, document: &[u8]) -> Result<Vec<u8>, (String, usize, usize, Localized)> {
    static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| {
        DescriptorPool::decode(crate::api::DESCRIPTOR).expect("the contract is built in, and tests read it")
    });
    let of = CONTRACT.get_message_by_name(of).expect("the fuzz target names a message of the contract");
    message(&of, document).map_err(|Misread { path, line, column, expected, .. }| (path, line, column, expected))
}
