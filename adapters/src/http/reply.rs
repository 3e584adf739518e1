//! How a department's reply is read: success, no record and error told by what is declared, and by nothing else.

use heyan_proto::document::{Located, Table, Value as Declared};
use heyan_proto::vocabulary::PlainText;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;

use super::json;
use super::path::JsonPath;
use crate::AdapterError;
use crate::declaration::{Column, Path};
use crate::exchange::trouble_of_status;
use crate::mapping::{self, Cell, Row};

/// The most values of one `equals`.
const EQUALS_MAX: usize = 64;

/// What of a reply means what.
#[derive(Debug, Clone)]
pub(super) struct ReplyForm {
    success: Option<Condition>,
    refused: Option<Condition>,
    no_record: Option<Condition>,
    no_record_status: Vec<StatusCode>,
    records: JsonPath,
    null_is_no_record: bool,
    absent_is_null: bool,
    total: Option<JsonPath>,
    updated_at: Option<JsonPath>,
}

/// Holds where the value at the path is one of these.
#[derive(Debug, Clone)]
struct Condition {
    path: JsonPath,
    equals: Vec<Value>,
}

/// What a reply says.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) records: Vec<JsonRecord>,
    /// The department holds more than these.
    pub(super) more: bool,
    pub(super) updated_at: Option<Timestamp>,
}

/// What a reply says, or that it says nothing since it refuses what it was asked with.
pub(super) enum Said {
    Answer(Answer),
    Refused(AdapterError),
}

/// One record of a reply.
pub(super) struct JsonRecord {
    object: Value,
    absent_is_null: bool,
}

