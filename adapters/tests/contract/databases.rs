//! The kind `sql` on servers: PostgreSQL and MariaDB, through every guard; and what only servers do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use heyan_adapters::contract::{self, Fixture, Record, SUBJECTS, lookup};
use heyan_adapters::{
    Adapter, AdapterError, Breaker, DepartmentDeclaration, Limit, Retry, Source, Sql, Timeout, connect,
    read_declaration,
};
use mysql_async::prelude::Queryable as _;
use tempfile::TempDir;

use super::mariadb::{self, MariadbServer};
use super::postgres::PostgresServer;
use super::{now, unheard};

const TABLES: &str = "CREATE TABLE licence (subject varchar(64), no text, holders text, state varchar(300), issued varchar(300), \
     until varchar(300), months varchar(300)); CREATE TABLE data_set (updated_at timestamp); \
     INSERT INTO data_set VALUES ('2026-11-22 23:00:00')";

/// A department with a database on a server.
struct Department {
    server: Server,
    folder: TempDir,
    declaration: DepartmentDeclaration,
}

enum Server {
    Postgres { server: PostgresServer, url: String },
    Mariadb(MariadbServer),
}

impl Department {
    fn postgres() -> Self {
        let server = PostgresServer::start();
        let url = server.database();
        server.sql(&url, TABLES);
        let (address, database) = url.rsplit_once('/').unwrap();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let declaration = declaration("postgres", port, database);
        Self::new(server.password_file().as_path(), declaration, Server::Postgres { url, server })
    }

    fn mariadb() -> Self {
        let server = MariadbServer::start();
        server.sql(&format!("USE sample; {}", TABLES.replace("no text", "no mediumtext")));
        let declaration = declaration("mariadb", server.port(), "sample");
        Self::new(server.password_file().as_path(), declaration, Server::Mariadb(server))
    }

    fn new(password: &Path, declaration: String, server: Server) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::copy(password, folder.path().join("password")).unwrap();
        let declaration =
            read_declaration("contract.toml", &declaration).unwrap_or_else(|problems| panic!("{problems}"));
        Self { server, folder, declaration }
    }

    fn adapter(&self) -> Arc<dyn Adapter> {
        let Some(Source::Sql(source)) = &self.declaration.source else { panic!("the declaration has a table `sql`") };
        Arc::new(Sql::new(source, &self.declaration, self.folder.path()))
    }

    fn connected(&self) -> Arc<dyn Adapter> {
        connect(&self.declaration, self.folder.path(), &unheard(), &now()).unwrap()
    }

    /// Runs a statement at the server, as its administrator.
    fn sql(&self, statement: &str) -> String {
        match &self.server {
            Server::Postgres { server, url } => server.sql(url, statement),
            Server::Mariadb(server) => server.sql(&format!("USE sample; {statement}")),
        }
    }

    /// How many look-ups run at the server.
    fn running(&self) -> String {
        match &self.server {
            Server::Postgres { server, url } => {
                server.sql(url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            }
            Server::Mariadb(server) => server.sql(
                "SELECT count(*) FROM information_schema.processlist WHERE state = 'User sleep' AND user = 'heyan'",
            ),
        }
    }
}

/// The declaration of the suite for another dialect.
fn declaration(dialect: &str, port: u16, database: &str) -> String {
    let sleep = if dialect == "postgres" { "pg_sleep" } else { "SLEEP" };
    let text = include_str!("../data/contract-sql.toml");
    let begin = text.find("WITH RECURSIVE").unwrap();
    let end = begin + text[begin..].find("\"\"\"").unwrap();
    let endless = format!("SELECT 1 AS i FROM (SELECT {sleep}(3600)) AS slept WHERE :subject_number IS NOT NULL\n");
    let reached = format!(
        "dialect = \"{dialect}\"\nhost = \"127.0.0.1\"\nport = {port}\ndatabase = \"{database}\"\nuser = \"heyan\"\n\
         password = {{ file = \"password\" }}"
    );
    let text = format!("{}{endless}{}", &text[..begin], &text[end..]);
    // To log in takes a server longer than to open a file, on a machine that is busy.
    text.replace("dialect = \"sqlite\"\ndatabase = \"contract.db\"", &reached).replace("\"1500ms\"", "\"3s\"")
}

