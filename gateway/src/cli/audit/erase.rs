//! `heyan audit erase`: what is personal about a question goes; its proof stays.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use heyan_proto::vocabulary::PersonalText;
use serde_json::json;

use crate::audit::{Audit, AuditKeys, EraseError, Erasure, OpenError, Place, Unerasable, inspect};
use crate::cli::show::pick;
use crate::cli::{Exit, Failure, Language, Output, block_on, print};
use crate::clock::SystemClock;
use crate::config::{Config, Witnesses};
use crate::gateway::AUDIT_KEYS;

/// The longest name of who orders an erasure.
const NAME_MAX: usize = 64;
/// How long intents that a crash left open are waited for: opening the log closes them.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Options of `heyan audit erase`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan audit erase --city city --index 4711 --ground \"个人信息保护法 第四十七条\" --by officer-12

Body, reply, salts and tags of the entry are deleted, and with them those of the other entries of its
question; an entry is appended that names them and states the legal ground. Receipts that were given out
stay valid. It cannot be undone, and backups are not reached: destroy or prune them as well.

The gateway of the city must be stopped.

Exit codes: 0 erased, 1 it cannot be erased, 2 usage, 3 the log is in use or cannot be read, 78 bad configuration")]
pub(crate) struct Options {
    /// The city folder
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// The entry, by its index
    #[arg(long, value_name = "N")]
    index: u64,
    /// The legal ground; it stands in the log for everybody to read, so it names no person
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// Who orders it; only the body of the new entry says so
    #[arg(long, value_name = "NAME")]
    by: String,
    /// How to print what was done
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Erases, and says what is gone and which entry states it.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let Erasure { erased, receipt } = erase(options)?;
    let index = receipt.index();
    match options.output {
        Output::Json => print(json!({ "erased": erased, "index": index }))?,
        Output::Table => {
            let erased: Vec<String> = erased.iter().map(|index| format!("#{index}")).collect();
            let (gone, stated) =
                (pick(options.lang, "已删除正文", "erased"), pick(options.lang, "见留痕", "stated by entry"));
            print(format_args!("{gone}: {}; {stated} #{index}", erased.join(", ")))?;
        }
    }
    Ok(Exit::Ok)
}

fn erase(options: &Options) -> Result<Erasure, Failure> {
    let config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    let by = PersonalText::parse(&options.by, NAME_MAX)
        .map_err(|error| Failure::new(Exit::Usage, format!("`--by` {error}")))?;
    let database = &config.audit.database;
    let keys = AuditKeys::load(&options.city.join(AUDIT_KEYS))
        .map_err(|error| Failure::new(Exit::Configuration, format!("audit keys: {error}")))?;
    // Keys of another log would append an entry that nobody can verify.
    match inspect(database, Some(&keys)).map_err(unusable)? {
        None => return Err(Failure::new(Exit::Unreachable, format!("{}: there is no log", database))),
        Some(seen) if seen.is_in_use => {
            let message = format!("{}: a gateway uses this log; stop it first", database);
            return Err(Failure::new(Exit::Unreachable, message));
        }
        Some(seen) if seen.keys_fit == Some(false) => {
            return Err(Failure::new(
                Exit::Configuration,
                "keys/audit is not of this log: it does not open its bodies",
            ));
        }
        Some(_) => {}
    }
    let name = format!("{}/audit", config.city.trust_domain);
    let witnessing = config.audit.witnesses.as_ref().map(Witnesses::read).transpose();
    let witnessing = witnessing.map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    let (published, witnessing) = (config.audit.published.as_path(), witnessing.as_ref());
    block_on(async {
        // Holds the lock of the log until it is closed, so that no gateway starts meanwhile.
        let place = Place { database, published, name: &name, witnessing };
        let audit = Audit::open(&place, keys, Arc::new(SystemClock)).map_err(unusable)?;
        let outcome = erase_once_closed(&audit, options, &by).await;
        audit.close().await;
        outcome.map_err(|error| {
            let exit = match &error {
                EraseError::Unerasable(_) => Exit::Wanting,
                EraseError::Ground { .. } => Exit::Usage,
                EraseError::Audit(_) => Exit::Unreachable,
            };
            Failure::new(exit, error.to_string())
        })
    })?
}

