//! Hostile input, and extensions in words.

use crate::base::hex::hex;
use rcgen::{CertificateParams, CustomExtension, KeyPair};

use super::*;
use crate::encoding::container::encrypted::Rounds;
use crate::encoding::container::{self, KeyFormat};
use crate::judge::report::extension::{Extension, ExtensionValue};
use crate::judge::report::item::Item;
use crate::x509::csr::{self, Purpose};
use crate::x509::key::{Algorithm, PrivateKey};
use crate::x509::name;

/// A certificate with an extension of this OID.
fn with_extension(oid: &[u64], value: &[u8]) -> Vec<u8> {
    let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
    params.custom_extensions.push(CustomExtension::from_oid_content(oid, value.to_vec()));
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn extension(oid: &[u64], value: &[u8]) -> Extension {
    let dotted = oid.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    let report = certificate(&with_extension(oid, value)).unwrap();
    report.extensions.into_iter().find(|extension| extension.oid == dotted).unwrap()
}

fn value(oid: &[u64], octets: &[u8]) -> String {
    let extension = extension(oid, octets);
    assert_eq!(extension.error, None);
    serde_json::to_string(&extension.value).unwrap()
}

#[test]
fn extensions_are_put_into_words() {
    for (oid, octets, expected) in [
        (&[1, 3, 6, 1, 5, 5, 7, 1, 24][..], &b"\x30\x03\x02\x01\x05"[..], r#"["status_request"]"#),
        (&[2, 5, 29, 54], b"\x02\x01\x02", "2"),
        (
            &[2, 5, 29, 36],
            b"\x30\x06\x80\x01\x00\x81\x01\x01",
            r#"{"require_explicit_policy":0,"inhibit_policy_mapping":1}"#,
        ),
        (
            &[2, 5, 29, 33],
            b"\x30\x0a\x30\x08\x06\x02\x2a\x03\x06\x02\x2a\x04",
            r#"[{"issuer":"1.2.3","subject":"1.2.4"}]"#,
        ),
        (&[2, 16, 840, 1, 113_730, 1, 1], b"\x03\x02\x06\xc0", r#"["sslClient","sslServer"]"#),
        (&[2, 16, 840, 1, 113_730, 1, 13], b"\x16\x02hi", r#""hi""#),
        (&[1, 3, 6, 1, 4, 1, 311, 21, 1], b"\x02\x03\x01\x00\x02", r#"{"certificate":2,"key":1}"#),
        (
            &[2, 5, 29, 32],
            b"\x30\x0a\x30\x08\x06\x06\x67\x81\x0c\x01\x02\x01",
            r#"[{"oid":"2.23.140.1.2.1","name":"CA/Browser Forum domain validated"}]"#,
        ),
        (&[2, 5, 29, 31], b"\x30\x10\x30\x0e\xa0\x0c\xa0\x0a\x86\x08http://a", r#"[{"names":["URI:http://a"]}]"#),
        (
            &[2, 5, 29, 28],
            b"\x30\x03\x85\x01\xff",
            r#"{"only_user_certificates":false,"only_ca_certificates":false,"only_attribute_certificates":true,"indirect":false}"#,
        ),
        (
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            b"\x30\x16\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x86\x08http://a",
            r#"[{"method":"OCSP","location":"URI:http://a"}]"#,
        ),
    ] {
        assert_eq!(value(oid, octets), expected);
    }
}

#[test]
fn extensions_that_are_there_and_say_no_more() {
    let poison = extension(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3], b"\x05\x00");
    assert_eq!((poison.name.as_deref(), poison.value, poison.value_hex), (Some("ctPoison"), None, None));
}

/// One extension that cannot be read once hid all the others.
#[test]
fn what_cannot_be_read_is_shown_with_the_reason_and_hides_nothing() {
    let broken = extension(&[2, 5, 29, 54], b"\x04\x01\x02");
    assert_eq!(broken.value_hex.as_deref(), Some("040102"));
    assert_eq!(broken.error.as_deref(), Some("inhibitAnyPolicy has the tag 0x04 instead of 0x02"));
    let unknown = extension(&[1, 2, 3], b"\xff");
    assert_eq!((unknown.name, unknown.value_hex.as_deref(), unknown.error), (None, Some("ff"), None));
    let report = certificate(&with_extension(&[2, 5, 29, 54], b"\x04\x01\x02")).unwrap();
    assert_eq!(report.subject_alt_names, ["DNS:a.test"]);
    assert_eq!(
        report.notes,
        ["the extension inhibitAnyPolicy cannot be read: inhibitAnyPolicy has the tag 0x04 instead of 0x02"]
    );
}

/// x509-parser's map of extensions refuses these as a whole.
#[test]
fn an_extension_that_is_there_twice_is_noted() {
    let report = certificate(&with_extension(&[2, 5, 29, 17], b"\x30\x08\x82\x06b.test")).unwrap();
    assert_eq!(report.subject_alt_names, ["DNS:a.test", "DNS:b.test"]);
    assert!(report.notes.iter().any(|note| note.contains("subjectAltName is there twice")), "{:?}", report.notes);
}

#[test]
fn an_entry_that_is_not_what_its_tag_says_is_shown() {
    let names = value(&[2, 5, 29, 18], b"\x30\x09\x87\x03\x01\x02\x03\x82\x02hi");
    assert_eq!(names, r#"["invalid:[7]#010203","DNS:hi"]"#);
}

#[test]
fn something_behind_a_certificate_is_an_error() {
    let der = [with_extension(&[1, 2, 3], b""), vec![0]].concat();
    assert!(certificate(&der).unwrap_err().to_string().contains("followed by an octet"));
}

#[test]
fn keys_say_which_public_key_is_theirs() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519, Algorithm::Rsa2048] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let said = private_key(KeyFormat::Pkcs8, key.pkcs8()).unwrap();
        assert_eq!(said.public_key, (&key.public_key()).into());
        assert_eq!(said.spki_sha256, Some(hex(&crate::x509::key::spki_sha256(key.spki()))));
    }
}

/// Cut at every length, and each bit turned: nothing panics, and it is over quickly.
#[test]
fn damaged_input_does_no_harm() {
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let names = name::parse_all(["a.test", "::1", "me@a.test"]).unwrap();
    let csr = csr::generate(&key, &"CN=a,O=b".parse().unwrap(), &names, Purpose::Both).unwrap();
    let policies = b"\x30\x0a\x30\x08\x06\x06\x67\x81\x0c\x01\x02\x01";
    let encrypted = b"\x30\x0d\x30\x09\x06\x02\x2a\x03\x30\x03\x02\x01\x01\x04\x00";
    let read = |der: &[u8]| {
        let _ = (certificate(der), request(der), crl(der), encrypted_private_key(KeyFormat::Pkcs8, der, None));
        for format in [KeyFormat::Pkcs8, KeyFormat::Pkcs1, KeyFormat::Sec1, KeyFormat::Dsa, KeyFormat::OpenSsh] {
            let _ = private_key(format, der);
        }
        for found in container::find(der) {
            let inspected = item(found, "damaged", None, &Rounds::default());
            let _ = (inspected.facts(), serde_json::to_string(&inspected.item).unwrap());
        }
    };
    for der in [with_extension(&[2, 5, 29, 32], policies), csr, key.pkcs8().to_vec(), encrypted.to_vec()] {
        for end in 0..der.len() {
            read(&der[..end]);
        }
        for bit in 0..der.len() * 8 {
            let mut damaged = der.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            read(&damaged);
        }
    }
}

/// Keys and signatures decide which items belong together, not names alone.
#[test]
fn a_key_belongs_to_its_certificate() {
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let csr = csr::generate(&key, &"CN=a".parse().unwrap(), &[], Purpose::Server).unwrap();
    let bundle = [
        container::pem("CERTIFICATE REQUEST", &csr).unwrap().to_string(),
        container::pem("PRIVATE KEY", key.pkcs8()).unwrap().to_string(),
        container::pem("PRIVATE KEY", PrivateKey::generate(Algorithm::Ed25519).unwrap().pkcs8()).unwrap().to_string(),
    ];
    let items: Vec<Inspected> = container::find(bundle.concat().as_bytes())
        .into_iter()
        .map(|found| item(found, "bundle", None, &Rounds::default()))
        .collect();
    assert!(matches!(&items[0].item, Item::Csr(entry) if entry.content.signature_valid == Some(true)));
    let facts: Vec<Facts> = items.iter().flat_map(Inspected::facts).collect();
    let partners: Vec<_> = Related::new(&facts).relations().links.into_iter().map(|links| links.partners).collect();
    assert_eq!(partners, [vec!["#2".to_owned()], vec!["#1".to_owned()], vec![]]);
}

#[test]
fn usages_are_named_by_their_bits() {
    let usage = extension(&[2, 5, 29, 15], b"\x03\x03\x07\x80\x80").value;
    assert_eq!(usage, Some(ExtensionValue::Names(vec!["digitalSignature".into(), "decipherOnly".into()])));
}
