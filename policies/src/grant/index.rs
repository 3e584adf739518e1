use std::collections::HashMap;
use std::sync::Arc;

use heyan_proto::vocabulary::{DepartmentId, ResultTypeId};

use super::{Grant, GrantStanding};
use crate::request::AccessRequest;

/// Grants by requester and result type, so that a question looks at its own only.
#[derive(Debug, Default)]
pub(crate) struct GrantIndex(HashMap<DepartmentId, HashMap<ResultTypeId, Vec<Arc<Grant>>>>);

impl GrantIndex {
    pub(crate) fn new(grants: Vec<Grant>) -> Self {
        let mut index = Self::default();
        for grant in grants.into_iter().map(Arc::new) {
            let of_requester = index.0.entry(grant.requester.clone()).or_default();
            for result_type in &grant.result_types {
                of_requester.entry(result_type.clone()).or_default().push(Arc::clone(&grant));
            }
        }
        index
    }

    /// The first grant that covers the request, or else how the nearest one stands.
    pub(crate) fn standing(&self, request: &AccessRequest<'_>) -> GrantStanding {
        let grants = self.0.get(request.requester).and_then(|types| types.get(request.result_type));
        let mut nearest = GrantStanding::None;
        for grant in grants.into_iter().flatten() {
            match GrantStanding::of(grant, request) {
                live @ GrantStanding::Live(_) => return live,
                other => nearest = nearest.min(other),
            }
        }
        nearest
    }
}
