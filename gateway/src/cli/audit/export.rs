//! `heyan audit export`: the published log in a folder to be taken away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::show::pick;
use crate::cli::{Exit, Failure, Language, Output, print};
use crate::config::Config;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::Note;
use crate::tlog::tile::{WIDTH, entries_path, tile_path};

/// How often a shard that grows meanwhile is begun anew.
const ATTEMPTS: u32 = 5;
/// Bundles after which it is said how far it is.
const TOLD_EVERY: u64 = 1_024;

/// Options of `heyan audit export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan audit export --city city --to audit-2026
  python3 tests/independent/verify.py log audit-2026/2026q4 \"$(cat kept-elsewhere.vkey)\"

Each shard gets a folder with its checkpoint, its entries and its tiles at the C2SP paths; nothing of it is personal. The public
key is not among them: who verifies has it from elsewhere. It changes nothing, and may run beside a gateway.

Exit codes: 0 written, 1 it cannot be written, 2 usage, 3 the published log cannot be read, 78 bad configuration")]
pub(crate) struct Options {
    /// The city folder
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// The folder to write; new or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// How to print what was written
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Copies every shard, and says how many entries there are.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    if fs::read_dir(&options.to).is_ok_and(|mut files| files.next().is_some()) {
        let to = options.to.display();
        return Err(Failure::new(Exit::Usage, format!("{to}: is not empty; name a folder that is new or empty")));
    }
    let mut shards = shards(&config.audit.published)?;
    shards.sort();
    let mut entries = 0;
    for shard in &shards {
        entries += copy_shard(&config.audit.published.join(shard), &options.to.join(shard))?;
    }
    match options.output {
        Output::Json => print(json!({ "shards": shards, "entries": entries, "to": options.to.display().to_string() }))?,
        Output::Table => {
            let what = pick(options.lang, "条留痕已导出至", "entries were exported to");
            print(format_args!("{entries} {what} {}: {}", options.to.display(), shards.join(", ")))?;
        }
    }
    Ok(Exit::Ok)
}

/// The folders of shards: those that have a checkpoint.
pub(super) fn shards(published: &Path) -> Result<Vec<String>, Failure> {
    let unread = |error: io::Error| Failure::new(Exit::Unreachable, format!("{}: {error}", published.display()));
    let mut shards = Vec::new();
    for folder in fs::read_dir(published).map_err(unread)? {
        let folder = folder.map_err(unread)?;
        if folder.file_type().map_err(unread)?.is_dir() && folder.path().join("checkpoint").exists() {
            shards.extend(folder.file_name().into_string());
        }
    }
    Ok(shards)
}

/// Copies what one checkpoint is about. A log that grows takes partial tiles away: it is then begun anew.
fn copy_shard(from: &Path, to: &Path) -> Result<u64, Failure> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let note = read(&from.join("checkpoint"))?;
        let text = String::from_utf8(note.clone()).unwrap_or_default();
        let checkpoint = Note::parse(&text).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
        let unfit = || Failure::new(Exit::Unreachable, format!("{}: its checkpoint is not one", from.display()));
        let size = checkpoint.ok_or_else(unfit)?.size();
        match copy_tree(from, to, size) {
            Ok(()) => return write(&to.join("checkpoint"), &note).map(|()| size),
            Err(failure) if failure.exit == Exit::Unreachable => last = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(Exit::Unreachable, "the log grows too fast to be copied")))
}

fn copy_tree(from: &Path, to: &Path, size: u64) -> Result<(), Failure> {
    let copy = |path: String| write(&to.join(&path), &read(&from.join(&path))?);
    for bundle in 0..size.div_ceil(WIDTH) {
        if bundle > 0 && bundle.is_multiple_of(TOLD_EVERY) {
            eprintln!("{} / {size}", bundle * WIDTH);
        }
        copy(entries_path(bundle, WIDTH.min(size - bundle * WIDTH)))?;
    }
    for level in 0..8 {
        let hashes = size >> (8 * u32::from(level));
        for tile in 0..hashes.div_ceil(WIDTH) {
            copy(tile_path(level, tile, WIDTH.min(hashes - tile * WIDTH)))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::new(Exit::Unreachable, format!("{}: {error}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| Failure::new(Exit::Wanting, format!("{}: {error}", path.display())))
}
