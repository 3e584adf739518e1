//! A MariaDB server of one test run: real, on a free loopback port, in a temporary folder.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The password of the server's user; it protects nothing.
pub(crate) const PASSWORD: &str = "sample-password";

/// A running server. It is stopped when it is dropped.
pub(crate) struct MariadbServer {
    folder: tempfile::TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
}

impl MariadbServer {
    /// Makes and starts a server with the database `sample`, whose user `heyan` may do everything in it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, port, process: Mutex::default() };
        fs::write(server.password_file(), PASSWORD).unwrap();
        if is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").args(["-R", "mysql"]).arg(server.folder.path()));
        }
        let mut init = Command::new(program("mariadb-install-db"));
        init.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=mysql"]);
        run(init.arg(format!("--datadir={}", server.data().display())));
        server.resume();
        server.sql(&format!(
            "CREATE DATABASE sample CHARACTER SET utf8mb4; CREATE USER heyan@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; \
             GRANT ALL ON sample.* TO heyan@'127.0.0.1'"
        ));
        server
    }

    /// Starts the server again after it was stopped, and waits until it takes connections.
    pub(crate) fn resume(&self) {
        let mut command = Command::new(program("mariadbd"));
        command.arg("--no-defaults").arg(format!("--datadir={}", self.data().display()));
        command.args([&format!("--port={}", self.port), "--bind-address=127.0.0.1", "--user=mysql", "--skip-log-bin"]);
        command.args(["--innodb-buffer-pool-size=32M", "--skip-name-resolve"]);
        command.arg(format!("--socket={}", self.socket().display()));
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        *self.process.lock().unwrap() = Some(command.stderr(log).stdout(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.client("SELECT 1").output().unwrap().status.success() {
            assert!(Instant::now() < deadline, "mariadb does not start: {}", fs::read_to_string(self.log()).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server at once, as a crash does.
    pub(crate) fn stop(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// Runs statements as the server's own administrator.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let output = self.client(statements).output().unwrap();
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn client(&self, statements: &str) -> Command {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-uroot", "-N", "-B", "--default-character-set=utf8mb4"]);
        command.arg(format!("--socket={}", self.socket().display())).args(["-e", statements]);
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for MariadbServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Debian keeps the server's programs out of some paths.
fn program(name: &str) -> PathBuf {
    let folders = ["/usr/sbin", "/usr/bin"].map(Path::new);
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: `tests/run` installs it"))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|this| std::os::unix::fs::MetadataExt::uid(&this) == 0)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
