//! `gen-cert --renew`: what is there is kept, unless something else is asked for.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// The files of a set, to be compared later.
fn set(sandbox: &Sandbox) -> [Vec<u8>; 3] {
    ["server-key.pem", "server-csr.pem", "server-cert.pem"].map(|name| sandbox.read(name))
}

fn seen(sandbox: &Sandbox) -> String {
    let json = sandbox.ok("secure-io inspect --json server-cert.pem");
    let report: serde_json::Value = serde_json::from_str(&json).expect("a report is JSON");
    let (leaf, list) = (&report[0], |value: &serde_json::Value| value.to_string().replace('"', ""));
    let issuer = if leaf["self_signed"] == true { "itself" } else { "the CA" };
    let (names, purposes) = (list(&leaf["subject_alt_names"]), list(&leaf["extended_key_usage"]));
    format!("{} {names} {purposes} by {issuer}", leaf["subject"].as_str().unwrap_or_default())
}

/// `--renew` alone once made a self-signed certificate for localhost of a CA's for app.test that had a year left.
#[test]
fn renew_keeps_what_is_there() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --purpose both --days 90 app.test 10.0.0.7");
    let (before, seen_before) = (set(&sandbox), seen(&sandbox));
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --ca-dir ca"), @r#"
    $ secure-io gen-cert --renew --ca-dir ca
    exit: 0
    --- stdout
    Left server-cert.pem as it is: it fits and expires [DATE] (in 90 days)
    "#);
    assert!(set(&sandbox) == before, "nothing is written while it fits");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --renew-before 100d --ca-dir ca"), @r#"
    $ secure-io gen-cert --renew --renew-before 100d --ca-dir ca
    exit: 0
    --- stdout
    Made a certificate for app.test and 10.0.0.7, signed by CN=secure-io development intermediate [HEX]
      in place of the one there: it expires in 90 days
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust --ca-dir ca`
    "#);
    let after = set(&sandbox);
    assert!(after[0] == before[0] && after[2] != before[2]);
    assert_eq!(seen(&sandbox), seen_before);
    sandbox
        .ok("openssl verify -CAfile ca/root.pem -untrusted server-cert.pem -verify_hostname app.test server-cert.pem");
    let text = sandbox.ok("openssl req -in server-csr.pem -noout -text");
    assert!(text.contains("DNS:app.test, IP Address:10.0.0.7"), "{text}");
}

#[test]
fn renew_changes_what_is_asked_for_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --purpose client --days 90 app.test");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --ca-dir ca other.test ::1"), @r#"
    $ secure-io gen-cert --renew --ca-dir ca other.test ::1
    exit: 0
    --- stdout
    Made a certificate for other.test and ::1, signed by CN=secure-io client development intermediate [HEX]
      in place of the one there: it is for app.test
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust --ca-dir ca`
    "#);
    assert_snapshot!(seen(&sandbox), @"CN=other.test [DNS:other.test,IP:::1] [clientAuth] by the CA");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --ca-dir ca --purpose server"), @r#"
    $ secure-io gen-cert --renew --ca-dir ca --purpose server
    exit: 0
    --- stdout
    Made a certificate for other.test and ::1, signed by CN=secure-io development intermediate [HEX]
      in place of the one there: it is for another purpose
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    note: the subject `CN=other.test` left out: the CA signs for the names in subjectAltName alone
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust --ca-dir ca`
    "#);
    assert_snapshot!(seen(&sandbox), @" [DNS:other.test,IP:::1] [serverAuth] by the CA");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --self-signed"), @r#"
    $ secure-io gen-cert --renew --self-signed
    exit: 0
    --- stdout
    Made a certificate for other.test and ::1, self-signed
      in place of the one there: it has another issuer
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert_snapshot!(seen(&sandbox), @"CN=self-signed certificate [DNS:other.test,IP:::1] [serverAuth] by itself");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --ca --ca-dir ca"), @r#"
    $ secure-io gen-cert --renew --ca --ca-dir ca
    exit: 0
    --- stdout
    Made a certificate for other.test and ::1, signed by CN=secure-io development intermediate [HEX]
      in place of the one there: it has another issuer
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    note: the subject `CN=self-signed certificate` left out: the CA signs for the names in subjectAltName alone
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust --ca-dir ca`
    "#);
    assert_snapshot!(seen(&sandbox), @" [DNS:other.test,IP:::1] [serverAuth] by the CA");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --ca-dir ca --subject CN=Somebody"), @r#"
    $ secure-io gen-cert --renew --ca-dir ca --subject CN=Somebody
    exit: 2
    --- stderr
    error: the CA may not sign for the subject `CN=Somebody`: its name constraints leave subjectAltName alone
    hint: leave --subject out; only clients have one: --purpose client
    "#);
    assert_snapshot!(seen(&sandbox), @" [DNS:other.test,IP:::1] [serverAuth] by the CA");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --force"), @r#"
    $ secure-io gen-cert --renew --force
    exit: 2
    --- stderr
    error: the argument `--renew` cannot be used with `--force`
    hint: see `secure-io gen-cert --help`
    "#);
}

