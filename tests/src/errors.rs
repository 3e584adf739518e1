//! What a gRPC error says beside its code.

use std::collections::HashMap;

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
