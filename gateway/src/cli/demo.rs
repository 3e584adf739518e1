//! `heyan demo`: a whole sample city in a minute.

mod proof;
mod questions;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::Table;
use serde_json::json;
use tokio::sync::oneshot;

use super::show::pick;
use super::{Exit, Failure, Language, Output, block_on, init, print};
use crate::config::Config;
use crate::gateway::Gateway;
use crate::sample::SampleOptions;
use crate::server::termination;
use crate::telemetry;
use proof::Kept;
use questions::Asked;

/// Options of `heyan demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan demo                              serve until Ctrl-C, in a temporary folder
  heyan demo --city city                  keep the folder
  heyan demo --once --output json         ask, print one JSON object, end")]
pub(crate) struct Options {
    /// End after the questions instead of serving
    #[arg(long)]
    once: bool,
    /// Write the sample city here, a new or empty folder, and keep it; otherwise a temporary folder is used and removed
    #[arg(long, value_name = "DIR")]
    city: Option<PathBuf>,
    /// How to print the answers
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// The width of the table, in columns of a terminal.
const WIDTH: u16 = 140;

/// Where the demo listens, so that the lines that it prints can be pasted; any free port if that one is taken.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);

/// Writes the city, starts its gateway, asks, prints, and serves on unless told otherwise.
pub(super) fn run(options: Options) -> Result<Exit, Failure> {
    let (city, temporary) = match options.city.clone() {
        Some(city) => (city, None),
        None => {
            let folder = tempfile::Builder::new().prefix("heyan-demo-").tempdir();
            let folder = folder
                .map_err(|error| Failure::new(Exit::Wanting, format!("no temporary folder can be made: {error}")))?;
            (folder.path().to_owned(), Some(folder))
        }
    };
    let outcome = demonstrate(&city, &options);
    // The folder goes whatever came of the demo; that it could not be removed is worth a word, not a failure.
    if let Some(folder) = temporary
        && let Err(error) = folder.close()
    {
        eprintln!("heyan: the temporary folder could not be removed: {error}");
    }
    outcome
}

fn demonstrate(city: &Path, options: &Options) -> Result<Exit, Failure> {
    let table = options.output == Output::Table;
    let say = |zh: &str, en: &str| {
        if table {
            eprintln!("{}", pick(options.lang, zh, en));
        }
    };
    say("正在写入样例城市……", "writing the sample city …");
    init::write(city, SampleOptions { service: Some(address(options.once)), ..SampleOptions::default() })?;
    let mut config = Config::read(city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    config.listen.admin = None;
    config.limits.drain = std::time::Duration::from_millis(1);
    block_on(async {
        let telemetry =
            telemetry::start("error", None).map_err(|error| Failure::new(Exit::Wanting, error.to_string()))?;
        let gateway =
            Gateway::open(city, &config).await.map_err(|error| Failure::new(Exit::Wanting, error.to_string()))?;
        let address = gateway.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(gateway.serve(async move {
            // Whether it was sent or dropped, the demo is over.
            drop(stopped.await);
        }));
        let asked = questions::ask(city, address, options.lang).await;
        let printed = match &asked {
            Ok(asked) => proof::keep(city, options.city.is_some(), asked)
                .await
                .and_then(|kept| print_answers(options, city, address, asked, &kept)),
            Err(_) => Ok(()),
        };
        if asked.is_ok() && printed.is_ok() && !options.once {
            say("网关继续运行，按 Ctrl-C 结束。", "the gateway goes on serving; Ctrl-C ends it");
            termination().await;
        }
        drop(stop);
        serving.await.map_err(|error| Failure::new(Exit::Wanting, format!("the gateway has failed: {error}")))?;
        telemetry.finish().await;
        asked.and(printed).map(|()| Exit::Ok)
    })?
}

fn address(once: bool) -> SocketAddr {
    let free = !once && TcpListener::bind(ADDRESS).is_ok();
    SocketAddr::new(ADDRESS.ip(), if free { ADDRESS.port() } else { 0 })
}

fn print_answers(
    options: &Options,
    city: &Path,
    address: SocketAddr,
    asked: &[Asked],
    kept: &Kept,
) -> Result<(), Failure> {
    if options.output == Output::Json {
        let questions: Vec<_> = asked.iter().map(Asked::to_json).collect();
        let (city, address) = (city.display().to_string(), address.to_string());
        return print(json!({ "city": city, "address": address, "questions": questions, "receipt": kept.to_json() }));
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(match options.lang {
        Language::Chinese => ["问题", "答复", "结论", "说明", "留痕", "毫秒"],
        Language::English => ["question", "answer", "finding", "detail", "entry", "ms"],
    });
    for row in asked {
        table.add_row(row.cells(options.lang));
    }
    print(table)?;
    print(format_args!("{}\n  {}", kept.sentence(options.lang), kept.line()))?;
    if options.once { Ok(()) } else { print(questions::lines(city, address)) }
}
