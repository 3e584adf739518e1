use jiff::civil::date;

use crate::identifier::{DivisionCode, DivisionStanding, DivisionTable};

fn code(text: &str) -> DivisionCode {
    DivisionCode::parse(text).unwrap()
}

#[test]
fn every_code_of_six_digits_is_well_formed() {
    assert_eq!(code("５００１０１").as_str(), "500101");
    assert_eq!(code("999999").standing(date(2026, 1, 1)), DivisionStanding::Unknown);
    for text in ["50010", "5001011", "50010A", "", "500 01"] {
        assert!(DivisionCode::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_built_in_table_has_the_city_and_its_38_units_of_2023() {
    let before = date(2025, 11, 5);
    let mut named = (500_000..500_300).filter(|n| code(&n.to_string()).name_on(before).is_some()).collect::<Vec<_>>();
    assert_eq!(named.remove(0), 500_000);
    assert_eq!(named.len(), 38);
    for (text, name) in
        [("500101", "万州区"), ("500112", "渝北区"), ("500151", "铜梁区"), ("500243", "彭水苗族土家族自治县")]
    {
        assert_eq!(code(text).name_on(before), Some(name));
    }
}

#[test]
fn two_districts_ended_on_2025_11_06_and_their_successor_has_no_known_code() {
    for (text, successors) in [("500105", &["两江新区"][..]), ("500112", &["两江新区", "北碚区"][..])] {
        assert!(matches!(code(text).standing(date(2025, 11, 5)), DivisionStanding::InUse(_)));
        assert_eq!(code(text).name_on(date(2025, 11, 6)), None);
        let DivisionStanding::Abolished(division) = code(text).standing(date(2025, 11, 6)) else {
            panic!("{text} was abolished");
        };
        let names: Vec<&str> = division.successors.iter().map(|successor| successor.name.as_str()).collect();
        assert_eq!(names, successors);
        assert_eq!(division.successors[0].code, None);
    }
    assert_eq!(code("500109").name_on(date(2026, 1, 1)), Some("北碚区"));
}

#[test]
fn a_document_adds_rows_and_fills_in_successors() {
    let text = r#"
        schema = 1
        [[division]]
        code = "500105"
        name = "江北区"
        until = 2025-11-06
        successors = [{ name = "两江新区", code = "500199" }]
        [[division]]
        code = "500199"
        name = "两江新区"
        from = 2025-11-06
    "#;
    let table = DivisionTable::known().extended("divisions.toml", text).unwrap();
    let DivisionStanding::Abolished(old) = table.standing(code("500105"), date(2026, 1, 1)) else {
        panic!("the district was abolished");
    };
    let new = old.successors[0].code.unwrap();
    assert!(matches!(table.standing(new, date(2025, 11, 5)), DivisionStanding::NotYet(_)));
    assert!(
        matches!(table.standing(new, date(2025, 11, 6)), DivisionStanding::InUse(division) if division.name == "两江新区")
    );
    assert!(matches!(table.standing(code("500101"), date(2026, 1, 1)), DivisionStanding::InUse(_)));
}

#[test]
fn one_code_may_name_two_divisions_one_after_the_other() {
    let text = r#"
        schema = 1
        division = [
          { code = "500998", name = "新", from = 2020-01-01 },
          { code = "500998", name = "旧", until = 2010-01-01 },
        ]
    "#;
    let table = DivisionTable::default().extended("divisions.toml", text).unwrap();
    for (on, name) in [(date(2009, 12, 31), "旧"), (date(2020, 1, 1), "新")] {
        assert!(
            matches!(table.standing(code("500998"), on), DivisionStanding::InUse(division) if division.name == name)
        );
    }
    assert!(matches!(table.standing(code("500998"), date(2015, 1, 1)), DivisionStanding::Abolished(_)));
}

#[test]
fn bad_documents_say_what_is_wrong() {
    for (text, part) in [
        ("schema = 2", "schema"),
        ("schema = 1\n[[division]]\ncode = \"5001\"\nname = \"某区\"", "must have 6 digits"),
        ("schema = 1\n[[division]]\ncode = \"500998\"", "missing key `name` in `division`"),
        ("schema = 1\n[[division]]\ncode = \"500998\"\nname = \"某区\"\nuntill = 2025-01-01", "unknown key"),
        (
            "schema = 1\n[[division]]\ncode = \"500998\"\nname = \"某区\"\nfrom = 2025-01-02\nuntil = 2025-01-02",
            "`until` must be after `from`",
        ),
        (
            "schema = 1\n[[division]]\ncode = \"500998\"\nname = \"某区\"\nsuccessors = [{ name = \"新区\" }]",
            "`successors` needs the day",
        ),
        (
            "schema = 1\ndivision = [{ code = \"500998\", name = \"甲\" }, { code = \"500998\", name = \"乙\" }]",
            "two divisions at the same time",
        ),
    ] {
        let problems = DivisionTable::known().extended("divisions.toml", text).unwrap_err().to_string();
        assert!(problems.contains(part), "expected `{part}` in `{problems}`");
    }
}
