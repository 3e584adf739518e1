use std::path::PathBuf;

use heyan_proto::identifier::ItemCode;

use super::*;
use crate::directory::fixture::{City, ITEM, department};
use crate::identity::{CallerKind, Members, Role};

fn department_id(id: &str) -> DepartmentId {
    DepartmentId::parse(id).unwrap()
}

/// The file of the problems, each once.
fn files(loaded: &Loaded) -> Vec<&str> {
    let mut files: Vec<&str> = loaded.directory.stale().iter().map(|stale| stale.file.as_str()).collect();
    files.dedup();
    files
}

#[test]
fn a_good_folder_becomes_a_whole_snapshot() {
    let loaded = City::new().load();
    assert_eq!(loaded.problems.to_string(), "");
    assert_eq!(loaded.warnings.to_string(), "");
    let directory = loaded.directory;

    let departments: Vec<_> = directory.departments().map(|entry| entry.id.as_str()).collect();
    assert_eq!(departments, ["market-regulation", "service-centre", "tax"]);
    let providers: Vec<_> = directory.declarations().map(|it| it.department.id.as_str()).collect();
    assert_eq!(providers, ["market-regulation", "tax"], "a department that only asks is not connected");
    let result_types: Vec<_> = directory.result_types().map(|it| it.id.as_str()).collect();
    assert_eq!(result_types, ["food-licence", "tax-credit"]);
    assert_eq!(directory.result_type("tax-credit").unwrap().provider.as_str(), "tax");
    assert!(directory.result_type("unknown").is_none());

    let item = directory.item(&ItemCode::parse(ITEM).unwrap()).unwrap();
    assert!(item.is_accepted_by(&department_id("service-centre")));
    assert!(item.is_accepted_by(&department_id("market-regulation")));
    assert!(!item.is_accepted_by(&department_id("tax")));
    assert!(directory.stale().is_empty());

    let system = directory.member("spiffe://sample-city.example/system/intake").unwrap();
    assert!(!system.revoked);
    assert!(matches!(system.kind, CallerKind::System { department, .. } if department.as_str() == "service-centre"));
    assert!(directory.member("spiffe://sample-city.example/system/old-intake").unwrap().revoked);
    let person = directory.member("spiffe://sample-city.example/person/auditor").unwrap();
    assert!(matches!(person.kind, CallerKind::Person { roles, .. } if *roles == [Role::Auditor, Role::Approver]));
    assert!(directory.member("spiffe://sample-city.example/system/nobody").is_none());
}

#[test]
fn folders_that_are_not_there_are_empty() {
    let city = City::new();
    for folder in ["departments", "systems", "people", "items", "grants"] {
        std::fs::remove_dir_all(city.path().join(folder)).unwrap();
    }
    city.remove("policies/market-regulation.cedar");
    let loaded = city.load();
    assert!(loaded.problems.is_empty(), "{}", loaded.problems);
    assert_eq!(loaded.directory.departments().count() + loaded.directory.items().count(), 0);
}

#[test]
fn problems_of_all_files_are_found_at_once_and_each_says_where() {
    let cases = [
        (
            "departments/tax.toml",
            "id = \"tax\"",
            "id = \"taxes\"",
            "departments/tax.toml:3:6: the file of department `taxes`",
        ),
        (
            "departments/tax.toml",
            "11500000MB0000086D",
            "11500000MB0000027A",
            "departments/tax.toml:5:15: `department.credit_code` is that of department `market-regulation`",
        ),
        (
            "departments/tax.toml",
            "\"tax-credit\"",
            "\"food-licence\"",
            "departments/tax.toml:12:6: result type `food-licence` is declared in departments/market-regulation.toml already",
        ),
        (
            "systems/centre.toml",
            "\"service-centre\"",
            "\"centre\"",
            "systems/centre.toml:4:14: no department `centre` is declared",
        ),
        (
            "grants/2026.toml",
            "\"service-centre\"",
            "\"centre\"",
            "grants/2026.toml:4:13: no department `centre` is declared",
        ),
        (
            "policies/market-regulation.cedar",
            "ResultType::\"food-licence\"",
            "ResultType::\"food-license\"",
            "the directory has no result type `food-license`",
        ),
        (
            "policies/market-regulation.cedar",
            "2027-06-30",
            "2026-11-22",
            "policies/market-regulation.cedar:7:1: `@review_by` has passed",
        ),
    ];
    for (file, from, to, expected) in cases {
        let city = City::new();
        city.edit(file, from, to);
        let found = city.problems();
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    }
    let city = City::new();
    for (file, from) in [
        ("heyan.toml", "[audit]"),
        ("departments/tax.toml", "schema = 1"),
        ("systems/centre.toml", "schema = 1"),
        ("people/staff.toml", "schema = 1"),
        ("items/food.toml", "schema = 1"),
        ("grants/2026.toml", "schema = 1"),
    ] {
        city.edit(file, from, &format!("unknown = 1\n{from}"));
    }
    // Without `heyan.toml` nothing can be judged; with it, every other file is.
    assert!(city.problems().starts_with("heyan.toml:"));
    city.edit("heyan.toml", "unknown = 1\n", "");
    let found = city.problems();
    for file in ["departments/tax", "systems/centre", "people/staff", "items/food", "grants/2026"] {
        assert!(found.contains(&format!("{file}.toml:1:1: unknown key `unknown`")), "{file}\n{found}");
    }
}

