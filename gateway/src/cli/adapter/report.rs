//! What was found in declarations: for people with the line and a caret, as JSON, and as SARIF 2.1.0 for editors and code review.

use clap::ValueEnum;
use heyan_proto::document::{Problem, Problems};
use serde_json::{Value, json};

use super::online::Online;
use crate::cli::{Failure, Language, print};

/// How what is wrong is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people.
    Table,
    /// One JSON object for machines.
    Json,
    /// SARIF 2.1.0 (OASIS), which editors and code review show at the line.
    Sarif,
}

/// One declaration after its check.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) problems: Problems,
    /// Its result types and their examples.
    pub(super) counted: (usize, usize),
    /// What the department's system said, where it was asked.
    pub(super) online: Option<Online>,
}

impl Checked {
    /// Everything that is wrong with it.
    fn all(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().chain(self.online.iter().flat_map(|online| online.problems.iter()))
    }
}

/// Prints what was found.
pub(super) fn print_all(all: &[Checked], form: Form, language: Language) -> Result<(), Failure> {
    match form {
        Form::Table => all.iter().try_for_each(|checked| print_one(checked, language)),
        Form::Json => print(json!({ "files": all.iter().map(file).collect::<Vec<_>>() })),
        Form::Sarif => print(sarif(all)),
    }
}

fn pick(language: Language, zh: String, en: String) -> String {
    match language {
        Language::Chinese => zh,
        Language::English => en,
    }
}

fn print_one(checked: &Checked, language: Language) -> Result<(), Failure> {
    let (result_types, examples) = checked.counted;
    let wrong = checked.all().count();
    let summary = if wrong > 0 {
        pick(language, format!("{wrong} 处问题"), format!("{wrong} problems"))
    } else {
        let read = pick(
            language,
            format!("{result_types} 种结果类型，{examples} 个示例"),
            format!("{result_types} result types, {examples} examples"),
        );
        match checked.online.as_ref().map(|online| online.answered) {
            Some((answered, fit)) => pick(
                language,
                format!("{read}；已联机，{answered} 个示例有答复，其中 {fit} 个与声明一致"),
                format!("{read}; online: {answered} examples were answered, {fit} of them as they say"),
            ),
            None => read,
        }
    };
    print(format_args!("{} {}: {summary}", if wrong > 0 { '×' } else { '√' }, checked.file))?;
    for problem in checked.all() {
        print(format_args!("\n{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message))?;
        if let Some(line) = checked.text.lines().nth(problem.line - 1) {
            let margin = format!("{:>5} | ", problem.line);
            // Wide characters before the caret are written again, so that it stands below its own.
            let before: String =
                line.chars().take(problem.column - 1).map(|c| if c.is_ascii() { ' ' } else { '\u{3000}' }).collect();
            print(format_args!("{margin}{line}\n      | {before}^"))?;
        }
        if let Some(help) = &problem.help {
            print(format_args!("      = {help}"))?;
        }
    }
    Ok(())
}

fn file(checked: &Checked) -> Value {
    let (result_types, examples) = checked.counted;
    let problem =
        |of: &Problem| json!({ "line": of.line, "column": of.column, "message": of.message, "help": of.help });
    json!({
        "file": checked.file,
        "result_types": result_types,
        "examples": examples,
        "problems": checked.all().map(problem).collect::<Vec<_>>(),
        "online": checked.online.as_ref().map(|online| {
            json!({ "answered": online.answered.0, "as_expected": online.answered.1 })
        }),
    })
}

fn sarif(all: &[Checked]) -> Value {
    let result = |of: &Problem| {
        let help = of.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
        json!({
            "ruleId": "declaration",
            "level": "error",
            "message": { "text": format!("{}{help}", of.message) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": of.file },
                "region": { "startLine": of.line, "startColumn": of.column },
            } }],
        })
    };
    let results: Vec<Value> = all.iter().flat_map(Checked::all).map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "heyan adapter check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [{ "id": "declaration" }],
            } },
            "results": results,
        }],
    })
}
