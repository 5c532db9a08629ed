//! `secure-io serve`: its output before, while and after it serves.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitStatus;

use insta::assert_snapshot;
use secure_io::files;

use crate::sandbox::{Background, Sandbox, redact};

/// Asks a server to stop; its status and all that it said.
#[track_caller]
pub(crate) fn stopped(sandbox: &Sandbox, server: Background, signal: &str) -> (ExitStatus, String) {
    // The shell's own `kill`: the program of that name is in a package of its own.
    let kill = format!("kill -s {signal} {}", server.id());
    sandbox.finish("kill", sandbox.command("sh").args(["-c", &kill]), b"").success();
    server.end()
}

/// All that `serve` says until it is stopped, redacted.
#[track_caller]
pub(crate) fn log_of(sandbox: &Sandbox, flags: &str) -> String {
    let (status, log) = stopped(sandbox, sandbox.serve(flags), "TERM");
    assert!(status.success(), "{status}\n{log}");
    redact(&log, &sandbox.path(""))
}

#[test]
fn with_nothing_prepared_it_keeps_a_self_signed_certificate() {
    let sandbox = Sandbox::new();
    assert_snapshot!(log_of(&sandbox, ""), @r#"
    note: using a self-signed certificate for localhost, 127.0.0.1 and ::1, which expires [DATE] (in a year)
    note: it is kept in [DIR].local/share/secure-io/serve, so an exception made for it in a browser lasts
    Secure server is running on https://localhost:[PORT]
    "#);
    let kept = |name: &str| {
        let entries = fs::read_dir(sandbox.path(".local/share/secure-io/serve")).expect("the folder is there");
        let path = entries.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().ends_with(name));
        files::read(&path.expect("the file is there")).expect("it can be read")
    };
    let first = kept("-cert.pem");
    log_of(&sandbox, "");
    assert_eq!(kept("-cert.pem"), first, "an exception made in a browser lasts");
}

#[test]
fn the_local_ca_comes_before_a_self_signed_certificate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    assert_snapshot!(log_of(&sandbox, ""), @r#"
    note: using a certificate from the local CA for localhost, 127.0.0.1 and ::1, which expires [DATE] (in a year)
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust`
    Secure server is running on https://localhost:[PORT]
    "#);
}

#[test]
fn the_files_here_come_first() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q localhost");
    sandbox.ok("secure-io ca init -q");
    assert_snapshot!(log_of(&sandbox, ""), @r#"
    note: using server-cert.pem for localhost, which expires [DATE] (in a year)
    Secure server is running on https://localhost:[PORT]
    "#);
    fs::remove_file(sandbox.path("server-key.pem")).expect("it can be removed");
    assert_snapshot!(log_of(&sandbox, ""), @r#"
    warning: server-cert.pem is here without server-key.pem, and is left aside
    note: using a certificate from the local CA for localhost, 127.0.0.1 and ::1, which expires [DATE] (in a year)
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust`
    Secure server is running on https://localhost:[PORT]
    "#);
}

