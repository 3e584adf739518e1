//! The sample is what the demonstration, the tests and the documentation rest on: every file is accepted, every number is
//! valid, every state appears, and every case gets the answer that it promises.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use heyan_proto::identifier::{CitizenNumber, CreditCode, PermanentResidentCard, ResidencePermit};
use jiff::Timestamp;
use jiff::civil::date;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::*;
use crate::clock::day_of;
use crate::directory::{self, Directory};
use crate::identity::PeerCertificate;

/// A time at which every case has the answer that it promises.
fn now() -> Timestamp {
    "2026-11-23T10:00:00+08:00".parse().unwrap()
}

fn city() -> (TempDir, SampleCity) {
    let folder = tempfile::tempdir().unwrap();
    let city = write_city(folder.path(), SampleOptions::default()).unwrap();
    (folder, city)
}

fn directory_of(folder: &Path) -> Directory {
    let loaded = directory::load(folder, None, now()).unwrap();
    assert!(loaded.problems.is_empty(), "{}", loaded.problems);
    loaded.directory
}

fn open(city: &SampleCity, department: &str) -> Connection {
    let file = city.databases.join(format!("{department}.db"));
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn texts(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_file_is_accepted() {
    let (folder, _) = city();
    let directory = directory_of(folder.path());
    let result_types: Vec<&str> = directory.result_types().map(|result_type| result_type.id.as_str()).collect();
    for expected in [
        "birth-certificate",
        "business-licence",
        "criminal-record",
        "death-record",
        "degree-certificate",
        "food-licence",
        "identity-card",
        "marriage-registration",
        "real-estate-certificate",
        "road-transport-permit",
        "social-insurance",
        "social-organisation",
        "subsistence-allowance",
        "tax-clearance",
        "work-safety-licence",
    ] {
        assert!(result_types.contains(&expected), "{expected}");
    }
    assert_eq!(directory.departments().count(), 12);
    assert_eq!(directory.items().filter(|item| item.is_in_force(day_of(now()))).count(), 8);
    assert_eq!(directory.items().count(), 9);
}

/// A file that is added beside the others is not forgotten.
#[test]
fn every_file_is_embedded() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        ("departments", "../adapters/departments"),
        ("items", "items"),
        ("policies", "../policies/departments"),
        ("systems", "sample/systems"),
        ("people", "sample/people"),
        ("grants", "sample/grants"),
    ];
    for (to, from) in folders {
        for entry in fs::read_dir(source.join(from)).unwrap() {
            let file = format!("{to}/{}", entry.unwrap().file_name().to_str().unwrap());
            let embedded = files::FILES.iter().any(|(path, _)| *path == file);
            assert!(embedded || !file.ends_with(".toml") && !file.ends_with(".cedar"), "{file}");
        }
    }
}

#[test]
fn every_result_type_is_needed_by_an_item_in_force() {
    let (folder, _) = city();
    let directory = directory_of(folder.path());
    for result_type in directory.result_types() {
        let needed = directory.items().any(|item| item.is_in_force(day_of(now())) && item.needs(&result_type.id));
        assert!(needed, "{}", result_type.id);
    }
}

#[test]
fn one_database_is_absent() {
    let (folder, city) = city();
    let directory = directory_of(folder.path());
    let absent: Vec<String> = (directory.declarations())
        .map(|declaration| declaration.department.id.to_string())
        .filter(|department| !city.databases.join(format!("{department}.db")).exists())
        .collect();
    assert_eq!(absent, ["education"]);
}

#[test]
fn everybody_has_a_valid_number() {
    let (_folder, city) = city();
    let connection = open(&city, "public-security");
    let people = texts(&connection, "SELECT ZJLX || ' ' || GMSFHM FROM CZRK_JBXX");
    assert!(people.len() >= 20_000, "{}", people.len());
    assert_eq!(people.iter().collect::<BTreeSet<_>>().len(), people.len(), "numbers are not distinct");
    let mut kinds = BTreeMap::new();
    for person in &people {
        let (kind, number) = person.split_once(' ').unwrap();
        match kind {
            "111" => drop(CitizenNumber::parse(number).unwrap()),
            "551" => drop(ResidencePermit::parse(number).unwrap()),
            "553" => drop(PermanentResidentCard::parse(number).unwrap()),
            other => panic!("the document {other} is not known"),
        }
        let start = if kind == "111" { &number[..2] } else { "" };
        *kinds.entry((kind, start)).or_insert(0) += 1;
    }
    // Codes of Chongqing and of Sichuan before 1997, and both kinds of permit.
    for kind in [("111", "50"), ("111", "51"), ("551", ""), ("553", "")] {
        assert!(kinds.get(&kind).is_some_and(|count| *count >= 50), "{kinds:?}");
    }
    for abolished in ["500105", "500112"] {
        assert!(people.iter().any(|person| person[4..].starts_with(abolished)), "{abolished}");
    }
}

#[test]
fn every_organisation_has_a_valid_code() {
    let (_folder, city) = city();
    let mut codes = texts(&open(&city, "market-regulation"), "SELECT TYSHXYDM FROM QYDJ_JBXX");
    codes.extend(texts(&open(&city, "civil-affairs"), "SELECT tyshxydm FROM shzz"));
    assert!(codes.len() >= 5_000, "{}", codes.len());
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "codes are not distinct");
    for code in &codes {
        assert!(CreditCode::parse(code).unwrap().has_consistent_body(), "{code}");
    }
    let heads: BTreeSet<&str> = codes.iter().map(|code| &code[..2]).collect();
    assert_eq!(heads, BTreeSet::from(["51", "52", "53", "91", "92", "93"]));
}