#[test]
fn a_broken_file_keeps_what_it_said_and_the_others_are_replaced() {
    let city = City::new();
    let first = city.load().directory;
    city.edit("departments/tax.toml", "sensitivity = 2", "sensitivity = 9");
    city.edit("departments/market-regulation.toml", "sensitivity = 1", "sensitivity = 4");
    city.edit("items/food.toml", "in_force_from = 2023-12-01", "in_force_from = \"soon\"");
    city.edit("systems/centre.toml", "revoked = true", "revoked = \"yes\"");
    city.edit("grants/2026.toml", "until = 2026-12-31", "until = 2020-12-31");

    let second = city.load_after(Some(&first)).unwrap();
    assert_eq!(files(&second), ["departments/tax.toml", "grants/2026.toml", "items/food.toml", "systems/centre.toml"]);
    assert!(second.directory.stale().iter().all(|stale| stale.kept));
    assert_eq!(second.directory.result_type("tax-credit").unwrap().sensitivity, 2);
    assert_eq!(second.directory.result_type("food-licence").unwrap().sensitivity, 4);
    assert_eq!(second.directory.items().count(), 1);
    assert!(second.directory.member("spiffe://sample-city.example/system/old-intake").unwrap().revoked);
    let tax = second.directory.department(&department_id("tax")).unwrap();
    assert!(tax.stale_since.is_some() && tax.declaration.is_some());
    let market = second.directory.department(&department_id("market-regulation")).unwrap();
    assert!(market.stale_since.is_none());

    city.edit("departments/tax.toml", "sensitivity = 9", "sensitivity = 3");
    city.edit("items/food.toml", "\"soon\"", "2023-12-01");
    let later = "2026-11-24T04:00:00Z".parse().unwrap();
    let third = load(city.path(), Some(&second.directory), later).unwrap();
    assert_eq!(files(&third), ["grants/2026.toml", "systems/centre.toml"]);
    assert_eq!(third.directory.result_type("tax-credit").unwrap().sensitivity, 3);
    assert_eq!(third.directory.stale()[0].since, second.directory.stale()[0].since, "it is broken since then");
}

#[test]
fn a_declaration_that_did_not_change_stays_the_same() {
    let city = City::new();
    let first = city.load().directory;
    city.edit("departments/tax.toml", "sensitivity = 2", "sensitivity = 3");
    let second = city.load_after(Some(&first)).unwrap().directory;
    let same: Vec<bool> = first.declarations().zip(second.declarations()).map(|(a, b)| Arc::ptr_eq(a, b)).collect();
    assert_eq!(same, [true, false]);
}

#[test]
fn a_broken_file_without_an_earlier_state_is_absent_and_drags_no_other_along() {
    let city = City::new();
    city.edit("departments/tax.toml", "schema = 1", "schema = 2");
    let loaded = city.load();
    assert_eq!(files(&loaded), ["departments/tax.toml"], "{}", loaded.problems);
    assert!(loaded.problems.iter().all(|problem| problem.file == "departments/tax.toml"), "{}", loaded.problems);
    let tax = loaded.directory.department(&department_id("tax")).unwrap();
    assert!(tax.declaration.is_none() && tax.stale_since.is_some());
    assert!(loaded.directory.result_type("tax-credit").is_none());
    assert!(!loaded.directory.stale()[0].kept);
}

#[test]
fn what_moves_while_its_old_file_is_broken_is_the_new_files() {
    let city = City::new();
    let first = city.load().directory;
    let systems = city.text("systems/centre.toml");
    city.write("systems/a.toml", &systems.replace("service-centre", "tax"));
    city.edit("systems/centre.toml", "schema = 1", "schema = 2");
    let tax = city.text("departments/tax.toml");
    let (head, types) = tax.split_once("[[result_type]]").unwrap();
    city.write("departments/a.toml", &department("a", "11500000MB00000948", &format!("[[result_type]]{types}")));
    city.write("departments/tax.toml", &format!("{}[[result_type]]{types}", head.replace("schema = 1", "schema = 2")));
    let second = city.load_after(Some(&first)).unwrap();
    let intake = second.directory.member("spiffe://sample-city.example/system/intake").unwrap();
    assert!(matches!(intake.kind, CallerKind::System { department, .. } if department.as_str() == "tax"));
    assert_eq!(second.directory.members().count(), 3);
    assert_eq!(second.directory.result_type("tax-credit").unwrap().provider.as_str(), "a", "{}", second.problems);
    assert_eq!(second.directory.declarations().count(), 2, "nothing is left to be asked of the old one");
}

