use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use heyan_proto::vocabulary::{FieldValue, ResultTypeId};
use tempfile::TempDir;

use super::Files;
use crate::contract::{SUBJECTS, lookup};
use crate::{Adapter, AdapterError, BreakerState, GuardListener, Holdings, Lookup, Source, read_declaration};

#[path = "../../tests/contract/workbook.rs"]
mod workbook;

mod broken;
mod large;

const DECLARATION: &str = include_str!("../../tests/data/contract-files.toml");

const HEADER: &str = "subject,no,holders,state,issued,until,months\n";

/// A city folder, and a department in it that drops files.
struct City {
    folder: TempDir,
    declaration: String,
}

impl City {
    /// Files settle almost at once; of two result types the one that is never loaded is left out.
    fn new() -> Self {
        let declaration = DECLARATION.replacen("settle = \"100ms\"", "settle = \"1ms\"", 1);
        let (declaration, _) = declaration.split_once("[[result_type]]\nid = \"endless\"").unwrap();
        Self::declared(declaration.to_owned())
    }

    /// One whose declaration says something otherwise.
    fn with(said: &str, instead: &str) -> Self {
        let Self { declaration, .. } = Self::new();
        assert!(declaration.contains(said), "{said}");
        Self::declared(declaration.replacen(said, instead, 1))
    }

    /// An empty one with the same declaration.
    fn another(&self) -> Self {
        Self::declared(self.declaration.clone())
    }

    fn declared(declaration: String) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("incoming")).unwrap();
        Self { folder, declaration }
    }

    fn connect(&self) -> Files {
        self.connect_heard(Arc::new(()))
    }

    fn connect_heard(&self, listener: Arc<dyn GuardListener>) -> Files {
        let declaration = read_declaration("files.toml", &self.declaration).unwrap_or_else(|all| panic!("{all}"));
        let Some(Source::Files(source)) = &declaration.source else { panic!("it has a table `files`") };
        Files::new(source, &declaration, self.folder.path(), listener)
    }

    /// Drops a file in one step.
    fn drop(&self, name: &str, content: impl AsRef<[u8]>) {
        let partial = self.folder.path().join("incoming/.partial");
        fs::write(&partial, content).unwrap();
        fs::rename(partial, self.file(name)).unwrap();
    }

    fn drop_rows(&self, name: &str, rows: &str) {
        self.drop(name, encoding_rs::GB18030.encode(&format!("{HEADER}{rows}")).0);
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("incoming").join(name)
    }

    fn set_age(&self, name: &str, modified: SystemTime) {
        File::options().write(true).open(self.file(name)).unwrap().set_modified(modified).unwrap();
    }

    /// What is kept, by name.
    fn kept(&self) -> Vec<String> {
        let Ok(kept) = fs::read_dir(self.folder.path().join("state/adapters/contract")) else { return Vec::new() };
        let mut names: Vec<String> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

/// A row that fits, about one of the subjects.
fn row(subject: &str, months: &str) -> String {
    format!("{subject},JY1,样例甲有限公司,01,20240301,长期,{months}\n")
}

async fn ask(files: &Files) -> Result<Holdings, AdapterError> {
    files.look_up(&lookup("licence", SUBJECTS[0])).await
}

async fn months(files: &Files) -> Option<i64> {
    match ask(files).await.unwrap().records.first()?.fields.get("months") {
        Some(FieldValue::Integer(months)) => Some(*months),
        other => panic!("{other:?}"),
    }
}

/// Waits until something holds.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn without_a_file_nothing_is_known() {
    let city = City::new();
    let files = city.connect();
    assert_eq!(ask(&files).await, Err(AdapterError::Unavailable));
    assert_eq!(files.check_health().await, Err(AdapterError::Unavailable));
    fs::remove_dir(city.file("")).unwrap();
    assert_eq!(ask(&files).await, Err(AdapterError::Unavailable));
    // A directory, a pipe or a link of that name is no file.
    fs::create_dir_all(city.file("licence-1.csv")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(city.file("licence-2.csv")).status().unwrap().success());
    let elsewhere = city.folder.path().join("elsewhere.csv");
    fs::write(&elsewhere, format!("{HEADER}{}", row(SUBJECTS[0], "12"))).unwrap();
    std::os::unix::fs::symlink(elsewhere, city.file("licence-3.csv")).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ask(&files).await, Err(AdapterError::Unavailable));
}