impl ReplyForm {
    /// Reads what `[result_type.lookup]` says of replies.
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let success = Condition::read(table, "success");
        let refused = Condition::read(table, "refused");
        let no_record = Condition::read(table, "no_record");
        let no_record_status = read_statuses(table);
        let records = table.parse("records", JsonPath::parse);
        let null_is_no_record = table.optional_flag("null_is_no_record");
        let absent_is_null = table.optional_flag("absent_is_null");
        let total = read_path(table, "total");
        let updated_at = read_path(table, "updated_at");
        let (success, absent_is_null) = (success?, absent_is_null?.is_some_and(Located::into_inner));
        let records = records?;
        // Where a reply has room for a code, one that says "error" must not be read as a list that happens to be empty.
        let has_no_code = records.as_str() == "$[*]" || (records.as_str() == "$" && !absent_is_null);
        if success.is_none() && !has_no_code {
            let help = "write `success = { path = \"$.code\", equals = [0] }`";
            table.problem_at(&records, "nothing says which replies are a success", Some(help.into()));
            return None;
        }
        Some(Self {
            success,
            refused: refused?,
            no_record: no_record?,
            no_record_status: no_record_status?,
            records: records.into_inner(),
            null_is_no_record: null_is_no_record?.is_some_and(Located::into_inner),
            absent_is_null,
            total: total?,
            updated_at: updated_at?,
        })
    }

    /// Whether a reply of this status is read at all.
    pub(super) fn check_status(&self, status: StatusCode) -> Result<(), AdapterError> {
        let is_read = status.is_success() || self.no_record_status.contains(&status);
        if is_read { Ok(()) } else { Err(trouble_of_status(status)) }
    }

    /// What a reply says.
    ///
    /// # Errors
    /// [`AdapterError`] for every reply that is neither a declared success nor a declared "no record".
    pub(super) fn answer(&self, status: StatusCode, text: &str) -> Result<Answer, AdapterError> {
        self.check_status(status)?;
        match self.read_text(status, text)? {
            Said::Answer(answer) => Ok(answer),
            Said::Refused(error) => Err(error),
        }
    }

    /// As [`ReplyForm::answer`], for a status that is read.
    pub(super) fn read_text(&self, status: StatusCode, text: &str) -> Result<Said, AdapterError> {
        let says_none = self.no_record_status.contains(&status);
        if says_none && text.is_empty() && self.no_record.is_none() {
            return Ok(Said::Answer(Answer::default()));
        }
        // A page of some proxy with a declared status is not the department's word: that is JSON, also for "no record".
        let reply = json::parse(text).map_err(malformed)?;
        if let Some(refused) = self.refused.as_ref().filter(|refused| refused.holds(&reply)) {
            let what = format!("it refuses the credentials (`{}`)", refused.path.as_str());
            return Ok(Said::Refused(AdapterError::Misconfigured { what }));
        }
        let is_no_record = self.no_record.as_ref().map(|no_record| no_record.holds(&reply));
        if is_no_record.unwrap_or(says_none) {
            return self.none(&reply).map(Said::Answer);
        }
        match &self.success {
            _ if says_none => Err(malformed(&format!("says with HTTP {status} what `no_record` does not have"))),
            Some(success) if !success.holds(&reply) => {
                let problem = "has what is declared neither as success nor as no record";
                Err(AdapterError::malformed(success.path.as_str(), problem))
            }
            _ => self.records(&reply).map(Said::Answer),
        }
    }

    fn none(&self, reply: &Value) -> Result<Answer, AdapterError> {
        let found = if self.records.has_list() { self.records.list(reply) } else { None };
        if found.and_then(Value::as_array).is_some_and(|records| !records.is_empty()) {
            return Err(malformed("says that there is no record and has records"));
        }
        Ok(Answer { updated_at: self.update_time(reply, false)?, ..Answer::default() })
    }

    fn records(&self, reply: &Value) -> Result<Answer, AdapterError> {
        let wrong = |problem: &str| Err(AdapterError::malformed(self.records.as_str(), problem));
        let updated_at = self.update_time(reply, true)?;
        let found = if self.records.has_list() { self.records.list(reply) } else { self.records.value(reply) };
        let objects: Vec<Value> = match found {
            None => return wrong("is missing"),
            Some(Value::Null) if self.null_is_no_record => Vec::new(),
            Some(Value::Array(list)) if self.records.has_list() => {
                match list.iter().map(|element| self.records.value(element).cloned()).collect() {
                    Some(objects) => objects,
                    None => return wrong("is missing in an element of the list"),
                }
            }
            Some(_) if self.records.has_list() => return wrong("is not in a list"),
            Some(object) => vec![object.clone()],
        };
        if !objects.iter().all(Value::is_object) {
            return wrong("is not an object");
        }
        let more = match self.total(reply)? {
            Some(total) if total < objects.len() => return wrong("has more records than `total` says"),
            total => total.is_some_and(|total| total > objects.len()),
        };
        let absent_is_null = self.absent_is_null;
        let records = objects.into_iter().map(|object| JsonRecord { object, absent_is_null }).collect();
        Ok(Answer { records, more, updated_at })
    }

    fn total(&self, reply: &Value) -> Result<Option<usize>, AdapterError> {
        let Some(path) = &self.total else { return Ok(None) };
        let total = match path.value(reply) {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(digits)) => digits.parse().ok(),
            _ => None,
        };
        let total = total.and_then(|total| usize::try_from(total).ok());
        total.map(Some).ok_or_else(|| AdapterError::malformed(path.as_str(), "is not a whole number"))
    }

    /// The time of the data set; a reply that says "no record" need not state one.
    fn update_time(&self, reply: &Value, is_needed: bool) -> Result<Option<Timestamp>, AdapterError> {
        let Some(path) = &self.updated_at else { return Ok(None) };
        let wrong = || AdapterError::malformed(path.as_str(), "is not a time such as `2026-11-23 09:30:00`");
        match path.value(reply) {
            None if is_needed => Err(AdapterError::malformed(path.as_str(), "is missing")),
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => mapping::read_update_time(text).map(Some).ok_or_else(wrong),
            Some(_) => Err(wrong()),
        }
    }
}

impl Condition {
    fn read(table: &mut Table<'_>, key: &str) -> Option<Option<Self>> {
        let Some(mut table) = table.optional_table(key)? else { return Some(None) };
        let path = table.parse("path", parse_to_one);
        let equals = match table.optional_value("equals")? {
            Some(Declared::List(values)) if (1..=EQUALS_MAX).contains(&values.len()) => {
                values.into_iter().map(scalar).collect::<Option<Vec<Value>>>()
            }
            _ => None,
        };
        if equals.is_none() {
            let help =
                "write texts, whole numbers, `true` or `false`, each as the department does: `equals = [0, \"0\"]`";
            table.problem(format!("`{key}.equals` is not a list of 1 to {EQUALS_MAX} values"), Some(help.into()));
        }
        Some(Some(Self { path: path?.into_inner(), equals: equals? }))
    }