#[test]
fn without_its_exceptions_a_city_is_not_served() {
    let city = City::new();
    city.edit("policies/market-regulation.cedar", "forbid", "forbidden");
    city.edit("grants/2026.toml", "schema = 1", "schema = 2");
    let LoadError::Unusable(problems) = city.load_after(None).unwrap_err();
    let problems = problems.to_string();
    assert!(
        problems.contains("policies/market-regulation.cedar:") && problems.contains("grants/2026.toml:1:10:"),
        "{problems}"
    );
}

#[test]
fn exceptions_do_not_vanish_with_their_folder_or_the_text_of_their_file() {
    type Vanishing = (&'static str, fn(&City));
    let vanishings: [Vanishing; 2] = [
        ("policies:1:1: folder is not there", |city| {
            std::fs::rename(city.path().join("policies"), city.path().join("aside")).unwrap();
        }),
        ("policies/market-regulation.cedar:1:1: the file holds no exception", |city| {
            city.write("policies/market-regulation.cedar", "");
        }),
    ];
    for (expected, vanish) in vanishings {
        let city = City::new();
        let first = city.load().directory;
        vanish(&city);
        let LoadError::Unusable(problems) = city.load_after(None).unwrap_err();
        assert!(problems.to_string().starts_with(expected), "{problems}");
        let next = city.load_after(Some(&first)).unwrap();
        assert_eq!(next.directory.engine().bundle(), first.engine().bundle(), "{expected}");
        assert_eq!(next.directory.stale().len(), 1, "{expected}");
    }
}

#[test]
fn broken_exceptions_stay_in_force_as_they_were() {
    let city = City::new();
    let first = city.load().directory;
    let hash = *first.engine().bundle();
    for (file, from, to) in [
        ("policies/market-regulation.cedar", "forbid", "permit"),
        ("policies/market-regulation.cedar", "permit (", "forbid ("),
    ] {
        city.edit(file, from, to);
        let next = city.load_after(Some(&first)).unwrap();
        assert_eq!(*next.directory.engine().bundle(), hash);
        assert_eq!(next.problems.is_empty(), to == "forbid (", "{}", next.problems);
    }
    city.write("policies/tax.cedar", "nonsense");
    let next = city.load_after(Some(&first)).unwrap();
    assert_eq!(*next.directory.engine().bundle(), hash);
    assert_eq!(files(&next), ["policies/tax.cedar"]);
}

#[test]
fn an_exception_whose_review_is_overdue_is_a_problem_and_still_withholds() {
    let city = City::new();
    let reviewed = city.load().directory;
    let later = "2027-07-01T04:00:00Z".parse().unwrap();
    for previous in [None, Some(&reviewed)] {
        let loaded = load(city.path(), previous, later).unwrap();
        assert_eq!(loaded.directory.engine().bundle(), reviewed.engine().bundle());
        assert!(loaded.problems.to_string().contains("`@review_by` has passed"), "{}", loaded.problems);
        assert!(loaded.directory.stale().is_empty(), "the file is in force as it stands");
    }
}

#[test]
fn a_grant_that_has_ended_is_a_warning() {
    let city = City::new();
    let later = "2027-01-01T04:00:00Z".parse().unwrap();
    let loaded = load(city.path(), None, later).unwrap();
    assert!(loaded.problems.is_empty(), "{}", loaded.problems);
    let said = loaded.warnings.to_string();
    assert!(said.starts_with("grants/2026.toml:11:9: grant `centre-tax` has ended on 2026-12-31"), "{said}");
}

#[test]
fn a_broken_heyan_toml_keeps_the_earlier_settings() {
    let city = City::new();
    let first = city.load().directory;
    city.edit("heyan.toml", "[audit]", "[audits]");
    let second = city.load_after(Some(&first)).unwrap();
    assert_eq!(second.directory.config(), first.config());
    assert_eq!(files(&second), ["heyan.toml"]);
    assert!(matches!(city.load_after(None), Err(LoadError::Unusable(_))));
}

#[test]
fn the_sample_city_has_no_problem() {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let city = tempfile::tempdir().unwrap();
    let folders = [
        (source.join("../adapters/departments"), "departments"),
        (source.join("../policies/departments"), "policies"),
        (source.join("items"), "items"),
        (source.join("sample/systems"), "systems"),
        (source.join("sample/people"), "people"),
        (source.join("sample/grants"), "grants"),
    ];
    for (from, to) in folders {
        std::os::unix::fs::symlink(from, city.path().join(to)).unwrap();
    }
    std::fs::copy(source.join("sample/heyan.toml"), city.path().join("heyan.toml")).unwrap();
    let loaded = load(city.path(), None, "2026-11-23T04:00:00Z".parse().unwrap());
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    assert!(loaded.problems.is_empty(), "{}", loaded.problems);
    assert!(loaded.directory.departments().count() >= 9);
    assert!(loaded.directory.result_types().count() >= 15);
    assert!(loaded.directory.items().count() >= 8);
}
