//! `inspect --lint`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// A certificate for hosts that browsers refuse.
fn bad(sandbox: &Sandbox) {
    sandbox.ok("openssl req -x509 -newkey rsa:1024 -nodes -keyout k.pem -out bad.pem -subj /CN=localhost -days 900");
}

#[test]
fn what_is_wrong_is_said_with_its_mend() {
    let sandbox = Sandbox::new();
    bad(&sandbox);
    assert_snapshot!(sandbox.run("secure-io inspect --lint bad.pem"), @r"
    $ secure-io inspect --lint bad.pem
    exit: 1
    --- stdout
    bad.pem
        CA certificate  CN=localhost
        issuer        itself (self-signed)
        valid         until [DATE], in 900 days
        key           RSA 1024
        lint          judged as signed by itself
                      error: it names hosts and is a CA: rustls and others refuse it from a server, and its key could sign for any name (ca_true_leaf)
                        fix: make a leaf: `secure-io gen-cert`; for openssl `-addext basicConstraints=critical,CA:FALSE`
                      error: its RSA key has 1024 bits, and clients take 2048 at least (rsa_too_small)
                        fix: make a new key: `secure-io gen-key`
                      warning: it is a CA without keyUsage (ku_missing)
                        fix: give the CA keyCertSign and cRLSign
    --- stderr
    note: lint: 2 errors, 1 warning; docs/linting.md says more of each rule
    ");
    assert_snapshot!(sandbox.run("secure-io -q inspect --lint --lint-fail warning bad.pem"), @r"
    $ secure-io -q inspect --lint --lint-fail warning bad.pem
    exit: 1
    --- stderr
    error: bad.pem:1: it names hosts and is a CA: rustls and others refuse it from a server, and its key could sign for any name (ca_true_leaf)
    error: bad.pem:1: its RSA key has 1024 bits, and clients take 2048 at least (rsa_too_small)
    warning: bad.pem:1: it is a CA without keyUsage (ku_missing)
    ");
}

/// Correct certificates, ours and openssl's, have no findings of warning or above.
#[test]
fn good_certificates_have_no_findings() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert --name own localhost app.test 127.0.0.1");
    sandbox.ok("secure-io gen-cert --name rsa --algorithm rsa-2048 --purpose both '*.app.test' --days 825");
    sandbox.ok("secure-io gen-cert --name client --purpose client me@example.com");
    sandbox.ok("secure-io ca init --ca-dir ca");
    sandbox.ok("secure-io gen-cert --ca --ca-dir ca --name ours app.test 10.0.0.1");
    let extensions = "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
        -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth";
    sandbox.ok(&format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out openssl-cert.pem \
         -subj /CN=localhost -days 365 {extensions}"
    ));
    let flags = "--lint --lint-fail warning --kind certificate,csr";
    for name in ["own", "rsa", "client", "ours", "openssl"] {
        let outcome = sandbox.run(&format!("secure-io inspect {flags} {name}-cert.pem")).success();
        assert!(!outcome.stdout_text().contains("warning:"), "{outcome}");
    }
    sandbox.run(&format!("secure-io inspect {flags} own-csr.pem")).success().says("no findings");
}

/// The word behind `--lint` may be left out, and then is the first file.
#[test]
fn the_audience_can_be_chosen() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert localhost");
    sandbox.run("secure-io inspect --lint private server-cert.pem").success().says("judged as a private CA's");
    sandbox.run("secure-io inspect --lint=public server-cert.pem").exits(1).says("(internal_name)");
    sandbox.run("secure-io inspect server-cert.pem --lint").success().says("judged as signed by itself");
    assert_snapshot!(sandbox.run("secure-io inspect --lint"), @r#"
    $ secure-io inspect --lint
    exit: 2
    --- stderr
    error: no file is given
    hint: name a file or a server, as in https://localhost:[PORT]
    "#);
    assert_snapshot!(sandbox.run("secure-io inspect --lint-fail note server-cert.pem"), @r#"
    $ secure-io inspect --lint-fail note server-cert.pem
    exit: 2
    --- stderr
    error: the following required arguments were not provided:
      --lint [<public|private|auto>]
    hint: see `secure-io inspect --help`
    "#);
}

/// A finding in JSON has all that a program needs.
#[test]
fn findings_are_in_the_json() {
    let sandbox = Sandbox::new();
    bad(&sandbox);
    let json = sandbox.run("secure-io inspect --json --lint bad.pem").exits(1).stdout_text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["audience"], "self-signed");
    assert_snapshot!(serde_json::to_string_pretty(&json[0]["findings"][1]).unwrap(), @r#"
    {
      "field": "subjectPublicKeyInfo",
      "mend": "make a new key: `secure-io gen-key`",
      "message": "its RSA key has 1024 bits, and clients take 2048 at least",
      "rule": "rsa_too_small",
      "severity": "error",
      "source": "CABF BR 6.1.5; Apple HT210176"
    }
    "#);
}
