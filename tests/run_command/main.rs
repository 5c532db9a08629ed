//! `secure-io run` with dev servers as people start them: by npm, by Python, on a terminal and without one.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which writes files for other programs")]

mod door;
mod ending;
mod environment;
mod listening;
#[path = "../cli/sandbox.rs"]
#[allow(dead_code, reason = "the part that is used here")]
mod sandbox;
mod servers;
mod sharing;
mod terminal;

use std::fs;
use std::net::TcpListener;

use sandbox::{Background, Sandbox};

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");

/// The local CA's root, below a home folder without settings.
const ROOT: &str = ".local/share/secure-io/ca/root.pem";

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A folder with the npm packages of the tests, and this server.
fn site(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink(format!("{NODE}/node_modules"), sandbox.path("node_modules")).unwrap();
    for (name, content) in files {
        fs::create_dir_all(sandbox.path(name).parent().unwrap()).unwrap();
        sandbox.write(name, content);
    }
    sandbox
}

/// A server of Node that tells its environment, on the port that the expression gives.
fn telling(port: &str) -> String {
    format!(
        r#"
const http = require("node:http");
const server = http.createServer((request, response) => {{
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({{ pid: process.pid, headers: request.headers, environment: process.env }}));
}});
server.listen({port}, "127.0.0.1");
"#
    )
}

/// `run`, with its URL.
struct Run {
    /// `None` once its end has been waited for.
    background: Option<Background>,
    url: String,
}

/// A killed `run` would leave its dev server behind: it is asked to end, unless the test has done so.
impl Drop for Run {
    fn drop(&mut self) {
        let Some(background) = self.background.take() else { return };
        let asked = std::process::Command::new("kill").args(["-TERM", &background.id().to_string()]).status();
        if asked.is_ok_and(|status| status.success()) && !std::thread::panicking() {
            background.end();
        }
    }
}

impl Run {
    /// Starts it and waits for the dev server.
    #[track_caller]
    fn start(sandbox: &Sandbox, name: &str, port: u16, command: &str) -> Self {
        Self::with(sandbox, name, port, "", command)
    }

    /// The same with flags.
    #[track_caller]
    fn with(sandbox: &Sandbox, name: &str, port: u16, flags: &str, command: &str) -> Self {
        let url = format!("https://{name}.localhost:{port}");
        // A shell starts what runs in its background with signals ignored, and so may whoever starts the tests.
        let program = env!("CARGO_BIN_EXE_secure-io");
        let line = format!("env --default-signal=INT,QUIT,HUP {program} run {name} --port {port} {flags} -- {command}");
        Self {
            background: Some(sandbox.start(&line, &format!("Secure server is running on {url}, in front of "))),
            url,
        }
    }

    /// Asks for a page, as a program that trusts the local CA and nobody else.
    #[track_caller]
    fn get(&self, sandbox: &Sandbox, path: &str) -> String {
        sandbox.ok(&curl(&format!("{}{path}", self.url)))
    }

    fn background(&mut self) -> &mut Background {
        self.background.as_mut().unwrap()
    }

    fn id(&self) -> u32 {
        self.background.as_ref().unwrap().id()
    }

    #[track_caller]
    fn signal(&self, sandbox: &Sandbox, signal: &str) {
        sandbox.ok(&format!("kill -{signal} {}", self.id()));
    }

    /// Waits for its end; returns its status and all that it said.
    #[track_caller]
    fn end(&mut self) -> (std::process::ExitStatus, String) {
        self.background.take().unwrap().end()
    }
}

fn curl(url: &str) -> String {
    format!("curl -sS --fail --max-time 50 --cacert {ROOT} {url}")
}

/// The processes that were started behind a URL and are there still, whatever has become of their parents.
fn survivors(url: &str) -> Vec<String> {
    let variable = format!("SECURE_IO_URL={url}\0");
    let is_one = |folder: &std::path::PathBuf| {
        let environment = fs::read(folder.join("environ")).unwrap_or_default();
        environment.windows(variable.len()).any(|part| part == variable.as_bytes())
    };
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(is_one);
    processes.map(|folder| fs::read_to_string(folder.join("cmdline")).unwrap_or_default()).collect()
}
