//! The contract suite: what every adapter kind and every guard must pass.
//!
//! A kind brings a [`Fixture`], a department of its own that holds what the suite says, and a declaration of two result
//! types over it:
//!
//! - `licence`: looked up by `:subject_number` and, where given, `:certificate_number` and `:subject_name`; at most
//!   [`ROWS_MAX`] rows. It maps the parts of a [`Record`]: holders separated by `,`, states [`IN_FORCE`] and
//!   [`SUSPENDED`] (others are malformed), dates as `%Y%m%d` or `长期`, and the integer field `months`.
//! - `endless`: a look-up that the department never answers.

use std::time::Duration;

use async_trait::async_trait;
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{DepartmentId, FieldValue, PersonalText, ResultState, ResultTypeId, Term};
use jiff::civil::date;

use crate::{Adapter, AdapterError, Holdings, Lookup, OfficialOnCall};

/// `max_rows` of the result type `licence`.
pub const ROWS_MAX: usize = 3;
/// The department's code for in force.
pub const IN_FORCE: &str = "01";
/// The department's code for suspended.
pub const SUSPENDED: &str = "02";

/// Credit codes of invented companies.
pub const SUBJECTS: [&str; 4] =
    ["91500000MA0000015Q", "91500101MA00000A92", "92500103MA0000031U", "11500000MB0000027A"];

/// A deadline that no look-up of the suite comes near, except for those that are never answered.
const AMPLE: Duration = Duration::from_secs(10);

/// A department that holds what a test says.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// From now on the department holds these records of `licence` and no others.
    async fn hold(&self, records: &[Record]);
    /// The department is down.
    async fn stop(&self);
    /// It is up again, with what it held before.
    async fn start(&self);
}

/// A record as the department keeps it: text, in its own forms.
#[derive(Debug, Clone)]
pub struct Record {
    /// The subject by which it is looked up.
    pub subject: &'static str,
    /// 证照编号.
    pub certificate_number: String,
    /// Names of the holders, joined.
    pub holders: String,
    /// The department's code.
    pub state: String,
    /// The first valid day.
    pub valid_from: String,
    /// The last valid day.
    pub valid_to: String,
    /// The field `months`.
    pub months: String,
}

impl Record {
    /// A record that fits the declaration.
    pub fn of(subject: &'static str) -> Self {
        Self {
            subject,
            certificate_number: format!("JY{subject}"),
            holders: "样例甲有限公司,样例乙有限公司".into(),
            state: IN_FORCE.into(),
            valid_from: "20240301".into(),
            valid_to: "长期".into(),
            months: "36".into(),
        }
    }
}

/// Runs the whole suite, [`ends_at_the_deadline`] excepted: that is the promise of `Timeout` and of what it guards.
pub async fn answers_and_fails_closed(adapter: &dyn Adapter, department: &dyn Fixture) {
    gives_the_record(adapter, department).await;
    gives_no_record_as_empty(adapter, department).await;
    says_when_there_are_more(adapter, department).await;
    refuses_what_does_not_fit(adapter, department).await;
    binds_hostile_text_as_values(adapter, department).await;
    keeps_answers_apart(adapter, department).await;
    stops_when_dropped(adapter, department).await;
    recovers(adapter, department).await;
    refuses_what_is_not_declared(adapter).await;
}

/// A look-up about this subject, with nothing optional.
pub fn lookup(result_type: &str, subject: &str) -> Lookup {
    let text = |text: &str| PersonalText::parse(text, 200).expect("the suite writes it well-formed");
    Lookup {
        result_type: ResultTypeId::parse(result_type).expect("the suite writes it well-formed"),
        subject: SubjectNumber::parse(SubjectKind::CreditCode, subject).expect("its check digit is right"),
        subject_name: None,
        certificate_number: None,
        as_of: date(2026, 11, 23),
        reason: text("办理样例事项"),
        official: OfficialOnCall {
            id: text("0417"),
            name: text("样例员"),
            unit: text("受理科"),
            terminal: text("窗口3"),
        },
        requester: DepartmentId::parse("service-centre").expect("the suite writes it well-formed"),
        deadline: AMPLE,
        traceparent: None,
    }
}

