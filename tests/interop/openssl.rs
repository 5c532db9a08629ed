//! OpenSSL verifies and prints what we make, and either program can do any of the three steps to a certificate.

use crate::sandbox::Sandbox;

/// One test for each algorithm, so that they run side by side.
macro_rules! for_each_algorithm {
    ($($test:ident: $check:path;)*) => {
        $(mod $test {
            use super::Algorithm;

            #[test]
            fn ecdsa_p256() { $check(&Algorithm::EC_P256); }
            #[test]
            fn ecdsa_p384() { $check(&Algorithm::EC_P384); }
            #[test]
            fn ecdsa_p521() { $check(&Algorithm::EC_P521); }
            #[test]
            fn ed25519() { $check(&Algorithm::ED25519); }
            #[test]
            fn rsa_2048() { $check(&Algorithm::RSA_2048); }
            #[test]
            fn rsa_3072() { $check(&Algorithm::RSA_3072); }
            #[test]
            fn rsa_4096() { $check(&Algorithm::RSA_4096); }
        })*
    };
}

for_each_algorithm! {
    each_step: super::check_each_step;
    all_at_once: super::check_all_at_once;
}

/// An algorithm, and how OpenSSL names it.
struct Algorithm {
    name: &'static str,
    public_key: &'static str,
    detail: &'static str,
    signature: &'static str,
}

impl Algorithm {
    const EC_P256: Self = Self::ec("ecdsa-p256", "ASN1 OID: prime256v1", "ecdsa-with-SHA256");
    const EC_P384: Self = Self::ec("ecdsa-p384", "ASN1 OID: secp384r1", "ecdsa-with-SHA384");
    const EC_P521: Self = Self::ec("ecdsa-p521", "ASN1 OID: secp521r1", "ecdsa-with-SHA512");
    const ED25519: Self =
        Self { name: "ed25519", public_key: "ED25519", detail: "ED25519 Public-Key", signature: "ED25519" };
    const RSA_2048: Self = Self::rsa("rsa-2048", "Public-Key: (2048 bit)");
    const RSA_3072: Self = Self::rsa("rsa-3072", "Public-Key: (3072 bit)");
    const RSA_4096: Self = Self::rsa("rsa-4096", "Public-Key: (4096 bit)");

    const fn ec(name: &'static str, detail: &'static str, signature: &'static str) -> Self {
        Self { name, public_key: "id-ecPublicKey", detail, signature }
    }

    const fn rsa(name: &'static str, detail: &'static str) -> Self {
        Self { name, public_key: "rsaEncryption", detail, signature: "sha256WithRSAEncryption" }
    }

    fn is_rsa(&self) -> bool {
        self.name.starts_with("rsa")
    }
}

/// `gen-key`, `gen-csr` and `gen-cert --csr`, each looked at by OpenSSL, which then signs with the key as well.
fn check_each_step(algorithm: &Algorithm) {
    let sandbox = Sandbox::new();
    sandbox.ok(&format!("secure-io gen-key --algorithm {} --out key.pem", algorithm.name));
    sandbox.run("openssl pkey -in key.pem -check -noout").success().says("Key is valid");

    sandbox.ok("secure-io gen-csr --key key.pem --out csr.pem --subject CN=localhost,O=Example localhost 127.0.0.1");
    let csr = sandbox.run("openssl req -in csr.pem -verify -noout -text").success();
    check_names(&csr.says("verify OK").stdout_text(), algorithm);

    sandbox.ok("secure-io gen-cert --csr csr.pem --key key.pem --out-cert cert.pem");
    check_certificate(&sandbox, algorithm, "cert.pem", "cert.pem");
    assert_same_key(&sandbox, "key.pem", "cert.pem");

    sandbox.ok("openssl req -new -key key.pem -subj /CN=localhost -out theirs-csr.pem");
    sandbox.ok("openssl x509 -req -in theirs-csr.pem -signkey key.pem -out theirs-cert.pem");
    sandbox.ok("openssl verify -CAfile theirs-cert.pem theirs-cert.pem");
    sandbox.ok("openssl pkey -in key.pem -pubout -out public.pem");
    let signing = match algorithm.name {
        // Signs the message itself, not a digest of it.
        "ed25519" => [
            "openssl pkeyutl -sign -rawin -inkey key.pem -in csr.pem -out signature",
            "openssl pkeyutl -verify -rawin -pubin -inkey public.pem -in csr.pem -sigfile signature",
        ],
        _ => [
            "openssl dgst -sha256 -sign key.pem -out signature csr.pem",
            "openssl dgst -sha256 -verify public.pem -signature signature csr.pem",
        ],
    };
    for line in signing {
        sandbox.ok(line);
    }
}

