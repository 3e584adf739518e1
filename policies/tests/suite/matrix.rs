//! Every department × every result type × every service item, as one table that is reviewed as a diff.
//! `HEYAN_UPDATE=1 cargo test -p heyan-policies matrix` rewrites it.

use std::fmt::Write as _;
use std::fs;

use heyan_policies::Action;
use heyan_proto::identifier::SubjectKind;
use heyan_proto::vocabulary::{DepartmentId, ResultTypeId};

use crate::city::{City, Question, folder, read, word};

const LEGEND: &str = "\
Who may ask what for which service item. Columns are the items, in the order below; rows are the departments.
Each cell has three letters: verify without claims, verify with claims on every field, retrieve every field.
P permitted · E exception · G grant required · - not permitted
";

#[test]
fn the_matrix_is_as_committed() {
    let city = City::open();
    let mut table = format!("{LEGEND}\n");
    for (number, item) in city.items.keys().enumerate() {
        writeln!(table, "{} {item}", number + 1).unwrap();
    }
    for result_type in city.result_types.keys() {
        write_result_type(&mut table, &city, result_type);
    }
    if std::env::var_os("HEYAN_UPDATE").is_some() {
        fs::write(folder().join("tests/matrix.txt"), &table).unwrap();
    }
    let committed = read("tests/matrix.txt");
    for (number, (is, was)) in table.lines().zip(committed.lines()).enumerate() {
        assert_eq!(is, was, "tests/matrix.txt:{}; HEYAN_UPDATE=1 rewrites it for review", number + 1);
    }
    assert_eq!(table, committed);
}

fn write_result_type(table: &mut String, city: &City, result_type: &ResultTypeId) {
    write!(table, "\n{:<24}", result_type.as_str()).unwrap();
    for number in 1..=city.items.len() {
        write!(table, " {number:<3}").unwrap();
    }
    table.truncate(table.trim_end().len());
    table.push('\n');
    for department in &city.departments {
        let cells: Vec<_> = city.items.keys().map(|item| cell(city, department, result_type, item)).collect();
        writeln!(table, "  {:<22} {}", department.as_str(), cells.join(" ")).unwrap();
    }
}

fn cell(city: &City, requester: &DepartmentId, result_type: &ResultTypeId, item: &str) -> String {
    let all = &city.result_types[result_type].fields[..];
    let ways = [(Action::Verify, &[][..]), (Action::Verify, all), (Action::Retrieve, all)];
    let letters = ways.map(|(action, fields)| {
        let question = Question {
            requester,
            action,
            result_type,
            item,
            fields,
            subject_kind: SubjectKind::CitizenNumber,
            case_number: true,
            today: city.today,
        };
        match word(&city.decide(&question)) {
            "permitted" => 'P',
            "exception" => 'E',
            "grant_required" => 'G',
            _ => '-',
        }
    });
    letters.iter().collect()
}
