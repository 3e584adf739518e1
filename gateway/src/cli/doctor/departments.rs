//! Each department by itself: where it is, whether it can be asked, and what it says to its declared examples.

use std::path::Path;
use std::sync::Arc;

use heyan_adapters::{AdapterError, DepartmentDeclaration, Fit, GuardListener, Now, connect, try_examples};
use heyan_proto::vocabulary::Localized;
use jiff::civil::Date;

use super::report::{Findings, say};
use crate::cli::Exit;
use crate::clock::{Clock as _, SystemClock};
use crate::directory::Directory;

/// Checks every department whose declaration is good; a bad one is told with the other files.
pub(super) async fn check(city: &Path, directory: &Directory, today: Date, found: &mut Findings<'_>) {
    for declaration in directory.declarations() {
        check_one(city, declaration, today, found).await;
    }
}

async fn check_one(city: &Path, declaration: &DepartmentDeclaration, today: Date, found: &mut Findings<'_>) {
    let id = declaration.department.id.as_str();
    let (nobody, now): (Arc<dyn GuardListener>, Now) = (Arc::new(()), Arc::new(|| SystemClock.now()));
    let (Some(source), Some(adapter)) = (&declaration.source, connect(declaration, city, &nobody, &now)) else {
        return found.fine(id, say(format!("{id}：不提供结果"), format!("{id}: issues nothing")));
    };
    let at = source.to_string();
    if let Err(error) = adapter.check_health().await {
        return wrong(id, &at, &error, found);
    }
    let tried = try_examples(&*adapter, declaration, today).await;
    let mut failed = false;
    for (of, error) in tried.iter().filter_map(|of| Some((of, of.outcome.as_ref().err()?))) {
        failed = true;
        let of = format!("{at}, {} · {}", of.result_type, of.example.as_str());
        wrong(id, &of, error, found);
    }
    if !failed {
        let (all, held) = (tried.len(), tried.iter().filter(|of| of.outcome == Ok(Fit::AsExpected)).count());
        found.fine(
            id,
            say(
                format!("{id}：{at} 可以访问，{all} 个示例均有答复，其中 {held} 个与声明一致"),
                format!("{id}: {at} can be asked; {all} examples were answered, {held} of them as they say"),
            ),
        );
    }
}

fn wrong(id: &str, of: &str, error: &AdapterError, found: &mut Findings<'_>) {
    let (exit, zh, hint) = advice(id, error);
    found.wrong(exit, id, say(format!("{id}：{of}：{zh}"), format!("{id}: {of}: {error}")), hint);
}

fn advice(id: &str, error: &AdapterError) -> (Exit, String, Localized) {
    let declaration = format!("departments/{id}.toml");
    match error {
        AdapterError::Misconfigured { what } => (
            Exit::Configuration,
            format!("声明与部门系统不符：{what}"),
            say(
                format!("部门可能改了表或列；与其核对后修改 {declaration}"),
                format!("the department may have changed a table or column; ask it, and mend {declaration}"),
            ),
        ),
        AdapterError::Malformed { what } => (
            Exit::Configuration,
            format!("答复与声明不符：{what}"),
            say(format!("核对数据格式并修改 {declaration}"), format!("compare its data with {declaration}")),
        ),
        AdapterError::Closed { opens } => (
            Exit::Unreachable,
            format!("不在声明的服务时间内，{opens} 开放"),
            say(
                format!("届时再试，或调整 {declaration} 的 limits.hours"),
                format!("try again then, or change limits.hours in {declaration}"),
            ),
        ),
        AdapterError::Timeout => (
            Exit::Unreachable,
            "未在时限内答复".into(),
            say(
                format!("检查其系统负荷，或调整 {declaration} 的 limits.deadline"),
                format!("look at the load of its system, or change limits.deadline in {declaration}"),
            ),
        ),
        _ => (
            Exit::Unreachable,
            "无法访问".into(),
            say(
                format!("检查 {declaration} 所写地址、网络与该部门系统"),
                format!("look at the address in {declaration}, the network, and the department's system"),
            ),
        ),
    }
}
