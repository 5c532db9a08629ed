//! The command: text, JSON, thresholds, selection, servers that cannot be reached.

use std::process::Stdio;

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use secure_io::files;

use crate::sandbox::Sandbox;
use crate::server::{check, free_port, node, openssl, prepared, start_when_open};
use crate::stub::Stub;

/// Takes the port and the time out of a report.
fn without_port(text: &str, port: u16) -> String {
    let text = text.replace(&port.to_string(), "PORT");
    regex::Regex::new(r"time +\d+\.\d s").expect("a pattern").replace_all(&text, "time TIME").into_owned()
}

#[test]
fn the_report_says_first_what_would_change_the_grade() {
    let sandbox = prepared();
    let server = openssl(&sandbox, "-cert rsa.pem -key rsa.key -www -tls1_2 -cipher ECDHE+AESGCM");
    let outcome = sandbox.run(&format!("secure-io check --trust rsa.pem localhost:{}", server.port));
    assert_snapshot!(without_port(&outcome.to_string(), server.port), @r#"
    $ secure-io check --trust rsa.pem localhost:PORT
    exit: 0
    --- stdout
    localhost:[PORT] (127.0.0.1:[PORT])
        grade        A- (SSL Labs 2009r)
        score        0.3 × 100 (protocols) + 0.3 × 90 (key exchange) + 0.4 × 90 (ciphers) = 93
                     A- at best: TLS 1.3 is not offered (2009r)
                     A at best: HSTS is absent or shorter than 6 months (2009e)
        TLSRef 6.0   neither modern nor intermediate
                     not intermediate: TLS 1.3 is not offered
                     not intermediate: groups beyond the profile: X448, secp521r1
        warning      no-tls1-3: TLS 1.3 is not offered: handshakes take longer, and the grade is A- at best
          sent         ClientHello of TLS 1.3
          received     alert protocol_version, 70
          fix          offer TLS 1.3 as well. nginx, in the default server of the port: `ssl_protocols TLSv1.2 TLSv1.3;`; HAProxy, in global, unless the bind line has its own: `ssl-default-bind-options ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3`; Caddy, inside the block of the site's tls line: `protocols tls1.2 tls1.3`; Node: `https.createServer({ maxVersion: 'TLSv1.3', … })`
          see          docs/failures/no-tls1-3.md (SSL Labs 2009r; RFC 9325 section 3.1.1)
        note         csp-missing: no Content-Security-Policy: a script that gets into the page may load from and send to anywhere
        note         nosniff-missing: no X-Content-Type-Options: nosniff
        note         frame-ancestors-missing: neither frame-ancestors nor X-Frame-Options: other sites may show the page in a frame
        note         plain-unanswered: a request by http:// or ws:// on this port gets no answer that says why it fails
        note         not-engine-io: the server answers 200 with an HTML page, not with Engine.IO's open packet
        TLS 1.2      TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 (client's order)
        refused      SSL 2.0, SSL 3.0, TLS 1.0, TLS 1.1, TLS 1.3
        groups       X25519, secp256r1, X448, secp384r1, secp521r1
        resumption   yes
        stapled      no
        chain        CN=localhost
        time TIME
    "#);
}

#[test]
fn a_server_that_is_not_there_is_a_finding_and_exit_2() {
    let sandbox = Sandbox::new();
    let port = free_port();
    let outcome = sandbox.run(&format!("secure-io check localhost:{port}"));
    assert_snapshot!(without_port(&outcome.to_string(), port), @r#"
    $ secure-io check localhost:PORT
    exit: 2
    --- stdout
    localhost:[PORT]
        error        refused: nothing listens on localhost:[PORT], neither on 127.0.0.1 nor on ::1
          fix          start the server, or name the port that it listens on
          see          docs/failures/refused.md (what the system or the server answered)
        time TIME
    "#);
}

/// A server that hangs up on a name that it does not know is told from one without suites.
#[test]
fn a_name_that_is_hung_up_on_is_the_cause() {
    let sandbox = prepared();
    let server = node(&sandbox, "SNICallback: (name, done) => done(new Error('no such host'))", "res.end('ok')");
    check(&sandbox, server.port, "").finds("unknown-server-name");
}

#[test]
fn what_is_no_tls_is_named() {
    let sandbox = Sandbox::new();
    for (script, id) in [
        ("require('http').createServer((req, res) => res.end('ok'))", "plain-http"),
        ("require('net').createServer(socket => socket.on('error', () => 0).end('220 mail\\r\\n'))", "not-tls"),
        ("require('net').createServer(socket => socket.destroy())", "closed-at-once"),
        (
            "require('net').createServer(socket => socket.on('error', () => 0).once('data', () => socket.destroy()))",
            "tls-reset",
        ),
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

/// Such ports were asked again and again: 8 s for the first, 4 s for the second.
#[test]
fn ports_that_answer_nothing_are_given_up_soon() {
    let sandbox = Sandbox::new();
    for (script, id, limit) in [
        ("require('net').createServer(socket => socket.on('error', () => 0).resume())", "tls-timeout", 6.0),
        ("require('http').createServer()", "plain-http", 2.0),
    ] {
        let ready = "server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port))";
        sandbox.write("silent.cjs", format!("const server = {script}; {ready}"));
        let server = sandbox.start("node silent.cjs", "ready on");
        let outcome = sandbox.run(&format!("secure-io check --json localhost:{}", server.port)).exits(2);
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
        assert_eq!(report["targets"][0]["findings"][0]["id"], id, "{report:#}");
        assert!(report["targets"][0]["seconds"].as_f64().unwrap() < limit, "{report:#}");
    }
}

/// The document holds the targets that were done; there was none at all.
#[cfg(unix)]
#[test]
fn an_interrupted_check_prints_its_document() {
    for signal in [Signal::INT, Signal::TERM] {
        let sandbox = Sandbox::new();
        sandbox.write(
            "silent.cjs",
            "const server = require('net').createServer(socket => {\n\
             socket.on('error', () => 0).resume()\nconsole.log('asked')\n})\n\
             server.listen(0, '127.0.0.1', () => console.log('ready on :' + server.address().port))",
        );
        let mut server = sandbox.start("node silent.cjs", "ready on");
        let mut command = sandbox.command("secure-io");
        command.args(["check", "--json", "localhost:1", &format!("localhost:{}", server.port)]);
        let check = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        server.wait_for("asked");
        kill_process(Pid::from_child(&check), signal).expect("it still runs");
        let output = check.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&report["exit"], &report["targets"][0]["findings"][0]["id"]), (&2.into(), &"refused".into()));
        assert_eq!(report["targets"].as_array().map(Vec::len), Some(1), "{report:#}");
    }
}

/// Python waits for the end of a line in hellos of old versions, and each was waited for: 8 s for a port of plain HTTP.
#[test]
fn plain_http_that_does_not_answer_old_hellos_is_known_by_others() {
    let sandbox = Sandbox::new();
    let port = free_port();
    let line = format!("python3 -m http.server {port} --bind 127.0.0.1");
    let _server = start_when_open(&sandbox, &line, port);
    let target = check(&sandbox, port, "");
    target.finds("plain-http");
    let seconds = target.0["seconds"].as_f64().expect("seconds");
    assert!(seconds < 2.0, "{seconds} s");
}

/// nginx answers plain HTTP on its port of TLS, and was taken for a server of plain HTTP where it refuses all names.
#[test]
fn nginx_that_rejects_a_name_speaks_tls() {
    let sandbox = Sandbox::new();
    let port = free_port();
    sandbox.write(
        "nginx.conf",
        format!(
            "daemon off; pid nginx.pid; error_log stderr; events {{}}\n\
             http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl; ssl_reject_handshake on; }} }}\n"
        ),
    );
    let folder = sandbox.path("").display().to_string();
    let _nginx = start_when_open(&sandbox, &format!("nginx -p {folder} -c nginx.conf"), port);
    let outcome = sandbox.run(&format!("secure-io check --json localhost:{port}")).exits(2);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
    assert_eq!(report["targets"][0]["findings"][0]["id"], "unknown-server-name", "{report:#}");
}

/// The report is whole although one of the servers is none.
#[test]
fn a_bad_url_is_a_finding_beside_the_others() {
    let sandbox = Sandbox::new();
    let stub = Stub::default().start();
    let outcome = sandbox.run(&format!("secure-io check --json http://localhost:1 localhost:{stub}")).exits(2);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
    assert_eq!(report["targets"][0]["findings"][0]["id"], "bad-url", "{report:#}");
    assert_eq!(report["targets"][1]["grade"], "T", "{report:#}");
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
    assert_snapshot!(Sandbox::new().run("secure-io check --only no-such-check localhost:1"), @r#"
    $ secure-io check --only no-such-check localhost:1
    exit: 2
    --- stderr
    error: no check has the id `no-such-check`
    hint: list them: `secure-io check --list`; docs/linting.md has those of certificates
    "#);
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
