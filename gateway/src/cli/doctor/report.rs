//! What was found, for people and for machines.

use std::fmt::Write as _;

use heyan_proto::vocabulary::Localized;
use serde_json::{Value, json};

use crate::cli::show::pick;
use crate::cli::{Exit, Language};

/// What is tried together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Configuration,
    Certificates,
    AuditKeys,
    Disk,
    AuditLog,
    Clock,
    Departments,
    Gateway,
}

impl Category {
    fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Certificates => "certificates",
            Self::AuditKeys => "audit-keys",
            Self::Disk => "disk",
            Self::AuditLog => "audit-log",
            Self::Clock => "clock",
            Self::Departments => "departments",
            Self::Gateway => "gateway",
        }
    }

    fn title(self, language: Language) -> &'static str {
        let (zh, en) = match self {
            Self::Configuration => ("配置", "configuration"),
            Self::Certificates => ("证书", "certificates"),
            Self::AuditKeys => ("留痕密钥", "audit keys"),
            Self::Disk => ("磁盘", "disk"),
            Self::AuditLog => ("留痕日志", "audit log"),
            Self::Clock => ("时钟", "clock"),
            Self::Departments => ("部门", "departments"),
            Self::Gateway => ("运行中的网关", "running gateway"),
        };
        pick(language, zh, en)
    }
}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Fine,
    Attention,
    Wrong(Exit),
}

impl Sign {
    fn as_char(self) -> char {
        match self {
            Self::Fine => '√',
            Self::Attention => '‼',
            Self::Wrong(_) => '×',
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Attention => "warning",
            Self::Wrong(_) => "error",
        }
    }
}

#[derive(Debug)]
struct Line {
    category: Category,
    check: String,
    sign: Sign,
    found: Localized,
    hint: Option<Localized>,
}

/// Everything that was found, in order.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
}

/// A text in both languages.
pub(super) fn say(zh: impl Into<String>, en: impl Into<String>) -> Localized {
    Localized { zh: zh.into(), en: en.into() }
}

impl Report {
    pub(super) fn category(&mut self, category: Category) -> Findings<'_> {
        Findings { category, report: self }
    }

    /// Bad files before a bad machine before what cannot be reached.
    pub(super) fn exit(&self) -> Exit {
        let wrong: Vec<Exit> = (self.lines.iter())
            .filter_map(|line| if let Sign::Wrong(exit) = line.sign { Some(exit) } else { None })
            .collect();
        let order = [Exit::Configuration, Exit::Wanting, Exit::Unreachable];
        order.into_iter().find(|exit| wrong.contains(exit)).unwrap_or(Exit::Ok)
    }

    pub(super) fn to_text(&self, language: Language) -> String {
        let mut text = String::new();
        let mut last = None;
        for line in &self.lines {
            if last != Some(line.category) {
                let before = if last.is_some() { "\n" } else { "" };
                let title = line.category.title(language);
                writeln!(text, "{before}{title}").expect("writing to memory does not fail");
                last = Some(line.category);
            }
            let found = indented(pick(language, &line.found.zh, &line.found.en));
            writeln!(text, "  {} {found}", line.sign.as_char()).expect("writing to memory does not fail");
            if let Some(hint) = &line.hint {
                let hint = indented(pick(language, &hint.zh, &hint.en));
                writeln!(text, "    → {hint}").expect("writing to memory does not fail");
            }
        }
        let count = |is: fn(Sign) -> bool| self.lines.iter().filter(|line| is(line.sign)).count();
        let wrong = count(|sign| matches!(sign, Sign::Wrong(_)));
        let attention = count(|sign| sign == Sign::Attention);
        let zh = format!("{wrong} 项异常，{attention} 项待留意");
        let en = format!("{wrong} wrong, {attention} to look at");
        text + "\n" + pick(language, &zh, &en)
    }

    pub(super) fn to_json(&self, language: Language) -> Value {
        let check = |line: &Line| {
            json!({
                "category": line.category.as_str(),
                "check": line.check,
                "result": line.sign.as_str(),
                "found": pick(language, &line.found.zh, &line.found.en),
                "hint": line.hint.as_ref().map(|hint| pick(language, &hint.zh, &hint.en)),
            })
        };
        json!({ "checks": self.lines.iter().map(check).collect::<Vec<_>>(), "exit": self.exit() as u8 })
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

/// The part of a report that one category fills. `check` is a word that scripts may rely on.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    category: Category,
    report: &'a mut Report,
}

impl Findings<'_> {
    pub(super) fn fine(&mut self, check: &str, found: Localized) {
        self.add(check, Sign::Fine, found, None);
    }

    pub(super) fn attention(&mut self, check: &str, found: Localized, hint: Localized) {
        self.add(check, Sign::Attention, found, Some(hint));
    }

    pub(super) fn wrong(&mut self, exit: Exit, check: &str, found: Localized, hint: Localized) {
        self.add(check, Sign::Wrong(exit), found, Some(hint));
    }

    fn add(&mut self, check: &str, sign: Sign, found: Localized, hint: Option<Localized>) {
        self.report.lines.push(Line { category: self.category, check: check.to_owned(), sign, found, hint });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_files_come_before_a_bad_machine_before_what_cannot_be_reached() {
        let mut report = Report::default();
        let hint = || say("检查", "look");
        report.category(Category::Disk).fine("space", say("有空间", "there is room"));
        report.category(Category::Disk).attention("sync", say("慢", "slow"), hint());
        assert_eq!(report.exit(), Exit::Ok);
        for (exit, expected) in [
            (Exit::Unreachable, Exit::Unreachable),
            (Exit::Wanting, Exit::Wanting),
            (Exit::Configuration, Exit::Configuration),
            (Exit::Unreachable, Exit::Configuration),
        ] {
            report.category(Category::Departments).wrong(exit, "tax", say("不可访问", "cannot be reached"), hint());
            assert_eq!(report.exit(), expected);
        }
        let text = report.to_text(Language::English);
        assert!(text.starts_with("disk\n  √ there is room\n  ‼ slow\n    → look\n\ndepartments\n  × cannot"), "{text}");
        assert!(text.ends_with("4 wrong, 1 to look at"), "{text}");
        assert!(report.to_text(Language::Chinese).contains("磁盘\n  √ 有空间"));
        let json = report.to_json(Language::English);
        assert_eq!((json["exit"].as_u64(), json["checks"][1]["result"].as_str()), (Some(78), Some("warning")));
    }
}
