use std::collections::HashSet;
use std::time::Duration;

use heyan_proto::document::{Located, Table};
use heyan_proto::identifier::{CreditCode, SubjectKind};
use heyan_proto::vocabulary::{DepartmentId, Disclosure, Localized, PlainText, ResultTypeId, SharingClass};

use super::{
    Ask, CatalogueEntry, Column, Coverage, Department, Example, Field, FreshnessDeclaration, Input, Kind, NotShared,
    RecordMapping, Source, Validity, plain,
};
use crate::{AdapterError, Lookup};

/// The most records that a declaration may ask for.
const ROWS_MAX: i64 = 100;

/// The level of GB/T 43697 from which answers are sensitive.
const SENSITIVE_FROM: u8 = 3;

/// A kind of result (结果类型) that a department issues: its catalogue entry, and how it is looked up.
#[derive(Debug, Clone)]
pub struct ResultType {
    /// Its id, unique in the city.
    pub id: ResultTypeId,
    /// The department that issues it.
    pub provider: DepartmentId,
    /// Its name.
    pub name: Localized,
    /// What a caller should know of it.
    pub description: Option<Localized>,
    /// 证照类型代码: the credit code of the authority that defined the type and three digits.
    pub certificate_type: Option<PlainText>,
    /// The kinds of number by which a subject is looked up; not empty.
    pub subject_kinds: Vec<SubjectKind>,
    /// How it is shared (共享属性).
    pub sharing: SharingClass,
    /// The norm under which it is issued and, where it is shared on conditions, the conditions' norm.
    pub legal_basis: PlainText,
    /// Why it is not shared: present exactly where `sharing` is [`SharingClass::NotShared`].
    pub not_shared: Option<NotShared>,
    /// How much of an answer callers may see.
    pub disclosure: Disclosure,
    /// 数据分级 of GB/T 43697: 1 to 4.
    pub sensitivity: u8,
    /// Its entry in the data catalogue.
    pub catalogue: CatalogueEntry,
    /// What its records do not reach.
    pub coverage: Option<Coverage>,
    /// How fresh its data set is.
    pub freshness: FreshnessDeclaration,
    /// How the state on a day follows from a record.
    pub validity: Validity,
    /// Its fields (数据项); not empty, names distinct.
    pub fields: Vec<Field>,
    /// The most records that one look-up gives.
    pub max_rows: usize,
    /// The inputs, optional in a question, that a look-up cannot do without: without the name, a provider that compares
    /// names would find no record, which is not a "no".
    pub requires: Vec<Input>,
    /// Executed examples about invented subjects.
    pub examples: Vec<Example>,
    pub(crate) ask: Ask,
    pub(crate) record: RecordMapping,
}

