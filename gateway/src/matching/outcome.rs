use heyan_adapters::Holding;
use heyan_proto::vocabulary::{Claim, ClaimOutcome, Disclosure, Existence, FieldName, Finding, Operator, ResultState};

use super::compare::holds;
use super::standing::Standing;

/// What was found. Inside, every cause is kept apart; [`Outcome::visible`] says what of it may leave.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// The declaration says that the records do not reach the as-of date; the provider was not asked.
    OutsideCoverage,
    /// The provider holds no such record.
    NoRecord,
    /// Several records fit, or which one is meant cannot be told.
    SeveralFit,
    /// One record fits and is not in force on the as-of date.
    NotInForce(Judged<'a>),
    /// One record fits and is in force, and something claimed does not hold.
    Differs(Judged<'a>),
    /// One record fits and is in force, and everything claimed holds.
    Confirmed(Judged<'a>),
}

/// One record, compared with what is claimed.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The record.
    pub holding: &'a Holding,
    /// Its state on the as-of date.
    pub standing: Standing<'a>,
    /// How the claimed name of the subject compares, where one is claimed.
    pub name: Option<ClaimOutcome>,
    /// How each claim compares, in the question's order.
    pub claims: Vec<(&'a Claim, ClaimOutcome)>,
}

/// What of an outcome the caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// The finding; at VERDICT, CONFIRMED, `NOT_CONFIRMED` or `OUTSIDE_COVERAGE` alone.
    pub finding: Finding,
    /// What stands behind it, from CLAIMS on; none where nobody was asked.
    pub detail: Option<Detail>,
}

/// What stands behind a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Whether such a result was issued; not known where several records fit.
    pub existence: Option<Existence>,
    /// The state of the one record that fits.
    pub state: Option<ResultState>,
    /// The law by which a result that expired on paper is in force.
    pub state_basis: Option<String>,
    /// The outcome of each claim, in the question's order; empty where no one record fits.
    pub claims: Vec<(FieldName, Operator, ClaimOutcome)>,
    /// How the subject's name compares, where one was claimed and one record fits.
    pub name: Option<ClaimOutcome>,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(judged: Judged<'a>) -> Self {
        if !judged.standing.is_alive() {
            Self::NotInForce(judged)
        } else if !judged.holds() {
            Self::Differs(judged)
        } else {
            Self::Confirmed(judged)
        }
    }

    /// The one record that fits.
    pub fn judged(&self) -> Option<&Judged<'a>> {
        match self {
            Self::NotInForce(judged) | Self::Differs(judged) | Self::Confirmed(judged) => Some(judged),
            Self::OutsideCoverage | Self::NoRecord | Self::SeveralFit => None,
        }
    }

    /// What may leave at a level of disclosure. At VERDICT all causes of `NOT_CONFIRMED` are one; `OUTSIDE_COVERAGE`
    /// stays, since it follows from the declaration, which says nothing about the subject.
    pub fn visible(&self, disclosure: Disclosure) -> Visible {
        let finding = match self {
            Self::OutsideCoverage => Finding::OutsideCoverage,
            Self::SeveralFit if disclosure > Disclosure::Verdict => Finding::Ambiguous,
            Self::Confirmed(_) => Finding::Confirmed,
            Self::NoRecord | Self::SeveralFit | Self::NotInForce(_) | Self::Differs(_) => Finding::NotConfirmed,
        };
        let shown = disclosure > Disclosure::Verdict && !matches!(self, Self::OutsideCoverage);
        Visible { finding, detail: shown.then(|| self.detail()) }
    }

    fn detail(&self) -> Detail {
        let Some(judged) = self.judged() else {
            let existence = matches!(self, Self::NoRecord).then_some(Existence::NotIssued);
            return Detail { existence, state: None, state_basis: None, claims: Vec::new(), name: None };
        };
        let claims = judged.claims.iter().map(|(claim, outcome)| (claim.field.clone(), claim.operator, *outcome));
        Detail {
            existence: Some(Existence::Issued),
            state: Some(judged.standing.state.clone()),
            state_basis: judged.standing.basis.map(ToString::to_string),
            claims: claims.collect(),
            name: judged.name,
        }
    }
}

impl Judged<'_> {
    /// Whether the claimed name holds, where one is claimed.
    pub fn name_holds(&self) -> bool {
        self.name.is_none_or(holds)
    }

    /// Whether the name and every claim hold.
    pub(super) fn holds(&self) -> bool {
        self.name_holds() && self.claims.iter().all(|(_, outcome)| holds(*outcome))
    }
}
