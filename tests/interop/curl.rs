//! curl, as people try a server out with it.

use crate::sandbox::Sandbox;

/// `serve` with a certificate of ours is trusted through `--cacert`, by each of its names, and not without.
#[test]
fn curl_reads_the_greeting() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    let server = sandbox.serve("");
    for host in ["localhost", "127.0.0.1"] {
        let port = server.port;
        let body = sandbox.ok(&format!("curl -sS -4 --cacert server-cert.pem https://{host}:{port}/"));
        assert_eq!(body, "Hello, Socket.io with SSL/TLS!");
    }
    sandbox.run(&format!("curl -sS -4 {}/", server.url())).exits(60).says("SSL certificate problem");
}

/// TLS 1.3 and 1.2, nothing older.
#[test]
fn curl_is_served_over_tls_1_2_and_1_3_only() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    let server = sandbox.serve("");
    let curl =
        |flags: &str| sandbox.run(&format!("curl -sS -4 -o body {flags} --cacert server-cert.pem {}/", server.url()));
    curl("--tlsv1.3").success();
    curl("--tls-max 1.2").success();
    curl("--tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0").exits(35);
}

/// A plaintext request to the TLS port is sent to https://, path and query kept.
#[test]
fn curl_is_redirected_from_http() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    let server = sandbox.serve("");
    let plain = server.url().replace("https", "http");
    let format = "'%{http_code} %{redirect_url}'";
    let answer = sandbox.ok(&format!("curl -sS -4 -o body -w {format} -H 'Accept: text/html' {plain}/a/b?c=d"));
    let (status, target) = answer.split_once(' ').expect("a status and an address");
    assert!(["301", "302", "307", "308"].contains(&status), "{answer}");
    assert_eq!(target, format!("{}/a/b?c=d", server.url()));
    let body = sandbox.ok(&format!("curl -sS -4 -L --cacert server-cert.pem -H 'Accept: text/html' {plain}/"));
    assert!(body.contains("Socket.io with SSL/TLS") || body.contains("<html"), "{body}");
}

/// A certificate of ours in another program's server, self-signed and under a CA.
#[test]
fn curl_trusts_openssls_server_with_our_certificate() {
    for (issuer, trusted) in [("", "server-cert.pem"), ("--ca-cert ca.pem --ca-key ca-key.pem", "ca.pem")] {
        let sandbox = Sandbox::new();
        sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -subj /CN=CA");
        sandbox.ok(&format!("secure-io gen-cert {issuer}"));
        let server = sandbox
            .start("openssl s_server -www -accept 127.0.0.1:0 -cert server-cert.pem -key server-key.pem", "ACCEPT ");
        let body = sandbox.ok(&format!("curl -sS -4 --cacert {trusted} {}/", server.url()));
        assert!(body.contains("s_server"), "{body}");
    }
}
