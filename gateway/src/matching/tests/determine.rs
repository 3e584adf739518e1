use heyan_adapters::{Holder, Holding};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{ClaimOutcome, Disclosure, Existence, FieldValue, Finding, ResultState, Term};
use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::{TODAY, company, equals, field, holding, holdings, honour, licence, question, text};
use crate::matching::{Matching, MatchingError, Outcome, Visible, determine, is_outside_coverage};

fn with_state(number: &str, state: ResultState) -> Holding {
    Holding { state, ..holding(number) }
}

fn expired(number: &str) -> Holding {
    Holding { valid_to: Some(Term::On(date(2025, 1, 1))), ..holding(number) }
}

fn cause(outcome: &Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::OutsideCoverage => "outside coverage",
        Outcome::NoRecord => "no record",
        Outcome::SeveralFit => "several fit",
        Outcome::NotInForce(_) => "not in force",
        Outcome::Differs(_) => "differs",
        Outcome::Confirmed(_) => "confirmed",
    }
}

#[test]
fn the_state_on_the_as_of_date() {
    let (from, to) = (date(2022, 3, 1), date(2027, 2, 28));
    let states = |state: ResultState, as_of: Date, today: Date| {
        let subject = company();
        let held = holdings(vec![with_state("JY1", state)]);
        let outcome = determine(&Matching { as_of, today, ..question(&subject, &[]) }, &held).unwrap();
        outcome.judged().unwrap().standing.state.clone()
    };
    use ResultState::{Expired, InForce, NotYetInForce};
    let later = date(2030, 1, 1);
    for (stated, as_of, today, expected) in [
        (InForce, from, TODAY, InForce),
        (InForce, from.yesterday().unwrap(), TODAY, NotYetInForce),
        (InForce, to, later, InForce), // the last day is valid
        (InForce, to.tomorrow().unwrap(), later, Expired),
        (Expired, later, later, Expired),
        (Expired, to, later, InForce), // what the dates have become since does not change that day
        (Expired, from.yesterday().unwrap(), later, NotYetInForce),
        (Expired, TODAY, TODAY, Expired), // the provider says so, whatever the dates
        (Expired, TODAY.yesterday().unwrap(), TODAY, Expired), // nor do the dates explain it
        (ResultState::Suspended, TODAY, TODAY, ResultState::Suspended),
        (ResultState::Rescinded, from, TODAY, ResultState::Rescinded),
        (ResultState::Other("歇业".into()), TODAY, TODAY, ResultState::Other("歇业".into())),
    ] {
        assert_eq!(states(stated.clone(), as_of, today), expected, "{stated:?} as of {as_of} on {today}");
    }
}

#[test]
fn no_end_and_no_dates_are_in_force() {
    let subject = company();
    for (valid_from, valid_to) in [(None, Some(Term::LongTerm)), (None, None)] {
        let held = holdings(vec![Holding { valid_from, valid_to, ..holding("JY1") }]);
        assert_eq!(cause(&determine(&question(&subject, &[]), &held).unwrap()), "confirmed");
    }
}

#[test]
fn a_timely_renewal_keeps_an_expired_result_alive_and_names_the_law() {
    let subject = company();
    let last_day = date(2026, 6, 30);
    let renewing = |state: ResultState, pending: bool, valid_to: Option<Term>| {
        let mut record = Holding { state, valid_to, ..holding("JY1") };
        record.fields.insert(field("renewal_pending"), FieldValue::Flag(pending));
        holdings(vec![record])
    };
    let end = Some(Term::On(last_day));
    for (held, as_of, alive) in [
        (renewing(ResultState::InForce, true, end), last_day.tomorrow().unwrap(), true),
        (renewing(ResultState::InForce, true, end), last_day + 180.days(), true),
        (renewing(ResultState::InForce, true, end), last_day + 181.days(), false),
        (renewing(ResultState::InForce, false, end), last_day.tomorrow().unwrap(), false),
        (renewing(ResultState::Expired, true, end), last_day + 180.days(), true),
        (renewing(ResultState::Expired, true, None), last_day.tomorrow().unwrap(), false),
        (renewing(ResultState::LicenceRevoked, true, end), last_day.tomorrow().unwrap(), false),
        (renewing(ResultState::Suspended, true, end), last_day.tomorrow().unwrap(), false),
    ] {
        let outcome = determine(&Matching { as_of, today: as_of, ..question(&subject, &[]) }, &held).unwrap();
        assert_eq!(outcome.judged().unwrap().standing.is_alive(), alive, "{as_of} {:?}", held.records[0].state);
        let detail = outcome.visible(Disclosure::Claims).detail.unwrap();
        let basis = alive.then_some("《中华人民共和国行政许可法》第五十条");
        assert_eq!(detail.state_basis.as_deref(), basis);
    }
    // Before it expires, it is in force by its dates and needs no law.
    let held = renewing(ResultState::InForce, true, end);
    let outcome = determine(&Matching { as_of: last_day, ..question(&subject, &[]) }, &held).unwrap();
    assert_eq!(outcome.judged().unwrap().standing.basis, None);
}

