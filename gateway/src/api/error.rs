//! Why a call was not a question, as gRPC says it: one reason of the closed table, the fields it is about, and a text in the
//! language that the caller reads.

use heyan_proto::reason::Reason;
use heyan_proto::vocabulary::Localized;
use tonic::Status;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::audit::AuditError;
use crate::directory::Rejection;
use crate::server::{Language, PUSHBACK, described};
use crate::verification::Fault;

/// The error of a call, in words.
pub(super) fn status_of(fault: &Fault, decision: Uuid, language: Language) -> Status {
    match fault {
        Fault::Rejected(rejection) => rejected(rejection, decision, language),
        Fault::NotASystem => plain(Reason::RoleRequired, decision, language),
        Fault::Policy(error) => {
            // The policies' own trouble is the operator's to mend; the caller gets the decision id to quote.
            tracing::error!(decision_id = %decision, %error, "the policies could not decide");
            plain(Reason::PolicyError, decision, language)
        }
        Fault::Audit(error) => unrecorded(error, decision, language),
    }
}

/// An error that is about no field.
pub(super) fn plain(reason: Reason, decision: Uuid, language: Language) -> Status {
    let details = described(reason, decision, language, []);
    Status::with_error_details(reason.code(), reason.text().en, details)
}

/// An error about one field of the request.
pub(super) fn about(reason: Reason, field: &str, expected: &Localized, decision: Uuid, language: Language) -> Status {
    let mut details = described(reason, decision, language, [("field", field.to_owned())]);
    details.add_bad_request_violation(field, language.pick(expected));
    Status::with_error_details(reason.code(), format!("{}: {field} {}", reason.text().en, expected.en), details)
}

fn rejected(rejection: &Rejection, decision: Uuid, language: Language) -> Status {
    let fields: Vec<&str> = rejection.violations.iter().map(|violation| violation.field.as_str()).collect();
    let mut details = described(rejection.reason, decision, language, [("field", fields.join(","))]);
    for violation in &rejection.violations {
        let expected = language.pick(&violation.expected);
        details.add_bad_request_violation(&violation.field, format!("{}: {expected}", violation.reason.as_str()));
    }
    Status::with_error_details(rejection.reason.code(), rejection.to_string(), details)
}

fn unrecorded(error: &AuditError, decision: Uuid, language: Language) -> Status {
    let (reason, index) = match error {
        AuditError::OtherContent { index } => (Reason::RequestIdReused, Some(index)),
        AuditError::ReplyGone { index } => (Reason::ReplyNoLongerKept, Some(index)),
        AuditError::Overloaded => (Reason::Overloaded, None),
        AuditError::Unavailable | AuditError::Taken => (Reason::AuditUnavailable, None),
        // Requests are bounded far below the largest entry, so this is our own fault.
        AuditError::TooLarge { .. } => (Reason::InternalError, None),
    };
    let metadata = index.map(|index| ("index", index.to_string()));
    let mut details = described(reason, decision, language, metadata);
    let retry = matches!(error, AuditError::Overloaded | AuditError::Unavailable | AuditError::Taken);
    if retry {
        details.set_retry_info(Some(PUSHBACK));
    }
    let mut status = Status::with_error_details(reason.code(), reason.text().en, details);
    if retry {
        let pushback = PUSHBACK.as_millis().to_string().parse().expect("digits are a metadata value");
        status.metadata_mut().insert("grpc-retry-pushback-ms", pushback);
    }
    status
}