#[tokio::test]
async fn the_newest_by_name_wins_and_its_time_is_that_of_the_answer() {
    let city = City::new();
    city.drop_rows("licence-20261122.csv", &row(SUBJECTS[0], "12"));
    city.drop_rows("licence-20261121.csv", &row(SUBJECTS[0], "24"));
    city.drop_rows(".licence-20261123.csv", &row(SUBJECTS[0], "36"));
    city.drop_rows("licence-20261123.csv.part", &row(SUBJECTS[0], "48"));
    let an_hour_ago = SystemTime::now() - Duration::from_secs(60 * 60);
    city.set_age("licence-20261122.csv", an_hour_ago);
    let files = city.connect();
    let holdings = ask(&files).await.unwrap();
    assert_eq!(holdings.updated_at, Some(an_hour_ago.try_into().unwrap()));
    assert_eq!(months(&files).await, Some(12));
    assert_eq!(files.check_health().await, Ok(()));
    city.drop_rows("licence-20261124.csv", &row(SUBJECTS[0], "60"));
    until("the newer file is loaded", async || months(&files).await == Some(60)).await;
    // What the department takes away again was delivered nevertheless.
    fs::remove_dir_all(city.file("")).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(months(&files).await, Some(60));
    assert_eq!(files.check_health().await, Ok(()));
}

#[tokio::test]
async fn a_stale_file_is_not_no_record() {
    let city = City::new();
    city.drop_rows("licence-1.csv", &row(SUBJECTS[0], "12"));
    let hours_ago = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 60 * 60);
    city.set_age("licence-1.csv", hours_ago(27));
    let files = city.connect();
    for subject in &SUBJECTS[..2] {
        let asked = files.look_up(&lookup("licence", subject)).await;
        assert_eq!(asked, Err(AdapterError::Unavailable));
    }
    assert_eq!(files.check_health().await, Err(AdapterError::Unavailable));
    city.set_age("licence-1.csv", hours_ago(25));
    until("it is fresh again", async || ask(&files).await.is_ok()).await;
}

#[tokio::test]
async fn a_file_from_the_future_is_not_loaded() {
    let city = City::new();
    city.drop_rows("licence-1.csv", &row(SUBJECTS[0], "12"));
    city.set_age("licence-1.csv", SystemTime::now() + Duration::from_secs(600));
    let files = city.connect();
    let what = "`licence`: the time of the file is in the future".to_owned();
    assert_eq!(ask(&files).await, Err(AdapterError::Misconfigured { what }));
    city.set_age("licence-1.csv", SystemTime::now() + Duration::from_secs(60));
    until("clocks may differ a little", async || ask(&files).await.is_ok()).await;
}

#[tokio::test]
async fn a_file_that_is_still_written_is_waited_for_until_the_deadline() {
    let city = City::with("settle = \"1ms\"", "settle = \"400ms\"");
    let files = city.connect();
    city.drop_rows("licence-1.csv", &row(SUBJECTS[0], "12"));
    let hasty = Lookup { deadline: Duration::from_millis(50), ..lookup("licence", SUBJECTS[0]) };
    assert_eq!(files.look_up(&hasty).await, Err(AdapterError::Timeout));
    for months in 13..18 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        city.drop_rows("licence-1.csv", &row(SUBJECTS[0], &months.to_string()));
    }
    assert!(city.kept().is_empty(), "it was read while it was written");
    assert_eq!(files.check_health().await, Ok(()), "to be loaded is no trouble");
    assert_eq!(months(&files).await, Some(17));
}

