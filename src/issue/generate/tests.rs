use super::*;
use crate::x509::constraints::{self, Permit};
use crate::x509::csr::Extension;
use crate::x509::extension::{self, id};

fn now() -> OffsetDateTime {
    time::macros::datetime!(2026-01-02 03:04:05 UTC)
}

fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::EcdsaP256).unwrap()
}

fn spec(names: &[&str]) -> CertificateSpec {
    CertificateSpec { names: name::parse_all(names.iter().copied()).unwrap(), ..CertificateSpec::default() }
}

/// A CA whose certificate is not self-signed, under a root; both certificates in its file.
fn ca(subject: &str, days: u32) -> (PrivateKey, Vec<CertificateDer<'static>>) {
    let (root_key, key) = (key(), key());
    let validity = Validity::new(now(), None, None, Some(days)).unwrap();
    let name: Subject = "CN=root,DC=example,DC=com".parse().unwrap();
    let root_issuer = Issuer::own(&root_key, &name).unwrap();
    let root = cert::issue(&Template::ca(name, root_key.spki(), None, validity), &root_issuer).unwrap();
    let mut template = Template::ca(subject.parse().unwrap(), key.spki(), Some(0), validity);
    let permitted = ["test", "10.0.0.0/8"].map(|permit| Permit::parse(permit).unwrap());
    let value = constraints::write(&permitted, &[]);
    template.extensions.push(Extension { oid: "2.5.29.30".to_owned(), critical: true, value });
    let issuer = Issuer::from_certificate(&root, &root_key, now()).unwrap();
    let certificate = cert::issue(&template, &issuer).unwrap();
    (key, vec![root, certificate])
}

