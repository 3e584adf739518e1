//! The audit log as it lies on disk, read without the gateway's help.

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::City;

/// One entry of the log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub index: u64,
    /// The exact bytes that the log proves.
    pub bytes: Vec<u8>,
    leaf: Value,
}

impl Entry {
    /// A text of the leaf: `class`, `ev`, `decision`, `caller`, `id`; empty where the leaf has none.
    pub fn text(&self, field: &str) -> &str {
        self.leaf.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The index of the intent that it closes.
    pub fn intent(&self) -> Option<u64> {
        self.leaf.get("intent").and_then(Value::as_u64)
    }

    /// The departments that it says were to be asked.
    pub fn providers(&self) -> Vec<&str> {
        self.leaf["providers"].as_array().unwrap().iter().map(|provider| provider.as_str().unwrap()).collect()
    }
}

/// Every entry, in order. A gateway may be writing meanwhile.
pub fn entries(city: &City) -> Vec<Entry> {
    entries_from(city, 0)
}

/// The entries from this index on.
pub fn entries_from(city: &City, first: u64) -> Vec<Entry> {
    let log = Connection::open_with_flags(city.file("state/audit.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = log.prepare("SELECT idx, leaf FROM entry WHERE idx >= ?1 ORDER BY idx").unwrap();
    let rows = statement.query_map([i64::try_from(first).unwrap()], |row| {
        let bytes: Vec<u8> = row.get(1)?;
        Ok(Entry { index: row.get::<_, i64>(0)?.cast_unsigned(), leaf: serde_json::from_slice(&bytes).unwrap(), bytes })
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// The classes of the entries from this index on, in order.
pub fn classes_from(city: &City, first: u64) -> Vec<String> {
    entries_from(city, first).iter().map(|entry| entry.text("class").to_owned()).collect()
}
