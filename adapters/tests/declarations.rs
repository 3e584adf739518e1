//! Department files, whole and broken. A broken one, `tests/declarations/<name>.toml`, stands beside what is said of it.

use std::fs;
use std::path::Path;

use heyan_adapters::{Input, read_declaration};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

#[test]
fn a_whole_declaration_is_read() {
    let text = fs::read_to_string(folder().join("data/market-regulation.toml")).unwrap();
    let declaration = read_declaration("market-regulation.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let ids: Vec<&str> = declaration.result_types.iter().map(|known| known.id.as_str()).collect();
    assert_eq!(ids, ["food-licence", "business-licence"]);
    let food = &declaration.result_types[0];
    assert_eq!(food.examples.len(), 4);
    assert_eq!(food.inputs().collect::<Vec<_>>(), [Input::SubjectNumber, Input::CertificateNumber]);
    assert_eq!(food.field("business_form").unwrap().code_list(), ["单位食堂", "食品销售经营者", "餐饮服务经营者"]);
    assert!(!food.field("legal_representative").unwrap().disclosed);
    assert_eq!(food.provider, declaration.department.id);
}

#[test]
fn broken_declarations_say_what_is_wrong() {
    let mut tried = 0;
    for entry in fs::read_dir(folder().join("declarations")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().unwrap().to_str().unwrap();
            let problems = read_declaration(name, &fs::read_to_string(&path).unwrap()).expect_err(name);
            let expected = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
            assert_eq!(format!("{problems}\n"), expected, "{name} gives otherwise:\n{problems}\n");
            tried += 1;
        }
    }
    assert!(tried >= 7, "{tried} broken declarations were tried");
}

#[test]
fn the_readme_shows_whole_declarations() {
    let readme = fs::read_to_string(folder().join("../README.md")).unwrap();
    let shown = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let whole: Vec<&str> = shown.filter(|text| text.starts_with("schema = 1")).collect();
    for text in &whole {
        read_declaration("README.md", text).unwrap_or_else(|problems| panic!("{problems}"));
    }
    assert!(!whole.is_empty());
}

/// No file makes the reader panic, whatever is left out of it or stands in the wrong place.
#[test]
fn a_damaged_declaration_gives_problems() {
    for file in ["market-regulation.toml", "contract-http.toml", "public-security-soap.toml"] {
        let text = fs::read_to_string(folder().join("data").join(file)).unwrap();
        damage_every_line(file, &text);
    }
}

fn damage_every_line(file: &str, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let damages: [fn(&str) -> String; 6] = [
        |_| String::new(),
        |line| line.split_once(" = ").map_or(String::new(), |(key, _)| format!("{key} = 1")),
        |line| line.split_once(" = ").map_or(String::new(), |(key, _)| format!("{key} = \"\"")),
        |line| line.split_once(" = ").map_or(String::new(), |(key, _)| format!("{key} = [{{ x = 1 }}]")),
        |line| line.split_once(" = ").map_or(String::new(), |(key, _)| format!("{key} = {{ from = \"ZT\" }}")),
        |line| line.chars().rev().collect(),
    ];
    let mut refused = 0;
    for (i, line) in lines.iter().enumerate() {
        for damage in damages {
            let damaged = damage(line);
            let text: Vec<&str> =
                lines[..i].iter().copied().chain([damaged.as_str()]).chain(lines[i + 1..].iter().copied()).collect();
            refused += usize::from(read_declaration("damaged.toml", &text.join("\n")).is_err());
        }
    }
    assert!(refused > 3 * lines.len(), "{file}: {refused} damaged files were refused");
}
