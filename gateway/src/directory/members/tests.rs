use super::*;
use crate::directory::fixture::City;

#[test]
fn a_member_is_named_by_one_uri_of_the_city() {
    let uri = "\"spiffe://sample-city.example/system/intake\"";
    let cases = [
        (
            "systems/centre.toml",
            uri,
            "\"https://sample-city.example/system/intake\"",
            "6:7: `system.uri` must have the scheme `spiffe`",
        ),
        (
            "systems/centre.toml",
            uri,
            "\"spiffe://other.example/system/intake\"",
            "6:7: `system.uri` is not of this city, whose trust domain is `sample-city.example`",
        ),
        (
            "systems/centre.toml",
            uri,
            "\"spiffe://sample-city.example/person/intake\"",
            "6:7: `system.uri` must have the path `/system/intake`",
        ),
        (
            "systems/centre.toml",
            uri,
            "\"spiffe://sample-city.example/system/intake/\"",
            "must have the path `/system/intake`",
        ),
        ("systems/centre.toml", uri, "\"spiffe://sample-city.example\"", "must have the path `/system/intake`"),
        ("systems/centre.toml", uri, "\"SPIFFE://sample-city.example/system/intake\"", "must have the scheme `spiffe`"),
        (
            "systems/centre.toml",
            "\"old-intake\"",
            "\"intake\"",
            "11:7: `system.uri` must have the path `/system/intake`",
        ),
        ("systems/centre.toml", "\"intake\"", "\"In take\"", "3:6: `system.id` system id must be 1 to 64 lowercase"),
        ("systems/centre.toml", "revoked", "revokd", "12:1: unknown key `revokd` in `system`"),
        (
            "people/staff.toml",
            "\"approver\", ",
            "\"boss\", ",
            "6:21: `person.roles` must be `auditor`, `approver` or `administrator`",
        ),
        (
            "people/staff.toml",
            "roles = [\"auditor\", \"approver\", \"auditor\"]",
            "",
            "3:6: person `auditor` has no role",
        ),
    ];
    for (file, from, to, expected) in cases {
        let city = City::new();
        city.edit(file, from, to);
        let found = city.problems();
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    }
}

#[test]
fn a_member_is_listed_once_in_all_files() {
    let city = City::new();
    let text = city.text("systems/centre.toml");
    city.edit("systems/centre.toml", "\"old-intake\"", "\"intake\"");
    city.edit("systems/centre.toml", "system/old-intake", "system/intake");
    assert!(city.problems().contains("`system/intake` is in this file twice"), "{}", city.problems());
    city.write("systems/centre.toml", &text);
    city.write("systems/copy.toml", &text);
    let found = city.problems();
    assert!(found.contains("systems/copy.toml:3:6: `system/intake` is in systems/centre.toml already"), "{found}");
    assert!(found.contains("systems/copy.toml:8:6: `system/old-intake` is in systems/centre.toml already"), "{found}");
}

#[test]
fn the_name_of_a_person_is_never_shown() {
    let directory = City::new().load().directory;
    assert!(!format!("{directory:?}").contains("王审计"));
    let person = directory.member_by_uri("spiffe://sample-city.example/person/auditor").unwrap();
    assert_eq!(person.path(), "person/auditor");
    assert!(matches!(person, Member::Person(person) if person.name.expose() == "王审计"));
}