/// `gen-cert` alone: under a CA of OpenSSL's making, with an encrypted key and a PKCS#12 file.
fn check_all_at_once(algorithm: &Algorithm) {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem \
                -subj /CN=CA -addext keyUsage=critical,keyCertSign,cRLSign");
    sandbox.write("passphrase", "one two three\n");
    sandbox.write("password", "p12 password\n");
    sandbox.ok(&format!(
        "secure-io gen-cert --algorithm {} --subject CN=localhost,O=Example localhost 127.0.0.1 \
         --ca-cert ca.pem --ca-key ca-key.pem --encrypt --passphrase-file passphrase \
         --p12 server.p12 --p12-password-file password",
        algorithm.name
    ));
    let under_ca = Algorithm { signature: "ecdsa-with-SHA256", ..*algorithm };
    check_certificate(&sandbox, &under_ca, "server-cert.pem", "ca.pem");
    sandbox.run("openssl req -in server-csr.pem -verify -noout").success().says("verify OK");

    assert!(sandbox.read("server-key.pem").starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    sandbox.run("openssl pkey -in server-key.pem -passin file:passphrase -check -noout").success().says("Key is valid");
    sandbox.run("openssl pkey -in server-key.pem -passin pass:wrong -noout").exits(1);
    sandbox.ok("openssl pkey -in server-key.pem -passin file:passphrase -out key.pem");
    assert_same_key(&sandbox, "key.pem", "server-cert.pem");

    sandbox.ok("openssl pkcs12 -in server.p12 -passin file:password -nodes -nocerts -out p12-key.pem");
    sandbox.ok("openssl pkcs12 -in server.p12 -passin file:password -nokeys -clcerts -out p12-cert.pem");
    assert_same_key(&sandbox, "p12-key.pem", "server-cert.pem");
    let certificate = |file| sandbox.ok(&format!("openssl x509 -in {file} -outform PEM"));
    assert_eq!(certificate("p12-cert.pem"), certificate("server-cert.pem"));
}

/// A version 3 server certificate for these names, valid under `root`, and what RFC 5280 wants of it.
#[track_caller]
fn check_certificate(sandbox: &Sandbox, algorithm: &Algorithm, file: &str, root: &str) {
    sandbox.ok(&format!(
        "openssl verify -x509_strict -purpose sslserver -verify_hostname localhost -CAfile {root} {file}"
    ));
    sandbox.ok(&format!("openssl verify -purpose sslserver -verify_ip 127.0.0.1 -CAfile {root} {file}"));
    sandbox.run(&format!("openssl verify -verify_hostname other.test -CAfile {root} {file}")).exits(2);
    sandbox.run(&format!("openssl verify -purpose sslclient -CAfile {root} {file}")).exits(2);

    let text = sandbox.ok(&format!("openssl x509 -in {file} -noout -text"));
    check_names(&text, algorithm);
    let signature = format!("Signature Algorithm: {}\n", algorithm.signature);
    assert_eq!(text.matches(&signature).count(), 2, "inside and outside of what is signed\n{text}");
    let expected = [
        "Version: 3 (0x2)",
        "X509v3 Basic Constraints: critical\n                CA:FALSE\n",
        "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n",
        "X509v3 Subject Key Identifier:",
        "X509v3 Authority Key Identifier:",
    ];
    for part in expected {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let usages = if algorithm.is_rsa() { "Digital Signature, Key Encipherment\n" } else { "Digital Signature\n" };
    assert!(text.contains(&format!("X509v3 Key Usage: critical\n                {usages}")), "{text}");
}

/// What a request and its certificate have in common.
#[track_caller]
fn check_names(text: &str, algorithm: &Algorithm) {
    let expected = [
        "Subject: O = Example, CN = localhost\n",
        "DNS:localhost, IP Address:127.0.0.1\n",
        &format!("Public Key Algorithm: {}\n", algorithm.public_key),
        algorithm.detail,
    ];
    for part in expected {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[track_caller]
fn assert_same_key(sandbox: &Sandbox, key: &str, certificate: &str) {
    let of_key = sandbox.ok(&format!("openssl pkey -in {key} -pubout"));
    let of_certificate = sandbox.ok(&format!("openssl x509 -in {certificate} -pubkey -noout"));
    assert_eq!(of_key, of_certificate, "{key} does not belong to {certificate}");
}

/// Each of the three steps done by either program, in all eight combinations, with the file names of the README.
#[track_caller]
fn check_every_combination(genpkey: &str, algorithm: &str) {
    let keys = Sandbox::new();
    keys.ok(&format!("openssl genpkey {genpkey} -out theirs.pem"));
    keys.ok(&format!("secure-io gen-key --algorithm {algorithm} --out ours.pem"));
    let requests = [
        "openssl req -new -key server-key.pem -subj /CN=localhost -out server-csr.pem",
        "secure-io gen-csr --key server-key.pem --out server-csr.pem",
    ];
    let certificates = [
        "openssl x509 -req -in server-csr.pem -signkey server-key.pem -out server-cert.pem",
        "secure-io gen-cert --csr server-csr.pem --key server-key.pem --out-cert server-cert.pem",
    ];
    for key in ["theirs.pem", "ours.pem"] {
        for request in requests {
            for certificate in certificates {
                let sandbox = Sandbox::new();
                sandbox.write("server-key.pem", keys.read(key));
                sandbox.ok(request);
                sandbox.ok(certificate);
                sandbox.ok("openssl verify -CAfile server-cert.pem server-cert.pem");
                assert_same_key(&sandbox, "server-key.pem", "server-cert.pem");
                if certificate.starts_with("secure-io") {
                    sandbox.ok("openssl verify -verify_hostname localhost -CAfile server-cert.pem server-cert.pem");
                }
            }
        }
    }
}

#[test]
fn every_combination_of_steps_works_for_rsa() {
    check_every_combination("-algorithm RSA", "rsa-2048");
}

#[test]
fn every_combination_of_steps_works_for_ec() {
    check_every_combination("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "ecdsa-p256");
}

/// What a request of OpenSSL's default settings makes: a subject without a host, and no subjectAltName.
#[test]
fn a_request_with_openssls_default_subject_becomes_a_certificate_for_this_machine() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genpkey -algorithm RSA -out server-key.pem");
    sandbox.ok("openssl req -new -batch -key server-key.pem -out server-csr.pem");
    sandbox.ok("secure-io gen-cert --csr server-csr.pem --key server-key.pem");
    sandbox.ok("openssl verify -verify_hostname localhost -CAfile server-cert.pem server-cert.pem");
}

/// OpenSSL's server presents what we made, and its client, checking everything, accepts it.
#[test]
fn s_server_and_s_client_agree_on_a_certificate() {
    for algorithm in ["ecdsa-p256", "ed25519", "rsa-2048"] {
        let sandbox = Sandbox::new();
        sandbox.ok(&format!("secure-io gen-cert --algorithm {algorithm}"));
        let server =
            sandbox.start("openssl s_server -accept 127.0.0.1:0 -cert server-cert.pem -key server-key.pem", "ACCEPT ");
        let connect = format!("openssl s_client -brief -connect 127.0.0.1:{} -CAfile server-cert.pem", server.port);
        for checks in ["-verify_hostname localhost", "-verify_ip 127.0.0.1"] {
            let outcome = sandbox.run(&format!("{connect} -verify_return_error {checks}")).success();
            outcome.says("Verification: OK");
        }
        sandbox.run(&format!("{connect} -verify_return_error -verify_hostname other.test")).exits(1);
    }
}

/// PKCS#12 for old readers holds the same and opens without OpenSSL's legacy provider.
#[test]
fn a_legacy_pkcs12_file_opens() {
    let sandbox = Sandbox::new();
    sandbox.write("password", "p12 password\n");
    sandbox.ok("secure-io gen-cert --p12 server.p12 --p12-password-file password --p12-legacy");
    let info = sandbox.run("openssl pkcs12 -in server.p12 -passin file:password -info -nodes -out all.pem").success();
    info.says("MAC: sha1").says("pbeWithSHA1And3-KeyTripleDES-CBC");
    assert_same_key(&sandbox, "all.pem", "server-cert.pem");
}

/// PKCS#12 as written by default: AES and SHA-256, nothing older.
#[test]
fn a_pkcs12_file_is_modern() {
    let sandbox = Sandbox::new();
    sandbox.write("password", "p12 password\n");
    sandbox.ok("secure-io gen-cert --p12 server.p12 --p12-password-file password");
    let info = sandbox.run("openssl pkcs12 -in server.p12 -passin file:password -info -nodes -out all.pem").success();
    let info = info.says("MAC: sha256, Iteration 300000").says("AES-256-CBC, Iteration 300000, PRF hmacWithSHA256");
    assert!(!info.stderr.contains("3-KeyTripleDES"), "{}", info.stderr);
    sandbox.run("openssl pkcs12 -in server.p12 -passin pass:wrong -noout").exits(1);
}

/// Each kind of name that people type, as OpenSSL reads it and checks by it.
#[test]
fn every_kind_of_name() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert app.test *.dev.test 127.0.0.1 ::1 me@example.com spiffe://td/app bücher.test");
    let names = sandbox.ok("openssl x509 -in server-cert.pem -noout -ext subjectAltName");
    let expected = "DNS:app.test, DNS:*.dev.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, \
                    email:me@example.com, URI:spiffe://td/app, DNS:xn--bcher-kva.test\n";
    assert!(names.ends_with(expected), "{names}");
    let verify = |check: &str| sandbox.run(&format!("openssl verify {check} -CAfile server-cert.pem server-cert.pem"));
    for check in
        ["hostname app.test", "hostname a.dev.test", "hostname xn--bcher-kva.test", "ip ::1", "email me@example.com"]
    {
        verify(&format!("-verify_{check}")).success();
    }
    for check in ["hostname dev.test", "hostname a.b.dev.test", "ip 127.0.0.2", "email you@example.com"] {
        verify(&format!("-verify_{check}")).exits(2);
    }
}

/// Times on both sides of the year 2050, where the encoding changes (RFC 5280 section 4.1.2.5).
#[test]
fn times_are_encoded_by_their_year() {
    let sandbox = Sandbox::new();
    for (year, encoding) in [("2049", "UTCTIME"), ("2050", "GENERALIZEDTIME")] {
        sandbox.ok(&format!("secure-io gen-cert --force --not-after {year}-12-31T23:59:59Z"));
        let end = sandbox.ok("openssl x509 -in server-cert.pem -noout -enddate");
        assert_eq!(end, format!("notAfter=Dec 31 23:59:59 {year} GMT\n"));
        let text = sandbox.ok("openssl asn1parse -in server-cert.pem");
        let times: Vec<_> = text.lines().filter(|line| line.contains("TIME")).collect();
        assert!(times[0].contains("UTCTIME") && times[1].contains(&format!(": {encoding}")), "{times:?}");
    }
}

/// Certificates for clients: each side of mutual TLS takes the other's, and neither serves the other's purpose.
#[test]
fn a_client_certificate_opens_mutual_tls() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem \
                -subj /CN=CA -addext keyUsage=critical,keyCertSign");
    let under_ca = "--ca-cert ca.pem --ca-key ca-key.pem";
    sandbox.ok(&format!("secure-io gen-cert {under_ca}"));
    sandbox.ok(&format!("secure-io gen-cert --name client --purpose client me@example.com {under_ca}"));
    sandbox.ok("openssl verify -x509_strict -purpose sslclient -CAfile ca.pem client-cert.pem");
    sandbox.run("openssl verify -purpose sslserver -CAfile ca.pem client-cert.pem").exits(2);
    let server = sandbox.start(
        "openssl s_server -accept 127.0.0.1:0 -cert server-cert.pem -key server-key.pem -CAfile ca.pem -Verify 1 \
         -verify_return_error",
        "ACCEPT ",
    );
    // In TLS 1.2 the client learns before its handshake ends whether it is let in.
    let connect = format!("openssl s_client -brief -tls1_2 -connect 127.0.0.1:{} -CAfile ca.pem", server.port);
    for (name, code) in [("client", 0), ("server", 1)] {
        sandbox.run(&format!("{connect} -cert {name}-cert.pem -key {name}-key.pem")).exits(code);
    }
}

/// Salts of other lengths than the hash's, and keys that are for RSASSA-PSS alone, were refused with `bad-signature`, or
/// with the advice to take SHA-256.
#[test]
fn rsassa_pss_of_all_salts_and_keys_is_verified() {
    let sandbox = Sandbox::new();
    sandbox.write("ext", "subjectAltName = DNS:app.test\nbasicConstraints = critical, CA:FALSE\n");
    sandbox.ok("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=app.test -keyout leaf.key -out leaf.csr");
    let narrow =
        "-pkeyopt rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32";
    for (key, algorithm, flags) in [("pss", "RSA-PSS", ""), ("narrow", "RSA-PSS", narrow), ("rsa", "RSA", "")] {
        sandbox.ok(&format!(
            "openssl genpkey -algorithm {algorithm} -pkeyopt rsa_keygen_bits:2048 {flags} -out {key}.key"
        ));
        let hash = if key == "narrow" { "sha256" } else { "sha384" };
        sandbox.ok(&format!(
            "openssl req -x509 -key {key}.key -{hash} -subj /CN=ca -sigopt rsa_padding_mode:pss -out {key}.pem"
        ));
    }
    let verdict = |key: &str, hash: &str, salt: u32, mask: &str| {
        let mask = if mask.is_empty() { String::new() } else { format!("-sigopt rsa_mgf1_md:{mask}") };
        sandbox.ok(&format!(
            "openssl x509 -req -in leaf.csr -CA {key}.pem -CAkey {key}.key -CAcreateserial -days 30 -extfile ext -{hash} \
             -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt} {mask} -out leaf.pem"
        ));
        sandbox.ok(&format!("openssl verify -CAfile {key}.pem leaf.pem"));
        sandbox.run(&format!("secure-io verify --trust {key}.pem leaf.pem --host app.test"))
    };
    for (key, hash, salt) in [
        ("rsa", "sha256", 32),
        ("rsa", "sha256", 0),
        ("rsa", "sha256", 222),
        ("rsa", "sha384", 20),
        ("rsa", "sha512", 64),
    ] {
        verdict(key, hash, salt, "").success();
    }
    for (key, hash, salt) in
        [("pss", "sha256", 32), ("pss", "sha512", 20), ("narrow", "sha256", 32), ("narrow", "sha256", 50)]
    {
        verdict(key, hash, salt, "").success();
    }
    verdict("rsa", "sha1", 20, "").exits(1).says("(weak-signature)").says("RSASSA-PSS with SHA-1");
    let mixed = verdict("rsa", "sha256", 32, "sha384");
    mixed.exits(1).says("RSASSA-PSS with SHA-256 and the mask of MGF1 with SHA-384");
    verdict("pss", "sha256", 77, "").success();
    sandbox.ok("openssl x509 -in leaf.pem -outform DER -out leaf.der");
    let mut der = sandbox.read("leaf.der");
    let last = der.len() - 1;
    der[last] ^= 1;
    sandbox.write("leaf.der", der);
    sandbox.run("secure-io verify --trust pss.pem leaf.der --host app.test").exits(1).says("(bad-signature)");
}
