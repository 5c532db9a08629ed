//! Events that are typed at a terminal: a pseudoterminal that Python opens.

use std::net::TcpListener;

use crate::node;
use crate::sandbox::Sandbox;

/// Types into `connect` until this end; returns the exit status, and whether the terminal edits lines by itself again.
fn typed(sandbox: &Sandbox, term: &str, end: &str, port: u16) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/connect/terminal.py");
    let binary = env!("CARGO_BIN_EXE_secure-io");
    let command = format!("{binary} connect --timeout 2s http://127.0.0.1:{port}");
    sandbox.ok(&format!("python3 {script} {term} {end} {command}")).trim().to_owned()
}

#[test]
fn lines_are_edited_while_events_come() {
    let sandbox = Sandbox::new();
    let server = node(
        &sandbox,
        "const server = http.createServer(); const io = new Server(server);
         io.on('connection', (s) => {
           let count = 0;
           s.emit('message', 'welcome');
           s.on('soon', () => setTimeout(() => s.emit('tick', ++count), 300));
           s.on('tick', () => s.emit('tick', ++count));
           s.on('late', (x) => s.emit('late', x));
           s.on('echo', (x, done) => done?.(x));
           s.on('bye', () => s.disconnect(true));
         });
         io.of('/chat').on('connection', (s) => {
           s.on('where', () => s.emit('here', '/chat'));
           s.on('bye', () => s.disconnect(true));
         });
         listen(server);",
    );
    for (term, end, exit) in [
        ("xterm", "/quit", 0),
        ("xterm", "Ctrl-D", 0),
        ("xterm", "Ctrl-C", 0),
        ("xterm", "bye", 1),
        ("dumb", "/quit", 0),
    ] {
        assert_eq!(typed(&sandbox, term, end, server.port), format!("exit {exit} edits True"), "{term} {end}");
    }
}

/// A failure before the connection once was to be printed through an editor that nobody needed.
#[test]
fn a_failure_at_a_terminal_is_printed_as_elsewhere() {
    let sandbox = Sandbox::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(typed(&sandbox, "xterm", "refused", free), "exit 2 edits True");
}
