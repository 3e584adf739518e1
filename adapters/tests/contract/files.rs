//! The contract suite over the kind `files`, in each of its formats.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use heyan_adapters::contract::{self, Fixture, Record};
use heyan_adapters::{
    Adapter, Breaker, DepartmentDeclaration, Files, Limit, Retry, Source, Timeout, connect, read_declaration,
};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::workbook::{text, workbook};
use super::{now, unheard};

const HEADER: [&str; 7] = ["subject", "no", "holders", "state", "issued", "until", "months"];

/// How many bytes each column has in a file of fixed width: the suite writes long numbers.
const WIDTHS: [usize; 7] = [18, 130_000, 80, 10, 10, 10, 10];

/// A department that drops files into a folder. It is down when it has delivered nothing for longer than its declaration
/// allows.
struct FilesDepartment {
    city: TempDir,
    declaration: DepartmentDeclaration,
    format: &'static str,
    dropped: AtomicUsize,
    /// Held, it keeps `endless` from being loaded, as another gateway would that is at it for ever.
    _endless: File,
}

impl FilesDepartment {
    fn new() -> Self {
        Self::with_format("csv", "")
    }

    /// What a declaration says of its format instead of `encoding = "gb18030"`.
    fn with_format(format: &'static str, said: &str) -> Self {
        let text = include_str!("../data/contract-files.toml")
            .replacen("licence-*.csv", &format!("licence-*.{format}"), 1)
            .replacen("format = \"csv\"", &format!("format = \"{format}\""), 1);
        let text = if said.is_empty() { text } else { text.replacen("encoding = \"gb18030\"", said, 1) };
        let declaration =
            read_declaration("contract-files.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let city = TempDir::new().unwrap();
        fs::create_dir_all(city.path().join("incoming")).unwrap();
        fs::create_dir_all(city.path().join("state/adapters/contract")).unwrap();
        fs::write(city.path().join("incoming/endless-1.csv"), "subject,number\n").unwrap();
        let endless = File::create(city.path().join("state/adapters/contract/endless.lock")).unwrap();
        endless.lock().unwrap();
        Self { city, declaration, format, dropped: AtomicUsize::new(0), _endless: endless }
    }

    fn files(&self) -> Arc<dyn Adapter> {
        let Some(Source::Files(source)) = &self.declaration.source else { panic!("it has a table `files`") };
        Arc::new(Files::new(source, &self.declaration, self.city.path(), unheard()))
    }

    /// The file of this number.
    fn file(&self, number: usize) -> PathBuf {
        self.city.path().join(format!("incoming/licence-{number:06}.{}", self.format))
    }

    fn write(&self, rows: &[[&str; 7]]) -> Vec<u8> {
        let gb18030 = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
        let quoted = |cell: &&str| format!("\"{}\"", cell.replace('"', "\"\""));
        match self.format {
            "csv" => {
                let line = |row: &[&str; 7]| row.each_ref().map(quoted).join(",") + "\r\n";
                gb18030(&[HEADER].iter().chain(rows).map(line).collect::<String>())
            }
            "jsonl" => {
                let member = |(name, cell): (&str, &&str)| (name.to_owned(), serde_json::Value::from(*cell));
                let object =
                    |row: &[&str; 7]| serde_json::Value::Object(HEADER.into_iter().zip(row).map(member).collect());
                rows.iter().map(|row| object(row).to_string() + "\n").collect::<String>().into_bytes()
            }
            "fixed" => {
                let padded = |(cell, width): (&&str, usize)| {
                    let mut bytes = gb18030(cell);
                    bytes.resize(width, b' ');
                    bytes
                };
                let line = |row: &[&str; 7]| row.iter().zip(WIDTHS).flat_map(padded).chain(*b"\n").collect::<Vec<u8>>();
                rows.iter().flat_map(line).collect()
            }
            _ => {
                let rows = [HEADER].into_iter().chain(rows.iter().copied());
                let rows: Vec<String> = (1..).zip(rows).map(|(number, row)| text(number, &row)).collect();
                workbook("许可", &rows)
            }
        }
    }

    /// Waits until the snapshot, if there is one yet, is of the file that was dropped last.
    async fn is_loaded(&self) {
        let number = self.dropped.load(Ordering::Relaxed);
        let file = self.file(number);
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        let modified = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        for _ in 0..1000 {
            match self.loaded() {
                None => return,
                Some(loaded) if loaded == (name.clone(), i64::try_from(modified).unwrap()) => return,
                Some(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        panic!("the file was not loaded");
    }

    fn loaded(&self) -> Option<(String, i64)> {
        let kept = fs::read_dir(self.city.path().join("state/adapters/contract")).unwrap();
        let is_snapshot = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("licence.") && name.ends_with(".db")
        };
        let snapshot = kept.map(|entry| entry.unwrap().path()).find(is_snapshot)?;
        let connection = Connection::open_with_flags(snapshot, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Some(connection.query_row("SELECT name, modified FROM snapshot", [], read).unwrap())
    }

    async fn age(&self, age: Duration) {
        let file = File::options().write(true).open(self.file(self.dropped.load(Ordering::Relaxed))).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        self.is_loaded().await;
    }
}

#[async_trait]
impl Fixture for FilesDepartment {
    async fn hold(&self, records: &[Record]) {
        let rows: Vec<[&str; 7]> = records
            .iter()
            .map(|Record { subject, certificate_number, holders, state, valid_from, valid_to, months }| {
                [subject, &certificate_number[..], holders, state, valid_from, valid_to, months]
            })
            .collect();
        let number = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        let partial = self.city.path().join("incoming/.partial");
        fs::write(&partial, self.write(&rows)).unwrap();
        fs::rename(&partial, self.file(number)).unwrap();
        self.is_loaded().await;
        drop(fs::remove_file(self.file(number - 1)));
    }

    async fn stop(&self) {
        self.age(Duration::from_secs(27 * 60 * 60)).await;
    }

    async fn start(&self) {
        self.age(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files() {
    let department = FilesDepartment::new();
    contract::answers_and_fails_closed(&*department.files(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_json_lines() {
    let department = FilesDepartment::with_format("jsonl", "encoding = \"utf-8\"");
    contract::answers_and_fails_closed(&*department.files(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_fixed_width() {
    let mut end = 0;
    let column = |(name, width): (&str, usize)| {
        end += width;
        format!("{name} = [{}, {end}]", end - width + 1)
    };
    let columns: Vec<String> = HEADER.into_iter().zip(WIDTHS).map(column).collect();
    let said = format!("encoding = \"gb18030\"\ncolumns = {{ {} }}", columns.join(", "));
    let department = FilesDepartment::with_format("fixed", &said);
    contract::answers_and_fails_closed(&*department.files(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_workbooks() {
    let department = FilesDepartment::with_format("xlsx", "sheet = \"许可\"");
    contract::answers_and_fails_closed(&*department.files(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_timeout() {
    let department = FilesDepartment::new();
    let declared = Duration::from_millis(1500);
    let adapter = Timeout::new(department.files(), declared);
    contract::answers_and_fails_closed(&adapter, &department).await;
    contract::ends_at_the_deadline(&adapter, &department, declared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_limit() {
    let department = FilesDepartment::new();
    let adapter = Limit::new(department.files(), 2, Duration::from_secs(10));
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_retry() {
    let department = FilesDepartment::new();
    let adapter = Retry::new(department.files(), Duration::from_secs(10), unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_breaker() {
    let department = FilesDepartment::new();
    let adapter = Breaker::new(department.files(), department.declaration.limits, unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_as_connected() {
    let department = FilesDepartment::new();
    let adapter = connect(&department.declaration, department.city.path(), &unheard(), &now()).unwrap();
    contract::answers_and_fails_closed(&*adapter, &department).await;
    contract::ends_at_the_deadline(&*adapter, &department, department.declaration.limits.deadline).await;
}
