use std::collections::HashMap;
use std::error::Error as _;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use encoding_rs::Encoding;
use futures::{TryStreamExt as _, pin_mut};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::metered::Metered;
use self::value::{Bind, value};
use super::cell::Names;
use super::{Cells, Connection, RECEIVED_MAX, too_large};
use crate::AdapterError;
use crate::declaration::{Limits, SqlQuery, SqlServer};

mod metered;
mod value;

/// How much a server may send to describe one query, in bytes.
const DESCRIBED_MAX: usize = 64 << 10;

/// What it takes to reach a PostgreSQL database, and whatever speaks its protocol.
pub(super) struct Server {
    of: SqlServer,
    city_folder: PathBuf,
    deadline: Duration,
}

/// One connection.
pub(super) struct Postgres {
    client: Client,
    /// Received in answer to the look-up that runs.
    received: Arc<AtomicUsize>,
    statements: HashMap<String, Statement>,
    encoding: Option<&'static Encoding>,
    driver: Driver,
}

/// The task that drives a connection. It ends with whoever uses the connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Server {
    pub(super) fn new(of: &SqlServer, limits: Limits, city_folder: &Path) -> Self {
        Self { of: of.clone(), city_folder: city_folder.to_owned(), deadline: limits.deadline }
    }

    async fn stream(&self) -> Result<TcpStream, AdapterError> {
        let connecting = TcpStream::connect((self.of.host.as_str(), self.of.port));
        let stream = tokio::time::timeout(self.deadline, connecting).await.map_err(|_| AdapterError::Unavailable)?;
        let stream = stream.map_err(|_| AdapterError::Unavailable)?;
        stream.set_nodelay(true).map_err(|_| AdapterError::Unavailable)?;
        Ok(stream)
    }

    fn tls(&self) -> Result<Option<MakeRustlsConnect>, AdapterError> {
        self.of.ca.as_ref().map(|ca| tls(&self.city_folder.join(ca))).transpose()
    }
}

#[async_trait]
impl Connection for Postgres {
    type Server = Server;

    async fn open(server: &Server) -> Result<Self, AdapterError> {
        let of = &server.of;
        let mut config = Config::new();
        config.user(&of.user).dbname(&of.database).application_name("heyan");
        if let Some(password) = &of.password {
            config.password(password.reveal(&server.city_folder)?.expose());
        }
        let received = Arc::new(AtomicUsize::new(0));
        let stream = Metered::new(server.stream().await?, Arc::clone(&received), RECEIVED_MAX);
        let (client, driver) = match server.tls()? {
            Some(mut tls) => {
                config.ssl_mode(tokio_postgres::config::SslMode::Require);
                let tls = MakeTlsConnect::<Metered>::make_tls_connect(&mut tls, &of.host).map_err(|_| unproven())?;
                connect(&config, stream, tls).await?
            }
            None => {
                config.ssl_mode(tokio_postgres::config::SslMode::Disable);
                connect(&config, stream, NoTls).await?
            }
        };
        // Some poolers take no settings with the connection, so they are set on it.
        let settings = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {}; SET DateStyle = 'ISO'; \
             SET TimeZone = 'Asia/Shanghai'; SET client_encoding = 'UTF8'",
            server.deadline.as_millis().max(1)
        );
        client.batch_execute(&settings).await.map_err(|error| trouble(&error))?;
        Ok(Self { client, received, statements: HashMap::new(), encoding: of.encoding, driver })
    }

    fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    fn patience(server: &Server) -> Duration {
        server.deadline
    }

    async fn begin(&mut self) -> Result<(), AdapterError> {
        self.received.store(0, Ordering::Relaxed);
        let begun = self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
        begun.map_err(|error| trouble(&error))
    }

    async fn rows(
        &mut self,
        query: &SqlQuery,
        values: &[Option<String>],
        max: usize,
    ) -> Result<Vec<Cells>, AdapterError> {
        let statement = self.statement(query).await?;
        let names = Names::read(statement.columns().iter().map(|column| column.name().into()))?;
        let stream = self.client.query_raw(&statement, values.iter().map(Bind)).await;
        let stream = stream.map_err(|error| self.trouble(&error))?;
        pin_mut!(stream);
        let mut rows = Vec::new();
        // What comes after them is thrown away as it comes, up to what a server may send.
        while let Some(row) = stream.try_next().await.map_err(|error| self.trouble(&error))? {
            let columns = row.columns().iter().enumerate();
            rows.push(names.row(columns.map(|(at, column)| value(&row, at, column.type_(), self.encoding)).collect()));
            if rows.len() == max {
                break;
            }
        }
        Ok(rows)
    }

    async fn prepare(&mut self, query: &SqlQuery) -> Result<(), AdapterError> {
        self.statement(query).await.map(drop)
    }

    async fn end(&mut self) -> Result<(), AdapterError> {
        self.client.batch_execute("COMMIT").await.map_err(|error| trouble(&error))
    }

    async fn abandon(self, server: &Server) {
        let Self { client, mut driver, .. } = self;
        let cancel = client.cancel_token();
        // The connection ends with its client, once what runs on it has.
        drop(client);
        if let Ok(stream) = server.stream().await {
            match server.tls() {
                Ok(Some(mut tls)) => {
                    let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &server.of.host);
                    drop(cancel.cancel_query_raw(stream, tls).await);
                }
                Ok(None) => drop(cancel.cancel_query_raw(stream, NoTls).await),
                Err(_) => {}
            }
        }
        // However it ends.
        drop((&mut driver.0).await);
    }
}

