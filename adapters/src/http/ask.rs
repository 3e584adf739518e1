use std::collections::BTreeSet;

use heyan_proto::document::Table;
use reqwest::StatusCode;

use super::question::Question;
use super::reply::ReplyForm;
use crate::AdapterError;
use crate::declaration::Input;
use crate::mapping::Row;

/// How a result type is looked up over HTTP: what is said, and how the reply is read.
#[derive(Debug, Clone)]
pub(crate) struct HttpAsk {
    pub(super) question: Question,
    pub(super) reply: ReplyForm,
    inputs: BTreeSet<Input>,
}

impl HttpAsk {
    /// Reads `[result_type.lookup]`.
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let question = Question::read(table);
        let reply = ReplyForm::read(table);
        let (question, inputs) = question?;
        Some(Self { question, reply: reply?, inputs })
    }

    pub(crate) fn inputs(&self) -> &BTreeSet<Input> {
        &self.inputs
    }

    /// Reads the reply of an example: its text, and its status where that is not 200.
    pub(crate) fn read_example(&self, table: &mut Table<'_>) -> Option<Result<Vec<Box<dyn Row>>, AdapterError>> {
        let text = table.text("reply");
        let status = table.optional_integer("status", 200..=599);
        let status = status?.and_then(|status| StatusCode::from_u16(u16::try_from(*status).ok()?).ok());
        let answer = self.reply.answer(status.unwrap_or(StatusCode::OK), &text?);
        let boxed = |record| Box::new(record) as Box<dyn Row>;
        Some(answer.map(|answer| answer.records.into_iter().map(boxed).collect()))
    }
}
