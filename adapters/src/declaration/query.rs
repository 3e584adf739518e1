use std::collections::BTreeSet;
use std::fmt;

use heyan_proto::document::{Located, Table};
use sqlparser::ast::{Query, SelectItem, SetExpr, Statement};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::Input;

/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 16 << 10;

/// How deeply a query may nest. sqlparser's own limit of 50 takes more stack than a thread has.
const DEPTH_MAX: usize = 24;

/// One SELECT, whose placeholders are inputs.
#[derive(Clone)]
pub(crate) struct SqlQuery {
    text: String,
    inputs: BTreeSet<Input>,
    /// The names of its columns, where they can be read off.
    columns: Option<Vec<String>>,
}

impl SqlQuery {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn inputs(&self) -> &BTreeSet<Input> {
        &self.inputs
    }

    pub(super) fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// Checks the query of a look-up.
    pub(super) fn check(table: &Table<'_>, text: Located<String>) -> Option<Self> {
        let query = Self::read(table, text.clone())?;
        if !query.inputs.contains(&Input::SubjectNumber) {
            let help = "compare a column with it: `WHERE uscc = :subject_number`";
            table.problem_at(&text, "the query does not use `:subject_number`", Some(help.into()));
            return None;
        }
        Some(query)
    }

    /// Checks the query for the update time of a data set.
    pub(super) fn check_update_time(table: &Table<'_>, text: Located<String>) -> Option<Self> {
        let query = Self::read(table, text.clone())?;
        if !query.inputs.is_empty() {
            table.problem_at(
                &text,
                "the update time of a data set is not about a question",
                Some("write it without placeholders".into()),
            );
            return None;
        }
        if query.columns.as_ref().is_some_and(|columns| columns.len() != 1) {
            table.problem_at(&text, "the query for the update time must give one column", None);
            return None;
        }
        Some(query)
    }

    fn read(table: &Table<'_>, text: Located<String>) -> Option<Self> {
        match (read_select(&text), read_inputs(&text)) {
            (Ok(query), Ok(inputs)) => {
                Some(Self { columns: output_columns(&query.body), inputs, text: text.into_inner() })
            }
            (select, inputs) => {
                for fault in [select.err(), inputs.err()].into_iter().flatten() {
                    table.problem_at(&text, fault.message, fault.help);
                }
                None
            }
        }
    }
}

impl fmt::Debug for SqlQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlQuery").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

struct Fault {
    message: String,
    help: Option<String>,
}

impl Fault {
    fn new(message: impl Into<String>, help: &str) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

fn read_select(text: &str) -> Result<Box<Query>, Fault> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(Fault::new("the query is too long", "write at most 16 KiB"));
    }
    let tokens = tokens(text)?;
    // sqlparser 0.59 panics on an operand that it cannot read after these two, and core SQLite defines neither for
    // ordinary tables.
    let matching = |token: &Token| matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::MATCH | Keyword::REGEXP) && word.quote_style.is_none());
    if tokens.iter().any(matching) {
        return Err(Fault::new("the query uses MATCH or REGEXP", "compare with `=`, `LIKE` or `GLOB`"));
    }
    let mut statements = Parser::new(&SQLiteDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .with_tokens(tokens)
        .parse_statements()
        .map_err(|error| Fault { message: one_line("the query cannot be read", &error), help: None })?;
    let help = "a department is only read: write one SELECT";
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) if only_reads(&query) => Ok(query),
        _ => Err(Fault::new("the query is not a single SELECT", help)),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    Tokenizer::new(&SQLiteDialect {}, text)
        .tokenize()
        .map_err(|error| Fault { message: one_line("the query cannot be read", &error), help: None })
}

fn one_line(what: &str, error: &dyn fmt::Display) -> String {
    format!("{what}: {error}").chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// Whether the query selects, all the way down its unions and named parts.
fn only_reads(query: &Query) -> bool {
    fn body_reads(body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => select.into.is_none(),
            SetExpr::Query(query) => only_reads(query),
            SetExpr::SetOperation { left, right, .. } => body_reads(left) && body_reads(right),
            _ => false,
        }
    }
    let named = query.with.iter().flat_map(|with| &with.cte_tables);
    body_reads(&query.body) && named.into_iter().all(|part| only_reads(&part.query))
}

fn read_inputs(text: &str) -> Result<BTreeSet<Input>, Fault> {
    // What cannot be read at all was reported with the statement.
    let Ok(tokens) = tokens(text) else { return Ok(BTreeSet::new()) };
    let mut inputs = BTreeSet::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Placeholder(_) | Token::AtSign => {
                let help = "write a named input such as `:subject_number`";
                return Err(Fault::new("the query has a placeholder that is not `:name`", help));
            }
            Token::Colon => match tokens.next() {
                Some(Token::Word(word)) if word.quote_style.is_none() => match Input::parse(&word.value) {
                    Some(input) => inputs.insert(input),
                    None => return Err(unknown_placeholder(&word.value)),
                },
                _ => return Err(unknown_placeholder("")),
            },
            _ => continue,
        };
    }
    Ok(inputs)
}

fn unknown_placeholder(word: &str) -> Fault {
    let known = Input::ALL.map(|input| format!("`:{}`", input.as_str())).join(", ");
    let word: String = word.chars().take(64).collect();
    Fault {
        message: format!("the query has the unknown placeholder `:{word}`"),
        help: Some(format!("known here: {known}")),
    }
}

/// The names of the columns; `None` where one of them is a wildcard or an expression without a name.
fn output_columns(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => select.projection.iter().map(output_column).collect(),
        SetExpr::Query(query) => output_columns(&query.body),
        SetExpr::SetOperation { left, .. } => output_columns(left),
        _ => None,
    }
}

fn output_column(item: &SelectItem) -> Option<String> {
    use sqlparser::ast::Expr;
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(path)) => path.last().map(|name| name.value.clone()),
        _ => None,
    }
}
