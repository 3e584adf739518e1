//! The request and its entities in Cedar's terms, always built against the schema.

use std::str::FromStr;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema,
};

use super::{AccessRequest, Action};
use crate::condition::Condition;
use crate::error::PolicyError;
use crate::grant::GrantStanding;

/// The schema and the names of its entity types, parsed once.
#[derive(Debug)]
pub(crate) struct Words {
    schema: Schema,
    department: EntityTypeName,
    result_type: EntityTypeName,
    sharing: EntityTypeName,
    subject_kind: EntityTypeName,
    grant: EntityTypeName,
    actions: [EntityUid; 2],
}

impl Words {
    pub(crate) fn new(schema: Schema) -> Self {
        let name = |text| EntityTypeName::from_str(text).expect("a plain identifier names an entity type");
        let actions = Action::ALL.map(|action| uid(&name("Action"), action.as_str()));
        Self {
            schema,
            department: name("Department"),
            result_type: name("ResultType"),
            sharing: name("Sharing"),
            subject_kind: name("SubjectKind"),
            grant: name("GrantStanding"),
            actions,
        }
    }

    /// The context, in which every attribute of the schema is required.
    pub(super) fn context(
        &self,
        request: &AccessRequest<'_>,
        grant: Option<&GrantStanding>,
    ) -> Vec<(String, RestrictedExpression)> {
        let word = |kind, word| RestrictedExpression::new_entity_uid(uid(kind, word));
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let day = request.today;
        let day = (i64::from(day.year()) * 100 + i64::from(day.month())) * 100 + i64::from(day.day());
        let conditions = Condition::ALL.map(|condition| {
            (condition.as_str().to_owned(), RestrictedExpression::new_bool(condition.is_met(request)))
        });
        let facts = [
            ("sharing", word(&self.sharing, request.sharing.as_str())),
            ("grant", word(&self.grant, grant.map_or("not_needed", GrantStanding::as_str))),
            ("subject_kind", word(&self.subject_kind, request.subject_kind.as_str())),
            ("item", text(request.item.as_str())),
            ("fields", RestrictedExpression::new_set(request.fields.iter().map(|field| text(field.as_str())))),
            ("today", RestrictedExpression::new_long(day)),
        ];
        conditions.into_iter().chain(facts.map(|(key, value)| (key.to_owned(), value))).collect()
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

/// A question in Cedar's terms. It cannot be had without the entities of its principal and resource: over an absent entity
/// a forbid does not hold, and Cedar reports no error.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

impl Asked {
    pub(crate) fn new(
        words: &Words,
        request: &AccessRequest<'_>,
        grant: Option<&GrantStanding>,
    ) -> Result<Self, PolicyError> {
        Self::from_parts(words, request, words.context(request, grant), entities(words, request))
    }

    pub(super) fn from_parts(
        words: &Words,
        access: &AccessRequest<'_>,
        context: Vec<(String, RestrictedExpression)>,
        entities: Vec<Entity>,
    ) -> Result<Self, PolicyError> {
        let misfit = |error: &dyn std::fmt::Display| PolicyError::Request(error.to_string());
        let principal = uid(&words.department, access.requester.as_str());
        let resource = uid(&words.result_type, access.result_type.as_str());
        let action = words.actions[access.action as usize].clone();
        let entities = Entities::from_entities(entities, Some(&words.schema))
            .map_err(|error| PolicyError::Entities(error.to_string()))?;
        for (what, uid) in [("principal", &principal), ("resource", &resource)] {
            if entities.get(uid).is_none() {
                return Err(PolicyError::AbsentEntity(what));
            }
        }
        let context = Context::from_pairs(context).map_err(|error| misfit(&error))?;
        let request =
            Request::new(principal, action, resource, context, Some(&words.schema)).map_err(|error| misfit(&error))?;
        Ok(Self { request, entities })
    }
}

/// Requester, provider, and the result type as the provider's.
pub(super) fn entities(words: &Words, request: &AccessRequest<'_>) -> Vec<Entity> {
    let provider = uid(&words.department, request.provider.as_str());
    let result_type = uid(&words.result_type, request.result_type.as_str());
    let mut entities = vec![Entity::with_uid(provider.clone()), Entity::new_no_attrs(result_type, [provider].into())];
    if request.requester != request.provider {
        entities.push(Entity::with_uid(uid(&words.department, request.requester.as_str())));
    }
    entities
}