async fn ask(adapter: &dyn Adapter, subject: &str) -> Holdings {
    adapter.look_up(&lookup("licence", subject)).await.expect("the department is up and its records fit")
}

async fn gives_the_record(adapter: &dyn Adapter, department: &dyn Fixture) {
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    let holdings = ask(adapter, SUBJECTS[0]).await;
    assert!(!holdings.more);
    let [holding] = &holdings.records[..] else { panic!("{} records", holdings.records.len()) };
    assert_eq!(holding.certificate_number.as_deref(), Some("JY91500000MA0000015Q"));
    let names: Vec<_> = holding.holders.iter().map(|holder| holder.name.as_deref()).collect();
    assert_eq!(names, [Some("样例甲有限公司"), Some("样例乙有限公司")]);
    assert_eq!(holding.state, ResultState::InForce);
    assert_eq!(holding.valid_from, Some(Term::On(date(2024, 3, 1))));
    assert_eq!(holding.valid_to, Some(Term::LongTerm));
    assert_eq!(holding.fields.get("months"), Some(&FieldValue::Integer(36)));
    assert_eq!(adapter.check_health().await, Ok(()));
}

async fn gives_no_record_as_empty(adapter: &dyn Adapter, department: &dyn Fixture) {
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    let holdings = ask(adapter, SUBJECTS[1]).await;
    assert!(holdings.records.is_empty() && !holdings.more);
}

async fn says_when_there_are_more(adapter: &dyn Adapter, department: &dyn Fixture) {
    for (held, more) in [(2, false), (ROWS_MAX, false), (ROWS_MAX + 1, true), (ROWS_MAX + 7, true)] {
        let number = |i| Record { certificate_number: format!("JY{i}"), ..Record::of(SUBJECTS[0]) };
        department.hold(&(0..held).map(number).collect::<Vec<_>>()).await;
        let holdings = ask(adapter, SUBJECTS[0]).await;
        assert_eq!((holdings.records.len(), holdings.more), (held.min(ROWS_MAX), more), "{held} are held");
    }
}

async fn refuses_what_does_not_fit(adapter: &dyn Adapter, department: &dyn Fixture) {
    // What does not fit; the word `canary` is in each value and must be in no error.
    let record = || Record::of(SUBJECTS[0]);
    let canary = || "canary".to_owned();
    let wrong = [
        ("code", Record { state: canary(), ..record() }),
        ("absent code", Record { state: String::new(), ..record() }),
        ("date", Record { valid_to: canary(), ..record() }),
        ("date without a digit", Record { valid_from: "2024031".into(), ..record() }),
        ("number", Record { months: canary(), ..record() }),
        ("control character", Record { certificate_number: "canary\u{1}".into(), ..record() }),
        ("direction mark", Record { holders: "canary\u{202E}".into(), ..record() }),
        ("length", Record { certificate_number: "canary".repeat(20_000), ..record() }),
    ];
    for (what, record) in wrong {
        department.hold(&[Record::of(SUBJECTS[1]), record]).await;
        let error = adapter.look_up(&lookup("licence", SUBJECTS[0])).await.expect_err(what);
        assert!(matches!(error, AdapterError::Malformed { .. }), "{what}: {error}");
        assert!(!format!("{error} {error:?} {adapter:?}").contains("canary"), "{what}: {error}");
        assert_eq!(ask(adapter, SUBJECTS[1]).await.records.len(), 1, "{what} spoils only its own answer");
    }
}

