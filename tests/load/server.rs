//! The servers that are measured, each in a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Failure;
use super::commits::Commits;

/// Ports that no client is given by the system, so that a closed connection of a client cannot be in the way.
const PORTS: std::ops::Range<u16> = 20_000..32_768;
/// The unit of times in `/proc/PID/stat`: `USER_HZ`, which is 100 wherever Rust runs on Linux.
const TICK: Duration = Duration::from_millis(10);

/// The program of [`Server::unlogged`], built beside this one.
const UNLOGGED: &str = "load-unlogged";

/// A server. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
    /// Where a gateway tells its metrics.
    admin: Option<String>,
}

impl Server {
    /// The gateway of a city folder, as it was built beside this program unless another is named.
    pub(crate) fn gateway(city: &Path, program: Option<&Path>) -> Result<Self, Failure> {
        let listen = free_port()?;
        let mut command = program.map_or_else(heyan_tests::heyan, Command::new);
        command.arg("serve").arg(city).args(["--listen", &listen.to_string(), "--admin", "127.0.0.1:0"]);
        Self::start(command, listen, true, &city.join(format!("gateway-{}.log", listen.port())))
    }

    /// The gateway of a city folder, with an audit log that keeps nothing; `None` where it was not built.
    pub(crate) fn unlogged(city: &Path) -> Result<Option<Self>, Failure> {
        let program = this_program()?.with_file_name(UNLOGGED);
        if !program.is_file() {
            return Ok(None);
        }
        let listen = free_port()?;
        let mut command = Command::new(program);
        command.arg(city).args(["--listen", &listen.to_string()]);
        Self::start(command, listen, false, &city.join("unlogged.log")).map(Some)
    }

    /// The floor, with the certificates of the city folder.
    pub(crate) fn echo(city: &Path, reply_bytes: usize) -> Result<Self, Failure> {
        let listen = free_port()?;
        let mut command = Command::new(this_program()?);
        command.arg("echo").arg(city).args(["--listen", &listen.to_string()]);
        command.args(["--reply-bytes", &reply_bytes.to_string()]);
        Self::start(command, listen, false, &city.join("echo.log"))
    }

    fn start(mut command: Command, address: SocketAddr, has_admin: bool, log: &Path) -> Result<Self, Failure> {
        let failed = |what: &str| Failure(format!("{what}: {}", last_words(log)));
        let errors = File::create(log).map_err(|error| failed(&format!("its log cannot be written ({error})")))?;
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn();
        let mut process = process.map_err(|error| failed(&format!("it cannot be started ({error})")))?;
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut server = Self { process, address, admin: None };
        match lines.next() {
            Some(Ok(line)) if line.starts_with("serving on ") => {
                if has_admin {
                    let line = lines.next().and_then(Result::ok).unwrap_or_default();
                    server.admin = line.strip_prefix("metrics and probes on http://").map(str::to_owned);
                }
                // What it prints later is not read, and must not stop it.
                std::thread::spawn(move || lines.for_each(drop));
                Ok(server)
            }
            _ => Err(failed("it does not serve")),
        }
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its commits so far; none of a server that has no log.
    pub(crate) fn commits(&self) -> Result<Commits, Failure> {
        self.admin.as_deref().map_or(Ok(Commits::default()), Commits::of)
    }

    /// How much CPU time all its threads have had so far, in user and in system mode.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let file = format!("/proc/{}/stat", self.process.id());
        let text = std::fs::read_to_string(&file).map_err(|error| Failure(format!("a server has ended: {error}")))?;
        // The name of the program, in parentheses, may hold anything; user and system time are fields 14 and 15.
        let ticks: Option<u32> = text.rsplit_once(')').and_then(|(_, rest)| {
            let times: Vec<&str> = rest.split_ascii_whitespace().skip(11).take(2).collect();
            Some(times.first()?.parse::<u32>().ok()? + times.get(1)?.parse::<u32>().ok()?)
        });
        Ok(TICK * ticks.ok_or_else(|| Failure(format!("{file} cannot be read")))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        if self.process.kill().is_ok() && self.process.wait().is_err() {
            eprintln!("load: process {} could not be waited for", self.process.id());
        }
    }
}

fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure(format!("this program cannot be started again: {error}")))
}

fn free_port() -> Result<SocketAddr, Failure> {
    let count = u32::from(PORTS.end - PORTS.start);
    let start = std::process::id() % count;
    let ports = (0..count).map(|step| PORTS.start + ((start + step * 7) % count) as u16);
    let mut addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let free = addresses.find(|address| TcpListener::bind(address).is_ok());
    free.ok_or_else(|| Failure("no port of 20000 to 32767 is free".into()))
}

/// What a server said last, for the message that it failed.
fn last_words(log: &Path) -> String {
    let name = log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let said = std::fs::read_to_string(log).unwrap_or_default();
    format!("{name}: {}", said.lines().last().unwrap_or("it said nothing"))
}