    fn holds(&self, reply: &Value) -> bool {
        self.path.value(reply).is_some_and(|value| self.equals.contains(value))
    }
}

impl Row for JsonRecord {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        match &self.cells(column)?[..] {
            [cell] => Ok(*cell),
            [] => Ok(Cell::Null),
            _ => Err(AdapterError::malformed(column.name(), "has several values where one is expected")),
        }
    }

    fn cells(&self, column: &Column) -> Result<Vec<Cell<'_>>, AdapterError> {
        let Path::Json(path) = column.path() else {
            return Err(AdapterError::Misconfigured { what: format!("`{}` is no path", column.name()) });
        };
        let found = if path.has_list() { path.list(&self.object) } else { path.value(&self.object) };
        match found {
            None if self.absent_is_null => Ok(vec![Cell::Null]),
            None => Err(AdapterError::malformed(column.name(), "is missing")),
            Some(Value::Null) => Ok(vec![Cell::Null]),
            Some(Value::Array(list)) if path.has_list() => list
                .iter()
                .map(|element| path.value(element).map_or(Ok(Cell::Null), |value| scalar_cell(column, value)))
                .collect(),
            Some(_) if path.has_list() => Err(AdapterError::malformed(column.name(), "is not in a list")),
            Some(Value::Array(list)) => list.iter().map(|value| scalar_cell(column, value)).collect(),
            Some(value) => Ok(vec![scalar_cell(column, value)?]),
        }
    }
}

fn scalar_cell<'v>(column: &Column, value: &'v Value) -> Result<Cell<'v>, AdapterError> {
    match value {
        Value::Null => Ok(Cell::Null),
        Value::Bool(flag) => Ok(Cell::Text(if *flag { "true" } else { "false" })),
        Value::String(text) => Ok(Cell::Text(text)),
        Value::Number(number) => number.as_i64().map(Cell::Integer).ok_or_else(|| {
            AdapterError::malformed(column.name(), "is not a whole number of at most 64 bits; write it as text")
        }),
        Value::Array(_) | Value::Object(_) => {
            Err(AdapterError::malformed(column.name(), "is a list or an object; one value is expected"))
        }
    }
}

/// The place in a record that `from` names.
pub(crate) fn column(table: &Table<'_>, from: &Located<PlainText>) -> Option<Column> {
    match JsonPath::parse(from.as_str()) {
        Ok(path) => Some(Column::new(from.as_str(), Path::Json(path))),
        Err(error) => {
            let help = "write a path from the record: `$.months`, `$['月数']`, `$.holders[*].name`";
            table.problem_at(from, format!("`from` {error}"), Some(help.into()));
            None
        }
    }
}

fn scalar(value: Declared) -> Option<Value> {
    match value {
        Declared::Text(text) => Some(text.into_inner().into()),
        Declared::Integer(number) => Some(number.into()),
        Declared::Flag(flag) => Some(flag.into()),
        Declared::List(_) | Declared::Table(_) => None,
    }
}

fn parse_to_one(text: &str) -> Result<JsonPath, String> {
    let path = JsonPath::parse(text)?;
    if path.has_list() { Err("must lead to one value, without `[*]`".into()) } else { Ok(path) }
}

fn read_path(table: &mut Table<'_>, key: &str) -> Option<Option<JsonPath>> {
    Some(table.optional_parse(key, parse_to_one)?.map(Located::into_inner))
}

/// Statuses that can say "no such record". Others say that the question was not answered.
fn read_statuses(table: &mut Table<'_>) -> Option<Vec<StatusCode>> {
    let statuses = match table.optional_value("no_record_status")? {
        None => return Some(Vec::new()),
        Some(Declared::List(values)) => values
            .into_iter()
            .map(|value| match value {
                Declared::Integer(status @ (204 | 400 | 404 | 410 | 422)) => {
                    StatusCode::from_u16(u16::try_from(status).ok()?).ok()
                }
                _ => None,
            })
            .collect(),
        Some(_) => None,
    };
    if statuses.is_none() {
        let help = "other statuses say that the question was not answered";
        table.problem("`no_record_status` is not a list of 204, 400, 404, 410 and 422", Some(help.into()));
    }
    statuses
}

fn malformed(problem: &str) -> AdapterError {
    AdapterError::Malformed { what: format!("the reply {problem}") }
}
