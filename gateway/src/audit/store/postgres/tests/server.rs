//! A PostgreSQL server of one test run: real, on a free loopback port, in a temporary folder.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The password of the server's user; it protects nothing.
const PASSWORD: &str = "sample-password";

/// A running server. It is stopped when it is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    folder: tempfile::TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

impl PostgresServer {
    /// Makes and starts a server.
    ///
    /// # Panics
    /// Where there is no PostgreSQL on this machine, or it does not start.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Makes and starts a server that proves who it is: a certificate for `name`, by an authority of its own (see [`Self::ca`]).
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with_certificate(name: &str) -> Self {
        Self::start_with(Some(name))
    }

    fn start_with(name: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(name) = name {
            certify(folder.path(), name);
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, port, process: Mutex::new(None), databases: AtomicUsize::new(0) };
        fs::write(server.password_file(), PASSWORD).unwrap();
        if is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").args(["-R", "postgres"]).arg(server.folder.path()));
        }
        let mut init = server.command("initdb");
        init.args(["--auth=scram-sha-256", "--username=heyan", "--encoding=UTF8", "--no-locale", "--no-instructions"]);
        run(init.arg("--pwfile").arg(server.password_file()).arg("--pgdata").arg(server.data()));
        server.resume();
        server
    }

    /// Starts the server again after it was stopped, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not within 20 seconds.
    pub fn resume(&self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.folder.path().display()));
        command.args(["-c", "max_connections=60", "-c", "shared_buffers=64MB"]);
        if self.ca().exists() {
            let file = |name: &str| self.folder.path().join(name).display().to_string();
            command.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", file("server.pem"))]);
            command.args(["-c", &format!("ssl_key_file={}", file("server.key"))]);
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        *self.process.lock().unwrap() = Some(command.stderr(log).stdout(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.try_sql("postgres", "SELECT 1") {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "postgresql does not start: {}", log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server at once: connections break, and what was not committed is gone.
    pub fn stop(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            // An immediate shutdown: the next start recovers, as after a crash.
            signal("QUIT", process.id());
            drop(process.wait());
        }
    }

    /// Makes an empty database, and gives its URL.
    pub fn database(&self) -> String {
        let name = format!("audit_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        format!("postgresql://heyan@127.0.0.1:{}/{name}", self.port)
    }

    /// The file with the password of `heyan`.
    pub fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// The authority of its certificate, a PEM file; there is none without a certificate.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Runs statements in the database of a name or a URL.
    ///
    /// # Panics
    /// If one fails.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let output = self.psql(database, statements);
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn try_sql(&self, database: &str, statements: &str) -> bool {
        self.psql(database, statements).status.success()
    }

    /// Runs statements, and gives what came of them.
    ///
    /// # Panics
    /// If the client cannot be run.
    pub fn psql(&self, database: &str, statements: &str) -> std::process::Output {
        let name = database.rsplit('/').next().unwrap_or(database);
        let mut command = Command::new(binary("psql"));
        command.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "heyan", "-p", &self.port.to_string()]);
        command.args(["-d", name, "-v", "ON_ERROR_STOP=1", "-c", statements]);
        command.env("PGPASSWORD", PASSWORD).output().unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of the server, as a user that it accepts.
    fn command(&self, program: &str) -> Command {
        let binary = binary(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(binary);
            command
        } else {
            Command::new(binary)
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes an authority and a certificate for `name`.
fn certify(folder: &Path, name: &str) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&key).unwrap();
    fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("server.key"));
    file.unwrap().write_all(key.serialize_pem().as_bytes()).unwrap();
}

fn signal(name: &str, pid: u32) {
    run(Command::new("kill").args(["-s", name, &pid.to_string()]));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| std::os::unix::fs::MetadataExt::uid(&this) == 0)
}

/// Debian keeps the server's programs out of the path.
fn binary(program: &str) -> PathBuf {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut folders: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
        folders.retain(|folder| folder.join("postgres").exists());
        folders.sort();
        folders.pop()
    });
    folder.as_deref().unwrap_or(Path::new("")).join(program)
}
