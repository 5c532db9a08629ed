//! `snippet`: what it refuses, and what it says beside the configuration. That the configurations work is for
//! `tests/snippets`.

use crate::sandbox::Sandbox;

/// The first command that a newcomer tries has no files yet, and the hint makes them.
#[test]
fn without_files_the_hint_makes_them() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("secure-io snippet nginx").exits(2);
    assert!(outcome.stderr.contains("`secure-io gen-cert && secure-io snippet nginx`"), "{}", outcome.stderr);
    sandbox.ok("secure-io gen-cert --quiet");
    let text = sandbox.ok("secure-io snippet nginx");
    assert!(text.contains("server 127.0.0.1:3000;") && text.contains("listen 443 ssl http2;"), "{text}");
}

/// A configuration with a key of another certificate would stop the server at its next start.
#[test]
fn a_key_of_another_certificate_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    sandbox.ok("secure-io gen-cert --quiet --name other");
    sandbox
        .run("secure-io snippet caddy --key other-key.pem")
        .exits(2)
        .says("`other-key.pem` does not belong to `server-cert.pem`")
        .says("`secure-io snippet caddy --cert server-cert.pem --key server-key.pem`");
}

/// A path that a format reads as something else would name another file.
#[test]
fn what_a_format_cannot_hold_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet --name a$b");
    let files = "--cert a$b-cert.pem --key a$b-key.pem";
    sandbox.run(&format!("secure-io snippet nginx {files}")).exits(2).says("`$` means something else there");
    sandbox.run(&format!("secure-io snippet caddy {files}")).success();
}

#[test]
fn servers_behind_are_named_by_port_or_url() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    let text = sandbox.ok("secure-io snippet nginx --to 3001 --to http://app.test:3002");
    assert!(text.contains("hash $remote_addr consistent;"), "{text}");
    assert!(text.contains("server 127.0.0.1:3001;\n    server app.test:3002;"), "{text}");
    sandbox.run("secure-io snippet nginx --to https://app:1").exits(2).says("TLS ends before it");
    sandbox.run("secure-io snippet node --to 3001").exits(2).says("has no server behind it");
    sandbox.run("secure-io snippet kubernetes --to 3001").exits(2).says("sends to a Service by its name");
}

#[test]
fn an_expired_certificate_is_warned_about() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet --not-before -3d --not-after -1d");
    sandbox.run("secure-io snippet express").success().says("clients refuse server-cert.pem: it expired");
}

/// HAProxy reads one file, and the hint makes it, for its owner alone.
#[test]
fn haproxy_is_given_one_file() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet");
    let first = sandbox.run("secure-io snippet haproxy").success();
    let hint = first.stderr.rsplit_once(": `").and_then(|(_, rest)| rest.split('`').next()).expect("a command");
    sandbox.finish(hint, sandbox.command("sh").args(["-c", hint]), b"").success();
    let second = sandbox.run("secure-io snippet haproxy").success();
    assert_eq!(second.stderr, "", "the file is there");
    assert_eq!(first.stdout_text(), second.stdout_text());
}
