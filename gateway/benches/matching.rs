//! What it costs to judge what a provider holds.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use heyan::matching::{Matching, determine, fold, parse_written_date};
use heyan_adapters::{Fold, Holder, Holding, Holdings, read_declaration};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{
    Claim, ClaimValue, FieldName, FieldValue, Operator, PersonalText, ResultState, Term, WrittenDate,
};
use jiff::civil::date;

const SUBJECT: &str = "91500000MA0000015Q";

fn field(name: &str) -> FieldName {
    FieldName::parse(name).expect("the name is well formed")
}

fn text(text: &str) -> PersonalText {
    PersonalText::parse(text, 256).expect("the text is short and plain")
}

fn record(number: usize) -> Holding {
    let items = (0..40).map(|i| format!("经营项目（第{i}类）")).collect();
    Holding {
        certificate_number: Some(format!("JY{number:014}")),
        holders: vec![Holder {
            number: Some(SUBJECT.into()), name: Some("样例市（山城）小面馆有限公司".into())
        }],
        state: ResultState::InForce,
        valid_from: Some(Term::On(date(2022, 3, 1))),
        valid_to: Some(Term::On(date(2027, 2, 28))),
        fields: [
            (field("person"), FieldValue::Text("阿依古丽·买买提".into())),
            (field("items"), FieldValue::Scope(items)),
            (field("inspected"), FieldValue::Date(Term::On(date(2026, 1, 5)))),
        ]
        .into(),
    }
}

fn claims(person: &str, item: &str) -> Vec<Claim> {
    let after = WrittenDate { term: Term::On(date(2025, 1, 1)), in_record_form: true };
    [
        ("person", Operator::Equals, ClaimValue::Text(text(person))),
        ("items", Operator::Contains, ClaimValue::Texts(vec![text(item)])),
        ("inspected", Operator::OnOrAfter, ClaimValue::Date(after)),
    ]
    .map(|(name, operator, value)| Claim { field: field(name), operator, value })
    .into()
}

fn matching(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("matching");
    let declaration = read_declaration("provider.toml", include_str!("../src/matching/tests/provider.toml"))
        .expect("the tests read it too");
    let subject = SubjectNumber::parse(SubjectKind::CreditCode, SUBJECT).expect("the number is valid");
    let name = text("样例市（山城）小面馆有限公司");
    let same = claims("阿依古丽·买买提", "经营项目（第7类）");
    let in_form = claims("阿依古丽•买买提", "经营项目(第7类)");
    for (title, claims, records) in [("same", &same, 1), ("in_form", &in_form, 1), ("in_form_of_8", &in_form, 8)] {
        let held = Holdings { records: (0..records).map(record).collect(), more: false, updated_at: None };
        let question = Matching {
            result_type: &declaration.result_types[0],
            subject: &subject,
            subject_name: Some(&name),
            certificate_number: None,
            claims,
            as_of: date(2026, 11, 23),
            today: date(2026, 11, 23),
        };
        group.bench_function(title, |bencher| bencher.iter(|| determine(black_box(&question), black_box(&held))));
    }
    group.bench_function("fold", |bencher| {
        bencher.iter(|| fold(black_box("样例市（山城） 小面馆有限公司"), Fold::Organisation))
    });
    group.bench_function("date", |bencher| bencher.iter(|| parse_written_date(black_box("2026年11月23日"))));
    group.finish();
}

criterion_group!(benches, matching);
criterion_main!(benches);