/// Intents that a crash left open are closed once the log is open, in the background.
async fn erase_once_closed(audit: &Audit, options: &Options, by: &PersonalText) -> Result<Erasure, EraseError> {
    let mut attempts = 0;
    loop {
        match audit.erase(options.index, &options.ground, by).await {
            Err(EraseError::Unerasable(Unerasable::Open { .. })) if attempts < ATTEMPTS => attempts += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn unusable(error: OpenError) -> Failure {
    Failure::new(Exit::Unreachable, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use uuid::Uuid;

    use super::*;
    use crate::audit::{Body, Class, DecisionWord, Event, Record};
    use crate::cli::audit::{Verify, verify};
    use crate::cli::init;
    use crate::sample::SampleOptions;

    fn options(city: &Path, index: u64) -> Options {
        Options {
            city: city.to_owned(),
            index,
            ground: "PIPL art. 47".into(),
            by: "officer-1".into(),
            output: Output::Json,
            lang: Language::English,
        }
    }

    fn open(city: &Path) -> Audit {
        let config = Config::read(city).unwrap();
        std::fs::create_dir_all(config.audit.database.file().unwrap().parent().unwrap()).unwrap();
        let name = format!("{}/audit", config.city.trust_domain);
        let place = Place {
            database: &config.audit.database,
            published: &config.audit.published,
            name: &name,
            witnessing: None,
        };
        Audit::open(&place, AuditKeys::load(&city.join(AUDIT_KEYS)).unwrap(), Arc::new(SystemClock)).unwrap()
    }

    fn record() -> Record {
        Record {
            decision: Uuid::from_u128(1),
            event: Event::Verify,
            caller: "spiffe://sample-city.example/system/health-intake".into(),
            provider: None,
            purpose: None,
            policy: None,
            decision_word: DecisionWord::None,
            class: Class::Rejected,
            subject: None,
            official: None,
            case: None,
            body: Body::from([("outcome", "differs")]),
            request: b"request"[..].into(),
        }
    }

    #[test]
    fn it_erases_while_no_gateway_runs_and_refuses_while_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let city = folder.path().join("city");
        init::write(&city, SampleOptions::default()).unwrap();
        let none = erase(&options(&city, 0)).unwrap_err();
        assert!(none.exit == Exit::Unreachable && none.message.ends_with("there is no log"), "{none}");
        block_on(async {
            let audit = open(&city);
            audit.record(record()).await.unwrap();
            audit.record(record()).await.unwrap();
            let refused = tokio::task::spawn_blocking({
                let options = options(&city, 0);
                move || erase(&options).unwrap_err()
            });
            let refused = refused.await.unwrap();
            assert!(refused.exit == Exit::Unreachable && refused.message.ends_with("stop it first"), "{refused}");
            audit.close().await;
        })
        .unwrap();
        let done = erase(&options(&city, 0)).unwrap();
        assert_eq!((done.erased, done.receipt.index()), (vec![0], 2));
        for (index, exit, said) in [
            (0, Exit::Wanting, "entry 0 was erased already, under #2"),
            (2, Exit::Wanting, "entry 2 states an erasure, and cannot be erased itself"),
            (3, Exit::Wanting, "there is no entry 3: the log has 3 entries"),
        ] {
            let refused = erase(&options(&city, index)).unwrap_err();
            assert_eq!((refused.exit, refused.message.as_str()), (exit, said));
        }
        let nameless = erase(&Options { ground: " ".into(), ..options(&city, 1) }).unwrap_err();
        assert_eq!(nameless.exit, Exit::Usage);
        let options = Verify { city, key: None, output: Output::Json, lang: Language::English };
        assert_eq!(verify(&options).unwrap(), Exit::Ok);
    }
}
