//! Defects of servers that are there today.

use crate::sandbox::Sandbox;
use crate::server::{Target, check, free_port, node, openssl, prepared, start_when_open};

const RSA: &str = "-cert rsa.pem -key rsa.key -www";
const TRUST: &str = "--trust rsa.pem";

fn with_openssl(flags: &str) -> Target {
    let sandbox = prepared();
    let server = openssl(&sandbox, &format!("{RSA} {flags}"));
    check(&sandbox, server.port, TRUST)
}

#[test]
fn old_versions_are_seen() {
    with_openssl("-tls1 -cipher AES128-SHA:@SECLEVEL=0").finds("tls1-0").finds("old-tls").graded("C");
    with_openssl("-tls1_1 -cipher AES128-SHA:@SECLEVEL=0").finds("tls1-1").finds("old-tls").graded("C");
}

#[test]
fn tls12_alone_is_an_a_minus() {
    with_openssl("-tls1_2 -cipher ECDHE+AESGCM").finds("no-tls1-3").graded("A-");
}

#[test]
fn suites_that_rustls_does_not_have_are_seen() {
    let target = with_openssl("-tls1_2 -cipher AES128-SHA256");
    target.finds("no-common-suite").finds("no-forward-secrecy").finds("no-aead").finds("rsa-key-exchange").graded("B");
    assert_eq!(target.suites("TLS 1.2"), ["TLS_RSA_WITH_AES_128_CBC_SHA256"]);
}

#[test]
fn null_and_anonymous_suites_are_seen() {
    with_openssl("-tls1_2 -cipher NULL-SHA256:ECDHE+AESGCM:@SECLEVEL=0").finds("null-suites").graded("F");
    with_openssl("-tls1_2 -cipher AECDH-AES128-SHA:ECDHE+AESGCM:@SECLEVEL=0").finds("anonymous-suites").graded("F");
}

#[test]
fn weak_and_uncommon_groups_are_seen() {
    with_openssl("-tls1_2 -curves P-256:sect163k1 -cipher ECDHE+AESGCM:@SECLEVEL=0").finds("weak-group");
    with_openssl("-groups P-521").finds("no-common-group");
}

/// OpenSSL 3 refuses to renegotiate for a client unless it is told otherwise.
#[test]
fn renegotiation_by_clients_is_seen() {
    let has = |target: &Target, id: &str| target.ids("error").contains(&id) || target.ids("warning").contains(&id);
    let target = with_openssl("-client_renegotiation");
    target.finds("client-renegotiation").graded("A");
    assert!(!has(&target, "insecure-renegotiation"), "{:#}", target.0);
    for suite in ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"] {
        let target = with_openssl(&format!("-cipher {suite} -client_renegotiation -legacy_renegotiation"));
        target.finds("client-renegotiation").finds("insecure-renegotiation").graded("F");
    }
    let target = with_openssl("-legacy_renegotiation");
    assert!(!has(&target, "client-renegotiation") && !has(&target, "insecure-renegotiation"), "{:#}", target.0);
    let target = with_openssl("-client_renegotiation -verify 1 -curves P-384");
    target.finds("client-renegotiation");
}

#[test]
fn products_that_inspect_connections_are_named() {
    let sandbox = prepared();
    sandbox.ok(
        "secure-io gen-cert --self-signed --quiet --name proxy --subject 'CN=Zscaler Intermediate Root CA' localhost",
    );
    let server = openssl(&sandbox, "-cert proxy-cert.pem -key proxy-key.pem -www");
    let target = check(&sandbox, server.port, "");
    target.finds("intercepted");
    assert_eq!((target.ids("error"), &target.0["grade"]), (vec!["intercepted"], &"T".into()), "{:#}", target.0);
}

