use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use heyan_proto::document::{Located, Table};
use sqlparser::ast::{Query, SelectItem, SetExpr, Statement};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::{Input, SqlDialect};

/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 16 << 10;

/// How deeply a query may nest. sqlparser's own limit of 50 takes more stack than a thread has.
const DEPTH_MAX: usize = 24;

/// One SELECT, whose placeholders are inputs.
#[derive(Clone)]
pub(crate) struct SqlQuery {
    /// With placeholders as the database writes them.
    text: String,
    inputs: BTreeSet<Input>,
    /// Which input each of the numbered placeholders is.
    order: Vec<Input>,
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

    /// Which inputs are bound, one after the other. SQLite binds them by name.
    pub(crate) fn order(&self) -> &[Input] {
        &self.order
    }

    pub(super) fn columns(&self) -> Option<&[String]> {
        self.columns.as_deref()
    }

    /// Checks the query of a look-up.
    pub(super) fn check(table: &Table<'_>, text: Located<String>, dialect: SqlDialect) -> Option<Self> {
        let query = Self::read(table, text.clone(), dialect)?;
        if !query.inputs.contains(&Input::SubjectNumber) {
            let help = "compare a column with it: `WHERE uscc = :subject_number`";
            table.problem_at(&text, "the query does not use `:subject_number`", Some(help.into()));
            return None;
        }
        Some(query)
    }

