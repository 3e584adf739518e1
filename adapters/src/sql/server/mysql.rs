use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use encoding_rs::Encoding;
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Error, OptsBuilder, Params, SslOpts, Value as Sent};

use super::cell::{Names, Value};
use super::{Cells, Connection, RECEIVED_MAX, too_large};
use crate::AdapterError;
use crate::declaration::{Limits, SqlQuery, SqlServer};

/// A server that says nothing is looked for so often.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How often it is asked whether a query has ended.
const ENDED_EVERY: Duration = Duration::from_millis(20);

/// The character set of columns that hold bytes.
const BINARY: u16 = 63;

/// What it takes to reach a database of MySQL or MariaDB, and whatever speaks their protocol.
pub(super) struct Server {
    of: SqlServer,
    is_mariadb: bool,
    city_folder: PathBuf,
    deadline: Duration,
}

/// One connection.
pub(super) struct Mysql {
    connection: Conn,
    /// The limit of rows that is set on it.
    limit: usize,
    encoding: Option<&'static Encoding>,
    /// It is gone, or in an unknown state.
    is_lost: bool,
}

impl Server {
    pub(super) fn new(of: &SqlServer, is_mariadb: bool, limits: Limits, city_folder: &Path) -> Self {
        Self { of: of.clone(), is_mariadb, city_folder: city_folder.to_owned(), deadline: limits.deadline }
    }

    async fn connect(&self) -> Result<Conn, AdapterError> {
        let of = &self.of;
        let password = of.password.as_ref().map(|password| password.reveal(&self.city_folder)).transpose()?;
        let tls = of.ca.as_ref().map(|ca| {
            let ca = self.city_folder.join(ca);
            SslOpts::default().with_root_certs(vec![ca.into()]).with_disable_built_in_roots(true)
        });
        let options = OptsBuilder::default()
            .ip_or_hostname(&of.host)
            .tcp_port(of.port)
            .user(Some(&of.user))
            .pass(password.as_ref().map(|password| password.expose()))
            .db_name(Some(&of.database))
            .ssl_opts(tls)
            .prefer_socket(false)
            .max_allowed_packet(Some(RECEIVED_MAX))
            .tcp_keepalive(Some(KEEP_ALIVE))
            .setup(vec!["SET NAMES utf8mb4".to_owned(), "SET time_zone = '+08:00'".to_owned(), self.timeout()]);
        let connecting = tokio::time::timeout(self.deadline, Conn::new(options)).await;
        connecting.map_err(|_| AdapterError::Unavailable)?.map_err(|error| match error {
            Error::Io(mysql_async::IoError::Tls(_)) => AdapterError::Misconfigured {
                what: "the server's certificate does not prove that it is `sql.host`".into(),
            },
            error => trouble(&error),
        })
    }

    /// Each has a setting of its own for how long a query may take.
    fn timeout(&self) -> String {
        let millis = self.deadline.as_millis().max(1);
        if self.is_mariadb {
            format!("SET SESSION max_statement_time = {}.{:03}", millis / 1000, millis % 1000)
        } else {
            format!("SET SESSION max_execution_time = {millis}")
        }
    }
}

#[async_trait]
impl Connection for Mysql {
    type Server = Server;

    async fn open(server: &Server) -> Result<Self, AdapterError> {
        Ok(Self { connection: server.connect().await?, limit: 0, encoding: server.of.encoding, is_lost: false })
    }

    fn is_open(&self) -> bool {
        !self.is_lost
    }

    fn patience(server: &Server) -> Duration {
        server.deadline
    }

    async fn begin(&mut self) -> Result<(), AdapterError> {
        self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await
    }

    async fn rows(
        &mut self,
        query: &SqlQuery,
        values: &[Option<String>],
        max: usize,
    ) -> Result<Vec<Cells>, AdapterError> {
        if self.limit != max {
            // The server itself sends no more, unless the query has a limit of its own.
            self.run(&format!("SET SESSION sql_select_limit = {max}")).await?;
            self.limit = max;
        }
        let sent = |value: &Option<String>| value.as_deref().map_or(Sent::NULL, |text| Sent::Bytes(text.into()));
        let values = match values {
            [] => Params::Empty,
            values => Params::Positional(values.iter().map(sent).collect()),
        };
        let read = read_rows(&mut self.connection, query, values, max, self.encoding).await;
        read.map_err(|failed| match failed {
            Failed::Server(error) => self.trouble(&error),
            Failed::Answer(error) => error,
        })
    }

    async fn prepare(&mut self, query: &SqlQuery) -> Result<(), AdapterError> {
        let prepared = self.connection.prep(query.text()).await;
        prepared.map(drop).map_err(|error| self.trouble(&error))
    }

