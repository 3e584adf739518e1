use std::fmt;

use super::{
    CitizenNumber, CreditCode, IdentifierError, MainlandTravelPermit, Passport, PermanentResidentCard, ResidencePermit,
    TaiwanTravelPermit,
};

/// What kind of number names a subject (持证主体). Always declared: the length of a number does not tell its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// 公民身份号码.
    CitizenNumber,
    /// 港澳台居民居住证.
    ResidencePermit,
    /// 外国人永久居留身份证.
    PermanentResidentCard,
    /// 统一社会信用代码.
    CreditCode,
    /// 中华人民共和国护照.
    Passport,
    /// 港澳居民来往内地通行证.
    MainlandTravelPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanTravelPermit,
}

impl SubjectKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::CitizenNumber,
        Self::ResidencePermit,
        Self::PermanentResidentCard,
        Self::CreditCode,
        Self::Passport,
        Self::MainlandTravelPermit,
        Self::TaiwanTravelPermit,
    ];

    /// The word used in files, policies and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CitizenNumber => "citizen_number",
            Self::ResidencePermit => "residence_permit",
            Self::PermanentResidentCard => "permanent_resident_card",
            Self::CreditCode => "credit_code",
            Self::Passport => "passport",
            Self::MainlandTravelPermit => "mainland_travel_permit",
            Self::TaiwanTravelPermit => "taiwan_travel_permit",
        }
    }

    /// Whether such a number names a person; otherwise it names an organisation.
    pub fn is_person(self) -> bool {
        self != Self::CreditCode
    }
}

/// Whose result it is: a number of a declared kind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubjectNumber {
    kind: SubjectKind,
    number: Box<str>,
}

impl SubjectNumber {
    /// Normalises and checks a number of the declared kind.
    ///
    /// # Errors
    /// [`IdentifierError`] says what is wrong and what is expected, without repeating the number.
    pub fn parse(kind: SubjectKind, text: &str) -> Result<Self, IdentifierError> {
        match kind {
            SubjectKind::CitizenNumber => CitizenNumber::parse(text).map(Self::from),
            SubjectKind::ResidencePermit => ResidencePermit::parse(text).map(Self::from),
            SubjectKind::PermanentResidentCard => PermanentResidentCard::parse(text).map(Self::from),
            SubjectKind::CreditCode => CreditCode::parse(text).map(Self::from),
            SubjectKind::Passport => Passport::parse(text).map(Self::from),
            SubjectKind::MainlandTravelPermit => MainlandTravelPermit::parse(text).map(Self::from),
            SubjectKind::TaiwanTravelPermit => TaiwanTravelPermit::parse(text).map(Self::from),
        }
    }

    /// The declared kind.
    pub fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The normalised number. Whoever calls this keeps it out of logs, traces, errors and URLs.
    pub fn expose(&self) -> &str {
        &self.number
    }

    /// The number for a screen: the first six and the last four of 15 characters or more, the first and the last two
    /// of fewer.
    pub fn masked(&self) -> String {
        let (head, tail) = if self.number.len() >= 15 { (6, 4) } else { (2, 2) };
        let hidden = self.number.len() - head - tail;
        format!("{}{}{}", &self.number[..head], "*".repeat(hidden), &self.number[head + hidden..])
    }
}

impl fmt::Debug for SubjectNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectNumber({} …)", self.kind.as_str())
    }
}

macro_rules! subjects {
    ($($name:ident),*) => {$(
        impl From<$name> for SubjectNumber {
            fn from(number: $name) -> Self {
                Self { kind: SubjectKind::$name, number: number.expose().into() }
            }
        }
    )*};
}

subjects!(
    CitizenNumber,
    ResidencePermit,
    PermanentResidentCard,
    CreditCode,
    Passport,
    MainlandTravelPermit,
    TaiwanTravelPermit
);
