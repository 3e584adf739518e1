use std::borrow::Cow;
use std::collections::BTreeSet;

use heyan_proto::document::{Located, Table};
use heyan_proto::vocabulary::PlainText;

use super::record::Path;
use super::{Column, Input, Kind, Source, SqlQuery};
use crate::files::FilesAsk;
use crate::http::{self, HttpAsk};
use crate::soap::SoapAsk;

/// How a result type is looked up: one form per adapter kind.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    /// One SELECT.
    Sql(SqlQuery),
    /// One question in JSON over HTTP.
    Http(Box<HttpAsk>),
    /// One call.
    Soap(Box<SoapAsk>),
    /// A file, and the columns that are compared.
    Files(FilesAsk),
}

impl Ask {
    /// Reads what `[result_type.lookup]` has for the kind. `source` is `None` where it was reported as wrong.
    pub(super) fn read(table: &mut Table<'_>, kind: Kind, source: Option<&Source>) -> Option<Self> {
        match (kind, source) {
            (Kind::Sql(dialect), _) => {
                table.text("query").and_then(|text| SqlQuery::check(table, text, dialect)).map(Self::Sql)
            }
            (Kind::Files, _) => FilesAsk::read(table).map(Self::Files),
            (Kind::Http, _) => HttpAsk::read(table).map(|ask| Self::Http(Box::new(ask))),
            (Kind::Soap, Some(Source::Soap(source))) => {
                SoapAsk::read(table, source).map(|ask| Self::Soap(Box::new(ask)))
            }
            // Which prefixes its paths and templates may use is not known.
            (Kind::Soap, _) => {
                table.skip();
                None
            }
        }
    }

    /// What of a question is sent.
    pub(crate) fn inputs(&self) -> &BTreeSet<Input> {
        match self {
            Self::Sql(query) => query.inputs(),
            Self::Http(ask) => ask.inputs(),
            Self::Soap(ask) => ask.inputs(),
            Self::Files(ask) => ask.inputs(),
        }
    }

    /// The SELECT, of the kind `sql`.
    pub(crate) fn sql(&self) -> Option<&SqlQuery> {
        match self {
            Self::Sql(query) => Some(query),
            _ => None,
        }
    }

    /// The file, of the kind `files`.
    pub(crate) fn files(&self) -> Option<&FilesAsk> {
        match self {
            Self::Files(ask) => Some(ask),
            _ => None,
        }
    }

    /// The place in a record that `from` names.
    pub(super) fn column(&self, table: &Table<'_>, from: &Located<PlainText>) -> Option<Column> {
        match self {
            Self::Sql(query) => {
                let known = query.columns().unwrap_or_default();
                // Databases compare the names of columns without case.
                if !known.is_empty() && !known.iter().any(|column| column.eq_ignore_ascii_case(from.as_str())) {
                    let help = format!("the query gives `{}`", known.join("`, `"));
                    table.problem_at(from, format!("the query has no column `{}`", from.as_str()), Some(help));
                    return None;
                }
                Some(Column::new(from.as_str(), Path::Name))
            }
            Self::Http(_) => http::column(table, from),
            Self::Soap(ask) => ask.column(table, from),
            Self::Files(ask) => {
                ask.check_column(table, from, from.as_str()).then(|| Column::new(from.as_str(), Path::Name))
            }
        }
    }

    /// How an input is written there: for messages.
    pub(super) fn written(&self, input: Input) -> Cow<'static, str> {
        match self {
            Self::Sql(_) => format!("`:{}` in the query", input.as_str()).into(),
            Self::Http(_) => format!("`{{{{{}}}}}` in the look-up", input.as_str()).into(),
            Self::Soap(_) => format!("`{{{{{}}}}}` in the body", input.as_str()).into(),
            Self::Files(_) => format!("`{{{{{}}}}}` in `where`", input.as_str()).into(),
        }
    }
}
