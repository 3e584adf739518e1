use std::time::Duration;

use super::*;

const SMALLEST: &str = r#"
schema = 1
[city]
name = { zh-CN = "样例市", en = "Sample City" }
trust_domain = "sample-city.example"
[listen]
service = "127.0.0.1:8443"
[tls]
certificate = "keys/gateway.pem"
key = "keys/gateway.key"
client_ca = "/etc/heyan/client-ca.pem"
[audit]
database = "state/audit.db"
"#;

fn problems(text: &str) -> String {
    Config::parse(Path::new("/city"), text).unwrap_err().to_string()
}

#[test]
fn the_smallest_file_takes_every_default() {
    let config = Config::parse(Path::new("/city"), SMALLEST).unwrap();
    assert_eq!(config.tls.certificate, Path::new("/city/keys/gateway.pem"));
    assert_eq!(config.tls.client_ca, Path::new("/etc/heyan/client-ca.pem"));
    assert_eq!(config.limits.deadline_default, default::DEADLINE);
    assert_eq!((config.limits.in_flight, config.limits.in_flight_per_caller), (1024, 512));
    assert_eq!(config.telemetry, Telemetry { log: "info".into(), otlp: None });
    assert_eq!(config.listen.admin, None);
    assert_eq!(config.audit.retention, Retention { use_days: 1095, technical_days: 183 });
}

#[test]
fn every_setting_is_taken_from_the_file() {
    let more = r#"
[limits]
deadline_default = "2s"
deadline_max = "9s"
in_flight = 7
in_flight_per_caller = 6
message_bytes = 2048
cache_bytes = 0
connections = 8
connections_per_caller = 5
handshakes_per_address = 4
streams = 9
header_bytes = 9000
handshake = "1s"
first_request = "11s"
headers = "12s"
body = "13s"
reply = "14s"
keep_alive = "15s"
keep_alive_reply = "16s"
idle = "17s"
age = "18s"
drain = "3s"
grace = "4s"
[telemetry]
log = "debug"
otlp = "http://127.0.0.1:4317"
"#;
    let more = format!("retention_use = \"400d\"\nretention_technical = \"24h\"\n{more}");
    let more = format!("witness_policy = \"witnesses\"\nwitness_strict = \"10m\"\n{more}");
    let config = Config::parse(Path::new("/city"), &format!("{SMALLEST}{more}")).unwrap();
    let strict = Some(Duration::from_secs(600));
    assert_eq!(config.audit.witnesses, Some(Witnesses { policy: "/city/witnesses".into(), strict }));
    let limits = Limits {
        deadline_default: Duration::from_secs(2),
        deadline_max: Duration::from_secs(9),
        in_flight: 7,
        in_flight_per_caller: 6,
        message_bytes: 2048,
        cache_bytes: 0,
        connections: 8,
        connections_per_caller: 5,
        handshakes_per_address: 4,
        streams: 9,
        header_bytes: 9000,
        handshake: Duration::from_secs(1),
        first_request: Duration::from_secs(11),
        headers: Duration::from_secs(12),
        body: Duration::from_secs(13),
        reply: Duration::from_secs(14),
        keep_alive: Duration::from_secs(15),
        keep_alive_reply: Duration::from_secs(16),
        idle: Duration::from_secs(17),
        age: Duration::from_secs(18),
        drain: Duration::from_secs(3),
        grace: Duration::from_secs(4),
    };
    assert_eq!(config.limits, limits);
    assert_eq!(config.audit.retention, Retention { use_days: 400, technical_days: 1 });
    assert_eq!(config.telemetry.otlp.as_deref(), Some("http://127.0.0.1:4317"));
}

