//! `scenarios/*.toml`: who asks what, for which item, and what is decided by which policy.

use std::collections::BTreeSet;

use heyan_policies::{Action, Condition, Decision, DenialCause, GrantStanding};
use heyan_proto::document::{self, Table};
use heyan_proto::identifier::SubjectKind;
use heyan_proto::vocabulary::{DepartmentId, FieldName, PolicyId, ResultTypeId};
use jiff::civil::Date;

use crate::city::{City, Question, files, list, read, word};

struct Scenario {
    name: String,
    requester: DepartmentId,
    action: Action,
    result_type: ResultTypeId,
    item: String,
    fields: Vec<FieldName>,
    subject_kind: SubjectKind,
    case_number: bool,
    on: Option<Date>,
    expect: &'static str,
    policies: Vec<PolicyId>,
    /// The conditions that are not met, of a question that is not permitted.
    unmet: Vec<Condition>,
    /// How the grant stands, of a conditional question.
    grant: Option<String>,
    /// The exception that is cited.
    exception: Option<PolicyId>,
}

#[test]
fn scenarios_are_decided_as_they_say() {
    let city = City::open();
    let mut wrong = Vec::new();
    let mut decisive = BTreeSet::new();
    for file in files("scenarios", "toml") {
        let scenarios =
            document::read(&file, &read(&file), read_file).unwrap_or_else(|problems| panic!("\n{problems}"));
        for scenario in scenarios {
            decisive.extend(scenario.policies.iter().cloned());
            wrong.extend(play(&city, &scenario).err().map(|found| format!("{file}: {}: {found}", scenario.name)));
        }
    }
    // A policy that decides in no scenario is one that nobody has seen at work.
    let unseen = city.policies.iter().filter(|id| !decisive.contains(*id));
    wrong.extend(unseen.map(|id| format!("policy `{id}` decides in no scenario")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Plays one scenario; whatever it does not state counts as wrong.
fn play(city: &City, scenario: &Scenario) -> Result<(), String> {
    if !city.result_types.contains_key(&scenario.result_type) || !city.items.contains_key(&scenario.item) {
        return Err("unknown result type or item".into());
    }
    let mut fields = scenario.fields.clone();
    fields.sort();
    let decision = city.decide(&Question {
        requester: &scenario.requester,
        action: scenario.action,
        result_type: &scenario.result_type,
        item: &scenario.item,
        fields: &fields,
        subject_kind: scenario.subject_kind,
        case_number: scenario.case_number,
        today: scenario.on.unwrap_or(city.today),
    });
    let policies = match &decision {
        Decision::Permitted(permit) => permit.policies(),
        Decision::Refused(denial) => &denial.policies,
    };
    let (mut unmet, mut grant, mut exception) = (Vec::new(), None, None);
    match &decision {
        Decision::Permitted(permit) => grant = permit.grant().map(|id| format!("live {id}")),
        Decision::Refused(denial) => match &denial.cause {
            DenialCause::Exception(facts) => exception = Some(facts.id.clone()),
            DenialCause::GrantRequired(standing) => grant = Some(say(standing)),
            DenialCause::NotPermitted(conditions) => unmet.clone_from(conditions),
        },
    }
    let found = (word(&decision), policies, &unmet, &grant, &exception);
    let expected = (scenario.expect, &scenario.policies[..], &scenario.unmet, &scenario.grant, &scenario.exception);
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}

fn say(standing: &GrantStanding) -> String {
    match standing.grant() {
        Some(id) => format!("{} {id}", standing.as_str()),
        None => standing.as_str().into(),
    }
}

fn read_file(root: &mut Table<'_>) -> Option<Vec<Scenario>> {
    let scenarios: Vec<_> = root.tables("scenario")?.into_iter().map(read_scenario).collect();
    root.integer("schema", 1..=1)?;
    scenarios.into_iter().collect()
}

fn read_scenario(mut table: Table<'_>) -> Option<Scenario> {
    let words = ["permitted", "exception", "grant_required", "not_permitted"].map(|word| (word, word));
    let name = table.text("name");
    let requester = table.parse("requester", DepartmentId::parse);
    let action = table.one_of("action", &Action::ALL.map(|action| (action.as_str(), action)));
    let result_type = table.parse("result_type", ResultTypeId::parse);
    let item = table.text("item");
    let fields = list(&mut table, "fields", FieldName::parse);
    let subject_kind = table.optional_one_of("subject_kind", &SubjectKind::ALL.map(|kind| (kind.as_str(), kind)));
    let case_number = table.optional_flag("case_number");
    let on = table.optional_date("on");
    let expect = table.one_of("expect", &words);
    let policies = list(&mut table, "policies", PolicyId::parse);
    let unmet = list(&mut table, "unmet", |word| {
        Condition::ALL.into_iter().find(|condition| condition.as_str() == word).ok_or("is no condition")
    });
    let grant = table.optional_text("grant");
    let exception = table.optional_parse("exception", PolicyId::parse);
    Some(Scenario {
        name: name?.into_inner(),
        requester: requester?.into_inner(),
        action: action?.into_inner(),
        result_type: result_type?.into_inner(),
        item: item?.into_inner(),
        fields: fields?,
        subject_kind: subject_kind?.map_or(SubjectKind::CitizenNumber, document::Located::into_inner),
        case_number: case_number?.is_none_or(document::Located::into_inner),
        on: on?.map(document::Located::into_inner),
        expect: expect?.into_inner(),
        policies: policies?,
        unmet: unmet?,
        grant: grant?.map(document::Located::into_inner),
        exception: exception?.map(document::Located::into_inner),
    })
}
