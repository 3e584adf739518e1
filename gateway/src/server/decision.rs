//! The one id of a call: in its answer, its audit entries, its log lines and its span.

use std::fmt;

use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use uuid::{NoContext, Uuid};

/// The response header that carries the decision id.
pub const DECISION_HEADER: HeaderName = HeaderName::from_static("x-decision-id");

/// The id of one call, a UUID version 7 (RFC 9562): it begins with the time at which the call arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId(Uuid);

impl DecisionId {
    /// A new id for a call that arrives at `now`.
    pub fn new(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds)))
    }

    /// The id as 16 bytes.
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }

    /// The id that an answer carries in its header.
    pub(super) fn of_header(header: &HeaderValue) -> Option<Self> {
        Uuid::try_parse_ascii(header.as_bytes()).ok().map(Self)
    }

    pub(super) fn header(self) -> HeaderValue {
        let mut text = Uuid::encode_buffer();
        let mut header = HeaderValue::from_str(self.0.hyphenated().encode_lower(&mut text))
            .expect("hexadecimal digits and hyphens are a header value");
        // It is never sent again, so it must not crowd what is out of the connection's table of headers.
        header.set_sensitive(true);
        header
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