impl ResultType {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }

    /// Whether its records say by number whose they are: then one without the subject's number is about somebody else.
    pub fn numbers_holders(&self) -> bool {
        self.record.holder_number.is_some()
    }

    /// Whether its records can say what held on an earlier day: they have a first valid day, or the provider is told the day.
    /// Other records state what is, and say nothing of what was.
    pub fn states_earlier_days(&self) -> bool {
        self.record.valid_from.is_some() || self.inputs().any(|input| input == Input::AsOf)
    }

    /// Whether a question's name can be compared: its records name their holders, or the provider looks up by name.
    pub fn compares_names(&self) -> bool {
        self.record.holder_name.is_some() || self.inputs().any(|input| input == Input::SubjectName)
    }

    /// Whether a question's certificate number can be compared, by us or by the provider.
    pub fn compares_certificate_numbers(&self) -> bool {
        self.numbers_certificates() || self.inputs().any(|input| input == Input::CertificateNumber)
    }

    /// Whether its records have a certificate number to compare.
    pub fn numbers_certificates(&self) -> bool {
        self.record.certificate_number.is_some()
    }

    /// The longest that any answer about it may be reused; `None`: none is.
    ///
    /// Sensitive answers are reused only where that is declared. A verdict that is reused tells that it was kept, so all
    /// verdicts are kept, "no record" among them, or none.
    pub fn max_reuse(&self) -> Option<Duration> {
        let FreshnessDeclaration { max_age, negative_ttl, cache_sensitive, .. } = self.freshness;
        if self.sensitivity >= SENSITIVE_FROM && !cache_sensitive {
            return None;
        }
        match self.disclosure {
            Disclosure::Verdict => Some(max_age?.min(negative_ttl?)),
            Disclosure::Claims | Disclosure::Fields => max_age,
        }
    }

    /// What of a question is sent to the department.
    pub fn inputs(&self) -> impl Iterator<Item = Input> + '_ {
        self.ask.inputs().iter().copied()
    }

    /// Whether a look-up has every input that this one cannot do without.
    pub(crate) fn check_required(&self, lookup: &Lookup) -> Result<(), AdapterError> {
        match self.requires.iter().find(|required| lookup.value(**required).is_none()) {
            None => Ok(()),
            Some(lacked) => {
                let what = format!("it requires `{}`, which the look-up lacks", lacked.as_str());
                Err(AdapterError::Misconfigured { what })
            }
        }
    }

    /// The columns that its mapping reads, sorted.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let fields = self.fields.iter().map(|field| &field.column);
        let mut columns: Vec<&str> = self.record.columns().chain(fields).map(Column::name).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// `department` and `source` are `None` where they were reported as wrong; `seen` collects the ids of the file.
    pub(super) fn read(
        table: &mut Table<'_>,
        department: Option<&Department>,
        kind: Option<Kind>,
        source: Option<&Source>,
        seen: &mut HashSet<ResultTypeId>,
    ) -> Option<Self> {
        let result_type = Self::read_without_examples(table, department, kind, source, seen);
        let examples = table.tables("example");
        let Some(mut result_type) = result_type else {
            examples.into_iter().flatten().for_each(|mut example| example.skip());
            return None;
        };
        result_type.examples = Example::read_all(table, examples?, &result_type)?;
        Some(result_type)
    }

    fn read_without_examples(
        table: &mut Table<'_>,
        department: Option<&Department>,
        kind: Option<Kind>,
        source: Option<&Source>,
        seen: &mut HashSet<ResultTypeId>,
    ) -> Option<Self> {
        let id = read_id(table, seen);
        let name = table.localized("name");
        let description = if table.has("description") { table.localized("description").map(Some) } else { Some(None) };
        let certificate_type = table.optional_parse("certificate_type", check_certificate_type);
        let subject_kinds = read_subject_kinds(table);
        let sharing = table.one_of("sharing", &SharingClass::ALL.map(|word| (word.as_str(), word)));
        let legal_basis = plain(table, "legal_basis", 256);
        let not_shared = read_not_shared(table, sharing.as_ref());
        let disclosure = table.one_of("disclosure", &Disclosure::ALL.map(|word| (word.as_str(), word)));
        let sensitivity = table.integer("sensitivity", 1..=4);
        let catalogue = table.table("catalogue").and_then(|mut table| CatalogueEntry::read(&mut table));
        let coverage = optional(table, "coverage", Coverage::read);
        let is_sensitive = sensitivity.as_ref().map(|level| **level >= SENSITIVE_FROM.into());
        let freshness = optional(table, "freshness", |table| FreshnessDeclaration::read(table, kind, is_sensitive));
        let lookup = table.table("lookup").and_then(|mut table| LookupDeclaration::read(&mut table, kind, source));
        let ask = lookup.as_ref().map(|lookup| &lookup.ask);
        let fields = table.table("fields").and_then(|mut table| Field::read_all(&mut table, ask));
        let known_fields = fields.as_deref().unwrap_or_default();
        let validity = optional(table, "validity", |table| Validity::read(table, known_fields));
        let lookup = lookup?;
        Some(Self {
            id: id?,
            provider: department?.id.clone(),
            name: name?,
            description: description?,
            certificate_type: certificate_type?.map(Located::into_inner),
            subject_kinds: subject_kinds?,
            sharing: *sharing?,
            legal_basis: legal_basis?,
            not_shared: not_shared?,
            disclosure: *disclosure?,
            sensitivity: u8::try_from(*sensitivity?).expect("the range was checked"),
            catalogue: catalogue?,
            coverage: coverage?,
            freshness: freshness?.unwrap_or_default(),
            validity: validity?.unwrap_or_default(),
            fields: fields?,
            max_rows: lookup.max_rows,
            requires: lookup.requires,
            examples: Vec::new(),
            ask: lookup.ask,
            record: lookup.record,
        })
    }
}

