use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::pool::Pool;
use super::{Database, Sql};
use crate::contract::{SUBJECTS, lookup};
use crate::{Adapter, AdapterError, GuardListener, Holdings, Source, connect, read_declaration};

const DECLARATION: &str = include_str!("../../tests/data/contract-sql.toml");

/// A department whose database was made by `script`.
fn department(script: &str) -> (TempDir, Sql) {
    let folder = TempDir::new().unwrap();
    write_database(folder.path(), script);
    let adapter = adapter(DECLARATION, folder.path());
    (folder, adapter)
}

fn adapter(text: &str, folder: &Path) -> Sql {
    let declaration = read_declaration("contract-sql.toml", text).unwrap();
    let Some(Source::Sql(source)) = &declaration.source else { panic!("it has a table `sql`") };
    Sql::new(source, &declaration, folder)
}

fn write_database(folder: &Path, script: &str) {
    Connection::open(folder.join("contract.db")).unwrap().execute_batch(script).unwrap();
}

/// A database of one record, whose `months` are the given SQL expression.
fn holding_months(months: &str) -> String {
    format!(
        "CREATE TABLE licence (subject, no, holders, state, issued, until, months);
         CREATE TABLE data_set AS SELECT '2026-11-22 23:00:00' AS updated_at;
         INSERT INTO licence VALUES ('{}', 'JY1', '样例甲有限公司', '01', '20240301', '长期', {months});",
        SUBJECTS[0]
    )
}

impl Sql {
    fn file(&self) -> &Pool {
        match &self.database {
            Database::File(pool) => pool,
            Database::Server(_) => panic!("these tests have files"),
        }
    }
}

async fn ask(adapter: &Sql) -> Result<Holdings, AdapterError> {
    adapter.look_up(&lookup("licence", SUBJECTS[0])).await
}

fn malformed(what: &str) -> Result<Holdings, AdapterError> {
    Err(AdapterError::Malformed { what: what.into() })
}

