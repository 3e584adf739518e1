//! What a department says about itself in `departments/<id>.toml`: who it is, how it is reached, what it issues.

mod ask;
mod catalogue;
mod example;
mod field;
mod hours;
mod input;
mod query;
mod record;
mod result_type;
mod secret;
mod sql_source;
mod standing;
mod template;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use heyan_proto::document::{self, Problems, Table};
use heyan_proto::identifier::CreditCode;
use heyan_proto::vocabulary::{DepartmentId, Localized, PlainText};

use crate::files::FilesSource;
use crate::http::HttpSource;
use crate::soap::SoapSource;

pub(crate) use ask::Ask;
pub use catalogue::{CatalogueEntry, Channel, SharingMethod, UpdateFrequency};
pub use example::{Example, ExampleOutcome, Expectation};
pub use field::{Field, FieldForm, Fold};
pub use hours::{Hours, RateLimit};
pub use input::Input;
pub(crate) use query::SqlQuery;
pub use record::DateForm;
pub(crate) use record::{Column, Listed, OnUnknown, Path, RecordMapping, StateMap};
pub use result_type::ResultType;
pub use secret::Secret;
pub use sql_source::{SqlDatabase, SqlDialect, SqlServer, SqlSource};
pub use standing::{Coverage, FreshnessDeclaration, NotShared, Renewal, Validity};
pub(crate) use template::Template;

/// A whole department file, valid in itself: its examples were executed.
#[derive(Debug, Clone)]
pub struct DepartmentDeclaration {
    /// Who it is.
    pub department: Department,
    /// How it is reached; `None` where it issues nothing and only asks others.
    pub source: Option<Source>,
    /// How hard it may be asked.
    pub limits: Limits,
    /// What it issues, ids distinct; none exactly where there is no source.
    pub result_types: Vec<Arc<ResultType>>,
}

/// A department (部门) as a provider.
#[derive(Debug, Clone)]
pub struct Department {
    /// Its id in the city.
    pub id: DepartmentId,
    /// Its name.
    pub name: Localized,
    /// Its 统一社会信用代码.
    pub credit_code: CreditCode,
    /// 政务数据共享工作机构 (Decree 809, article 11).
    pub sharing_office: PlainText,
    /// How to reach that office; shown to callers while the department cannot be asked.
    pub contact: PlainText,
}

/// How a department is reached: one variant per adapter kind.
#[derive(Debug, Clone)]
pub enum Source {
    /// `[sql]`: its database is asked with one SELECT per result type.
    Sql(SqlSource),
    /// `[http]`: its service is asked in JSON over HTTP.
    Http(Box<HttpSource>),
    /// `[soap]`: its SOAP service is called once per look-up.
    Soap(Box<SoapSource>),
    /// `[files]`: it drops files into a folder.
    Files(FilesSource),
}

/// How hard a department may be asked; this protects the department, not us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest that one look-up may take.
    pub deadline: Duration,
    /// The most look-ups at the same time.
    pub concurrency: usize,
    /// How long it is left alone once it has failed several times; each time in a row that it fails again, twice as long.
    pub pause: Duration,
    /// The longest that it is left alone before it is tried again.
    pub pause_max: Duration,
    /// How often it may be asked, where that is limited.
    pub rate: Option<RateLimit>,
    /// When it can be asked, where not always.
    pub hours: Option<Hours>,
}

/// The adapter kinds. A department file has the table of exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With the dialect in which queries are written.
    Sql(SqlDialect),
    Http,
    Soap,
    Files,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Sql(SqlDialect::Sqlite), Self::Http, Self::Soap, Self::Files];

    /// The name of its table.
    fn as_str(self) -> &'static str {
        match self {
            Self::Sql(_) => "sql",
            Self::Http => "http",
            Self::Soap => "soap",
            Self::Files => "files",
        }
    }

    fn tables() -> String {
        Self::ALL.map(|kind| format!("`[{}]`", kind.as_str())).join(", ")
    }
}

/// The most result types of one department.
const RESULT_TYPES_MAX: usize = 256;

/// Reads `departments/<id>.toml` and executes its examples.
///
/// # Errors
/// [`Problems`] holds everything that is wrong, each with line, column and what to write instead.
pub fn read_declaration(file: &str, text: &str) -> Result<DepartmentDeclaration, Problems> {
    document::read(file, text, |table| {
        let schema = table.integer("schema", 1..=1);
        let department = table.table("department").and_then(|mut table| Department::read(&mut table));
        let (kind, source) = Source::read(table);
        let limits = table.optional_table("limits").and_then(|limits| match limits {
            Some(mut limits) => Limits::read(&mut limits),
            None => Some(Limits::DEFAULT),
        });
        let known = source.as_ref().and_then(Option::as_ref);
        let result_types = read_result_types(table, department.as_ref(), kind, known);
        schema?;
        Some(DepartmentDeclaration {
            department: department?,
            source: source?,
            limits: limits?,
            result_types: result_types?,
        })
    })
}

/// A department that is reached issues something; one that issues something is reached.
fn read_result_types(
    table: &mut Table<'_>,
    department: Option<&Department>,
    kind: Option<Kind>,
    source: Option<&Source>,
) -> Option<Vec<Arc<ResultType>>> {
    let tables = table.tables("result_type")?;
    match (tables.is_empty(), kind.is_some()) {
        (true, true) => {
            let help = "add a `[[result_type]]` for each kind of result, or remove the table of the adapter kind";
            table.problem("no result type is declared", Some(help.into()));
        }
        (false, false) => {
            let help = format!("add exactly one of {}", Kind::tables());
            table.problem("no adapter kind says how the department is reached", Some(help));
        }
        _ => {}
    }
    if tables.len() > RESULT_TYPES_MAX {
        table.problem(format!("more than {RESULT_TYPES_MAX} result types are declared"), None);
    }
    let mut seen = HashSet::new();
    // Every table is read, also after a broken one, so that all problems are found at once.
    let mut read_one = |mut table: Table<'_>| ResultType::read(&mut table, department, kind, source, &mut seen);
    let read: Vec<_> = tables.into_iter().map(&mut read_one).collect();
    read.into_iter().map(|result_type| result_type.map(Arc::new)).collect()
}

