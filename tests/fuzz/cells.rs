//! What departments answer: cells of every type in a real database, read through the declaration.
//!
//! An input is seven cells with `|` between them: the six columns of the contract's sample licence and the update time of its
//! data set. A cell that starts with `#` is a whole number, with `~` a broken one, with `@` bytes; an empty one is NULL.

use std::sync::Arc;
use std::time::Duration;

use heyan_adapters::{Adapter, AdapterError, Holding, Lookup, OfficialOnCall, connect, read_declaration};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{DepartmentId, FieldValue, PersonalText, ResultState, ResultTypeId, Term};
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::harness::{Outcome, Shape, Target, run};
use super::{city, holds};

const SUBJECT: &str = "91500000MA0000015Q";
const COLUMNS: [&str; 7] = ["no", "holders", "state", "issued", "until", "months", "updated_at"];

#[test]
fn answers_of_departments() {
    let department = Department::new();
    let check = |input: &[u8]| department.check(input);
    run(&Target { name: "cells", shape: Shape::Text, bytes_max: 80 << 10, seeds: Vec::new, check: &check });
}

struct Department {
    database: Connection,
    adapter: Arc<dyn Adapter>,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

impl Department {
    fn new() -> Self {
        let text = include_str!("../../adapters/tests/data/contract-sql.toml");
        let declaration = read_declaration("contract.toml", text).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let database = Connection::open(folder.path().join("contract.db")).unwrap();
        database
            .execute_batch(
                "PRAGMA synchronous = OFF;
                 CREATE TABLE licence (subject, no, holders, state, issued, until, months);
                 CREATE TABLE data_set (updated_at);",
            )
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let nobody: Arc<dyn heyan_adapters::GuardListener> = Arc::new(());
        let now: heyan_adapters::Now = Arc::new(|| jiff::Timestamp::UNIX_EPOCH);
        let adapter = connect(&declaration, folder.path(), &nobody, &now).unwrap();
        Self { database, adapter, runtime, _folder: folder }
    }

