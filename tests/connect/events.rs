//! Events, acknowledgements and the end of a session.

use crate::sandbox::{Background, Sandbox};
use crate::{connect, node};

fn socket_io(sandbox: &Sandbox, options: &str, code: &str) -> Background {
    node(
        sandbox,
        &format!(
            "const server = http.createServer(); const io = new Server(server, {{ {options} }}); {code} listen(server);"
        ),
    )
}

#[test]
fn our_own_server_greets_and_echoes() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let server = sandbox.serve("");
    let url = format!("https://localhost:{} --trust server-cert.pem", server.port);
    for transport in ["", "--transport polling", "--transport websocket"] {
        let run = connect(&sandbox, &format!("{url} {transport} --emit echo '{{\"a\":1.0}}' --ack"));
        run.connects(&[]);
        let event = run.of_type("event").next().expect("the welcome");
        assert_eq!((&event["event"], &event["args"][0]), (&"message".into(), &"Welcome to the secure server!".into()));
        assert_eq!(run.of_type("ack").next().expect("the answer")["args"][0]["a"], 1.0);
    }
    let text = sandbox.run(&format!("secure-io connect --quiet {url}")).success().stdout_text();
    assert_eq!(text, "Received: \"Welcome to the secure server!\"\n");
}

#[test]
fn attachments_go_out_and_come_back() {
    let sandbox = Sandbox::new();
    let server = socket_io(&sandbox, "", "io.on('connection', (s) => s.on('bytes', (b) => s.emit('back', b)));");
    sandbox.write("in.bin", [1, 2, 3, 255]);
    let run = connect(&sandbox, &format!("http://localhost:{} --emit bytes @in.bin --count 1 --save out", server.port));
    run.connects(&[]);
    assert_eq!(run.of_type("event").next().expect("the event")["attachments"][0]["bytes"], 4);
    assert_eq!(sandbox.read("out/back-1.bin"), [1, 2, 3, 255]);
}

#[test]
fn events_that_fail_have_their_causes() {
    let sandbox = Sandbox::new();
    let server = socket_io(
        &sandbox,
        "maxHttpBufferSize: 100",
        "io.on('connection', (s) => s.on('bye', () => s.disconnect(true)));",
    );
    let url = format!("http://localhost:{}", server.port);
    connect(&sandbox, &format!("{url} --emit nobody --ack --timeout 1s")).fails("event", "ack-timeout", 1);
    connect(&sandbox, &format!("{url} --emit bye --for 2s")).fails("event", "server-disconnect", 1);
    let long = "x".repeat(200);
    for transport in ["websocket", "polling"] {
        let run = connect(&sandbox, &format!("{url} --transport {transport} --emit big '\"{long}\"' --for 2s"));
        run.fails("event", "frame-too-large", 1);
    }
}

#[test]
fn a_blocked_server_misses_its_ping() {
    let sandbox = Sandbox::new();
    let code = "io.on('connection', () => { const end = Date.now() + 3000; while (Date.now() < end); });";
    let server = socket_io(&sandbox, "pingInterval: 300, pingTimeout: 200", code);
    let run = connect(&sandbox, &format!("http://localhost:{} --transport websocket --for 2s", server.port));
    run.fails("engine.io", "ping-timeout", 1);
}

#[test]
fn what_is_typed_is_emitted_and_what_is_no_json_is_said() {
    let sandbox = Sandbox::new();
    let server = socket_io(&sandbox, "", "io.on('connection', (s) => s.on('echo', (x) => s.emit('echo', x)));");
    let line = format!("secure-io connect --quiet http://localhost:{}", server.port);
    let outcome = sandbox.run_with(&line, "echo {\"a\":1}\n");
    assert_eq!(outcome.success().stdout_text(), "Received echo: {\"a\":1}\n");
    sandbox.run(&format!("{line} --emit echo hello")).exits(2).says("is not JSON");
}

#[test]
fn every_document_has_the_published_shape() {
    let sandbox = Sandbox::new();
    let server = socket_io(&sandbox, "", "io.on('connection', (s) => s.emit('message', 'hi', Buffer.from([1])));");
    let run = connect(&sandbox, &format!("http://localhost:{} --frames --count 1", server.port));
    run.connects(&[]);
    let schema = secure_io::files::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json/connect.json").as_ref())
        .expect("a schema");
    let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).expect("JSON")).expect("a schema");
    for document in &run.documents {
        assert!(schema.is_valid(document), "{document:#}");
    }
    assert!(run.of_type("packet").count() > 3);
}
