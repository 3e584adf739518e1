//! The examples in `proto/README.md`, run as they stand there: the commands of a section, beside the file that it shows. Failure: an
//! example that does not print what the sample city knows, or a section that no test runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::served::Served;
use super::workshop::{self, GO, JAVA, NODE, Need, PYTHON, Workshop, python_program, tests};

const PHP: &[Need] = &[Need::Program("php"), Need::Program("curl")];

#[test]
fn in_python() {
    run("Python", PYTHON, |_, _| {});
}

#[test]
fn in_node() {
    run("Node", NODE, |workshop, _| {
        symlink(tests().join("interop/node/node_modules"), workshop.path().join("node_modules")).unwrap();
    });
}

#[test]
fn in_java() {
    run("Java", JAVA, |workshop, command| {
        command.envs(workshop.java_environment(&[]));
    });
}

#[test]
fn in_go() {
    run("Go", GO, |workshop, command| {
        let module = workshop.path().join("src/heyan");
        fs::create_dir_all(&module).unwrap();
        for name in ["proto", "verify.go"] {
            fs::rename(workshop.path().join(name), module.join(name)).unwrap();
        }
        command.envs(workshop.go_environment()).current_dir(module);
    });
}

#[test]
fn every_example_is_run() {
    let readme = readme();
    let sections: Vec<&str> = examples_of(&readme).lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(sections, ["Python", "Node", "Java", "Go", "curl", "PHP"]);
}

/// Runs the example of a section; `prepare` adds what its language finds its libraries by.
fn run(section: &str, needs: &[Need], prepare: impl FnOnce(&Workshop, &mut Command)) {
    let Some(workshop) = Workshop::with(needs) else { return };
    let readme = readme();
    let mut commands = None;
    for (language, name, text) in blocks_of(&readme, section) {
        match name {
            Some(name) => fs::write(workshop.path().join(name), text).unwrap(),
            None if language == "sh" => commands = Some(text),
            None => panic!("{section}: a block of {language} has no file name"),
        }
    }
    symlink(tests().join("../proto"), workshop.path().join("proto")).unwrap();
    let served = Served::shared();
    let mut command = Command::new("sh");
    command.args(["-euc", commands.unwrap()]).current_dir(workshop.path());
    command.env("PATH", programs(&workshop)).envs(served.environment());
    prepare(&workshop, &mut command);
    let printed = workshop::run(&mut command);
    assert!(printed.contains("FINDING_CONFIRMED"), "{section}: {printed}");
}

/// Where the commands of an example find programs: Python's environment first, and Debian's plugin by the name that protoc expects.
fn programs(workshop: &Workshop) -> std::ffi::OsString {
    let plugins = workshop.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    symlink("/usr/bin/grpc_java_plugin", plugins.join("protoc-gen-grpc-java")).unwrap();
    let mut path = plugins.into_os_string();
    for folder in [python_program("").into_os_string(), std::env::var_os("PATH").unwrap_or_default()] {
        path.push(":");
        path.push(folder);
    }
    path
}

fn readme() -> String {
    fs::read_to_string(tests().join("../proto/README.md")).unwrap()
}

fn examples_of(readme: &str) -> &str {
    let (_, examples) = readme.split_once("\n## Examples\n").expect("the examples have a heading");
    examples.split("\n## ").next().unwrap_or(examples)
}

/// The fenced blocks of a section: language, file name where the block is a file, text.
fn blocks_of<'a>(readme: &'a str, section: &str) -> Vec<(&'a str, Option<&'a str>, &'a str)> {
    let heading = format!("\n### {section}\n");
    let (_, text) = examples_of(readme).split_once(heading.as_str()).unwrap_or_else(|| panic!("no section {section}"));
    let text = text.split("\n### ").next().unwrap_or(text);
    let fenced = text.split("\n```").skip(1).step_by(2);
    let blocks = fenced.map(|block| block.split_once('\n').expect("a block has a line"));
    blocks
        .map(|(info, text)| match info.split_once(' ') {
            Some((language, name)) => (language, Some(name), text),
            None => (info, None, text),
        })
        .collect()
}

#[test]
fn by_curl() {
    run("curl", PHP, |_, _| {});
}

#[test]
fn in_php() {
    run("PHP", PHP, |_, _| {});
}
