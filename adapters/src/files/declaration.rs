use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use encoding_rs::Encoding;
use heyan_proto::document::{Located, Table};
use heyan_proto::vocabulary::PlainText;

use super::read::COLUMNS_MAX;
use crate::declaration::{Input, Template};

/// The table `[files]`.
#[derive(Debug, Clone)]
pub struct FilesSource {
    /// The folder into which the department drops its files, relative to the city folder.
    pub folder: PathBuf,
    /// From which age of its file, by the time of its last change, a snapshot answers nothing any more.
    pub stale_after: Duration,
    /// A file is read only once its size and time have not changed for so long.
    pub settle: Duration,
}

impl FilesSource {
    const SETTLE_DEFAULT: Duration = Duration::from_secs(5);
    const SETTLE_MAX: Duration = Duration::from_secs(60 * 60);
    const STALE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let folder = table.parse("folder", |text| PlainText::parse(text, 1024));
        let stale_after = table.duration("stale_after");
        let settle = table.optional_duration("settle");
        let (stale_after, settle) = (stale_after?, settle?);
        let mut whole = true;
        if stale_after.is_zero() || *stale_after > Self::STALE_MAX {
            table.problem_at(&stale_after, "`files.stale_after` is out of range", Some("write 1ms to 366d".into()));
            whole = false;
        }
        if let Some(settle) = settle.as_ref().filter(|settle| ***settle > Self::SETTLE_MAX) {
            table.problem_at(settle, "`files.settle` is out of range", Some("write 0s to 60m".into()));
            whole = false;
        }
        whole.then_some(())?;
        Some(Self {
            folder: folder?.as_str().into(),
            stale_after: *stale_after,
            settle: settle.map_or(Self::SETTLE_DEFAULT, Located::into_inner),
        })
    }
}

/// What `[result_type.lookup]` says of a file. Its `Debug` names everything on which a snapshot depends.
#[derive(Debug, Clone)]
pub(crate) struct FilesAsk {
    pub(super) file: FilePattern,
    pub(super) format: Format,
    /// The column that is compared with the subject's number.
    pub(super) key: Box<str>,
    /// Columns that are compared with more of the question, where it gives that.
    pub(super) conditions: Vec<(Box<str>, Template)>,
    inputs: BTreeSet<Input>,
}

/// Which files of the folder are meant: a name in which one `*` stands for any text.
#[derive(Debug, Clone)]
pub(super) struct FilePattern {
    before: String,
    /// What follows the `*`; `None` where the pattern is the name.
    after: Option<String>,
}

