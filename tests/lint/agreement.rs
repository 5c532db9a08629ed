//! `inspect` and `verify` see the same in a certificate, and so does x509-parser where it can read it.

use secure_io::extension::Entry;
use secure_io::validity::rfc3339;
use secure_io::verify::Certificate;
use secure_io::{asn1, inspect, report};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Panics if one of the three reads something else than the others.
pub(crate) fn check(der: &[u8]) {
    let Ok(report) = inspect::certificate(der) else { return };
    let Ok(certificate) = Certificate::parse(der.to_vec()) else { return };
    check_verify(&report, &certificate);
    // What is not DER has no one meaning: there the two may differ.
    let mut entries = certificate.read().extensions().entries.iter();
    let is_clear =
        |entry: &Entry<'_>| entry.as_ref().is_ok_and(|extension| extension.value.is_ok() && is_der(extension.octets));
    if is_der(der)
        && entries.all(is_clear)
        && let Ok(([], second)) = X509Certificate::from_der(der)
    {
        check_second(&report, &second);
    }
}

fn is_der(octets: &[u8]) -> bool {
    asn1::Reader::new(octets).value("it").and_then(|value| asn1::der::check(value, "it")).is_ok()
}

fn check_verify(report: &report::Certificate, certificate: &Certificate) {
    let (read, subject) = (certificate.read(), &report.subject);
    let extensions = read.extensions();
    assert_eq!(Some(report.version), read.version.map(|version| version + 1), "{subject}");
    assert_eq!(report.serial, hex(read.serial.content), "{subject}");
    assert_eq!((subject, &report.issuer), (&read.subject.text(), &read.issuer.text()));
    let times = (rfc3339(read.not_before.at), rfc3339(read.not_after.at));
    assert_eq!((report.not_before.to_string(), report.not_after.to_string()), times, "{subject}");
    assert_eq!(report.public_key, (&read.key.key).into(), "{subject}");
    assert_eq!(report.is_ca, read.is_ca(), "{subject}");
    let constraints = extensions.basic_constraints().copied().unwrap_or_default();
    assert_eq!((report.is_ca, report.path_len), (constraints.ca, constraints.path_len), "{subject}");
    let usages: Vec<_> = extensions.key_usage().into_iter().flat_map(|usage| usage.names()).collect();
    assert_eq!(report.key_usage, usages, "{subject}");
    let purposes = extensions.ext_key_usage().map(|usage| usage.0.as_slice()).unwrap_or_default();
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.name()).collect();
    assert_eq!(report.extended_key_usage, purposes, "{subject}");
    assert_eq!(report.subject_key_id, extensions.subject_key_id().map(hex), "{subject}");
    let authority = extensions.authority_key_id().and_then(|id| id.key_id).map(hex);
    assert_eq!(report.authority_key_id, authority, "{subject}");
    let names = extensions.subject_alt_name().map(|names| names.0.as_slice()).unwrap_or_default();
    let is_once = report.extensions.iter().filter(|extension| extension.oid == "2.5.29.17").count() < 2;
    if is_once {
        assert_eq!(report.subject_alt_names, names.iter().map(ToString::to_string).collect::<Vec<_>>(), "{subject}");
    }
}

fn check_second(report: &report::Certificate, second: &X509Certificate<'_>) {
    let subject = &report.subject;
    assert_eq!(report.version, second.version().0 + 1, "{subject}");
    assert_eq!(report.serial, hex(second.raw_serial()), "{subject}");
    let end = second.validity().not_after.to_datetime();
    assert_eq!(report.not_after.to_string(), rfc3339(end), "{subject}");
    assert_eq!(report.spki_sha256, hex(&secure_io::key::spki_sha256(second.public_key().raw)), "{subject}");
    if let Ok(Some(constraints)) = second.basic_constraints() {
        let (ca, path_len) = (constraints.value.ca, constraints.value.path_len_constraint);
        assert_eq!((report.is_ca, report.path_len), (ca, path_len), "{subject}");
    }
    if let Ok(Some(usage)) = second.key_usage() {
        let named = |name: &str| report.key_usage.iter().any(|usage| usage == name);
        let both = [
            (named("digitalSignature"), usage.value.digital_signature()),
            (named("keyEncipherment"), usage.value.key_encipherment()),
            (named("keyCertSign"), usage.value.key_cert_sign()),
            (named("cRLSign"), usage.value.crl_sign()),
            (named("decipherOnly"), usage.value.decipher_only()),
        ];
        assert!(both.iter().all(|(ours, theirs)| ours == theirs), "{subject}: {both:?}");
    }
    if let Ok(Some(purposes)) = second.extended_key_usage() {
        let named = |name: &str| report.extended_key_usage.iter().any(|purpose| purpose == name);
        let theirs = (purposes.value.server_auth, purposes.value.client_auth, purposes.value.any);
        assert_eq!((named("serverAuth"), named("clientAuth"), named("anyExtendedKeyUsage")), theirs, "{subject}");
    }
    if let Ok(Some(names)) = second.subject_alternative_name() {
        assert_eq!(report.subject_alt_names.len(), names.value.general_names.len(), "{subject}");
    }
}

fn hex(octets: &[u8]) -> String {
    secure_io::hex(octets)
}