#[test]
fn a_record_of_another_subject_is_never_answered_about() {
    let subject = company();
    let other = |number: Option<&str>| Holding {
        holders: vec![Holder {
            number: number.map(str::to_owned), name: Some("样例市（山城）小面馆有限公司".into())
        }],
        ..holding("JY2")
    };
    for record in [
        other(Some("91500101MA00000A92")),
        other(Some("91500000MA0000015")),
        other(Some("")),
        other(None),
        Holding { holders: Vec::new(), ..holding("JY2") },
    ] {
        let held = holdings(vec![holding("JY1"), record]);
        assert_eq!(determine(&question(&subject, &[]), &held).unwrap_err(), MatchingError::WrongSubject);
    }
    // One of several holders, in any form.
    let mut shared = holding("JY1");
    shared.holders.insert(0, Holder { number: Some("91500101MA00000A92".into()), name: Some("别家".into()) });
    shared.holders[1].number = Some(" 91500000ｍa0000015q".into());
    assert_eq!(cause(&determine(&question(&subject, &[]), &holdings(vec![shared])).unwrap()), "confirmed");
}

#[test]
fn the_name_is_that_of_the_holder_who_is_the_subject() {
    let subject = company();
    let mut shared = holding("JY1");
    shared.holders.push(Holder { number: Some("91500101MA00000A92".into()), name: Some("别家".into()) });
    let held = holdings(vec![shared.clone()]);
    for (name, outcome, found) in [
        ("样例市（山城）小面馆有限公司", ClaimOutcome::Match, "confirmed"),
        ("样例市(山城) 小面馆有限公司", ClaimOutcome::DiffersInForm, "confirmed"),
        ("别家", ClaimOutcome::Differs, "differs"),
    ] {
        let name = text(name);
        let determined = determine(&Matching { subject_name: Some(&name), ..question(&subject, &[]) }, &held).unwrap();
        assert_eq!((determined.judged().unwrap().name, cause(&determined)), (Some(outcome), found));
    }
    shared.holders[0].name = None;
    let held = holdings(vec![shared]);
    let name = text("别家");
    let determined = determine(&Matching { subject_name: Some(&name), ..question(&subject, &[]) }, &held).unwrap();
    assert_eq!(determined.judged().unwrap().name, Some(ClaimOutcome::NotHeld));
    assert_eq!(cause(&determined), "differs");
}

#[test]
fn records_without_numbers_of_holders_are_compared_by_name() {
    let subject = SubjectNumber::parse(SubjectKind::CitizenNumber, "500101194912310019").unwrap();
    let record = Holding {
        certificate_number: None,
        holders: vec![Holder { number: None, name: Some("王五".into()) }],
        valid_from: None,
        valid_to: None,
        fields: [(field("title"), FieldValue::Text("样例市荣誉市民".into()))].into(),
        ..holding("")
    };
    let held = holdings(vec![record]);
    for (name, found) in [("王 五", "confirmed"), ("王六", "differs")] {
        let name = text(name);
        let asked = Matching { result_type: honour(), subject_name: Some(&name), ..question(&subject, &[]) };
        assert_eq!(cause(&determine(&asked, &held).unwrap()), found);
    }
    // Such records have no certificate number either, so which certificate is meant cannot be told.
    let number = text("JY1");
    let asked = Matching { result_type: honour(), certificate_number: Some(&number), ..question(&subject, &[]) };
    assert_eq!(cause(&determine(&asked, &held).unwrap()), "several fit");
    assert_eq!(cause(&determine(&asked, &holdings(Vec::new())).unwrap()), "no record");
}

#[test]
fn several_records_are_narrowed_and_never_guessed() {
    let subject = company();
    let claimed = [equals("person", "阿依古丽·买买提")];
    let with_person = |number: &str, person: &str| {
        let mut record = holding(number);
        record.fields.insert(field("person"), FieldValue::Text(person.into()));
        record
    };
    let unnumbered = || Holding { certificate_number: None, ..holding("") };
    type Row<'a> = (&'a str, Vec<Holding>, Option<&'a str>, &'static str, Option<&'a str>);
    let rows: Vec<Row<'_>> = vec![
        ("none", vec![], None, "no record", None),
        ("one", vec![holding("JY1")], None, "confirmed", Some("JY1")),
        ("one alive", vec![expired("JY1"), holding("JY2")], None, "confirmed", Some("JY2")),
        ("one fits the claims", vec![with_person("JY1", "王五"), holding("JY2")], None, "confirmed", Some("JY2")),
        ("two fit", vec![holding("JY1"), holding("JY2")], None, "several fit", None),
        ("none alive", vec![expired("JY1"), expired("JY2")], None, "several fit", None),
        ("alive before claims", vec![expired("JY1"), with_person("JY2", "王五")], None, "differs", Some("JY2")),
        (
            "none alive, one fits the claims",
            vec![expired("JY1"), Holding { state: ResultState::Suspended, ..with_person("JY2", "王五") }],
            None,
            "not in force",
            Some("JY1"),
        ),
        ("number", vec![holding("JY1"), holding("JY2")], Some("JY2"), "confirmed", Some("JY2")),
        (
            "number in another form",
            vec![holding("渝（2020）第1号 a")],
            Some("渝(2020)第1号A"),
            "confirmed",
            Some("渝（2020）第1号 a"),
        ),
        ("number of an expired one", vec![expired("JY1"), holding("JY2")], Some("JY1"), "not in force", Some("JY1")),
        ("number of none", vec![holding("JY1")], Some("JY3"), "no record", None),
        ("number of two", vec![holding("JY1"), holding("JY1")], Some("JY1"), "several fit", None),
        ("number beside one without", vec![unnumbered(), holding("JY1")], Some("JY1"), "confirmed", Some("JY1")),
        ("perhaps one without", vec![unnumbered(), holding("JY1")], Some("JY3"), "several fit", None),
    ];
    for (name, records, number, found, certificate) in rows {
        let held = holdings(records);
        let number = number.map(text);
        let asked = Matching { certificate_number: number.as_ref(), ..question(&subject, &claimed) };
        let outcome = determine(&asked, &held).unwrap();
        assert_eq!(cause(&outcome), found, "{name}");
        let judged = outcome.judged().and_then(|judged| judged.holding.certificate_number.as_deref());
        assert_eq!(judged, certificate, "{name}");
    }
}

