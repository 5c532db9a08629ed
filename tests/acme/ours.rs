//! `serve --acme` against `ca serve`.

use crate::authority::{Authority, ROOT};
use crate::pebble::start;
use crate::sandbox::Background;

fn serve(authority: &Authority, flags: &str) -> Background {
    let line = format!(
        "serve --port {} --acme {} --acme-domain app.localhost --acme-trust {ROOT} {flags}",
        authority.tls_port,
        authority.directory()
    );
    start(&authority.sandbox, &line)
}

/// External account binding, and ARI: a certificate that is revoked is replaced at the next look.
#[test]
fn our_client_gets_a_certificate_and_replaces_a_revoked_one() {
    let authority = Authority::start("--eab keys.txt");
    let mut server = serve(&authority, "--acme-eab keys.txt --acme-email me@example.test");
    server.wait_for("Got a certificate by ACME");
    server.wait_for("Secure server is running on https://app.localhost");
    let line = format!("curl -sS --cacert {ROOT} https://app.localhost:{}", authority.tls_port);
    authority.sandbox.run(&line).success().says("Hello");
    authority.sandbox.ok(&format!("kill -TERM {}", server.id()));
    server.end();
    let shown: serde_json::Value = serde_json::from_str(&authority.sandbox.ok("secure-io ca show --json")).unwrap();
    let issued = shown["issued"].as_array().unwrap();
    let ours = issued.iter().find(|one| one["subject_alt_names"] == serde_json::json!(["DNS:app.localhost"])).unwrap();
    authority.sandbox.ok(&format!("secure-io ca revoke {}", ours["serial"].as_str().unwrap()));
    let mut again = serve(&authority, "--acme-eab keys.txt");
    again.wait_for("Secure server is running on https://app.localhost");
    again.wait_for("Got a certificate by ACME");
    authority.sandbox.run(&line).success().says("Hello");
}

/// `proxy` has the ACME client of `serve`.
#[test]
fn the_proxy_gets_a_certificate() {
    let authority = Authority::start("");
    let line = format!(
        "proxy --to {} --port {} --acme {} --acme-domain app.localhost --acme-trust {ROOT}",
        crate::authority::free_port(),
        authority.tls_port,
        authority.directory()
    );
    let mut proxy = start(&authority.sandbox, &line);
    proxy.wait_for("Got a certificate by ACME");
    proxy.wait_for("Secure server is running on https://app.localhost");
    let line = format!("curl -sS --cacert {ROOT} https://app.localhost:{}", authority.tls_port);
    authority.sandbox.run(&line).success().says("does not answer: Connection refused");
}

/// Names that the CA may not sign for are refused in the CA's own words.
#[test]
fn our_client_says_what_our_server_refuses() {
    let authority = Authority::start("");
    let line = format!("serve --port 0 --acme {} --acme-domain example.com --acme-trust {ROOT}", authority.directory());
    let mut server = start(&authority.sandbox, &line);
    let line = server.wait_for("No certificate by ACME");
    assert!(line.contains("refuses the order for example.com") && line.contains("(rejectedIdentifier)"), "{line}");
}

/// A CA that is started after its client, or again beneath it, has said no to nothing: it is asked again within seconds.
#[test]
fn a_ca_that_does_not_answer_is_asked_again_soon() {
    let mut authority = Authority::start("");
    authority.server.kill();
    let mut server = serve(&authority, "");
    let line = server.wait_for("No certificate by ACME");
    assert!(line.contains("Connection refused") && line.contains("next attempt in 1 s"), "{line}");
    let _authority = authority.restart("");
    server.wait_for("Got a certificate by ACME");
}
