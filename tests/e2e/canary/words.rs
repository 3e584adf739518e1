//! Everything personal in the sample city: what its databases hold, and what the tests ask with.

use std::collections::HashSet;

use heyan_tests::City;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// What the tests ask with; none of it is in a database.
const ASKED_WITH: [&str; 7] =
    ["CASE-2026-TEST-0001", "办件材料核验", "w-017", "样例经办人甲", "样例综合窗口", "window-17", "样例证号-0001"];

/// Every name in the sample has one of these characters, so that it can be told from other text.
const MARKS: [char; 2] = ['样', '例'];

/// The longest name that is looked for, in characters.
const NAME_MAX: usize = 24;

pub(super) struct Personal {
    numbers: HashSet<String>,
    names: HashSet<String>,
}

impl Personal {
    pub(super) fn of(city: &City) -> Self {
        let (mut numbers, mut names) = (HashSet::new(), HashSet::new());
        for entry in std::fs::read_dir(city.file("state/departments")).unwrap() {
            let database =
                Connection::open_with_flags(entry.unwrap().path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
            for cell in cells(&database) {
                for part in cell.split([',', '，']) {
                    if is_number(part) {
                        numbers.insert(part.to_owned());
                    } else if part.contains(MARKS) && (2..=NAME_MAX).contains(&part.chars().count()) {
                        names.insert(part.to_owned());
                    }
                }
            }
        }
        assert!(numbers.len() > 20_000 && names.len() > 1_000, "{} numbers, {} names", numbers.len(), names.len());
        Self { numbers, names }
    }

    /// What of it stands in a text.
    pub(super) fn found_in(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> =
            ASKED_WITH.iter().filter(|word| text.contains(**word)).map(ToString::to_string).collect();
        let tokens = text.split(|c: char| !c.is_ascii_alphanumeric());
        found.extend(tokens.filter(|token| self.numbers.contains(*token)).map(str::to_owned));
        let characters: Vec<char> = text.chars().collect();
        for (at, _) in characters.iter().enumerate().filter(|(_, c)| MARKS.contains(c)) {
            for start in at.saturating_sub(NAME_MAX)..=at {
                for end in at + 1..=(start + NAME_MAX).min(characters.len()) {
                    let part: String = characters[start..end].iter().collect();
                    if self.names.contains(&part) {
                        found.push(part);
                    }
                }
            }
        }
        found.sort();
        found.dedup();
        found.truncate(20);
        found
    }
}

/// 18 characters of identity numbers and credit codes, as departments write them.
fn is_number(text: &str) -> bool {
    text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

fn cells(database: &Connection) -> Vec<String> {
    let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut cells = Vec::new();
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                if let ValueRef::Text(text) = row.get_ref(column).unwrap() {
                    cells.push(String::from_utf8_lossy(text).into_owned());
                }
            }
        }
    }
    cells
}

/// The canary sings. Failure: a leak that is not found.
#[test]
fn a_leak_is_found() {
    let personal = Personal {
        numbers: HashSet::from(["500103200002290021".to_owned()]),
        names: HashSet::from(["阿依夏木·样例江".to_owned()]),
    };
    assert_eq!(personal.found_in("{\"number\":\"500103200002290021\"}"), ["500103200002290021"]);
    assert_eq!(personal.found_in("name 阿依夏木·样例江。"), ["阿依夏木·样例江"]);
    assert_eq!(personal.found_in("official w-017"), ["w-017"]);
    assert_eq!(personal.found_in("样例市 5001032000022900219 w-01"), [""; 0]);
}
