//! The command: text, JSON, thresholds, selection, servers that cannot be reached.

use insta::assert_snapshot;
use secure_io::files;

use crate::sandbox::Sandbox;
use crate::server::{free_port, node, openssl, prepared};
use crate::stub::Stub;

/// Takes the port and the time out of a report.
fn without_port(text: &str, port: u16) -> String {
    let text = text.replace(&port.to_string(), "PORT");
    regex::Regex::new(r"\d+\.\d s").expect("a pattern").replace_all(&text, "TIME s").into_owned()
}

#[test]
fn the_report_says_first_what_would_change_the_grade() {
    let sandbox = prepared();
    let server = openssl(&sandbox, "-cert rsa.pem -key rsa.key -www -tls1_2 -cipher ECDHE+AESGCM");
    let outcome = sandbox.run(&format!("secure-io check --trust rsa.pem localhost:{}", server.port));
    assert_snapshot!(without_port(&outcome.to_string(), server.port), @"");
}

#[test]
fn a_server_that_is_not_there_is_a_finding_and_exit_2() {
    let sandbox = Sandbox::new();
    let port = free_port();
    let outcome = sandbox.run(&format!("secure-io check localhost:{port}"));
    assert_snapshot!(without_port(&outcome.to_string(), port), @"");
}

#[test]
fn what_is_no_tls_is_named() {
    let sandbox = Sandbox::new();
    for (script, id) in [
        ("require('http').createServer((req, res) => res.end('ok'))", "plain-http"),
        ("require('net').createServer(socket => socket.end('220 mail\\r\\n'))", "not-tls"),
        ("require('net').createServer(socket => socket.destroy())", "closed-at-once"),
        ("require('net').createServer(socket => socket.once('data', () => socket.destroy()))", "tls-reset"),
    ] {
        let ready = "server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port))";
        sandbox.write("other.cjs", format!("const server = {script}; {ready}"));
        let server = sandbox.start("node other.cjs", "ready on");
        let outcome = sandbox.run(&format!("secure-io check --json localhost:{}", server.port)).exits(2);
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
        assert_eq!(report["targets"][0]["findings"][0]["id"], id, "{report:#}");
        assert_eq!(report["exit"], 2);
    }
}

#[test]
fn thresholds_decide_the_exit_status() {
    let sandbox = prepared();
    let server = node(&sandbox, "maxVersion: 'TLSv1.2'", "res.end('ok')");
    let check = |flags: &str| sandbox.run(&format!("secure-io check -q {flags} localhost:{}", server.port));
    check("").exits(0);
    check("--fail-below A-").exits(0);
    check("--fail-below A").exits(1);
    check("--fail-on error").exits(0);
    check("--fail-on warning").exits(1);
    check("--fail-on warning --skip no-tls1-3").exits(0);
    check("--fail-on warning --only expired").exits(0);
    check(&format!("--fail-on warning localhost:{}", free_port())).exits(2);
}

#[test]
fn an_unknown_id_is_refused_before_a_server_is_asked() {
    assert_snapshot!(Sandbox::new().run("secure-io check --only no-such-check localhost:1"), @"");
}

#[test]
fn checks_are_listed() {
    let list = Sandbox::new().ok("secure-io check --list");
    for id in ["ssl2", "incomplete-chain", "early-data", "hsts-on-localhost"] {
        assert!(list.lines().any(|line| line.starts_with(&format!("{id} "))), "{id}: {list}");
    }
}

#[test]
fn several_servers_end_with_a_table() {
    let sandbox = prepared();
    let server = node(&sandbox, "", "res.end('ok')");
    let stub = Stub { suites: vec![0x0005], ..Stub::default() }.start();
    let outcome = sandbox.run(&format!("secure-io check localhost:{} localhost:{stub}", server.port)).success();
    let text = outcome.stdout_text();
    let table: Vec<_> = text.lines().rev().take(3).collect();
    assert!(table[2].starts_with("target") && table[1].contains(" A ") && table[0].contains(" F "), "{text}");
}

/// What is printed is what the published schema promises, also of servers that cannot be reached.
#[test]
fn json_keeps_to_its_schema() {
    let sandbox = prepared();
    let server = node(&sandbox, "", "res.setHeader('set-cookie', 'a=b'); res.end('ok')");
    let outcome = sandbox.run(&format!("secure-io check --json localhost:{} localhost:{}", server.port, free_port()));
    let json = serde_json::from_str(&outcome.exits(2).stdout_text()).expect("JSON");
    let path = format!("{}/docs/json/check.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_slice(&files::read(path.as_ref()).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{json:#}");
}
