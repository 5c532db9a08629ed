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
        // It has TLS 1.0 and 1.1 as well, and was said to speak nothing newer.
        ("-no_tls1_3 -cipher AES128-SHA:AES128-GCM-SHA256:@SECLEVEL=0", "no-common-suite"),
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

/// A folder with a certificate for localhost in `leaf.pem`, signed by a CA of these extensions with these flags.
fn signed(subject: &str, extensions: &str, flags: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    sandbox
        .ok(&format!("openssl req -x509 {curve} -days 90 -subj '{subject}' -keyout ca.key -out ca.pem {extensions}"));
    sandbox.write("leaf.ext", "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n");
    sandbox.ok(&format!("openssl req -new {curve} -subj /CN=localhost -keyout leaf.key -out leaf.csr"));
    sandbox.ok(&format!("openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 30 -extfile leaf.ext {flags}"));
    sandbox
}

#[test]
fn issuers_are_unknown_inspecting_constrained_or_weak() {
    for (subject, extensions, flags, sent, trust, code) in [
        ("/O=Acme/CN=Acme Root", "", "", "-cert_chain ca.pem", "", "unknown-issuer"),
        ("/O=Acme/CN=Acme Root", "", "", "", "", "incomplete-chain"),
        ("/O=Zscaler Inc./CN=Zscaler Root CA", "", "", "", "", "intercepted"),
        (
            "/O=AO Kaspersky Lab/CN=Kaspersky Anti-Virus Personal Root Certificate",
            "",
            "",
            "-cert_chain ca.pem",
            "",
            "intercepted",
        ),
        (
            "/CN=Root",
            "-addext 'nameConstraints=critical,permitted;DNS:example.org'",
            "",
            "",
            "--trust ca.pem",
            "name-constraint",
        ),
        ("/CN=Root", "", "-sha1", "-cipher DEFAULT@SECLEVEL=0", "--trust ca.pem", "weak-signature"),
    ] {
        let sandbox = signed(subject, extensions, flags);
        let server = openssl(&sandbox, &format!("-cert leaf.pem -key leaf.key {sent}"));
        connect(&sandbox, &format!("https://localhost:{} {trust}", server.port)).fails("tls", code, 2);
    }
}

/// The commands of most tutorials make a certificate of version 1, which OpenSSL's clients accept once it is trusted.
#[test]
fn version_1_is_accepted_by_some_when_it_is_trusted() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genpkey -algorithm RSA -out server-key.pem");
    sandbox.ok("openssl req -new -key server-key.pem -subj /CN=localhost -out server-csr.pem");
    sandbox.ok("openssl x509 -req -in server-csr.pem -signkey server-key.pem -out server-cert.pem -days 90");
    let server = node(&sandbox, "const server = https.createServer(pem); new Server(server); listen(server);");
    let url = format!("https://localhost:{}", server.port);
    let run = connect(&sandbox, &format!("{url} --trust server-cert.pem"));
    let accepted = |run: &crate::Run| {
        let finding = run.of_type("finding").find(|one| one["severity"] == "error").cloned();
        finding.expect("a finding")["accepted_by"].clone()
    };
    assert_eq!(accepted(run.fails("tls", "version", 2)), serde_json::json!(["node", "curl", "openssl"]));
    let run = connect(&sandbox, &url);
    assert_eq!(accepted(run.fails("tls", "version", 2)), serde_json::json!([]));
}

#[test]
fn suites_tell_which_clients_connect_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet --algorithm rsa-2048 localhost");
    for (flags, clients, words) in [
        ("-tls1_2 -cipher AES128-GCM-SHA256", "browsers node curl openssl", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("-tls1_2 -cipher ECDHE-RSA-AES128-SHA", "browsers node curl openssl go", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        (
            "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256",
            "node curl openssl python",
            "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
        ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256 -curves secp521r1", "node curl openssl python go", "secp521r1"),
    ] {
        let server = openssl(&sandbox, &format!("{CERTIFICATE} {flags}"));
        let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
        run.fails("tls", "no-common-suite", 2);
        let finding = run.of_type("finding").next().expect("a finding");
        let accepted: Vec<_> =
            finding["accepted_by"].as_array().expect("clients").iter().filter_map(|one| one.as_str()).collect();
        assert_eq!(accepted.join(" "), clients, "{flags}");
        assert!(finding["message"].as_str().is_some_and(|message| message.contains(words)), "{finding:#}");
    }
}

#[test]
fn connections_that_end_behind_the_handshake() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --quiet localhost");
    for (handler, layer, code, exit) in [
        ("s.once('data', () => s.destroy())", "http", "bad-gateway", 2),
        ("s.end()", "http", "bad-gateway", 2),
        ("s.write('* OK IMAP4rev1 ready\\r\\n')", "engine.io", "not-engine-io", 2),
        ("", "http", "http-timeout", 2),
    ] {
        let handler = format!("(s) => {{ s.on('error', () => {{}}); {handler} }}");
        let server = node(&sandbox, &format!("listen(require('tls').createServer(pem, {handler}));"));
        let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem --timeout 2s", server.port));
        run.fails(layer, code, exit);
        let evidence = run.of_type("finding").map(|one| one["evidence"]["received"].to_string()).collect::<String>();
        assert!(!evidence.contains("rustls") && !evidence.contains("hyper"), "{evidence}");
    }
    // Node refuses a client without a certificate, or with one that it does not know, by closing the connection.
    let server = node(&sandbox, "listen(https.createServer({ ...pem, ca: pem.cert, requestCert: true }));");
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    run.fails("tls", "client-certificate-required", 2);
    // A callback that knows no host of the name.
    let server =
        node(&sandbox, "listen(https.createServer({ ...pem, SNICallback: (name, done) => done(new Error(name)) }));");
    let run = connect(&sandbox, &format!("https://localhost:{} --trust server-cert.pem", server.port));
    run.fails("tls", "unknown-server-name", 2);
}
