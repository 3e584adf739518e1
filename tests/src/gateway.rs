use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use heyan::channel;
use heyan::sample::client_keys;
use tonic::transport::Channel;

use crate::City;

/// The `heyan` command as it was built beside the tests, or beside another program of theirs.
///
/// # Panics
/// Where it was not built: `tests/run` and `cargo build` do so.
pub fn heyan() -> Command {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().expect("a program lies in a folder");
    // Tests lie in `deps`, below the folder of the profile.
    let profile = if folder.ends_with("deps") { folder.parent().expect("it is below another") } else { folder };
    let binary = profile.join("heyan");
    let release = if profile.ends_with("release") { "--release " } else { "" };
    assert!(binary.is_file(), "{} is missing: run `cargo build {release}--bin heyan` first", binary.display());
    Command::new(binary)
}

/// A gateway in a process of its own: `heyan serve` on free loopback ports. Killed when dropped.
#[derive(Debug)]
pub struct Gateway {
    process: Child,
    city: PathBuf,
    address: String,
    admin: String,
    logs: Logs,
    reader: Option<JoinHandle<()>>,
}

/// What a gateway has written to standard error so far.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// As text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Gateway {
    /// Starts a gateway and waits until it serves.
    pub fn start(city: &City) -> Self {
        Self::start_with(city, "info")
    }

    /// Starts a gateway with a log filter.
    pub fn start_with(city: &City, log: &str) -> Self {
        Self::start_in(city, log, &mut heyan())
    }

    /// Starts a gateway at this address, as when it is restarted.
    pub fn start_at(city: &City, log: &str, address: &str) -> Self {
        Self::start_by(city, log, address, &mut heyan())
    }

    /// Starts a gateway by a command that may have an environment of its own.
    pub fn start_in(city: &City, log: &str, command: &mut Command) -> Self {
        Self::start_by(city, log, "127.0.0.1:0", command)
    }

    fn start_by(city: &City, log: &str, address: &str, command: &mut Command) -> Self {
        let command = command.arg("serve").arg(city.path());
        let command = command.args(["--listen", address, "--admin", "127.0.0.1:0"]).env("HEYAN_LOG", log);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let logs = Logs::default();
        let (written, mut stderr) = (logs.clone(), process.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = stderr.read(&mut chunk) {
                written.0.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut line = |prefix: &str| {
            let line = lines.next().and_then(Result::ok).unwrap_or_default();
            let rest = line.strip_prefix(prefix).map(str::to_owned);
            rest.unwrap_or_else(|| panic!("the gateway did not start: {line} {}", logs.text()))
        };
        let address = line("serving on ");
        let admin = line("metrics and probes on http://");
        Self { process, city: city.path().into(), address, admin, logs, reader: Some(reader) }
    }

    /// Where it serves.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where its metrics and probes are.
    pub fn admin_address(&self) -> &str {
        &self.admin
    }

    /// What it has logged so far.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether its process has ended, by itself or otherwise.
    pub fn has_ended(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        // The state follows the name, which is in brackets. A zombie has ended, and nobody has waited for it.
        stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('Z'))
    }

    /// A connection as a system of the sample city.
    pub async fn connect(&self, system: &str) -> Channel {
        self.try_connect(&format!("system/{system}")).await.unwrap()
    }

    /// A connection as any member: `system/housing-intake`, `person/auditor`.
    pub async fn try_connect(&self, member: &str) -> Result<Channel, channel::ChannelError> {
        let keys = client_keys(&self.city, member);
        let read = |file: &Path| std::fs::read(file).unwrap();
        let ca = read(&self.city.join("keys/client-ca.pem"));
        channel::connect(&self.address, &ca, &read(&keys.certificate), &read(&keys.key), "localhost").await
    }

    /// A page of the admin listener.
    pub fn admin(&self, path: &str) -> (u16, String) {
        page(&self.admin, path)
    }

    /// Sends a signal: `TERM`, `HUP`, `KILL`.
    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        assert!(sent.success(), "kill -{signal} {pid}");
    }

    /// Waits for the process to end by itself; whether it succeeded, and everything that it logged.
    pub fn wait(mut self) -> (bool, String) {
        let status = self.process.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status.success(), self.logs.text())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        if self.process.kill().is_ok() && self.process.wait().is_err() {
            eprintln!("the gateway could not be waited for");
        }
    }
}

/// A page that is served over plain HTTP at `address`: its status and its body, as text.
pub fn page(address: &str, path: &str) -> (u16, String) {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let reply = String::from_utf8_lossy(&reply);
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