/// How a file is written.
#[derive(Debug, Clone)]
pub(super) enum Format {
    Csv { encoding: &'static Encoding, separator: u8 },
    JsonLines { encoding: &'static Encoding },
    Fixed { encoding: &'static Encoding, columns: Vec<FixedColumn> },
    Xlsx { sheet: Box<str> },
}

/// A column of a file of fixed width: bytes of the line as it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct FixedColumn {
    pub(super) name: Box<str>,
    /// Its first byte, counted from 0.
    pub(super) from: usize,
    /// The byte after its last.
    pub(super) to: usize,
}

/// The longest line of a file of fixed width that can be declared, in bytes.
const LINE_BYTES_MAX: i64 = 256 << 10;

/// The most columns that are compared beside the key.
const CONDITIONS_MAX: usize = 8;

impl FilesAsk {
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let file = table.parse("file", FilePattern::parse);
        let format = Format::read(table);
        let key = table.parse("key", |text| PlainText::parse(text, 128));
        let conditions = match table.optional_table("where") {
            Some(Some(mut table)) => read_conditions(&mut table),
            Some(None) => Some(Vec::new()),
            None => None,
        };
        let (file, format, key, conditions) = (file?.into_inner(), format?, key?, conditions?);
        let mut inputs = BTreeSet::from([Input::SubjectNumber]);
        inputs.extend(conditions.iter().flat_map(|(_, template)| template.inputs()));
        let mut ask = Self { file, format, key: key.as_str().into(), conditions: Vec::new(), inputs };
        let mut whole = ask.check_column(table, &key, key.as_str());
        for (column, template) in conditions {
            whole &= ask.check_column(table, &column, &column);
            ask.conditions.push((column.as_str().into(), template));
        }
        whole.then_some(ask)
    }

    /// What of a question is compared.
    pub(crate) fn inputs(&self) -> &BTreeSet<Input> {
        &self.inputs
    }

    /// Whether the file can have the column, as far as that can be told from its declaration.
    pub(crate) fn check_column<T>(&self, table: &Table<'_>, at: &Located<T>, name: &str) -> bool {
        let Format::Fixed { columns, .. } = &self.format else { return true };
        let known = columns.iter().any(|column| *column.name == *name);
        if !known {
            let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
            let help = format!("`columns` has `{}`", names.join("`, `"));
            table.problem_at(at, format!("`columns` has no column `{name}`"), Some(help));
        }
        known
    }
}

fn read_conditions(table: &mut Table<'_>) -> Option<Vec<(Located<String>, Template)>> {
    const COMPARED: [Input; 3] = [Input::SubjectKind, Input::SubjectName, Input::CertificateNumber];
    let columns = table.keys();
    if columns.is_empty() || columns.len() > CONDITIONS_MAX {
        let help =
            format!("write 1 to {CONDITIONS_MAX} columns, `no = \"{{{{certificate_number}}}}\"`, or leave it out");
        table.problem(format!("`where` has {} columns", columns.len()), Some(help));
        table.skip();
        return None;
    }
    let read = columns.into_iter().map(|column| {
        let template = table.parse(&column, |text| {
            let template = Template::parse(text)?;
            if template.inputs().iter().all(|input| COMPARED.contains(input)) {
                return Ok(template);
            }
            let known = COMPARED.map(|input| format!("`{{{{{}}}}}`", input.as_str())).join(", ");
            Err(format!("can be compared with {known} and fixed text alone"))
        });
        Some((column, template?.into_inner()))
    });
    // Every condition is read, also after a broken one, so that all problems are found at once.
    read.collect::<Vec<_>>().into_iter().collect()
}

impl FilePattern {
    fn parse(text: &str) -> Result<Self, String> {
        PlainText::parse(text, 255).map_err(|error| error.to_string())?;
        if text.contains('/') || text.starts_with('.') {
            return Err("must be the name of a file in the folder, without `/` and without a dot before it".into());
        }
        let (before, after) = match text.split_once('*') {
            Some((before, after)) => (before, Some(after.to_owned())),
            None => (text, None),
        };
        if after.as_ref().is_some_and(|after| after.contains('*')) {
            return Err("may have one `*`".into());
        }
        Ok(Self { before: before.to_owned(), after })
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        match &self.after {
            Some(after) => {
                // Files that are still being copied often have a dot before their name.
                !name.starts_with('.') && name.strip_prefix(&self.before).is_some_and(|rest| rest.ends_with(after))
            }
            None => name == self.before,
        }
    }
}

impl Format {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        #[derive(Clone, Copy)]
        enum Word {
            Csv,
            JsonLines,
            Fixed,
            Xlsx,
        }
        let words = [("csv", Word::Csv), ("xlsx", Word::Xlsx), ("jsonl", Word::JsonLines), ("fixed", Word::Fixed)];
        let Some(word) = table.one_of("format", &words) else {
            // What else is asked depends on the format.
            for key in ["encoding", "separator", "columns", "sheet"] {
                table.has(key);
            }
            return None;
        };
        Some(match *word {
            Word::Csv => {
                let encoding = table.parse("encoding", parse_encoding);
                let separator = table.optional_parse("separator", parse_separator);
                Self::Csv { encoding: *encoding?, separator: separator?.map_or(b',', Located::into_inner) }
            }
            Word::JsonLines => Self::JsonLines { encoding: *table.parse("encoding", parse_encoding)? },
            Word::Fixed => {
                let encoding = table.parse("encoding", |label| match parse_encoding(label)? {
                    encoding if encoding.is_ascii_compatible() => Ok(encoding),
                    _ => Err("cuts lines between bytes: fixed width is read in encodings that keep ASCII as it is"),
                });
                let columns = table.table("columns").and_then(|mut table| read_columns(&mut table));
                Self::Fixed { encoding: *encoding?, columns: columns? }
            }
            Word::Xlsx => {
                Self::Xlsx { sheet: table.parse("sheet", |text| PlainText::parse(text, 64))?.as_str().into() }
            }
        })
    }
}

fn parse_encoding(label: &str) -> Result<&'static Encoding, &'static str> {
    let encoding = Encoding::for_label_no_replacement(label.as_bytes());
    encoding.ok_or("must be the name of an encoding such as `utf-8`, `gb18030` or `gbk`")
}

fn parse_separator(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [separator] if separator.is_ascii() && !matches!(separator, b'"' | b'\n' | b'\r') => Ok(*separator),
        _ => Err("must be one ASCII character such as `,`, `|` or `\\t`"),
    }
}

fn read_columns(table: &mut Table<'_>) -> Option<Vec<FixedColumn>> {
    let names = table.keys();
    if names.is_empty() || names.len() > COLUMNS_MAX {
        let help = format!("write 1 to {COLUMNS_MAX} columns, `name = [1, 18]`");
        table.problem(format!("`columns` has {} columns", names.len()), Some(help));
        table.skip();
        return None;
    }
    let read = names.into_iter().map(|name| {
        let bytes = table.integer_pair(&name)?;
        let [first, last] = *bytes;
        if first < 1 || last < first || last > LINE_BYTES_MAX {
            let help = format!("write the first and the last byte, counted from 1, up to {LINE_BYTES_MAX}: `[1, 18]`");
            table.problem_at(&bytes, format!("the column `{}` has no such place in a line", name.as_str()), Some(help));
            return None;
        }
        let byte = |number| usize::try_from(number).expect("the range was checked");
        Some(FixedColumn { name: name.as_str().into(), from: byte(first - 1), to: byte(last) })
    });
    // Every column is read, also after a broken one, so that all problems are found at once.
    read.collect::<Vec<_>>().into_iter().collect()
}
