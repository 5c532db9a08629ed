//! Several runs behind one port.

use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use crate::{Run, curl, free_port, site, telling};

/// Asks until the answer contains the text.
#[track_caller]
fn wait_for(sandbox: &Sandbox, url: &str, text: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let seen = sandbox.run(&curl(url));
        if seen.stdout_text().contains(text) {
            return;
        }
        assert!(Instant::now() < deadline, "{}{}", seen.stdout_text(), seen.stderr);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn three(sandbox: &Sandbox, port: u16) -> [Run; 3] {
    ["one", "two", "three"].map(|name| Run::start(sandbox, name, port, "node server.cjs"))
}

#[test]
fn several_runs_share_a_port_and_are_listed() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    let port = free_port();
    let runs = three(&sandbox, port);
    for run in &runs {
        assert!(run.get(&sandbox, "/").contains(&run.url), "{}", run.url);
    }
    let listed = sandbox.ok("secure-io run --list --json");
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let servers = listed["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 3, "{listed}");
    let one = servers.iter().find(|server| server["url"] == runs[0].url.as_str()).unwrap();
    assert_eq!(one["command"], "node server.cjs");
    assert_eq!(one["pid"], runs[0].id());
    assert_eq!(one["folder"], sandbox.path("").to_str().unwrap().trim_end_matches('/'));
    let text = sandbox.ok("secure-io run --list");
    assert!(text.contains(&format!("{}\n  http://127.0.0.1:", runs[1].url)), "{text}");
    let line = format!("secure-io run two --port {port} -- true");
    let refused = sandbox.run(&line).exits(2);
    refused
        .says("https://two.localhost:")
        .says(" is served already, for `node server.cjs` in ")
        .says("run two-2 --port");
}

/// The one that has the port ends: by itself, by a signal that it cannot handle.
#[test]
fn when_the_first_ends_the_others_take_the_port_over() {
    for signal in ["TERM", "KILL"] {
        let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
        let port = free_port();
        let [mut first, mut second, mut third] = three(&sandbox, port);
        let pid = serde_json::from_str::<serde_json::Value>(&first.get(&sandbox, "/")).unwrap()["pid"].clone();
        first.signal(&sandbox, signal);
        if signal == "KILL" {
            // Its command runs on, and holds the pipe that is read to the end.
            sandbox.ok(&format!("kill {pid}"));
        }
        first.end();
        for run in [&mut second, &mut third] {
            wait_for(&sandbox, &run.url, &run.url);
            run.background().wait_for("The run that had the port has ended: ");
        }
        let listed = sandbox.ok("secure-io run --list");
        assert!(!listed.contains("one.localhost") && listed.contains("three.localhost"), "{listed}");
        // A new one joins whoever has the port now.
        let again = Run::start(&sandbox, "four", port, "node server.cjs");
        assert!(again.get(&sandbox, "/").contains("four.localhost"));
    }
}

#[test]
fn nobody_runs_and_that_is_said() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok("secure-io run --list --json"), "{\"servers\":[]}\n");
    sandbox.run("secure-io run --list").success().says("no dev server runs");
}

#[test]
fn a_port_of_another_program_is_named() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = sandbox.run(&format!("secure-io run app --port {port} -- true")).exits(2);
    refused.says(&format!("127.0.0.1:{port} is in use")).says("secure-io run app --port ");
}
