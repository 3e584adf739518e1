//! `heyan doctor` on cities in which one thing each is wrong. Failure: a healthy city in which something is wrong; a broken
//! thing without its line, its hint or its exit code; a line for anything else; a log, a key or a file that was changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, entries, heyan, questions};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rusqlite::Connection;
use serde_json::Value;

/// A city in which everything is right: the sample leaves one department unconnected, and its ports may be taken.
fn healthy() -> City {
    let city = City::new();
    let education = Connection::open(city.file("state/departments/education.db")).unwrap();
    education
        .execute_batch(
            "CREATE TABLE XW_ZS (XWZSBH, XM, ZJHM, XWSYDW, ZYMC, XWLB, HXWRQ, ZT); CREATE TABLE XW_GXSJ (GXSJ)",
        )
        .unwrap();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (service, admin) = (free(), free());
    city.edit("heyan.toml", |text| text.replace("127.0.0.1:8443", &service).replace("127.0.0.1:9464", &admin));
    city
}

fn doctor(city: &City) -> Command {
    let mut command = heyan();
    command.arg("doctor").arg(city.path()).args(["--lang", "en"]);
    command
}

struct Examined {
    exit: i32,
    checks: Vec<Value>,
}

impl Examined {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr));
        });
        let exit = output.status.code().unwrap();
        assert_eq!(report["exit"], exit, "the report tells its exit code");
        Self { exit, checks: report["checks"].as_array().unwrap().clone() }
    }

    fn city(city: &City) -> Self {
        Self::of(&doctor(city).args(["--output", "json"]).output().unwrap())
    }

    /// What is wrong: category, check, text and hint.
    fn wrong(&self) -> Vec<[&str; 4]> {
        let wrong = self.checks.iter().filter(|check| check["result"] == "error");
        wrong.map(|check| ["category", "check", "found", "hint"].map(|key| check[key].as_str().unwrap())).collect()
    }

    fn found(&self, check: &str) -> &Value {
        self.checks
            .iter()
            .find(|found| found["check"] == check)
            .unwrap_or_else(|| panic!("no {check}: {:?}", self.checks))
    }
}

