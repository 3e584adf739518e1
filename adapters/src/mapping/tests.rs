use std::collections::BTreeMap;

use heyan_proto::vocabulary::{FieldValue, ResultState, Term};
use jiff::civil::date;

use super::{Cell, Row, read_holding, read_update_time};
use crate::declaration::{Column, DepartmentDeclaration};
use crate::{AdapterError, Holding, read_declaration};

struct TextRow(BTreeMap<&'static str, &'static str>);

impl Row for TextRow {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        Ok(self.0.get(column.name()).map_or(Cell::Null, |text| Cell::Text(text)))
    }
}

fn declaration() -> DepartmentDeclaration {
    let text = include_str!("../../tests/data/market-regulation.toml")
        .replace("{ from = \"TYSHXYDM\" }", "{ from = \"TYSHXYDM\", separator = \",\" }")
        .replace("{ from = \"JYZMC\" }", "{ from = \"JYZMC\", separator = \",\" }");
    read_declaration("market-regulation.toml", &text).unwrap()
}

/// Maps a row that has these values beside a state that is known.
fn map(cells: &[(&'static str, &'static str)]) -> Result<Holding, AdapterError> {
    let mut row = TextRow(BTreeMap::from([("ZT", "1"), ("DJZT", "CX")]));
    row.0.extend(cells.iter().copied());
    read_holding(&declaration().result_types[0], &row)
}

#[test]
fn holders_are_a_list() {
    let holders = |numbers, names| {
        let holding = map(&[("TYSHXYDM", numbers), ("JYZMC", names)])?;
        Ok::<_, AdapterError>(
            holding.holders.into_iter().map(|holder| (holder.number, holder.name)).collect::<Vec<_>>(),
        )
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(holders("A,B", "甲, 乙").unwrap(), [(some("A"), some("甲")), (some("B"), some("乙"))]);
    assert_eq!(holders("A,", "甲,乙").unwrap(), [(some("A"), some("甲")), (None, some("乙"))]);
    assert_eq!(holders("", "甲,乙").unwrap(), [(None, some("甲")), (None, some("乙"))]);
    assert_eq!(holders("", "").unwrap(), []);
    assert!(matches!(holders("A,B", "甲"), Err(AdapterError::Malformed { .. })));
}

#[test]
fn dates_have_exactly_the_declared_form() {
    let valid_to = |text| map(&[("YXQZ", text)]).map(|holding| holding.valid_to);
    assert_eq!(valid_to("20290228"), Ok(Some(Term::On(date(2029, 2, 28)))));
    assert_eq!(valid_to(" 20290228 "), Ok(Some(Term::On(date(2029, 2, 28)))));
    assert_eq!(valid_to("长期"), Ok(Some(Term::LongTerm)));
    assert_eq!(valid_to("99991231"), Ok(Some(Term::LongTerm)));
    assert_eq!(valid_to(""), Ok(None));
    for text in ["2029-02-28", "20290229", "2029228", "202902281", "29022028", "永久", "0"] {
        assert!(matches!(valid_to(text), Err(AdapterError::Malformed { .. })), "{text}");
    }
}

#[test]
fn blank_is_absent_unless_a_map_says_otherwise() {
    let holding = map(&[("JYXM", " ； "), ("FDDBR", " "), ("ZTYT", "")]).unwrap();
    let names: Vec<&str> = holding.fields.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["renewal_pending"], "its map has a meaning for the blank");
    assert_eq!(holding.fields["renewal_pending"], FieldValue::Flag(false));
}

#[test]
fn an_unknown_state_is_malformed_or_the_providers_own_word() {
    assert!(matches!(map(&[("ZT", "9")]), Err(AdapterError::Malformed { .. })));
    assert!(matches!(map(&[("ZT", "")]), Err(AdapterError::Malformed { .. })));
    let register = |state| {
        let row = TextRow(BTreeMap::from([("DJZT", state)]));
        read_holding(&declaration().result_types[1], &row).map(|holding| holding.state)
    };
    assert_eq!(register("歇业"), Ok(ResultState::Other("歇业".into())));
    assert!(matches!(register(""), Err(AdapterError::Malformed { .. })), "no word is nobody's own word");
}

#[test]
fn errors_and_debug_name_columns_and_no_values() {
    let error = map(&[("YXQZ", "样例")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the department's answer does not fit its declaration: column `YXQZ` has a date that is not in its declared form"
    );
    let holding = map(&[("JYZMC", "样例甲"), ("XKZBH", "JY25001120000011"), ("FDDBR", "样例乙")]).unwrap();
    let shown = format!("{holding:?} {:?} {:?}", holding.holders, holding.fields);
    assert!(!shown.contains("样例") && !shown.contains("JY25"), "{shown}");
}

#[test]
fn update_times_come_in_three_forms() {
    for text in ["2026-11-22T23:00:00+08:00", "2026-11-22T15:00:00Z", "2026-11-22 23:00:00", "2026-11-22T23:00:00"] {
        assert_eq!(read_update_time(text), Some("2026-11-22T15:00:00Z".parse().unwrap()), "{text}");
    }
    assert_eq!(read_update_time("2026-11-23"), Some("2026-11-22T16:00:00Z".parse().unwrap()));
    for text in ["", "20261123 noon", "yesterday", "1763856000"] {
        assert_eq!(read_update_time(text), None, "{text}");
    }
}
