//! The `heyan` command as people and scripts use it. Failure: another exit code than the help says; output that a machine cannot
//! read; a folder left behind, or written over; a question that the command line gets wrong.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use heyan_tests::{City, Gateway, heyan};
use serde_json::Value;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn json(output: &Output) -> Value {
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().count(), 1, "one object, on one line: {printed}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed} {}", text(&output.stderr)))
}

#[test]
fn the_demo_prints_one_object_with_all_three_answers_and_leaves_a_receipt_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let demo = heyan().args(["demo", "--once", "--output", "json"]).env("TMPDIR", temporary.path()).output().unwrap();
    assert_eq!(code(&demo), 0, "{}", text(&demo.stderr));
    assert_eq!(text(&demo.stderr), "");
    let told = json(&demo);
    let keys: BTreeSet<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["city", "address", "questions", "receipt"]));
    assert!(told["address"].as_str().unwrap().starts_with("127.0.0.1:"));
    let questions = told["questions"].as_array().unwrap();
    assert!(questions.len() >= 5);
    for of in questions {
        assert!(!of["title"].as_str().unwrap().is_empty() && !of["finding"].as_str().unwrap().is_empty(), "{of}");
        assert!(of["elapsed_ms"].as_f64().unwrap() > 0.0, "{of}");
    }
    let indices: Vec<u64> = questions.iter().map(|of| of["index"].as_u64().unwrap()).collect();
    assert!(indices.is_sorted_by(|a, b| a < b), "each question has an entry of its own: {indices:?}");
    for answer in ["determination", "refusal", "undetermined"] {
        assert!(questions.iter().any(|of| of["answer"] == answer), "{answer}: {told}");
    }
    for finding in ["CONFIRMED", "NOT_CONFIRMED", "EXCEPTION", "GRANT_REQUIRED", "DEPARTMENT_DOWN"] {
        assert!(questions.iter().any(|of| of["finding"] == finding), "{finding}: {told}");
    }
    let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|file| file.unwrap().path()).collect();
    let [receipt] = &left[..] else { panic!("more than the receipt is left, or less: {left:?}") };
    assert_eq!(told["receipt"]["file"], receipt.to_str().unwrap());
    let key = told["receipt"]["key"].as_str().unwrap();
    let verify = heyan().args(["receipt", "verify", "--output", "json", "--key", key]).arg(receipt).output().unwrap();
    assert_eq!((code(&verify), json(&verify)["verdict"].as_str()), (0, Some("proven")), "{}", text(&verify.stderr));
}

#[test]
fn the_demo_keeps_a_folder_that_is_named_and_it_is_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let city = folder.path().join("city");
    let demo = heyan().args(["demo", "--once", "--lang", "en", "--city"]).arg(&city).output().unwrap();
    assert_eq!(code(&demo), 0, "{}", text(&demo.stderr));
    let table = text(&demo.stdout);
    for word in ["determination", "refusal", "undetermined", "CONFIRMED", "《"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    let check = heyan().arg("check").arg(&city).output().unwrap();
    let told = text(&check.stdout);
    assert_eq!((code(&check), told.lines().last()), (0, Some("nothing is wrong")), "{told}");
    assert!(city.join("state/audit.db").is_file());
    // A folder with something in it is not written over.
    let again = heyan().args(["demo", "--once", "--city"]).arg(&city).output().unwrap();
    assert_ne!(code(&again), 0);
    assert!(text(&again.stderr).contains("not empty"), "{}", text(&again.stderr));
}

#[test]
fn init_writes_into_an_empty_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    let init = heyan().arg("init").arg(folder.path()).output().unwrap();
    assert_ne!(code(&init), 0);
    assert!(text(&init.stderr).contains("not empty"), "{}", text(&init.stderr));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["mine.txt"]);
}

#[test]
fn check_of_no_city_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let check = heyan().arg("check").arg(folder.path()).output().unwrap();
    assert_eq!(code(&check), 78);
    assert!(text(&check.stdout).contains("heyan.toml:1:1: cannot be read"), "{}", text(&check.stdout));
    let serve = heyan().arg("serve").arg(folder.path()).output().unwrap();
    assert_eq!(code(&serve), 78);
    assert!(text(&serve.stderr).contains("heyan.toml"), "{}", text(&serve.stderr));
}

/// A gateway, and the command that asks it.
struct Desk {
    city: City,
    gateway: Gateway,
}

impl Desk {
    fn new() -> Self {
        let city = City::new();
        let gateway = Gateway::start(&city);
        Self { city, gateway }
    }

    fn run(&self, command: &str, system: &str, words: &[&str]) -> Output {
        let mut run = heyan();
        run.args([command, "--as", system, "--address", self.gateway.address(), "--city"]).arg(self.city.path());
        run.args(words).output().unwrap()
    }