#[tokio::test]
async fn a_snapshot_survives_a_restart_and_not_another_declaration() {
    let mut city = City::new();
    city.drop_rows("licence-1.csv", &row(SUBJECTS[0], "12"));
    assert_eq!(months(&city.connect()).await, Some(12));
    let snapshot = || {
        let kept = city.kept();
        let [snapshot, _lock] = &kept[..] else { panic!("{kept:?}") };
        let path = city.folder.path().join("state/adapters/contract").join(snapshot);
        (snapshot.clone(), fs::metadata(path).unwrap())
    };
    let (name, first) = snapshot();
    let second = || {
        let files = city.connect();
        async move { months(&files).await }
    };
    assert_eq!(second().await, Some(12));
    let inode = |of: &fs::Metadata| std::os::unix::fs::MetadataExt::ino(of);
    assert_eq!(inode(&snapshot().1), inode(&first), "it was loaded again");
    let mode = |of: &fs::Metadata| std::os::unix::fs::PermissionsExt::mode(&of.permissions()) & 0o777;
    assert_eq!(mode(&first), 0o600);
    assert_eq!(mode(&fs::metadata(city.folder.path().join("state/adapters/contract")).unwrap()), 0o700);
    // Damaged at rest, it is written anew.
    fs::write(city.folder.path().join("state/adapters/contract").join(&name), "no database").unwrap();
    let files = city.connect();
    assert_eq!(months(&files).await, Some(12));
    drop(files);
    // Another declaration compares other columns, and leaves nothing of what the last one kept.
    city.declaration = city.declaration.replacen(", holders = \"{{subject_name}}\"", "", 1);
    let old = File::options().write(true).open(city.folder.path().join("state/adapters/contract").join(&name)).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(60 * 60)).unwrap();
    let files = city.connect();
    assert_eq!(months(&files).await, Some(12));
    let kept = city.kept();
    assert!(kept.len() == 2 && !kept.contains(&name), "{kept:?}");
}

/// Failure is a file that is loaded twice, or a gateway that waits for ever for the other.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_over_one_folder_load_once() {
    let city = City::new();
    city.drop_rows("licence-1.csv", &row(SUBJECTS[1], "12").repeat(3));
    let heard = Arc::new(Heard::default());
    let gateways: Vec<Files> = (0..4).map(|_| city.connect_heard(heard.clone())).collect();
    for asked in futures::future::join_all(gateways.iter().map(ask)).await {
        assert!(asked.unwrap().records.is_empty());
    }
    assert_eq!(*heard.0.lock().unwrap(), [(3, true)]);
    // Somebody clears what is kept while they run.
    fs::remove_dir_all(city.folder.path().join("state")).unwrap();
    until("it is loaded again", async || ask(&gateways[0]).await.is_ok()).await;
}

#[tokio::test]
async fn only_what_is_asked_for_is_kept() {
    let city = City::new();
    let file = format!("secret,{HEADER}canary,{}", row(SUBJECTS[0], "12"));
    city.drop("licence-1.csv", encoding_rs::GB18030.encode(&file).0);
    assert_eq!(months(&city.connect()).await, Some(12));
    for name in city.kept() {
        let bytes = fs::read(city.folder.path().join("state/adapters/contract").join(name)).unwrap();
        assert!(!bytes.windows(6).any(|bytes| bytes == b"canary"));
    }
}

#[tokio::test]
async fn numbers_and_blanks_around_a_key_are_met() {
    let city = City::new();
    city.drop_rows("licence-1.csv", &row(&format!("  {} \t", SUBJECTS[0]), "12"));
    let files = city.connect();
    assert_eq!(months(&files).await, Some(12));
    let with = |number: &str| {
        let number = heyan_proto::vocabulary::PersonalText::parse(number, 20).unwrap();
        Lookup { certificate_number: Some(number), ..lookup("licence", SUBJECTS[0]) }
    };
    assert_eq!(files.look_up(&with("JY1")).await.unwrap().records.len(), 1);
    assert_eq!(files.look_up(&with("JY2")).await.unwrap().records.len(), 0);
}

