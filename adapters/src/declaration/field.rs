use std::collections::BTreeMap;

use heyan_proto::document::Table;
use heyan_proto::vocabulary::{FieldName, FieldType, Localized, PlainText};

use super::{Ask, Column, DateForm, plain, record};

/// The most fields of one result type.
const FIELDS_MAX: usize = 64;

/// A field (数据项) of a result type: what a caller may claim about it, and how the provider's column is read.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name, unique in the result type.
    pub name: FieldName,
    /// Its title.
    pub title: Localized,
    /// Its type, and what goes with that.
    pub form: FieldForm,
    /// Whether its value may be disclosed where the result type discloses fields; otherwise it can be compared only.
    pub disclosed: bool,
    pub(crate) column: Column,
}

/// The type of a field, and what goes with it.
#[derive(Debug, Clone)]
pub enum FieldForm {
    /// Free text.
    Text {
        /// Which differences of form do not count in comparing.
        fold: Fold,
    },
    /// One word of a list.
    Code {
        /// The provider's codes and our words for them.
        words: BTreeMap<String, String>,
    },
    /// A list of items.
    Scope {
        /// What stands between them in the provider's column.
        separator: String,
    },
    /// A whole number.
    Integer {
        /// Its unit.
        unit: Option<PlainText>,
    },
    /// A date or 长期.
    Date(DateForm),
    /// Yes or no.
    Flag {
        /// The provider's codes for yes and no.
        words: BTreeMap<String, bool>,
    },
}

/// Which differences of form do not count when texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Names of people: width, middle dots, spaces.
    Name,
    /// Names of organisations: width, brackets, spaces.
    Organisation,
    /// Addresses: width, brackets, spaces.
    Address,
    /// None.
    Exact,
}

impl Fold {
    /// All rules.
    pub const ALL: [Self; 4] = [Self::Name, Self::Organisation, Self::Address, Self::Exact];

    /// The word used in declarations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Organisation => "organisation",
            Self::Address => "address",
            Self::Exact => "exact",
        }
    }
}

impl Field {
    /// Its type.
    pub fn field_type(&self) -> FieldType {
        match self.form {
            FieldForm::Text { .. } => FieldType::Text,
            FieldForm::Code { .. } => FieldType::Code,
            FieldForm::Scope { .. } => FieldType::Scope,
            FieldForm::Integer { .. } => FieldType::Integer,
            FieldForm::Date(_) => FieldType::Date,
            FieldForm::Flag { .. } => FieldType::Flag,
        }
    }

    /// The words that a `Code` field can have, sorted and distinct; empty for other types.
    pub fn code_list(&self) -> Vec<&str> {
        let FieldForm::Code { words } = &self.form else { return Vec::new() };
        let mut list: Vec<&str> = words.values().map(String::as_str).collect();
        list.sort_unstable();
        list.dedup();
        list
    }

    /// Reads the table `fields`.
    pub(super) fn read_all(table: &mut Table<'_>, ask: Option<&Ask>) -> Option<Vec<Self>> {
        let names = table.keys();
        if names.is_empty() || names.len() > FIELDS_MAX {
            let help =
                format!("declare 1 to {FIELDS_MAX} fields: article 13 of State Council Decree 809 demands 数据项");
            table.problem(format!("the result type has {} fields", names.len()), Some(help));
        }
        let mut fields = Vec::new();
        for name in names {
            let parsed = FieldName::parse(&name);
            if let Err(error) = &parsed {
                table.problem_at(&name, error.to_string(), None);
            }
            fields.push(table.table(&name).and_then(|mut table| Self::read(&mut table, parsed.ok(), ask)));
        }
        fields.into_iter().collect()
    }

    /// Reads one field; `name` is `None` where it was reported as wrong.
    fn read(table: &mut Table<'_>, name: Option<FieldName>, ask: Option<&Ask>) -> Option<Self> {
        let title = table.localized("title");
        let column = Column::read(table, ask);
        let disclosed = table.optional_flag("disclosed");
        let form = FieldForm::read(table);
        Some(Self {
            name: name?,
            title: title?,
            column: column?,
            disclosed: disclosed?.is_none_or(|flag| *flag),
            form: form?,
        })
    }
}

impl FieldForm {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let Some(field_type) = table.one_of("type", &FieldType::ALL.map(|word| (word.as_str(), word))) else {
            table.skip();
            return None;
        };
        match *field_type {
            FieldType::Text => {
                let fold = table.one_of("fold", &Fold::ALL.map(|word| (word.as_str(), word)))?;
                Some(Self::Text { fold: *fold })
            }
            FieldType::Code => {
                let words = record::read_words(table, |map, code| Some(plain(map, code, 64)?.as_str().to_owned()));
                read_on_unknown(table)?;
                Some(Self::Code { words: words? })
            }
            FieldType::Scope => match record::optional_separator(table)? {
                Some(separator) => Some(Self::Scope { separator }),
                None => {
                    table.problem(
                        "a scope needs a `separator`",
                        Some("write what stands between its items: `separator = \",\"`".into()),
                    );
                    None
                }
            },
            FieldType::Integer => {
                let unit = table.optional_parse("unit", |text| PlainText::parse(text, 16))?;
                Some(Self::Integer { unit: unit.map(|unit| unit.into_inner()) })
            }
            FieldType::Date => DateForm::read(table).map(Self::Date),
            FieldType::Flag => {
                let words = record::read_words(table, |map, code| Some(*map.flag(code)?));
                read_on_unknown(table)?;
                Some(Self::Flag { words: words? })
            }
        }
    }
}

/// A code that the map does not know is never passed through: a declaration may say so, and may say nothing else.
fn read_on_unknown(table: &mut Table<'_>) -> Option<()> {
    table.optional_one_of("on_unknown", &[("malformed", ())]).map(drop)
}