#[test]
fn hosts_that_the_files_here_are_not_for_get_a_certificate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q localhost");
    let server = sandbox.start("secure-io serve --port 0 app.test", "Secure server is running on https://app.test:");
    let (status, log) = stopped(&sandbox, server, "TERM");
    assert!(status.success());
    assert_snapshot!(redact(&log, &sandbox.path("")), @r#"
    note: the server-cert.pem here is not for app.test, and is left aside
    note: using a self-signed certificate for app.test, which expires [DATE] (in a year)
    note: it is kept in [DIR].local/share/secure-io/serve, so an exception made for it in a browser lasts
    Secure server is running on https://app.test:[PORT]
    "#);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    sandbox.ok("secure-io gen-key -q --out other-key.pem --algorithm rsa-2048");
    assert_snapshot!(sandbox.run("secure-io serve --port 0 --cert server-cert.pem --key other-key.pem"), @r#"
    $ secure-io serve --port 0 --cert server-cert.pem --key other-key.pem
    exit: 2
    --- stderr
    error: `other-key.pem` does not belong to `server-cert.pem`
      the certificate's public key is EC P-256 (spki sha256 [HEX]…)
      the private key's is RSA 2048 (spki sha256 [HEX]…)
    hint: `server-key.pem` belongs to it: `secure-io serve --port 0 --cert server-cert.pem --key server-key.pem`
    "#);
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --not-before -30d --not-after -2d");
    assert_snapshot!(sandbox.run("secure-io serve --port 0"), @r#"
    $ secure-io serve --port 0
    exit: 2
    --- stderr
    error: cannot use `server-cert.pem`: it expired [TIME] (2 days ago)
    hint: renew it: `secure-io gen-cert --renew --key server-key.pem --out-cert server-cert.pem`
    "#);
    sandbox.ok("secure-io gen-cert -q --name later --not-before 3d");
    assert_snapshot!(sandbox.run("secure-io serve --port 0 --cert later-cert.pem --key later-key.pem"), @r#"
    $ secure-io serve --port 0 --cert later-cert.pem --key later-key.pem
    exit: 2
    --- stderr
    error: cannot use `later-cert.pem`: it is not valid before [TIME] (in 3 days)
    hint: look whether the clock is right here and where it was issued
    "#);
}

#[test]
fn an_encrypted_key_needs_its_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.write("passphrase", "correct horse\n");
    sandbox.ok("secure-io gen-cert -q --encrypt --passphrase-file passphrase");
    assert_snapshot!(sandbox.run("secure-io serve --port 0"), @r#"
    $ secure-io serve --port 0
    exit: 2
    --- stderr
    error: cannot use `server-key.pem`: the private key is encrypted
    hint: give the passphrase with --passphrase-file or --passphrase-env
    "#);
    log_of(&sandbox, "--passphrase-file passphrase");
}

#[test]
fn a_port_in_use_is_said_to_be() {
    let sandbox = Sandbox::new();
    let other = sandbox.serve("");
    let outcome = sandbox.run(&format!("secure-io serve -q --port {}", other.port)).exits(2);
    assert_snapshot!(redact(&outcome.stderr, &sandbox.path("")), @r#"
    error: 127.0.0.1:[PORT] is in use
      Address already in use
    hint: take another port: `secure-io serve -q --port [PORT]`
    hint: ss -ltnp shows who has the port
    "#);
}

/// Root may listen on any port, so the test switches to the user nobody if it runs as root.
#[test]
fn a_privileged_port_is_said_to_be() {
    let sandbox = Sandbox::new();
    open_to_all(&sandbox.path(""));
    sandbox.ok("secure-io gen-cert -q");
    open_to_all(&sandbox.path("server-key.pem"));
    let copy = sandbox.path("secure-io-copy");
    // By another process: a file that this one has open to write, if only in a child just forked, cannot be executed.
    sandbox.ok(&format!("cp {} {}", env!("CARGO_BIN_EXE_secure-io"), copy.display()));
    let become_nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all";
    let serve = format!("{} serve -q --port 443", copy.display());
    let is_root = sandbox.ok("id -u").trim() == "0";
    let outcome = sandbox.run(&if is_root { format!("{become_nobody} {serve}") } else { serve }).exits(2);
    assert_snapshot!(redact(&outcome.stderr, &sandbox.path("")), @r#"
    error: port 443 needs privileges
      Permission denied
    hint: take a port from 1024 up: `[DIR]secure-io-copy serve -q --port [PORT]`
    hint: sudo setcap cap_net_bind_service=+ep on the program's file allows it the ports below
    "#);
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the mode can be set");
}

#[test]
fn what_cannot_be_served_is_refused() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io serve --port 0 --addr example.com"), @r#"
    $ secure-io serve --port 0 --addr example.com
    exit: 2
    --- stderr
    error: invalid value `example.com` for `--addr <ADDRESS>`: an IP address is needed: 127.0.0.1, 0.0.0.0 for all, ::1
    hint: see `secure-io serve --help`
    "#);
    assert_snapshot!(sandbox.run("secure-io serve -q --port 0 --addr 192.0.2.1"), @r#"
    $ secure-io serve -q --port 0 --addr 192.0.2.1
    exit: 2
    --- stderr
    error: 192.0.2.1 is not an address of this machine
      Cannot assign requested address
    hint: listen on all addresses of this machine: `secure-io serve -q --port 0 --addr 0.0.0.0`
    "#);
    assert_snapshot!(sandbox.run("secure-io serve -q --port 0 --static nowhere"), @r#"
    $ secure-io serve -q --port 0 --static nowhere
    exit: 2
    --- stderr
    error: cannot serve `nowhere`: it is not a folder
    "#);
    assert_snapshot!(sandbox.run("secure-io serve -q --port 0 --client-js nowhere.js"), @r#"
    $ secure-io serve -q --port 0 --client-js nowhere.js
    exit: 2
    --- stderr
    error: cannot read `nowhere.js`: No such file or directory
    "#);
    assert_snapshot!(sandbox.run("secure-io serve -q --port 0 --cert missing.pem --key missing-key.pem"), @r#"
    $ secure-io serve -q --port 0 --cert missing.pem --key missing-key.pem
    exit: 2
    --- stderr
    error: cannot read `missing.pem`: No such file or directory
    "#);
    assert_snapshot!(sandbox.run("secure-io serve -q --port 0 --cert missing.pem"), @r#"
    $ secure-io serve -q --port 0 --cert missing.pem
    exit: 2
    --- stderr
    error: the following required arguments were not provided:
      --key <FILE>
    hint: see `secure-io serve --help`
    "#);
    assert_snapshot!(sandbox.run("secure-io serve -q --port 0 --ping-interval 0"), @r#"
    $ secure-io serve -q --port 0 --ping-interval 0
    exit: 2
    --- stderr
    error: invalid value `0` for `--ping-interval <TIME>`: it must be longer than nothing
    hint: see `secure-io serve --help`
    "#);
}

#[test]
fn it_stops_on_sigint_and_on_sigterm() {
    for signal in ["INT", "TERM"] {
        let sandbox = Sandbox::new();
        let server = sandbox.serve("");
        let (status, log) = stopped(&sandbox, server, signal);
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

/// A request without TLS is answered: a browser is sent to https://, and a ws:// client is pointed to wss://.
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

/// The hint of both errors above fixes them.
#[test]
fn a_certificate_made_again_as_the_hint_says() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --not-before -90d --not-after -30d");
    sandbox.ok("secure-io gen-cert --key server-key.pem --out-cert server-cert.pem --force");
    sandbox.serve("");
}

/// It ended only once every client's tasks had, and some never did.
#[test]
fn it_stops_while_clients_are_connected() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    let mut server = sandbox.serve("");
    let handshake = format!("{}/socket.io/?EIO=4&transport=polling", server.url());
    let opened = sandbox.ok(&format!("curl -s --cacert server-cert.pem {handshake}"));
    let sid = opened.split('"').nth(3).expect("a session id").to_owned();
    sandbox.ok(&format!("curl -s --cacert server-cert.pem -d 40 {handshake}&sid={sid}"));
    server.wait_for("A user connected via secure polling");
    let (status, log) = stopped(&sandbox, server, "TERM");
    assert!(status.success(), "{status}\n{log}");
}

/// rustls refuses to be configured with a certificate of version 1, which the three OpenSSL commands make.
#[test]
fn what_the_three_openssl_commands_make_is_served() {
    let sandbox = Sandbox::new();
    for line in [
        "openssl genpkey -algorithm RSA -out server-key.pem",
        "openssl req -new -key server-key.pem -out server-csr.pem -subj /CN=localhost",
        "openssl x509 -req -in server-csr.pem -signkey server-key.pem -out server-cert.pem",
    ] {
        sandbox.run(line).success();
    }
    let server = sandbox.serve("");
    let shown = sandbox.ok(&format!("openssl s_client -connect localhost:{} -CAfile server-cert.pem", server.port));
    assert!(shown.contains("Verify return code: 0 (ok)"), "{shown}");
    let (_, log) = stopped(&sandbox, server, "TERM");
    assert_snapshot!(redact(&log, &sandbox.path("")), @r#"
    warning: server-cert.pem has no subjectAltName: browsers refuse it
    hint: make one that they accept: `secure-io gen-cert --renew --key server-key.pem --out-cert server-cert.pem`
    note: using server-cert.pem for CN=localhost, which expires [DATE] (in 30 days)
    Secure server is running on https://localhost:[PORT]
    "#);
}

/// Some clients take `localhost` for ::1 alone.
#[test]
fn localhost_is_reached_by_both_of_its_addresses() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    let server = sandbox.serve("");
    for address in ["127.0.0.1", "[::1]"] {
        let url = format!("https://{address}:{}", server.port);
        assert_eq!(sandbox.ok(&format!("curl -s --cacert server-cert.pem {url}")), "Hello, Socket.io with SSL/TLS!");
    }
}

/// Programs read the log from the stream that has the notes and errors, too.
#[test]
fn as_json_every_line_is_an_object() {
    let sandbox = Sandbox::new();
    for (command, seen) in [
        ("serve --redis redis://127.0.0.1:1", ["note", "error"].as_slice()),
        ("proxy --to https://localhost:1 --upstream-trust missing.pem", &["error"]),
    ] {
        let log = sandbox.run(&format!("secure-io {command} --port 0 --log-format json")).exits(2).stderr;
        let events: Vec<String> = log
            .lines()
            .map(|line| {
                let line: serde_json::Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {log}"));
                assert!(line["message"].is_string() && line["time"].is_string(), "{log}");
                line["event"].as_str().unwrap().to_owned()
            })
            .collect();
        assert!(seen.iter().all(|event| events.iter().any(|it| it == event)), "{log}");
        // Nothing listens there, with or without TLS.
        assert!(!log.contains("rediss"), "{log}");
    }
}

/// Clients cannot register without the key.
#[test]
fn an_acme_server_that_wants_a_key_says_where_each_client_gives_it() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    let ready = "Secure server is running on https://localhost:";
    let server = sandbox.start("secure-io ca serve --port 0 --eab keys.txt", ready);
    let (_, log) = stopped(&sandbox, server, "TERM");
    for client in ["certbot", "lego", "Caddy", "Traefik", "acme.sh"] {
        let line =
            log.lines().find(|line| line.starts_with(&format!("note: {client}: "))).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains("KEY"), "{line}");
    }
}
