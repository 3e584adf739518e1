//! `heyan adapter docs`: a page for each department, made of its declaration: what it issues, how it is shared, and what its replies mean.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::Args;
use heyan_adapters::{DepartmentDeclaration, Expectation, Field, ResultType, read_declaration};
use heyan_proto::vocabulary::Localized;

use super::check::files;
use crate::cli::{Exit, Failure, Language, print};

/// Options of `heyan adapter docs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan adapter docs city/departments --out pages
  heyan adapter docs city/departments/tax.toml --lang en

The pages are Markdown. They hold what the declaration says to callers: neither addresses nor queries, nor where secrets are kept.

Exit codes: 0 written, 1 a page cannot be written, 2 usage, 78 a declaration is wrong")]
pub(super) struct Options {
    /// Declarations, or folders of them
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// A folder for the pages, one file for each department; without it they are printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The language of the pages
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Writes the pages.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let mut pages = Vec::new();
    for file in files(&options.paths)? {
        let name = file.display().to_string();
        let unreadable = |error: std::io::Error| Failure::new(Exit::Usage, format!("{name}: cannot be read: {error}"));
        let text = fs::read_to_string(&file).map_err(unreadable)?;
        let declaration = read_declaration(&name, &text)
            .map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
        pages.push((declaration.department.id.to_string(), Page { language: options.lang }.of(&declaration)));
    }
    let Some(out) = &options.out else {
        let all: Vec<String> = pages.into_iter().map(|(_, page)| page).collect();
        print(all.join("\n").trim_end())?;
        return Ok(Exit::Ok);
    };
    let unwritten = |error: std::io::Error| Failure::new(Exit::Wanting, format!("{}: {error}", out.display()));
    fs::create_dir_all(out).map_err(unwritten)?;
    for (id, page) in &pages {
        fs::write(out.join(format!("{id}.md")), page).map_err(unwritten)?;
    }
    print(format_args!("wrote {} pages to {}", pages.len(), out.display()))?;
    Ok(Exit::Ok)
}

/// The writer of a page.
#[derive(Clone, Copy)]
struct Page {
    language: Language,
}

impl Page {
    fn of(self, declaration: &DepartmentDeclaration) -> String {
        let department = &declaration.department;
        let mut page = format!("# {}\n\n", self.text(&department.name));
        let mut rows = vec![
            (self.pick("标识", "id"), format!("`{}`", department.id)),
            (self.pick("统一社会信用代码", "credit code"), department.credit_code.expose().to_owned()),
            (self.pick("政务数据共享工作机构", "sharing office"), department.sharing_office.as_str().to_owned()),
            (self.pick("联系方式", "contact"), department.contact.as_str().to_owned()),
        ];
        if declaration.source.is_none() {
            rows.push((self.pick("提供结果", "issues"), self.pick("不提供", "nothing").to_owned()));
        }
        self.table(&mut page, &rows);
        for result_type in &declaration.result_types {
            self.result_type(&mut page, result_type);
        }
        page
    }

    fn result_type(self, page: &mut String, of: &ResultType) {
        append(page, format_args!("\n## {} (`{}`)\n\n", self.text(&of.name), of.id));
        if let Some(description) = &of.description {
            append(page, format_args!("{}\n\n", self.text(description)));
        }
        let catalogue = &of.catalogue;
        let kinds: Vec<&str> = of.subject_kinds.iter().map(|kind| kind.as_str()).collect();
        let mut rows = vec![
            (self.pick("查询依据的号码", "looked up by"), format!("`{}`", kinds.join("`, `"))),
            (self.pick("共享属性", "sharing"), format!("`{}`", of.sharing.as_str())),
            (self.pick("依据", "legal basis"), of.legal_basis.as_str().to_owned()),
            (self.pick("披露范围", "disclosure"), format!("`{}`", of.disclosure.as_str())),
            (self.pick("数据目录名称", "catalogue entry"), catalogue.name.as_str().to_owned()),
            (self.pick("目录编码", "entry code"), catalogue.entry.as_str().to_owned()),
            (self.pick("数据格式", "format"), catalogue.format.as_str().to_owned()),
            (self.pick("数据更新频率", "updated"), format!("`{}`", catalogue.update_frequency.as_str())),
            (self.pick("共享方式", "shared by"), format!("`{}`", catalogue.sharing_method.as_str())),
            (self.pick("使用条件", "conditions"), catalogue.conditions.as_str().to_owned()),
            (self.pick("数据分类分级", "classification"), catalogue.classification.as_str().to_owned()),
        ];
        if let Some(max_age) = of.max_reuse() {
            rows.push((self.pick("答复可重用", "answers are reused for"), format!("{} s", max_age.as_secs())));
        }
        if let Some(coverage) = &of.coverage {
            rows.push((self.pick("覆盖范围", "coverage"), self.text(&coverage.note).to_owned()));
        }
        if let Some(not_shared) = &of.not_shared {
            rows.push((self.pick("不予共享", "not shared"), self.text(&not_shared.title).to_owned()));
            rows.push((self.pick("救济途径", "remedy"), self.text(&not_shared.remedy).to_owned()));
        }
        self.table(page, &rows);
        self.fields(page, &of.fields);
        self.examples(page, of);
    }

