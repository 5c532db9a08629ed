//! We sign OpenSSL's requests, and under its CAs.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::sandbox::Sandbox;

/// Makes a CA with a distinguished name written as OpenSSL's configuration has it, and a key identifier of its own.
fn make_ca(sandbox: &Sandbox, name: &str, newkey: &str) {
    let config = format!(
        "[req]\nprompt = no\nutf8 = yes\nstring_mask = default\ndistinguished_name = name\nx509_extensions = ca\n{name}\n\
         [ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier = 0102030405060708\n"
    );
    sandbox.write("ca.cnf", config);
    sandbox.ok(&format!("openssl req -x509 -config ca.cnf -newkey {newkey} -nodes -keyout ca-key.pem -out ca.pem"));
}

const PLAIN: &str = "[name]\nCN = CA\n";
const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const UNDER_CA: &str = "--ca-cert ca.pem --ca-key ca-key.pem";

fn der(sandbox: &Sandbox, file: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&sandbox.read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A certificate's issuer is its CA's subject, byte for byte: repeated and multi-valued attributes, each kind of
/// string, and OpenSSL finds the one by the other.
#[test]
fn the_issuer_is_the_cas_subject_byte_for_byte() {
    for name in [
        "[name]\n0.DC = com\n1.DC = example\n0.OU = A\n1.OU = B\nCN = Example CA\n",
        "[name]\nO = Example\nOU = A\n+CN = Example CA\n+UID = 17\n",
        "string_mask = nombstr\n[name]\nC = DE\nO = Bücher\nCN = T61 CA\n",
        "string_mask = pkix\n[name]\nO = Bücher und €\nCN = BMP CA\n",
        "string_mask = utf8only\n[name]\nO = Bücher und €\nCN = UTF-8 CA\nemailAddress = ca@example.test\n",
        "[name]\n1.2.3.4.5 = an attribute nobody knows\nCN = Odd CA\n",
    ] {
        let sandbox = Sandbox::new();
        make_ca(&sandbox, name, P256);
        sandbox.ok(&format!("secure-io gen-cert {UNDER_CA}"));
        sandbox.ok("openssl verify -x509_strict -verify_hostname localhost -CAfile ca.pem server-cert.pem");
        let (leaf, ca) = (der(&sandbox, "server-cert.pem"), der(&sandbox, "ca.pem"));
        let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
        let (_, ca) = X509Certificate::from_der(&ca).unwrap();
        assert_eq!(leaf.issuer().as_raw(), ca.subject().as_raw(), "{name}");
    }
}

/// CAs with other keys than a leaf of ours has, and the identifier that the CA has given its key.
#[test]
fn cas_of_every_kind_sign() {
    for newkey in ["rsa:2048", "ed25519", "ec -pkeyopt ec_paramgen_curve:P-384", "ec -pkeyopt ec_paramgen_curve:P-521"]
    {
        let sandbox = Sandbox::new();
        make_ca(&sandbox, PLAIN, newkey);
        sandbox.ok(&format!("secure-io gen-cert {UNDER_CA}"));
        sandbox.ok("openssl verify -x509_strict -CAfile ca.pem server-cert.pem");
        let text = sandbox.ok("openssl x509 -in server-cert.pem -noout -ext authorityKeyIdentifier");
        assert!(text.contains("01:02:03:04:05:06:07:08"), "{text}");
    }
}

/// Signed by an intermediate: the file holds the chain, leaf first, without the root, and a client that trusts the
/// root alone can follow it.
#[test]
fn a_signed_file_holds_the_chain_without_the_root() {
    let sandbox = Sandbox::new();
    sandbox
        .ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root-key.pem -out root.pem \
                -subj /CN=Root -addext keyUsage=critical,keyCertSign");
    sandbox.ok(
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca-csr.pem \
                -subj /CN=Intermediate -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
                -addext keyUsage=critical,keyCertSign",
    );
    sandbox.ok("openssl x509 -req -in ca-csr.pem -CA root.pem -CAkey root-key.pem -copy_extensions copy -days 60 \
                -out intermediate.pem");
    // In the order that people keep them, and in the other.
    for order in [["intermediate.pem", "root.pem"], ["root.pem", "intermediate.pem"]] {
        sandbox.write("ca.pem", order.map(|file| sandbox.read(file)).concat());
        sandbox.ok(&format!("secure-io gen-cert --force {UNDER_CA}"));
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&sandbox.read("server-cert.pem")).map(Result::unwrap).collect();
        assert_eq!(chain.len(), 2);
        assert_eq!(chain[1], der(&sandbox, "intermediate.pem"));
        sandbox.ok("openssl verify -x509_strict -CAfile root.pem -untrusted server-cert.pem server-cert.pem");
    }
}

/// The same key, and the same request, signed twice: two certificates that no client takes for one.
#[test]
fn no_serial_number_is_used_twice() {
    let sandbox = Sandbox::new();
    make_ca(&sandbox, PLAIN, P256);
    sandbox.ok("secure-io gen-key --out key.pem");
    sandbox.ok("secure-io gen-csr --key key.pem --out csr.pem");
    let mut serials: Vec<Vec<u8>> = Vec::new();
    for source in ["--key key.pem", "--key key.pem", "--csr csr.pem", "--csr csr.pem"] {
        sandbox.ok(&format!("secure-io gen-cert --force {source} {UNDER_CA}"));
        let der = der(&sandbox, "server-cert.pem");
        let (_, certificate) = X509Certificate::from_der(&der).unwrap();
        serials.push(certificate.raw_serial().to_vec());
    }
    for serial in &serials {
        assert!((16..=20).contains(&serial.len()), "RFC 5280 section 4.1.2.2 and 16 random bytes: {serial:02x?}");
        assert!(serial[0] < 0x80, "positive: {serial:02x?}");
        assert_eq!(serials.iter().filter(|other| *other == serial).count(), 1, "{serials:02x?}");
    }
}

