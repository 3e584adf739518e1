use std::borrow::Cow;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use heyan_proto::identifier::SubjectNumber;
use heyan_proto::vocabulary::{DepartmentId, PersonalText, ResultTypeId};
use jiff::civil::Date;

use crate::{AdapterError, Holdings, Input};

/// A way to ask one department. Kinds (how a department is reached) and guards (what protects it and us) both
/// implement it, and all of them pass the contract suite of this crate.
///
/// The contract:
/// - Empty [`Holdings`] mean that the department was asked and holds no such record. Every doubt is an
///   [`AdapterError`]; trouble is never "no record".
/// - Nothing of a look-up is sent but [`Lookup::value`] of the declaration's inputs, the trace context and, where
///   [`Source::sends_requester_credentials`](crate::Source::sends_requester_credentials) says so, the requester's
///   credentials: answers are used again for every question that sends the same.
/// - Every input is bound as a value. No text of a question becomes part of a query, a path or a header.
/// - Values that do not fit the declaration are [`AdapterError::Malformed`], naming the column and never the value.
/// - Calls may run at the same time and never see each other's answers.
/// - Dropping the future ends the work for it.
/// - Nothing personal is logged, traced, or shown by `Debug` or by an error.
#[async_trait]
pub trait Adapter: Send + Sync + Debug {
    /// What the department holds that fits the look-up.
    ///
    /// # Errors
    /// [`AdapterError`] where there is no answer that can be relied on.
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError>;

    /// Whether the department could be asked now. Asks about nobody.
    ///
    /// # Errors
    /// What a look-up would probably meet: unreachable, or a declaration that does not fit.
    async fn check_health(&self) -> Result<(), AdapterError>;
}

/// One look-up at a department: typed inputs, which a kind sends as values only.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// What kind of result.
    pub result_type: ResultTypeId,
    /// Whose result.
    pub subject: SubjectNumber,
    /// Their name, where the question gives one.
    pub subject_name: Option<PersonalText>,
    /// 证照编号, where the question gives one.
    pub certificate_number: Option<PersonalText>,
    /// The day for which the question is asked.
    pub as_of: Date,
    /// 申请事由: why it is asked.
    pub reason: PersonalText,
    /// The human behind the call.
    pub official: OfficialOnCall,
    /// The department that asks.
    pub requester: DepartmentId,
    /// How long the caller still waits.
    pub deadline: Duration,
    /// The W3C trace context, for departments that take one.
    pub traceparent: Option<String>,
}

impl Lookup {
    /// What is sent for an input; `None` where the question does not give it.
    pub fn value(&self, input: Input) -> Option<Cow<'_, str>> {
        Some(match input {
            Input::SubjectNumber => self.subject.expose().into(),
            Input::SubjectKind => self.subject.kind().as_str().into(),
            Input::SubjectName => self.subject_name.as_ref()?.expose().into(),
            Input::CertificateNumber => self.certificate_number.as_ref()?.expose().into(),
            Input::AsOf => self.as_of.to_string().into(),
            Input::Reason => self.reason.expose().into(),
            Input::Requester => self.requester.as_str().into(),
            Input::OfficialId => self.official.id.expose().into(),
            Input::OfficialName => self.official.name.expose().into(),
            Input::OfficialUnit => self.official.unit.expose().into(),
            Input::OfficialTerminal => self.official.terminal.expose().into(),
        })
    }
}

/// The official (经办人) on whose behalf a department is asked; some departments demand this with every call.
#[derive(Debug, Clone)]
pub struct OfficialOnCall {
    /// Their id at the requesting department.
    pub id: PersonalText,
    /// Their name.
    pub name: PersonalText,
    /// Their unit.
    pub unit: PersonalText,
    /// The terminal or address that they work from.
    pub terminal: PersonalText,
}
