//! On a terminal the command finds what it would find without us.

use crate::sandbox::Sandbox;
use crate::{free_port, survivors};

/// Counts the signals that it gets, and says whose terminal it is.
const COMMAND: &str = r#"
import os, signal, sys, time
count = 0
def handle(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, handle)
print("terminal", os.isatty(0), os.isatty(1), os.isatty(2))
print("foreground", os.tcgetpgrp(0) == os.getpgrp())
sys.stdout.flush()
print("typed", input("type: "))
print("now")
sys.stdout.flush()
end = time.monotonic() + 50
while count == 0 and time.monotonic() < end:
    time.sleep(0.01)
# A second one would come at once.
time.sleep(0.5)
print("signals", count)
sys.exit(40 + count)
"#;

fn on_terminal(sandbox: &Sandbox, text: &str, action: &str, command: &str) -> (String, String) {
    sandbox.ok("secure-io ca init --quiet");
    let url = format!("https://app.localhost:{}", free_port());
    let port = url.rsplit(':').next().unwrap();
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run_command/terminal.py");
    let program = env!("CARGO_BIN_EXE_secure-io");
    let line = format!("python3 {harness} '{text}' '{action}' {program} run app --port {port} -- {command}");
    (sandbox.ok(&line), url)
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let sandbox = Sandbox::new();
    sandbox.write("command.py", COMMAND.replace("print(\"typed\", input(\"type: \"))\n", ""));
    let (seen, url) = on_terminal(&sandbox, "now", r"keys:\x03", "python3 -u command.py");
    assert!(seen.contains("terminal True True True") && seen.contains("foreground True"), "{seen}");
    assert!(seen.contains("signals 1") && seen.contains("exit: 41"), "{seen}");
    assert!(survivors(&url).is_empty());
}

/// `kill -INT` reaches this program alone, which passes it on; Ctrl-C reaches both.
#[test]
fn a_signal_from_another_process_reaches_the_command_once() {
    let sandbox = Sandbox::new();
    sandbox.write("command.py", COMMAND.replace("print(\"typed\", input(\"type: \"))\n", ""));
    let (seen, _) = on_terminal(&sandbox, "now", "kill:2", "python3 -u command.py");
    assert!(seen.contains("signals 1") && seen.contains("exit: 41"), "{seen}");
}

/// In a group of its own the command would be stopped when it reads a key.
#[test]
fn keys_reach_the_command() {
    let sandbox = Sandbox::new();
    let script = "import sys\nprint('typed', input('type: '))\nsys.exit(9)\n";
    sandbox.write("command.py", script);
    let (seen, _) = on_terminal(&sandbox, "type: ", r"keys:hello\n", "python3 -u command.py");
    assert!(seen.contains("typed hello") && seen.contains("exit: 9"), "{seen}");
}

#[test]
fn ctrl_c_ends_a_command_that_does_not_handle_it() {
    let sandbox = Sandbox::new();
    sandbox.write("command.sh", "echo now; sleep 1000 & wait");
    let (seen, url) = on_terminal(&sandbox, "now", r"keys:\x03", "sh command.sh");
    assert!(seen.contains("exit: 130"), "{seen}");
    assert!(survivors(&url).is_empty());
}

/// The first run offers to make browsers trust the CA that it makes, and starts the command without an answer, too.
#[test]
fn the_offer_to_trust_the_new_ca_can_be_declined() {
    let sandbox = Sandbox::new();
    sandbox.write("command.sh", "echo started; exit 3");
    let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run_command/terminal.py");
    let (program, port) = (env!("CARGO_BIN_EXE_secure-io"), free_port());
    let line = format!("python3 {harness} 'trust it?' 'keys:n\\n' {program} run app --port {port} -- sh command.sh");
    let seen = sandbox.ok(&line);
    assert!(seen.contains("started") && seen.contains("exit: 3"), "{seen}");
    assert!(!sandbox.exists(".pki") && !sandbox.exists(".local/share/pki"), "nothing was changed");
}
