//! The servers, as processes.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::{raw, run};

/// Server under test.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Ours,
    Node,
    /// hyper, rustls and tungstenite alone.
    Raw,
    /// Ours with a trusted proxy, metrics, limits and Redis.
    Guarded,
}

impl Side {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Node, Self::Raw, Self::Guarded];
}

/// The folder with the certificate that both show.
pub(crate) struct Bench {
    folder: TempDir,
    node: PathBuf,
    /// Ended with the bench.
    _redis: Redis,
}

/// A Redis that is stopped when this is dropped.
struct Redis(Child);

impl Redis {
    const PORT: &str = "46379";

    fn start() -> Self {
        let mut command = Command::new("redis-server");
        command.args(["--port", Self::PORT, "--save", ""]).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("Debian's redis-server is installed"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Bench {
    /// Makes the certificate and installs Node's packages where they are missing.
    pub(crate) fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(secure_io()
            .args(["gen-cert", "localhost"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null()));
        let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/node");
        if !node.join("node_modules/socket.io").exists() {
            run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&node));
        }
        let redis = Redis::start();
        pin(redis.0.id(), 1);
        Self { folder, node, _redis: redis }
    }

    /// Starts a server on a core of its own and waits until it is ready.
    pub(crate) fn start(&self, side: Side) -> Server {
        let mut command = match side {
            Side::Ours => {
                let mut command = secure_io();
                command.args(["serve", "--port", "0", "--cert", "server-cert.pem", "--key", "server-key.pem"]);
                command
            }
            Side::Guarded => {
                let mut command = secure_io();
                command.args(["serve", "--port", "0", "--cert", "server-cert.pem", "--key", "server-key.pem"]);
                command.args([
                    "--trusted-proxy",
                    "10.0.0.0/8",
                    "--metrics",
                    "127.0.0.1:0",
                    "--max-connections",
                    "20000",
                ]);
                command.args(["--max-connections-per-client", "20000", "--max-handshakes", "1000"]);
                command.args(["--max-events", "1000000", "--redis", &format!("redis://127.0.0.1:{}", Redis::PORT)]);
                command
            }
            Side::Raw => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args([raw::WORD, "server-cert.pem", "server-key.pem"]);
                command
            }
            Side::Node => {
                let mut command = Command::new("node");
                command.arg(self.node.join("server.mjs")).args(["server-cert.pem", "server-key.pem", "0"]);
                command
            }
        };
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::piped());
        Server::start(&mut command)
    }
}

/// Ours, in the one place to change.
fn secure_io() -> Command {
    Command::new(env!("CARGO_BIN_EXE_secure-io"))
}

/// A server that is stopped when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut process = pinned(command, 0).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        // Its log is read to the end, lest it wait for a reader.
        thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                sender.send(line).ok();
            }
        });
        let port = loop {
            let line = receiver.recv_timeout(Duration::from_secs(30)).expect("a server that gets ready");
            if let Some((_, port)) = line.split_once("https://localhost:") {
                break port.trim().parse().unwrap();
            }
        };
        Self { process, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// The memory it takes up, in KiB.
    pub(crate) fn memory(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor time it has used, in microseconds.
    pub(crate) fn processor_time(&self) -> f64 {
        let stat = self.proc("stat");
        // Behind the name in brackets: field 14 is user time, 15 system time, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() * 10_000.0).sum()
    }

    #[expect(clippy::disallowed_methods, reason = "what the kernel says")]
    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The same command on a core, where that can be chosen.
fn pinned(command: &mut Command, core: usize) -> Command {
    let can_choose = Command::new("taskset").arg("-V").stdout(Stdio::null()).status().is_ok();
    let mut pinned = Command::new(if can_choose { "taskset" } else { "env" });
    if can_choose {
        pinned.args(["-c", &core.to_string()]);
    }
    pinned.arg(command.get_program()).args(command.get_args());
    pinned.current_dir(command.get_current_dir().unwrap()).stdout(Stdio::null()).stderr(Stdio::piped());
    pinned
}

/// Keeps a process that runs to a core.
pub(crate) fn pin(process: u32, core: usize) {
    let mut command = Command::new("taskset");
    command.args(["-c", "-p", &core.to_string(), &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().ok();
}
