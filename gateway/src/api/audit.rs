//! `AuditService`: proofs of what is recorded, for auditors.

use heyan_proto::reason::Reason;
use heyan_proto::v1;
use heyan_proto::v1::audit_service_server::AuditService;
use heyan_proto::vocabulary::Localized;
use tonic::{Request, Response, Status};

use super::{Edge, error};
use crate::audit::{Audit, BodyState, Entry, ProveError};
use crate::identity::Role;

#[derive(Debug)]
pub(super) struct AuditApi {
    audit: Audit,
}

impl AuditApi {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit }
    }
}

#[tonic::async_trait]
impl AuditService for AuditApi {
    async fn get_entry(&self, request: Request<v1::GetEntryRequest>) -> Result<Response<v1::GetEntryResponse>, Status> {
        let edge = auditor(&request)?;
        let found = self.audit.entry(request.into_inner().index).await;
        let found = found.map_err(|error| unproved(&error, &Fields { known: "index", size: "" }, &edge))?;
        Ok(Response::new(entry(found)))
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let edge = auditor(&request)?;
        let head = self.audit.head(request.into_inner().origin.as_deref()).await;
        let head = head.map_err(|error| unproved(&error, &Fields { known: "origin", size: "" }, &edge))?;
        Ok(Response::new(v1::GetCheckpointResponse {
            checkpoint: head.note,
            origin: head.origin,
            size: head.size,
            root_hash: head.root.to_vec(),
            first_index: head.first,
        }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        let edge = auditor(&request)?;
        let v1::GetInclusionProofRequest { index, tree_size } = request.into_inner();
        let proof = self.audit.inclusion(index, tree_size).await;
        let proof = proof.map_err(|error| unproved(&error, &Fields { known: "index", size: "tree_size" }, &edge))?;
        // Whoever names no size has no checkpoint of it.
        let checkpoint = if tree_size.is_none() { proof.head.note } else { String::new() };
        Ok(Response::new(v1::GetInclusionProofResponse {
            origin: proof.head.origin,
            leaf_index: proof.place,
            tree_size: proof.size,
            leaf_hash: proof.leaf_hash.to_vec(),
            hashes: proof.hashes.iter().map(|hash| hash.to_vec()).collect(),
            checkpoint,
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let edge = auditor(&request)?;
        let v1::GetConsistencyProofRequest { origin, from_size, to_size } = request.into_inner();
        let hashes = self.audit.consistency(&origin, from_size, to_size).await;
        let hashes = hashes.map_err(|error| unproved(&error, &Fields { known: "origin", size: "to_size" }, &edge))?;
        Ok(Response::new(v1::GetConsistencyProofResponse { hashes: hashes.iter().map(|hash| hash.to_vec()).collect() }))
    }
}

/// The edge of a call by a person who may audit; everybody else is refused before anything is looked at.
fn auditor<T>(request: &Request<T>) -> Result<Edge, Status> {
    let edge = Edge::of(request);
    if edge.caller.has_role(Role::Auditor) {
        Ok(edge)
    } else {
        Err(error::plain(Reason::RoleRequired, edge.decision.as_uuid(), edge.language))
    }
}

fn entry(of: Entry) -> v1::GetEntryResponse {
    let (body, erased_under) = match of.body {
        BodyState::Present => (v1::EntryBody::Present, None),
        BodyState::ErasedUnder(index) => (v1::EntryBody::Erased, Some(index)),
        BodyState::PastRetention => (v1::EntryBody::PastRetention, None),
        BodyState::None => (v1::EntryBody::None, None),
    };
    let entry = v1::AuditEntry {
        index: of.index,
        leaf: of.leaf,
        leaf_hash: of.leaf_hash.to_vec(),
        body: body.into(),
        erased_under,
    };
    v1::GetEntryResponse { entry: Some(entry), proof: of.proof }
}

/// The fields of a request that an error can be about.
struct Fields {
    /// That which names an entry or a shard.
    known: &'static str,
    size: &'static str,
}

fn unproved(error: &ProveError, fields: &Fields, edge: &Edge) -> Status {
    let (reason, field, expected) = match error {
        ProveError::Unknown { entries } => (Reason::EntryUnknown, fields.known, below(*entries)),
        ProveError::Origin => (Reason::OriginUnknown, fields.known, origin()),
        ProveError::OldSize { sizes } => (Reason::TreeSizeUnfit, "from_size", between(*sizes.start(), *sizes.end())),
        ProveError::Size { sizes } => (Reason::TreeSizeUnfit, fields.size, between(*sizes.start(), *sizes.end())),
        ProveError::Audit(error) => return error::unrecorded(error, edge.decision.as_uuid(), edge.language),
    };
    error::about(reason, field, &expected, edge.decision.as_uuid(), edge.language)
}

fn below(entries: u64) -> Localized {
    Localized {
        zh: format!("应小于 {entries}，即已有的留痕条数"),
        en: format!("must be below {entries}, the number of entries"),
    }
}

fn origin() -> Localized {
    Localized {
        zh: "应为检查点的首行，例如 sample-city.example/audit/2026q4".into(),
        en: "must be the first line of a checkpoint, as in sample-city.example/audit/2026q4".into(),
    }
}

fn between(least: u64, most: u64) -> Localized {
    Localized { zh: format!("应为 {least} 至 {most}"), en: format!("must be {least} to {most}") }
}