#[test]
fn a_healthy_city_passes_in_every_category_and_in_both_languages() {
    let city = healthy();
    let examined = Examined::city(&city);
    assert_eq!((examined.exit, examined.wrong()), (0, vec![]));
    let mut categories: Vec<&str> = examined.checks.iter().map(|check| check["category"].as_str().unwrap()).collect();
    categories.dedup();
    let all = ["configuration", "certificates", "audit-keys", "disk", "audit-log", "clock", "departments", "gateway"];
    assert_eq!(categories, all);
    assert!(!city.file("state/audit.db").exists(), "a log was made");
    for (language, words) in [("zh-CN", ["证书\n", "  √ ", "0 项异常"]), ("en", ["certificates\n", "  √ ", "0 wrong"])]
    {
        let output = heyan().arg("doctor").arg(city.path()).args(["--lang", language]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(words.iter().all(|word| text.contains(word)), "{language}: {text}");
    }
}

#[tokio::test]
async fn a_running_gateway_is_found_and_its_log_is_no_error() {
    let city = healthy();
    let gateway = Gateway::start(&city);
    let beside = |city: &City, gateway: &Gateway| {
        let mut command = doctor(city);
        command.args(["--listen", gateway.address(), "--admin", gateway.admin_address(), "--output", "json"]);
        Examined::of(&command.output().unwrap())
    };
    let examined = beside(&city, &gateway);
    assert_eq!((examined.exit, examined.wrong()), (0, vec![]));
    assert!(examined.found("log")["found"].as_str().unwrap().contains("in use by a running gateway"));
    assert!(examined.found("service")["found"].as_str().unwrap().contains("shows the configured certificate"));
    assert_eq!(examined.found("ready")["found"], "the gateway is ready");

    let store = Connection::open(city.file("state/audit.db")).unwrap();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (case, question) = questions::named("food-licence-in-force");
    let mut desk = VerificationServiceClient::new(gateway.connect(case.system).await);
    desk.verify(question).await.unwrap_err();
    heyan_tests::until("it is not ready", async || gateway.admin("/readyz").0 == 503).await;
    let examined = beside(&city, &gateway);
    let wrong = examined.wrong();
    assert!(
        wrong.iter().any(|of| of[1] == "ready" && of[2].starts_with("the gateway is not ready: the audit log")),
        "{wrong:?}"
    );
    assert_eq!(examined.exit, 1);
    store.execute_batch("ROLLBACK").unwrap();

    // Where nobody answers although the log is in use, that is said.
    let examined = Examined::city(&city);
    assert!(examined.wrong().iter().any(|of| of[1] == "service" && of[3].contains("the log is in use")));
    assert_eq!(examined.exit, 3);
}

/// One broken thing: what breaks it, the check that fails and what it says, and the exit code.
struct Broken {
    what: &'static str,
    by: fn(&City),
    check: &'static str,
    says: &'static str,
    hint: &'static str,
    exit: i32,
}

const BROKEN: &[Broken] = &[
    Broken {
        what: "an expired certificate",
        by: |city| sign_gateway(city, |params| params.not_after = date_time_ymd(2020, 1, 1)),
        check: "gateway-time",
        says: "the gateway's certificate has ended at 2020-01-01",
        hint: "replace it",
        exit: 78,
    },
    Broken {
        what: "a certificate for nobody",
        by: |city| sign_gateway(city, |params| params.subject_alt_names.clear()),
        check: "gateway-names",
        says: "names no host",
        hint: "subjectAltName",
        exit: 78,
    },
    Broken {
        what: "the key of another certificate",
        by: |city| {
            fs::copy(city.file("keys/system/health-intake.key"), city.file("keys/gateway.key")).unwrap();
        },
        check: "pair",
        says: "cannot be used together",
        hint: "[tls]",
        exit: 78,
    },
    Broken {
        what: "a folder that takes no file",
        by: |city| city.edit("heyan.toml", |text| text.replace("state/audit.db", "/proc/audit.db")),
        check: "sync",
        says: "/proc takes no write",
        hint: "read-only mount",
        exit: 1,
    },
    Broken {
        what: "no audit key",
        by: |city| fs::remove_file(city.file("keys/audit/body.key")).unwrap(),
        check: "keys",
        says: "body.key",
        hint: "restore keys/audit",
        exit: 78,
    },
    Broken {
        what: "an audit key that others may read",
        by: |city| fs::set_permissions(city.file("keys/audit/body.key"), Permissions::from_mode(0o644)).unwrap(),
        check: "keys",
        says: "others may read it (mode 644)",
        hint: "chmod 600",
        exit: 78,
    },
    Broken {
        what: "a file that is no log",
        by: |city| fs::write(city.file("state/audit.db"), "this is no database, whatever its name says").unwrap(),
        check: "log",
        says: "not a database",
        hint: "backup",
        exit: 1,
    },
    Broken {
        what: "a clock that is behind",
        by: |city| {
            let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
            fs::File::options().append(true).open(city.file("heyan.toml")).unwrap().set_modified(tomorrow).unwrap();
        },
        check: "past",
        says: "heyan.toml is of",
        hint: "NTP",
        exit: 1,
    },
    Broken {
        what: "a department without its database",
        by: |city| fs::remove_file(city.file("state/departments/tax.db")).unwrap(),
        check: "tax",
        says: "state/departments/tax.db: the department's system cannot be reached",
        hint: "departments/tax.toml",
        exit: 3,
    },
    Broken {
        what: "a column that the department has renamed",
        by: |city| {
            let department = Connection::open(city.file("state/departments/market-regulation.db")).unwrap();
            department.execute_batch("ALTER TABLE SPJY_XKZ RENAME COLUMN XKZT TO XKZT_NEW").unwrap();
        },
        check: "market-regulation",
        says: "no such column: XKZT",
        hint: "departments/market-regulation.toml",
        exit: 78,
    },
    Broken {
        what: "a policy that is none",
        by: |city| fs::write(city.file("policies/tax.cedar"), "forbid (everything);\n").unwrap(),
        check: "files",
        says: "policies/tax.cedar:1:",
        hint: "",
        exit: 78,
    },
    Broken {
        what: "settings that cannot be read",
        by: |city| city.edit("heyan.toml", |text| text.replace("schema = 1", "schema = 2")),
        check: "settings",
        says: "heyan.toml:",
        hint: "",
        exit: 78,
    },
];

#[test]
fn each_broken_thing_gives_its_line_its_hint_and_its_exit_code() {
    for Broken { what, by, check, says, hint, exit } in BROKEN {
        let city = healthy();
        by(&city);
        let examined = Examined::city(&city);
        let wrong = examined.wrong();
        let line = wrong.iter().find(|of| of[1] == *check).unwrap_or_else(|| panic!("{what}: no line: {wrong:?}"));
        assert!(line[2].contains(says) && line[3].contains(hint), "{what}: {line:?}");
        assert_eq!(examined.exit, *exit, "{what}: {wrong:?}");
        // The room on /proc is told as well.
        assert!(wrong.iter().all(|of| of[0] == line[0]), "{what}: something else is said to be wrong: {wrong:?}");
    }
}

/// The disk is full for the process: it may not make any file larger than it is.
#[test]
fn a_full_disk_is_told() {
    let city = healthy();
    let program = doctor(&city);
    let mut command = Command::new("prlimit");
    command.args(["--fsize=0", "env", "--ignore-signal=XFSZ"]).arg(program.get_program()).args(program.get_args());
    let examined = Examined::of(&command.args(["--output", "json"]).output().unwrap());
    let wrong = examined.wrong();
    assert!(matches!(wrong[..], [["disk", "sync", found, _]] if found.contains("takes no write")), "{wrong:?}");
    assert_eq!(examined.exit, 1);
    assert_eq!(left_in(&city.file("state")), ["departments"], "something was left behind");
}

/// A log whose keys were replaced cannot be read any more, and a log that nobody uses is left as it is.
#[tokio::test]
async fn keys_of_another_log_are_told_and_the_log_is_left_as_it_is() {
    let city = healthy();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    VerificationServiceClient::new(gateway.connect(case.system).await).verify(question).await.unwrap();
    gateway.signal("TERM");
    assert!(gateway.wait().0);
    let before: Vec<Vec<u8>> = entries(&city).into_iter().map(|entry| entry.bytes).collect();

    let examined = Examined::city(&city);
    assert_eq!((examined.exit, examined.wrong()), (0, vec![]));
    assert_eq!(examined.found("log-keys")["result"], "ok");
    assert!(examined.found("log")["found"].as_str().unwrap().contains("takes a write"));

    fs::write(city.file("keys/audit/body.key"), format!("{}\n", "0".repeat(64))).unwrap();
    let examined = Examined::city(&city);
    let wrong = examined.wrong();
    assert!(matches!(wrong[..], [["audit-log", "log-keys", _, hint]] if hint.contains("keys/audit")), "{wrong:?}");
    assert_eq!(examined.exit, 78);
    let after: Vec<Vec<u8>> = entries(&city).into_iter().map(|entry| entry.bytes).collect();
    assert_eq!(before, after);
}

fn left_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Gives the gateway a certificate for `localhost` with one thing changed, and the authority that has signed it.
fn sign_gateway(city: &City, change: fn(&mut CertificateParams)) {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(rcgen::DnType::CommonName, "another authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(["localhost".into()]).unwrap();
    params.not_before = date_time_ymd(2019, 1, 1);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &*authority).unwrap();
    fs::write(city.file("keys/gateway.pem"), certificate.pem()).unwrap();
    fs::write(city.file("keys/gateway.key"), key.serialize_pem()).unwrap();
    fs::write(city.file("keys/client-ca.pem"), authority.pem()).unwrap();
}
