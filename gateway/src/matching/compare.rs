//! How one claim compares with what a record holds.

use heyan_adapters::{Field, FieldForm, Fold};
use heyan_proto::vocabulary::{Claim, ClaimOutcome, ClaimValue, FieldValue, Operator, PersonalText, Term, WrittenDate};

use super::fold::fold;

/// Whether the claim holds.
pub fn holds(outcome: ClaimOutcome) -> bool {
    matches!(outcome, ClaimOutcome::Match | ClaimOutcome::DiffersInForm)
}

/// Compares one claim with the value that a record has for its field.
pub(super) fn compare(claim: &Claim, field: &Field, held: Option<&FieldValue>) -> ClaimOutcome {
    let rule = match &field.form {
        FieldForm::Text { fold } => *fold,
        FieldForm::Scope { .. } => Fold::Organisation,
        // The directory accepts only words of the declared list, which have one form.
        _ => Fold::Exact,
    };
    let Some(held) = held else { return ClaimOutcome::NotHeld };
    match (&claim.value, held) {
        (ClaimValue::Text(text), FieldValue::Text(held) | FieldValue::Code(held)) => compare_text(text, held, rule),
        (ClaimValue::Texts(texts), FieldValue::Text(held) | FieldValue::Code(held)) => {
            best(texts.iter().map(|text| compare_text(text, held, rule)))
        }
        (ClaimValue::Texts(items), FieldValue::Scope(held)) => compare_scope(items, held, rule),
        (ClaimValue::Integer(claimed), FieldValue::Integer(held)) => compare_integer(claim.operator, *claimed, *held),
        (ClaimValue::Integers(claimed), FieldValue::Integer(held)) => outcome(claimed.contains(held)),
        (ClaimValue::Date(claimed), FieldValue::Date(held)) => compare_date(claim.operator, *claimed, *held),
        (ClaimValue::Flag(claimed), FieldValue::Flag(held)) => outcome(claimed == held),
        // The directory makes claims that fit their fields and adapters make values that fit them, so nothing else
        // meets here. If it did, the record holds no such value, and the claim is not confirmed.
        _ => ClaimOutcome::NotHeld,
    }
}

/// Compares a text with the one that is held. Text that folds to nothing is never the same as other such text.
pub(super) fn compare_text(claimed: &PersonalText, held: &str, rule: Fold) -> ClaimOutcome {
    if claimed.expose() == held {
        return ClaimOutcome::Match;
    }
    if rule == Fold::Exact {
        return ClaimOutcome::Differs;
    }
    let folded = fold(claimed.expose(), rule);
    if !folded.is_empty() && folded == fold(held, rule) { ClaimOutcome::DiffersInForm } else { ClaimOutcome::Differs }
}

/// The best of several outcomes; none is [`ClaimOutcome::NotHeld`].
pub(super) fn best(outcomes: impl Iterator<Item = ClaimOutcome>) -> ClaimOutcome {
    outcomes.min_by_key(|outcome| rank(*outcome)).unwrap_or(ClaimOutcome::NotHeld)
}

fn rank(outcome: ClaimOutcome) -> u8 {
    match outcome {
        ClaimOutcome::Match => 0,
        ClaimOutcome::DiffersInForm => 1,
        ClaimOutcome::Differs => 2,
        ClaimOutcome::NotHeld => 3,
    }
}

/// Every claimed item must be one of the held items. An item does not cover others that it begins or contains:
/// 热食类食品制售 says nothing about 热食类食品制售(仅简单制售).
fn compare_scope(claimed: &[PersonalText], held: &[String], rule: Fold) -> ClaimOutcome {
    if claimed.iter().all(|item| held.iter().any(|held| held == item.expose())) {
        return ClaimOutcome::Match;
    }
    // Folded once: a scope may have hundreds of items.
    let held: Vec<String> = held.iter().map(|item| fold(item, rule)).collect();
    let covered = |item: &PersonalText| {
        let item = fold(item.expose(), rule);
        !item.is_empty() && held.contains(&item)
    };
    if claimed.iter().all(covered) { ClaimOutcome::DiffersInForm } else { ClaimOutcome::Differs }
}

fn compare_integer(operator: Operator, claimed: i64, held: i64) -> ClaimOutcome {
    match operator {
        Operator::AtLeast => outcome(held >= claimed),
        Operator::AtMost => outcome(held <= claimed),
        _ => outcome(held == claimed),
    }
}

/// The notation counts only where the date itself is claimed; a limit has no form.
fn compare_date(operator: Operator, claimed: WrittenDate, held: Term) -> ClaimOutcome {
    match operator {
        Operator::OnOrBefore => outcome(held <= claimed.term),
        Operator::OnOrAfter => outcome(held >= claimed.term),
        _ if held != claimed.term => ClaimOutcome::Differs,
        _ if claimed.in_record_form => ClaimOutcome::Match,
        _ => ClaimOutcome::DiffersInForm,
    }
}

fn outcome(holds: bool) -> ClaimOutcome {
    if holds { ClaimOutcome::Match } else { ClaimOutcome::Differs }
}
