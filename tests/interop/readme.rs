//! The README's block that its reader came for: from `ca init` to Express and Socket.IO that Chromium trusts.

use std::net::TcpListener;
use std::path::Path;

use secure_io::files;

use crate::sandbox::Sandbox;
use crate::trust::browse;

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");

/// The block behind the comment that names this file.
fn block() -> String {
    let readme = files::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))).expect("the README is here");
    let readme = String::from_utf8_lossy(&readme).into_owned();
    let (_, behind) =
        readme.split_once("<!-- run by tests/interop/readme.rs -->\n```sh\n").expect("the block is there");
    behind.split_once("\n```").expect("the block ends").0.to_owned()
}

/// The packages of npm that the block installs are those of the tests.
#[track_caller]
fn check_packages(line: &str) {
    let known =
        String::from_utf8_lossy(&files::read(&Path::new(NODE).join("package.json")).expect("a file")).into_owned();
    for name in line.split_whitespace().skip(2) {
        assert!(known.contains(&format!("\"{name}\":")), "{name} is not among the packages of tests/node");
    }
}

/// As pasted, apart from the packages, which are installed already, the port, and the stores: the machine's own stay as
/// they are.
#[test]
fn the_block_that_people_came_for_ends_with_a_padlock() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink(Path::new(NODE).join("node_modules"), sandbox.path("node_modules")).expect("a link");
    let port =
        TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port();
    let program = Path::new(env!("CARGO_BIN_EXE_secure-io")).parent().expect("it is in a folder");
    let mut script = format!("set -e\nexport PATH={}:$PATH\n", program.display());
    for line in block().lines() {
        let line = line.replace("3000", &port.to_string());
        match line.split_whitespace().take(3).collect::<Vec<_>>()[..] {
            ["npm", "install", _] => check_packages(&line),
            ["secure-io", "ca", "trust"] => script.push_str("secure-io ca trust --store chromium\n"),
            // So that what is ended is Node, and not the shell alone.
            ["node", _] => script.extend(["exec ", &line, "\n"]),
            _ => script.extend([&*line, "\n"]),
        }
    }
    sandbox.write("readme.sh", script);
    let mut server = sandbox.start("bash readme.sh", "https://localhost:");
    assert_eq!(server.port, port);
    browse(&sandbox, "chromium", "chromium", &[(&server.url(), "secure=true Hello over TLS!")]);
    let connected = sandbox.run(&format!("secure-io connect {} --count 1", server.url())).success();
    connected.says("Received: \"Welcome to the secure server!\"");
    server.wait_for("A user connected via websocket");
}