/// The issuer of what is there was once replaced by the certificate's own key.
#[test]
fn renew_without_the_issuer_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -noenc -keyout ca-key.pem -out ca.pem -subj /CN=Company -days 900");
    sandbox.ok("secure-io gen-cert -q --ca-cert ca.pem --ca-key ca-key.pem app.test");
    let before = set(&sandbox);
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew"), @r#"
    $ secure-io gen-cert --renew
    exit: 0
    --- stdout
    Left server-cert.pem as it is: it fits and expires [DATE] (in a year)
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --renew-before 400d"), @r#"
    $ secure-io gen-cert --renew --renew-before 400d
    exit: 2
    --- stderr
    error: cannot renew `server-cert.pem`: its issuer `CN=Company` is not at hand
      it has to be renewed: it expires in a year
    hint: name the issuer's files with --ca-cert and --ca-key; --ca or --self-signed changes the issuer
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew other.test"), @r#"
    $ secure-io gen-cert --renew other.test
    exit: 2
    --- stderr
    error: cannot renew `server-cert.pem`: its issuer `CN=Company` is not at hand
      it has to be renewed: it is for app.test
    hint: name the issuer's files with --ca-cert and --ca-key; --ca or --self-signed changes the issuer
    "#);
    assert!(set(&sandbox) == before);
    sandbox.ok("secure-io gen-cert -q --renew --renew-before 400d --ca-cert ca.pem --ca-key ca-key.pem");
    assert!(set(&sandbox) != before);
    sandbox.ok("openssl verify -CAfile ca.pem server-cert.pem");
}

#[test]
fn renew_leaves_other_sets_alone() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q app.test");
    sandbox.ok("secure-io gen-cert -q --name api api.test");
    let before = set(&sandbox);
    sandbox.ok("secure-io gen-cert -q --renew --renew-before 400d --key api-key.pem --out-cert api-cert.pem");
    assert!(set(&sandbox) == before, "the request of another key was once written over");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --out-cert api-cert.pem"), @r#"
    $ secure-io gen-cert --renew --out-cert api-cert.pem
    exit: 2
    --- stderr
    error: cannot renew `api-cert.pem`: `server-key.pem` is not its private key
    hint: `api-key.pem` is its key: `secure-io gen-cert --renew --out-cert api-cert.pem --key api-key.pem`
    "#);
    assert!(set(&sandbox) == before);
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -noenc -keyout ca-key.pem -out ca-cert.pem -subj /CN=Company -addext keyUsage=keyCertSign");
    let ca = sandbox.read("ca-cert.pem");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew --name ca"), @r#"
    $ secure-io gen-cert --renew --name ca
    exit: 2
    --- stderr
    error: cannot renew `ca-cert.pem`: it is a CA's certificate, and what it has signed would lose its issuer
    "#);
    assert_eq!(sandbox.read("ca-cert.pem"), ca);
}

/// `openssl req -x509` writes CA:TRUE without a SAN, which rustls clients refuse: --renew puts both right.
#[test]
fn renew_makes_an_end_entity_of_what_openssl_makes() {
    let sandbox = Sandbox::new();
    sandbox
        .ok("openssl req -x509 -newkey rsa:2048 -noenc -keyout server-key.pem -out server-cert.pem -subj /CN=app.test");
    assert_snapshot!(sandbox.run("secure-io gen-cert --renew"), @r#"
    $ secure-io gen-cert --renew
    exit: 0
    --- stdout
    Made a certificate for app.test, self-signed
      in place of the one there: it has no subjectAltName
      server-cert.pem  certificate, expires [DATE] (in 30 days)
    --- stderr
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    sandbox.ok("secure-io verify --trust server-cert.pem --host app.test server-cert.pem");
}

/// `ca renew` keeps the key that issues, so the old chain was left in the file: below a root that nobody trusts any more.
#[test]
fn renew_replaces_a_chain_of_former_cas() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    let verify = "openssl verify -CAfile ca/root.pem -untrusted server-cert.pem server-cert.pem";
    sandbox.ok(verify);
    sandbox.ok("secure-io ca renew -q --ca-dir ca --force");
    assert!(!sandbox.run(verify).is_success(), "the root is a new one");
    let renewed = sandbox.run("secure-io gen-cert --renew --ca-dir ca").success();
    renewed.says("the certificates of CAs behind it have been replaced").says("app.test");
    sandbox.ok(verify);
    sandbox.run("secure-io gen-cert --renew --ca-dir ca").success().says("Left server-cert.pem as it is");
}
