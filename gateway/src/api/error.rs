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

/// An error leaves in trailers, of which clients take 8 KiB at least and often at most (gRPC over HTTP/2). The message counts up
/// to three times, being percent-encoded, and once more in the details, which are in base64.
const MESSAGE_MAX: usize = 512;
/// The most bytes of one violation's description.
const DESCRIPTION_MAX: usize = 1024;
/// The most bytes of all violations together.
const VIOLATIONS_MAX: usize = 2560;

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
    let said = said(rejection, language);
    let fields: Vec<&str> = said.iter().map(|(field, _)| *field).collect();
    let left_out = rejection.violations.len() - said.len();
    let left_out = (left_out > 0).then(|| ("violations_left_out", left_out.to_string()));
    let metadata = std::iter::once(("field", fields.join(","))).chain(left_out);
    let mut details = described(rejection.reason, decision, language, metadata);
    for (field, description) in said {
        details.add_bad_request_violation(field, description);
    }
    Status::with_error_details(rejection.reason.code(), cut(rejection.to_string(), MESSAGE_MAX), details)
}

/// The violations, each with its field, as many as trailers hold; at least one.
fn said(rejection: &Rejection, language: Language) -> Vec<(&str, String)> {
    let mut left = VIOLATIONS_MAX;
    let each = rejection.violations.iter().map(|violation| {
        let description = format!("{}: {}", violation.reason.as_str(), language.pick(&violation.expected));
        (violation.field.as_str(), cut(description, DESCRIPTION_MAX))
    });
    each.take_while(|(field, description)| {
        let fits = left.checked_sub(2 * field.len() + description.len());
        left = fits.unwrap_or_default();
        fits.is_some()
    })
    .collect()
}

/// A text of at most so many bytes; what is cut ends in `…`.
fn cut(mut text: String, max: usize) -> String {
    const MARK: char = '…';
    if text.len() > max {
        let whole = (0..=max - MARK.len_utf8()).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
        text.truncate(whole);
        text.push(MARK);
    }
    text
}

/// The error of a call that the audit log does not let pass.
pub(super) fn unrecorded(error: &AuditError, decision: Uuid, language: Language) -> Status {
    let (reason, index) = match error {
        AuditError::OtherContent { index } => (Reason::RequestIdReused, Some(index)),
        AuditError::ReplyGone { index } => (Reason::ReplyNoLongerKept, Some(index)),
        AuditError::Erased { index } => (Reason::ReceiptErased, Some(index)),
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
