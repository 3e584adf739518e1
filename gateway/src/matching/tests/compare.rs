use heyan_proto::vocabulary::ClaimOutcome::{self, Differs, DiffersInForm, Match, NotHeld};
use heyan_proto::vocabulary::{Claim, ClaimValue, Operator, Term, WrittenDate};
use jiff::civil::date;

use super::{claim, company, day, equals, field, holding, holdings, question, texts};
use crate::matching::{Outcome, determine};

fn one_of(name: &str, values: &[&str]) -> Claim {
    claim(name, Operator::OneOf, ClaimValue::Texts(texts(values)))
}

fn contains(items: &[&str]) -> Claim {
    claim("items", Operator::Contains, ClaimValue::Texts(texts(items)))
}

fn seats(operator: Operator, number: i64) -> Claim {
    claim("seats", operator, ClaimValue::Integer(number))
}

fn inspected(operator: Operator, written: WrittenDate) -> Claim {
    claim("inspected", operator, ClaimValue::Date(written))
}

fn rows() -> Vec<(Claim, ClaimOutcome)> {
    let inspection = date(2026, 1, 5);
    let otherwise = |written: WrittenDate| WrittenDate { in_record_form: false, ..written };
    let long_term = WrittenDate { term: Term::LongTerm, in_record_form: true };
    vec![
        (equals("person", "阿依古丽·买买提"), Match),
        (equals("person", "阿依古丽•买买提"), DiffersInForm),
        (equals("person", "阿依古丽买买提"), Differs),
        (equals("shop", "样例市(山城)小面馆有限公司"), DiffersInForm),
        (equals("shop", "样例市(山城)小面馆"), Differs),
        (equals("place", "样例市样例区解放路１号"), DiffersInForm),
        (equals("code", "A（1）"), Match),
        (equals("code", "A(1)"), Differs),
        (one_of("person", &["王五", "阿依古丽·买买提"]), Match),
        (one_of("person", &["阿依古丽．买买提", "阿依古丽·买买提"]), Match),
        (one_of("person", &["王五", "阿依古丽．买买提"]), DiffersInForm),
        (one_of("person", &["王五", "王六"]), Differs),
        (equals("kind", "catering"), Match),
        (equals("kind", "canteen"), Differs),
        (equals("kind", "ｃatering"), Differs),
        (one_of("kind", &["canteen", "catering"]), Match),
        (contains(&["热食类食品制售"]), Match),
        (contains(&["自制饮品（含咖啡）制售", "热食类食品制售"]), Match),
        (contains(&["自制饮品(含咖啡)制售"]), DiffersInForm),
        (contains(&["热食类食品制售", "自制饮品(含咖啡)制售"]), DiffersInForm),
        (contains(&["热食类食品制售", "冷食类食品制售"]), Differs),
        (contains(&["热食类"]), Differs), // no item covers what it contains or begins
        (contains(&["热食类食品制售,自制饮品（含咖啡）制售"]), Differs),
        (seats(Operator::Equals, 40), Match),
        (seats(Operator::Equals, 41), Differs),
        (seats(Operator::AtLeast, 40), Match),
        (seats(Operator::AtLeast, 41), Differs),
        (seats(Operator::AtMost, 40), Match),
        (seats(Operator::AtMost, 39), Differs),
        (claim("seats", Operator::OneOf, ClaimValue::Integers(vec![20, 40])), Match),
        (claim("seats", Operator::OneOf, ClaimValue::Integers(vec![20, 30])), Differs),
        (inspected(Operator::Equals, day(inspection)), Match),
        (inspected(Operator::Equals, otherwise(day(inspection))), DiffersInForm),
        (inspected(Operator::Equals, day(date(2026, 1, 6))), Differs),
        (inspected(Operator::Equals, long_term), Differs),
        (inspected(Operator::OnOrAfter, day(inspection)), Match),
        (inspected(Operator::OnOrAfter, otherwise(day(date(2026, 1, 4)))), Match),
        (inspected(Operator::OnOrAfter, day(date(2026, 1, 6))), Differs),
        (inspected(Operator::OnOrBefore, day(inspection)), Match),
        (inspected(Operator::OnOrBefore, day(date(2026, 1, 4))), Differs),
        (inspected(Operator::OnOrBefore, long_term), Match),
        (claim("renewal_pending", Operator::Equals, ClaimValue::Flag(false)), Match),
        (claim("renewal_pending", Operator::Equals, ClaimValue::Flag(true)), Differs),
        // A value that does not fit its field never comes from the directory; if it did, it would not be confirmed.
        (equals("seats", "40"), NotHeld),
        (equals("unknown", "40"), NotHeld),
    ]
}

#[test]
fn each_operator_on_each_type() {
    let subject = company();
    let held = holdings(vec![holding("JY1")]);
    for (claim, expected) in rows() {
        let claims = [claim];
        let outcome = determine(&question(&subject, &claims), &held).unwrap();
        let judged = outcome.judged().unwrap();
        assert_eq!(judged.claims[0].1, expected, "{:?} {:?}", claims[0].field, judged.claims[0]);
        let confirmed = matches!(outcome, Outcome::Confirmed(_));
        assert_eq!(confirmed, matches!(expected, Match | DiffersInForm));
    }
}

#[test]
fn long_term_is_later_than_every_date() {
    let subject = company();
    let mut record = holding("JY1");
    record.fields.insert(field("inspected"), heyan_proto::vocabulary::FieldValue::Date(Term::LongTerm));
    let held = holdings(vec![record]);
    let far = day(date(9999, 12, 30));
    for (operator, expected) in
        [(Operator::OnOrAfter, Match), (Operator::OnOrBefore, Differs), (Operator::Equals, Differs)]
    {
        let claims = [inspected(operator, far)];
        let outcome = determine(&question(&subject, &claims), &held).unwrap();
        assert_eq!(outcome.judged().unwrap().claims[0].1, expected);
    }
}

#[test]
fn a_field_without_a_value_is_not_held() {
    let subject = company();
    for (claim, _) in rows() {
        let mut record = holding("JY1");
        record.fields.remove(&claim.field);
        let held = holdings(vec![record]);
        let claims = [claim];
        let outcome = determine(&question(&subject, &claims), &held).unwrap();
        assert!(matches!(&outcome, Outcome::Differs(judged) if judged.claims[0].1 == NotHeld));
    }
}

#[test]
fn held_text_that_folds_to_nothing_is_no_claims() {
    let subject = company();
    let mut record = holding("JY1");
    record.fields.insert(field("person"), heyan_proto::vocabulary::FieldValue::Text("\u{200B}".into()));
    let held = holdings(vec![record]);
    // A claim of nothing but such characters is no text at all.
    assert!(heyan_proto::vocabulary::PersonalText::parse("\u{200B}", 8).is_err());
    let claims = [equals("person", "王五")];
    let outcome = determine(&question(&subject, &claims), &held).unwrap();
    assert_eq!(outcome.judged().unwrap().claims[0].1, Differs);
}