impl Department {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let id = table.parse("id", DepartmentId::parse);
        let name = table.localized("name");
        let credit_code = table.parse("credit_code", CreditCode::parse);
        let sharing_office = plain(table, "sharing_office", 64);
        let contact = plain(table, "contact", 256);
        Some(Self {
            id: id?.into_inner(),
            name: name?,
            credit_code: credit_code?.into_inner(),
            sharing_office: sharing_office?,
            contact: contact?,
        })
    }
}

impl Source {
    /// Whether the department is asked with credentials of the department that requests: then what it answers one
    /// requester is never an answer to another. What `[sql]`, `[soap]` and `[files]` name is reached by
    /// the gateway itself.
    pub fn sends_requester_credentials(&self) -> bool {
        match self {
            Self::Sql(_) | Self::Soap(_) | Self::Files(_) => false,
            Self::Http(source) => source.has_requester_credentials(),
        }
    }

    /// The kind whose table the file has, also where something is wrong in it.
    fn read(table: &mut Table<'_>) -> (Option<Kind>, Option<Option<Self>>) {
        let given: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| table.has(kind.as_str())).collect();
        match given[..] {
            [] => (None, Some(None)),
            [kind] => {
                let source = table.table(kind.as_str()).and_then(|mut table| Self::read_kind(kind, &mut table));
                let kind = match &source {
                    Some(Self::Sql(source)) => Kind::Sql(source.dialect),
                    _ => kind,
                };
                (Some(kind), source.map(Some))
            }
            [kind, ..] => {
                for given in given {
                    if let Some(mut table) = table.table(given.as_str()) {
                        table.skip();
                    }
                }
                let help = format!("keep exactly one of {}", Kind::tables());
                table.problem("more than one adapter kind says how the department is reached", Some(help));
                (Some(kind), None)
            }
        }
    }

    fn read_kind(kind: Kind, table: &mut Table<'_>) -> Option<Self> {
        match kind {
            Kind::Sql(_) => SqlSource::read(table).map(Self::Sql),
            Kind::Http => HttpSource::read(table).map(|source| Self::Http(Box::new(source))),
            Kind::Soap => SoapSource::read(table).map(|source| Self::Soap(Box::new(source))),
            Kind::Files => FilesSource::read(table).map(Self::Files),
        }
    }
}

impl fmt::Display for Source {
    /// Where the department is, for whoever looks after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(source) => source.fmt(f),
            Self::Http(source) => f.write_str(source.url()),
            Self::Soap(source) => f.write_str(source.endpoint()),
            Self::Files(source) => source.folder.display().fmt(f),
        }
    }
}

impl Limits {
    /// What holds where a file has no `[limits]`: gentle, since it protects the department.
    const DEFAULT: Self = Self {
        deadline: Duration::from_secs(2),
        concurrency: 8,
        pause: Duration::from_secs(1),
        pause_max: Duration::from_secs(30),
        rate: None,
        hours: None,
    };
    const DEADLINE_MAX: Duration = Duration::from_secs(60);
    /// A shorter pause would be none: the department would be tried on and on.
    const PAUSE_MIN: Duration = Duration::from_millis(100);
    const PAUSE_MAX: Duration = Duration::from_secs(600);

    fn read(table: &mut Table<'_>) -> Option<Self> {
        let deadline = table.optional_duration("deadline");
        let concurrency = table.optional_integer("concurrency", 1..=1024);
        let pause = Self::read_pause(table, "pause", Self::DEFAULT.pause);
        let pause_max = Self::read_pause(table, "pause_max", Self::DEFAULT.pause_max);
        let rate = RateLimit::read(table, "rate");
        let hours = Hours::read(table, "hours");
        let deadline = match deadline? {
            Some(given) if given.is_zero() || *given > Self::DEADLINE_MAX => {
                table.problem_at(&given, "`limits.deadline` is out of range", Some("write 1ms to 60s".into()));
                return None;
            }
            Some(given) => *given,
            None => Self::DEFAULT.deadline,
        };
        let concurrency = match concurrency? {
            Some(given) => usize::try_from(*given).expect("the range was checked"),
            None => Self::DEFAULT.concurrency,
        };
        let (pause, pause_max) = (pause?, pause_max?);
        if pause > pause_max {
            let help = "raise the one or lower the other";
            table.problem("`limits.pause` is longer than `limits.pause_max`", Some(help.into()));
            return None;
        }
        Some(Self { deadline, concurrency, pause, pause_max, rate: rate?, hours: hours? })
    }

    fn read_pause(table: &mut Table<'_>, key: &str, default: Duration) -> Option<Duration> {
        let Some(given) = table.optional_duration(key)? else { return Some(default) };
        if *given < Self::PAUSE_MIN || *given > Self::PAUSE_MAX {
            table.problem_at(&given, format!("`limits.{key}` is out of range"), Some("write 100ms to 10m".into()));
            return None;
        }
        Some(*given)
    }
}

/// A text of at most `max` characters.
fn plain(table: &mut Table<'_>, key: &str, max: usize) -> Option<PlainText> {
    Some(table.parse(key, |text| PlainText::parse(text, max))?.into_inner())
}
