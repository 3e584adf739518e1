//! The disk that holds the audit log: room, inodes, and how long a synced write takes.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::report::{Findings, say};
use crate::cli::Exit;
use crate::clock::stopwatch;

const MIB: u64 = 1 << 20;
/// Below this the log soon takes no entry.
const ROOM_MIN: u64 = 64 * MIB;
/// Below this it is time to look.
const ROOM_LOW: u64 = 1024 * MIB;
const INODES_MIN: u64 = 64;
const INODES_LOW: u64 = 10_000;
/// Each answer waits for one or two synced writes.
const SYNC_SLOW: Duration = Duration::from_millis(50);
const TRIES: usize = 5;

/// Checks the folder of the log's database.
pub(super) fn check(database: &Path, found: &mut Findings<'_>) {
    let folder = database.parent().unwrap_or(Path::new("."));
    let shown = folder.display();
    if !folder.is_dir() {
        return found.attention(
            "folder",
            say(format!("{shown} 不存在"), format!("{shown} does not exist")),
            say(
                "网关启动时建立；若应存在，请检查挂载",
                "the gateway makes it at its start; if it should be there, look at the mounts",
            ),
        );
    }
    check_room(folder, found);
    check_sync(folder, found);
}

fn check_room(folder: &Path, found: &mut Findings<'_>) {
    let stat = match rustix::fs::statvfs(folder) {
        Ok(stat) => stat,
        Err(error) => {
            return found.wrong(
                Exit::Wanting,
                "space",
                say(format!("无法得知剩余空间：{error}"), format!("the free space cannot be found out: {error}")),
                say("检查文件系统", "look at the file system"),
            );
        }
    };
    let room = stat.f_bavail.saturating_mul(stat.f_frsize);
    let mib = room / MIB;
    let told = say(format!("剩余空间 {mib} MiB"), format!("{mib} MiB are free"));
    let more = || say("腾出空间或扩容", "make room or enlarge the disk");
    match room {
        ..ROOM_MIN => found.wrong(Exit::Wanting, "space", told, more()),
        ROOM_MIN..ROOM_LOW => found.attention("space", told, more()),
        _ => found.fine("space", told),
    }
    // Some file systems have no such thing as a number of inodes.
    if stat.f_files > 0 {
        let inodes = stat.f_favail;
        let told = say(format!("剩余 inode {inodes} 个"), format!("{inodes} inodes are free"));
        let fewer = || say("删除多余的小文件", "delete small files that nobody needs");
        match inodes {
            ..INODES_MIN => found.wrong(Exit::Wanting, "inodes", told, fewer()),
            INODES_MIN..INODES_LOW => found.attention("inodes", told, fewer()),
            _ => found.fine("inodes", told),
        }
    }
}

fn check_sync(folder: &Path, found: &mut Findings<'_>) {
    let took = match sync_time(folder) {
        Ok(took) => took,
        Err(error) => {
            let shown = folder.display();
            return found.wrong(
                Exit::Wanting,
                "sync",
                say(format!("{shown} 不能写入：{error}"), format!("{shown} takes no write: {error}")),
                say(
                    "检查权限、只读挂载、配额与磁盘空间",
                    "look at permissions, a read-only mount, quotas, and the room on the disk",
                ),
            );
        }
    };
    let millis = took.as_secs_f64() * 1000.0;
    let told = say(format!("写入并落盘需 {millis:.1} 毫秒"), format!("a synced write takes {millis:.1} ms"));
    if took > SYNC_SLOW {
        let hint = say("每个答复都要等落盘；换用更快的磁盘", "every answer waits for it; use a faster disk");
        found.attention("sync", told, hint);
    } else {
        found.fine("sync", told);
    }
}

/// The median of a few: on a busy machine one is often late.
fn sync_time(folder: &Path) -> std::io::Result<Duration> {
    let mut file = tempfile::Builder::new().prefix(".doctor-").tempfile_in(folder)?;
    let mut once = || {
        let began = stopwatch();
        file.write_all(&[0; 4096])?;
        file.as_file().sync_all()?;
        Ok::<_, std::io::Error>(began.elapsed())
    };
    let mut times = [Duration::ZERO; TRIES];
    for time in &mut times {
        *time = once()?;
    }
    times.sort_unstable();
    Ok(times[TRIES / 2])
}