    fn check(&self, input: &[u8]) -> Outcome {
        let text = std::str::from_utf8(input).unwrap();
        let mut cells: Vec<&str> = text.splitn(7, '|').collect();
        cells.resize(7, "");
        let values: Vec<Value> = cells.iter().map(|cell| value(cell)).collect();
        self.database.execute_batch("BEGIN; DELETE FROM licence; DELETE FROM data_set;").unwrap();
        let (row, updated) = values.split_at(6);
        let row: Vec<&Value> = row.iter().collect();
        let insert = format!("INSERT INTO licence VALUES ('{SUBJECT}', ?1, ?2, ?3, ?4, ?5, ?6)");
        self.database.execute(&insert, rusqlite::params_from_iter(row)).unwrap();
        self.database.execute("INSERT INTO data_set VALUES (?1)", [&updated[0]]).unwrap();
        self.database.execute_batch("COMMIT").unwrap();
        match self.runtime.block_on(self.adapter.look_up(&lookup())) {
            Ok(holdings) => {
                assert!(!holdings.more && holdings.records.len() == 1, "one row is {} records", holdings.records.len());
                read(&holdings.records[0], &cells);
                let shown = format!("{holdings:?}");
                for cell in cells.iter().filter(|cell| cell.len() > 8 && cell.contains(|c: char| !c.is_ascii())) {
                    assert!(!shown.contains(*cell), "Debug shows {cell}");
                }
                Outcome::of((
                    holdings.records[0].holders.len(),
                    holdings.updated_at.is_some(),
                    cells[2],
                    cells[5].len(),
                ))
            }
            Err(error) => {
                // A slow machine is no answer of a department.
                assert!(matches!(error, AdapterError::Malformed { .. } | AdapterError::Timeout), "{error:?}");
                let said = error.to_string();
                holds::one_line(&said, 300);
                assert!(
                    error == AdapterError::Timeout
                        || COLUMNS.iter().any(|name| said.contains(&format!("`{name}`")))
                        || said.contains("update time"),
                    "{said}"
                );
                for cell in cells.iter().filter(|cell| !said.is_empty() && cell.chars().count() >= 6) {
                    assert!(!said.contains(*cell) || said.matches(*cell).count() <= own(cell), "{said} repeats {cell}");
                }
                Outcome::said(&said)
            }
        }
    }
}

/// How often a message says so of its own accord.
fn own(cell: &str) -> usize {
    const SAID: &str = "the department's answer does not fit its declaration: the data set's update time is not a time such as \
                        `2026-11-23 09:30:00`";
    SAID.matches(cell).count()
}

/// A record says what its cells say and nothing else.
fn read(holding: &Holding, cells: &[&str]) {
    let text = |cell: &str| match cell.strip_prefix('#').map(str::parse::<i64>) {
        Some(Ok(number)) => number.to_string(),
        _ => cell.trim().to_owned(),
    };
    let cell = |at: usize| Some(text(cells[at])).filter(|text| !text.is_empty());
    assert_eq!(holding.certificate_number, cell(0));
    let states = [("01", ResultState::InForce), ("02", ResultState::Suspended)];
    let state = states.into_iter().find(|(code, _)| Some(*code) == cell(2).as_deref());
    assert_eq!(Some(&holding.state), state.as_ref().map(|(_, state)| state), "state {:?}", cell(2));
    for (at, term, long_term) in [(3, holding.valid_from, None), (4, holding.valid_to, Some("长期"))] {
        let written = term.map(|term| match term {
            Term::On(day) => day.strftime("%Y%m%d").to_string(),
            Term::LongTerm => long_term.expect("only the last day may be none").into(),
        });
        assert_eq!(written, cell(at), "a date is not read as it is written");
    }
    let months = holding.fields.iter().find(|(name, _)| name.as_str() == "months").map(|(_, value)| value);
    match (months, cell(5)) {
        (None, None) => {}
        (Some(FieldValue::Integer(number)), Some(text)) => assert_eq!(text.parse(), Ok(*number)),
        (read, written) => panic!("months: {read:?} of {written:?}"),
    }
    assert!(holding.holders.len() <= 200);
    let names: Vec<String> = cell(1).unwrap_or_default().split(',').map(|name| name.trim().to_owned()).collect();
    let named: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let read: Vec<&String> = holding.holders.iter().filter_map(|holder| holder.name.as_ref()).collect();
    assert_eq!(read, named.iter().collect::<Vec<_>>());
    let hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    assert!(![&holding.certificate_number].into_iter().flatten().chain(read).any(|text| text.contains(hidden)));
}

fn value(cell: &str) -> Value {
    let number = |mark| cell.strip_prefix(mark);
    if cell.is_empty() {
        Value::Null
    } else if let Some(whole) = number('#').and_then(|whole| whole.parse().ok()) {
        Value::Integer(whole)
    } else if let Some(broken) = number('~').and_then(|broken| broken.parse().ok()) {
        Value::Real(broken)
    } else if let Some(bytes) = cell.strip_prefix('@') {
        Value::Blob(bytes.as_bytes().to_vec())
    } else {
        Value::Text(cell.to_owned())
    }
}

fn lookup() -> Lookup {
    let text = |text: &str| PersonalText::parse(text, 64).unwrap();
    Lookup {
        result_type: ResultTypeId::parse("licence").unwrap(),
        subject: SubjectNumber::parse(SubjectKind::CreditCode, SUBJECT).unwrap(),
        subject_name: None,
        certificate_number: None,
        as_of: city::TODAY,
        reason: text("办件材料核验"),
        official: OfficialOnCall { id: text("w-1"), name: text("甲"), unit: text("乙"), terminal: text("丙") },
        requester: DepartmentId::parse("health").unwrap(),
        deadline: Duration::from_secs(20),
        traceparent: None,
    }
}
