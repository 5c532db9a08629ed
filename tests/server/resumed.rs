//! Clients that we did not write, with the session of their last connection, when the rule by which they are let in has
//! changed: Python's ssl, requests and aiohttp, and OpenSSL. A server that asks for certificates resumes no session.

use crate::client_ca::ClientCa;
use crate::fixture::pem;
use crate::reload;
use crate::sandbox::{Background, Sandbox};

/// The serial number of alice's certificate, which a list revokes later.
const REVOKED: u64 = 66;

/// A server that lets in who shows a certificate of the CA, with one for alice.
fn start(sandbox: &Sandbox, ca: &ClientCa, flags: &str) -> Background {
    sandbox.write("clients.pem", pem("CERTIFICATE", &ca.certificate));
    sandbox.write("clients.crl", pem("X509 CRL", &ca.crl(&[])));
    let (certificate, key) = ca.client("alice", REVOKED, |_| ());
    sandbox.write("alice.pem", pem("CERTIFICATE", &certificate));
    sandbox.write("alice-key.pem", pem("PRIVATE KEY", key.secret_der()));
    reload::start(sandbox, &format!("--client-ca clients.pem {flags}")).0
}

/// Puts a file in the place of another, and waits until the server has read it.
fn replace(sandbox: &Sandbox, server: &mut Background, name: &str, content: &str) {
    reload::replace(sandbox, name, content);
    server.wait_for("New connections are shown");
}

/// The changes after which alice is refused, each with the reason in the log.
fn changes(ca: &ClientCa) -> [(&'static str, &'static str, String, &'static str); 2] {
    [
        ("--client-crl clients.crl", "clients.crl", pem("X509 CRL", &ca.crl(&[REVOKED])), "revoked"),
        ("", "clients.pem", pem("CERTIFICATE", &ClientCa::new("another CA").certificate), "unknown-issuer"),
    ]
}

#[test]
fn python_is_refused_with_its_last_session() {
    for version in ["TLSv1_2", "TLSv1_3"] {
        let ca = ClientCa::new("clients' CA");
        for (flags, file, content, reason) in changes(&ca) {
            let sandbox = Sandbox::new();
            let mut server = start(&sandbox, &ca, flags);
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/resumed.py");
            let client = sandbox.start(&format!("python3 -I {script} {} {version}", server.port), "ready :");
            replace(&sandbox, &mut server, file, &content);
            sandbox.write("go", "");
            let (status, said) = client.end();
            assert!(status.success(), "{version}, {file}: {said}");
            let said: Vec<_> = said.lines().map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>()).collect();
            let expected = [
                ["ssl", "not"],
                ["requests", "let"],
                ["aiohttp", "let"],
                ["ready", ":1"],
                ["ssl", "refused"],
                ["requests", "refused"],
                ["aiohttp", "refused"],
            ];
            assert_eq!(said, expected, "{version}, {file}");
            for _ in 0..3 {
                let line = server.wait_for("No TLS with");
                assert!(line.contains(reason), "{version}, {file}: {line}");
            }
        }
    }
}

#[test]
fn openssl_is_refused_with_its_last_session() {
    for version in ["-tls1_2", "-tls1_3"] {
        let ca = ClientCa::new("clients' CA");
        for (flags, file, content, reason) in changes(&ca) {
            let sandbox = Sandbox::new();
            let mut server = start(&sandbox, &ca, flags);
            let port = server.port;
            let ask = |session: &str| {
                let line = format!(
                    "openssl s_client {version} -connect 127.0.0.1:{port} -servername localhost -CAfile cert.pem -cert alice.pem \
                     -key alice-key.pem -ign_eof {session}"
                );
                sandbox.run_with(&line, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").stdout_text()
            };
            assert!(ask("-sess_out session.pem").contains("HTTP/1.1 200 "), "{version}");
            // Written only if the server has given one.
            let session = if sandbox.exists("session.pem") { "-sess_in session.pem" } else { "" };
            let again = ask(session);
            assert!(again.contains("New, TLSv1.") && again.contains("HTTP/1.1 200 "), "{version}: {again}");
            replace(&sandbox, &mut server, file, &content);
            let refused = ask(session);
            assert!(!refused.contains("Reused, ") && !refused.contains("HTTP/1.1 "), "{version}, {file}: {refused}");
            let line = server.wait_for("No TLS with");
            assert!(line.contains(reason), "{version}, {file}: {line}");
        }
    }
}
