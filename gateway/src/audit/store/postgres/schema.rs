//! Bringing a database up to date. Whoever comes first does it; the others wait.

use aws_lc_rs::rand;

use super::session::Session;
use super::{LOCKS, StoreError};
use crate::audit::database::Server;

/// One file per version, never changed once it was released.
const MIGRATIONS: [&str; 1] = [include_str!("../../../../migrations/audit-postgres/0001_log.sql")];
/// The advisory lock of whoever migrates; gateways have numbers from 1.
const MIGRATOR: i32 = 0;

/// Makes the tables of an empty database, and brings those of an earlier version up to this one.
pub(super) async fn migrate(session: &Session, server: &Server) -> Result<(), StoreError> {
    session.query("SELECT pg_advisory_lock($1, $2)", &[&LOCKS, &MIGRATOR]).await?;
    let applied = applied(session, server).await?;
    if applied.is_none_or(|applied| applied < MIGRATIONS.len()) {
        session.begin().await?;
        for migration in &MIGRATIONS[applied.unwrap_or(0)..] {
            session.batch(migration).await?;
        }
        let version = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
        if applied.is_none() {
            let mut identity = [0; 16];
            rand::fill(&mut identity)
                .map_err(|_| StoreError::Inconsistent { what: "no random numbers are available" })?;
            let file = "INSERT INTO file (log, identity, version) VALUES (1, $1, $2)";
            session.execute(file, &[&&identity[..], &version]).await?;
            session.batch("INSERT INTO head (log, size, last_at, shard, frontier) VALUES (1, 0, 0, 0, '')").await?;
        } else {
            session.execute("UPDATE file SET version = $1", &[&version]).await?;
        }
        session.commit().await?;
    }
    session.query("SELECT pg_advisory_unlock($1, $2)", &[&LOCKS, &MIGRATOR]).await.map(drop)
}

/// How many migrations were applied; `None` where there is no log.
pub(super) async fn applied(session: &Session, server: &Server) -> Result<Option<usize>, StoreError> {
    // Reads the catalogue itself: a name that was looked up before the lock was had may be remembered as missing.
    const TABLES: &str = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
         AND relkind = 'r' AND relname IN ('file', 'head', 'entry')";
    match session.query(TABLES, &[]).await?.len() {
        0 => return Ok(None),
        3 => {}
        found => return Err(schema(server, format!("{found} of its tables"))),
    }
    let rows = session.query("SELECT version FROM file", &[]).await?;
    let version: Option<i32> = rows.first().map(|row| row.try_get(0)).transpose()?;
    let applied =
        version.and_then(|version| usize::try_from(version).ok()).filter(|&applied| applied <= MIGRATIONS.len());
    applied.map(Some).ok_or_else(|| schema(server, format!("version {version:?}")))
}

/// Whether the tables are those of this version.
pub(super) fn is_done(applied: Option<usize>) -> bool {
    applied == Some(MIGRATIONS.len())
}

fn schema(server: &Server, found: String) -> StoreError {
    StoreError::Schema { path: server.url().into(), found }
}