/// A leaf ends with its CA at the latest, and one that would begin after its CA's end is not made.
#[test]
fn a_leaf_never_outlives_its_ca() {
    let sandbox = Sandbox::new();
    make_ca(&sandbox, PLAIN, &format!("{P256} -days 10"));
    sandbox.ok(&format!("secure-io gen-cert {UNDER_CA}"));
    let end = |file| sandbox.ok(&format!("openssl x509 -in {file} -noout -enddate"));
    assert_eq!(end("server-cert.pem"), end("ca.pem"));
    sandbox.ok("openssl verify -CAfile ca.pem server-cert.pem");
    sandbox.run(&format!("secure-io gen-cert --force --not-before 20d --not-after 30d {UNDER_CA}")).exits(2);
}

const REQUEST: &str =
    "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem";

/// Everything that a request asks for and a CA may grant is in the certificate, as it was asked for.
#[test]
fn what_a_request_asks_for_is_carried_over() {
    let sandbox = Sandbox::new();
    make_ca(&sandbox, PLAIN, P256);
    sandbox.write(
        "csr.cnf",
        "[req]\nprompt = no\ndistinguished_name = name\nreq_extensions = wanted\n[name]\nO = Example\nCN = app.test\n\
         [wanted]\nsubjectAltName = DNS:app.test,DNS:*.app.test,IP:10.0.0.1,IP:::1,email:me@app.test,\
         URI:spiffe://td/app,otherName:1.2.3.4;UTF8:other,dirName:dir\n\
         keyUsage = critical,digitalSignature,keyAgreement\nextendedKeyUsage = serverAuth,clientAuth\n\
         subjectKeyIdentifier = hash\ntlsfeature = status_request\n[dir]\nCN = dir\n",
    );
    sandbox.ok(&format!("{REQUEST} -config csr.cnf"));
    sandbox.ok(&format!("secure-io gen-cert --csr csr.pem {UNDER_CA}"));
    sandbox.ok("openssl verify -x509_strict -verify_hostname app.test -CAfile ca.pem server-cert.pem");
    let asked = sandbox.ok("openssl req -in csr.pem -noout -text");
    let granted = sandbox.ok("openssl x509 -in server-cert.pem -noout -text");
    for extension in ["X509v3 Subject Alternative Name", "X509v3 Key Usage", "X509v3 Extended Key Usage", "TLS Feature"]
    {
        assert_eq!(value(&asked, extension), value(&granted, extension), "{extension}\n{granted}");
    }
    assert!(granted.contains("Subject: O = Example, CN = app.test\n"), "{granted}");
    // A key identifier is the issuer's to choose; there must be one, and no second.
    assert_eq!(granted.matches("X509v3 Subject Key Identifier").count(), 1, "{granted}");
}

/// The lines of an extension in OpenSSL's text, its criticality included, spaces apart.
#[track_caller]
fn value<'a>(text: &'a str, extension: &str) -> Vec<&'a str> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with(&format!("{extension}:")));
    let found: Vec<_> = lines.by_ref().take(2).collect();
    assert_eq!(found.len(), 2, "no {extension} in\n{text}");
    found
}

/// A request whose own signature does not verify is refused: possession of the key is not proven.
#[test]
fn a_request_with_a_broken_signature_is_refused() {
    let sandbox = Sandbox::new();
    make_ca(&sandbox, PLAIN, P256);
    sandbox.ok(&format!("{REQUEST} -outform DER -subj /CN=app.test"));
    let intact = sandbox.read("csr.pem");
    sandbox.ok(&format!("secure-io gen-cert --csr csr.pem --out-cert cert.pem {UNDER_CA}"));
    let name = intact.windows(8).position(|part| part == b"app.test").expect("the name is in it");
    // Another name under the old signature, and a signature that is off by a bit.
    for (place, bit) in [(name, 0x02), (intact.len() - 1, 0x01)] {
        let mut broken = intact.clone();
        broken[place] ^= bit;
        sandbox.write("csr.pem", broken);
        sandbox.run("openssl req -inform DER -in csr.pem -verify -noout").says("verify failure");
        let refused = sandbox.run(&format!("secure-io gen-cert --csr csr.pem {UNDER_CA}")).exits(2);
        refused.says("csr.pem").says("signature");
        assert!(!sandbox.exists("server-cert.pem"));
    }
}

/// A request for a CA is refused unless that is asked for.
#[test]
fn a_request_for_a_ca_is_refused_unless_asked_for() {
    let sandbox = Sandbox::new();
    make_ca(&sandbox, PLAIN, P256);
    sandbox
        .ok(&format!("{REQUEST} -subj /CN=Sub -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign"));
    let sign = format!("secure-io gen-cert --csr csr.pem {UNDER_CA}");
    sandbox.run(&sign).exits(2).says("CA:TRUE").says("--allow-ca");
    assert!(!sandbox.exists("server-cert.pem"));
    sandbox.ok(&format!("{sign} --allow-ca"));
    let text = sandbox.ok("openssl x509 -in server-cert.pem -noout -ext basicConstraints,keyUsage");
    assert!(text.contains("CA:TRUE") && text.contains("Certificate Sign"), "{text}");
    sandbox.ok("openssl verify -x509_strict -CAfile ca.pem server-cert.pem");
}
