//! The only place that asks departments, and only with a permit and a durable intent.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use heyan_adapters::{Adapter, AdapterError, DepartmentDeclaration, Holdings, Lookup, connect};
use heyan_policies::Permit;
use heyan_proto::vocabulary::{DepartmentId, UndeterminedCause};

use crate::audit::Intent;
use crate::directory::{Directory, Question};

/// The departments, connected as the directory declares them.
#[derive(Debug)]
pub struct Departments {
    city: PathBuf,
    connected: ArcSwap<HashMap<DepartmentId, Connected>>,
}

/// One department. Its adapter is kept as long as its declaration is, so that a reload of others leaves its connections
/// and limits alone.
#[derive(Debug, Clone)]
struct Connected {
    declaration: Arc<DepartmentDeclaration>,
    adapter: Arc<dyn Adapter>,
}

impl Departments {
    /// No department is connected yet. Paths in declarations are relative to the city folder.
    pub fn new(city: PathBuf) -> Self {
        Self { city, connected: ArcSwap::default() }
    }

    /// Connects what the directory declares; departments whose declaration is unchanged are left alone.
    pub fn reconnect(&self, directory: &Directory) {
        let before = self.connected.load();
        let connected = directory.declarations().filter_map(|declaration| {
            let id = declaration.department.id.clone();
            let kept = before.get(&id).filter(|kept| Arc::ptr_eq(&kept.declaration, declaration));
            let connected = match kept {
                Some(kept) => kept.clone(),
                // A department that issues nothing has nothing to connect.
                None => Connected { declaration: Arc::clone(declaration), adapter: connect(declaration, &self.city)? },
            };
            Some((id, connected))
        });
        self.connected.store(Arc::new(connected.collect()));
    }

    /// Asks the provider for what it holds that fits the question, for at most `deadline`.
    ///
    /// # Errors
    /// [`AdapterError`] where there is no answer that can be relied on; never "no record".
    pub(crate) async fn ask(
        &self,
        permit: &Permit,
        intent: &Intent,
        question: &Question,
        deadline: Duration,
        traceparent: Option<String>,
    ) -> Result<Holdings, AdapterError> {
        let lookup = Lookup {
            result_type: permit.result_type().clone(),
            subject: question.subject.clone(),
            subject_name: question.subject_name.clone(),
            certificate_number: question.certificate_number.clone(),
            as_of: question.as_of,
            reason: question.purpose.reason.clone(),
            official: question.official.clone(),
            requester: permit.requester().clone(),
            deadline,
            traceparent,
        };
        // The directory of this question may be newer than the connections, for the moment of a reload.
        let connected = self.connected.load().get(permit.provider()).cloned();
        let adapter = connected.ok_or(AdapterError::Unavailable)?.adapter;
        // Said before it happens: whoever reads the log after a crash can hold every question against its intent.
        tracing::debug!(decision_id = %intent.receipt().decision(), department = %permit.provider(), "asking");
        adapter.look_up(&lookup).await
    }

    /// Each department, and whether it could be asked now.
    pub async fn check_health(&self) -> Vec<(DepartmentId, Result<(), AdapterError>)> {
        let mut health = Vec::new();
        for (id, connected) in self.connected.load_full().iter() {
            health.push((id.clone(), connected.adapter.check_health().await));
        }
        health.sort_by(|a, b| a.0.cmp(&b.0));
        health
    }
}

/// What the caller is told of a department that gave no answer.
pub(crate) fn cause_of(error: &AdapterError) -> UndeterminedCause {
    match error {
        AdapterError::Unavailable => UndeterminedCause::DepartmentDown,
        AdapterError::Timeout => UndeterminedCause::DepartmentTimeout,
        AdapterError::Busy => UndeterminedCause::DepartmentBusy,
        AdapterError::Malformed { .. } => UndeterminedCause::AnswerMalformed,
        AdapterError::Misconfigured { .. } => UndeterminedCause::DeclarationBroken,
    }
}
