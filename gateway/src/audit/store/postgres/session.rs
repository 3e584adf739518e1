//! A connection, with the settings under which a commit is durable.

use std::collections::HashMap;
use std::error::Error as _;
use std::fs;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio_postgres::tls::NoTls;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::StoreError;
use crate::audit::database::Server;

/// A statement or a transaction that takes longer has failed: the connection is closed, and nothing is cancelled on the server.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for a statement over the whole of a log: nobody is kept waiting by it.
const WHOLE_LOG: Duration = Duration::from_secs(3_600);
/// What each connection sets. A cancelled commit could succeed without its standby, so the server cancels nothing; a gateway that
/// stops in the middle of an append lets go of the head. A dead machine is noticed, and its intents are closed.
const OPTIONS: &str = "-c synchronous_commit=on -c statement_timeout=0 -c lock_timeout=0 \
     -c idle_in_transaction_session_timeout=2000 -c client_min_messages=warning -c default_transaction_isolation=read\\ committed \
     -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3";
/// What the server must say of itself.
const REQUIRED: [(&str, &[&str], &str); 4] = [
    ("fsync", &["on"], "fsync = on"),
    ("full_page_writes", &["on"], "full_page_writes = on"),
    ("synchronous_commit", &["on", "remote_apply"], "synchronous_commit = on"),
    ("transaction_read_only", &["off"], "transaction_read_only = off"),
];

pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// One connection to the primary. Its statements run in the order in which they are sent, without waiting for one another.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    runtime: Handle,
    /// The server has warned: a commit may have succeeded here and nowhere else.
    warned: Arc<AtomicBool>,
    patience: Duration,
    statements: Mutex<HashMap<&'static str, Statement>>,
}

impl Session {
    /// Connects, and verifies the settings.
    pub(super) fn open(server: &Server, runtime: &Handle) -> Result<Self, StoreError> {
        runtime.block_on(in_time(PATIENCE, Self::connect(server, runtime)))
    }

    async fn connect(server: &Server, runtime: &Handle) -> Result<Self, StoreError> {
        let mut config = server.config();
        config.options(OPTIONS).application_name("heyan").connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE);
        if let Some(path) = server.password() {
            let password = fs::read_to_string(path).map_err(|source| file(path, source))?;
            config.password(password.trim_end_matches(['\r', '\n']));
        }
        let warned = Arc::new(AtomicBool::new(false));
        let client = if let Some(ca) = server.ca() {
            let (client, connection) = config.connect(tls(ca)?).await?;
            runtime.spawn(follow(connection, Arc::clone(&warned)));
            client
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            runtime.spawn(follow(connection, Arc::clone(&warned)));
            client
        };
        let session =
            Self { client, runtime: runtime.clone(), warned, patience: PATIENCE, statements: Mutex::default() };
        for (name, fitting, setting) in REQUIRED {
            let row = session.client.query_one("SELECT current_setting($1)", &[&name]).await?;
            if !fitting.contains(&row.try_get::<_, &str>(0)?) {
                return Err(StoreError::Setting { path: server.url().into(), setting });
            }
        }
        Ok(session)
    }

    /// The same connection for whoever reads a whole log, whose statements take as long as the log is.
    pub(super) fn for_whole_log(self) -> Self {
        Self { patience: WHOLE_LOG, ..self }
    }

    /// Waits for `work` where no task runs, for a bounded time.
    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.runtime.block_on(in_time(self.patience, work))
    }

    pub(super) async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query(&statement, params).await?)
    }

    pub(super) async fn execute(&self, sql: &'static str, params: Params<'_>) -> Result<u64, StoreError> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.execute(&statement, params).await?)
    }

    /// The rows of a query, when no task runs.
    pub(super) fn rows(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        self.wait(self.query(sql, params))
    }

    /// The only row of a query, if there is one, when no task runs.
    pub(super) fn row(&self, sql: &'static str, params: Params<'_>) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, params)?.into_iter().next())
    }

    /// Several statements without parameters.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Begins a transaction. What is asked at the same time, after it, is in the transaction.
    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        self.warned.store(false, Ordering::SeqCst);
        self.batch("BEGIN").await
    }

    /// Commits. Any warning means that it is unknown whether the commit outlives this server.
    pub(super) async fn commit(&self) -> Result<(), StoreError> {
        self.batch("COMMIT").await?;
        // The connection hands on a warning before it hands on what comes after it.
        if self.warned.load(Ordering::SeqCst) { Err(StoreError::Unknown) } else { Ok(()) }
    }

    /// Waits until everything that was committed before is durable wherever a commit must be.
    pub(super) async fn settle(&self) -> Result<(), StoreError> {
        self.begin().await?;
        // A transaction that writes nothing waits for nobody.
        self.query("SELECT pg_logical_emit_message(true, 'heyan', '')", &[]).await?;
        self.commit().await
    }

    async fn prepared(&self, sql: &'static str) -> Result<Statement, StoreError> {
        let known = self.statements().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements().insert(sql, statement.clone());
        Ok(statement)
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Statement>> {
        self.statements.lock().expect("no holder of this lock can panic")
    }

    /// Prepares statements that will be sent without waiting for one another: preparing one of them in between would let a
    /// later one go first.
    pub(super) async fn prepare(&self, statements: &[&'static str]) -> Result<(), StoreError> {
        future::try_join_all(statements.iter().map(|sql| self.prepared(sql))).await.map(drop)
    }
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(StoreError::Late))
}

/// Drives a connection to its end, and notes warnings.
async fn follow<S, T>(mut connection: Connection<S, T>, warned: Arc<AtomicBool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if matches!(message, AsyncMessage::Notice(_)) {
            warned.store(true, Ordering::SeqCst);
        }
    }
}

fn tls(ca: &std::path::Path) -> Result<MakeRustlsConnect, StoreError> {
    let unfit = |error: String| StoreError::File { path: ca.to_owned(), source: std::io::Error::other(error) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|error| unfit(error.to_string()))? {
        let certificate = certificate.map_err(|error| unfit(error.to_string()))?;
        roots.add(certificate).map_err(|error| unfit(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unfit("holds no certificate".into()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|error| unfit(error.to_string()))?.with_root_certificates(roots);
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn file(path: &std::path::Path, source: std::io::Error) -> StoreError {
    StoreError::File { path: path.to_owned(), source }
}

impl From<Error> for StoreError {
    /// Without the server's detail, which quotes values.
    fn from(error: Error) -> Self {
        let what = match (error.as_db_error(), error.source()) {
            (Some(server), _) => format!("{} ({})", server.message(), server.code().code()),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        };
        Self::Server { what: what.replace('\n', " ") }
    }
}
