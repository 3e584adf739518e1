use std::sync::Arc;

use cedar_policy::{Effect, Policy, ResourceConstraint};
use heyan_proto::document::Problems;
use heyan_proto::vocabulary::{DepartmentId, LegalBasis, LegalKind, Localized, PlainText, PolicyId};
use jiff::civil::Date;
use miette::Diagnostic;

use super::Named;
use super::source::Statement;
use crate::exception::ExceptionFacts;
use crate::slice::Scope;

const BASE: [&str; 3] = ["id", "title_zh", "title_en"];
const EXCEPTION: [&str; 9] =
    ["id", "title_zh", "title_en", "legal_basis", "legal_kind", "owner", "review_by", "remedy_zh", "remedy_en"];
const TEXT_CHARACTERS_MAX: usize = 300;

/// A policy of the product itself.
pub(super) fn read_base(statement: &Statement<'_>, problems: &mut Problems) -> Option<Named> {
    let policy = parse(statement, problems)?;
    let annotations = Annotations::new(statement, &policy, &BASE, problems)?;
    let id = annotations.name("id", PolicyId::parse, problems);
    let title = annotations.localized(["title_zh", "title_en"], problems);
    named(statement, &policy, id?, title?, None, problems)
}

/// A department's exception: a `forbid` over its own result types, with everything that the law wants known about it.
pub(super) fn read_exception(statement: &Statement<'_>, today: Date, problems: &mut Problems) -> Option<Named> {
    let policy = parse(statement, problems)?;
    if policy.effect() == Effect::Permit {
        let help = "only `base/share.cedar` permits; write a `forbid`, or a grant in `grants/`".into();
        problems.push(statement.place.problem("a department's file may contain `forbid` policies only", Some(help)));
        return None;
    }
    if matches!(policy.resource_constraint(), ResourceConstraint::Any | ResourceConstraint::Is(_)) {
        let help = r#"write `resource == ResultType::"…"`, or `resource in Department::"…"` for all that the department provides"#;
        problems.push(statement.place.problem("an exception must name what it withholds", Some(help.into())));
        return None;
    }
    let annotations = Annotations::new(statement, &policy, &EXCEPTION, problems)?;
    let id = annotations.name("id", PolicyId::parse, problems);
    let title = annotations.localized(["title_zh", "title_en"], problems);
    let citation = annotations.text("legal_basis", problems);
    let kind = annotations.legal_kind(problems);
    let owner = annotations.name("owner", DepartmentId::parse, problems);
    let review_by = annotations.review_by(today, problems);
    let remedy = annotations.localized(["remedy_zh", "remedy_en"], problems);
    let (id, title) = (id?, title?);
    let facts = ExceptionFacts {
        id: id.clone(),
        title: title.clone(),
        legal_basis: LegalBasis { kind: kind?, citation: citation? },
        owner: owner?,
        review_by: review_by?,
        remedy: remedy?,
    };
    named(statement, &policy, id, title, Some(Arc::new(facts)), problems)
}

fn named(
    statement: &Statement<'_>,
    policy: &Policy,
    id: PolicyId,
    title: Localized,
    exception: Option<Arc<ExceptionFacts>>,
    problems: &mut Problems,
) -> Option<Named> {
    let policy = policy.new_id(cedar_policy::PolicyId::new(id.as_str()));
    match Scope::of(&policy) {
        Ok(scope) => Some(Named { id, title, policy, scope, exception, place: statement.place.clone() }),
        Err(message) => {
            problems.push(statement.place.problem(message, None));
            None
        }
    }
}

fn parse(statement: &Statement<'_>, problems: &mut Problems) -> Option<Policy> {
    let errors = match Policy::parse(None, statement.text) {
        Ok(policy) => return Some(policy),
        Err(errors) => errors,
    };
    for error in errors.iter() {
        let offset = error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
        let help = error.help().map(|help| help.to_string());
        problems.push(statement.place.later(offset).problem(one_line(&error.to_string()), help));
    }
    None
}

/// Cedar's messages may quote the text that they are about; a message stays one line of bounded length.
pub(super) fn one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

/// The annotations of one policy, all of them known and none missing.
struct Annotations<'s> {
    statement: &'s Statement<'s>,
    policy: &'s Policy,
}

impl<'s> Annotations<'s> {
    fn new(statement: &'s Statement<'s>, policy: &'s Policy, known: &[&str], problems: &mut Problems) -> Option<Self> {
        for (key, _) in policy.annotations().filter(|(key, _)| !known.contains(key)) {
            let help = format!("known here: `@{}`", known.join("`, `@"));
            problems.push(statement.place_of(key).problem(format!("unknown annotation `@{key}`"), Some(help)));
        }
        let missing: Vec<_> = known.iter().filter(|key| policy.annotation(key).is_none()).collect();
        for key in &missing {
            let help = format!("write `@{key}(\"…\")` before the policy");
            problems.push(statement.place.problem(format!("missing annotation `@{key}`"), Some(help)));
        }
        missing.is_empty().then_some(Self { statement, policy })
    }

    fn raw(&self, key: &str) -> &str {
        self.policy.annotation(key).expect("`new` found every known annotation")
    }

    fn wrong(&self, key: &str, error: impl std::fmt::Display, help: Option<&str>, problems: &mut Problems) {
        let place = self.statement.place_of(key);
        problems.push(place.problem(format!("`@{key}` {error}"), help.map(str::to_owned)));
    }

    fn name<T, E: std::fmt::Display>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        problems: &mut Problems,
    ) -> Option<T> {
        parse(self.raw(key)).map_err(|error| self.wrong(key, error, None, problems)).ok()
    }

    fn text(&self, key: &str, problems: &mut Problems) -> Option<PlainText> {
        self.name(key, |text| PlainText::parse(text, TEXT_CHARACTERS_MAX), problems)
    }

    fn localized(&self, [zh, en]: [&str; 2], problems: &mut Problems) -> Option<Localized> {
        let (zh, en) = (self.text(zh, problems), self.text(en, problems));
        Some(Localized { zh: zh?.as_str().into(), en: en?.as_str().into() })
    }

    fn legal_kind(&self, problems: &mut Problems) -> Option<LegalKind> {
        let word = self.raw("legal_kind");
        let found = LegalKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        if found.is_none() {
            // Decree 809, article 14: local rules and ministry rules cannot stop sharing.
            let help =
                "write `law`, `administrative_regulation` or `state_council_decision`; no other norm can stop sharing";
            self.wrong("legal_kind", "is no kind of norm that can stop sharing", Some(help), problems);
        }
        found
    }

    fn review_by(&self, today: Date, problems: &mut Problems) -> Option<Date> {
        let Ok(date) = self.raw("review_by").parse::<Date>() else {
            self.wrong("review_by", "is no date", Some("write a date such as 2027-06-30"), problems);
            return None;
        };
        if date < today {
            let help = "review the exception: remove it, or give it a new date";
            self.wrong("review_by", format!("has passed: {date}"), Some(help), problems);
            return None;
        }
        Some(date)
    }
}
