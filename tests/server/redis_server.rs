//! Debian's Redis, each in a folder of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than it takes to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Redis that ends with the test.
pub(crate) struct Redis {
    folder: TempDir,
    pub(crate) port: u16,
    flags: Vec<String>,
    process: Child,
}

impl Redis {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), free_port(), flags)
    }

    /// Listens on the port, or with the flag `--port 0` on the one for TLS that another flag names.
    pub(crate) fn in_folder(folder: TempDir, port: u16, flags: &[&str]) -> Self {
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let process = spawn(folder.path(), port, &flags);
        Self { folder, port, flags, process }
    }

    /// A sentinel whose configuration, `sentinel.conf`, is in the folder.
    pub(crate) fn sentinel(folder: TempDir, port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command.current_dir(folder.path()).args(["sentinel.conf", "--sentinel", "--port", &port.to_string()]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redis-server is installed");
        await_port(port);
        Self { folder, port, flags: Vec::new(), process }
    }

    /// Makes a cluster of servers with the flag `--cluster-enabled`.
    pub(crate) fn join(nodes: &[Self]) {
        let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(addresses).arg("--cluster-yes");
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        for node in nodes {
            node.until("CLUSTER INFO", |answer| answer.contains("cluster_state:ok"));
        }
    }

    /// Waits until it is the copy of another.
    pub(crate) fn until_replicating(&self) {
        self.until("INFO replication", |answer| answer.contains("master_link_status:up"));
    }

    /// Waits until a sentinel knows one of what it is to know about the master.
    pub(crate) fn until_known(&self, what: &str) {
        self.until("SENTINEL MASTER mymaster", |answer| answer.contains(&format!("{what}\n1\n")));
    }

    fn until(&self, question: &str, is_so: impl Fn(&str) -> bool) {
        let start = Instant::now();
        let ask = || {
            let mut command = Command::new("redis-cli");
            command.args(["-p", &self.port.to_string()]).args(question.split(' '));
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        };
        while !is_so(&ask()) {
            assert!(start.elapsed() < PATIENCE, "{question}: {}", ask());
            sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(self.folder.path(), self.port, &self.flags);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn spawn(folder: &Path, port: u16, flags: &[String]) -> Child {
    let port_flag = if flags.iter().any(|flag| flag == "--tls-port") { 0 } else { port };
    let mut command = Command::new("redis-server");
    command.current_dir(folder).args(["--bind", "127.0.0.1", "--save", "", "--port", &port_flag.to_string()]);
    command.args(flags).stdout(Stdio::null()).stderr(Stdio::null());
    let process = command.spawn().expect("Debian's redis-server is installed");
    await_port(port);
    process
}

fn await_port(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
        assert!(start.elapsed() < PATIENCE, "Redis does not start");
        sleep(Duration::from_millis(10));
    }
}

pub(crate) fn free_port() -> u16 {
    // Redis and its cluster bus, 10,000 above, are to find theirs free.
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        if port < 50_000 {
            return port;
        }
    }
}