#[tokio::test]
async fn the_update_time_is_that_of_shanghai() {
    let (_folder, adapter) = department(&holding_months("36"));
    let updated_at = ask(&adapter).await.unwrap().updated_at;
    assert_eq!(updated_at, Some("2026-11-22T15:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn an_update_time_that_is_none_is_malformed_and_an_absent_one_is_unknown() {
    let (folder, adapter) = department(&holding_months("36"));
    write_database(folder.path(), "UPDATE data_set SET updated_at = 'yesterday'");
    let expected = "the data set's update time is not a time such as `2026-11-23 09:30:00`";
    assert_eq!(ask(&adapter).await, malformed(expected));
    write_database(folder.path(), "DELETE FROM data_set");
    assert_eq!(ask(&adapter).await.unwrap().updated_at, None);
}

#[tokio::test]
async fn values_of_other_types_are_malformed() {
    for (value, problem) in [
        ("36.5", "is a floating-point number; only text and whole numbers are read"),
        ("x'3336'", "is binary; only text and whole numbers are read"),
        ("CAST(x'ff3336' AS TEXT)", "is not UTF-8"),
        ("'36个月'", "is not a whole number"),
        ("printf('%.*c', 70000, '3')", "is too long"),
    ] {
        let (_folder, adapter) = department(&holding_months(value));
        assert_eq!(ask(&adapter).await, malformed(&format!("column `months` {problem}")), "{value}");
    }
    for (value, months) in [("'36'", 1), ("36", 1), ("NULL", 0), ("' '", 0)] {
        let (_folder, adapter) = department(&holding_months(value));
        assert_eq!(ask(&adapter).await.unwrap().records[0].fields.len(), months, "{value}");
    }
}

#[tokio::test]
async fn a_replaced_file_is_opened_again() {
    let (folder, adapter) = department(&holding_months("36"));
    assert_eq!(ask(&adapter).await.unwrap().records.len(), 1);
    std::fs::rename(folder.path().join("contract.db"), folder.path().join("old.db")).unwrap();
    write_database(folder.path(), &format!("{} DELETE FROM licence;", holding_months("36")));
    assert_eq!(ask(&adapter).await.unwrap().records.len(), 0);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_not_no_record() {
    let (folder, adapter) = department(&holding_months("36"));
    std::fs::remove_file(folder.path().join("contract.db")).unwrap();
    std::fs::write(folder.path().join("contract.db"), "not a database, but long enough to look like one ".repeat(100))
        .unwrap();
    assert_eq!(ask(&adapter).await, malformed("the file is not a whole SQLite database"));
    assert!(adapter.check_health().await.is_err());
}

/// Failure is a look-up that waits, or a department that cannot be asked once its file is there again: its threads are gone.
#[tokio::test]
async fn what_is_no_file_holds_no_thread() {
    let (folder, adapter) = department(&holding_months("36"));
    let (file, aside) = (folder.path().join("contract.db"), folder.path().join("aside.db"));
    std::fs::rename(&file, &aside).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    for _ in 0..100 {
        let told = tokio::time::timeout(Duration::from_secs(1), ask(&adapter)).await.expect("it is told at once");
        assert_eq!(told, Err(AdapterError::Unavailable));
    }
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(ask(&adapter).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn another_schema_is_a_declaration_that_does_not_fit() {
    let (folder, adapter) = department(&holding_months("36"));
    write_database(folder.path(), "ALTER TABLE licence RENAME COLUMN months TO duration");
    let expected = AdapterError::Misconfigured { what: "no such column: months".into() };
    assert_eq!(ask(&adapter).await, Err(expected.clone()));
    assert_eq!(adapter.check_health().await, Err(expected));
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_recovers() {
    let (folder, adapter) = department(&holding_months("36"));
    let software = Connection::open(folder.path().join("contract.db")).unwrap();
    software.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(ask(&adapter).await, Err(AdapterError::Unavailable));
    software.execute_batch("COMMIT").unwrap();
    assert_eq!(ask(&adapter).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn the_connection_only_reads() {
    let (_folder, adapter) = department(&holding_months("36"));
    let wrote = adapter.file().run(|connection| Ok(connection.execute("DELETE FROM licence", []).is_ok())).await;
    assert_eq!(wrote, Ok(false));
    assert_eq!(ask(&adapter).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn what_a_declaration_requires_is_not_left_out() {
    let requiring = DECLARATION.replacen("max_rows = 3", "max_rows = 3\nrequires = [\"subject_name\"]", 1);
    let folder = TempDir::new().unwrap();
    write_database(folder.path(), &holding_months("36"));
    let adapter = adapter(&requiring, folder.path());
    assert!(matches!(ask(&adapter).await, Err(AdapterError::Misconfigured { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_department_gathers_no_queue() {
    let (folder, _adapter) = department(&holding_months("36"));
    let declaration = read_declaration("contract-sql.toml", DECLARATION).unwrap();
    let listener: Arc<dyn GuardListener> = Arc::new(());
    let now: crate::Now = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
    let adapter: Arc<dyn Adapter> = connect(&declaration, folder.path(), &listener, &now).unwrap();
    let begun = std::time::Instant::now();
    let asked = (0..200).map(|_| {
        let adapter = Arc::clone(&adapter);
        tokio::spawn(async move { adapter.look_up(&lookup("endless", SUBJECTS[0])).await })
    });
    let mut busy = 0;
    for answer in asked.collect::<Vec<_>>() {
        match answer.await.unwrap() {
            Err(AdapterError::Busy) => busy += 1,
            other => assert_eq!(other, Err(AdapterError::Timeout)),
        }
    }
    assert!(busy >= 150, "{busy} of 200 were told at once that the department is busy");
    assert!(begun.elapsed() < declaration.limits.deadline + Duration::from_secs(2));
}

#[tokio::test]
async fn a_huge_cell_is_refused_before_it_is_in_memory_and_columns_that_are_not_read_may_be_large() {
    // 8 MiB of digits, and a photograph of 8 MiB beside a good value.
    let (_folder, adapter) = department(&holding_months("replace(hex(zeroblob(4194304)), '0', '3')"));
    assert_eq!(ask(&adapter).await, malformed("a value is too large"));
    let photograph = "ALTER TABLE licence ADD COLUMN photograph; UPDATE licence SET photograph = zeroblob(8388608);";
    let (_folder, adapter) = department(&format!("{}{photograph}", holding_months("36")));
    assert_eq!(ask(&adapter).await.unwrap().records.len(), 1);
}

/// Look-ups that hang hold up nobody: the others get threads of their own, and what nobody waits for any more is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn look_ups_that_hang_hold_up_nobody() {
    let (_folder, adapter) = department(&holding_months("36"));
    let adapter = Arc::new(adapter);
    let endless = || {
        let adapter = Arc::clone(&adapter);
        tokio::spawn(async move { adapter.look_up(&lookup("endless", SUBJECTS[0])).await })
    };
    let hanging: Vec<_> = (0..3).map(|_| endless()).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..100 {
        let asked = tokio::time::timeout(Duration::from_secs(5), ask(&adapter)).await;
        assert_eq!(asked.expect("a look-up waited for those that hang").unwrap().records.len(), 1);
    }
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    // Every thread is taken, and callers come and give up.
    let hanging: Vec<_> = (0..64).map(|_| endless()).collect();
    for _ in 0..200 {
        drop(tokio::time::timeout(Duration::from_millis(1), ask(&adapter)).await);
    }
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
    let asked = tokio::time::timeout(Duration::from_secs(5), ask(&adapter)).await;
    assert_eq!(asked.expect("the threads came back").unwrap().records.len(), 1);
}
