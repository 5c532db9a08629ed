//! `secure-io gen-cert --like`.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

/// A certificate as companies have them: an RSA key, two CAs above it, extensions that lead to the issuer's services.
fn original(sandbox: &Sandbox) {
    sandbox.write(
        "openssl.cnf",
        "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
         [leaf]\nsubjectAltName=DNS:shop.example,DNS:*.shop.example,IP:192.0.2.7,email:me@shop.example\n\
         basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n\
         extendedKeyUsage=serverAuth,clientAuth\ncertificatePolicies=2.23.140.1.2.1\n\
         tlsfeature=status_request\n1.2.3.4.5=ASN1:UTF8String:ours\n\
         crlDistributionPoints=URI:http://crl.example/ca.crl\nauthorityInfoAccess=OCSP;URI:http://ocsp.example/\n",
    );
    let make = |name: &str, subject: &str, key: &str, issuer: Option<&str>, days: u32, section: &str| {
        let signed = issuer.map_or_else(
            || format!("-signkey {name}-key.pem"),
            |issuer| format!("-CA {issuer}.pem -CAkey {issuer}-key.pem -CAcreateserial"),
        );
        sandbox.ok(&format!(
            "openssl req -new -newkey {key} -noenc -keyout {name}-key.pem -subj {subject} -out {name}.csr"
        ));
        sandbox.ok(&format!(
            "openssl x509 -req -in {name}.csr {signed} -days {days} -extfile openssl.cnf -extensions {section} -out {name}.pem"
        ));
    };
    make("root", "/O=Example/CN=Root", "ec -pkeyopt ec_paramgen_curve:P-384", None, 3650, "ca");
    make("sub", "/O=Example/CN=Issuing", "ec -pkeyopt ec_paramgen_curve:P-256", Some("root"), 1825, "ca");
    make("shop", "/O=Example/CN=shop.example", "rsa:3072", Some("sub"), 90, "leaf");
    sandbox.write("chain.pem", [sandbox.read("shop.pem"), sandbox.read("sub.pem")].concat());
}

fn text(sandbox: &Sandbox, file: &str, what: &str) -> String {
    sandbox.ok(&format!("openssl x509 -in {file} -noout {what}"))
}

/// A test suite that runs against the double meets what it will meet in production, and nobody has the original's key.
#[test]
fn a_double_says_what_the_original_says() {
    let sandbox = Sandbox::new();
    original(&sandbox);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like chain.pem"), @r#"
    $ secure-io gen-cert --like chain.pem
    exit: 0
    --- stdout
    Made a certificate for shop.example, *.shop.example, 192.0.2.7 and me@shop.example, signed by CN=Issuing,O=Example
      server-key.pem   private key, RSA 3072
      server-csr.pem   certification request
      server-cert.pem  certificate, expires [DATE] (in 90 days)
      server-root.pem  the root to trust in tests
    --- stderr
    note: left out, because only the original's issuer can vouch for it: cRLDistributionPoints, authorityInfoAccess
    hint: the keys of the CAs that were made for it are destroyed: make clients trust the root in tests alone
    "#);
    for same in ["subjectAltName", "keyUsage", "extendedKeyUsage", "certificatePolicies", "tlsfeature"] {
        let what = format!("-subject -ext {same}");
        assert_eq!(text(&sandbox, "server-cert.pem", &what), text(&sandbox, "shop.pem", &what));
    }
    assert!(text(&sandbox, "server-cert.pem", "-text").contains("1.2.3.4.5"));
    for file in ["server-cert.pem", "shop.pem"] {
        sandbox.run(&format!("openssl x509 -in {file} -noout -checkend 7700000")).success();
        sandbox.run(&format!("openssl x509 -in {file} -noout -checkend 7800000")).exits(1);
        assert!(text(&sandbox, file, "-text").contains("Public-Key: (3072 bit)"));
    }
    assert_ne!(text(&sandbox, "server-cert.pem", "-pubkey"), text(&sandbox, "shop.pem", "-pubkey"));
    sandbox.ok("openssl verify -CAfile server-root.pem -untrusted server-cert.pem -verify_hostname a.shop.example server-cert.pem");
    sandbox.run("openssl verify -CAfile root.pem -untrusted server-cert.pem server-cert.pem").exits(2);
    sandbox.ok("secure-io verify --trust server-root.pem --host shop.example --key server-key.pem server-cert.pem");
    // The chain has the original's shape: issuer and root by their names and kinds of keys, the root apart.
    let inspected = sandbox.ok("secure-io inspect --json server-cert.pem server-root.pem");
    let items: serde_json::Value = serde_json::from_str(&inspected).unwrap();
    let of = |index: usize, field: &str| items[index][field].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        [of(0, "subject"), of(1, "subject"), of(2, "subject")],
        ["CN=shop.example,O=Example", "CN=Issuing,O=Example", "CN=Root,O=Example"]
    );
    assert_eq!(items.as_array().map(Vec::len), Some(3));
    // Where the root is shown, its double is of the same kind.
    sandbox.write("full.pem", [sandbox.read("root.pem"), sandbox.read("chain.pem")].concat());
    sandbox.ok("secure-io gen-cert -q --like full.pem --name full");
    assert!(text(&sandbox, "full-root.pem", "-text").contains("NIST CURVE: P-384"));
}