#[test]
fn names_say_that_they_are_samples() {
    let (_folder, city) = city();
    let people = texts(&open(&city, "public-security"), "SELECT XM FROM CZRK_JBXX");
    assert!(people.iter().all(|name| name.contains(['样', '例']) || name.starts_with("SAMPLE")));
    let organisations = texts(&open(&city, "market-regulation"), "SELECT QYMC FROM QYDJ_JBXX");
    assert!(organisations.iter().all(|name| name.starts_with("样例")));
}

#[test]
fn every_trap_is_there() {
    let (_folder, city) = city();
    let traps = [
        ("market-regulation", "SELECT QYMC FROM QYDJ_JBXX WHERE YYQX_Z = ''"),
        ("market-regulation", "SELECT QYMC FROM QYDJ_JBXX WHERE YYQX_Z = '长期'"),
        ("market-regulation", "SELECT QYMC FROM QYDJ_JBXX WHERE YYQX_Z = '99991231'"),
        ("market-regulation", "SELECT QYMC FROM QYDJ_JBXX WHERE ZCZB_WY IS NULL"),
        ("market-regulation", "SELECT JYZMC FROM SPJY_XKZ WHERE JYXM LIKE '%，%'"),
        ("market-regulation", "SELECT TYSHXYDM FROM SPJY_XKZ GROUP BY TYSHXYDM HAVING count(*) > 1"),
        ("public-security", "SELECT XM FROM CZRK_JBXX WHERE XM LIKE '%·%'"),
        ("public-security", "SELECT XM FROM CZRK_JBXX WHERE XM LIKE '%䶮%'"),
        ("public-security", "SELECT GMSFHM FROM WFFZ_JL WHERE FCBZ = '1'"),
        ("civil-affairs", "SELECT zsbh FROM hydj WHERE djrq LIKE '____年_月_日'"),
        ("civil-affairs", "SELECT zsbh FROM hydj WHERE zt = '宣告无效'"),
        ("civil-affairs", "SELECT sfzh FROM shjz_dx WHERE jzrq = '9999-12-31'"),
        ("natural-resources", "SELECT BDCQZH FROM BDC_QZ WHERE QLR LIKE '%,%'"),
        ("natural-resources", "SELECT BDCQZH FROM BDC_QZ WHERE MJ IS NULL"),
        ("natural-resources", "SELECT BDCQZH FROM BDC_QZ WHERE SFCF = 1"),
        ("health", "SELECT ZMBH FROM T_CSYXZM WHERE XSESFZH IS NULL"),
        ("health", "SELECT MQZJHM FROM T_CSYXZM GROUP BY MQZJHM HAVING count(*) > 1"),
        ("human-resources", "SELECT AAC002 FROM AC01 WHERE AAB004 IS NULL"),
        ("transport", "SELECT XKZH FROM DLYS_JYXKZ WHERE ZZZT = '09'"),
        ("housing-construction", "SELECT CertNum FROM SafetyCert WHERE CertStatus = '99'"),
        ("tax", "SELECT NSRSBH FROM ZS_QSXX WHERE QJBZ = '1'"),
    ];
    for (department, query) in traps {
        assert!(!texts(&open(&city, department), query).is_empty(), "{department}: {query}");
    }
}

#[test]
fn the_same_city_is_written_twice() {
    let ((_first, a), (_second, b)) = (city(), city());
    let mut compared = 0;
    for entry in fs::read_dir(&a.databases).unwrap() {
        let name = entry.unwrap().file_name();
        let [one, other] = [&a, &b].map(|city| fs::read(city.databases.join(&name)).unwrap());
        assert!(one == other, "{}", name.display());
        compared += 1;
    }
    assert_eq!(compared, 9);
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let error = write_city(folder.path(), SampleOptions::default()).unwrap_err();
    assert!(matches!(error, SampleError::NotEmpty { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_earlier_sample_can_be_written_over() {
    let (folder, _) = city();
    let options = SampleOptions { overwrite: true, service: Some("127.0.0.1:0".parse().unwrap()), admin: None };
    let city = write_city(folder.path(), options).unwrap();
    assert!(texts(&open(&city, "public-security"), "SELECT GMSFHM FROM CZRK_JBXX").len() < 30_000);
    let directory = directory_of(folder.path());
    assert_eq!(directory.config().listen.service.port(), 0);
    assert_eq!(directory.config().listen.admin.unwrap().port(), 9464);
}

#[test]
fn everyone_gets_a_certificate_with_one_uri() {
    use rustls_pki_types::pem::PemObject as _;
    let (folder, _) = city();
    let directory = directory_of(folder.path());
    let keys = write_keys(folder.path(), day_of(now())).unwrap();
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys.gateway_key), 0o600);
    assert!(keys.gateway_certificate.exists() && keys.authority.exists());
    let read = |file: &Path| {
        let der = rustls_pki_types::CertificateDer::from_pem_file(file).unwrap();
        PeerCertificate::read(&der).unwrap()
    };
    let mut members = 0;
    for member in directory.members() {
        let client = client_keys(folder.path(), member.path());
        let certificate = read(&client.certificate);
        assert_eq!(certificate.uris().len(), 1);
        assert_eq!(&*certificate.uris()[0], member.uri().as_str());
        assert!(!certificate.is_authority());
        assert!(
            certificate.not_after() > now()
                && certificate.not_after() < now() + jiff::SignedDuration::from_hours(24 * 367)
        );
        assert_eq!(mode(&client.key), 0o600);
        members += 1;
    }
    assert_eq!(members, 16);
    assert!(read(&keys.authority).is_authority());
    // Twice is as good as once: the keys of a running sample can be renewed.
    write_keys(folder.path(), date(2027, 11, 1)).unwrap();
    assert_eq!(mode(&keys.gateway_key), 0o600);
}