#[tokio::test]
async fn what_cannot_be_kept_is_said() {
    let city = City::new();
    city.drop_rows("licence-1.csv", &row(SUBJECTS[0], "12"));
    fs::write(city.folder.path().join("state"), "in the way").unwrap();
    let what = "`licence`: the folder of snapshots cannot be written".to_owned();
    assert_eq!(ask(&city.connect()).await, Err(AdapterError::Misconfigured { what }));
}

#[tokio::test]
async fn what_a_declaration_requires_is_not_left_out() {
    let city = City::with("max_rows = 3", "max_rows = 3\nrequires = [\"subject_name\"]");
    city.drop_rows("licence-1.csv", &row(SUBJECTS[0], "12"));
    assert!(matches!(ask(&city.connect()).await, Err(AdapterError::Misconfigured { .. })));
}

/// Failure is a thread that goes on, or a half-written snapshot that stays.
#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_adapter_ends_its_load() {
    let city = City::new();
    let row = encoding_rs::GB18030.encode(&row(SUBJECTS[1], "12")).0.into_owned();
    city.drop("licence-1.csv", [HEADER.as_bytes(), &row.repeat(300_000)].concat());
    let files = city.connect();
    let hasty = Lookup { deadline: Duration::from_millis(20), ..lookup("licence", SUBJECTS[0]) };
    assert_eq!(files.look_up(&hasty).await, Err(AdapterError::Timeout));
    until("it is loading", async || city.kept().iter().any(|name| name.ends_with(".loading"))).await;
    drop(files);
    let ends = Instant::now();
    until("the load has ended", async || !city.kept().iter().any(|name| name.ends_with(".loading"))).await;
    assert!(ends.elapsed() < Duration::from_secs(2));
    assert!(!city.kept().iter().any(|name| name.ends_with(".db")), "a part of the file was put in place");
}

/// Look-ups go on while newer files replace the one that they read; each sees one file whole.
#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_swapped_whole() {
    let city = City::new();
    let rows = |months: i64| row(SUBJECTS[0], &months.to_string()).repeat(3);
    city.drop_rows("licence-100.csv", &rows(100));
    let files = Arc::new(city.connect());
    ask(&files).await.unwrap();
    let asking = (0..2).map(|_| {
        let files = Arc::clone(&files);
        tokio::spawn(async move {
            let mut seen = std::collections::BTreeSet::new();
            while !seen.contains(&109) {
                let records = ask(&files).await.unwrap().records;
                assert_eq!(records.len(), 3);
                let all: Vec<_> = records.iter().map(|record| record.fields["months"].clone()).collect();
                assert!(all.iter().all(|months| *months == all[0]));
                let FieldValue::Integer(months) = all[0] else { panic!("it is a number") };
                seen.insert(months);
            }
            seen.len()
        })
    });
    let asking: Vec<_> = asking.collect();
    for months in 101..110 {
        city.drop_rows(&format!("licence-{months}.csv"), &rows(months));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for seen in asking {
        assert!(seen.await.unwrap() >= 2);
    }
}

/// What a listener was told of loads.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(u64, bool)>>);

impl GuardListener for Heard {
    fn breaker_moved(&self, _: BreakerState, _: BreakerState) {}

    fn retried(&self) {}

    fn loading(&self, result_type: &ResultTypeId, rows: u64, whole: bool) {
        assert_eq!(result_type.as_str(), "licence");
        self.0.lock().unwrap().push((rows, whole));
    }
}

/// Forgets the most memory that this process has had at once.
fn forget_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// The most memory that this process has had at once, in KiB.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
