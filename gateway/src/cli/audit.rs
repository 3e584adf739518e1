//! `heyan audit`: whether the log is whole, what proves it to others, and what is to go from it.

mod erase;
mod export;
mod prove;
mod published;
mod tail;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::json;

use super::show::pick;
use super::{Exit, Failure, Language, Output, print};
use crate::audit::{AuditKeys, Verified, VerifyError, verify_log};
use crate::config::Config;
use crate::gateway::AUDIT_KEYS;
use crate::tlog::note::VerifierKey;

/// What to do with the log.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every entry, body, checkpoint and proof of a city's log, and name the first that is broken
    Verify(Verify),
    /// Print the proof of one entry
    Prove(prove::Options),
    /// Write the log into a folder that anybody can verify
    Export(export::Options),
    /// Print the newest entries, and with --follow those that come
    Tail(tail::Options),
    /// Erase what is personal about a question; the log stays provable. No gateway may run
    Erase(erase::Options),
}

/// Options of `heyan audit verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan audit verify --city city
  heyan audit verify --city city --key auditor-office/log.vkey     with a key that was kept elsewhere
  heyan audit verify --city city --output json

It changes nothing, and may run beside a gateway. With the city's keys/audit bodies are opened and held to
their entries as well; without these keys leaves, tree and checkpoints are checked.

Exit codes: 0 the log is whole, 2 usage, 3 it cannot be read, 4 it is broken, 78 bad configuration")]
struct Verify {
    /// The city folder
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// The log's public key: a verifier key line, or a file with one. Without it, log/vkey of the city folder
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
    /// How to print what is found
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Runs a command about the log.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        Command::Verify(options) => verify(options),
        Command::Prove(options) => prove::run(options),
        Command::Export(options) => export::run(options),
        Command::Tail(options) => tail::run(options),
        Command::Erase(options) => erase::run(options),
    }
}

fn verify(options: &Verify) -> Result<Exit, Failure> {
    let config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    let given = options.key.clone().unwrap_or_else(|| config.audit.published.join("vkey").display().to_string());
    let key = verifier_key(&given)?;
    // Whoever has no right to read the keys checks what can be checked without them.
    let keys = AuditKeys::load(&options.city.join(AUDIT_KEYS)).ok();
    let shows_progress = options.output == Output::Table;
    let progress = |done: u64, of: u64| {
        if shows_progress && done.is_multiple_of(262_144) && done > 0 {
            eprintln!("{done} / {of}");
        }
    };
    match verify_log(&config.audit.database, Some(&config.audit.published), &key, keys.as_ref(), progress) {
        Ok(verified) => {
            print_whole(options, &verified)?;
            Ok(Exit::Ok)
        }
        Err(VerifyError::Broken(broken)) => {
            let (index, what) = (broken.index, broken.what);
            match options.output {
                Output::Json => print(json!({ "verdict": "broken", "index": index, "what": what }))?,
                Output::Table => {
                    let says = pick(options.lang, "留痕已被改动，首个不符的序号", "the log is broken at entry");
                    print(format_args!("{says} {index}: {what}"))?;
                }
            }
            Ok(Exit::Broken)
        }
        Err(error @ VerifyError::Store(_)) => Err(Failure::new(Exit::Unreachable, error.to_string())),
    }
}

fn print_whole(options: &Verify, verified: &Verified) -> Result<(), Failure> {
    let Verified { origin, size, root, bodies_opened, erased, past_retention } = verified;
    if options.output == Output::Json {
        return print(json!({
            "origin": origin, "size": size, "root": STANDARD.encode(root), "verdict": "intact", "bodies_opened": bodies_opened,
            "erased": erased, "past_retention": past_retention,
        }));
    }
    let bodies = match (bodies_opened, options.lang) {
        (true, Language::Chinese) => "正文与留痕相符",
        (true, Language::English) => "bodies fit their entries",
        (false, Language::Chinese) => "未打开正文（没有密钥）",
        (false, Language::English) => "bodies were not opened (no keys)",
    };
    let whole = pick(options.lang, "留痕完整", "the log is whole");
    let entries = pick(options.lang, "条留痕", "entries");
    print(format_args!("{whole}: {origin}, {size} {entries}, {bodies}"))?;
    let gone = match options.lang {
        Language::Chinese => format!("已依法删除正文 {erased} 条，保存期满删除 {past_retention} 条，均有留痕为证"),
        Language::English => {
            format!("bodies erased: {erased}, past retention: {past_retention}, all as later entries state")
        }
    };
    if erased + past_retention > 0 { print(gone) } else { Ok(()) }
}

/// Reads a verifier key that is given by itself or in a file.
pub(super) fn verifier_key(given: &str) -> Result<VerifierKey, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let line = if given.contains('+') && !Path::new(given).exists() {
        given.to_owned()
    } else {
        let text = std::fs::read_to_string(given);
        let text = text.map_err(|error| usage(format!("cannot read the log's public key {given}: {error}")))?;
        text.lines().next().unwrap_or_default().to_owned()
    };
    VerifierKey::parse(&line)
        .map_err(|error| usage(format!("{error}; it looks like `city.example/audit/2026q4+1a2b3c4d+AQ...`")))
}
