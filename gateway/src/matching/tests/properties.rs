use heyan_adapters::{Fold, Holding, Holdings};
use heyan_proto::vocabulary::{
    Claim, ClaimOutcome, ClaimValue, Disclosure, FieldValue, Finding, Operator, PersonalText, ResultState, Term,
};
use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::select;

use super::{claim, company, day, field, holding, question, text, texts};
use crate::matching::{Matching, Outcome, determine, fold, parse_written_date};

/// Text of the characters that folding treats, and of any.
fn written() -> impl Strategy<Value = String> {
    let treated = "[·•‧・．. （）()【】〔〕\\[\\]王五买提ABｃ１2\u{3000}\u{200B}\u{AD}\u{B4}\u{301}\u{E816}\u{E863}\u{FA10}e]{0,12}";
    prop_oneof![treated.prop_map(String::from), any::<String>()]
}

fn rule() -> impl Strategy<Value = Fold> {
    select(Fold::ALL.to_vec())
}

/// Text that a claim can have: of a few characters that folding treats, or of any that may be written.
fn claimed() -> impl Strategy<Value = String> {
    let treated = "[·•・（）()王五买提AB12号\u{E863}]{1,12}";
    let any = "\\PC{1,16}".prop_filter("it may be written", |text| PersonalText::parse(text, 256).is_ok());
    prop_oneof![treated, any]
}

/// A record whose fields have any values, and every claim that says of a field what it is.
fn record_and_claims() -> impl Strategy<Value = (Holding, Vec<Claim>)> {
    (claimed(), claimed(), prop::collection::vec(claimed(), 1..5), any::<i64>(), 0_i64..50_000, any::<bool>()).prop_map(
        |(person, shop, items, seats, days, pending)| {
            let inspected = date(1900, 1, 1) + days.days();
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            let (whole, on) = (ClaimValue::Integer(seats), ClaimValue::Date(day(inspected)));
            let (held_seats, held_on) = (FieldValue::Integer(seats), FieldValue::Date(Term::On(inspected)));
            let pairs = [
                ("person", FieldValue::Text(person.clone()), ClaimValue::Text(text(&person)), Operator::Equals),
                (
                    "person",
                    FieldValue::Text(person.clone()),
                    ClaimValue::Texts(texts(&["别", &person])),
                    Operator::OneOf,
                ),
                ("shop", FieldValue::Text(shop.clone()), ClaimValue::Text(text(&shop)), Operator::Equals),
                ("shop", FieldValue::Text(shop.clone()), ClaimValue::Texts(texts(&[&shop, "别"])), Operator::OneOf),
                ("place", FieldValue::Text(shop.clone()), ClaimValue::Text(text(&shop)), Operator::Equals),
                ("code", FieldValue::Text(person.clone()), ClaimValue::Text(text(&person)), Operator::Equals),
                ("kind", FieldValue::Code("canteen".into()), ClaimValue::Text(text("canteen")), Operator::Equals),
                (
                    "items",
                    FieldValue::Scope(items.iter().map(ToString::to_string).collect()),
                    ClaimValue::Texts(texts(&items)),
                    Operator::Contains,
                ),
                ("seats", held_seats.clone(), whole.clone(), Operator::Equals),
                ("seats", held_seats.clone(), whole.clone(), Operator::AtLeast),
                ("seats", held_seats.clone(), whole, Operator::AtMost),
                ("seats", held_seats, ClaimValue::Integers(vec![!seats, seats]), Operator::OneOf),
                ("inspected", held_on.clone(), on.clone(), Operator::Equals),
                ("inspected", held_on.clone(), on.clone(), Operator::OnOrBefore),
                ("inspected", held_on, on, Operator::OnOrAfter),
                ("renewal_pending", FieldValue::Flag(pending), ClaimValue::Flag(pending), Operator::Equals),
            ];
            let mut record = holding("JY1");
            let mut claims = Vec::new();
            for (name, held, value, operator) in pairs {
                record.fields.insert(field(name), held);
                claims.push(claim(name, operator, value));
            }
            (record, claims)
        },
    )
}

