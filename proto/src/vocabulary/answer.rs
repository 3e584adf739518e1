//! The words of an answer. See architecture §3: three answers that cannot be confused.

/// What a determination finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The result was issued to the subject, is in force on the as-of date, and every claim holds.
    Confirmed,
    /// It was not issued, is not in force, or a claim does not hold.
    NotConfirmed,
    /// Several records fit; a certificate number tells them apart.
    Ambiguous,
    /// The declaration says that these records do not reach this subject or time; known without asking.
    OutsideCoverage,
}

/// Whether the provider's records hold such a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Existence {
    /// A record exists.
    Issued,
    /// The provider was asked and holds no such record.
    NotIssued,
}

/// The legal state of a result on the as-of date. 撤销, 撤回, 吊销 and 注销 are four different things in law
/// (Administrative Licensing Law, articles 69-70) and are never merged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResultState {
    /// 有效.
    InForce,
    /// 尚未生效.
    NotYetInForce,
    /// 已过期.
    Expired,
    /// 暂扣.
    Suspended,
    /// 换发: replaced by a newer certificate.
    Superseded,
    /// 注销: the closing formality.
    Deregistered,
    /// 撤销: granted unlawfully, void from the start.
    Rescinded,
    /// 撤回: lawfully taken back.
    Withdrawn,
    /// 吊销: taken away as a penalty.
    LicenceRevoked,
    /// 作废.
    Void,
    /// A state that none of these words covers, in the provider's own words.
    Other(String),
}

impl ResultState {
    /// The closed states, without [`ResultState::Other`].
    pub const CLOSED: [Self; 10] = [
        Self::InForce,
        Self::NotYetInForce,
        Self::Expired,
        Self::Suspended,
        Self::Superseded,
        Self::Deregistered,
        Self::Rescinded,
        Self::Withdrawn,
        Self::LicenceRevoked,
        Self::Void,
    ];

    /// The word used in declarations: `in_force`; `other` for [`ResultState::Other`].
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::NotYetInForce => "not_yet_in_force",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Superseded => "superseded",
            Self::Deregistered => "deregistered",
            Self::Rescinded => "rescinded",
            Self::Withdrawn => "withdrawn",
            Self::LicenceRevoked => "licence_revoked",
            Self::Void => "void",
            Self::Other(_) => "other",
        }
    }
}

/// How one claim compares with the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimOutcome {
    /// The record says so.
    Match,
    /// The record says the same in another form (width, brackets, middle dot, date notation). The claim holds.
    DiffersInForm,
    /// The record says something else.
    Differs,
    /// The record has no value for this field.
    NotHeld,
}

/// How much of an answer the caller may see; ordered from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disclosure {
    /// CONFIRMED or `NOT_CONFIRMED` alone.
    Verdict,
    /// Existence, state and per-claim outcomes too.
    Claims,
    /// Field values, only through `RetrieveResult`.
    Fields,
}

impl Disclosure {
    /// All levels, least first.
    pub const ALL: [Self; 3] = [Self::Verdict, Self::Claims, Self::Fields];

    /// The word used in files and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Claims => "claims",
            Self::Fields => "fields",
        }
    }
}

/// Whether the department was asked for this answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// The department was asked for this question.
    Live,
    /// An earlier holding was used, still fresh by declaration and question.
    Cached,
    /// Known from the declaration; nobody was asked.
    Declared,
}

/// Why the provider could not be asked: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UndeterminedCause {
    /// The department's system cannot be reached.
    DepartmentDown,
    /// It did not answer in time.
    DepartmentTimeout,
    /// It is being asked as much as its declaration allows.
    DepartmentBusy,
    /// It is outside its declared hours.
    DepartmentClosed,
    /// Its answer does not fit its declaration.
    AnswerMalformed,
    /// The declaration of this department is broken and no earlier one was good.
    DeclarationBroken,
}
