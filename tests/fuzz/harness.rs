//! Runs a target over its corpus and over mutations of it.
//!
//! There is no coverage to be had from a stable compiler without a build of its own, so a target says what came of an input
//! (which error, which shape of value), and an input of which something new came joins the pool that mutations start from.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::chance::Chance;
use super::mutation::Mutator;

/// How many mutations are tried where no time was given, unless that takes too long.
const TRIES: usize = 300;
/// How long that may take.
const SHORT: Duration = Duration::from_secs(2);
/// The most processor time that one input may take, in an unoptimised build.
const LONGEST: Duration = Duration::from_secs(5);
/// After this, an input is taken to run without end, and the whole run is ended.
const HUNG: Duration = Duration::from_secs(120);
/// The most inputs that mutations start from.
const POOL_MAX: usize = 4_000;
/// A stack is not overflowed by less than this.
const KEPT_FROM: usize = 256;

/// What is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Text: inputs are UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// Bytes with an inside that only the target can reach.
    Made(Make),
}

/// Makes an input like the first one, or like a crossing of both, where it can.
pub(crate) type Make = fn(&Mutator, &mut Chance, &[u8], &[u8]) -> Option<Vec<u8>>;

/// A parser, and what is stated of it.
pub(crate) struct Target<'a> {
    /// The folder of its corpus.
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) bytes_max: usize,
    /// Inputs that are not in its corpus because they exist already.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Reads an input, panics where something stated does not hold, and says what came of it.
    pub(crate) check: &'a dyn Fn(&[u8]) -> Outcome,
}

/// What came of an input; equal for inputs of which the same came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Outcome(u64);

impl Outcome {
    pub(crate) fn of(what: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// That of a message, whatever names and numbers it has.
    pub(crate) fn said(message: &str) -> Self {
        let mut shape = String::new();
        let mut quoted = false;
        for c in message.chars() {
            quoted ^= c == '`';
            if !quoted && !c.is_ascii_digit() {
                shape.push(c);
            }
        }
        Self::of(shape)
    }
}

/// The files of folders of the repository whose names end so.
pub(crate) fn files(folders: &[&str], ending: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut texts = Vec::new();
    for folder in folders {
        let mut files: Vec<PathBuf> =
            fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with(ending));
        assert!(!files.is_empty(), "{folder} has no *{ending}");
        files.sort();
        texts.extend(files.iter().map(|file| fs::read(file).unwrap()));
    }
    texts
}

/// The tests of a target are one call of this.
pub(crate) fn run(target: &Target<'_>) {
    let seeds = corpus(target);
    let mut outcomes = HashSet::new();
    let watch = Watch::start(target.name);
    for seed in &seeds {
        match attempt(target, seed, &watch) {
            Ok(outcome) => drop(outcomes.insert(outcome)),
            Err(why) => panic!("{}: an input of the corpus: {why}\n{}", target.name, shown(seed)),
        }
    }
    let time = seconds();
    let number = if time.is_some() { time_as_number() } else { 1 };
    let mut chance = Chance::new(number);
    let mutator = Mutator::new(&seeds, target.bytes_max);
    let mut pool = seeds;
    if pool.is_empty() {
        pool.push(Vec::new());
    }
    let started = Instant::now();
    let mut tries = 0;
    while (time.is_some() || tries < TRIES) && started.elapsed() < time.unwrap_or(SHORT) {
        tries += 1;
        let input = next(target, &mutator, &mut chance, &pool);
        match attempt(target, &input, &watch) {
            Ok(outcome) => {
                if outcomes.insert(outcome) && pool.len() < POOL_MAX {
                    pool.push(input);
                }
            }
            Err(why) => {
                let small = smaller(target, input, &watch);
                let file = keep(target, &small);
                panic!(
                    "{}: seed {number}, try {tries}: {why}\n{}\nkept in {}",
                    target.name,
                    shown(&small),
                    file.display()
                );
            }
        }
    }
    println!("{}: {tries} inputs in {:.1?}, {} outcomes", target.name, started.elapsed(), outcomes.len());
}

/// How long each target is to run, where it is to run for a time.
fn seconds() -> Option<Duration> {
    let asked = std::env::var("HEYAN_FUZZ_SECONDS").ok()?;
    let seconds = asked.parse().unwrap_or_else(|_| panic!("HEYAN_FUZZ_SECONDS must be a number of seconds"));
    Some(Duration::from_secs(seconds))
}

