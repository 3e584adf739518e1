//! The rules of the house that a compiler does not know: who may depend on whom, who may read the time, how long a file
//! may be. Failure: any line printed, each naming the file and the rule.

use std::fs;
use std::path::{Path, PathBuf};

/// A word, and the only places (path prefixes) where Rust code may say it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("heyan_proto::v1", &["proto/", "gateway/src/api", "gateway/src/cli", "tests/"]),
    // However it was imported.
    // The `v1` of OTLP is another: `push.rs` alone writes its messages.
    ("v1::", &["proto/", "gateway/src/api", "gateway/src/cli", "gateway/src/telemetry/push.rs", "tests/"]),
    ("cedar_policy", &["policies/"]),
    (
        "rusqlite",
        &[
            "adapters/src/sql",
            "adapters/src/files",
            "gateway/src/audit/store",
            "gateway/src/sample",
            "gateway/src/witness/state.rs",
        ],
    ),
    // Guards and kinds measure how long, never what time it is, but where the platform demands the time in a signature.
    (
        "Instant::now(",
        &[
            "gateway/src/clock.rs",
            "adapters/src/guard/",
            "adapters/src/http",
            "adapters/src/soap",
            "adapters/src/files",
        ],
    ),
    ("Timestamp::now(", &["gateway/src/clock.rs", "adapters/src/http/platform.rs", "adapters/src/files"]),
    ("Zoned::now(", &["gateway/src/clock.rs"]),
    ("SystemTime::now(", &["gateway/src/clock.rs"]),
    ("std::env::var", &["gateway/src/config.rs", "adapters/src/declaration/secret.rs"]),
    ("env::var(", &["gateway/src/config.rs", "adapters/src/declaration/secret.rs"]),
    (".look_up(", &["adapters/", "gateway/src/departments.rs"]),
    ("departments.ask(", &["gateway/src/verification.rs"]),
];

/// What the folders of `gateway/src` and the packages may not mention.
const NEVER_IN: &[(&str, &[&str])] = &[
    ("policies/src", &["heyan_adapters", "heyan::"]),
    ("adapters/src", &["heyan_policies", "heyan::"]),
    ("proto/src", &["heyan_adapters", "heyan_policies", "heyan::", "std::fs", "std::net", "tokio::"]),
    (
        "gateway/src/audit",
        &[
            "crate::directory",
            "crate::verification",
            "crate::departments",
            "crate::api",
            "crate::server",
            "crate::answer",
            "crate::config",
            "crate::gateway",
            "crate::identity",
            "crate::matching",
            "crate::sample",
            "crate::telemetry",
            "heyan_adapters",
            "heyan_policies",
            "tonic",
        ],
    ),
];

/// Names that say nothing.
const BANNED_FILES: &[&str] = &["mod.rs", "util.rs", "utils.rs", "common.rs", "helpers.rs", "manager.rs"];

const LINES_MAX: usize = 500;

#[test]
fn the_tree_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the workspace");
    let mut untidy = Vec::new();
    for file in rust_files(root) {
        let path = file.strip_prefix(root).expect("found below the root").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("source is readable UTF-8");
        untidy.extend(complaints(&path, &text));
    }
    for folder in ["proto", "policies", "adapters", "gateway", "tests"] {
        if !root.join(folder).join("README.md").is_file() {
            untidy.push(format!("{folder}: has no README.md"));
        }
    }
    assert!(untidy.is_empty(), "{}", untidy.join("\n"));
}

fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_test = path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("tests.rs")
        || path.contains("/benches/");
    if path.contains("/src/gen/") {
        return found;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if BANNED_FILES.contains(&name) {
        found.push(format!("{path}: a file of this name is not kept here"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{path}: {lines} lines; split it by idea (at most {LINES_MAX})"));
    }
    // The unit tests at the end of a file may do what its code may not.
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    for (number, line) in code.lines().enumerate() {
        let said = line.trim_start();
        if said.starts_with("//") {
            continue;
        }
        for (word, places) in ONLY_IN {
            if !is_test && line.contains(word) && !places.iter().any(|place| path.starts_with(place)) {
                found.push(format!("{path}:{}: `{word}` belongs in {} alone", number + 1, places.join(", ")));
            }
        }
        for (folder, words) in NEVER_IN {
            for word in *words {
                if !is_test && path.starts_with(folder) && line.contains(word) {
                    found.push(format!("{path}:{}: {folder} never mentions `{word}`", number + 1));
                }
            }
        }
        let unfinished = ["todo", "unimplemented"].map(|word| format!("{word}!("));
        if unfinished.iter().any(|word| line.contains(word.as_str())) {
            found.push(format!("{path}:{}: unfinished code is absent, not marked", number + 1));
        }
    }
    found
}

#[test]
fn each_rule_complains_of_what_breaks_it() {
    for (path, text, expected) in [
        ("gateway/src/gateway.rs", "use heyan_proto::v1;", "`heyan_proto::v1` belongs in"),
        (
            "gateway/src/gateway.rs",
            "use heyan_proto::{v1, reason};\nlet x = v1::Claim::default();",
            "`v1::` belongs in",
        ),
        ("gateway/src/matching.rs", "let t = Instant::now();", "`Instant::now(` belongs in"),
        ("adapters/src/sql.rs", "let t = Timestamp::now();", "`Timestamp::now(` belongs in"),
        ("gateway/src/cli/serve.rs", "std::env::var(\"X\")", "`std::env::var` belongs in"),
        ("gateway/src/verification.rs", "adapter.look_up(&lookup)", "`.look_up(` belongs in"),
        ("gateway/src/api/verification.rs", "self.departments.ask(permit)", "`departments.ask(` belongs in"),
        ("gateway/src/directory.rs", "use cedar_policy::Policy;", "`cedar_policy` belongs in"),
        ("gateway/src/audit/leaf.rs", "use crate::identity::Caller;", "never mentions `crate::identity`"),
        ("policies/src/engine.rs", "use heyan_adapters::Lookup;", "never mentions `heyan_adapters`"),
        ("proto/src/wire.rs", "use std::fs;", "never mentions `std::fs`"),
        ("gateway/src/directory/mod.rs", "", "a file of this name"),
        ("gateway/src/clock.rs", &"\n".repeat(LINES_MAX + 1), "split it by idea"),
    ] {
        let found = complaints(path, text);
        assert!(found.iter().any(|complaint| complaint.contains(expected)), "{path}: {found:?}");
    }
    assert_eq!(complaints("gateway/src/clock.rs", "Instant::now()"), Vec::<String>::new());
}

fn rust_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["proto", "policies", "adapters", "gateway", "tests"].map(|name| root.join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("folders of the workspace are readable") {
            let path = entry.expect("entries are readable").path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}