#[test]
fn a_shared_log_lies_at_a_url() {
    let text = SMALLEST.replace("state/audit.db", "postgresql://heyan@db.city.example:5432/audit");
    let text = format!("{text}database_password = \"keys/database\"\ndatabase_ca = \"keys/database-ca.pem\"\n");
    let config = Config::parse(Path::new("/city"), &text).unwrap();
    assert_eq!(
        (config.audit.database.to_string().as_str(), config.audit.database.file()),
        ("postgresql://heyan@db.city.example:5432/audit", None)
    );
    let local = SMALLEST.replace("state/audit.db", "postgresql://heyan@127.0.0.1/audit");
    assert!(Config::parse(Path::new("/city"), &local).is_ok(), "TLS is not needed on one machine");
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let cases = [
        ("state/audit.db", "postgresql://heyan:secret@127.0.0.1/audit", "`audit.database` must hold no password"),
        ("state/audit.db", "postgresql://127.0.0.1", "`audit.database` must name one host, a user and a database"),
        ("state/audit.db", "postgresql://heyan@a,b/audit", "`audit.database` must name one host"),
        ("state/audit.db", "postgresql://heyan@h:x/audit", "`audit.database` must be a URL such as"),
        ("state/audit.db", "postgresql://heyan@h/audit?options=-c%20a=b", "`audit.database` must hold no `options`"),
        ("state/audit.db", "postgresql://heyan@10.0.0.1/audit", "would be reached without TLS"),
        (
            "[audit]",
            "[audit]\ndatabase_ca = \"ca.pem\"",
            "belongs to a PostgreSQL database, and `audit.database` is a file",
        ),
        ("schema = 1", "schema = 2", "heyan.toml:2:10: `schema` is out of range"),
        ("\"127.0.0.1:8443\"", "\"localhost\"", "heyan.toml:7:11: `listen.service` must be an IP address and a port"),
        ("[tls]", "admin = \"10.0.0.1:9464\"\n[tls]", "heyan.toml:8:9: `listen.admin` must be a loopback address"),
        ("sample-city.example", "Sample City", "heyan.toml:5:16: `city.trust_domain` must be 1 to 255"),
        ("key = \"keys/gateway.key\"\n", "", "heyan.toml:8:1: missing key `key` in `tls`"),
        ("[audit]", "[limits]\ngrace = \"1h\"\n[audit]", "heyan.toml:13:9: `limits.grace` is out of range"),
        ("[audit]", "[limits]\nin_flight = 0\n[audit]", "heyan.toml:13:13: `limits.in_flight` is out of range"),
        ("[audit]", "[limits]\ndeadline_max = \"1s\"\n[audit]", "`limits.deadline_default` is longer than"),
        ("[audit]", "[limits]\nage = \"25h\"\n[audit]", "heyan.toml:13:7: `limits.age` is out of range"),
        ("[audit]", "[limits]\nbody = \"0s\"\n[audit]", "heyan.toml:13:8: `limits.body` is out of range"),
        ("[audit]", "[limits]\nmessage_bytes = 8388608\n[audit]", "`limits.message_bytes` is out of range"),
        ("[audit]", "[limits]\nin_flight_per_caller = 2000\n[audit]", "`limits.in_flight_per_caller` is more than"),
        ("[audit]", "[limits]\nconnections_per_caller = 5000\n[audit]", "`limits.connections_per_caller` is more"),
        ("[audit]", "[limits]\nhandshakes_per_address = 5000\n[audit]", "`limits.handshakes_per_address` is more"),
        ("[audit]", "[audit]\nretention_use = \"0d\"", "heyan.toml:13:17: `audit.retention_use` is out of range"),
        ("[audit]", "[audit]\nretention_use = \"36501d\"", "write whole days, from \"1d\" to \"36500d\""),
        ("[audit]", "[audit]\nretention_technical = \"25h\"", "`audit.retention_technical` is out of range"),
        ("[audit]", "[audit]\nwitness_strict = \"10m\"", "heyan.toml:13:18: `audit.witness_strict` is of no use"),
        ("[audit]", "[audit]\nwitness_policy = \"\"", "heyan.toml:13:18: `audit.witness_policy` must be a path"),
        ("[audit]", "[telemetry]\notlp = \"collector\"\n[audit]", "heyan.toml:13:8: `telemetry.otlp` must be a URL"),
        ("[audit]", "[telemetrie]\nlog = \"info\"\n[audit]", "did you mean `telemetry`?"),
    ];
    for (from, to, expected) in cases {
        let changed = SMALLEST.replacen(from, to, 1);
        assert_ne!(changed, SMALLEST, "{from}");
        let found = problems(&changed);
        assert!(found.contains(expected), "expected {expected}\nfound {found}");
    }
}

/// A gateway for few has no more for one caller or address than for all.
#[test]
fn shares_follow_the_whole() {
    let small = format!("{SMALLEST}[limits]\nin_flight = 3\nconnections = 9\n");
    let limits = Config::parse(Path::new("/city"), &small).unwrap().limits;
    assert_eq!(limits.in_flight_per_caller, 2);
    assert_eq!((limits.connections_per_caller, limits.handshakes_per_address), (9, 9));
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let found = problems(&SMALLEST.replace("8443", "x").replace("schema = 1", "").replace("state/", "\\u0000"));
    assert_eq!(found.lines().filter(|line| line.starts_with("heyan.toml:")).count(), 3, "{found}");
}

#[test]
fn a_folder_without_the_file_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let found = Config::read(folder.path()).unwrap_err().to_string();
    assert!(found.contains("heyan.toml:1:1: cannot be read: no such file") && found.contains("heyan init"), "{found}");
}

#[test]
fn a_log_filter_that_cannot_be_read_is_found_where_it_is_written() {
    let found = problems(&format!("{SMALLEST}[telemetry]\nlog = \"heyan=bogus=1\"\n"));
    assert!(found.starts_with("heyan.toml:15:7: `telemetry.log` must be a filter such as `info`"), "{found}");
}

#[test]
fn the_sample_shows_every_setting_and_the_defaults() {
    let sample = include_str!("../../sample/heyan.toml");
    let shown = Config::parse(Path::new("/city"), sample).unwrap();
    let (required, _) = sample.split_once("\n[limits]").unwrap();
    assert_eq!(shown, Config::parse(Path::new("/city"), required).unwrap());
    for key in [
        "deadline_default",
        "deadline_max",
        "in_flight",
        "in_flight_per_caller",
        "message_bytes",
        "cache_bytes",
        "connections",
        "connections_per_caller",
        "handshakes_per_address",
        "streams",
        "header_bytes",
        "handshake",
        "first_request",
        "headers",
        "body",
        "reply",
        "keep_alive",
        "keep_alive_reply",
        "idle",
        "age",
        "drain",
        "grace",
        "log",
        "otlp",
        "admin",
        "service",
        "certificate",
        "key",
        "client_ca",
        "database",
        "published",
        "witness_policy",
        "witness_strict",
        "trust_domain",
    ] {
        assert!(sample.contains(&format!("{key} = ")), "{key}");
    }
}
