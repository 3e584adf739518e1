use std::collections::{BTreeMap, HashSet};

use heyan_proto::document::{self, Located, Table};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{Existence, FieldName, FieldType, FieldValue, PlainText, ResultState, Term};
use jiff::civil::Date;

use super::{Ask, Column, Field, ResultType};
use crate::mapping::{self, Cell, Row};
use crate::{AdapterError, Holding};

/// An example of a look-up and what it gives, about an invented subject. It was executed when the file was read, and
/// is shown to callers.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub name: PlainText,
    /// An invented subject.
    pub subject: SubjectNumber,
    /// What the reply means.
    pub expect: Expectation,
}

/// What the reply of an example means.
#[derive(Debug, Clone)]
pub enum Expectation {
    /// The department holds no such record.
    NotIssued,
    /// It holds records.
    Issued(ExampleOutcome),
    /// The reply does not fit the declaration.
    Malformed,
}

/// What the records of an example say; where there are several, only how many.
#[derive(Debug, Clone)]
pub struct ExampleOutcome {
    /// How many records the reply has.
    pub records: usize,
    /// The word for the state, as [`ResultState::as_str`] gives it.
    pub state: Option<&'static str>,
    /// 证照编号.
    pub certificate_number: Option<String>,
    /// The first valid day.
    pub valid_from: Option<Term>,
    /// The last valid day.
    pub valid_to: Option<Term>,
    /// Values of fields.
    pub fields: BTreeMap<FieldName, FieldValue>,
}

impl Example {
    /// Reads the tables `example` and executes each.
    pub(super) fn read_all(of: &Table<'_>, tables: Vec<Table<'_>>, result_type: &ResultType) -> Option<Vec<Self>> {
        if tables.is_empty() {
            let help = "add a `[[result_type.example]]`: a reply of the department and what it means";
            of.problem(format!("the result type `{}` has no example", result_type.id), Some(help.into()));
        }
        let mut names = HashSet::new();
        let read: Vec<_> =
            tables.into_iter().map(|mut table| Self::read(&mut table, result_type, &mut names)).collect();
        read.into_iter().collect()
    }

    fn read(table: &mut Table<'_>, result_type: &ResultType, names: &mut HashSet<String>) -> Option<Self> {
        let name = table.parse("name", |text| PlainText::parse(text, 128));
        let subject = table.table("subject").and_then(|mut table| read_subject(&mut table, result_type));
        let reply = read_reply(table, result_type);
        let expect = table.table("expect").and_then(|mut table| Expectation::read(&mut table, result_type));
        let (name, subject, reply, expect) = (name?, subject?, reply?, expect?);
        if !names.insert(name.as_str().to_owned()) {
            table.problem_at(&name, format!("two examples are named `{}`", name.as_str()), None);
        }
        let read: Result<Vec<Holding>, AdapterError> =
            reply.and_then(|rows| rows.iter().map(|row| mapping::read_holding(result_type, &**row)).collect());
        for difference in expect.compare(&read) {
            table.problem_at(&name, format!("example `{}`: {difference}", name.as_str()), None);
        }
        Some(Self { name: name.into_inner(), subject, expect })
    }
}

fn read_subject(table: &mut Table<'_>, result_type: &ResultType) -> Option<SubjectNumber> {
    let known: Vec<_> = result_type.subject_kinds.iter().map(|kind| (kind.as_str(), *kind)).collect();
    let kind: Option<Located<SubjectKind>> = table.one_of("kind", &known);
    let number = table.text("number");
    let (kind, number) = (kind?, number?);
    SubjectNumber::parse(*kind, &number)
        .map_err(|error| table.problem_at(&number, format!("`subject.number` {error}"), None))
        .ok()
}

/// A row of an example. A column that it does not name holds nothing.
struct ExampleRow(BTreeMap<String, document::Cell>);

