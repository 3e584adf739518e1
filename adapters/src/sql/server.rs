//! Databases on a server: connections, each for one look-up at a time; every look-up in a transaction that only reads.

mod cell;
mod mysql;
mod postgres;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use self::cell::Cells;
use self::mysql::Mysql;
use self::postgres::Postgres;
use self::turns::{Turns, Work};
use super::Bound;
use super::answer::query_of;
use crate::declaration::{Input, Limits, ResultType, SqlDialect, SqlQuery, SqlServer};
use crate::mapping::{self, Cell};
use crate::{AdapterError, Holdings};

/// How much a server may send in answer to one look-up, in bytes: rows, columns that nobody reads, and what its protocol adds.
const RECEIVED_MAX: usize = 8 << 20;

/// More was sent than that.
fn too_large() -> AdapterError {
    AdapterError::Malformed { what: "the answer is larger than is read".into() }
}

/// A connection to a server, and what it can be asked.
#[async_trait]
trait Connection: Send + Sized + 'static {
    /// What it takes to connect.
    type Server: Send + Sync + 'static;

    /// Connects and logs in. Whatever is asked on it ends at the server after `limits.deadline`.
    async fn open(server: &Self::Server) -> Result<Self, AdapterError>;

    /// Whether it may be asked again: it is neither closed nor in an unknown state.
    fn is_open(&self) -> bool;

    /// How long a query runs at most at the server.
    fn patience(server: &Self::Server) -> Duration;

    /// Begins a transaction that sees one state of the database and changes nothing.
    async fn begin(&mut self) -> Result<(), AdapterError>;

    /// At most `max` rows of a query, with the inputs in the order of [`SqlQuery::order`].
    async fn rows(
        &mut self,
        query: &SqlQuery,
        values: &[Option<String>],
        max: usize,
    ) -> Result<Vec<Cells>, AdapterError>;

    /// Whether the server takes the query, without asking it.
    async fn prepare(&mut self, query: &SqlQuery) -> Result<(), AdapterError>;

    /// Ends the transaction.
    async fn end(&mut self) -> Result<(), AdapterError>;

    /// Ends at the server what runs on it, and waits until it has ended.
    async fn abandon(self, server: &Self::Server);
}

/// A server of any dialect.
pub(super) struct Server(Connections);

enum Connections {
    Postgres(Turns<Postgres>),
    Mysql(Turns<Mysql>),
}

impl Server {
    pub(super) fn new(dialect: SqlDialect, server: &SqlServer, limits: Limits, city_folder: &Path) -> Self {
        Self(match dialect {
            SqlDialect::Postgres => Connections::Postgres(Turns::new(
                postgres::Server::new(server, limits, city_folder),
                limits.concurrency,
            )),
            SqlDialect::Sqlite | SqlDialect::Mysql | SqlDialect::Mariadb => {
                let is_mariadb = dialect == SqlDialect::Mariadb;
                Connections::Mysql(Turns::new(
                    mysql::Server::new(server, is_mariadb, limits, city_folder),
                    limits.concurrency,
                ))
            }
        })
    }

    /// Asks for the records of one subject.
    pub(super) async fn ask(&self, result_type: Arc<ResultType>, bound: Bound) -> Result<Holdings, AdapterError> {
        let asking = Asking { result_type, bound };
        let (rows, updated_at) = match &self.0 {
            Connections::Postgres(turns) => turns.run(&asking).await,
            Connections::Mysql(turns) => turns.run(&asking).await,
        }?;
        // Read only now: a record that does not fit says nothing against the connection.
        mapping::read_holdings(&asking.result_type, &rows, false, updated_at)
    }

    /// Whether every query fits the database; asks about nobody.
    pub(super) async fn check(&self, result_types: Vec<Arc<ResultType>>) -> Result<(), AdapterError> {
        let checking = Checking(result_types);
        match &self.0 {
            Connections::Postgres(turns) => turns.run(&checking).await,
            Connections::Mysql(turns) => turns.run(&checking).await,
        }
    }
}

/// One look-up.
struct Asking {
    result_type: Arc<ResultType>,
    bound: Bound,
}

#[async_trait]
impl<C: Connection> Work<C> for Asking {
    /// The rows, one more than are read if there are so many; and how new they are.
    type Done = (Vec<Cells>, Option<Timestamp>);

    async fn run(&self, connection: &mut C) -> Result<Self::Done, AdapterError> {
        let Self { result_type, bound } = self;
        let query = query_of(result_type)?;
        connection.begin().await?;
        let updated_at = match &result_type.freshness.updated {
            Some(query) => update_time(connection, query).await?,
            None => None,
        };
        let value = |input: &Input| bound.iter().find(|(known, _)| known == input).and_then(|(_, value)| value.clone());
        let values: Vec<_> = query.order().iter().map(value).collect();
        let rows = connection.rows(query, &values, result_type.max_rows + 1).await?;
        connection.end().await?;
        Ok((rows, updated_at))
    }
}

/// A check of all queries.
struct Checking(Vec<Arc<ResultType>>);

#[async_trait]
impl<C: Connection> Work<C> for Checking {
    type Done = ();

    async fn run(&self, connection: &mut C) -> Result<(), AdapterError> {
        connection.begin().await?;
        for result_type in &self.0 {
            connection.prepare(query_of(result_type)?).await?;
            if let Some(query) = &result_type.freshness.updated {
                update_time(connection, query).await?;
            }
        }
        connection.end().await
    }
}

async fn update_time<C: Connection>(connection: &mut C, query: &SqlQuery) -> Result<Option<Timestamp>, AdapterError> {
    let malformed = |problem: &str| AdapterError::Malformed { what: format!("the data set's update time {problem}") };
    let rows = connection.rows(query, &[], 2).await?;
    let row = match &rows[..] {
        [] => return Ok(None),
        [row] => row,
        _ => return Err(malformed("is stated more than once")),
    };
    match row.first()? {
        Cell::Null => Ok(None),
        Cell::Text(text) => {
            let time = mapping::read_update_time(text);
            time.map(Some).ok_or_else(|| malformed("is not a time such as `2026-11-23 09:30:00`"))
        }
        Cell::Integer(_) => Err(malformed("is not a text or a time")),
    }
}