#[test]
fn more_records_than_were_sent_are_ambiguous() {
    let subject = company();
    let number = text("JY1");
    let mut held = holdings(vec![holding("JY1")]);
    held.more = true;
    let asked = Matching { certificate_number: Some(&number), ..question(&subject, &[]) };
    assert_eq!(cause(&determine(&asked, &held).unwrap()), "several fit");
}

#[test]
fn what_the_caller_sees_at_each_level() {
    let subject = company();
    let claims = [equals("person", "阿依古丽•买买提"), equals("shop", "别家")];
    let name = text("样例市（山城）小面馆有限公司");
    let asked = Matching { subject_name: Some(&name), ..question(&subject, &claims) };
    let verdict = |finding| Visible { finding, detail: None };
    let see = |records: Vec<Holding>, disclosure| determine(&asked, &holdings(records)).unwrap().visible(disclosure);

    assert_eq!(see(vec![holding("JY1")], Disclosure::Verdict), verdict(Finding::NotConfirmed));
    for disclosure in [Disclosure::Claims, Disclosure::Fields] {
        let differs = see(vec![holding("JY1")], disclosure);
        let detail = differs.detail.unwrap();
        assert_eq!(differs.finding, Finding::NotConfirmed);
        assert_eq!(detail.existence, Some(Existence::Issued));
        assert_eq!(detail.state, Some(ResultState::InForce));
        assert_eq!(detail.name, Some(ClaimOutcome::Match));
        let outcomes: Vec<_> = detail.claims.iter().map(|(field, _, outcome)| (field.as_str(), *outcome)).collect();
        assert_eq!(outcomes, [("person", ClaimOutcome::DiffersInForm), ("shop", ClaimOutcome::Differs)]);

        let lapsed = see(vec![expired("JY1")], disclosure);
        assert_eq!(lapsed.finding, Finding::NotConfirmed);
        assert_eq!(lapsed.detail.unwrap().state, Some(ResultState::Expired));

        let none = see(vec![], disclosure);
        assert_eq!(none.finding, Finding::NotConfirmed);
        let detail = none.detail.unwrap();
        assert_eq!((detail.existence, detail.state, detail.name), (Some(Existence::NotIssued), None, None));
        assert!(detail.claims.is_empty());

        let several = see(vec![holding("JY1"), holding("JY2")], disclosure);
        assert_eq!(several.finding, Finding::Ambiguous);
        assert_eq!(several.detail.unwrap().existence, None);

        assert_eq!(Outcome::OutsideCoverage.visible(disclosure), verdict(Finding::OutsideCoverage));
    }
    assert_eq!(Outcome::OutsideCoverage.visible(Disclosure::Verdict), verdict(Finding::OutsideCoverage));
}

#[test]
fn coverage_is_known_without_asking() {
    assert!(is_outside_coverage(licence(), date(2015, 12, 31), TODAY));
    assert!(!is_outside_coverage(licence(), date(2016, 1, 1), TODAY));
    // Records without a first valid day say what is, not what was.
    assert!(!is_outside_coverage(honour(), TODAY, TODAY));
    assert!(is_outside_coverage(honour(), TODAY.yesterday().unwrap(), TODAY));
}

#[test]
fn debug_shows_nothing_of_the_person() {
    let subject = company();
    let claims = [equals("person", "阿依古丽·买买提")];
    let held = holdings(vec![holding("JY1")]);
    let asked = question(&subject, &claims);
    let shown = format!("{asked:?} {:?}", determine(&asked, &held).unwrap());
    for hidden in ["阿依古丽", "小面馆", "91500000MA0000015Q", "JY1"] {
        assert!(!shown.contains(hidden), "{hidden} is in {shown}");
    }
}