impl Postgres {
    /// As [`trouble`]; a connection that has sent too much has ended for that.
    fn trouble(&self, error: &tokio_postgres::Error) -> AdapterError {
        if self.received.load(Ordering::Relaxed) > RECEIVED_MAX { too_large() } else { trouble(error) }
    }

    async fn statement(&mut self, query: &SqlQuery) -> Result<Statement, AdapterError> {
        if let Some(known) = self.statements.get(query.text()) {
            return Ok(known.clone());
        }
        // The client asks for types that it does not know one within another: a server that always has another has no room for many.
        let before = self.received.swap(RECEIVED_MAX - DESCRIBED_MAX, Ordering::Relaxed);
        let prepared = self.client.prepare(query.text()).await;
        let statement = prepared.map_err(|error| self.trouble(&error))?;
        self.received.store(before, Ordering::Relaxed);
        self.statements.insert(query.text().to_owned(), statement.clone());
        Ok(statement)
    }
}

/// Logs in, and lets the connection run until its client is dropped.
async fn connect<T>(config: &Config, stream: Metered, tls: T) -> Result<(Client, Driver), AdapterError>
where
    T: TlsConnect<Metered>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect_raw(stream, tls).await.map_err(|error| match error.source() {
        // Said by the handshake alone.
        Some(source) if source.downcast_ref::<std::io::Error>().is_some_and(is_of_tls) => unproven(),
        _ => trouble(&error),
    })?;
    // What ends it is told to whoever asks on it next. What the server says beside its answers is for nobody.
    let driver =
        tokio::spawn(
            async move { while let Some(Ok(_)) = poll_fn(|context| connection.poll_message(context)).await {} },
        );
    Ok((client, Driver(driver)))
}

fn is_of_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|source| source.is::<rustls::Error>())
}

fn unproven() -> AdapterError {
    AdapterError::Misconfigured { what: "the server's certificate does not prove that it is `sql.host`".into() }
}

fn tls(ca: &Path) -> Result<MakeRustlsConnect, AdapterError> {
    let unfit = || AdapterError::Misconfigured { what: format!("`sql.ca` {} holds no certificates", ca.display()) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|_| unfit())? {
        roots.add(certificate.map_err(|_| unfit())?).map_err(|_| unfit())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|_| unfit())?.with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// What an error means. Only what the server says of a query's own words is repeated: the rest may hold values.
fn trouble(error: &tokio_postgres::Error) -> AdapterError {
    let Some(told) = error.as_db_error() else { return AdapterError::Unavailable };
    let misconfigured = |what: &str| AdapterError::Misconfigured { what: what.into() };
    match told.code().code() {
        "57014" => AdapterError::Timeout,
        "25006" => misconfigured("a query would do more than read"),
        "3D000" => misconfigured("the server has no such `sql.database`"),
        "42501" => misconfigured("`sql.user` may not read what a query reads"),
        code if code.starts_with("28") => misconfigured("the server refuses `sql.user` or its password"),
        code if code.starts_with("42") => {
            let message = told.message().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
            AdapterError::Misconfigured { what: message }
        }
        code if code.starts_with("22") => {
            misconfigured("an input does not fit the type of the column that it is compared with")
        }
        _ => AdapterError::Unavailable,
    }
}