    /// 数据项.
    fn fields(self, page: &mut String, fields: &[Field]) {
        let (name, title, kind, words, disclosed) = (
            self.pick("数据项", "field"),
            self.pick("名称", "title"),
            self.pick("类型", "type"),
            self.pick("取值", "words"),
            self.pick("可披露", "disclosed"),
        );
        append(page, format_args!("\n| {name} | {title} | {kind} | {words} | {disclosed} |\n|---|---|---|---|---|\n"));
        for field in fields {
            let is_disclosed =
                if field.disclosed { self.pick("是", "yes") } else { self.pick("仅比对", "compared only") };
            let (title, words) = (cell(self.text(&field.title)), cell(&field.code_list().join(", ")));
            append(
                page,
                format_args!(
                    "| `{}` | {title} | `{}` | {words} | {is_disclosed} |\n",
                    field.name,
                    field.field_type().as_str()
                ),
            );
        }
    }

    fn examples(self, page: &mut String, of: &ResultType) {
        append(
            page,
            format_args!("\n{}\n\n", self.pick("示例（主体均为虚构）：", "Examples; their subjects are invented:")),
        );
        for example in &of.examples {
            let meaning = match &example.expect {
                Expectation::NotIssued => self.pick("没有此记录", "no such record").to_owned(),
                Expectation::Malformed => {
                    self.pick("答复与声明不符", "the reply does not fit the declaration").to_owned()
                }
                Expectation::Issued(outcome) => {
                    let state = outcome.state.map(|state| format!(", `{state}`")).unwrap_or_default();
                    match self.language {
                        Language::Chinese => format!("{} 条记录{state}", outcome.records),
                        Language::English => format!("{} records{state}", outcome.records),
                    }
                }
            };
            append(page, format_args!("- {}: {meaning}\n", cell(example.name.as_str())));
        }
    }

    fn table(self, page: &mut String, rows: &[(&str, String)]) {
        append(page, format_args!("| {} | {} |\n|---|---|\n", self.pick("项", "what"), self.pick("内容", "says")));
        for (what, says) in rows {
            append(page, format_args!("| {what} | {} |\n", cell(says)));
        }
    }

    fn text(self, text: &Localized) -> &str {
        self.pick(&text.zh, &text.en)
    }

    fn pick<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }
}

fn append(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to memory never fails");
}

/// A text that stays in its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Failure: a page that lacks a thing which article 13 of Decree 809 demands, or that shows a query or an address.
    #[test]
    fn a_page_shows_the_catalogue_and_nothing_of_the_departments_system() {
        let text = include_str!("../../../../adapters/tests/data/market-regulation.toml");
        let declaration = read_declaration("market-regulation.toml", text).unwrap();
        for language in [Language::Chinese, Language::English] {
            let page = Page { language }.of(&declaration);
            for expected in
                ["食品经营许可证信息", "307050001/000001", "`business_form`", "`daily`", "11500000MB0000027A"]
            {
                assert!(page.contains(expected), "{expected}: {page}");
            }
            for hidden in ["SELECT", "T_SPJYXK", "state/departments", "XKZBH"] {
                assert!(!page.contains(hidden), "{hidden}: {page}");
            }
        }
    }
}