async fn binds_hostile_text_as_values(adapter: &dyn Adapter, department: &dyn Fixture) {
    let hostile = [
        "' OR 1=1 --",
        "\" OR \"\"=\"",
        "%",
        "*",
        "_%",
        "1; DROP TABLE licence",
        "' UNION SELECT * FROM licence --",
        ":subject_number",
        "</a><b>",
        "{{x}}",
        "${x}",
        "../../x",
        "\\",
    ];
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    for text in hostile {
        let value = PersonalText::parse(text, 200).expect("hostile, but text");
        let plain = lookup("licence", SUBJECTS[0]);
        let by_name = Lookup { subject_name: Some(value.clone()), ..plain.clone() };
        let by_number = Lookup { certificate_number: Some(value.clone()), ..plain.clone() };
        for lookup in [by_name, by_number] {
            let holdings = adapter.look_up(&lookup).await.expect("hostile text is only text");
            assert!(holdings.records.is_empty(), "{text} finds nothing");
            assert!(!format!("{lookup:?} {holdings:?}").contains(text), "Debug shows {text}");
        }
        let in_reason = Lookup { reason: value, ..plain };
        assert_eq!(adapter.look_up(&in_reason).await.expect("hostile text is only text").records.len(), 1);
    }
    assert_eq!(ask(adapter, SUBJECTS[0]).await.records.len(), 1, "the record is still there");
}

async fn keeps_answers_apart(adapter: &dyn Adapter, department: &dyn Fixture) {
    department.hold(&SUBJECTS.map(Record::of)).await;
    // At most as many at once as every declaration of the suite allows to wait.
    let asked: Vec<&str> = SUBJECTS.into_iter().cycle().take(8).collect();
    for _ in 0..25 {
        let answers = futures::future::join_all(asked.iter().map(|subject| ask(adapter, subject))).await;
        for (subject, holdings) in asked.iter().zip(answers) {
            let numbers: Vec<_> = holdings.records.iter().map(|holding| holding.certificate_number.clone()).collect();
            assert_eq!(numbers, [Some(format!("JY{subject}"))]);
        }
    }
}

async fn stops_when_dropped(adapter: &dyn Adapter, department: &dyn Fixture) {
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    let endless = lookup("endless", SUBJECTS[0]);
    for _ in 0..25 {
        // More than any fixture may ask at once: were they still at work, nobody would get a turn afterwards. They are
        // abandoned while they wait, while they begin and while they run.
        let abandon = |i: u64| tokio::time::timeout(Duration::from_micros(100 * i), adapter.look_up(&endless));
        futures::future::join_all((0..40).map(abandon)).await;
        assert_eq!(ask(adapter, SUBJECTS[0]).await.records.len(), 1);
    }
}

async fn recovers(adapter: &dyn Adapter, department: &dyn Fixture) {
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    for _ in 0..2 {
        assert_eq!(ask(adapter, SUBJECTS[0]).await.records.len(), 1);
        department.stop().await;
        let down = adapter.look_up(&lookup("licence", SUBJECTS[0])).await;
        assert_eq!(down, Err(AdapterError::Unavailable), "down is not `no record`");
        assert_eq!(adapter.check_health().await, Err(AdapterError::Unavailable));
        department.start().await;
    }
    assert_eq!(ask(adapter, SUBJECTS[0]).await.records.len(), 1);
}

async fn refuses_what_is_not_declared(adapter: &dyn Adapter) {
    let unknown = adapter.look_up(&lookup("not-declared", SUBJECTS[0])).await;
    assert!(matches!(unknown, Err(AdapterError::Misconfigured { .. })));
}

/// A look-up that is never answered ends at the caller's deadline or at the declared one, whichever comes first, and
/// the department can be asked afterwards.
pub async fn ends_at_the_deadline(adapter: &dyn Adapter, department: &dyn Fixture, declared: Duration) {
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    for deadline in [declared / 4, declared * 100] {
        let endless = Lookup { deadline, ..lookup("endless", SUBJECTS[0]) };
        let ended =
            tokio::time::timeout(declared.min(deadline) + Duration::from_secs(2), adapter.look_up(&endless)).await;
        assert_eq!(ended.expect("it ends near its deadline"), Err(AdapterError::Timeout));
        assert_eq!(ask(adapter, SUBJECTS[0]).await.records.len(), 1);
    }
}
