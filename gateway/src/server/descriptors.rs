//! The limit of file descriptors: connections leave some for the audit log, the departments and the operator.

use crate::config::Limits;

/// As much of the process's limit as connections may have, in fifths.
const FIFTHS: usize = 4;

/// The limits, lowered to what the process may open. One caller, or one address, may have half of that.
pub(super) fn fit(limits: Limits) -> Limits {
    let Some(descriptors) = soft_limit() else { return limits };
    let connections = (descriptors / 5 * FIFTHS).max(1);
    if limits.connections <= connections {
        return limits;
    }
    tracing::warn!(
        descriptors,
        connections,
        "`limits.connections` is more than the process may open: raise its limit of file descriptors (`LimitNOFILE=`, `ulimit -n`)"
    );
    let half = connections.div_ceil(2);
    Limits {
        connections,
        connections_per_caller: limits.connections_per_caller.min(half),
        handshakes_per_address: limits.handshakes_per_address.min(half),
        ..limits
    }
}

/// As Linux tells it; nothing where it does not, or where there is no limit.
fn soft_limit() -> Option<usize> {
    of(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

fn of(table: &str) -> Option<usize> {
    let row = table.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    row.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_linux_is_read() {
        let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max open files            1024                 524288               files     \n";
        assert_eq!(of(table), Some(1024));
        assert_eq!(of(&table.replace("1024", "unlimited")), None);
        assert_eq!(of(""), None);
    }
}
