use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::SampleError;

/// Builds one department's database anew: tables, rows in one transaction, then indexes. Nothing is synced while building:
/// a half-written sample is thrown away, not recovered.
pub(super) fn build(
    path: &Path,
    tables: &str,
    indexes: &str,
    fill: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> Result<(), SampleError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(SampleError::File { file: path.display().to_string(), source });
        }
        _ => {}
    }
    let run = || {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(tables)?;
        fill(&transaction)?;
        transaction.execute_batch(indexes)?;
        transaction.commit()
    };
    run().map_err(|source| SampleError::Database { file: path.display().to_string(), source })
}
