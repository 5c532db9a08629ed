//! How `run` ends, and that nothing of the command is left then.

use crate::sandbox::Sandbox;
use crate::{Run, free_port, site, survivors, telling};

#[track_caller]
fn exits(command: &str, status: i32) {
    let sandbox = Sandbox::new();
    sandbox.write("command.sh", command);
    let port = free_port();
    sandbox.run(&format!("secure-io run app --port {port} -- sh command.sh")).exits(status);
    let left = survivors(&format!("https://app.localhost:{port}"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_exit_status_is_that_of_the_command() {
    exits("exit 0", 0);
    exits("exit 7", 7);
    exits("kill -9 $$", 137);
    exits("kill -TERM $$", 143);
}

#[test]
fn a_command_that_cannot_be_started_is_named() {
    let sandbox = Sandbox::new();
    let line = format!("secure-io run app --port {} -- no-such-program", free_port());
    sandbox.run(&line).exits(2).says("cannot start `no-such-program`");
}

/// Compilers, watchers and servers that their parents forget keep the port, and the next start fails.
#[test]
fn processes_that_the_command_leaves_behind_are_ended() {
    exits("sleep 1000 & exit 3", 3);
    exits("setsid sh -c 'sleep 1000 & sleep 1000' & sleep 0.2; exit 4", 4);
    exits("(setsid setsid sleep 1000 &) ; sleep 0.2; exit 5", 5);
    // One that does not want to.
    exits("sh -c 'trap \"\" TERM; sleep 1000 & wait; sleep 1000' & sleep 0.2; exit 6", 6);
}

/// npm alone does not pass a signal on to what it started.
#[test]
fn a_signal_ends_everything_below_npm() {
    let package = r#"{"name": "app", "scripts": {"dev": "node server.cjs"}}"#;
    for signal in ["TERM", "INT", "HUP"] {
        let sandbox = site(&[("server.cjs", &telling("process.env.PORT")), ("package.json", package)]);
        let mut run = Run::start(&sandbox, "app", free_port(), "npm run dev");
        run.signal(&sandbox, signal);
        let (ended, said) = run.end();
        assert!(ended.code().is_some_and(|code| code != 0), "{signal}: {ended} {said}");
        assert!(survivors(&run.url).is_empty(), "{signal}: {:?}", survivors(&run.url));
    }
}

#[test]
fn a_signal_is_the_commands_to_answer() {
    let script = "trap 'echo stopping; exit 12' TERM; echo ready :1; while :; do sleep 0.05; done";
    let sandbox = site(&[("command.sh", script)]);
    let port = free_port();
    let run = sandbox.start(&format!("secure-io run app --port {port} -- sh command.sh"), "ready :");
    sandbox.ok(&format!("kill -TERM {}", run.id()));
    let (ended, said) = run.end();
    assert_eq!(ended.code(), Some(12), "{said}");
    assert!(said.contains("stopping"), "{said}");
}

#[test]
fn a_command_that_is_killed_ends_the_run() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    let mut run = Run::start(&sandbox, "app", free_port(), "node server.cjs");
    let seen: serde_json::Value = serde_json::from_str(&run.get(&sandbox, "/")).unwrap();
    sandbox.ok(&format!("kill -KILL {}", seen["pid"]));
    let (ended, said) = run.end();
    assert_eq!(ended.code(), Some(137), "{said}");
}

/// npm and npx end at a signal, and pass it on to nobody.
#[test]
fn the_end_of_npm_ends_the_run() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    let (port, program) = (free_port(), env!("CARGO_BIN_EXE_secure-io"));
    sandbox
        .write("npm.sh", format!("export npm_execpath=npm; {program} run app --port {port} -- node server.cjs; true"));
    let url = format!("https://app.localhost:{port}");
    let shell = sandbox.start("sh npm.sh", &format!("Secure server is running on {url}, in front of "));
    assert!(!survivors(&url).is_empty());
    sandbox.ok(&format!("kill -KILL {}", shell.id()));
    shell.end();
    assert!(survivors(&url).is_empty(), "{:?}", survivors(&url));
}

/// A dev server that outlives its test has the port and the folder of the next.
#[test]
fn what_a_test_starts_ends_with_it_and_all_below_it() {
    let script = "echo ready :1; sleep 1000 & sh -c 'sleep 1000 & echo below $! $$; wait' & wait";
    for panics in [false, true] {
        let sandbox = site(&[("command.sh", script)]);
        let mut shell = sandbox.start("sh command.sh", "ready :");
        let line = shell.wait_for("below ");
        let below: Vec<_> = line.split(' ').skip(1).map(|pid| format!("/proc/{pid}/cwd")).collect();
        // The folder of a process that has ended cannot be read, though it may not have been waited for yet.
        let is_there = |cwd: &String| std::fs::read_link(cwd).is_ok();
        assert!(below.len() == 2 && below.iter().all(is_there), "{line}");
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _shell = shell;
            assert!(!panics, "a test that fails");
        }));
        assert_eq!(ended.is_err(), panics);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while below.iter().any(is_there) {
            assert!(std::time::Instant::now() < deadline, "{below:?}");
        }
    }
}