fn time_as_number() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64)
}

fn corpus(target: &Target<'_>) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name);
    let mut inputs = (target.seeds)();
    let mut files: Vec<PathBuf> = match fs::read_dir(&folder) {
        Ok(files) => files.map(|file| file.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    files.sort();
    for file in files {
        let bytes = fs::read(&file).unwrap();
        if file.extension().is_some_and(|extension| extension == "lines") {
            inputs.extend(String::from_utf8(bytes).unwrap().lines().map(|line| line.as_bytes().to_vec()));
        } else {
            inputs.push(bytes);
        }
    }
    assert!(!inputs.is_empty(), "{} has no corpus", target.name);
    inputs
}

fn next(target: &Target<'_>, mutator: &Mutator, chance: &mut Chance, pool: &[Vec<u8>]) -> Vec<u8> {
    let (from, other) = (chance.pick(pool).clone(), chance.pick(pool));
    match target.shape {
        Shape::Bytes => mutator.bytes(chance, &from, other),
        Shape::Text => mutator.text(chance, &String::from_utf8_lossy(&from), &String::from_utf8_lossy(other)).into(),
        Shape::Made(make) => {
            let made = if chance.once_in(5) { None } else { make(mutator, chance, &from, other) };
            made.unwrap_or_else(|| mutator.bytes(chance, &from, other))
        }
    }
}

fn attempt(target: &Target<'_>, input: &[u8], watch: &Watch) -> Result<Outcome, String> {
    watch.begin(input);
    let before = processor_time();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.check)(input))).map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    });
    watch.end();
    let took = processor_time().saturating_sub(before);
    if outcome.is_ok() && took > LONGEST {
        return Err(format!("took {took:?}"));
    }
    outcome
}

/// What this thread has had so far; other programs of a busy machine do not count.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// What still breaks the target when pieces of the input are taken away.
fn smaller(target: &Target<'_>, mut input: Vec<u8>, watch: &Watch) -> Vec<u8> {
    let started = Instant::now();
    let mut piece = input.len() / 2;
    while piece > 0 && started.elapsed() < Duration::from_secs(20) {
        let mut at = 0;
        while at < input.len() && started.elapsed() < Duration::from_secs(20) {
            let mut less = input.clone();
            less.drain(at..(at + piece).min(input.len()));
            let readable = !matches!(target.shape, Shape::Text) || std::str::from_utf8(&less).is_ok();
            if readable && attempt(target, &less, watch).is_err() {
                input = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

fn keep(target: &Target<'_>, input: &[u8]) -> PathBuf {
    let file = findings().join(format!("{}-{:016x}", target.name, Outcome::of(input).0));
    fs::write(&file, input).unwrap();
    file
}

fn findings() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/findings");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn shown(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    text.chars().take(400).flat_map(char::escape_debug).collect()
}

/// Keeps the input that is being read, for runs that end without a word: a stack that overflows, a loop without end.
struct Watch {
    running: Arc<Mutex<Option<Instant>>>,
    done: Arc<AtomicBool>,
    file: PathBuf,
}

impl Watch {
    fn start(name: &'static str) -> Self {
        let watch =
            Self { running: Arc::default(), done: Arc::default(), file: findings().join(format!("{name}-running")) };
        let (running, done, file) = (Arc::clone(&watch.running), Arc::clone(&watch.done), watch.file.clone());
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(500));
                if running.lock().unwrap().is_some_and(|since: Instant| since.elapsed() > HUNG) {
                    eprintln!("{name}: an input runs without end: {}", file.display());
                    std::process::abort();
                }
            }
        });
        watch
    }

    fn begin(&self, input: &[u8]) {
        // Short ones neither nest deeply nor hold much to loop over, and writing each would take longer than reading it.
        if input.len() >= KEPT_FROM {
            fs::write(&self.file, input).unwrap();
        }
        *self.running.lock().unwrap() = Some(Instant::now());
    }

    fn end(&self) {
        *self.running.lock().unwrap() = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        // It is not there where every input was short.
        drop(fs::remove_file(&self.file));
    }
}
