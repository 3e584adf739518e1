//! The contract suite over every kind and every guard.
#![expect(clippy::unwrap_used, reason = "a test whose department cannot be set up has failed")]

#[path = "contract/databases.rs"]
mod databases;
#[path = "contract/files.rs"]
mod files;
#[path = "contract/http.rs"]
mod http;
#[path = "contract/mariadb.rs"]
mod mariadb;
#[path = "../../gateway/src/audit/store/postgres/tests/server.rs"]
#[expect(unreachable_pub, dead_code, reason = "other test suites share this file")]
mod postgres;
#[path = "contract/soap.rs"]
mod soap;
#[path = "contract/workbook.rs"]
mod workbook;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use heyan_adapters::contract::{self, Fixture, Record};
use heyan_adapters::{
    Adapter, Breaker, DepartmentDeclaration, GuardListener, Limit, Now, Retry, Source, Sql, Timeout, connect,
    read_declaration,
};
use rusqlite::Connection;
use tempfile::TempDir;

/// A department with a SQLite database.
struct SqlDepartment {
    folder: TempDir,
    declaration: DepartmentDeclaration,
}

impl SqlDepartment {
    fn new() -> Self {
        let text = include_str!("data/contract-sql.toml");
        let declaration = read_declaration("contract-sql.toml", text).unwrap_or_else(|problems| panic!("{problems}"));
        Self { folder: TempDir::new().unwrap(), declaration }
    }

    fn sql(&self) -> Arc<dyn Adapter> {
        let Some(Source::Sql(source)) = &self.declaration.source else { panic!("the declaration has a table `sql`") };
        Arc::new(Sql::new(source, &self.declaration, self.folder.path()))
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("contract.db")
    }
}

/// Nobody hears of what the guards do.
fn unheard() -> Arc<dyn GuardListener> {
    Arc::new(())
}

/// It is always the same time.
fn now() -> Now {
    Arc::new(|| jiff::Timestamp::UNIX_EPOCH)
}

#[async_trait]
impl Fixture for SqlDepartment {
    async fn hold(&self, records: &[Record]) {
        let mut connection = Connection::open(self.database()).unwrap();
        let write = connection.transaction().unwrap();
        write
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS licence (subject, no, holders, state, issued, until, months);
                 CREATE TABLE IF NOT EXISTS data_set AS SELECT '2026-11-22 23:00:00' AS updated_at;
                 DELETE FROM licence;",
            )
            .unwrap();
        for Record { subject, certificate_number, holders, state, valid_from, valid_to, months } in records {
            write
                .execute(
                    "INSERT INTO licence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    [subject, &certificate_number[..], holders, state, valid_from, valid_to, months],
                )
                .unwrap();
        }
        write.commit().unwrap();
    }

    async fn stop(&self) {
        std::fs::rename(self.database(), self.folder.path().join("away.db")).unwrap();
    }

    async fn start(&self) {
        std::fs::rename(self.folder.path().join("away.db"), self.database()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql() {
    let department = SqlDepartment::new();
    contract::answers_and_fails_closed(&*department.sql(), &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_with_timeout() {
    let department = SqlDepartment::new();
    let declared = Duration::from_millis(1500);
    let adapter = Timeout::new(department.sql(), declared);
    contract::answers_and_fails_closed(&adapter, &department).await;
    contract::ends_at_the_deadline(&adapter, &department, declared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_with_limit() {
    let department = SqlDepartment::new();
    let adapter = Limit::new(department.sql(), 2, Duration::from_secs(10));
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_with_retry() {
    let department = SqlDepartment::new();
    let adapter = Retry::new(department.sql(), Duration::from_secs(10), unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_with_breaker() {
    let department = SqlDepartment::new();
    let adapter = Breaker::new(department.sql(), department.declaration.limits, unheard());
    contract::answers_and_fails_closed(&adapter, &department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_as_connected() {
    let department = SqlDepartment::new();
    let adapter = connect(&department.declaration, department.folder.path(), &unheard(), &now()).unwrap();
    contract::answers_and_fails_closed(&*adapter, &department).await;
    contract::ends_at_the_deadline(&*adapter, &department, department.declaration.limits.deadline).await;
}