    async fn end(&mut self) -> Result<(), AdapterError> {
        self.run("COMMIT").await
    }

    async fn abandon(self, server: &Server) {
        let id = self.connection.id();
        match server.connect().await {
            Ok(mut other) => {
                drop(other.query_drop(format!("KILL {id}")).await);
                let runs = format!("SELECT id FROM information_schema.processlist WHERE id = {id}");
                while let Ok(Some(_)) = other.query_first::<u64, _>(&runs).await {
                    tokio::time::sleep(ENDED_EVERY).await;
                }
                drop(other.disconnect().await);
            }
            // The query ends when its time is up.
            Err(_) => tokio::time::sleep(server.deadline).await,
        }
        // Otherwise the client would go on reading.
        drop(self.connection.disconnect().await);
    }
}

impl Mysql {
    /// A statement that gives nothing.
    async fn run(&mut self, statement: &str) -> Result<(), AdapterError> {
        let done = self.connection.query_drop(statement).await;
        done.map_err(|error| self.trouble(&error))
    }

    fn trouble(&mut self, error: &Error) -> AdapterError {
        self.is_lost |= error.is_fatal();
        trouble(error)
    }
}

/// Why there are no rows.
enum Failed {
    Server(Error),
    Answer(AdapterError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

/// At most `max` rows; what comes after them is read as well, up to what a server may send.
async fn read_rows(
    connection: &mut Conn,
    query: &SqlQuery,
    values: Params,
    max: usize,
    encoding: Option<&'static Encoding>,
) -> Result<Vec<Cells>, Failed> {
    let mut result = connection.exec_iter(query.text(), values).await?;
    let names = Names::read(result.columns_ref().iter().map(Column::name_str)).map_err(Failed::Answer)?;
    let (mut rows, mut received) = (Vec::new(), 0);
    while let Some(row) = result.next().await? {
        let columns = row.columns();
        let values = row.unwrap_raw();
        // What a value of a fixed size takes, at most.
        let size = |value: &Option<Sent>| if let Some(Sent::Bytes(bytes)) = value { bytes.len() } else { 16 };
        received += values.iter().map(size).sum::<usize>();
        if received > RECEIVED_MAX {
            return Err(Failed::Answer(too_large()));
        }
        if rows.len() < max {
            let cells = columns.iter().zip(values).map(|(column, value)| read(column, value, encoding));
            rows.push(names.row(cells.collect()));
        }
    }
    Ok(rows)
}

/// What stands in a column of a row.
fn read(column: &Column, value: Option<Sent>, encoding: Option<&'static Encoding>) -> Value {
    let is_number = matches!(column.column_type(), ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL);
    match value {
        None | Some(Sent::NULL) => Value::Null,
        Some(Sent::Int(number)) => Value::Integer(number),
        Some(Sent::UInt(number)) => i64::try_from(number).map_or(Value::Unreadable("is too large"), Value::Integer),
        Some(Sent::Bytes(bytes)) if column.character_set() == BINARY && !is_number => Value::bytes(&bytes, encoding),
        Some(Sent::Bytes(bytes)) => Value::utf8(&bytes),
        Some(Sent::Float(_) | Sent::Double(_)) => {
            Value::Unreadable("is a floating-point number; only text and whole numbers are read")
        }
        Some(Sent::Date(year, month, day, ..)) if column.column_type() == ColumnType::MYSQL_TYPE_DATE => {
            Value::text(&format!("{year:04}-{month:02}-{day:02}"))
        }
        Some(Sent::Date(year, month, day, hour, minute, second, _)) => {
            Value::text(&format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
        }
        Some(Sent::Time(..)) => Value::Unreadable("has a type that is not read; select it as text"),
    }
}

/// What an error means. Only what the server says of a query's own words is repeated: the rest may hold values.
fn trouble(error: &Error) -> AdapterError {
    let Error::Server(told) = error else { return AdapterError::Unavailable };
    let misconfigured = |what: &str| AdapterError::Misconfigured { what: what.into() };
    match told.code {
        // Interrupted, by a time limit of MySQL, of MariaDB, or by a `KILL`.
        1317 | 1969 | 3024 => AdapterError::Timeout,
        1044 | 1045 | 1698 => misconfigured("the server refuses `sql.user` or its password"),
        1049 => misconfigured("the server has no such `sql.database`"),
        1142 | 1143 | 1370 => misconfigured("`sql.user` may not read what a query reads"),
        1792 => misconfigured("a query would do more than read"),
        1054 | 1064 | 1146 | 1305 => {
            let message = told.message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
            AdapterError::Misconfigured { what: message }
        }
        _ => AdapterError::Unavailable,
    }
}
