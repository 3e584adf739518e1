//! How a result type is shared, and the law behind a result that is not.

use super::PlainText;

/// How a result type is shared (共享属性): the three classes of State Council Decree 809, article 14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharingClass {
    /// 无条件共享: shared with every department that needs it.
    Unconditional,
    /// 有条件共享: shared under a grant.
    Conditional,
    /// 不予共享: only where a law, an administrative regulation or a State Council decision says so.
    NotShared,
}

impl SharingClass {
    /// All classes, in the decree's order.
    pub const ALL: [Self; 3] = [Self::Unconditional, Self::Conditional, Self::NotShared];

    /// The word used in files and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconditional => "unconditional",
            Self::Conditional => "conditional",
            Self::NotShared => "not_shared",
        }
    }
}

/// The three kinds of norm that can stop sharing (Decree 809, article 14); local and ministry rules cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegalKind {
    /// 法律.
    Law,
    /// 行政法规.
    AdministrativeRegulation,
    /// 国务院决定.
    StateCouncilDecision,
}

impl LegalKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Law, Self::AdministrativeRegulation, Self::StateCouncilDecision];

    /// The word used in files and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Law => "law",
            Self::AdministrativeRegulation => "administrative_regulation",
            Self::StateCouncilDecision => "state_council_decision",
        }
    }
}

/// The norm on which something is not shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LegalBasis {
    /// Which kind of norm.
    pub kind: LegalKind,
    /// Its title and article: `《中华人民共和国税收征收管理法》第八条`.
    pub citation: PlainText,
}
