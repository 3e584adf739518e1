//! `heyan audit tail`: the newest entries of the published log, each held to the signed checkpoint before it is printed.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;

use super::export::shards;
use super::published::Published;
use super::verifier_key;
use crate::cli::show::pick;
use crate::cli::{Exit, Failure, Language, Output, block_on};
use crate::config::Config;
use crate::server::termination;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::VerifierKey;

/// How often the folder is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Options of `heyan audit tail`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan audit tail --city city
  heyan audit tail --city city --follow --lines 0            what is recorded from now on, until Ctrl-C
  heyan audit tail --city city --output json | jq .leaf.caller

One line for each entry: index, time, class, event, caller, provider and service item. An entry is printed once its bytes
are found in the tree that the log has signed. It reads the published folder, changes nothing, and may run beside a gateway.
With --output json each line is an object with `index` and `leaf`.

Exit codes: 0 printed, 1 it cannot be written, 2 usage, 3 the published log cannot be read, 4 it is broken at the entry that
is named, 78 bad configuration")]
pub(crate) struct Options {
    /// The city folder
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// How many of the newest entries to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    lines: u64,
    /// Go on with the entries that are recorded from now on
    #[arg(long)]
    follow: bool,
    /// The log's public key: a verifier key line, or a file with one. Without it, log/vkey of the city folder
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
    /// How to print entries
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Prints what is there, and with `--follow` what comes.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    let key = options.key.as_deref().map(verifier_key).transpose()?;
    let mut tail = Tail {
        folder: &config.audit.published,
        key,
        lines: options.lines,
        output: options.output,
        lang: options.lang,
        seen: None,
        out: std::io::stdout(),
    };
    if tail.step()? == Reader::Gone || !options.follow {
        return Ok(Exit::Ok);
    }
    block_on(async {
        let following = async {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if tail.step()? == Reader::Gone {
                    return Ok(Exit::Ok);
                }
            }
        };
        tokio::select! {
            ended = following => ended,
            () = termination() => Ok(Exit::Ok),
        }
    })?
}

/// Whether anybody still reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Here,
    Gone,
}

/// What has been printed so far, and where.
struct Tail<'a, W> {
    folder: &'a Path,
    /// `None` until it is read from the folder.
    key: Option<VerifierKey>,
    lines: u64,
    output: Output,
    lang: Language,
    /// The shard that is printed, and the checkpoint up to which it is.
    seen: Option<(String, Checkpoint)>,
    out: W,
}

/// What a line shows of a leaf.
#[derive(Deserialize)]
struct Shown {
    at: i64,
    class: String,
    ev: String,
    caller: String,
    providers: Vec<String>,
    purpose: Option<String>,
}

impl<W: Write> Tail<'_, W> {
    /// Prints what was published since the step before; the first time, the newest entries.
    fn step(&mut self) -> Result<Reader, Failure> {
        let mut names = shards(self.folder)?;
        names.sort();
        if names.is_empty() {
            return Ok(Reader::Here);
        }
        let key = match &self.key {
            Some(key) => key.clone(),
            None => verifier_key(&self.folder.join("vkey").display().to_string())?,
        };
        self.key = Some(key.clone());
        let (name, from) = match &self.seen {
            Some((name, seen)) => (name.clone(), seen.size()),
            None => self.begin(&names, &key)?,
        };
        if self.seen.is_none() && self.output == Output::Table {
            let columns = pick(
                self.lang,
                "序号  时间  类别  事件  调用方  提供部门  事项",
                "index  time  class  event  caller  provider  item",
            );
            if self.line(columns)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        let rest: Vec<String> = names.into_iter().filter(|other| *other >= name).collect();
        for other in rest {
            let from = if other == name { from } else { 0 };
            if self.shard(other, from, &key)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        Ok(Reader::Here)
    }

    /// The shard and the place of the first entry to be printed.
    fn begin(&self, names: &[String], key: &VerifierKey) -> Result<(String, u64), Failure> {
        let mut left = self.lines;
        for name in names.iter().rev() {
            let size = Published::open(&self.folder.join(name), key)?.size();
            if size >= left || name == &names[0] {
                return Ok((name.clone(), size.saturating_sub(left)));
            }
            left -= size;
        }
        Ok((String::new(), 0))
    }

    /// Prints a shard from a place on.
    fn shard(&mut self, name: String, from: u64, key: &VerifierKey) -> Result<Reader, Failure> {
        let mut shard = Published::open(&self.folder.join(&name), key)?;
        if let Some((_, before)) = self.seen.as_ref().filter(|(seen, _)| *seen == name) {
            shard.check_grown(before)?;
        }
        for place in from..shard.size() {
            let leaf = shard.entry(place)?;
            let line = line_of(shard.index(place), &leaf, self.output)?;
            if self.line(&line)? == Reader::Gone {
                return Ok(Reader::Gone);
            }
        }
        self.seen = Some((name, shard.checkpoint().clone()));
        Ok(Reader::Here)
    }

    fn line(&mut self, line: &str) -> Result<Reader, Failure> {
        match writeln!(self.out, "{line}") {
            Ok(()) => Ok(Reader::Here),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(Failure::new(Exit::Wanting, format!("cannot write to standard output: {error}"))),
        }
    }
}

/// One line about a leaf, in printable ASCII alone: what a caller has put into a leaf moves no cursor and adds no line.
fn line_of(index: u64, leaf: &[u8], output: Output) -> Result<String, Failure> {
    let broken = |what: &str| Failure::new(Exit::Broken, format!("entry {index}: its leaf {what}"));
    let text = str::from_utf8(leaf).ok().filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let text = text.ok_or_else(|| broken("is not JSON in ASCII on one line"))?;
    let shown: Shown = serde_json::from_str(text).map_err(|_| broken("is not readable"))?;
    if output == Output::Json {
        return Ok(format!("{{\"index\":{index},\"leaf\":{text}}}"));
    }
    let at = Timestamp::from_microsecond(shown.at).map_err(|_| broken("has no readable time"))?;
    let provider = shown.providers.first().map_or("", String::as_str);
    let columns = [&shown.class, &shown.ev, &shown.caller, provider, shown.purpose.as_deref().unwrap_or_default()];
    let columns: Vec<String> = columns.into_iter().map(escaped).collect();
    Ok(format!("{index}  {at:.6}  {}", columns.join("  ")))
}

/// A text as JSON in ASCII writes it, without the quotes and with spaces escaped, so that columns stay where they are; `-` for none.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "-".into();
    }
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            '!'..='~' => written.push(c),
            _ => written.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    written
}