impl Row for ExampleRow {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        Ok(match self.0.get(&column.name().to_ascii_lowercase()) {
            Some(document::Cell::Text(text)) => Cell::Text(text),
            Some(document::Cell::Integer(number)) => Cell::Integer(*number),
            None => Cell::Null,
        })
    }
}

/// The rows of a reply, or what is wrong with the reply as a whole.
type Reply = Result<Vec<Box<dyn Row>>, AdapterError>;

fn read_reply(table: &mut Table<'_>, result_type: &ResultType) -> Option<Reply> {
    match &result_type.ask {
        Ask::Sql(_) | Ask::Files(_) => read_rows(table, result_type).map(Ok),
        Ask::Http(ask) => ask.read_example(table),
        Ask::Soap(ask) => ask.read_example(table),
    }
}

fn read_rows(table: &mut Table<'_>, result_type: &ResultType) -> Option<Vec<Box<dyn Row>>> {
    if !table.has("reply") {
        table.problem(
            "missing key `reply` in `result_type.example`",
            Some("write the rows that the department gives, `[]` for none".into()),
        );
        return None;
    }
    let rows: Vec<_> = table.tables("reply")?.into_iter().map(|mut row| read_row(&mut row, result_type)).collect();
    rows.into_iter().map(|row| Some(Box::new(row?) as Box<dyn Row>)).collect()
}

fn read_row(table: &mut Table<'_>, result_type: &ResultType) -> Option<ExampleRow> {
    let read = result_type.columns();
    let mut cells = BTreeMap::new();
    let mut whole = true;
    for column in table.keys() {
        let cell = table.cell(&column);
        if !read.iter().any(|name| name.eq_ignore_ascii_case(&column)) {
            let help = format!("columns that are read: `{}`", read.join("`, `"));
            table.problem_at(&column, format!("no `from` reads the column `{}`", column.as_str()), Some(help));
            whole = false;
        }
        match cell {
            Some(cell) => drop(cells.insert(column.to_ascii_lowercase(), cell.into_inner())),
            None => whole = false,
        }
    }
    whole.then_some(ExampleRow(cells))
}

impl Expectation {
    fn read(table: &mut Table<'_>, result_type: &ResultType) -> Option<Self> {
        let words = [("issued", Existence::Issued), ("not_issued", Existence::NotIssued)];
        let existence = table.optional_one_of("existence", &words);
        let error = table.optional_one_of("error", &[("malformed", ())]);
        match (existence?.map(|word| *word), error?) {
            (Some(Existence::Issued), None) => ExampleOutcome::read(table, result_type).map(Self::Issued),
            (Some(Existence::NotIssued), None) => Some(Self::NotIssued),
            (None, Some(_)) => Some(Self::Malformed),
            _ => {
                let help = "write `existence = \"issued\"`, `existence = \"not_issued\"` or `error = \"malformed\"`";
                table.problem("an example expects either an existence or an error", Some(help.into()));
                table.skip();
                None
            }
        }
    }

    /// What the reply gives otherwise than expected.
    pub(crate) fn compare(&self, read: &Result<Vec<Holding>, AdapterError>) -> Vec<String> {
        match (self, read) {
            (Self::Malformed, Err(_)) => Vec::new(),
            (Self::Malformed, Ok(_)) => vec!["the reply fits the declaration, though an error was expected".into()],
            (_, Err(error)) => vec![error.to_string()],
            (Self::NotIssued, Ok(holdings)) if holdings.is_empty() => Vec::new(),
            (Self::NotIssued, Ok(holdings)) => vec![format!("the reply has {} records, expected none", holdings.len())],
            (Self::Issued(outcome), Ok(holdings)) => outcome.compare(holdings),
        }
    }
}