#[test]
fn a_signer_that_is_named_signs() {
    let sandbox = Sandbox::new();
    original(&sandbox);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like chain.pem --self-signed --name own"), @r#"
    $ secure-io gen-cert --like chain.pem --self-signed --name own
    exit: 0
    --- stdout
    Made a certificate for shop.example, *.shop.example, 192.0.2.7 and me@shop.example, self-signed
      own-key.pem   private key, RSA 3072
      own-csr.pem   certification request
      own-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    note: left out, because only the original's issuer can vouch for it: cRLDistributionPoints, authorityInfoAccess
    note: the chain is not copied: the original has 1 CA above it
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    assert!(!sandbox.exists("own-root.pem"));
    sandbox.ok("secure-io ca init -q");
    assert_snapshot!(sandbox.run("secure-io gen-cert --like chain.pem --ca --name local"), @r#"
    $ secure-io gen-cert --like chain.pem --ca --name local
    exit: 2
    --- stderr
    error: the CA may not sign for `shop.example` and `*.shop.example` and `192.0.2.7` and `me@shop.example`: its name constraints permit localhost, test, internal, local, home.arpa, 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, ::1/128, fc00::/7, fe80::/10
    hint: permit it: `secure-io ca renew --permit shop.example --permit 192.0.2.7 --permit me@shop.example`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like chain.pem --ca --name local app.test"), @r#"
    $ secure-io gen-cert --like chain.pem --ca --name local app.test
    exit: 0
    --- stdout
    Made a certificate for app.test, signed by CN=secure-io development intermediate [HEX]
      local-key.pem   private key, RSA 3072
      local-csr.pem   certification request
      local-cert.pem  certificate, expires [DATE] (in 90 days)
    --- stderr
    note: the subject `CN=shop.example,O=Example` left out: the CA signs for the names in subjectAltName alone
    note: left out, because the local CA does not answer for it: certificatePolicies, tlsFeature, 1.2.3.4.5
    note: left out, because only the original's issuer can vouch for it: cRLDistributionPoints, authorityInfoAccess
    note: the chain is not copied: the original has 1 CA above it
    hint: no store on this machine trusts the local CA yet: `secure-io ca trust`
    "#);
    sandbox.ok("secure-io verify --host app.test local-cert.pem --trust .local/share/secure-io/ca/root.pem");
}

/// A self-signed original has no chain, a root's double is a root, and a server's is read from the server.
#[test]
fn the_shape_is_the_originals() {
    let sandbox = Sandbox::new();
    original(&sandbox);
    sandbox.ok("secure-io gen-cert -q --name plain --algorithm ed25519 --days 10 app.test");
    assert_snapshot!(sandbox.run("secure-io gen-cert --like plain-cert.pem --name double"), @r#"
    $ secure-io gen-cert --like plain-cert.pem --name double
    exit: 0
    --- stdout
    Made a certificate for app.test, self-signed
      double-key.pem   private key, Ed25519
      double-csr.pem   certification request
      double-cert.pem  certificate, expires [DATE] (in 10 days)
    --- stderr
    warning: no browser accepts a server's certificate with a key of the kind Ed25519
    hint: clients refuse a self-signed certificate until they are told to trust it
    "#);
    sandbox.ok("secure-io gen-cert -q --like root.pem --name ca");
    assert!(text(&sandbox, "ca-cert.pem", "-ext basicConstraints,keyUsage -subject").contains("CA:TRUE"));
    sandbox.ok("secure-io gen-cert -q --like plain-cert.pem --name local localhost app.test");
    let server = sandbox.serve("--cert local-cert.pem --key local-key.pem");
    sandbox.ok(&format!("secure-io gen-cert -q --like {} --name served", server.url()));
    assert!(text(&sandbox, "served-cert.pem", "-ext subjectAltName").contains("app.test"));
}

#[test]
fn what_has_no_double_is_named() {
    let sandbox = Sandbox::new();
    original(&sandbox);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like shop-key.pem"), @r#"
    $ secure-io gen-cert --like shop-key.pem
    exit: 2
    --- stderr
    error: cannot use `shop-key.pem`: it holds a private key, not a certificate
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like shop.pem --key shop-key.pem"), @r#"
    $ secure-io gen-cert --like shop.pem --key shop-key.pem
    exit: 2
    --- stderr
    error: cannot use `shop-key.pem`: it is the key of the original, and a double has one of its own
    hint: have a key made: `secure-io gen-cert --like shop.pem`
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like shop.pem --renew"), @r#"
    $ secure-io gen-cert --like shop.pem --renew
    exit: 2
    --- stderr
    error: the argument `--like <FILE|URL>` cannot be used with `--renew`
    hint: see `secure-io gen-cert --help`
    "#);
    sandbox.ok("secure-io gen-cert -q --like shop.pem");
    assert_snapshot!(sandbox.run("secure-io gen-cert --like shop.pem"), @r#"
    $ secure-io gen-cert --like shop.pem
    exit: 2
    --- stderr
    error: `server-key.pem` exists already
    hint: write another set: `secure-io gen-cert --like shop.pem --name server-2`
    hint: --force replaces what is there
    "#);
    assert_snapshot!(sandbox.run("secure-io gen-cert --like server-cert.pem --force"), @r#"
    $ secure-io gen-cert --like server-cert.pem --force
    exit: 2
    --- stderr
    error: `server-cert.pem` is read and would be written over
    "#);
}