    fn verify(&self, of: &Asked) -> Output {
        let mut words =
            vec!["--result-type", of.result_type, "--subject", of.subject, "--item", of.item, "--case", "C-1"];
        words.extend(of.more);
        words.extend(["--output", "json"]);
        self.run("verify", of.system, &words)
    }
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    system: &'static str,
    result_type: &'static str,
    subject: &'static str,
    item: &'static str,
    more: &'static [&'static str],
    exit: i32,
    finding: &'static str,
}

const FOOD: Asked = Asked {
    system: "health-intake",
    result_type: "food-licence",
    subject: "credit_code:91500000MA0000015Q",
    item: "11500000MB000006XJ2001023004001",
    more: &[],
    exit: 0,
    finding: "CONFIRMED",
};

const ASKED: &[Asked] = &[
    FOOD,
    Asked { more: &["--claim", "business_items", "contains", "热食类食品制售"], ..FOOD },
    Asked {
        more: &["--claim", "valid_to", "on_or_after", "2028-01-01", "--claim", "renewal_pending", "equals", "false"],
        ..FOOD
    },
    Asked { more: &["--validate-only"], finding: "PERMITTED", ..FOOD },
    Asked { more: &["--name", "样例山城小面餐饮有限公司", "--as-of", "2026-01-01"], ..FOOD },
    Asked { result_type: "business-licence", more: &["--claim", "registered_capital", "at_least", "1"], ..FOOD },
    Asked {
        more: &["--claim", "business_items", "contains", "自制饮品制售"],
        exit: 1,
        finding: "NOT_CONFIRMED",
        ..FOOD
    },
    Asked { subject: "credit_code:91500000MA0000023K", exit: 1, finding: "NOT_CONFIRMED", ..FOOD },
    Asked { subject: "credit_code:91500000MA000004X6", exit: 1, finding: "AMBIGUOUS", ..FOOD },
    Asked {
        result_type: "public-order-record",
        subject: "citizen_number:500103200002290021",
        exit: 1,
        finding: "EXCEPTION",
        ..FOOD
    },
    Asked { result_type: "real-estate-certificate", exit: 1, finding: "GRANT_REQUIRED", ..FOOD },
    Asked {
        system: "human-resources-intake",
        result_type: "degree-certificate",
        subject: "citizen_number:500103200002290021",
        item: "11500000MB0000078J2002014008001",
        exit: 3,
        finding: "DEPARTMENT_DOWN",
        ..FOOD
    },
];

#[test]
fn verify_ends_as_its_answer_says() {
    let desk = Desk::new();
    for of in ASKED {
        let output = desk.verify(of);
        assert_eq!(code(&output), of.exit, "{of:?}: {} {}", text(&output.stdout), text(&output.stderr));
        let told = json(&output);
        assert_eq!(told["finding"], of.finding, "{of:?}: {told}");
        assert!(told["index"].is_u64() && told["leaf_hash"].as_str().unwrap().len() == 64, "{told}");
        assert!(told["decision_id"].as_str().unwrap().len() == 36, "{told}");
    }
    // For people: one answer in their language, with the entry to quote.
    for (language, words) in [("en", ["determination", "in force", "entry"]), ("zh-CN", ["CONFIRMED", "有效", "留痕"])]
    {
        let more = ["--subject", FOOD.subject, "--item", FOOD.item, "--case", "C-1", "--lang", language];
        let output = desk.run("verify", FOOD.system, &[&["--result-type", FOOD.result_type], &more[..]].concat());
        let printed = text(&output.stdout);
        assert_eq!(code(&output), 0, "{printed}");
        assert!(words.iter().all(|word| printed.contains(word)), "{language}: {printed}");
    }
}

#[test]
fn verify_repeats_a_question_that_has_an_id() {
    let desk = Desk::new();
    let of = Asked { more: &["--request-id", "7d44cbbd-9f0c-4f3e-8c53-6d5c9f5f9f01"], ..FOOD };
    let first = json(&desk.verify(&of));
    assert_eq!(json(&desk.verify(&of)), first);
    let other = Asked { subject: "credit_code:91500000MA0000023K", ..of };
    let refused = desk.verify(&other);
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("REQUEST_ID_REUSED"), "{}", text(&refused.stderr));
}

#[test]
fn a_wrong_question_is_told_where_it_is_wrong_and_not_what_was_written() {
    let desk = Desk::new();
    let wrong = [
        (Asked { subject: "credit_code:91500000MA0000015A", ..FOOD }, "subject.number"),
        (Asked { result_type: "no-such", ..FOOD }, "result_type"),
        (Asked { item: "11500000MB0000027A2000131009001", ..FOOD }, "purpose.item"),
        (Asked { more: &["--claim", "colour", "equals", "red"], ..FOOD }, "claims[0].field"),
        (Asked { more: &["--claim", "business_items", "at_least", "3"], ..FOOD }, "claims[0].operator"),
        (Asked { more: &["--as-of", "2999-01-01"], ..FOOD }, "as_of"),
        (Asked { more: &["--claim", "valid_to", "equal", "2028-01-01"], ..FOOD }, "on_or_after"),
        (Asked { more: &["--claim", "renewal_pending", "equals", "perhaps"], ..FOOD }, "true or false"),
        (Asked { subject: "credit:91500000MA0000015Q", ..FOOD }, "--subject"),
        (Asked { subject: "91500000MA0000015Q", ..FOOD }, "KIND:NUMBER"),
    ];
    for (of, told) in wrong {
        let output = desk.verify(&of);
        let said = text(&output.stderr);
        assert_eq!((code(&output), text(&output.stdout).as_str()), (2, ""), "{of:?}: {said}");
        assert!(said.contains(told), "{of:?}: {said}");
        assert!(!said.contains("91500000MA"), "{of:?}: {said}");
    }
}

