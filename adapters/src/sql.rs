//! The kind `sql`: a department's database is asked with one SELECT per result type. A SQLite file is read by threads of our own, a
//! server over connections.

pub(crate) mod answer;
mod flight;
pub(crate) mod pool;
mod server;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use heyan_proto::vocabulary::ResultTypeId;

use self::pool::Pool;
use self::server::Server;
use crate::declaration::{DepartmentDeclaration, Input, ResultType, SqlDatabase, SqlSource};
use crate::{Adapter, AdapterError, Holdings, Lookup};

/// Asks a database, read-only. Each look-up has a connection to itself; connections and their prepared statements are kept between
/// look-ups.
pub struct Sql {
    database: Database,
    result_types: BTreeMap<ResultTypeId, Arc<ResultType>>,
}

enum Database {
    File(Pool),
    Server(Server),
}

/// The inputs of one look-up and their values; an absent value is bound as NULL.
pub(crate) type Bound = Vec<(Input, Option<String>)>;

impl Sql {
    /// Prepares to ask; opens nothing yet, so that an absent database is trouble of the questions that meet it.
    pub fn new(source: &SqlSource, declaration: &DepartmentDeclaration, city_folder: &Path) -> Self {
        let limits = declaration.limits;
        let result_types: BTreeMap<_, _> =
            declaration.result_types.iter().map(|known| (known.id.clone(), Arc::clone(known))).collect();
        let database = match &source.database {
            SqlDatabase::File(file) => {
                Database::File(Pool::new(city_folder.join(file), limits.concurrency, 2 * result_types.len()))
            }
            SqlDatabase::Server(server) => Database::Server(Server::new(source.dialect, server, limits, city_folder)),
        };
        Self { database, result_types }
    }
}

#[async_trait]
impl Adapter for Sql {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let Some(result_type) = self.result_types.get(&lookup.result_type) else {
            return Err(AdapterError::undeclared(&lookup.result_type));
        };
        let bound = bind(lookup, result_type)?;
        let result_type = Arc::clone(result_type);
        match &self.database {
            Database::File(pool) => pool.run(move |connection| answer::ask(connection, &result_type, &bound)).await,
            Database::Server(server) => server.ask(result_type, bound).await,
        }
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        let result_types: Vec<_> = self.result_types.values().cloned().collect();
        match &self.database {
            Database::File(pool) => pool.run(move |connection| answer::check(connection, &result_types)).await,
            Database::Server(server) => server.check(result_types).await,
        }
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql").field("result_types", &self.result_types.keys()).finish_non_exhaustive()
    }
}

/// The values of a look-up, and an error where one is absent that the declaration requires.
pub(crate) fn bind(lookup: &Lookup, result_type: &ResultType) -> Result<Bound, AdapterError> {
    result_type.check_required(lookup)?;
    Ok(result_type.inputs().map(|input| (input, lookup.value(input).map(Cow::into_owned))).collect())
}
