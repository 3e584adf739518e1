//! The machine's clock, against what can be known without a network.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::report::{Findings, say};
use crate::audit::Inspection;
use crate::cli::Exit;
use crate::clock::{Clock as _, SystemClock, stopwatch};
use crate::config::{Config, FILE};

/// So far ahead of the clock nothing can have happened.
const SLACK: SignedDuration = SignedDuration::from_secs(5);
/// For so long the clock is watched.
const WATCHED: Duration = Duration::from_millis(100);
/// So far the clock may stray from a stopwatch meanwhile.
const STRAY: Duration = Duration::from_millis(50);

/// Checks that nothing that happened is later than now, and that the clock runs.
pub(super) async fn check(city: &Path, config: &Config, log: Option<&Inspection>, found: &mut Findings<'_>) {
    let now = SystemClock.now();
    let written = |file: &Path| {
        let at = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()?;
        Timestamp::try_from(at).ok()
    };
    let happened = [
        (say("最后一条留痕", "the last entry of the log"), log.and_then(|log| log.last_at)),
        (say("heyan.toml", FILE), written(&city.join(FILE))),
        (say("网关证书文件", "the file of the gateway's certificate"), written(&config.tls.certificate)),
    ];
    let mut behind = false;
    for (what, at) in happened.into_iter().filter_map(|(what, at)| Some((what, at.filter(|at| *at > now + SLACK)?))) {
        behind = true;
        found.wrong(
            Exit::Wanting,
            "past",
            say(
                format!("时钟为 {now}，早于{}的时间 {at}", what.zh),
                format!("the clock says {now}, and {} is of {at}", what.en),
            ),
            say("校准时钟（NTP）后再启动", "set the clock (NTP) before the gateway starts"),
        );
    }
    if !behind {
        found.fine(
            "past",
            say(format!("时钟为 {now}，没有记录晚于此刻"), format!("the clock says {now}, and nothing is later")),
        );
    }
    let (began, first) = (stopwatch(), SystemClock.now());
    tokio::time::sleep(WATCHED).await;
    let (passed, told) = (began.elapsed(), SystemClock.now().duration_since(first));
    let stray = SignedDuration::try_from(passed).unwrap_or_default() - told;
    if stray.unsigned_abs() > STRAY {
        let millis = stray.as_millis();
        found.attention(
            "steady",
            say(
                format!("时钟跳动：0.1 秒内相差 {millis} 毫秒"),
                format!("the clock jumps: it strayed by {millis} ms within 0.1 s"),
            ),
            say("检查校时服务", "look at the service that sets the clock"),
        );
    } else {
        found.fine("steady", say("时钟走时平稳", "the clock runs steadily"));
    }
}
