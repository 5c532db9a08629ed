//! Agreement of `inspect` with other programs.

use crate::sandbox::Sandbox;

/// Every certificate of cryptography's vectors that Python reads, and all of Debian's roots: subject, issuer, serial
/// number, dates, names, digest, key size, extensions, key usages, CA and path length.
#[test]
fn python_reads_the_same_in_every_certificate() {
    let script = format!("{}/tests/python/inspect.py", env!("CARGO_MANIFEST_DIR"));
    let binary = env!("CARGO_BIN_EXE_secure-io");
    let output = Sandbox::new().ok(&format!("python3 {script} {binary} /etc/ssl/certs/ca-certificates.crt"));
    let (count, same) = output.trim_end().rsplit('\n').next().and_then(|line| line.split_once(' ')).expect("a count");
    assert!(output.lines().count() == 1, "{output}");
    assert!(same == "certificates are the same" && count.parse().is_ok_and(|count: usize| count > 600), "{output}");
}

/// A request and a CRL by their openssl text: every name in it is in our output.
#[test]
fn openssl_names_the_same_in_requests_and_keys() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /O=Example/CN=a.test -addext subjectAltName=DNS:a.test,email:me@a.test");
    let pin = "openssl pkey -in key.pem -pubout -outform DER -out spki.der";
    sandbox.ok(pin);
    let digest = sandbox.ok("openssl dgst -sha256 -r spki.der");
    let digest = digest.split(' ').next().expect("a digest");
    for file in ["csr.pem", "key.pem", "spki.der"] {
        sandbox
            .run(&format!("secure-io inspect --json {file}"))
            .success()
            .says(&format!("\"spki_sha256\":\"{digest}\""));
    }
    let request = sandbox.ok("secure-io inspect --json csr.pem");
    for said in
        [r#""subject":"CN=a.test,O=Example""#, r#"["DNS:a.test","email:me@a.test"]"#, r#""signature_valid":true"#]
    {
        assert!(request.contains(said), "{said} is not in {request}");
    }
}

/// OpenSSL writes behind the certificate what it may be used for: no item of its own, and none that is broken.
#[test]
fn openssls_trust_settings_are_no_part_of_the_certificate() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q");
    sandbox.ok("openssl x509 -in server-cert.pem -addtrust serverAuth -setalias mine -trustout -out trusted.pem");
    assert!(String::from_utf8(sandbox.read("trusted.pem")).unwrap().contains("BEGIN TRUSTED CERTIFICATE"));
    let digest = |file: &str| sandbox.ok(&format!("secure-io fingerprint {file} --json")).replace(file, "FILE");
    assert_eq!(digest("trusted.pem"), digest("server-cert.pem"));
}
