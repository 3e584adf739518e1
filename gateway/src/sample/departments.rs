//! The databases of the departments, each in its own way. Education's is absent on purpose: what it holds cannot be
//! determined.

mod civil_affairs;
mod health;
mod housing_construction;
mod human_resources;
mod market_regulation;
mod natural_resources;
mod public_security;
mod tax;
mod transport;

use std::path::Path;

use rusqlite::Transaction;

use super::SampleError;
use super::database;
use super::population::Population;

/// A department with a database: its id, tables, indexes and rows.
struct Database {
    department: &'static str,
    tables: &'static str,
    indexes: &'static str,
    fill: fn(&Transaction<'_>, &Population) -> rusqlite::Result<()>,
}

macro_rules! databases {
    ($($department:literal: $module:ident),* $(,)?) => {
        [$(Database { department: $department, tables: $module::TABLES, indexes: $module::INDEXES, fill: $module::fill }),*]
    };
}

const DATABASES: [Database; 9] = databases![
    "civil-affairs": civil_affairs,
    "health": health,
    "housing-construction": housing_construction,
    "human-resources": human_resources,
    "market-regulation": market_regulation,
    "natural-resources": natural_resources,
    "public-security": public_security,
    "tax": tax,
    "transport": transport,
];

/// Writes every database, `<department>.db`, into `folder`.
pub(super) fn write(folder: &Path, population: &Population) -> Result<(), SampleError> {
    for Database { department, tables, indexes, fill } in DATABASES {
        database::build(&folder.join(format!("{department}.db")), tables, indexes, |transaction| {
            fill(transaction, population)
        })?;
    }
    Ok(())
}
