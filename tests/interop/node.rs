//! Node: its socket.io clients against `serve`, and its https with our certificates. The scripts are in `tests/node`.

use std::path::Path;
use std::process::Command;

use secure_io::validity::distance;
use time::{Duration, OffsetDateTime};

use crate::sandbox::{Background, Sandbox};

/// A Node program that will run one of our scripts with `node --test`.
pub(crate) fn script(sandbox: &Sandbox, name: &str) -> Command {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node"));
    assert!(folder.join("node_modules").is_dir(), "no npm packages in tests/node: `tests/run` installs them");
    sandbox.ok("node --version");
    let mut command = sandbox.command("timeout");
    // Node 18 takes `localhost` for ::1 alone; `serve` is on 127.0.0.1.
    command.args(["120", "node", "--dns-result-order=ipv4first", "--test-reporter=spec", "--test"]);
    command.arg(folder.join(name));
    command
}

/// Runs a script against a server whose certificate is `server-cert.pem`.
#[track_caller]
fn run_against(server: &Background, sandbox: &Sandbox, name: &str, trusted_by_all: bool) {
    let mut command = script(sandbox, name);
    command.env("SECURE_IO_URL", server.url());
    command.env("SECURE_IO_PID", server.id().to_string());
    command.env("SECURE_IO_CA", "server-cert.pem");
    if trusted_by_all {
        command.env("NODE_EXTRA_CA_CERTS", "server-cert.pem");
    }
    sandbox.finish(&format!("node --test {name}"), &mut command, b"").success();
}

#[track_caller]
fn check_conformance(name: &str) {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    let server = sandbox.serve("--app conformance --ping-interval 300 --ping-timeout 200 --connect-timeout 1000");
    run_against(&server, &sandbox, name, true);
}

#[test]
fn engine_io_conformance() {
    check_conformance("conformance/engine.mjs");
}

#[test]
fn socket_io_conformance() {
    check_conformance("conformance/socket.mjs");
}

/// Welcome, echo, binary, broadcast, rooms, order under load and a clean end, on each transport.
#[test]
fn socket_io_clients() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    let server = sandbox.serve("");
    run_against(&server, &sandbox, "clients.mjs", false);
    // The last client has stopped it.
    let (status, log) = server.end();
    assert!(status.success(), "{status}\n{log}");
    for part in ["A user connected via secure polling", "A user connected via secure WebSocket", "User disconnected"] {
        assert!(log.contains(part), "`{part}` is not in\n{log}");
    }
    assert!(log.contains(", TLSv1.3, TLS_AES_"), "{log}");
}

#[test]
fn a_client_of_the_older_protocol_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    run_against(&sandbox.serve(""), &sandbox, "old-client.mjs", false);
}

/// Events, bytes, rooms and the heartbeat, which these clients send, over each transport.
#[test]
fn clients_of_the_older_protocol_are_served_where_that_is_allowed() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    run_against(&sandbox.serve("--allow-eio3 --ping-interval 1000"), &sandbox, "three-client.mjs", false);
}

#[test]
fn clients_with_messagepack_are_served_where_the_server_has_it() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    run_against(&sandbox.serve("--parser msgpack"), &sandbox, "msgpack-client.mjs", false);
}

/// Node's https serves with our files in each form it takes, self-signed and under a CA.
#[test]
fn https_with_our_files() {
    let under_ca = "--ca-cert ca.pem --ca-key ca-key.pem";
    for (algorithm, issuer) in [("ecdsa-p256", ""), ("ed25519", under_ca), ("rsa-2048", ""), ("rsa-2048", under_ca)] {
        let sandbox = Sandbox::new();
        sandbox.ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem \
                        -out ca.pem -subj /CN=CA");
        sandbox.write("passphrase", "one two three\n");
        sandbox.write("password", "p12 password\n");
        sandbox.ok(&format!(
            "secure-io gen-cert --algorithm {algorithm} {issuer} --p12 server.p12 --p12-password-file password"
        ));
        sandbox.ok(&format!(
            "secure-io gen-cert --algorithm {algorithm} {issuer} --name locked --encrypt --passphrase-file passphrase"
        ));
        let mut command = script(&sandbox, "https.mjs");
        command.env("SECURE_IO_UNDER_CA", if issuer.is_empty() { "" } else { "ca.pem" });
        sandbox.finish("node --test https.mjs", &mut command, b"").success();
    }
}

/// The page counted whole days where the log and reports round: 365 days there were 364 here.
#[test]
fn the_demo_page_counts_days_as_reports_do() {
    let sandbox = Sandbox::new();
    let page = include_str!("../../templates/page/demo.js");
    let (start, end) = (page.find("const SECOND_MS"), page.find("/** What to say of a validity"));
    let function = &page[start.expect("the function is there")..end.expect("and ends")];
    let now = OffsetDateTime::UNIX_EPOCH;
    let seconds =
        [1, 59, 119, 120, 179, 3_599, 7_199, 7_200, 9_000, 100_000, 172_799, 172_800, 216_001, 31_532_400, 31_536_000];
    let spans: Vec<i64> = seconds.into_iter().flat_map(|span| [span, -span]).collect();
    sandbox.write("words.js", format!("{function}\nfor (const s of {spans:?}) console.log(inWords(s * 1000));\n"));
    let expected: Vec<_> = spans.iter().map(|span| distance(now + Duration::seconds(*span), now)).collect();
    assert_eq!(sandbox.ok("node words.js").lines().collect::<Vec<_>>(), expected);
}
