//! `heyan adapter check`, as whoever connects a department uses it. Failure: a broken set-up that passes, or whose cause and line are
//! not named.

mod kinds;

use std::fs;
use std::path::Path;
use std::process::Command;

use heyan_tests::{City, PostgresServer, heyan};
use serde_json::Value;

const TAX: &str = "departments/tax.toml";

fn check(city: &City, file: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command: Command = heyan();
    let output = command.args(["adapter", "check"]).arg(city.file(file)).args(more).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The problems of the only file, as JSON has them.
fn problems(json: &str) -> Vec<(u64, String)> {
    let all: Value = serde_json::from_str(json).unwrap();
    let of = all["files"][0]["problems"].as_array().unwrap();
    of.iter().map(|of| (of["line"].as_u64().unwrap(), of["message"].as_str().unwrap().to_owned())).collect()
}

fn line_of(file: &Path, text: &str) -> u64 {
    let found = fs::read_to_string(file).unwrap().lines().position(|line| line.contains(text)).unwrap();
    found as u64 + 1
}

#[test]
fn the_sample_is_found_good_by_itself_and_online() {
    let city = City::new();
    for (more, exit) in [(&["--output", "json"][..], 0), (&["--online", "--output", "json"], 3)] {
        let (ended, json) = check(&city, "departments", more);
        assert_eq!(ended, Some(exit), "{json}");
        let all: Value = serde_json::from_str(&json).unwrap();
        let files = all["files"].as_array().unwrap();
        assert!(files.len() > 5);
        let is_online = files.iter().any(|file| file["online"]["answered"].as_u64() > Some(0));
        assert_eq!(is_online, more.contains(&"--online"));
        // One department of the sample is down.
        let wrong: Vec<&str> = files
            .iter()
            .filter(|file| !file["problems"].as_array().unwrap().is_empty())
            .map(|file| file["file"].as_str().unwrap())
            .collect();
        let down = if is_online { 1 } else { 0 };
        assert!(wrong.len() == down && wrong.iter().all(|file| file.ends_with("education.toml")), "{wrong:?}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_line() {
    let city = City::new();
    let file = city.file(TAX);
    let text = fs::read_to_string(&file).unwrap();
    let broken = text.replacen("deadline", "deadlin", 1).replacen("sharing = \"", "sharing = \"x", 1);
    fs::write(&file, broken).unwrap();
    let (exit, table) = check(&city, TAX, &["--lang", "en"]);
    assert_eq!(exit, Some(78));
    for expected in ["unknown key `deadlin`", "did you mean `deadline`?", "`result_type.sharing`", " | ", "^"] {
        assert!(table.contains(expected), "{expected}: {table}");
    }
    let (_, sarif) = check(&city, TAX, &["--output", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() >= 2, "{sarif}");
    let line = line_of(&file, "deadlin ");
    let lines = results.iter().map(|of| of["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64());
    assert!(lines.flatten().any(|of| of == line), "{sarif}");
}

#[test]
fn a_database_that_is_not_as_declared_is_named_with_its_line() {
    let city = City::new();
    let file = city.file(TAX);
    let database = city.file("state/departments/tax.db");
    fs::rename(&database, city.file("away.db")).unwrap();
    let (exit, json) = check(&city, TAX, &["--online", "--output", "json"]);
    assert_eq!((exit, problems(&json)[0].0), (Some(3), line_of(&file, "database = ")), "{json}");
    fs::rename(city.file("away.db"), &database).unwrap();
    // A column that the department has renamed.
    let text = fs::read_to_string(&file).unwrap();
    let column = text.split("from = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let log = rusqlite::Connection::open(&database).unwrap();
    let tables: Vec<String> = log
        .prepare(
            "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = ?1",
        )
        .unwrap()
        .query_map([&column], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for table in &tables {
        log.execute_batch(&format!("ALTER TABLE {table} RENAME COLUMN {column} TO renamed")).unwrap();
    }
    let (exit, json) = check(&city, TAX, &["--online", "--output", "json"]);
    let (line, message) = &problems(&json)[0];
    assert_eq!(exit, Some(78), "{json}");
    assert!(message.contains(&column), "{message}");
    assert!(fs::read_to_string(&file).unwrap().lines().nth(*line as usize - 1).unwrap().contains(&column), "{json}");
}

#[test]
fn a_server_that_is_not_as_declared_is_named_with_its_line() {
    let (city, server) = (City::new(), PostgresServer::start_with_certificate("127.0.0.1"));
    let other = PostgresServer::start_with_certificate("127.0.0.1");
    let url = server.database();
    let (address, database) = url.rsplit_once('/').unwrap();
    let port = address.rsplit_once(':').unwrap().1;
    fs::copy(server.password_file(), city.file("keys/tax.password")).unwrap();
    fs::write(city.file("keys/wrong.password"), "another").unwrap();
    fs::copy(server.ca(), city.file("keys/tax-ca.pem")).unwrap();
    fs::copy(other.ca(), city.file("keys/other-ca.pem")).unwrap();
    server.sql(&url, "CREATE TABLE licence (subject text, no text)");
    let text = include_str!("../../adapters/tests/data/contract-sql.toml");
    let (head, tail) = (&text[..text.find("[sql]").unwrap()], &text[text.find("[limits]").unwrap()..]);
    let lookup = tail.find("[[result_type]]\nid = \"endless\"").unwrap();
    let file = city.file("departments/contract.toml");
    let declare = |host: &str, port: &str, database: &str, password: &str, ca: &str, columns: &str| {
        let sql = format!(
            "[sql]\ndialect = \"postgres\"\nhost = \"{host}\"\nport = {port}\ndatabase = \"{database}\"\nuser = \"heyan\"\n\
             password = {{ file = \"keys/{password}\" }}\nca = \"keys/{ca}\"\n\n"
        );
        let begin = tail.find("query = \"\"\"").unwrap();
        let end = tail.find("max_rows = 3").unwrap();
        let query = format!("query = \"SELECT {columns} FROM licence WHERE subject = :subject_number\"\n");
        let tail = format!("{}{query}{}", &tail[..begin], &tail[end..lookup]);
        let updated = tail.find("[result_type.freshness]").unwrap()..tail.find("[result_type.lookup]").unwrap();
        let tail = format!("{}{}", &tail[..updated.start], &tail[updated.end..]);
        fs::write(&file, format!("{head}{sql}{tail}")).unwrap();
    };
    let good = "no, no AS holders, '01' AS state, '20240301' AS issued, '长期' AS until, 36 AS months";
    let wrong = "no, holder AS holders, '01' AS state, '20240301' AS issued, '长期' AS until, 36 AS months";
    let at = |text: &str| line_of(&file, text);
    declare("127.0.0.1", port, database, "tax.password", "tax-ca.pem", good);
    let (exit, json) = check(&city, "departments/contract.toml", &["--online", "--output", "json"]);
    assert_eq!(exit, Some(0), "{json}");
    for (what, set, exit, line) in [
        ("wrong host", ("127.0.0.9", port, database, "tax.password", "tax-ca.pem", good), 3, "host ="),
        ("wrong port", ("127.0.0.1", "9", database, "tax.password", "tax-ca.pem", good), 3, "host ="),
        ("wrong password", ("127.0.0.1", port, database, "wrong.password", "tax-ca.pem", good), 78, "user ="),
        ("no password", ("127.0.0.1", port, database, "none.password", "tax-ca.pem", good), 78, "password ="),
        ("another authority", ("127.0.0.1", port, database, "tax.password", "other-ca.pem", good), 78, "host ="),
        ("another database", ("127.0.0.1", port, "nothing", "tax.password", "tax-ca.pem", good), 78, "database ="),
        ("renamed column", ("127.0.0.1", port, database, "tax.password", "tax-ca.pem", wrong), 78, "query ="),
    ] {
        let (host, port, database, password, ca, columns) = set;
        declare(host, port, database, password, ca, columns);
        let (ended, json) = check(&city, "departments/contract.toml", &["--online", "--output", "json"]);
        assert_eq!((ended, problems(&json).first().map(|of| of.0)), (Some(exit), Some(at(line))), "{what}: {json}");
    }
}
