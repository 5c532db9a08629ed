//! Events that are typed at a terminal: a pseudoterminal that Python opens.

use crate::node;
use crate::sandbox::Sandbox;

#[test]
fn lines_are_edited_while_events_come() {
    let sandbox = Sandbox::new();
    let server = node(
        &sandbox,
        "const server = http.createServer(); const io = new Server(server);
         io.on('connection', (s) => {
           let count = 0;
           s.emit('message', 'welcome');
           setTimeout(() => s.emit('tick', ++count), 700);
           s.on('tick', () => s.emit('tick', ++count));
           s.on('late', (x) => s.emit('late', x));
           s.on('echo', (x, done) => done?.(x));
         });
         io.of('/chat').on('connection', (s) => {
           s.on('where', () => s.emit('here', '/chat'));
           s.on('bye', () => s.disconnect(true));
         });
         listen(server);",
    );
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/connect/terminal.py");
    let binary = env!("CARGO_BIN_EXE_secure-io");
    for (end, exit) in [("quit", 0), ("bye", 1)] {
        let said = sandbox.ok(&format!("python3 {script} {binary} http://localhost:{} {end}", server.port));
        assert_eq!(said.trim(), format!("exit {exit} canonical True echo True"), "{end}");
    }
}
