//! Where a client is made: its stubs from the contract, its program from its source. Nothing that is generated is kept.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What a client is made with.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// A program of the Python environment that `tests/run` makes.
    Python(&'static str),
    /// A program that the system finds.
    Program(&'static str),
    /// A file or folder of a Debian package, or in the folder of the tests.
    File(&'static str),
}

pub(super) const PYTHON: &[Need] =
    &[Need::Python("python"), Need::Python("buf"), Need::Python("protoc-gen-grpclib_python")];
pub(super) const NODE: &[Need] = &[
    Need::Python("python"),
    Need::Program("node"),
    Need::File("interop/node/node_modules/@grpc/grpc-js"),
    Need::File("interop/node/node_modules/@connectrpc/connect-node"),
];
pub(super) const JAVA: &[Need] = &[
    Need::Program("javac"),
    Need::Program("java"),
    Need::Program("protoc"),
    Need::Program("grpc_java_plugin"),
    Need::File("/usr/include/google/protobuf/any.proto"),
    Need::File("/usr/share/java/grpc-netty.jar"),
    Need::File("/usr/share/java/protobuf-util.jar"),
    Need::File("/usr/share/java/netty-tcnative.jar"),
];
pub(super) const GO: &[Need] = &[
    Need::Program("go"),
    Need::Program("protoc"),
    Need::Program("protoc-gen-go"),
    Need::Program("protoc-gen-go-grpc"),
    Need::File("/usr/include/google/protobuf/any.proto"),
    Need::File("/usr/share/gocode/src/google.golang.org/grpc"),
    Need::File("/usr/share/gocode/src/google.golang.org/genproto"),
    Need::File("/usr/share/gocode/src/google.golang.org/protobuf"),
];

/// The parts of Debian's Java packages that a client of gRPC over netty runs with.
const JARS: [&str; 24] = [
    "grpc-api",
    "grpc-context",
    "grpc-core",
    "grpc-netty",
    "grpc-protobuf",
    "grpc-protobuf-lite",
    "grpc-stub",
    "protobuf",
    "protobuf-util",
    "netty-buffer",
    "netty-codec",
    "netty-codec-http",
    "netty-codec-http2",
    "netty-common",
    "netty-handler",
    "netty-resolver",
    "netty-transport",
    "netty-tcnative",
    "guava",
    "perfmark-api",
    "opencensus-api",
    "gson",
    "jsr305",
    "geronimo-annotation-1.3-spec",
];

/// A folder for one client, removed when dropped.
pub(super) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// A workshop that has everything a client needs; where something is missing, says so and has none.
    ///
    /// # Panics
    /// Where something is missing and `HEYAN_TEST_CLIENTS` is `all`.
    pub(super) fn with(needs: &[Need]) -> Option<Self> {
        let missing: Vec<String> = needs.iter().filter_map(|need| need.missing()).collect();
        if missing.is_empty() {
            return Some(Self { folder: tempfile::tempdir().unwrap() });
        }
        let all = std::env::var_os("HEYAN_TEST_CLIENTS").is_some_and(|which| which == "all");
        assert!(!all, "not on this machine: {}", missing.join(", "));
        eprintln!("skipped: {} not on this machine; `tests/run` installs the clients", missing.join(", "));
        None
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A Python client, with stubs of grpcio's and of grpclib's plugin.
    pub(super) fn python(&self, client: &str) -> Command {
        let out = |plugin: &str| with_path(&format!("--{plugin}_out="), self.path());
        run(protoc_of_python()
            .args([out("python"), out("grpc_python"), out("grpclib_python")])
            .args(CONTRACT)
            .args(STANDARD));
        let mut command = Command::new(python_program("python"));
        command.arg(tests().join("interop/python").join(client)).arg(self.path());
        command
    }

    /// `buf curl` over a protocol, with a descriptor set for the one that has no reflection.
    pub(super) fn buf_curl(&self, protocol: &str) -> Command {
        let descriptors = self.descriptors();
        let mut command = Command::new(python_program("python"));
        command.arg(tests().join("interop/python/buf_curl.py")).arg(python_program("buf")).arg(protocol);
        command.arg(descriptors).current_dir(self.path());
        command
    }

    /// Node's grpc-js, which reads the contract itself.
    pub(super) fn grpc_js(&self) -> Command {
        let mut command = Command::new("node");
        command.arg(tests().join("interop/node/grpc_js.mjs")).args(includes()).current_dir(self.path());
        command
    }

    /// Node's connect-node over a transport, with a descriptor set of the contract.
    pub(super) fn connect(&self, transport: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(tests().join("interop/node/connect.mjs")).arg(transport).arg(self.descriptors());
        command
    }

    /// A descriptor set of the contract, of the standard services and of the details of errors.
    fn descriptors(&self) -> PathBuf {
        let descriptors = self.path().join("contract.binpb");
        let out = with_path("--descriptor_set_out=", &descriptors);
        run(protoc_of_python().arg("--include_imports").arg(out).args(CONTRACT).args(STANDARD).args(DETAILS));
        descriptors
    }

    /// Java's grpc-netty of Debian.
    pub(super) fn java(&self) -> Command {
        let (sources, classes) = (self.path().join("sources"), self.path().join("classes"));
        std::fs::create_dir(&sources).unwrap();
        run(protoc()
            .arg(with_path("--java_out=", &sources))
            .arg(with_path("--grpc-java_out=", &sources))
            .arg(with_path("--plugin=protoc-gen-grpc-java=", &program("grpc_java_plugin").unwrap()))
            .args(CONTRACT)
            .args(STANDARD)
            .args(DETAILS));
        let files = files_below(&sources);
        // A compiler that lives for seconds does not repay being compiled to its best itself.
        run(Command::new("javac")
            .args(["-J-XX:TieredStopAtLevel=1", "-encoding", "UTF-8", "-proc:none", "-nowarn", "-d"])
            .arg(&classes)
            .env("CLASSPATH", class_path(&[]))
            .args(files)
            .arg(tests().join("interop/java/Probes.java")));
        let mut command = Command::new("java");
        command.envs(self.java_environment(&[&classes])).arg("Probes");
        command
    }

    /// What a Java program needs to find the packages of Debian. Debian's netty negotiates HTTP/2 by OpenSSL alone, whose
    /// library has another name there than netty looks for.
    pub(super) fn java_environment(&self, further: &[&Path]) -> [(&'static str, OsString); 2] {
        let library =
            Path::new("/usr/lib").join(format!("{}-linux-gnu/jni/libnetty-tcnative.so", std::env::consts::ARCH));
        std::fs::copy(&library, self.path().join("libnetty_tcnative.so"))
            .unwrap_or_else(|error| panic!("{}: {error}", library.display()));
        let options = with_path("-XX:TieredStopAtLevel=1 -Djava.library.path=", self.path());
        [("CLASSPATH", class_path(further)), ("JDK_JAVA_OPTIONS", options)]
    }

    /// Go's grpc-go of Debian.
    pub(super) fn go(&self) -> Command {
        let sources = self.path().join("src");
        std::fs::create_dir(&sources).unwrap();
        let out = |plugin: &str| with_path(&format!("--{plugin}_out="), &sources);
        run(protoc().args([out("go"), out("go-grpc")]).args(CONTRACT).args(STANDARD));
        let program = self.path().join("probes");
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&program).arg(tests().join("interop/go/probes.go"));
        run(build.envs(self.go_environment()));
        Command::new(program)
    }

    /// Go as Debian packages it: libraries are found by folder, without modules. What was compiled is kept by content.
    pub(super) fn go_environment(&self) -> [(&'static str, OsString); 4] {
        let mut path = self.path().as_os_str().to_owned();
        path.push(":/usr/share/gocode");
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-build");
        [("GO111MODULE", "off".into()), ("GOFLAGS", "".into()), ("GOPATH", path), ("GOCACHE", cache.into())]
    }
}

impl Need {
    /// What is missing, where it is.
    fn missing(self) -> Option<String> {
        match self {
            Self::Python(name) if std::env::var_os("HEYAN_TEST_PYTHON").is_none() => {
                Some(format!("{name} (HEYAN_TEST_PYTHON is not set)"))
            }
            Self::Python(name) => (!python_program(name).is_file()).then(|| name.into()),
            Self::Program(name) => program(name).is_none().then(|| name.into()),
            Self::File(path) => (!tests().join(path).exists()).then(|| path.into()),
        }
    }
}

const CONTRACT: [&str; 5] = [
    "heyan/v1/answer.proto",
    "heyan/v1/directory.proto",
    "heyan/v1/error.proto",
    "heyan/v1/verification.proto",
    "heyan/v1/vocabulary.proto",
];
const STANDARD: [&str; 3] =
    ["standard/health.proto", "standard/reflection_v1.proto", "standard/reflection_v1alpha.proto"];
const DETAILS: [&str; 2] = ["google/rpc/status.proto", "google/rpc/error_details.proto"];

/// Runs a program to its end, for two minutes at most; it must succeed. What it printed.
pub(super) fn run(command: &mut Command) -> String {
    let mut bounded = Command::new("timeout");
    bounded.arg("120").arg(command.get_program()).args(command.get_args());
    bounded.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        bounded.current_dir(folder);
    }
    let output = bounded.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{printed}{errors}", output.status);
    printed
}

/// The folder of this package.
pub(super) fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of the Python environment.
pub(super) fn python_program(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("HEYAN_TEST_PYTHON").unwrap_or_default()).with_file_name(name)
}

/// A program that the system finds.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn includes() -> [PathBuf; 3] {
    ["../proto", "../proto/third_party", "interop/proto"].map(|folder| tests().join(folder))
}

/// Debian's compiler of contracts, which fits Debian's libraries.
fn protoc() -> Command {
    let mut command = Command::new("protoc");
    command.args(includes().iter().map(|folder| with_path("-I", folder)));
    command
}

/// The compiler of contracts that comes with grpcio, which finds its plugins beside it.
fn protoc_of_python() -> Command {
    let mut command = Command::new(python_program("python"));
    let mut path = python_program("").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    command.env("PATH", path).args(["-m", "grpc_tools.protoc"]);
    command.args(includes().iter().map(|folder| with_path("-I", folder)));
    command
}

fn class_path(further: &[&Path]) -> OsString {
    let jars = JARS.map(|jar| PathBuf::from(format!("/usr/share/java/{jar}.jar")));
    std::env::join_paths(further.iter().copied().chain(jars.iter().map(PathBuf::as_path))).unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn with_path(option: &str, path: &Path) -> OsString {
    let mut argument = OsStr::new(option).to_owned();
    argument.push(path);
    argument
}
