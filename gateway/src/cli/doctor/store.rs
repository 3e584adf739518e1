//! The audit log and its keys.

use std::io::ErrorKind;
use std::path::Path;

use jiff::Timestamp;

use super::report::{Findings, say};
use crate::audit::{AuditKeys, Database, Inspection, KeyError, inspect};
use crate::cli::Exit;
use crate::clock::day_of;
use crate::gateway::AUDIT_KEYS;

/// Checks the keys of the log; the keys, where they can be used.
pub(super) fn check_keys(city: &Path, now: Timestamp, found: &mut Findings<'_>) -> Option<AuditKeys> {
    let wrong = |found: &mut Findings<'_>, error: &KeyError| {
        let hint = match error {
            KeyError::File { source, .. } if source.kind() == ErrorKind::NotFound => say(
                "从备份恢复 keys/audit；没有它无法读取已有日志",
                "restore keys/audit from a backup; without it the log that there is cannot be read",
            ),
            KeyError::Mode { path, expected, .. } => {
                let path = path.display();
                say(format!("执行 chmod {expected:o} {path}"), format!("write `chmod {expected:o} {path}`"))
            }
            _ => say("从备份恢复该文件", "restore the file from a backup"),
        };
        found.wrong(Exit::Configuration, "keys", say(format!("留痕密钥不可用：{error}"), error.to_string()), hint);
    };
    let keys = match AuditKeys::load(&city.join(AUDIT_KEYS)) {
        Ok(keys) => keys,
        Err(error) => {
            wrong(found, &error);
            return None;
        }
    };
    match keys.has_tag_key(day_of(now)) {
        Ok(true) => {
            found.fine("keys", say("密钥齐全，仅属主可读", "the keys are there, and their owner alone can read them"))
        }
        Ok(false) => found.fine(
            "keys",
            say(
                "主密钥可用；本季度标签密钥将在首次使用时生成",
                "the body key can be used; this quarter's tag key is made on first use",
            ),
        ),
        Err(error) => wrong(found, &error),
    }
    Some(keys)
}

/// Looks at the log; what was seen, where there is one.
pub(super) fn check_log(database: &Database, keys: Option<&AuditKeys>, found: &mut Findings<'_>) -> Option<Inspection> {
    let seen = match inspect(database, keys) {
        Ok(Some(seen)) => seen,
        Ok(None) => {
            found.fine(
                "log",
                say("尚无日志，网关首次启动时建立", "there is no log yet; the gateway makes it at its first start"),
            );
            return None;
        }
        Err(error) => {
            found.wrong(
                Exit::Wanting,
                "log",
                say(format!("日志不可用：{error}"), error.to_string()),
                say("检查 state/ 的权限、磁盘与备份", "look at the permissions of state/, the disk, and the backup"),
            );
            return None;
        }
    };
    let entries = seen.entries;
    if seen.is_in_use {
        found.fine(
            "log",
            say(
                format!("日志有 {entries} 条，运行中的网关正在使用"),
                format!("the log has {entries} entries and is in use by a running gateway"),
            ),
        );
    } else {
        found.fine(
            "log",
            say(format!("日志有 {entries} 条，可以写入"), format!("the log has {entries} entries and takes a write")),
        );
    }
    match seen.keys_fit {
        Some(true) => found.fine("log-keys", say("密钥可解开最新一条", "the keys open its newest body")),
        Some(false) => found.wrong(
            Exit::Configuration,
            "log-keys",
            say(
                "密钥解不开最新一条：这不是本日志的密钥",
                "the keys do not open its newest body: they are not of this log",
            ),
            say("恢复与该日志对应的 keys/audit", "restore the keys/audit that belongs to this log"),
        ),
        None => {}
    }
    Some(seen)
}