/// Further faults beside the one for which a certificate is refused are reported as well, and count for the grade.
#[test]
fn faults_beside_the_first_are_seen() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert --self-signed --quiet --name other other.test");
    let server = openssl(&sandbox, "-cert other-cert.pem -key other-key.pem -www");
    let target = check(&sandbox, server.port, "");
    target.finds("self-signed").finds("host-mismatch");
    assert_eq!(target.0["grade"], "M", "{:#}", target.0);
    sandbox
        .ok("openssl req -x509 -newkey rsa:1024 -nodes -days 90 -subj /CN=localhost -keyout small.key -out small.pem \
                -addext subjectAltName=DNS:localhost");
    let server = openssl(&sandbox, "-cert small.pem -key small.key -www -cipher DEFAULT:@SECLEVEL=0");
    let target = check(&sandbox, server.port, "");
    target.finds("weak-key").finds("self-signed");
    assert_eq!(target.0["grade"], "T", "{:#}", target.0);
    // The lint looks for names in certificates that are no CA's: nothing was said of a CA's that has none.
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout ca.key -out ca.pem");
    let server = openssl(&sandbox, "-cert ca.pem -key ca.key -www");
    check(&sandbox, server.port, "--trust ca.pem").finds("ca-as-leaf").finds("host-mismatch");
}

#[test]
fn early_data_is_seen() {
    let sandbox = prepared();
    let server = openssl(&sandbox, "-cert rsa.pem -key rsa.key -early_data -no_anti_replay");
    check(&sandbox, server.port, TRUST).finds("early-data");
}

#[test]
fn sessions_that_are_not_resumed_are_seen() {
    let target = with_openssl("-no_ticket -no_cache");
    target.finds("no-resumption");
    assert_eq!(target.0["resumption"], false);
}

#[test]
fn http2_alone_is_seen() {
    let sandbox = prepared();
    let server = openssl(&sandbox, "-cert rsa.pem -key rsa.key -alpn h2");
    check(&sandbox, server.port, TRUST).finds("http2-only");
}

#[test]
fn client_certificates_are_seen() {
    with_openssl("-Verify 1 -tls1_3").finds("client-certificate-required");
    with_openssl("-Verify 1 -tls1_2").finds("client-certificate-required");
    with_openssl("-verify 1").finds("client-certificate-requested");
    let sandbox = prepared();
    let server = node(&sandbox, "requestCert: true, ca: [pem.cert]", "res.end('ok')");
    check(&sandbox, server.port, "").finds("client-certificate-required");
}

#[test]
fn a_demand_for_a_staple_is_seen() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost -keyout rsa.key -out rsa.pem \
                -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
                -addext tlsfeature=status_request");
    let server = openssl(&sandbox, RSA);
    check(&sandbox, server.port, TRUST).finds("must-staple");
}

#[test]
fn md5_fails_with_or_without_trust() {
    let sandbox = Sandbox::new();
    sandbox.ok(
        "openssl req -x509 -md5 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost -keyout rsa.key -out rsa.pem \
                -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE",
    );
    let server = openssl(&sandbox, &format!("{RSA} -cipher DEFAULT:@SECLEVEL=0"));
    let target = check(&sandbox, server.port, TRUST);
    target.finds("weak-signature").graded("F");
    assert_eq!(target.0["grade"], "F");
}

#[test]
fn a_missing_intermediate_is_incomplete_and_a_b() {
    let sandbox = prepared();
    let server = openssl(&sandbox, "-cert server-cert.pem -key server-key.pem -www");
    let target = check(&sandbox, server.port, "");
    target.finds("incomplete-chain").graded("B");
    assert_eq!(target.0["grade"], "B");
}

