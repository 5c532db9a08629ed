//! `serve`: where it says it is, which certificate it takes, how it ends, and why it does not start.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// With nothing prepared it makes a certificate and keeps it, so that a browser's exception outlasts a restart.
#[test]
fn it_starts_with_nothing_prepared_and_keeps_its_certificate() {
    let sandbox = Sandbox::new();
    let fingerprint = || {
        let server = sandbox.serve("");
        let shown = format!("openssl s_client -connect 127.0.0.1:{} -showcerts", server.port);
        sandbox.write("shown.pem", sandbox.ok(&shown));
        sandbox.ok("openssl x509 -in shown.pem -noout -fingerprint -sha256")
    };
    assert_eq!(fingerprint(), fingerprint());
}

/// The files of this folder come before one that it would make.
#[test]
fn it_takes_the_files_that_are_here() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --subject CN=mine localhost");
    let server = sandbox.serve("");
    let shown = sandbox.ok(&format!("openssl s_client -connect 127.0.0.1:{}", server.port));
    assert!(shown.contains("subject=CN = mine"), "{shown}");
}

#[test]
fn it_stops_on_sigint_and_on_sigterm() {
    for signal in ["INT", "TERM"] {
        let sandbox = Sandbox::new();
        let server = sandbox.serve("");
        // The shell's own `kill`: the program of that name is in a package of its own.
        sandbox.finish("kill", sandbox.command("sh").args(["-c", &format!("kill -s {signal} {}", server.id())]), b"");
        let (status, log) = server.end();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

/// A request without TLS is answered: a browser is sent to https://, and who wants ws:// is told of wss://.
#[test]
fn a_plaintext_request_is_told_where_to_go() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve("");
    let ask = |headers: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        write!(stream, "GET /a?b=c HTTP/1.1\r\nHost: localhost:{}\r\n{headers}\r\n", server.port).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = ask("Accept: text/html\r\n");
    assert!(answer.starts_with("HTTP/1.1 30"), "{answer}");
    assert!(answer.to_lowercase().contains(&format!("location: {}/a?b=c\r\n", server.url())), "{answer}");
    let answer = ask("Connection: Upgrade\r\nUpgrade: websocket\r\n");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(answer.contains("wss://"), "{answer}");
}

#[test]
fn a_key_of_another_certificate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    sandbox.ok("secure-io gen-key --algorithm ecdsa-p384 --out other.pem");
    assert_snapshot!(sandbox.run("secure-io serve --cert server-cert.pem --key other.pem"), @r"
    $ secure-io serve --cert server-cert.pem --key other.pem
    exit: 2
    --- stderr
    error: `other.pem` does not belong to `server-cert.pem`
      the certificate's public key is EC P-256 (spki sha256 [HEX]…)
      the private key's is EC P-384 (spki sha256 [HEX]…)
    hint: make a certificate for this key with `secure-io gen-cert --key other.pem --out-cert server-cert.pem --force`
    ");
}

#[test]
fn an_expired_certificate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --not-before -90d --not-after -30d");
    assert_snapshot!(sandbox.run("secure-io serve"), @r"
    $ secure-io serve
    exit: 2
    --- stderr
    error: cannot use `server-cert.pem`: it expired [TIME] (30 days ago)
    hint: make a new one with `secure-io gen-cert --key server-key.pem --out-cert server-cert.pem --force`
    ");
}

/// The hint of both errors above mends them.
#[test]
fn a_certificate_made_anew_as_the_hint_says() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --not-before -90d --not-after -30d");
    sandbox.ok("secure-io gen-cert --key server-key.pem --out-cert server-cert.pem --force");
    sandbox.serve("");
}

#[test]
fn an_encrypted_key_without_its_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "one two three\n");
    sandbox.ok("secure-io gen-cert --encrypt --passphrase-file passphrase");
    assert_snapshot!(sandbox.run("secure-io serve"), @r"
    $ secure-io serve
    exit: 2
    --- stderr
    error: cannot use `server-key.pem`: the private key is encrypted
    hint: give the passphrase with `--passphrase-file FILE` or `--passphrase-env VAR`
    ");
    sandbox.serve("--passphrase-file passphrase");
}

#[test]
fn a_port_in_use() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let outcome = sandbox.run(&format!("secure-io serve --port {port}")).to_string();
    assert_snapshot!(outcome.replace(&port.to_string(), "[PORT]"), @r"
    $ secure-io serve --port [PORT]
    exit: 2
    --- stderr
    note: using server-cert.pem for localhost, 127.0.0.1 and ::1, which expires [DATE] (in 364 days)
    error: 127.0.0.1:[PORT] is in use
      Address already in use
    hint: take another port with `--port`, or find who has it with `ss -ltnp 'sport = :[PORT]'`
    ");
}

#[test]
fn an_address_of_another_machine() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    assert_snapshot!(sandbox.run("secure-io serve --addr 192.0.2.1 --port 0"), @r"
    $ secure-io serve --addr 192.0.2.1 --port 0
    exit: 2
    --- stderr
    note: using server-cert.pem for localhost, 127.0.0.1 and ::1, which expires [DATE] (in 364 days)
    error: 192.0.2.1 is not an address of this machine
      Cannot assign requested address
    hint: `--addr 0.0.0.0` listens on all addresses of this machine
    ");
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let sandbox = Sandbox::new();
    sandbox.write("text", "not a certificate\n");
    assert_snapshot!(sandbox.run("secure-io serve --cert missing.pem --key missing.pem"), @r"
    $ secure-io serve --cert missing.pem --key missing.pem
    exit: 2
    --- stderr
    error: cannot read `missing.pem`: No such file or directory
    ");
    assert_snapshot!(sandbox.run("secure-io serve --cert text --key text"), @r"
    $ secure-io serve --cert text --key text
    exit: 2
    --- stderr
    error: cannot use `text`: there is neither PEM nor DER of a certificate in it
    ");
}
