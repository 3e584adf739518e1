use std::fs::Permissions;

use heyan_proto::identifier::SubjectKind;
use jiff::civil::date;

use super::*;

const TODAY: Date = date(2026, 11, 23);

fn keys() -> (tempfile::TempDir, PathBuf, AuditKeys) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("audit");
    let keys = AuditKeys::create(&dir).unwrap();
    (folder, dir, keys)
}

fn department(id: &str) -> DepartmentId {
    DepartmentId::parse(id).unwrap()
}

fn subject(kind: SubjectKind, number: &str) -> SubjectNumber {
    SubjectNumber::parse(kind, number).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_for_the_owner_alone() {
    let (_folder, dir, keys) = keys();
    keys.tags_of(TODAY).unwrap();
    assert_eq!(mode(&dir), 0o700);
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["body.key", "log.key", "tag-2026q4.key"]);
    for name in names {
        assert_eq!(mode(&dir.join(name)), 0o600);
    }
}

#[test]
fn wider_modes_are_refused_with_what_to_write() {
    let (_folder, dir, _) = keys();
    let file = dir.join("body.key");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let error = AuditKeys::load(&dir).unwrap_err().to_string();
    assert!(error.contains("mode 640") && error.contains(&format!("`chmod 600 {}`", file.display())), "{error}");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(AuditKeys::load(&dir), Err(KeyError::Mode { mode: 0o755, expected: 0o700, .. })));
}

#[test]
fn a_key_is_never_overwritten() {
    let (_folder, dir, _) = keys();
    let before = fs::read(dir.join("body.key")).unwrap();
    assert!(matches!(AuditKeys::create(&dir), Err(KeyError::Exists { .. })));
    assert_eq!(fs::read(dir.join("body.key")).unwrap(), before);
}

#[test]
fn what_is_no_key_is_refused() {
    let (_folder, dir, _) = keys();
    for text in ["", "00", &"zz".repeat(32), &"0".repeat(65)] {
        fs::write(dir.join("body.key"), text).unwrap();
        assert!(matches!(AuditKeys::load(&dir), Err(KeyError::Malformed { .. })), "{text:?}");
    }
    fs::remove_file(dir.join("body.key")).unwrap();
    assert!(matches!(AuditKeys::load(&dir), Err(KeyError::File { .. })));
}

#[test]
fn tags_are_the_same_after_loading() {
    let (_folder, dir, made) = keys();
    let loaded = AuditKeys::load(&dir).unwrap();
    let number = subject(SubjectKind::CitizenNumber, "11010519491231002X");
    let tag = |keys: &AuditKeys| keys.tags_of(TODAY).unwrap().subject(&department("civil-affairs"), &number);
    assert_eq!(tag(&made), tag(&loaded));
}

#[test]
fn tags_join_neither_departments_nor_quarters_nor_kinds() {
    let (_folder, _, keys) = keys();
    let quarter = keys.tags_of(TODAY).unwrap();
    let next = keys.tags_of(date(2027, 1, 1)).unwrap();
    assert_eq!((quarter.epoch(), next.epoch()), ("2026q4", "2027q1"));
    let number = subject(SubjectKind::CitizenNumber, "11010519491231002X");
    let tag = quarter.subject(&department("civil-affairs"), &number);
    assert_eq!(tag, quarter.subject(&department("civil-affairs"), &number), "derived and remembered keys agree");
    assert_ne!(tag, quarter.subject(&department("public-security"), &number));
    assert_ne!(tag, next.subject(&department("civil-affairs"), &number));
    let text = PersonalText::parse("42", 8).unwrap();
    let case = CaseNumber::parse("42").unwrap();
    assert_ne!(quarter.official(&text), quarter.case(&case));
}

#[test]
fn what_a_clerk_types_in_two_ways_is_one_case() {
    let (_folder, _, keys) = keys();
    let tags = keys.tags_of(TODAY).unwrap();
    let case = |text| tags.case(&CaseNumber::parse(text).unwrap());
    assert_eq!(case("yb-2026 001"), case("ＹＢ－２０２６００１"));
    assert_eq!(case("YB-2026001"), case("YB-\u{200B}2026\u{AD}001\u{2060}"));
    assert_ne!(case("YB-2026001"), case("YB-2026002"));
}

#[test]
fn debug_shows_no_key() {
    let (_folder, dir, keys) = keys();
    let tags = keys.tags_of(TODAY).unwrap();
    let shown = format!("{keys:?} {tags:?}");
    for file in ["body.key", "tag-2026q4.key"] {
        let key = fs::read_to_string(dir.join(file)).unwrap();
        assert!(!shown.contains(key.trim()), "{shown}");
    }
    assert!(!shown.contains(&format!("{:?}", keys.master)), "{shown}");
}