/// Each bad certificate of a test PKI, as `serve` shows it.
#[test]
fn bad_certificates_are_seen_and_trust_stands_apart() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io fixtures init");
    sandbox.ok("secure-io fixtures");
    let server = sandbox.serve("--fixtures fixtures");
    for (name, id, grade) in [
        ("good", "", "A"),
        ("expired", "expired", "T"),
        ("not-yet-valid", "not-yet-valid", "T"),
        ("self-signed", "self-signed", "T"),
        ("untrusted-root", "incomplete-chain", "T"),
        ("missing-intermediate", "incomplete-chain", "T"),
        ("wrong-host", "host-mismatch", "M"),
        ("bad-signature", "bad-signature", "T"),
        ("wrong-purpose", "wrong-purpose", "T"),
        ("not-a-ca", "not-a-ca", "T"),
        ("path-too-long", "path-too-long", "T"),
        ("name-constraint", "name-constraint", "T"),
        ("unknown-critical-extension", "unknown-critical-extension", "T"),
        ("key-mismatch", "key-mismatch", "T"),
        ("sha1-signature", "weak-signature", "T"),
        ("malformed", "malformed", "T"),
        ("v1", "version", "T"),
        ("ca-as-leaf", "ca-as-leaf", "T"),
        ("wrong-order", "chain-order", "A"),
        ("root-in-chain", "root-sent", "A"),
    ] {
        let url = format!("https://{name}.localhost:{}", server.port);
        let outcome = sandbox.run(&format!("secure-io check --json --trust fixtures/root/cert.pem {url}")).success();
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
        let target = Target(report["targets"][0].clone());
        if id.is_empty() {
            target.is_good();
        } else {
            target.finds(id);
        }
        assert_eq!((name, &target.0["grade"], &target.0["grade_ignoring_trust"]), (name, &grade.into(), &"A".into()));
    }
}

#[test]
fn header_fields_and_cookies_are_seen() {
    let sandbox = prepared();
    let fields = "res.setHeader('Content-Type', 'text/html'); res.setHeader('Strict-Transport-Security', 'max-age=9'); \
                  res.setHeader('Set-Cookie', ['sid=1', 'io=2; SameSite=None', 'x=3; Secure; HttpOnly']); res.end('ok')";
    let server = node(&sandbox, "", fields);
    let target = check(&sandbox, server.port, "");
    target.finds("hsts-on-localhost").finds("cookie-not-secure").finds("cookie-samesite-none");
    target.finds("cookie-not-httponly").finds("csp-missing").finds("nosniff-missing").finds("frame-ancestors-missing");
}

/// Under a real name, HSTS counts, and is asked for.
#[test]
fn hsts_is_judged_by_the_name_that_is_sent() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert app.test");
    for (value, id) in [("", "hsts-missing"), ("max-age=0", "hsts-invalid"), ("max-age=9", "hsts-short")] {
        let field = format!("res.setHeader('Strict-Transport-Security', '{value}');");
        let server = node(&sandbox, "", &format!("{} res.end('ok')", if value.is_empty() { "" } else { &field }));
        check(&sandbox, server.port, "--server-name app.test").finds(id);
    }
}

#[test]
fn plain_http_that_does_not_redirect_is_seen() {
    let sandbox = prepared();
    let server = node(&sandbox, "", "res.end('ok')");
    let port = free_port();
    let script = format!(
        "require('http').createServer((req, res) => res.end('ok')).listen({port}, '127.0.0.1', () => console.log('ready on :{port}'))"
    );
    sandbox.write("plain.cjs", script);
    let _plain = sandbox.start("node plain.cjs", "ready on");
    check(&sandbox, server.port, &format!("--http-port {port}")).finds("no-redirect");
}

#[test]
fn gnutls_with_old_suites_is_seen() {
    let sandbox = prepared();
    let port = free_port();
    let priority = "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+3DES-CBC:+ARCFOUR-128:%COMPAT";
    let line =
        format!("gnutls-serv --port {port} --http --x509certfile rsa.pem --x509keyfile rsa.key --priority {priority}");
    let _server = start_when_open(&sandbox, &line, port);
    check(&sandbox, port, TRUST).finds("tls1-0").finds("rc4").finds("small-blocks").graded("C");
}
