//! Good servers, about which nothing worse than a note is said.

use crate::sandbox::Sandbox;
use crate::server::{check, free_port, node, prepared, start_when_open};

const MODERN: &str = "minVersion: 'TLSv1.2', ecdhCurve: 'X25519:P-256:P-384', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:\
                      ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384'";

#[test]
fn our_own_server_is_good() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init");
    let server = sandbox.serve("");
    let target = check(&sandbox, server.port, "");
    target.is_good().graded("A");
    assert_eq!((&target.0["grade"], &target.0["tlsref"]["profile"]), (&"A".into(), &"intermediate".into()));
    assert_eq!(target.0["groups"][0], "X25519MLKEM768");
    assert!(target.0["seconds"].as_f64().is_some_and(|seconds| seconds < 10.0), "{:#}", target.0);
}

/// TLS 1.3 alone, as TLSRef's modern profile has it; a client of TLS 1.2 is refused with the reason in the log.
#[test]
fn our_own_server_is_modern_when_asked_to_be() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init");
    // The modern profile allows 90 days.
    sandbox.ok("secure-io gen-cert --ca --days 90");
    let mut server = sandbox.serve("--tls modern");
    let target = check(&sandbox, server.port, "");
    target.is_good().graded("A");
    assert_eq!(target.0["tlsref"]["profile"], "modern");
    let old = sandbox.run(&format!("openssl s_client -connect localhost:{} -tls1_2", server.port));
    assert!(!old.is_success());
    server.wait_for("TLS 1.3");
}

#[test]
fn node_with_modern_settings_is_good() {
    let sandbox = prepared();
    let server = node(&sandbox, MODERN, "res.end('ok')");
    let target = check(&sandbox, server.port, "");
    target.is_good().graded("A");
    assert_eq!(target.0["alpn"], "http/1.1");
}

#[test]
fn node_with_default_settings_is_good() {
    let sandbox = prepared();
    let server = node(&sandbox, "", "res.end('ok')");
    let target = check(&sandbox, server.port, "");
    target.is_good().graded("A");
    assert_eq!(target.0["tlsref"]["profile"], "neither");
}

#[test]
fn nginx_by_tlsref_intermediate_is_good_and_redirects() {
    let sandbox = prepared();
    let (port, plain) = (free_port(), free_port());
    let folder = sandbox.path("");
    sandbox.write(
        "nginx.conf",
        format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log stderr; events {{}}\n\
             http {{ access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};\n\
             server {{ listen 127.0.0.1:{plain}; return 308 https://$host$request_uri; }}\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_certificate server-cert.pem; ssl_certificate_key server-key.pem;\n\
             ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519:prime256v1:secp384r1; ssl_prefer_server_ciphers off;\n\
             ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305;\n\
             location / {{ return 200 ok; }} }} }}",
            folder.display()
        ),
    );
    let line = format!("nginx -p {0} -c {0}/nginx.conf", folder.display());
    let _server = start_when_open(&sandbox, &line, port);
    let target = check(&sandbox, port, &format!("--http-port {plain}"));
    target.is_good().graded("A");
    assert_eq!(target.0["tlsref"]["profile"], "intermediate");
    assert!(target.0["server"].as_str().is_some_and(|server| server.starts_with("nginx")), "{:#}", target.0);
}

#[test]
fn haproxy_is_good() {
    let sandbox = prepared();
    let port = free_port();
    sandbox.write("all.pem", [sandbox.read("server-cert.pem"), sandbox.read("server-key.pem")].concat());
    sandbox.write(
        "haproxy.cfg",
        format!(
            "global\n  ssl-default-bind-options ssl-min-ver TLSv1.2\n\
             defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n\
             frontend f\n  bind 127.0.0.1:{port} ssl crt all.pem alpn h2,http/1.1\n  http-request return status 200\n"
        ),
    );
    let _server = start_when_open(&sandbox, "haproxy -db -f haproxy.cfg", port);
    let target = check(&sandbox, port, "");
    target.is_good().graded("A");
    assert_eq!(target.0["alpn"], "h2");
}

/// HAProxy goes on in HTTP/1.1 where it has no protocol in common with a client: that was taken for HTTP/2 alone.
#[test]
fn haproxy_with_h2_alone_in_alpn_still_speaks_http1() {
    let sandbox = prepared();
    sandbox.write("full.pem", [sandbox.read("rsa.pem"), sandbox.read("rsa.key")].concat());
    let (port, behind) = (free_port(), free_port());
    sandbox.write(
        "behind.cjs",
        format!("require('http').createServer((q, s) => s.end('ok')).listen({behind}, '127.0.0.1')"),
    );
    let _behind = start_when_open(&sandbox, "node behind.cjs", behind);
    let conf = format!(
        "defaults\n    mode http\n    timeout connect 5s\n    timeout client 9s\n    timeout server 9s\n\
         listen one\n    bind 127.0.0.1:{port} ssl crt full.pem alpn h2\n    server one 127.0.0.1:{behind}\n"
    );
    sandbox.write("haproxy.cfg", conf);
    let _server = start_when_open(&sandbox, "haproxy -f haproxy.cfg", port);
    let target = check(&sandbox, port, "--trust rsa.pem");
    target.is_good();
    assert_eq!(target.0["alpn"], "h2", "{:#}", target.0);
}
