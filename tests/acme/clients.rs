//! The clients that people use: certbot, lego and Caddy, each with the words that the server prints for it.

use std::time::{Duration, Instant};

use crate::authority::{Authority, ROOT};
use crate::sandbox::Program;

const CERTBOT: &str = "--config-dir certbot --work-dir certbot/work --logs-dir certbot/logs --non-interactive";

/// HTTP-01, with an RSA account key; then renewal and revocation.
#[test]
fn certbot() {
    let authority = Authority::start("");
    let (root, directory) = (authority.root(), authority.directory());
    let run = |line: &str| {
        let words = format!("certbot {line} --server {directory} {CERTBOT}");
        let mut command = authority.sandbox.command("certbot");
        command.args(words.split(' ').skip(1)).env("REQUESTS_CA_BUNDLE", &root);
        authority.sandbox.finish(&words, &mut command, b"").success()
    };
    let port = authority.http_port;
    run(&format!(
        "certonly --standalone --http-01-port {port} -d app.localhost -d www.localhost --agree-tos -m me@example.test"
    ));
    let live = "certbot/live/app.localhost";
    authority.sandbox.ok(&format!("openssl verify -CAfile {ROOT} -untrusted {live}/chain.pem {live}/cert.pem"));
    run("renew --force-renewal --no-random-sleep-on-renew");
    run(&format!("revoke --cert-path {live}/cert.pem --reason superseded --no-delete-after-revoke"));
    assert_eq!(authority.log().matches(r#""event":"issued""#).count() - 1, 2, "two, beside the server's own");
    assert!(authority.log().contains(r#""reason":"superseded""#));
}

/// TLS-ALPN-01, with an account key on P-256, and external account binding.
#[test]
fn lego() {
    let authority = Authority::start("--eab keys.txt");
    let keys = String::from_utf8(authority.sandbox.read("keys.txt")).unwrap();
    let (id, key) = keys.lines().last().unwrap().split_once(' ').unwrap();
    let line = format!(
        "lego --server {} --accept-tos --email me@example.test --path lego --tls --tls.port :{} --eab --kid {id} --hmac {key} -d app.localhost",
        authority.directory(),
        authority.tls_port
    );
    for action in ["run", "renew --days 100 --no-random-sleep", "revoke --keep"] {
        let mut command = authority.sandbox.command("lego");
        let line = format!("{line} {action}");
        command.args(line.split(' ').skip(1)).env("LEGO_CA_CERTIFICATES", authority.root());
        authority.sandbox.finish(&line, &mut command, b"").success();
    }
    let chain = "lego/certificates/app.localhost.crt";
    authority.sandbox.ok(&format!("openssl verify -CAfile {ROOT} -untrusted {chain} {chain}"));
    assert!(authority.log().contains(r#""event":"revoked""#));
}

/// A name that is in no DNS is looked for where the order comes from.
#[test]
fn caddy() {
    let authority = Authority::start("");
    let (http, tls) = (authority.http_port, authority.tls_port);
    let (root, directory) = (authority.root(), authority.directory());
    let storage = authority.sandbox.path("caddy").display().to_string();
    authority.sandbox.write(
        "Caddyfile",
        format!(
            "{{\n admin off\n http_port {http}\n https_port {tls}\n acme_ca {directory}\n acme_ca_root {root}\n email me@example.test\n \
             storage file_system {storage}\n}}\nhttps://machine.test:{tls} {{\n respond \"hello\"\n}}\n"
        ),
    );
    let _caddy = Program::start(authority.sandbox.command("caddy").args(["run", "--config", "Caddyfile"]));
    let deadline = Instant::now() + Duration::from_mins(1);
    let line =
        format!("curl --silent --cacert {ROOT} --resolve machine.test:{tls}:127.0.0.1 https://machine.test:{tls}");
    let answered = loop {
        let outcome = authority.sandbox.run(&line);
        if outcome.is_success() || Instant::now() > deadline {
            break outcome;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(answered.success().stdout_text(), "hello");
    assert!(authority.log().contains("DNS:machine.test"));
}
