use cedar_policy::Entity;
use heyan_proto::identifier::{ItemCode, SubjectKind};
use heyan_proto::vocabulary::{DepartmentId, Disclosure, FieldName, ResultTypeId, SharingClass};
use jiff::civil::date;

use super::cedar::{Asked, Words, entities};
use super::{AccessRequest, Action};
use crate::bundle::PolicyBundle;
use crate::error::PolicyError;

pub(crate) const ITEM: &str = "11500000MB0000027A2000131001001";

/// What a request borrows.
pub(crate) struct Facts {
    pub(crate) requester: DepartmentId,
    provider: DepartmentId,
    pub(crate) result_type: ResultTypeId,
    item: ItemCode,
    fields: Vec<FieldName>,
}

impl Facts {
    pub(crate) fn new() -> Self {
        Self {
            requester: DepartmentId::parse("requester").unwrap(),
            provider: DepartmentId::parse("provider").unwrap(),
            result_type: ResultTypeId::parse("result").unwrap(),
            item: ItemCode::parse(ITEM).unwrap(),
            fields: vec![FieldName::parse("valid_to").unwrap()],
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut facts = Self::new();
        facts.requester = DepartmentId::parse(name).unwrap();
        facts.result_type = ResultTypeId::parse(name).unwrap();
        facts
    }

    /// A request that meets every condition.
    pub(crate) fn request(&self) -> AccessRequest<'_> {
        AccessRequest {
            action: Action::Verify,
            requester: &self.requester,
            requester_registered: true,
            provider: &self.provider,
            result_type: &self.result_type,
            sharing: SharingClass::Unconditional,
            disclosure: Disclosure::Fields,
            subject_kind: SubjectKind::CreditCode,
            item: &self.item,
            item_in_force: true,
            item_needs_result: true,
            item_accepted_by_requester: true,
            has_case_number: true,
            fields: &self.fields,
            today: date(2026, 11, 23),
        }
    }
}

fn words() -> Words {
    Words::new(PolicyBundle::load::<&str, &str>(&[], date(2026, 11, 23)).unwrap().schema)
}

#[test]
fn every_fact_in_the_context_is_required_and_typed() {
    let (words, facts) = (words(), Facts::new());
    let request = facts.request();
    let whole = words.context(&request, None);
    assert_eq!(whole.len(), 12);
    for gap in 0..whole.len() {
        let mut context = words.context(&request, None);
        let (missing, _) = context.remove(gap);
        let found = Asked::from_parts(&words, &request, context, entities(&words, &request));
        assert!(matches!(found, Err(PolicyError::Request(_))), "without `{missing}`: {found:?}");
        let mut context = words.context(&request, None);
        context[gap].1 = cedar_policy::RestrictedExpression::new_record([]).unwrap();
        let found = Asked::from_parts(&words, &request, context, entities(&words, &request));
        assert!(matches!(found, Err(PolicyError::Request(_))), "`{missing}` of another type: {found:?}");
    }
    assert!(Asked::new(&words, &request, None).is_ok());
}

#[test]
fn entities_must_fit_the_schema() {
    let (words, facts) = (words(), Facts::new());
    let request = facts.request();
    let mut odd = entities(&words, &request);
    odd.push(Entity::with_uid(r#"Person::"somebody""#.parse().unwrap()));
    let found = Asked::from_parts(&words, &request, words.context(&request, None), odd);
    assert!(matches!(found, Err(PolicyError::Entities(_))), "{found:?}");
}

#[test]
fn nothing_is_asked_without_the_entities_of_principal_and_resource() {
    let (words, facts) = (words(), Facts::new());
    let request = facts.request();
    for (absent, what) in [(r#"Department::"requester""#, "principal"), (r#"ResultType::"result""#, "resource")] {
        let mut entities = entities(&words, &request);
        entities.retain(|entity| entity.uid() != absent.parse().unwrap());
        assert_eq!(entities.len(), 2);
        let found = Asked::from_parts(&words, &request, words.context(&request, None), entities);
        assert_eq!(found.unwrap_err(), PolicyError::AbsentEntity(what));
    }
}

#[test]
fn a_department_may_ask_itself() {
    let (words, facts) = (words(), Facts::new());
    let mut request = facts.request();
    request.requester = request.provider;
    assert!(Asked::new(&words, &request, None).is_ok());
}