#[test]
fn a_gateway_that_cannot_be_reached_is_no_answer() {
    let city = City::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let words = ["--result-type", FOOD.result_type, "--subject", FOOD.subject, "--item", FOOD.item, "--case", "C-1"];
    let mut verify = heyan();
    verify.args(["verify", "--as", FOOD.system, "--address", &free, "--city"]).arg(city.path()).args(words);
    let output = verify.output().unwrap();
    assert_eq!((code(&output), text(&output.stdout).as_str()), (3, ""), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&free), "{}", text(&output.stderr));
    // A system that the city does not have is a slip of the command line.
    let mut verify = heyan();
    verify.args(["verify", "--as", "nobody", "--address", &free, "--city"]).arg(city.path()).args(words);
    assert_eq!(code(&verify.output().unwrap()), 2);
}

#[test]
fn the_directory_is_shown_to_people_and_to_machines() {
    let desk = Desk::new();
    let departments = desk.run("directory", "service-window", &["departments", "--output", "json"]);
    assert_eq!(code(&departments), 0, "{}", text(&departments.stderr));
    assert_eq!(json(&departments)["departments"].as_array().unwrap().len(), 12);
    let all = desk.run("directory", "auditor", &["result-types", "--output", "json"]);
    assert_eq!(json(&all)["result_types"].as_array().unwrap().len(), 16, "a person may look, too");
    let of_one = desk.run("directory", "service-window", &["result-types", "--provider", "tax", "--output", "json"]);
    assert_eq!(json(&of_one)["result_types"][0]["id"], "tax-clearance");
    let shown = desk.run("directory", "service-window", &["show", "food-licence", "--lang", "en"]);
    let printed = text(&shown.stdout);
    assert_eq!(code(&shown), 0);
    for word in ["Food business licence", "market-regulation", "UNCONDITIONAL", "business_items", "contains", "《"] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    let shown = json(&desk.run("directory", "service-window", &["show", "food-licence", "--output", "json"]));
    assert_eq!(shown["id"], "food-licence", "{shown}");
    let unknown = desk.run("directory", "service-window", &["show", "no-such"]);
    assert_eq!((code(&unknown), text(&unknown.stdout).as_str()), (2, ""));
    let nobody = desk.run("directory", "service-window", &["result-types", "--provider", "nobody"]);
    assert_eq!(code(&nobody), 2, "{}", text(&nobody.stderr));
}

#[test]
fn completions_and_help_name_every_command() {
    let commands = ["demo", "init", "check", "serve", "verify", "directory", "completions"];
    for shell in ["bash", "zsh", "fish"] {
        let script = heyan().args(["completions", shell]).output().unwrap();
        assert_eq!(code(&script), 0);
        let script = text(&script.stdout);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}");
    }
    let help = heyan().arg("--help").output().unwrap();
    assert_eq!(code(&help), 0);
    let help = text(&help.stdout);
    assert!(commands.iter().all(|command| help.contains(command)) && help.contains("Exit codes"), "{help}");
    for command in commands {
        let help = heyan().args([command, "--help"]).output().unwrap();
        assert_eq!(code(&help), 0, "{command}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let wrong: &[&[&str]] = &[
        &[],
        &["no-such-command"],
        &["verify"],
        &["verify", "--as", "health-intake"],
        &["demo", "--output", "xml"],
        &["demo", "--lang", "fr"],
        &["init"],
        &["serve", ".", "--listen", "nowhere"],
        &["directory", "--city", "."],
        &["completions", "csh"],
        &["check", "one", "two"],
    ];
    for words in wrong {
        let output = heyan().args(*words).output().unwrap();
        assert_eq!(code(&output), 2, "{words:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_one_that_nobody_reads_is_not() {
    let full = heyan().args(["completions", "bash"]).stdout(fs::File::create("/dev/full").unwrap()).output().unwrap();
    assert_eq!(code(&full), 1);
    assert!(text(&full.stderr).starts_with("heyan: cannot write to standard output"), "{}", text(&full.stderr));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let unread = heyan().args(["completions", "bash"]).stdout(writer).output().unwrap();
    assert_eq!((code(&unread), text(&unread.stderr)), (0, String::new()));
}
