use std::time::Duration;

use heyan_proto::document::{Located, Table};
use heyan_proto::vocabulary::{FieldName, FieldType, LegalBasis, LegalKind, Localized, PlainText, PolicyId};
use jiff::civil::Date;

use super::{Field, FieldForm, Kind, SqlDialect, SqlQuery, plain};

/// What the records do not reach. A question beyond it is outside coverage, known without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// What a caller should know.
    pub note: Localized,
    /// Results that were issued earlier are not in the records; a question as of an earlier date is outside.
    pub issued_from: Option<Date>,
    /// The first digits of the division codes (GB/T 2260) whose authorities' results are in the records; empty: not
    /// limited. Shown to callers; never judged from a subject's number, which tells where it was first registered.
    pub divisions: Vec<PlainText>,
}

/// How fresh the provider's data set is.
#[derive(Debug, Clone, Default)]
pub struct FreshnessDeclaration {
    /// The longest that an answer of this data set may be reused; absent: never.
    pub max_age: Option<Duration>,
    /// The longest that "no record" may be reused, at most `max_age`; absent: never.
    pub negative_ttl: Option<Duration>,
    /// Whether answers may be reused although they are sensitive.
    pub cache_sensitive: bool,
    /// Asks when the data set was last updated.
    pub(crate) updated: Option<SqlQuery>,
}

/// How the state on the as-of date follows from a record, beyond its dates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validity {
    /// An expired result that is alive by law while a timely application for renewal is undecided.
    pub renewal: Option<Renewal>,
}

/// 延续: the Administrative Licensing Law, article 50, deems a renewal granted where the authority did not decide in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// For how many days after the last valid day it can be alive at most.
    pub alive_days_max: u16,
    /// The flag field that says whether a timely application is undecided.
    pub pending_field: FieldName,
    /// The norm.
    pub legal_basis: PlainText,
}

/// Why a result type is not shared (不予共享): the facts that a refusal names. Its owner is the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotShared {
    /// The id under which the exception is cited.
    pub id: PolicyId,
    /// What it says, in a few words.
    pub title: Localized,
    /// The law, administrative regulation or State Council decision (Decree 809, article 14).
    pub legal_basis: LegalBasis,
    /// The date by which the provider reviews it.
    pub review_by: Date,
    /// How to contest it or which other way there is.
    pub remedy: Localized,
}

impl Coverage {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let note = table.localized("note");
        let issued_from = table.optional_date("issued_from");
        let divisions = table.list("divisions", |text| {
            let digits = matches!(text.len(), 2 | 4 | 6) && text.bytes().all(|b| b.is_ascii_digit());
            if !digits {
                return Err("must hold the first 2, 4 or 6 digits of division codes".to_owned());
            }
            PlainText::parse(text, 6).map_err(|error| error.to_string())
        });
        Some(Self {
            note: note?,
            issued_from: issued_from?.map(|date| *date),
            divisions: divisions?.into_iter().map(|division| division.into_inner()).collect(),
        })
    }
}

impl FreshnessDeclaration {
    /// The longest that a declaration can let an answer be reused.
    const AGE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    /// `is_sensitive` is `None` where the level was reported as wrong, `kind` where it was reported as missing. A query for the
    /// update time is for databases alone.
    pub(super) fn read(table: &mut Table<'_>, kind: Option<Kind>, is_sensitive: Option<bool>) -> Option<Self> {
        let (dialect, updated) = match kind {
            Some(Kind::Sql(dialect)) => (dialect, table.optional_text("updated")),
            _ => (SqlDialect::Sqlite, Some(None)),
        };
        let max_age = read_age(table, "max_age");
        let negative_ttl = read_age(table, "negative_ttl");
        let cache_sensitive = table.optional_flag("cache_sensitive");
        let updated = match updated? {
            Some(text) => Some(SqlQuery::check_update_time(table, text, dialect)?),
            None => None,
        };
        let (max_age, negative_ttl) = (max_age?.map(Located::into_inner), negative_ttl?);
        if let Some(ttl) = &negative_ttl
            && max_age.is_none_or(|max_age| max_age < **ttl)
        {
            let message = "`freshness.negative_ttl` is longer than `max_age`, or there is no `max_age`";
            table.problem_at(ttl, message, Some("raise `max_age`, or shorten or remove `negative_ttl`".into()));
            return None;
        }
        let cache_sensitive = cache_sensitive?;
        if let Some(flag) = &cache_sensitive
            && (max_age.is_none() || is_sensitive == Some(false))
        {
            let message = "`freshness.cache_sensitive` is for a result type of sensitivity 3 or 4 that has `max_age`";
            table.problem_at(flag, message, Some("remove it, or add `max_age`".into()));
            return None;
        }
        let cache_sensitive = cache_sensitive.is_some_and(Located::into_inner);
        Some(Self { max_age, negative_ttl: negative_ttl.map(Located::into_inner), cache_sensitive, updated })
    }
}

fn read_age(table: &mut Table<'_>, key: &str) -> Option<Option<Located<Duration>>> {
    let Some(age) = table.optional_duration(key)? else { return Some(None) };
    if age.is_zero() || *age > FreshnessDeclaration::AGE_MAX {
        let help = "write 1ms to 366d, or leave it out so that nothing is reused";
        table.problem_at(&age, format!("`freshness.{key}` is out of range"), Some(help.into()));
        return None;
    }
    Some(Some(age))
}

impl Validity {
    pub(super) fn read(table: &mut Table<'_>, fields: &[Field]) -> Option<Self> {
        let renewal = match table.optional_table("renewal")? {
            Some(mut renewal) => Some(Renewal::read(&mut renewal, fields)?),
            None => None,
        };
        Some(Self { renewal })
    }
}

impl Renewal {
    fn read(table: &mut Table<'_>, fields: &[Field]) -> Option<Self> {
        let days = table.integer("alive_days_max", 1..=3650);
        let pending = table.parse("pending_field", FieldName::parse);
        let legal_basis = plain(table, "legal_basis", 256);
        let pending = pending?;
        if !fields.iter().any(|field| field.name == *pending && matches!(field.form, FieldForm::Flag { .. })) {
            let help = format!("name a field of this result type that has `type = \"{}\"`", FieldType::Flag.as_str());
            table.problem_at(&pending, format!("`{}` is not a flag field", *pending), Some(help));
            return None;
        }
        Some(Self {
            alive_days_max: u16::try_from(*days?).expect("the range was checked"),
            pending_field: pending.into_inner(),
            legal_basis: legal_basis?,
        })
    }
}

impl NotShared {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let id = table.parse("id", PolicyId::parse);
        let title = table.localized("title");
        let kind = table.one_of("legal_kind", &LegalKind::ALL.map(|kind| (kind.as_str(), kind)));
        let citation = plain(table, "legal_basis", 256);
        let review_by = table.date("review_by");
        let remedy = table.localized("remedy");
        Some(Self {
            id: id?.into_inner(),
            title: title?,
            legal_basis: LegalBasis { kind: kind?.into_inner(), citation: citation? },
            review_by: *review_by?,
            remedy: remedy?,
        })
    }
}
