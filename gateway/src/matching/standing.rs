//! The legal state of a record on a day.

use heyan_adapters::{Holding, Validity};
use heyan_proto::vocabulary::{FieldValue, PlainText, ResultState, Term};
use jiff::ToSpan;
use jiff::civil::Date;

/// The state of a record on the as-of date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The state.
    pub state: ResultState,
    /// The norm by which a result that expired on paper is in force.
    pub basis: Option<&'a PlainText>,
}

impl<'a> Standing<'a> {
    /// What the provider states wins, unless that is "in force": then the dates decide.
    ///
    /// "Expired" is no decision of the provider but what the dates have become, so for an earlier as-of date the dates
    /// decide too. Every other state has no date of its own in a record, so it counts for earlier days as well: unknown
    /// is never "in force".
    pub(super) fn on(as_of: Date, today: Date, holding: &Holding, validity: &'a Validity) -> Self {
        let state = match &holding.state {
            ResultState::InForce => by_dates(as_of, holding),
            ResultState::Expired if as_of < today && has_ended(today, holding) => by_dates(as_of, holding),
            stated => stated.clone(),
        };
        let basis = (state == ResultState::Expired).then(|| renewal_basis(as_of, holding, validity)).flatten();
        Self { state: if basis.is_some() { ResultState::InForce } else { state }, basis }
    }

    /// Whether the result is in force, by its dates or by law.
    pub fn is_alive(&self) -> bool {
        self.state == ResultState::InForce
    }
}

fn by_dates(as_of: Date, holding: &Holding) -> ResultState {
    if holding.valid_from.is_some_and(|from| from > Term::On(as_of)) {
        ResultState::NotYetInForce
    } else if has_ended(as_of, holding) {
        ResultState::Expired
    } else {
        ResultState::InForce
    }
}

/// Whether the last valid day is before `day`.
fn has_ended(day: Date, holding: &Holding) -> bool {
    holding.valid_to.is_some_and(|to| to < Term::On(day))
}

/// The norm by which an expired result is alive while a timely application for its renewal is undecided.
fn renewal_basis<'a>(as_of: Date, holding: &Holding, validity: &'a Validity) -> Option<&'a PlainText> {
    let renewal = validity.renewal.as_ref()?;
    let Some(FieldValue::Flag(true)) = holding.fields.get(&renewal.pending_field) else { return None };
    let Some(Term::On(last_day)) = holding.valid_to else { return None };
    let alive_until = last_day.saturating_add(i64::from(renewal.alive_days_max).days());
    (as_of <= alive_until).then_some(&renewal.legal_basis)
}
