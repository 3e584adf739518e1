//! The vocabulary on the wire: each closed word and its enum value, in both directions.

use crate::identifier::SubjectKind;
use crate::v1;
use crate::vocabulary::{
    ClaimOutcome, Disclosure, Existence, FieldType, Finding, Freshness, LegalKind, Localized, Operator, ResultState,
    SharingClass, UndeterminedCause,
};

/// A value of an enum on the wire that is not a word of the vocabulary: unspecified, or from a newer contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not specified")]
pub struct Unspecified;

macro_rules! words {
    ($($word:ident { $($variant:ident),* $(,)? })*) => {$(
        impl From<$word> for v1::$word {
            fn from(word: $word) -> Self {
                match word { $($word::$variant => Self::$variant,)* }
            }
        }

        impl TryFrom<v1::$word> for $word {
            type Error = Unspecified;

            fn try_from(value: v1::$word) -> Result<Self, Unspecified> {
                match value {
                    v1::$word::Unspecified => Err(Unspecified),
                    $(v1::$word::$variant => Ok(Self::$variant),)*
                }
            }
        }
    )*};
}

words! {
    SubjectKind {
        CitizenNumber, ResidencePermit, PermanentResidentCard, CreditCode, Passport, MainlandTravelPermit,
        TaiwanTravelPermit,
    }
    Operator { Equals, OneOf, Contains, AtLeast, AtMost, OnOrBefore, OnOrAfter }
    FieldType { Text, Code, Scope, Integer, Date, Flag }
    SharingClass { Unconditional, Conditional, NotShared }
    Disclosure { Verdict, Claims, Fields }
    Finding { Confirmed, NotConfirmed, Ambiguous, OutsideCoverage }
    Existence { Issued, NotIssued }
    ClaimOutcome { Match, DiffersInForm, Differs, NotHeld }
    Freshness { Live, Cached, Declared }
    LegalKind { Law, AdministrativeRegulation, StateCouncilDecision }
    UndeterminedCause {
        DepartmentDown, DepartmentTimeout, DepartmentBusy, DepartmentClosed, AnswerMalformed, DeclarationBroken,
    }
}

/// The state alone; the provider's own words for [`ResultState::Other`] travel beside it.
impl From<&ResultState> for v1::ResultState {
    fn from(state: &ResultState) -> Self {
        match state {
            ResultState::InForce => Self::InForce,
            ResultState::NotYetInForce => Self::NotYetInForce,
            ResultState::Expired => Self::Expired,
            ResultState::Suspended => Self::Suspended,
            ResultState::Superseded => Self::Superseded,
            ResultState::Deregistered => Self::Deregistered,
            ResultState::Rescinded => Self::Rescinded,
            ResultState::Withdrawn => Self::Withdrawn,
            ResultState::LicenceRevoked => Self::LicenceRevoked,
            ResultState::Void => Self::Void,
            ResultState::Other(_) => Self::Other,
        }
    }
}

impl From<&Localized> for v1::LocalizedText {
    fn from(text: &Localized) -> Self {
        Self { zh_cn: text.zh.clone(), en: text.en.clone() }
    }
}