/// Holdings of the subject with every cause of `NOT_CONFIRMED` among them.
fn any_holdings() -> impl Strategy<Value = Holdings> {
    let state = select(ResultState::CLOSED.to_vec());
    let record =
        (state, 0_i64..4000, "[AB]", select(vec!["王五", "王六"])).prop_map(|(state, days, number, person)| {
            let mut record =
                Holding { state, valid_to: Some(Term::On(date(2020, 1, 1) + days.days())), ..holding(&number) };
            record.fields.insert(field("person"), FieldValue::Text(person.into()));
            record
        });
    (prop::collection::vec(record, 0..4), any::<bool>()).prop_map(|(records, more)| Holdings {
        records,
        more,
        updated_at: None,
    })
}

proptest! {
    #[test]
    fn folding_what_was_folded_changes_nothing(text in written(), rule in rule()) {
        let once = fold(&text, rule);
        prop_assert_eq!(&fold(&once, rule), &once);
    }

    #[test]
    fn a_claim_equal_to_its_holding_matches((record, claims) in record_and_claims()) {
        let subject = company();
        let held = Holdings { records: vec![record], more: false, updated_at: None };
        let outcome = determine(&question(&subject, &claims), &held).unwrap();
        for (claim, outcome) in &outcome.judged().unwrap().claims {
            prop_assert_eq!(*outcome, ClaimOutcome::Match, "{}", claim.field);
        }
        prop_assert!(matches!(outcome, Outcome::Confirmed(_)));
    }

    #[test]
    fn a_difference_of_form_is_of_form_alone(one in claimed(), other in claimed()) {
        let subject = company();
        let mut record = holding("JY1");
        record.fields.insert(field("person"), FieldValue::Text(one.clone()));
        let held = Holdings { records: vec![record], more: false, updated_at: None };
        let claims = [claim("person", Operator::Equals, ClaimValue::Text(text(&other)))];
        let outcome = determine(&question(&subject, &claims), &held).unwrap().judged().unwrap().claims[0].1;
        let folded_equal = fold(&one, Fold::Name) == fold(&other, Fold::Name);
        prop_assert_eq!(outcome == ClaimOutcome::Match, one == other);
        prop_assert_eq!(outcome == ClaimOutcome::DiffersInForm, one != other && folded_equal);
    }

    #[test]
    fn at_verdict_all_that_is_not_confirmed_is_one(one in any_holdings(), other in any_holdings(), number in "[ABC]") {
        let (subject, number) = (company(), text(&number));
        let claims = [claim("person", Operator::Equals, ClaimValue::Text(text("王五")))];
        for certificate_number in [None, Some(&number)] {
            let asked = Matching { certificate_number, ..question(&subject, &claims) };
            let see = |held: &Holdings| determine(&asked, held).unwrap().visible(Disclosure::Verdict);
            let (one, other) = (see(&one), see(&other));
            prop_assert!(matches!(one.finding, Finding::Confirmed | Finding::NotConfirmed));
            prop_assert_eq!(one == other, one.finding == other.finding);
            prop_assert_eq!(one.detail, None);
        }
    }

    #[test]
    fn the_order_of_records_does_not_matter(held in any_holdings()) {
        let subject = company();
        let claims = [claim("person", Operator::Equals, ClaimValue::Text(text("王五")))];
        let reversed = Holdings { records: held.records.iter().rev().cloned().collect(), ..held.clone() };
        let see = |held| determine(&question(&subject, &claims), held).unwrap().visible(Disclosure::Claims);
        prop_assert_eq!(see(&held), see(&reversed));
    }

    #[test]
    fn a_date_is_read_as_it_was_written(days in 0_i64..200_000, form in 0_usize..5) {
        let on = date(1800, 1, 1) + days.days();
        let (y, m, d) = (on.year(), on.month(), on.day());
        let written = match form {
            0 => on.to_string(),
            1 => format!("{y:04}{m:02}{d:02}"),
            2 => format!("{y}/{m}/{d}"),
            3 => format!("{y}.{m:02}.{d:02}"),
            _ => format!("{y}年{m}月{d}日"),
        };
        let read = parse_written_date(&written).unwrap();
        prop_assert_eq!((read.term, read.in_record_form), (Term::On(on), form == 0));
    }

    #[test]
    fn no_text_makes_reading_a_date_panic(text in any::<String>()) {
        if let Some(read) = parse_written_date(&text) {
            prop_assert!(text.chars().count() <= 24);
            prop_assert!(!read.in_record_form || text == "长期" || text.len() == 10);
        }
    }
}
