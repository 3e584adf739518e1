//! What a gRPC error says beside its code.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use prost::Message as _;
use prost_types::Any;
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// An error that carries everything that the contract promises of one.
#[derive(Debug, Clone)]
pub struct Told {
    /// The gRPC code.
    pub code: Code,
    /// The message, for developers.
    pub message: String,
    /// `ErrorInfo.reason`.
    pub reason: String,
    /// `ErrorInfo.metadata`.
    pub metadata: HashMap<String, String>,
    /// `BadRequest`: field and description.
    pub violations: Vec<(String, String)>,
    /// `LocalizedMessage`: language and text.
    pub localized: (String, String),
}

impl Told {
    /// Reads an error; it must have an `ErrorInfo` of our domain and a `LocalizedMessage`.
    pub fn by(status: &Status) -> Self {
        let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        assert_eq!(info.domain, "heyan");
        let localized = status.get_details_localized_message().unwrap_or_else(|| panic!("no text: {status:?}"));
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        Self {
            code: status.code(),
            message: status.message().into(),
            reason: info.reason,
            metadata: info.metadata,
            violations: violations.into_iter().map(|violation| (violation.field, violation.description)).collect(),
            localized: (localized.locale, localized.message),
        }
    }

    /// Reads an error of the Connect protocol, from the binary form of its details; their JSON form must say the same.
    pub fn of_json(error: &Value) -> Self {
        let code = error["code"].as_str().unwrap_or_else(|| panic!("no code: {error}"));
        let code = (1..=16).map(Code::from).find(|known| connect_name(*known) == code);
        let details = error["details"].as_array().unwrap_or_else(|| panic!("no details: {error}"));
        let any = |detail: &Value| Any {
            type_url: format!("type.googleapis.com/{}", detail["type"].as_str().unwrap()),
            value: BASE64_STANDARD_NO_PAD.decode(detail["value"].as_str().unwrap()).unwrap(),
        };
        let status = tonic_types::pb::Status {
            code: code.unwrap_or_else(|| panic!("an unknown code: {error}")) as i32,
            message: error["message"].as_str().unwrap().into(),
            details: details.iter().map(any).collect(),
        };
        let code = Code::from(status.code);
        let told = Self::by(&Status::with_details(code, status.message.clone(), status.encode_to_vec().into()));
        let shown = |name: &str| {
            let detail = details.iter().find(|detail| detail["type"] == format!("google.rpc.{name}"));
            detail.map(|detail| detail["debug"].clone()).unwrap_or_default()
        };
        assert_eq!(shown("ErrorInfo")["reason"], told.reason, "{error}");
        assert_eq!(shown("LocalizedMessage")["message"], told.localized.1, "{error}");
        let fields = shown("BadRequest")["fieldViolations"].as_array().map(Vec::len).unwrap_or_default();
        assert_eq!(fields, told.violations.len(), "{error}");
        told
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> Vec<&str> {
        self.violations.iter().map(|(field, _)| field.as_str()).collect()
    }

    /// Every text in it.
    pub fn texts(&self) -> String {
        let mut all = format!("{}\n{}\n{}", self.message, self.localized.1, self.reason);
        for text in self.metadata.values().chain(self.violations.iter().flat_map(|(field, text)| [field, text])) {
            all.push('\n');
            all.push_str(text);
        }
        all
    }
}

/// A code as the Connect protocol names it: `InvalidArgument` is `invalid_argument`, and CANCELLED has one L.
fn connect_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").replace("Cancelled", "Canceled").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
