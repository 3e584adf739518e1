//! A look at a log that may be in use: nothing is made, and nothing is changed.

use super::session::Session;
use super::{StoreError, alive, runtime, schema, signed, tree};
use crate::audit::database::Server;
use crate::audit::store::{Leaf, Look};

/// Looks at the log; `None` where the database has none.
pub(in crate::audit) fn look(server: &Server) -> Result<Option<Look>, StoreError> {
    apart(server, |session| {
        if session.wait(schema::applied(session, server))?.is_none() {
            return Ok(None);
        }
        const IN_USE: &str = concat!("SELECT EXISTS (SELECT FROM ", alive!(), " AS alive (replica) WHERE replica > 0)");
        let is_in_use = session.row(IN_USE, &[])?.ok_or(StoreError::NotOpen)?.try_get(0)?;
        let (_, head) = tree::standing(session.row(tree::STANDING, &[])?.as_ref())?;
        let newest = session.row(
            "SELECT entry.idx, leaf, sealed FROM entry JOIN body ON body.idx = entry.idx ORDER BY body.idx DESC LIMIT 1",
            &[],
        )?;
        let newest = newest.map(|row| {
            Ok::<_, StoreError>((Leaf { index: tree::number(&row, 0)?, bytes: row.try_get(1)? }, row.try_get(2)?))
        });
        Ok(Some(Look { is_in_use, size: head.size, last_at: head.last_at, newest: newest.transpose()? }))
    })
}

/// The leaf and the proof of the entry at `index`, from a log that may be in use.
pub(in crate::audit) fn proof_of(server: &Server, index: u64) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    apart(server, |session| {
        if !schema::is_done(session.wait(schema::applied(session, server))?) {
            return Err(StoreError::Inconsistent {
                what: "it is of another version; `heyan migrate` brings it up to date",
            });
        }
        let row = session.row("SELECT leaf FROM entry WHERE idx = $1", &[&signed(index)?])?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.try_get(0)?, tree::proof(session, index)?)))
    })
}

/// Runs `work` with a connection of its own, where no task waits.
pub(super) fn apart<T: Send, E: From<StoreError> + Send>(
    server: &Server,
    work: impl FnOnce(&Session) -> Result<T, E> + Send,
) -> Result<T, E> {
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let runtime = runtime()?;
            let session = Session::open(server, runtime.handle())?;
            work(&session)
        });
        working.join().unwrap_or(Err(StoreError::NotOpen.into()))
    })
}