/// The table `lookup`.
struct LookupDeclaration {
    ask: Ask,
    max_rows: usize,
    requires: Vec<Input>,
    record: RecordMapping,
}

impl LookupDeclaration {
    /// `kind` is `None` where it was reported as missing, `source` where it was reported as wrong.
    fn read(table: &mut Table<'_>, kind: Option<Kind>, source: Option<&Source>) -> Option<Self> {
        let Some(kind) = kind else {
            table.skip();
            return None;
        };
        let ask = Ask::read(table, kind, source);
        let max_rows = table.integer("max_rows", 1..=ROWS_MAX);
        let requires = read_requires(table, ask.as_ref());
        let record = RecordMapping::read(table, ask.as_ref());
        Some(Self {
            ask: ask?,
            max_rows: usize::try_from(*max_rows?).expect("the range was checked"),
            requires: requires?,
            record: record?,
        })
    }
}

fn read_requires(table: &mut Table<'_>, ask: Option<&Ask>) -> Option<Vec<Input>> {
    let known = [Input::SubjectName, Input::CertificateNumber];
    let requires = table.list("requires", |word| {
        let input = known.into_iter().find(|input| input.as_str() == word);
        input.ok_or("must be a list of `subject_name`, `certificate_number`")
    })?;
    let mut whole = true;
    for input in &requires {
        let unused = ask.filter(|ask| !ask.inputs().contains(input));
        if let Some(ask) = unused {
            let message = format!("`{}` is required but the look-up does not use it", input.as_str());
            table.problem_at(input, message, Some(format!("use {}", ask.written(**input))));
            whole = false;
        }
    }
    whole.then(|| requires.into_iter().map(Located::into_inner).collect())
}

fn optional<T>(table: &mut Table<'_>, key: &str, read: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Option<Option<T>> {
    match table.optional_table(key)? {
        Some(mut inner) => read(&mut inner).map(Some),
        None => Some(None),
    }
}

fn read_id(table: &mut Table<'_>, seen: &mut HashSet<ResultTypeId>) -> Option<ResultTypeId> {
    let id = table.parse("id", ResultTypeId::parse)?;
    if !seen.insert(ResultTypeId::clone(&id)) {
        table.problem_at(
            &id,
            format!("the result type `{}` is declared twice", *id),
            Some("give each its own id".into()),
        );
        return None;
    }
    Some(id.into_inner())
}

fn read_subject_kinds(table: &mut Table<'_>) -> Option<Vec<SubjectKind>> {
    let known = SubjectKind::ALL.map(SubjectKind::as_str).join(", ");
    let kinds = table.list("subject_kinds", |word| {
        let kind = SubjectKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| format!("must hold words of: {known}"))
    })?;
    if kinds.is_empty() {
        table.problem("no kind of subject is declared", Some("write `subject_kinds = [\"credit_code\"]`".into()));
        return None;
    }
    Some(kinds.into_iter().map(Located::into_inner).collect())
}

fn read_not_shared(table: &mut Table<'_>, sharing: Option<&Located<SharingClass>>) -> Option<Option<NotShared>> {
    let not_shared = optional(table, "not_shared", NotShared::read)?;
    let sharing = sharing?;
    match (**sharing == SharingClass::NotShared, not_shared.is_some()) {
        (true, false) => {
            let help = "add `[result_type.not_shared]` with the law, administrative regulation or State Council decision \
                        that says so (State Council Decree 809, article 14)";
            table.problem_at(sharing, "a result type that is not shared must say why", Some(help.into()));
            None
        }
        (false, true) => {
            let help = "write `sharing = \"not_shared\"` or remove `[result_type.not_shared]`";
            table.problem_at(sharing, "a result type that is shared has no `not_shared`", Some(help.into()));
            None
        }
        _ => Some(not_shared),
    }
}

fn check_certificate_type(text: &str) -> Result<PlainText, String> {
    const EXPECTED: &str = "must be the credit code of the authority that defined the type, and three digits";
    let (authority, serial) = text.split_at_checked(18).ok_or(EXPECTED)?;
    if serial.len() != 3 || !serial.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EXPECTED.into());
    }
    CreditCode::parse(authority).map_err(|error| format!("{EXPECTED}: its credit code {error}"))?;
    PlainText::parse(text, 21).map_err(|error| error.to_string())
}
