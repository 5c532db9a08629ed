//! Clients that we did not write, with the session of their last connection, when the rule by which they are let in has
//! changed: Python's ssl, requests and aiohttp, and OpenSSL. A server that asks for certificates resumes no session.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};

use crate::fixture::CERTIFIED;
use crate::sandbox::{Background, Sandbox};

fn pem(label: &str, der: &[u8]) -> String {
    secure_io::container::pem(label, der).unwrap().to_string()
}

struct Ca {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = pem("CERTIFICATE", params.self_signed(&key).unwrap().der());
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Writes a client's certificate with the serial number 66.
    fn write_client(&self, sandbox: &Sandbox) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["alice".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(66));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        sandbox.write("alice.pem", pem("CERTIFICATE", params.signed_by(&key, &self.issuer).unwrap().der()));
        sandbox.write("alice-key.pem", pem("PRIVATE KEY", &key.serialize_der()));
    }

    fn crl(&self, serials: &[u64]) -> String {
        let now = secure_io::validity::now();
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now - time::Duration::hours(1),
            next_update: now + time::Duration::hours(1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        pem("X509 CRL", params.signed_by(&self.issuer).unwrap().der())
    }
}

/// A server that lets in who shows a certificate of the CA, with one for alice.
fn start(sandbox: &Sandbox, ca: &Ca, flags: &str) -> Background {
    sandbox.write("cert.pem", pem("CERTIFICATE", CERTIFIED.cert.der()));
    sandbox.write("key.pem", pem("PRIVATE KEY", &CERTIFIED.signing_key.serialize_der()));
    sandbox.write("clients.pem", &ca.certificate);
    sandbox.write("clients.crl", ca.crl(&[]));
    ca.write_client(sandbox);
    sandbox.serve(&format!("--cert cert.pem --key key.pem --client-ca clients.pem {flags}"))
}

/// Puts a file in the place of another, and waits until the server has read it.
fn replace(sandbox: &Sandbox, server: &mut Background, name: &str, content: &str) {
    sandbox.write("new", content);
    std::fs::rename(sandbox.path("new"), sandbox.path(name)).unwrap();
    server.wait_for("New connections are shown");
}

/// The changes after which alice is refused, each with the reason in the log.
fn changes(ca: &Ca) -> [(&'static str, &'static str, String, &'static str); 2] {
    [
        ("--client-crl clients.crl", "clients.crl", ca.crl(&[66]), "revoked"),
        ("", "clients.pem", Ca::new("another CA").certificate, "unknown-issuer"),
    ]
}

#[test]
fn python_is_refused_with_its_last_session() {
    for version in ["TLSv1_2", "TLSv1_3"] {
        let ca = Ca::new("clients' CA");
        for (flags, file, content, reason) in changes(&ca) {
            let sandbox = Sandbox::new();
            let mut server = start(&sandbox, &ca, flags);
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/resumed.py");
            let client = sandbox.start(&format!("python3 -I {script} {} {version}", server.port), "ready :");
            replace(&sandbox, &mut server, file, &content);
            sandbox.write("go", "");
            let (status, said) = client.end();
            assert!(status.success(), "{version}, {file}: {said}");
            let said: Vec<_> = said.lines().map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>()).collect();
            let expected = [
                ["ssl", "not"],
                ["requests", "let"],
                ["aiohttp", "let"],
                ["ready", ":1"],
                ["ssl", "refused"],
                ["requests", "refused"],
                ["aiohttp", "refused"],
            ];
            assert_eq!(said, expected, "{version}, {file}");
            for _ in 0..3 {
                let line = server.wait_for("No TLS with");
                assert!(line.contains(reason), "{version}, {file}: {line}");
            }
        }
    }
}

#[test]
fn openssl_is_refused_with_its_last_session() {
    for version in ["-tls1_2", "-tls1_3"] {
        let ca = Ca::new("clients' CA");
        for (flags, file, content, reason) in changes(&ca) {
            let sandbox = Sandbox::new();
            let mut server = start(&sandbox, &ca, flags);
            let port = server.port;
            let ask = |session: &str| {
                let line = format!(
                    "openssl s_client {version} -connect 127.0.0.1:{port} -servername localhost -CAfile cert.pem -cert alice.pem \
                     -key alice-key.pem -ign_eof {session}"
                );
                sandbox.run_with(&line, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").stdout_text()
            };
            assert!(ask("-sess_out session.pem").contains("HTTP/1.1 200 "), "{version}");
            // Written only if the server has given one.
            let session = if sandbox.exists("session.pem") { "-sess_in session.pem" } else { "" };
            let again = ask(session);
            assert!(again.contains("New, TLSv1.") && again.contains("HTTP/1.1 200 "), "{version}: {again}");
            replace(&sandbox, &mut server, file, &content);
            let refused = ask(session);
            assert!(!refused.contains("Reused, ") && !refused.contains("HTTP/1.1 "), "{version}, {file}: {refused}");
            let line = server.wait_for("No TLS with");
            assert!(line.contains(reason), "{version}, {file}: {line}");
        }
    }
}
