use super::*;
use crate::directory::fixture::{City, ITEM};

const FILE: &str = "items/food.toml";

#[test]
fn a_guide_says_exactly_what_is_meant() {
    let cases = [
        ("食品经营许可申请书", "其他材料", "items/food.toml:13:18: `其他材料` leaves open what is meant"),
        ("食品经营许可申请书", "身份证、户口簿等材料", "`等材料` leaves open what is meant"),
        ("食品经营许可申请书", "有关部门出具的意见", "`有关部门` leaves open what is meant"),
        ("Application form", "Other materials as needed", "`other materials` leaves open what is meant"),
        ("食品经营许可核发", "相关部门审批", "items/food.toml:4:18: `相关部门` leaves open what is meant"),
        ("id = \"licence\"", "id = \"form\"", "items/food.toml:18:6: material `form` is in this guide twice"),
        ("\"food-licence\"", "\"food\"", "items/food.toml:22:15: no department declares the result type `food`"),
        (
            "result_type = \"food-licence\"\n",
            "",
            "items/food.toml:21:10: a material that a department issues names no result type",
        ),
        (
            "source = \"applicant\"",
            "source = \"applicant\"\nresult_type = \"food-licence\"",
            "result type `food-licence` can satisfy only a material whose source is `department`",
        ),
        (
            "source = \"applicant\"",
            "source = \"applicant\"\nno_result_type_because = \"x\"",
            "`material.no_result_type_because` is for materials whose source is `department`",
        ),
        (
            "result_type = \"food-licence\"",
            "result_type = \"food-licence\"\nno_result_type_because = \"x\"",
            "`material.no_result_type_because` stands beside a `result_type`",
        ),
    ];
    check(&cases);
}

#[test]
fn an_item_is_that_of_its_department() {
    let cases = [
        ("\"market-regulation\"", "\"market\"", "items/food.toml:5:14: no department `market` is declared"),
        (
            "\"market-regulation\"",
            "\"tax\"",
            "items/food.toml:3:8: `item.code` does not start with the credit code of `tax`",
        ),
        ("[\"service-centre\"]", "[\"tax\", \"centre\"]", "items/food.toml:6:23: no department `centre` is declared"),
        ("2000131009001", "7000131009001", "items/food.toml:3:8: `item.code` must have a level from 1"),
        ("2027-12-31", "2020-12-31", "items/food.toml:9:18: `item.in_force_until` is before `item.in_force_from`"),
        ("\"in_force\"", "\"in-force\"", "items/food.toml:7:10: `item.status` has the unknown word `in-force`"),
    ];
    check(&cases);
    let city = City::new();
    city.write("items/again.toml", &city.text(FILE));
    let found = city.problems();
    assert!(found.contains(&format!("items/food.toml:3:8: item `{ITEM}` is in items/again.toml already")), "{found}");
}

fn check(cases: &[(&str, &str, &str)]) {
    for (from, to, expected) in cases {
        let city = City::new();
        city.edit(FILE, from, to);
        let found = city.problems();
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    }
}

#[test]
fn an_item_is_in_force_from_its_first_to_its_last_day() {
    let directory = City::new().load().directory;
    let item = directory.items().next().unwrap();
    let on = |date: &str, item: &ServiceItem| item.is_in_force(date.parse().unwrap());
    for (date, expected) in [("2023-11-30", false), ("2023-12-01", true), ("2027-12-31", true), ("2028-01-01", false)] {
        assert_eq!(on(date, item), expected, "{date}");
    }
    assert!(on("2099-01-01", &ServiceItem { in_force_until: None, ..ServiceItem::clone(item) }));
    for status in [ItemStatus::Suspended, ItemStatus::Cancelled] {
        assert!(!on("2026-01-01", &ServiceItem { status, ..ServiceItem::clone(item) }));
    }
    assert!(item.needs(&ResultTypeId::parse("tax-credit").unwrap()));
    assert!(!item.needs(&ResultTypeId::parse("form").unwrap()));
}