impl ExampleOutcome {
    fn read(table: &mut Table<'_>, result_type: &ResultType) -> Option<Self> {
        let max_rows = i64::try_from(result_type.max_rows).expect("a declaration bounds its rows");
        let records = table.optional_integer("records", 1..=max_rows);
        let mut words: Vec<_> = ResultState::CLOSED.iter().map(|state| (state.as_str(), state.as_str())).collect();
        words.push(("other", "other"));
        let state = table.optional_one_of("state", &words);
        let certificate_number = table.optional_text("certificate_number");
        let valid_from = table.optional_parse("valid_from", parse_term);
        let valid_to = table.optional_parse("valid_to", parse_term);
        let fields = match table.optional_table("fields") {
            Some(Some(mut table)) => read_fields(&mut table, result_type),
            Some(None) => Some(BTreeMap::new()),
            None => None,
        };
        Some(Self {
            records: records?.map_or(1, |records| usize::try_from(*records).expect("the range was checked")),
            state: state?.map(|word| *word),
            certificate_number: certificate_number?.map(Located::into_inner),
            valid_from: valid_from?.map(|term| *term),
            valid_to: valid_to?.map(|term| *term),
            fields: fields?,
        })
    }

    fn compare(&self, holdings: &[Holding]) -> Vec<String> {
        let [holding] = holdings else {
            let (is, expected) = (holdings.len(), self.records);
            return if is == expected {
                Vec::new()
            } else {
                vec![format!("the reply has {is} records, expected {expected}")]
            };
        };
        let mut differences = Vec::new();
        if self.records != 1 {
            differences.push(format!("the reply has 1 record, expected {}", self.records));
        }
        if let Some(expected) = self.state.filter(|expected| *expected != holding.state.as_str()) {
            differences.push(format!("the state is `{}`, expected `{expected}`", holding.state.as_str()));
        }
        // Values stay out of messages, here as everywhere: an example might have been copied from a real record.
        let mut differs = |what: &str, fits: bool| {
            if !fits {
                differences.push(format!("`{what}` is not as expected"));
            }
        };
        differs(
            "certificate_number",
            self.certificate_number.is_none() || self.certificate_number == holding.certificate_number,
        );
        differs("valid_from", self.valid_from.is_none() || self.valid_from == holding.valid_from);
        differs("valid_to", self.valid_to.is_none() || self.valid_to == holding.valid_to);
        for (name, value) in &self.fields {
            differs(name.as_str(), holding.fields.get(name) == Some(value));
        }
        differences
    }
}

fn read_fields(table: &mut Table<'_>, result_type: &ResultType) -> Option<BTreeMap<FieldName, FieldValue>> {
    let mut values = BTreeMap::new();
    let mut whole = true;
    for field in &result_type.fields {
        if table.has(field.name.as_str()) {
            match read_value(table, field) {
                Some(value) => drop(values.insert(field.name.clone(), value)),
                None => whole = false,
            }
        }
    }
    whole.then_some(values)
}

fn read_value(table: &mut Table<'_>, field: &Field) -> Option<FieldValue> {
    let name = field.name.as_str();
    Some(match field.field_type() {
        FieldType::Text => FieldValue::Text(table.text(name)?.into_inner()),
        FieldType::Code => {
            let codes = field.code_list();
            let known: Vec<(&str, &str)> = codes.iter().map(|code| (*code, *code)).collect();
            FieldValue::Code((*table.one_of(name, &known)?).to_owned())
        }
        FieldType::Scope => {
            let items = table.list(name, |item| Ok::<_, std::fmt::Error>(item.to_owned()))?;
            FieldValue::Scope(items.into_iter().map(Located::into_inner).collect())
        }
        FieldType::Integer => FieldValue::Integer(*table.integer(name, i64::MIN..=i64::MAX)?),
        FieldType::Date => FieldValue::Date(*table.parse(name, parse_term)?),
        FieldType::Flag => FieldValue::Flag(*table.flag(name)?),
    })
}

fn parse_term(text: &str) -> Result<Term, &'static str> {
    if text == "长期" {
        return Ok(Term::LongTerm);
    }
    text.parse::<Date>().map(Term::On).map_err(|_| "must be a date such as `2026-11-23`, or `长期`")
}
