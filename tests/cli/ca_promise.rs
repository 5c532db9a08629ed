//! The local CA's promise: what it signs, whom it lets at its files, and what it has revoked.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    sandbox
}

/// After `ca revoke` it was once valid, unless the CRL was given.
#[test]
fn verify_asks_the_local_ca_what_it_has_revoked() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --name other other.test");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --name alice --purpose client --subject CN=alice");
    sandbox.ok("secure-io ca revoke -q --ca-dir ca server-cert.pem alice-cert.pem --reason keyCompromise");
    assert_snapshot!(sandbox.run("secure-io verify --ca-dir ca server-cert.pem --host app.test"), @r#"
    $ secure-io verify --ca-dir ca server-cert.pem --host app.test
    exit: 1
    --- stdout
    server-cert.pem: not valid (revoked)
      app.test: the local CA revoked it on [DATE] (keyCompromise)
      app.test
      └ CN=secure-io development intermediate [HEX]
        └ CN=secure-io upper development intermediate [HEX]
          └ CN=secure-io development root [HEX]
    --- stderr
    hint: make a new key and have a new certificate issued
    "#);
    let judge = |line: &str| sandbox.run(&format!("secure-io verify {line}"));
    judge("--ca-dir ca --trust ca/root.pem server-cert.pem").exits(1).says("(revoked)");
    judge("--ca-dir ca --purpose client alice-cert.pem").exits(1).says("(revoked)");
    judge("--ca-dir ca other-cert.pem").success();
    let lines = [r#"{"leaf":"server-cert.pem"}"#, r#"{"leaf":"server-cert.pem","trust":["ca/root.pem"]}"#];
    for line in lines {
        sandbox.run_with("secure-io verify --ca-dir ca --batch -", line).exits(1).says(r#""code":"revoked""#);
    }
    // A root that was there before keeps its record.
    sandbox.ok("cp ca/root.pem before.pem");
    sandbox.ok("secure-io ca renew -q --ca-dir ca --force");
    judge("--ca-dir ca --trust before.pem server-cert.pem").exits(1).says("(revoked)");
    judge("--ca-dir ca --trust before.pem other-cert.pem").success();
}

/// A damaged line was never seen by a test: it may be a revocation, so nothing below the root is valid until it is read.
#[test]
fn a_damaged_line_of_the_log_is_reported() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    let mut log = sandbox.read("ca/log.jsonl");
    log.extend_from_slice(b"{\"event\":\"revo\n");
    sandbox.write("ca/log.jsonl", log);
    assert_snapshot!(sandbox.run("secure-io verify --ca-dir ca server-cert.pem"), @r#"
    $ secure-io verify --ca-dir ca server-cert.pem
    exit: 1
    --- stdout
    server-cert.pem: not valid (revocation-unknown)
      app.test: the local CA's record of revoked certificates cannot be read: line 2 of `ca/log.jsonl` cannot be read, and may be a revocation
      app.test
      └ CN=secure-io development intermediate [HEX]
        └ CN=secure-io upper development intermediate [HEX]
          └ CN=secure-io development root [HEX]
    --- stderr
    hint: put the damaged line right, or take it out
    "#);
    assert_snapshot!(sandbox.run("secure-io ca crl --ca-dir ca"), @r#"
    $ secure-io ca crl --ca-dir ca
    exit: 2
    --- stderr
    error: line 2 of `ca/log.jsonl` cannot be read, and may be a revocation
    hint: take out or put right what is damaged there
    "#);
    sandbox.run("secure-io ca show --ca-dir ca").success().says("1 line of ca/log.jsonl cannot be read");
    // What others revoke meanwhile is added behind it.
    sandbox.ok("secure-io ca revoke -q --ca-dir ca server-cert.pem");
    sandbox.ok("sed -i 2d ca/log.jsonl");
    sandbox.run("secure-io verify --ca-dir ca server-cert.pem").exits(1).says("(revoked)");
}

/// Nothing noticed when the warning about a CA of the older kind, with one intermediate, was not given.
#[test]
fn a_ca_of_the_older_kind_is_warned_about_until_it_is_renewed() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir new");
    sandbox.ok("mkdir -m 700 old");
    sandbox.ok("openssl req -x509 -newkey rsa:2048 -noenc -keyout root-key.pem -out old/root.pem -subj /CN=Root");
    sandbox.ok("openssl req -newkey rsa:2048 -noenc -keyout old/intermediate-key.pem -out old.csr -subj /CN=Old");
    sandbox.ok("chmod 600 old/intermediate-key.pem");
    sandbox.write("old.cnf", "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:test\n");
    sandbox.ok("openssl x509 -req -in old.csr -CA old/root.pem -CAkey root-key.pem -days 900 -extfile old.cnf -out old/intermediate.pem");
    let warning = "warning: the local CA was made by an earlier version";
    let warned = sandbox.run("secure-io gen-cert --ca --ca-dir old app.test").success().says(warning);
    warned.says("ca renew --force --ca-dir old`");
    sandbox.run("secure-io ca show --ca-dir old").success().says(warning);
    sandbox.ok("secure-io ca renew --force --ca-dir old");
    for folder in ["old", "new"] {
        let issued = sandbox.run(&format!("secure-io gen-cert --force --ca --ca-dir {folder} app.test")).success();
        assert!(!issued.to_string().contains(warning), "{issued}");
    }
}

/// A revocation whose time or number was damaged by hand was left out of the CRL without a word.
#[test]
fn a_revocation_that_cannot_be_read_is_not_left_out_of_the_crl() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    sandbox.ok("secure-io ca revoke -q --ca-dir ca server-cert.pem");
    let log = sandbox.read("ca/log.jsonl");
    let damaged = |pattern: &str, by: &str| {
        let pattern = regex::bytes::Regex::new(pattern).expect("a pattern");
        let line = log.iter().position(|octet| *octet == b'\n').expect("two lines") + 1;
        let mut damaged = log[..line].to_vec();
        damaged.extend_from_slice(&pattern.replace(&log[line..], by.as_bytes()));
        assert_ne!(damaged, log);
        sandbox.write("ca/log.jsonl", damaged);
        sandbox.run("secure-io ca crl --ca-dir ca").exits(2)
    };
    damaged(r#""at":"2"#, r#""at":"x2"#).says("line 2 of `ca/log.jsonl` cannot be read, and may be a revocation");
    damaged(r#""serial":".."#, r#""serial":"0x"#).says("in `ca/log.jsonl` is not hex");
}

/// Many at once were once a lock, a read and a write for each; a wrong one among them leaves all as they were.
#[test]
fn all_are_revoked_or_none() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    sandbox.ok("secure-io gen-cert -q --name other other.test");
    sandbox.run("secure-io ca revoke --ca-dir ca server-cert.pem other-cert.pem").exits(2).says("did not issue");
    sandbox.run("secure-io verify --ca-dir ca server-cert.pem").success();
}

/// Another user could once put a CA of their own there, or read its key.
#[cfg(unix)]
#[test]
fn a_ca_that_others_can_get_at_is_not_used() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let mode = |path: &str, mode| std::fs::set_permissions(sandbox.path(path), Permissions::from_mode(mode)).unwrap();
    std::fs::create_dir(sandbox.path("w")).unwrap();
    mode("w", 0o777);
    sandbox.run("secure-io ca init -q --ca-dir w").success().says("warning: other users could change `w`");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir w a.test");
    mode("w/intermediate-key.pem", 0o666);
    assert_snapshot!(sandbox.run("secure-io gen-cert --ca --ca-dir w --force a.test"), @r#"
    $ secure-io gen-cert --ca --ca-dir w --force a.test
    exit: 2
    --- stderr
    error: other users can get at `w/intermediate-key.pem` (mode 666), so the local CA is not used
    hint: if nobody else has used it, close it: `chmod 600 w/intermediate-key.pem`
    hint: otherwise make another CA in a folder of your own
    "#);
    mode("w/intermediate-key.pem", 0o600);
    mode("w/client-intermediate-key.pem", 0o604);
    sandbox.run("secure-io ca show --ca-dir w").exits(2).says("(mode 604)");
    mode("w/client-intermediate-key.pem", 0o600);
    // A root or a record of revocations that others can write is theirs.
    for file in ["w/root.pem", "w/firefox-intermediate.pem", "w/log.jsonl"] {
        mode(file, 0o666);
        sandbox.run("secure-io ca trust --ca-dir w --store nss").exits(2).says(&format!("chmod 644 {file}"));
        sandbox.run("secure-io gen-cert --ca --ca-dir w --force a.test").exits(2).says("(mode 666)");
        mode(file, 0o644);
    }
    mode("w", 0o777);
    sandbox.run("secure-io ca trust --ca-dir w --store nss").exits(2).says("other users can get at `w`");
    sandbox.run("secure-io gen-cert --ca --ca-dir w --force a.test").exits(2).says("other users can get at `w`");
    let judged = sandbox.run("secure-io verify --ca-dir w server-cert.pem");
    judged.exits(1).says("warning: the local CA is not trusted: other users can get at `w`");
    // What is in a folder already is not closed to others unasked.
    sandbox.run("secure-io ca init --ca-dir w --force").exits(2).says("chmod 700 w");
    mode("w", 0o700);
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir w --force a.test");
}

/// Constraints speak of no otherName, so a UPN or an SmtpUTF8Mailbox of anybody was once signed.
#[test]
fn a_request_for_names_past_the_constraints_is_refused() {
    let sandbox = prepared();
    let request = |names: &str, more: &str| {
        let make =
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.pem -subj /CN=x";
        sandbox.ok(&format!("{make} -addext 'subjectAltName=DNS:app.test{names}' {more}"));
        sandbox.run("secure-io gen-cert --ca --ca-dir ca --csr r.pem --out-cert c.pem")
    };
    for (names, kind) in [
        (",otherName:1.3.6.1.4.1.311.20.2.3;UTF8:admin@corp.example", "an otherName of the type"),
        (",otherName:1.3.6.1.5.5.7.8.9;UTF8:admin@bank.com", "an otherName of the type"),
        (",otherName:1.3.6.1.5.5.7.8.7;IA5:_ldap.bank.com", "an otherName of the type"),
        (",otherName:1.3.6.1.5.5.7.8.5;UTF8:bank.com", "an otherName of the type"),
        (",RID:1.2.3.4", "a registeredID"),
    ] {
        request(names, "").exits(2).says(kind).says("cannot use `r.pem`");
        assert!(!sandbox.exists("c.pem"), "{names}");
    }
    let more = "-addext authorityInfoAccess=OCSP\\;URI:http://ocsp.bank.com/ \
                -addext crlDistributionPoints=URI:http://bank.com/crl -addext 1.2.3.4=ASN1:UTF8String:x";
    let outcome = request("", more).success();
    outcome.says("left out, because the local CA does not answer for it:").says("the subject `CN=x` left out");
    let text = sandbox.ok("openssl x509 -in c.pem -noout -text");
    assert!(!text.contains("bank.com") && !text.contains("1.2.3.4"), "{text}");
    sandbox.run("secure-io verify --ca-dir ca --host app.test --strict c.pem").success();
}

/// A server's certificate has no subject and a client's has one, so each has its intermediate.
#[test]
fn clients_have_subjects_and_servers_have_none() {
    let sandbox = prepared();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca app.test");
    let text = sandbox.ok("openssl x509 -in server-cert.pem -noout -subject -ext subjectAltName");
    assert_eq!(text.lines().next(), Some("subject="), "{text}");
    assert!(text.contains("critical"), "{text}");
    sandbox
        .run("secure-io gen-cert --ca --ca-dir ca --force --subject CN=app.test app.test")
        .exits(2)
        .says("CN=app.test");
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --name alice --purpose client --subject CN=alice,O=Example");
    let subject = sandbox.ok("openssl x509 -in alice-cert.pem -noout -subject -nameopt RFC2253");
    assert_eq!(subject.trim(), "subject=CN=alice,O=Example");
    let verify = "openssl verify -x509_strict -CAfile ca/root.pem";
    sandbox.ok(&format!("{verify} -purpose sslclient -untrusted alice-cert.pem alice-cert.pem"));
    sandbox.run(&format!("{verify} -purpose sslserver -untrusted alice-cert.pem alice-cert.pem")).exits(2);
    sandbox.run("secure-io verify --ca-dir ca --purpose client alice-cert.pem").success();
    sandbox.run("secure-io verify --ca-dir ca --purpose server alice-cert.pem").exits(1).says("(wrong-purpose)");
    // It is renewed as what it is.
    sandbox.ok("secure-io gen-cert -q --renew --renew-before 400d --ca-dir ca --name alice");
    sandbox.run("secure-io verify --ca-dir ca --purpose client alice-cert.pem").success().says("CN=alice,O=Example");
}

/// A CA with one intermediate, as it was made before, goes on working and says what it lacks.
#[test]
fn a_ca_of_an_earlier_version_says_how_it_is_made_again() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca --keep-root-key");
    sandbox.write(
        "older",
        "basicConstraints = critical,CA:TRUE,pathlen:0\nkeyUsage = critical,keyCertSign,cRLSign\n\
         extendedKeyUsage = serverAuth,clientAuth\nsubjectKeyIdentifier = hash\n\
         nameConstraints = critical,permitted;DNS:test\n",
    );
    sandbox.ok("openssl req -new -key ca/intermediate-key.pem -subj /CN=older -out r.pem");
    sandbox.ok("openssl x509 -req -in r.pem -CA ca/root.pem -CAkey ca/root-key.pem -extfile older -days 99 -out ca/intermediate.pem");
    sandbox.ok("rm ca/client-intermediate.pem ca/client-intermediate-key.pem");
    let made = sandbox.run("secure-io gen-cert --ca --ca-dir ca app.test").success();
    made.says("made by an earlier version").says("`secure-io ca renew --force --ca-dir ca`");
    sandbox.run("secure-io ca show --ca-dir ca").success().says("made by an earlier version");
    sandbox.run("secure-io verify --ca-dir ca server-cert.pem").success();
    // Its key is as dangerous as before, wherever the old root is trusted.
    let renewed = sandbox.run("secure-io ca renew --force --ca-dir ca").success();
    renewed.says("`secure-io ca untrust --ca-dir ca`").says("`secure-io ca trust --ca-dir ca`");
    let made = sandbox.run("secure-io gen-cert --ca --ca-dir ca --renew").success();
    assert!(!made.stderr.contains("earlier version"), "{}", made.stderr);
    made.says("it has another issuer");
    sandbox.run("secure-io verify --ca-dir ca server-cert.pem --host app.test").success();
    sandbox.ok("secure-io gen-cert -q --ca --ca-dir ca --name alice --purpose client --subject CN=alice");
}
