//! TLS and certificates.

use crate::sandbox::{Background, Sandbox};
use crate::{connect, node};

const CERTIFICATE: &str = "-cert server-cert.pem -key server-key.pem";

fn openssl(sandbox: &Sandbox, flags: &str) -> Background {
    sandbox.start(&format!("openssl s_server -accept 127.0.0.1:0 {flags}"), "ACCEPT")
}

/// A folder with a certificate made by these arguments of `gen-cert`, served by Socket.IO over Node's https.
fn served(arguments: &str) -> (Sandbox, Background) {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("secure-io gen-cert --quiet {arguments}"));
    let server = node(&sandbox, "const server = https.createServer(pem); new Server(server); listen(server);");
    (sandbox, server)
}

#[test]
fn certificates_are_judged_by_verifys_codes() {
    for (arguments, flags, code) in [
        ("localhost", "", "self-signed"),
        ("localhost --not-before=-9d --not-after=-2d", "--trust server-cert.pem", "expired"),
        ("localhost --not-before=2d --not-after=9d", "--trust server-cert.pem", "not-yet-valid"),
        ("other.test", "--trust server-cert.pem", "host-mismatch"),
        ("localhost --purpose client", "--trust server-cert.pem", "wrong-purpose"),
    ] {
        let (sandbox, server) = served(arguments);
        connect(&sandbox, &format!("https://localhost:{} {flags}", server.port)).fails("tls", code, 2);
    }
}

#[test]
fn a_trusted_certificate_is_no_finding() {
    let (sandbox, server) = served("localhost");
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    run.connects(&[]);
    assert_eq!(run.documents.last().map(|end| end["upgraded"] == true), Some(true));
}

#[test]
fn any_certificate_passes_with_a_warning() {
    let (sandbox, server) = served("localhost");
    connect(&sandbox, &format!("https://localhost:{} --insecure", server.port)).connects(&["self-signed"]);
}

/// A CA's certificate as the server's: browsers and Node connect, rustls and Java do not, so the rest is looked at.
#[test]
fn what_only_some_clients_refuse_does_not_hide_the_rest() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost -keyout server-key.pem -out server-cert.pem \
                -addext subjectAltName=DNS:localhost");
    let server = node(&sandbox, "const server = https.createServer(pem); new Server(server); listen(server);");
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    run.fails("tls", "ca-as-leaf", 2);
    let looked: Vec<_> = run.of_type("layer").filter(|one| one["status"] == "looked-at").collect();
    assert!(looked.iter().any(|one| one["layer"] == "namespace"), "{looked:#?}");
}

#[test]
fn a_chain_without_its_intermediate_is_incomplete() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init");
    sandbox.ok("secure-io gen-cert --ca localhost");
    let chain = String::from_utf8(sandbox.read("server-cert.pem")).expect("PEM");
    let end = chain.find("-----END CERTIFICATE-----").expect("a certificate") + 26;
    sandbox.write("server-cert.pem", chain.get(..end).expect("the first"));
    let server = node(&sandbox, "const server = https.createServer(pem); new Server(server); listen(server);");
    connect(&sandbox, &format!("https://localhost:{}", server.port)).fails("tls", "incomplete-chain", 2);
}

#[test]
fn old_versions_and_suites_are_named() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet --algorithm rsa-2048 localhost");
    for (flags, code) in [
        ("-tls1 -cipher AES128-SHA:@SECLEVEL=0", "old-tls"),
        ("-tls1_1 -cipher AES128-SHA:@SECLEVEL=0", "old-tls"),
        ("-tls1_2 -cipher AES128-GCM-SHA256", "no-common-suite"),
        ("-alpn h2", "no-alpn-overlap"),
    ] {
        let server = openssl(&sandbox, &format!("{CERTIFICATE} {flags}"));
        connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port)).fails("tls", code, 2);
    }
}

#[test]
fn a_client_certificate_is_demanded_or_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    sandbox.ok("secure-io gen-cert --quiet --name me --purpose client me.test");
    for version in ["-tls1_2", "-tls1_3"] {
        let server = openssl(&sandbox, &format!("{CERTIFICATE} -Verify 1 -verify_return_error {version}"));
        let url = format!("https://localhost:{} --trust server-cert.pem", server.port);
        connect(&sandbox, &url).fails("tls", "client-certificate-required", 2);
        let run = connect(&sandbox, &format!("{url} --client-cert me-cert.pem --client-key me-key.pem"));
        run.fails("tls", "client-certificate-refused", 2);
    }
}

#[test]
fn a_name_that_the_server_does_not_know() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    let flags = "-servername known.test -cert2 server-cert.pem -key2 server-key.pem -servername_fatal";
    let server = openssl(&sandbox, &format!("{CERTIFICATE} {flags}"));
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    run.fails("tls", "unknown-server-name", 2);
}
