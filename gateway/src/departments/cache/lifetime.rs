//! For how long an answer may be used again, by the declaration of its result type.

use std::time::Duration;

use heyan_adapters::{Holdings, ResultType};
use heyan_proto::vocabulary::Disclosure;

/// For how long answers about a result type may be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::departments) enum Lifetime {
    /// Whatever was found, equally long: whether a verdict comes from memory must not tell what stands behind it.
    Uniform(Duration),
    /// Records this long; "no record" only where that is declared; what is not whole never.
    ByContent {
        /// Of records.
        records: Duration,
        /// Of "no record".
        no_record: Option<Duration>,
    },
}

impl Lifetime {
    /// What the declaration allows to a question that is shown this much; `None`: nothing is used again.
    pub(in crate::departments) fn declared(result_type: &ResultType, shown: Disclosure) -> Option<Self> {
        let longest = result_type.max_reuse()?;
        match (result_type.disclosure, shown) {
            (Disclosure::Verdict, _) => Some(Self::Uniform(longest)),
            // Others are shown more of this result type, so that answers are kept by what they hold.
            (_, Disclosure::Verdict) => None,
            _ => Some(Self::ByContent { records: longest, no_record: result_type.freshness.negative_ttl }),
        }
    }

    /// How long these holdings may be used again; `None`: not at all.
    pub(super) fn of(self, holdings: &Holdings) -> Option<Duration> {
        match self {
            Self::Uniform(lifetime) => Some(lifetime),
            Self::ByContent { .. } if holdings.more => None,
            Self::ByContent { no_record, .. } if holdings.records.is_empty() => no_record,
            Self::ByContent { records, .. } => Some(records),
        }
    }
}