#[async_trait]
impl Fixture for Department {
    async fn hold(&self, records: &[Record]) {
        let rows = records.iter().map(|record| {
            let Record { subject, certificate_number, holders, state, valid_from, valid_to, months } = record;
            [subject, &certificate_number[..], holders, state, valid_from, valid_to, months].map(str::to_owned)
        });
        match &self.server {
            Server::Postgres { server, url } => {
                let mut config: tokio_postgres::Config = url.parse().unwrap();
                config.password(std::fs::read(server.password_file()).unwrap());
                let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute("BEGIN; DELETE FROM licence").await.unwrap();
                for row in rows {
                    let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
                        row.iter().map(|text| text as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
                    client.execute("INSERT INTO licence VALUES ($1, $2, $3, $4, $5, $6, $7)", &values).await.unwrap();
                }
                client.batch_execute("COMMIT").await.unwrap();
            }
            Server::Mariadb(server) => {
                let options = mysql_async::OptsBuilder::default()
                    .ip_or_hostname("127.0.0.1")
                    .tcp_port(server.port())
                    .user(Some("heyan"))
                    .pass(Some(mariadb::PASSWORD))
                    .db_name(Some("sample"))
                    .prefer_socket(false);
                let mut connection = mysql_async::Conn::new(options).await.unwrap();
                connection.query_drop("START TRANSACTION").await.unwrap();
                connection.query_drop("DELETE FROM licence").await.unwrap();
                for row in rows {
                    connection
                        .exec_drop("INSERT INTO licence VALUES (?, ?, ?, ?, ?, ?, ?)", row.to_vec())
                        .await
                        .unwrap();
                }
                connection.query_drop("COMMIT").await.unwrap();
                connection.disconnect().await.unwrap();
            }
        }
    }

    async fn stop(&self) {
        match &self.server {
            Server::Postgres { server, .. } => server.stop(),
            Server::Mariadb(server) => server.stop(),
        }
    }

    async fn start(&self) {
        match &self.server {
            Server::Postgres { server, .. } => server.resume(),
            Server::Mariadb(server) => server.resume(),
        }
    }
}

/// The kind by itself, within each guard, and as it is connected.
async fn holds_the_contract(department: &Department) {
    let (declared, ample) = (department.declaration.limits.deadline, Duration::from_secs(10));
    contract::answers_and_fails_closed(&*department.adapter(), department).await;
    let timed = Timeout::new(department.adapter(), declared);
    contract::answers_and_fails_closed(&timed, department).await;
    contract::ends_at_the_deadline(&timed, department, declared).await;
    contract::answers_and_fails_closed(&Limit::new(department.adapter(), 2, ample), department).await;
    contract::answers_and_fails_closed(&Retry::new(department.adapter(), ample, unheard()), department).await;
    let breaker = Breaker::new(department.adapter(), department.declaration.limits, unheard());
    contract::answers_and_fails_closed(&breaker, department).await;
    let connected = department.connected();
    contract::answers_and_fails_closed(&*connected, department).await;
    contract::ends_at_the_deadline(&*connected, department, declared).await;
    // What was abandoned has ended at the server as well.
    for _ in 0..100 {
        if department.running() == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} look-ups still run at the server", department.running());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    holds_the_contract(&Department::postgres()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    holds_the_contract(&Department::mariadb()).await;
}

/// Failure: a value of another type that is read as if it were one, or trouble whose cause is not named.
#[tokio::test(flavor = "multi_thread")]
async fn types_are_read_as_what_they_are_and_misfits_are_named() {
    for department in [Department::postgres(), Department::mariadb()] {
        department.hold(&[Record::of(SUBJECTS[0])]).await;
        let months = |kind: &str| {
            department.sql("ALTER TABLE licence DROP COLUMN months");
            department.sql(&format!("ALTER TABLE licence ADD COLUMN months {kind}"));
        };
        let adapter = || department.adapter();
        for (kind, value, read) in [
            ("bigint", "36", Some(36)),
            ("smallint", "-1", Some(-1)),
            ("numeric(10, 0)", "120000", Some(120_000)),
            ("double precision", "36.5", None),
            ("numeric(10, 2)", "36.50", None),
            ("varchar(20)", "'36个月'", None),
        ] {
            months(kind);
            department.sql(&format!("UPDATE licence SET months = {value}"));
            let answer = adapter().look_up(&lookup("licence", SUBJECTS[0])).await;
            match (read, answer) {
                (Some(read), Ok(holdings)) => {
                    let value = holdings.records[0].fields.values().next();
                    assert_eq!(value, Some(&heyan_proto::vocabulary::FieldValue::Integer(read)), "{kind}");
                }
                (None, Err(AdapterError::Malformed { .. })) => {}
                (expected, answer) => panic!("{kind} {value}: expected {expected:?}, got {answer:?}"),
            }
        }
        // Another schema than the declaration's.
        department.sql("ALTER TABLE licence DROP COLUMN until");
        let misfit = adapter().look_up(&lookup("licence", SUBJECTS[0])).await;
        let Err(AdapterError::Misconfigured { what }) = misfit else { panic!("{misfit:?}") };
        assert!(what.contains("until"), "{what}");
        assert!(matches!(adapter().check_health().await, Err(AdapterError::Misconfigured { .. })));
        // Another password than the server's.
        std::fs::write(department.folder.path().join("password"), "another").unwrap();
        let refused = adapter().check_health().await;
        let expected = "the server refuses `sql.user` or its password";
        assert_eq!(refused, Err(AdapterError::Misconfigured { what: expected.into() }));
    }
}

/// Departments keep text as bytes, or in columns of GBK. Failure: a name that is read otherwise than it was written, or bytes of
/// another encoding that are read at all.
#[tokio::test(flavor = "multi_thread")]
async fn text_in_other_encodings_is_read_as_it_was_written() {
    for mut department in [Department::postgres(), Department::mariadb()] {
        department.hold(&[Record::of(SUBJECTS[0])]).await;
        let name = |holdings: heyan_adapters::Holdings| holdings.records[0].holders[0].name.clone();
        let ask = async |department: &Department| department.adapter().look_up(&lookup("licence", SUBJECTS[0])).await;
        let (bytes, set) = match department.server {
            Server::Postgres { .. } => {
                ("ALTER TABLE licence ALTER COLUMN holders TYPE bytea USING holders::bytea", "decode('HEX', 'hex')")
            }
            Server::Mariadb(_) => {
                department.sql("ALTER TABLE licence MODIFY holders varchar(300) CHARACTER SET gbk");
                assert_eq!(name(ask(&department).await.unwrap()).as_deref(), Some("样例甲有限公司"));
                ("ALTER TABLE licence MODIFY holders varbinary(300)", "X'HEX'")
            }
        };
        department.sql(bytes);
        // 样例 in GB18030, and a byte that is never one.
        let hold = |hex: &str| department.sql(&format!("UPDATE licence SET holders = {}", set.replace("HEX", hex)));
        hold("d1f9c0fd");
        assert!(matches!(ask(&department).await, Err(AdapterError::Malformed { .. })), "no encoding is declared");
        let Some(Source::Sql(source)) = &mut department.declaration.source else { panic!("it has a table `sql`") };
        let heyan_adapters::SqlDatabase::Server(server) = &mut source.database else { panic!("it is on a server") };
        server.encoding = Some(encoding_rs::GB18030);
        assert_eq!(name(ask(&department).await.unwrap()).as_deref(), Some("样例"));
        department.sql(&format!("UPDATE licence SET holders = {}", set.replace("HEX", "d1f9ff")));
        assert!(matches!(ask(&department).await, Err(AdapterError::Malformed { .. })), "it is not GB18030");
    }
}

/// Failure: a query that changes something, by whatever function, or an answer of any size that is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_would_write_or_never_stop_sending_is_refused() {
    let mut department = Department::postgres();
    department.sql("CREATE SEQUENCE counter");
    department.hold(&[Record::of(SUBJECTS[0])]).await;
    let Some(Source::Sql(source)) = department.declaration.source.clone() else { panic!("it has a table `sql`") };
    let heyan_adapters::SqlDatabase::Server(server) = source.database else { panic!("it is on a server") };
    let text = declaration("postgres", server.port, &server.database);
    let misconfigured = AdapterError::Misconfigured { what: "a query would do more than read".into() };
    let malformed = AdapterError::Malformed { what: "the answer is larger than is read".into() };
    for (months, refused) in
        [("nextval('counter') AS months", misconfigured), ("months, repeat('x', 9000000) AS photograph", malformed)]
    {
        let text = text.replace("months FROM", &format!("{months} FROM"));
        department.declaration = read_declaration("contract.toml", &text).unwrap();
        assert_eq!(department.adapter().look_up(&lookup("licence", SUBJECTS[0])).await, Err(refused), "{months}");
    }
    assert_eq!(department.sql("SELECT is_called FROM counter"), "f");
}
