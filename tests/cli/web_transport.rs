//! `secure-io gen-cert --webtransport`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// Chromium's rules for serverCertificateHashes: ECDSA P-256, and 14 days at most from notBefore to notAfter.
#[test]
fn a_certificate_that_a_page_names_by_its_hash() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("secure-io gen-cert --webtransport localhost").success();
    let digest =
        sandbox.ok("bash -c 'openssl x509 -in server-cert.pem -outform DER | openssl dgst -sha256 -binary | base64'");
    outcome.says(&format!("atob(\"{}\")", digest.trim())).says("serverCertificateHashes");
    let json = sandbox.ok("secure-io inspect --json server-cert.pem");
    let item: serde_json::Value = serde_json::from_str(&json).unwrap();
    let time = |field: &str| {
        let text = item[0][field].as_str().unwrap();
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert!(time("not_after") - time("not_before") <= time::Duration::days(14));
    assert!(time("not_after") - time("not_before") > time::Duration::days(13));
    let json = sandbox.ok("secure-io gen-cert --webtransport --name b --json --days 3");
    assert!(json.contains("\"server_certificate_hash\":\""), "{json}");
}

#[test]
fn what_chromium_refuses_is_not_made() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-key -q --algorithm rsa-2048 --out rsa.pem");
    assert_snapshot!(sandbox.run("secure-io gen-cert --webtransport --days 15"), @r#"
    $ secure-io gen-cert --webtransport --days 15
    exit: 2
    --- stderr
    error: a certificate for serverCertificateHashes lives 14 days at most, not 15
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --webtransport --key rsa.pem"), @r#"
    $ secure-io gen-cert --webtransport --key rsa.pem
    exit: 2
    --- stderr
    error: a certificate for serverCertificateHashes has an EC P-256 key, not RSA 2048
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --webtransport --algorithm ed25519"), @r#"
    $ secure-io gen-cert --webtransport --algorithm ed25519
    exit: 2
    --- stderr
    error: a certificate for serverCertificateHashes has an EC P-256 key, not Ed25519
    "#);
    assert!(!sandbox.exists("server-cert.pem"));
}