    /// Checks the query for the update time of a data set.
    pub(super) fn check_update_time(table: &Table<'_>, text: Located<String>, dialect: SqlDialect) -> Option<Self> {
        let query = Self::read(table, text.clone(), dialect)?;
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

    fn read(table: &Table<'_>, text: Located<String>, dialect: SqlDialect) -> Option<Self> {
        match (read_select(&text, dialect), read_placeholders(&text, dialect)) {
            (Ok(query), Ok(placeholders)) => {
                let inputs = placeholders.iter().map(|placeholder| placeholder.input).collect();
                let columns = output_columns(&query.body);
                let (text, order) = written(&text, &placeholders, dialect);
                Some(Self { text, inputs, order, columns })
            }
            (select, placeholders) => {
                for fault in [select.err(), placeholders.err()].into_iter().flatten() {
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

fn read_select(text: &str, dialect: SqlDialect) -> Result<Box<Query>, Fault> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(Fault::new("the query is too long", "write at most 16 KiB"));
    }
    let tokens: Vec<Token> = tokens(text, dialect)?.into_iter().map(|token| token.token).collect();
    // sqlparser 0.59 panics on an operand that it cannot read after these two, and core SQLite defines neither for
    // ordinary tables.
    let matching = |token: &Token| matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::MATCH | Keyword::REGEXP) && word.quote_style.is_none());
    if tokens.iter().any(matching) {
        return Err(Fault::new("the query uses MATCH or REGEXP", "compare with `=`, `LIKE` or `GLOB`"));
    }
    // MySQL and MariaDB execute what stands in such a comment.
    let executable = |token: &Token| matches!(token, Token::Whitespace(Whitespace::MultiLineComment(text)) if text.starts_with('!') || text.starts_with("M!"));
    if tokens.iter().any(executable) {
        return Err(Fault::new(
            "the query has a comment that a server would execute",
            "write what it says, or leave it out",
        ));
    }
    let mut statements = Parser::new(grammar(dialect))
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

fn tokens(text: &str, dialect: SqlDialect) -> Result<Vec<TokenWithSpan>, Fault> {
    Tokenizer::new(grammar(dialect), text)
        .tokenize_with_location()
        .map_err(|error| Fault { message: one_line("the query cannot be read", &error), help: None })
}

fn grammar(dialect: SqlDialect) -> &'static dyn Dialect {
    match dialect {
        SqlDialect::Sqlite => &SQLiteDialect {},
        SqlDialect::Postgres => &PostgreSqlDialect {},
        SqlDialect::Mysql | SqlDialect::Mariadb => &MySqlDialect {},
    }
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
    query.locks.is_empty() && body_reads(&query.body) && named.into_iter().all(|part| only_reads(&part.query))
}

/// An input in the text of a query.
struct Placeholder {
    input: Input,
    /// Its bytes in the text, with the colon.
    place: Range<usize>,
    /// `IS NULL` or `IS NOT NULL` follows.
    is_tested: bool,
}

fn read_placeholders(text: &str, dialect: SqlDialect) -> Result<Vec<Placeholder>, Fault> {
    // What cannot be read at all was reported with the statement.
    let Ok(tokens) = tokens(text, dialect) else { return Ok(Vec::new()) };
    let mut placeholders = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(TokenWithSpan { token, span }) = tokens.next() {
        match token {
            Token::Placeholder(_) | Token::AtSign => {
                let help = "write a named input such as `:subject_number`";
                return Err(Fault::new("the query has a placeholder that is not `:name`", help));
            }
            Token::Colon => match tokens.next() {
                Some(TokenWithSpan { token: Token::Word(word), span: of_word }) if word.quote_style.is_none() => {
                    let input = Input::parse(&word.value).ok_or_else(|| unknown_placeholder(&word.value))?;
                    let place = offset(text, span.start)..offset(text, of_word.end);
                    let next = tokens.clone().find(|next| !matches!(next.token, Token::Whitespace(_)));
                    let is_tested =
                        next.is_some_and(|next| matches!(next.token, Token::Word(word) if word.keyword == Keyword::IS));
                    placeholders.push(Placeholder { input, place, is_tested });
                }
                _ => return Err(unknown_placeholder("")),
            },
            _ => {}
        }
    }
    Ok(placeholders)
}

/// The byte at a place that is given in lines and characters, both counted from 1.
fn offset(text: &str, at: Location) -> usize {
    let before = |count: u64| usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
    let line: usize = text.split_inclusive('\n').take(before(at.line)).map(str::len).sum();
    let rest = &text[line..];
    line + rest.char_indices().nth(before(at.column)).map_or(rest.len(), |(byte, _)| byte)
}

/// The query as the database takes it, and which input is bound where.
fn written(text: &str, placeholders: &[Placeholder], dialect: SqlDialect) -> (String, Vec<Input>) {
    let (mut written, mut order, mut from) = (String::with_capacity(text.len()), Vec::new(), 0);
    for Placeholder { input, place, is_tested } in placeholders {
        written.push_str(&text[from..place.start]);
        from = place.end;
        match dialect {
            SqlDialect::Sqlite => written.push_str(&text[place.clone()]),
            // A number for each place, so that each has the type that its place asks for. `IS NULL` asks for none.
            SqlDialect::Postgres => {
                order.push(*input);
                let number = order.len();
                written.push_str(&if *is_tested { format!("CAST(${number} AS text)") } else { format!("${number}") });
            }
            SqlDialect::Mysql | SqlDialect::Mariadb => {
                order.push(*input);
                written.push('?');
            }
        }
    }
    written.push_str(&text[from..]);
    (written, order)
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

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "SELECT n -- 号 :no_input\n FROM t WHERE s = :subject_number \
                         AND (:certificate_number IS NULL OR n = :certificate_number) AND c = ':as_of'";

    /// Failure: a placeholder that is not written as the database takes it, bound to another input, or seen in a comment or a text.
    #[test]
    fn placeholders_are_written_as_each_database_takes_them() {
        use Input::{CertificateNumber as Number, SubjectNumber as Subject};
        let all = [Subject, Number, Number];
        for (dialect, places, order) in [
            (SqlDialect::Sqlite, [":subject_number", ":certificate_number", ":certificate_number"], &[][..]),
            (SqlDialect::Postgres, ["$1", "CAST($2 AS text)", "$3"], &all),
            (SqlDialect::Mysql, ["?", "?", "?"], &all),
            (SqlDialect::Mariadb, ["?", "?", "?"], &all),
        ] {
            let Ok(placeholders) = read_placeholders(QUERY, dialect) else { panic!("{dialect:?}") };
            let [subject, tested, compared] = places;
            let expected = format!(
                "SELECT n -- 号 :no_input\n FROM t WHERE s = {subject} AND ({tested} IS NULL OR n = {compared}) AND c = ':as_of'"
            );
            assert_eq!(written(QUERY, &placeholders, dialect), (expected, order.to_vec()), "{dialect:?}");
        }
    }

    /// Failure: a query that a server would do more for than read.
    #[test]
    fn what_does_more_than_select_is_refused() {
        for text in [
            "SELECT a FROM t WHERE s = 1 /*! INTO OUTFILE '/x' */",
            "SELECT a FROM t WHERE s = 1 /*M! FOR UPDATE */",
            "SELECT a FROM t WHERE s = 1 FOR UPDATE",
            "SELECT a FROM t; DELETE FROM t",
            "WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone",
            "SELECT a INTO b FROM t",
        ] {
            for dialect in [SqlDialect::Postgres, SqlDialect::Mysql, SqlDialect::Mariadb] {
                assert!(read_select(text, dialect).is_err(), "{dialect:?}: {text}");
            }
        }
    }
}
