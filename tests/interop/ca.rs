//! The local CA with programs we did not write: the variables that `ca env` prints, the CRLs, the profile for phones.

use crate::rustls_client;
use crate::sandbox::Sandbox;

/// `eval "$(secure-io ca env)"`, in a folder whose name has a space and quotes, and each program trusts `serve`.
#[test]
fn programs_trust_what_the_variables_name() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("o'neil's \"ca\"");
    for line in ["ca init -q", "gen-cert -q --ca"] {
        let mut command = sandbox.command("secure-io");
        command.args(line.split(' ')).env("SECURE_IO_CA_DIR", &folder);
        sandbox.finish(line, &mut command, b"").success();
    }
    let server = sandbox.serve("");
    let (binary, url) = (env!("CARGO_BIN_EXE_secure-io"), server.url());
    let load = [
        ("sh", format!("eval \"$({binary} ca env --shell sh)\"")),
        ("fish", format!("{binary} ca env --shell fish | source")),
    ];
    let programs = [
        format!("curl -4 -sS {url}/"),
        format!("python3 -c 'import urllib.request as r; r.urlopen(\"{url}\")'"),
        format!("node --dns-result-order=ipv4first -e 'require(\"https\").get(\"{url}\", () => process.exit(0))'"),
        format!(
            "openssl s_client -connect 127.0.0.1:{} -verify_return_error -verify_hostname localhost </dev/null",
            server.port
        ),
        // It is no repository, which Git finds out over a connection that it trusts.
        format!("git ls-remote {url}/x.git 2>&1 | grep 'not found'"),
    ];
    for (shell, load) in &load {
        for program in &programs {
            let mut command = sandbox.command(shell);
            command.args(["-c", &format!("{load}; {program}")]).env("SECURE_IO_CA_DIR", &folder);
            sandbox.finish(program, &mut command, b"").success();
            let mut command = sandbox.command(shell);
            command.args(["-c", program]);
            assert!(!sandbox.finish(program, &mut command, b"").is_success(), "trusted without: {program}");
        }
    }
}

/// OpenSSL and Python's cryptography take the CRLs; a revoked certificate is refused, another is not.
#[test]
fn crls_are_read_and_heeded() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --name good");
    let verify = |name: &str| {
        sandbox.run(&format!(
            "openssl verify -x509_strict -crl_check_all -CRLfile crl.pem -CAfile ca/root.pem -untrusted {name}-cert.pem {name}-cert.pem"
        ))
    };
    sandbox.ok("secure-io ca crl -q --ca-dir ca --out crl.pem");
    verify("server").success();
    sandbox.ok("secure-io ca revoke -q --ca-dir ca server-cert.pem --reason keyCompromise");
    sandbox.ok("secure-io ca crl -q --ca-dir ca --out crl.pem --force");
    verify("server").exits(2).says("certificate revoked");
    verify("good").success();
    // Made again, the CA still answers for what it issued.
    sandbox.ok("secure-io ca renew -q --ca-dir ca --force");
    sandbox.ok("secure-io ca crl -q --ca-dir ca --der --out crl.der");
    let script = "
import sys
from cryptography import x509
crl = x509.load_der_x509_crl(open('crl.der', 'rb').read())
issuer = x509.load_pem_x509_certificate(open('ca/intermediate.pem', 'rb').read())
leaf = x509.load_pem_x509_certificate(open('server-cert.pem', 'rb').read())
assert crl.is_signature_valid(issuer.public_key()) and crl.issuer == issuer.subject
revoked = crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
assert revoked.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3
assert len(crl) == 1
";
    sandbox.write("script.py", script);
    sandbox.ok("python3 script.py");
}

/// Python's plistlib reads the profile, with the root in it.
#[test]
fn the_profile_holds_the_root() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    sandbox.ok("secure-io ca export --format der --out root.der");
    sandbox.ok("secure-io ca export --format mobileconfig --out root.mobileconfig");
    sandbox.write(
        "script.py",
        "import plistlib, uuid
profile = plistlib.load(open('root.mobileconfig', 'rb'))
payload = profile['PayloadContent'][0]
assert payload['PayloadContent'] == open('root.der', 'rb').read()
assert payload['PayloadType'] == 'com.apple.security.root'
assert uuid.UUID(profile['PayloadUUID']) != uuid.UUID(payload['PayloadUUID'])
",
    );
    sandbox.ok("python3 script.py");
}

/// OpenSSL asks everybody for an email, and puts it into the subject, where name constraints hold for it as well: every
/// client refused such a certificate.
#[test]
fn an_email_in_the_subject_of_a_request_spoils_no_certificate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    sandbox.ok("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem \
         -subj /O=Example/CN=app.test/emailAddress=me@example.com");
    let root = ".local/share/secure-io/ca/root.pem";
    let outcome = sandbox.run("secure-io gen-cert --ca --csr csr.pem").success();
    outcome.says("left out: the CA signs for the names in subjectAltName alone");
    let verify = |purpose: &str| {
        let line = format!("openssl verify -x509_strict -purpose {purpose} -CAfile {root} -untrusted server-cert.pem");
        sandbox.ok(&format!("{line} server-cert.pem"))
    };
    verify("sslserver");
    let subject = || sandbox.ok("openssl x509 -in server-cert.pem -noout -subject -nameopt RFC2253");
    assert_eq!(subject().trim(), "subject=");
    let outcome = sandbox.run("secure-io gen-cert --ca --force --purpose client --csr csr.pem").success();
    outcome.says("note: the CA may not sign for `me@example.com`: left out of the subject");
    verify("sslclient");
    assert_eq!(subject().trim(), "subject=CN=app.test,O=Example");
    sandbox
        .run("secure-io gen-cert --ca --force --purpose client --subject 1.2.840.113549.1.9.1=#160e6d65406578616d706c652e636f6d,CN=app.test")
        .exits(2)
        .says("the CA may not sign for `me@example.com`");
    sandbox.ok("secure-io ca renew -q --permit @example.com");
    sandbox.ok("secure-io gen-cert -q --ca --force --purpose client --csr csr.pem");
    verify("sslclient");
    sandbox.run("openssl x509 -in server-cert.pem -noout -subject").success().says("me@example.com");
}

/// rustls-webpki refuses every certificate below an excluded directoryName, an empty subject as well. As an anchor, the
/// intermediate without the exclusion, which is made for Firefox, leads it to the same key within the same names.
#[test]
fn rustls_trusts_it_by_the_intermediate_that_is_made_for_firefox() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test 127.0.0.1");
    let (chain, key) = (sandbox.path("server-cert.pem"), sandbox.path("server-key.pem"));
    let ask = |anchor: &str, host| rustls_client::trusting(&sandbox.path(anchor), &chain, &key, host);
    // webpki calls it NameConstraintViolation, and rustls wraps that.
    assert_eq!(ask("ca/root.pem", "app.test"), "refuses: Other");
    for host in ["app.test", "127.0.0.1"] {
        assert_eq!(ask("ca/firefox-intermediate.pem", host), "accepts");
    }
    assert_eq!(ask("ca/firefox-intermediate.pem", "other.test"), "refuses: NotValidForNameContext");
}