#[test]
fn by_default_a_certificate_is_what_browsers_accept() {
    let key = key();
    let (_, issued) = make(&CertificateSpec::default(), &key, Signer::Own, now()).unwrap();
    assert!(issued.warnings.is_empty() && issued.notes.is_empty());
    let report = inspect::certificate(&issued.chain[0]).unwrap();
    assert_eq!(report.version, 3);
    assert_eq!(report.subject, "CN=localhost");
    assert_eq!(report.subject_alt_names, ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
    assert_eq!(report.key_usage, ["digitalSignature"]);
    assert_eq!(report.extended_key_usage, ["serverAuth"]);
    assert_eq!(report.subject_key_id, report.authority_key_id);
    assert_eq!(report.serial.len(), 40);
    assert_eq!(
        (report.not_before.to_string().as_str(), report.not_after.to_string().as_str()),
        ("2026-01-02T02:04:05Z", "2027-01-02T02:04:04Z")
    );
    assert!(report.self_signed && !report.is_ca);
    let parsed = inspect::parse(&issued.chain[0]).unwrap();
    assert!(parsed.extensions().first(id::BASIC_CONSTRAINTS).unwrap().is_critical());
}

/// rcgen's serial is a hash of the key: the same key twice, and Firefox refuses the second certificate.
#[test]
fn the_same_key_twice_gets_different_serials() {
    let key = key();
    let serial = || {
        inspect::certificate(&make(&CertificateSpec::default(), &key, Signer::Own, now()).unwrap().1.chain[0])
            .unwrap()
            .serial
    };
    assert_ne!(serial(), serial());
}

/// rcgen drops one of two attributes of a kind, and then no verifier finds the issuer.
#[test]
fn the_issuers_name_is_its_subject_byte_for_byte() {
    let (ca_key, certificates) = ca("CN=ca+UID=1,OU=B,OU=A,DC=example,DC=com", 365);
    let signer = Signer::Ca { certificates: &certificates, key: &ca_key, carry: Carry::All };
    let (_, issued) = make(&spec(&["a.test"]), &key(), signer, now()).unwrap();
    let (leaf, issuer) = (inspect::parse(&issued.chain[0]).unwrap(), inspect::parse(&certificates[1]).unwrap());
    assert_eq!(leaf.issuer.as_raw(), issuer.subject.as_raw());
    assert_eq!(issued.chain.len(), 2, "the chain is the leaf and the intermediate, without the root");
    assert_eq!(issued.chain[1], certificates[1]);
    let report = inspect::certificate(&issued.chain[0]).unwrap();
    assert_eq!(report.authority_key_id, inspect::certificate(&certificates[1]).unwrap().subject_key_id);
    assert!(issued_by(&issued.chain[0], &certificates[1]));
}

fn issued_by(below: &CertificateDer<'_>, above: &CertificateDer<'_>) -> bool {
    issued(above, below)
}

#[test]
fn a_leaf_never_outlives_its_issuer() {
    let (ca_key, certificates) = ca("CN=ca", 10);
    let signer = Signer::Ca { certificates: &certificates, key: &ca_key, carry: Carry::All };
    let (_, issued) = make(&spec(&["a.test"]), &key(), signer, now()).unwrap();
    assert_eq!(issued.notes.len(), 1);
    let end = |der: &CertificateDer<'_>| inspect::certificate(der).unwrap().not_after;
    assert_eq!(end(&issued.chain[0]), end(&certificates[1]));
    let late = now() + time::Duration::days(11);
    assert!(matches!(
        make(&spec(&["a.test"]), &key(), signer, late),
        Err(Error::Certificate(cert::Error::IssuerTime { .. }))
    ));
}

#[test]
fn name_constraints_are_kept_before_signing() {
    let (ca_key, certificates) = ca("CN=ca", 365);
    let signer = Signer::Ca { certificates: &certificates, key: &ca_key, carry: Carry::All };
    let allowed = |host: &str| make(&spec(&[host]), &key(), signer, now()).is_ok();
    assert!(allowed("a.test") && allowed("*.a.test") && allowed("10.1.2.3") && allowed("me@example.com"));
    assert!(!allowed("example.com") && !allowed("atest") && !allowed("11.0.0.1"));
    let bank = CertificateSpec { subject: Some("CN=bank.com".parse().unwrap()), ..spec(&["10.1.2.3"]) };
    assert!(make(&bank, &key(), signer, now()).is_err(), "OpenSSL takes the commonName for a dNSName");
    // The permitted addresses are all IPv4, and constraints are by kind: no IPv6 address is in one.
    assert!(!allowed("::1"));
}

#[test]
fn only_a_ca_signs() {
    let leaf_key = key();
    let (_, leaf) = make(&CertificateSpec::default(), &leaf_key, Signer::Own, now()).unwrap();
    let signer = Signer::Ca { certificates: &leaf.chain, key: &leaf_key, carry: Carry::All };
    let error = make(&CertificateSpec::default(), &key(), signer, now()).unwrap_err();
    assert!(matches!(error, Error::Certificate(cert::Error::NotACa { .. })), "{error}");
    let other = key();
    let signer = Signer::Ca { certificates: &leaf.chain, key: &other, carry: Carry::All };
    assert!(matches!(make(&CertificateSpec::default(), &key(), signer, now()), Err(Error::NoIssuer { count: 1 })));
}

fn request(subject: &str, extensions: &[(&str, &[u8])]) -> (PrivateKey, Request) {
    let key = key();
    let subject = if subject.is_empty() { Subject::empty() } else { subject.parse().unwrap() };
    let extensions = extensions
        .iter()
        .map(|(oid, value)| Extension { oid: (*oid).to_owned(), critical: false, value: value.to_vec() })
        .collect();
    let request = Request { subject, spki: key.spki().to_vec(), extensions };
    (key, request)
}

fn sign(
    subject: &str,
    extensions: &[(&str, &[u8])],
    allow_ca: bool,
) -> Result<(crate::judge::report::Certificate, Issued), Error> {
    let (key, request) = request(subject, extensions);
    let issued = sign_request(&CertificateSpec::default(), &request, Some(&key), Signer::Own, allow_ca, now())?;
    Ok((inspect::certificate(&issued.chain[0]).unwrap(), issued))
}

/// The three OpenSSL commands leave the host in the subject alone, and browsers refuse the result.
#[test]
fn a_request_without_names_gets_those_that_were_meant() {
    let names = |subject: &str| sign(subject, &[], false).unwrap().0.subject_alt_names;
    assert_eq!(names("CN=a.test,O=x"), ["DNS:a.test"]);
    assert_eq!(names("CN=My Company"), ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
    assert_eq!(names(""), ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
}

#[test]
fn what_a_request_asks_for_is_carried_over() {
    let san = [0x30, 8, 0x82, 6, b'a', b'.', b't', b'e', b's', b't'];
    let eku = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
    let must_staple = [0x30, 3, 2, 1, 5];
    let key_encipherment = [3, 2, 5, 0xa0];
    let asked: [(&str, &[u8]); 5] = [
        ("2.5.29.17", &san),
        ("2.5.29.37", &eku),
        ("1.3.6.1.5.5.7.1.24", &must_staple),
        ("2.5.29.15", &key_encipherment),
        ("2.5.29.14", &[4, 1, 0]),
    ];
    let (report, issued) = sign("CN=x", &asked, false).unwrap();
    assert_eq!(report.subject_alt_names, ["DNS:a.test"]);
    assert_eq!(report.extended_key_usage, ["clientAuth"]);
    assert_eq!(report.key_usage, ["digitalSignature"], "an EC key cannot be encrypted to");
    let parsed = inspect::parse(&issued.chain[0]).unwrap();
    let oids: Vec<_> = parsed.extensions().iter().map(extension::Extension::dotted_id).collect();
    assert!(oids.contains(&"1.3.6.1.5.5.7.1.24".to_owned()), "{oids:?}");
    assert_eq!(oids.iter().filter(|oid| *oid == "2.5.29.14").count(), 1, "one subjectKeyIdentifier, ours");
}

#[test]
fn a_request_for_a_ca_is_refused_unless_asked_for() {
    let ca_true = [0x30, 6, 1, 1, 0xff, 2, 1, 3];
    let key_cert_sign = [3, 2, 2, 0x04];
    for asked in [("2.5.29.19", &ca_true[..]), ("2.5.29.15", &key_cert_sign), ("2.5.29.30", &[0x30, 0])] {
        let error = sign("CN=x", &[asked], false).unwrap_err();
        assert!(matches!(error, Error::Certificate(cert::Error::AsksForCa { .. })), "{error}");
    }
    let (report, _) = sign("CN=x", &[("2.5.29.19", &ca_true)], true).unwrap();
    assert!(report.is_ca);
    assert_eq!(report.path_len, Some(3));
    assert_eq!(report.key_usage, ["keyCertSign", "cRLSign"]);
    for contradiction in [("2.5.29.15", &key_cert_sign[..]), ("2.5.29.17", &[0x30, 0])] {
        assert!(sign("CN=x", &[contradiction], true).is_err());
    }
    let twice = sign("CN=x", &[("2.5.29.19", &[0x30, 0]), ("2.5.29.19", &[0x30, 0])], false);
    assert!(matches!(twice, Err(Error::Certificate(cert::Error::DuplicateExtension { .. }))));
}

#[test]
fn a_certificate_that_still_fits_is_not_renewed() {
    let key = key();
    let wanted = spec(&["a.test", "::1"]);
    let (_, made) = make(&wanted, &key, Signer::Own, now()).unwrap();
    let why = |spec: &CertificateSpec, key: &PrivateKey, after: i64| {
        why_renew(&made.chain, key, spec, Some(Signer::Own), None, now() + time::Duration::days(after))
    };
    assert_eq!(why(&spec(&["::1", "a.test"]), &key, 0), None, "in another order they are the same names");
    let named = CertificateSpec { subject: Some("CN=b".parse().unwrap()), ..wanted.clone() };
    assert_eq!(why(&named, &key, 0), Some("it has another subject".to_owned()));
    assert_eq!(why(&wanted, &key, 330), None);
    assert_eq!(why(&wanted, &key, 336), Some("it expires in 29 days".to_owned()));
    assert_eq!(why(&spec(&["b.test"]), &key, 0), Some("it is for a.test and ::1".to_owned()));
    assert_eq!(why(&wanted, &super::tests::key(), 0), Some("it is for another key".to_owned()));
    let client = CertificateSpec { purpose: Some(Purpose::Client), ..wanted.clone() };
    assert_eq!(why(&client, &key, 0), Some("it is for another purpose".to_owned()));
    let (ca_key, certificates) = ca("CN=ca", 365);
    let signer = Signer::Ca { certificates: &certificates, key: &ca_key, carry: Carry::All };
    let other = why_renew(&made.chain, &key, &wanted, Some(signer), None, now());
    assert_eq!(other, Some("it has another issuer".to_owned()));
}

/// openssl and curl refused certificates of IPv4 addresses alone under the local CA; Java those without an issuer.
#[test]
fn subjects_are_left_out_where_they_are_misread_and_put_in_where_they_must_be() {
    let (ca_key, certificates) = ca("CN=ca", 365);
    let signer = Signer::Ca { certificates: &certificates, key: &ca_key, carry: Carry::All };
    let subject = |names: &[&str], signer| {
        let (_, issued) = make(&spec(names), &key(), signer, now()).unwrap();
        inspect::certificate(&issued.chain[0]).unwrap().subject
    };
    assert_eq!(subject(&["10.1.2.3"], signer), "");
    assert_eq!(subject(&["10.1.2.3", "a.test"], signer), "CN=10.1.2.3");
    assert_eq!(subject(&["10.1.2.3"], Signer::Own), "CN=10.1.2.3");
    assert_eq!(subject(&["spiffe://td/app"], Signer::Own), "CN=self-signed certificate");
    let (report, _) = sign("", &[], false).unwrap();
    assert_eq!(report.issuer, "CN=self-signed certificate");
}

#[test]
fn a_subject_that_is_a_host_is_among_the_names() {
    let spec = CertificateSpec { subject: Some("CN=app.test,O=x".parse().unwrap()), ..CertificateSpec::default() };
    let names: Vec<_> = spec.effective_names().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["DNS:app.test", "DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
    let spec = CertificateSpec { subject: Some("CN=Somebody".parse().unwrap()), ..CertificateSpec::default() };
    assert_eq!(spec.effective_names(), name::loopback());
}
