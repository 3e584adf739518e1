//! What the operating system says of a gateway's process.

use std::fs;
use std::time::Duration;

use heyan_tests::Gateway;
use tokio::sync::Mutex;

/// Held by tests that measure, and by heavy ones, so that at least they do not disturb each other.
pub(crate) static ALONE: Mutex<()> = Mutex::const_new(());

/// The processor time that it has used.
pub(crate) fn processor_time(gateway: &Gateway) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", gateway.pid())).unwrap();
    // The name, in brackets, may hold spaces. After it `utime` and `stime` are fields 12 and 13, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

/// The most memory that it has held since [`forget_memory_max`], in MiB.
pub(crate) fn memory_max(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// The maximum begins anew with what is held now.
pub(crate) fn forget_memory_max(gateway: &Gateway) {
    fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5").unwrap();
}

/// The value of a metric, by its name and labels as Prometheus writes them.
pub(crate) fn metric(gateway: &Gateway, series: &str) -> Option<u64> {
    let (_, page) = gateway.admin("/metrics");
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}
