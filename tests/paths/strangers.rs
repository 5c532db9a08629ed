//! Chains with one thing wrong about each that other programs made, and siblings of them made here: the verdict, its
//! code, and how long it takes.

use std::path::Path;
use std::time::{Duration, Instant};

use secure_io::chain::{self, Anchors, Certificate, Crl, Host, Purpose, Request};
use secure_io::container;
use secure_io::files;
use secure_io::report::verdict::{Code, Verdict};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::cases::{Case, HOST};
use crate::kit::{self, Made, altered, ca, extension, issue, leaf, root, tlv};
use crate::{certificates, judge};

/// As long as the hardest may take, in a debug build on a busy machine; alone it takes a tenth of that.
const LIMIT: Duration = Duration::from_secs(2);

/// By folder of tests/data/verify: the code, and what is asked.
const SAMPLES: [(&str, Option<Code>, &str, OffsetDateTime); 20] = [
    ("anchor-version-1", None, "app.test", THEN),
    ("ca-pathlen-256", None, GOOD, THEN),
    ("crl-serial-leading-zero", Some(Code::Revoked), GOOD, THEN),
    ("g4-look-roots-200", None, GOOD, THEN),
    ("graph-mesh-12-no-root", Some(Code::UnknownIssuer), GOOD, THEN),
    ("key-ec-offcurve", Some(Code::Malformed), GOOD, THEN),
    ("key-ed25519-short", Some(Code::Malformed), GOOD, THEN),
    ("key-rsa-n-negative", Some(Code::Malformed), GOOD, THEN),
    ("link-local-address", None, "fe80::1%eth0", THEN),
    ("nc-smtputf8-out", Some(Code::NameConstraint), GOOD, THEN),
    ("nc-uri-07", Some(Code::NameConstraint), GOOD, THEN),
    ("nm-issuer-type-tag-int", Some(Code::Malformed), GOOD, THEN),
    ("nm2-permitted-garbage-only", Some(Code::Malformed), GOOD, THEN),
    ("nm3-nc-permitted-dn-garbage", Some(Code::Malformed), GOOD, THEN),
    ("nm4-ca-garbageA-issuer-garbageB", Some(Code::Malformed), GOOD, THEN),
    ("nm4-crl-issuer-plus-garbage", Some(Code::CrlInvalid), GOOD, THEN),
    ("pss-salt-222", None, "app.test", THEN),
    ("serial-00-00-77", Some(Code::Malformed), "app.test", THEN),
    ("serial-nonminimal", Some(Code::Malformed), GOOD, THEN),
    ("strict-private-suffix", None, "s3.amazonaws.com", datetime!(2025-05-20 0:00:01 UTC)),
];

const GOOD: &str = "good.example.com";
const THEN: OffsetDateTime = datetime!(2026-11-27 0:00 UTC);

fn read(folder: &str, name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/verify").join(folder).join(name);
    files::exists(&path).then(|| files::read(&path).expect("it can be read").to_vec())
}

fn load(folder: &str, name: &str) -> Vec<Vec<u8>> {
    let pem = read(folder, name).unwrap_or_default();
    if pem.is_empty() {
        return Vec::new();
    }
    container::certificates(&pem).expect("certificates").into_iter().map(|der| der.to_vec()).collect()
}

fn verdict(folder: &str, host: &str, at: OffsetDateTime, strict: bool) -> Verdict {
    let anchors = Anchors::new(certificates(&load(folder, "roots.pem")));
    let presented = certificates(&load(folder, "ints.pem"));
    let crls = ["crl0.pem", "crl1.pem"].into_iter().filter_map(|name| read(folder, name));
    let crls: Vec<_> = crls
        .flat_map(|pem| container::crls(&pem).expect("a CRL"))
        .map(|der| std::sync::Arc::new(Crl::parse(der).expect("a CRL")))
        .collect();
    let host = host.parse::<Host>().expect("a host");
    let request = Request {
        presented: &presented,
        anchors: &anchors,
        crls: &crls,
        host: Some(&host),
        purpose: Purpose::Server,
        at,
        key: None,
        strict,
    };
    match Certificate::parse(load(folder, "leaf.pem").remove(0)) {
        Ok(leaf) => chain::verify(&leaf, &request),
        Err(error) => chain::malformed(&error),
    }
}

#[test]
fn what_others_made_is_judged_right_and_soon() {
    let mut wrong = Vec::new();
    for (folder, expected, host, at) in SAMPLES {
        let start = Instant::now();
        let verdict = verdict(folder, host, at, false);
        let code = verdict.error.as_ref().map(|error| error.code);
        if code != expected || verdict.valid != expected.is_none() || start.elapsed() > LIMIT {
            wrong.push(format!("{folder}: {:?} in {:?}", verdict.error, start.elapsed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `*.s3.amazonaws.com` is in the public suffix list's private section, which no CA has to ask.
#[test]
fn a_wildcard_over_a_private_suffix_is_not_odd() {
    let (folder, _, host, at) = SAMPLES[19];
    let verdict = verdict(folder, host, at, true);
    assert!(verdict.valid && verdict.warnings.is_empty(), "{verdict:?}");
}

#[test]
fn an_anchor_of_version_1_is_taken_with_a_warning() {
    let verdict = |strict| verdict("anchor-version-1", "app.test", THEN, strict);
    let warnings = verdict(false).warnings;
    assert!(warnings.iter().any(|warning| warning.code == Code::Version), "{warnings:?}");
    assert_eq!(verdict(true).error.map(|error| error.code), Some(Code::Version));
}

/// A crate's own words for an error say nothing to people.
#[test]
fn no_message_has_a_crates_name_for_an_error() {
    for (folder, _, host, at) in SAMPLES {
        for strict in [false, true] {
            let message = verdict(folder, host, at, strict).error.map(|error| error.message).unwrap_or_default();
            assert!(!message.contains("BadDer") && !message.contains("rustls refuses it:"), "{folder}: {message}");
        }
    }
}

fn code(case: &Case) -> Option<Code> {
    judge(case, false).error.map(|error| error.code)
}

/// Fields of a TBSCertificate, by their place.
const SERIAL: usize = 1;
const ISSUER: usize = 3;
const SUBJECT: usize = 5;
const KEY: usize = 6;

fn common_name(text: &[u8]) -> Vec<u8> {
    tlv(0x31, &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, text)].concat()))
}

/// What is no Name, in each way that a reader could let through.
fn no_names() -> Vec<Vec<u8>> {
    let rdn = common_name(b"ca");
    let value = tlv(0x0c, b"ca");
    let pair = |inner: &[&[u8]]| tlv(0x30, &tlv(0x31, &tlv(0x30, &inner.concat())));
    vec![
        tlv(0x30, &[&rdn[..], &tlv(0x0c, b"garbage")].concat()),
        tlv(0x30, &[&rdn[..], &[0x31, 0]].concat()),
        tlv(0x30, b"garbage"),
        tlv(0x30, &tlv(0x30, &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &value].concat()))),
        tlv(0x30, &tlv(0x31, &tlv(0x31, &[&[6, 3, 0x55, 4, 3][..], &value].concat()))),
        pair(&[&[6, 3, 0x55, 4, 3], &value, &[5, 0]]),
        pair(&[&[6, 3, 0x55, 4, 3]]),
        pair(&[&[2, 3, 0x55, 4, 3], &value]),
        pair(&[&[6, 3, 0x55, 0x80, 3], &value]),
        pair(&[&[6, 0], &value]),
    ]
}

/// Two names that were none counted as equal, and the webpki compares octets.
#[test]
fn what_is_no_name_is_on_no_path() {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, leaf(HOST));
    for name in no_names() {
        let bad_middle = Made { der: altered(&trusted, &middle.der, SUBJECT, &name), ..issue(&trusted, ca("ca")) };
        let renamed = Made { der: altered(&middle, &end.der, ISSUER, &name), ..issue(&middle, leaf(HOST)) };
        let subject = Made { der: altered(&middle, &end.der, SUBJECT, &name), ..issue(&middle, leaf(HOST)) };
        let anchor = Made { der: altered(&middle, &middle.der, SUBJECT, &name), ..issue(&trusted, ca("ca")) };
        for (what, case) in [
            ("issuer and CA", Case::new("", &trusted, &[&bad_middle], &renamed)),
            ("issuer", Case::new("", &trusted, &[&middle], &renamed)),
            ("subject", Case::new("", &trusted, &[&middle], &subject)),
            ("anchor", Case::new("", &anchor, &[], &renamed)),
        ] {
            assert_eq!(code(&case), Some(Code::Malformed), "{what}: {name:x?}");
        }
        let lost = Case::new("", &trusted, &[&bad_middle], &end);
        assert_eq!(code(&lost), Some(Code::UnknownIssuer), "{name:x?}");
        let (from, to) = (datetime!(2026-05-01 0:00 UTC), datetime!(2026-07-01 0:00 UTC));
        let crls = |lower| vec![kit::crl(&trusted, &[], from, to), lower];
        let lower = kit::crl(&middle, &[], from, to);
        let case = Case::new("", &trusted, &[&middle], &end);
        assert_eq!(code(&case.clone().crls(crls(lower.clone()))), None);
        // tbsCertList: version, signature, issuer.
        let of_nobody = altered(&middle, &lower, 2, &name);
        assert_eq!(code(&case.crls(crls(of_nobody))), Some(Code::CrlInvalid), "{name:x?}");
    }
}

/// A subject that was no name, or in a SEQUENCE where a SET belongs, was outside of all constraints.
#[test]
fn constraints_do_not_fail_open() {
    let trusted = root(ca("root"));
    let constrained = |permitted: &[u8]| {
        let mut params = ca("ca");
        let subtrees = tlv(0x30, &tlv(0xa0, &tlv(0x30, permitted)));
        params.custom_extensions = vec![extension(&[2, 5, 29, 30], true, &subtrees)];
        issue(&trusted, params)
    };
    let domain = constrained(&tlv(0x82, b"example.com"));
    assert_eq!(code(&Case::new("", &trusted, &[&domain], &issue(&domain, leaf(HOST)))), None);
    for base in [
        tlv(0xa4, &tlv(0x30, b"garbage")),
        tlv(0xa4, b""),
        tlv(0x89, b"example.com"),
        tlv(0xa2, b"example.com"),
        tlv(0x0c, b"example.com"),
        tlv(0x82, b"*.example.com"),
        tlv(0x82, b"example.com."),
        tlv(0x87, &[10, 0, 0, 0]),
        tlv(0x88, &[0x80]),
        tlv(0xa0, b"garbage"),
        [tlv(0x82, b"example.com"), tlv(0x80, &[0])].concat(),
        [tlv(0x82, b"example.com"), tlv(0x81, &[9])].concat(),
    ] {
        let middle = constrained(&base);
        let case = Case::new("", &trusted, &[&middle], &issue(&middle, leaf(HOST)));
        assert_eq!(code(&case), Some(Code::Malformed), "{base:x?}");
    }
    let uris = constrained(&tlv(0x86, b"example.com"));
    let with_uri = |uri: &str| {
        let mut params = leaf(HOST);
        params.subject_alt_names.push(rcgen::SanType::URI(uri.try_into().expect("ASCII")));
        code(&Case::new("", &trusted, &[&uris], &issue(&uris, params)))
    };
    assert_eq!(with_uri("https://example.com:8443/path?q#f"), None);
    for uri in
        [r"https://evil.com\@example.com/", "https://evil.com#@example.com", "example.com", "https://example.com./"]
    {
        assert_eq!(with_uri(uri), Some(Code::NameConstraint), "{uri}");
    }
}

#[test]
fn serial_numbers_are_numbers() {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, leaf(HOST));
    for serial in [&[2, 3, 0, 0x42, 0x42][..], &[2, 3, 0xff, 0xf0, 1], &[2, 2, 0, 0], &[2, 0]] {
        let padded = Made { der: altered(&middle, &end.der, SERIAL, serial), ..issue(&middle, leaf(HOST)) };
        assert_eq!(code(&Case::new("", &trusted, &[&middle], &padded)), Some(Code::Malformed), "{serial:x?}");
        if serial.len() > 2 {
            let middle = Made { der: altered(&trusted, &middle.der, SERIAL, serial), ..issue(&trusted, ca("ca")) };
            assert_eq!(code(&Case::new("", &trusted, &[&middle], &end)), Some(Code::Malformed), "{serial:x?} above");
        }
    }
}

/// The key of an end-entity was never looked at.
#[test]
fn the_key_of_the_end_entity_is_looked_at() {
    let trusted = root(ca("root"));
    let end = issue(&trusted, leaf(HOST));
    let with = |algorithm: &[u8], key: &[u8]| {
        let spki = tlv(0x30, &[tlv(0x30, algorithm), tlv(3, key)].concat());
        let der = altered(&trusted, &end.der, KEY, &spki);
        code(&Case::new("", &trusted, &[], &Made { der, ..issue(&trusted, leaf(HOST)) }))
    };
    let p256 = [&tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1])[..], &tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])]
        .concat();
    let ed25519 = tlv(6, &[0x2b, 0x65, 0x70]);
    let rsa = [&tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1])[..], &[5, 0]].concat();
    let malformed = Some(Code::Malformed);
    assert_eq!(with(&p256, &[&[0, 4][..], &[7; 64]].concat()), malformed, "off the curve");
    assert_eq!(with(&p256, &[0, 0]), malformed, "at infinity");
    assert_eq!(with(&p256, &[&[0, 6][..], &[7; 64]].concat()), malformed, "hybrid");
    assert_eq!(with(&ed25519, &[0; 32]), malformed, "31 octets");
    let numbers = |modulus: &[u8], exponent: &[u8]| {
        [&[0][..], &tlv(0x30, &[tlv(2, modulus), tlv(2, exponent)].concat())].concat()
    };
    let good = [&[0][..], &[0xa5; 256]].concat();
    assert_eq!(with(&rsa, &numbers(&good, &[1, 0, 1])), None);
    assert_eq!(with(&rsa, &numbers(&good[1..], &[1, 0, 1])), malformed, "a negative modulus");
    assert_eq!(with(&rsa, &numbers(&good, &[0xfd])), malformed, "an exponent of -3");
    assert_eq!(with(&rsa[..11], &numbers(&good, &[1, 0, 1])), malformed, "no NULL");
    let huge = [&[0][..], &[0xa5; 12_500]].concat();
    assert_eq!(with(&rsa, &numbers(&huge, &[1, 0, 1])), Some(Code::WeakKey), "100,000 bits");
    let exponent = [&[1][..], &[0; 7], &[1]].concat();
    assert_eq!(with(&rsa, &numbers(&good, &exponent)), Some(Code::WeakKey), "65 bits of exponent");
    let mut unused = numbers(&good, &[1, 0, 1]);
    unused[0] = 1;
    assert_eq!(with(&rsa, &unused), malformed, "unused bits");
}

/// Three hundred of the issuer's name that have no key identifier stood before the one whose key identifier is named.
#[test]
fn a_key_identifier_that_agrees_goes_first() {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, leaf(HOST));
    let look_alike = |name: &str| {
        let mut params = ca(name);
        params.is_ca = rcgen::IsCa::NoCa;
        params.custom_extensions = vec![extension(&[2, 5, 29, 19], true, &[0x30, 3, 1, 1, 0xff])];
        root(params).der
    };
    let crowd: Vec<_> = (0..300).map(|_| look_alike("ca")).collect();
    let case = Case::new("", &trusted, &[], &end).among([crowd, vec![middle.der.clone()]].concat());
    assert_eq!(code(&case), None);
    let roots: Vec<_> = (0..200).map(|_| look_alike("root")).collect();
    let case = Case { trust: [roots, vec![trusted.der.clone()]].concat(), ..Case::new("", &trusted, &[&middle], &end) };
    assert_eq!(code(&case), None);
}

/// CAs that all certify each other, and a root: at no end of them, and one that only the seventh leads to.
#[test]
fn a_mesh_is_seen_through_in_no_time() {
    let authorities: Vec<_> = (0..12).map(|number| root(ca(&format!("mesh {number}")))).collect();
    let mut crowd = Vec::new();
    for above in &authorities {
        for below in authorities.iter().filter(|below| below.der != above.der) {
            let key = rcgen::KeyPair::try_from(below.key.serialize_der()).expect("a key");
            crowd.push(kit::issue_with(above, below.params.clone(), key).der);
        }
    }
    let end = issue(&authorities[0], leaf(HOST));
    let trusted = root(ca("root"));
    let judged = |case: &Case| {
        let start = Instant::now();
        let code = code(case);
        assert!(start.elapsed() < LIMIT, "{:?}", start.elapsed());
        code
    };
    let case = Case::new("", &trusted, &[], &end).among(crowd.clone());
    assert_eq!(judged(&case), Some(Code::UnknownIssuer));
    let mut above = vec![root(ca("root"))];
    for number in 0..6 {
        let next = above.last().map(|last| issue(last, ca(&format!("far {number}")))).expect("there is one");
        above.push(next);
    }
    let last = above.last().expect("there is one");
    let key = rcgen::KeyPair::try_from(authorities[5].key.serialize_der()).expect("a key");
    let cross = kit::issue_with(last, authorities[5].params.clone(), key);
    let far: Vec<_> = above.iter().skip(1).map(|made| made.der.clone()).chain([cross.der]).collect();
    let case = Case::new("", &above[0], &[], &end).among([crowd, far].concat());
    assert_eq!(judged(&case), Some(Code::ChainTooComplex));
}

/// More than 64 KiB, which webpki does not read.
#[test]
fn long_certificates_are_read() {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let mut params = leaf(HOST);
    params.subject_alt_names.extend((0..3000).map(|number| kit::san(&format!("host-{number}.of.many.example.com"))));
    let long = issue(&middle, params);
    assert!(long.der.len() > 0x1_0000);
    assert_eq!(code(&Case::new("", &trusted, &[&middle], &long)), None);
    let mut damaged = long.der.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let damaged = Made { der: damaged, ..long };
    assert_eq!(code(&Case::new("", &trusted, &[&middle], &damaged)), Some(Code::BadSignature));
}

/// fastly.com's path ends at a root whose serial number is 0; what a CA may not issue is nobody's who trusts it.
#[test]
fn a_trust_anchors_serial_number_is_not_odd() {
    let with = |serial: &'static [u8]| {
        let mut params = ca("root");
        params.serial_number = Some(rcgen::SerialNumber::from_slice(serial));
        root(params)
    };
    for serial in [&[0][..], &[0x11; 21]] {
        let trusted = with(serial);
        let end = issue(&trusted, leaf(HOST));
        let strict = judge(&Case::new("", &trusted, &[], &end), true);
        assert!(strict.valid, "{:?}", strict.error);
        assert!(judge(&Case::alone(trusted.der.clone()), true).valid, "itself");
        let middle = issue(&root(ca("top")), trusted.params.clone());
        let mut params = leaf(HOST);
        params.serial_number = Some(rcgen::SerialNumber::from_slice(serial));
        let odd = issue(&trusted, params);
        let strict = judge(&Case::new("", &trusted, &[&middle], &odd), true);
        assert_eq!(strict.error.map(|error| error.code), Some(Code::Malformed), "below it");
    }
}

/// What others than the issuer's name say of a certificate is not passed over in silence.
#[test]
fn names_in_extensions_are_names() {
    let trusted = root(ca("root"));
    let with = |oid: &[u64], value: &[u8]| {
        let mut params = leaf(HOST);
        params.custom_extensions.push(extension(oid, false, value));
        code(&Case::new("", &trusted, &[], &issue(&trusted, params)))
    };
    let (san, ian, points, aki, access) = (
        &[2, 5, 29, 17][..],
        &[2, 5, 29, 18][..],
        &[2, 5, 29, 31][..],
        &[2, 5, 29, 35][..],
        &[1, 3, 6, 1, 5, 5, 7, 1, 1][..],
    );
    let garbage = tlv(0xa4, &tlv(0x30, b"garbage"));
    let directory = tlv(0xa4, &tlv(0x30, &common_name(b"somebody")));
    for (name, expected) in [(&directory, None), (&garbage, Some(Code::Malformed))] {
        assert_eq!(with(ian, &tlv(0x30, name)), expected);
        assert_eq!(with(points, &tlv(0x30, &tlv(0x30, &tlv(0xa0, &tlv(0xa0, name))))), expected);
        assert_eq!(with(points, &tlv(0x30, &tlv(0x30, &tlv(0xa2, name)))), expected);
        assert_eq!(with(aki, &tlv(0x30, &[tlv(0x80, &[1]), tlv(0xa1, name), tlv(0x82, &[1])].concat())), expected);
        let method = tlv(6, &[0x2b, 6, 1, 5, 5, 7, 0x30, 2]);
        assert_eq!(with(access, &tlv(0x30, &tlv(0x30, &[&method[..], name].concat()))), expected);
        let mut params = leaf(HOST);
        params.subject_alt_names.clear();
        let names = [&tlv(0x82, HOST.as_bytes())[..], name].concat();
        params.custom_extensions.push(extension(san, false, &tlv(0x30, &names)));
        assert_eq!(code(&Case::new("", &trusted, &[], &issue(&trusted, params))), expected);
    }
    let aki_serial =
        |serial: &[u8]| with(aki, &tlv(0x30, &[tlv(0x80, &[1]), tlv(0xa1, &directory), tlv(0x82, serial)].concat()));
    assert_eq!(aki_serial(&[0, 1]), Some(Code::Malformed), "an INTEGER that is not DER");
    assert_eq!(aki_serial(&[]), Some(Code::Malformed));
    assert_eq!(with(points, &tlv(0x30, &tlv(0x30, &tlv(0xa1, b"garbage")))), Some(Code::Malformed));
    assert_eq!(
        with(&[2, 5, 29, 32], &tlv(0x30, &tlv(0x30, &[6, 2, 0x80, 1]))),
        Some(Code::Malformed),
        "an OID that is none"
    );
    assert_eq!(with(&[1, 3, 6, 1, 4, 1, 99999, 1], b"anything"), None, "what others write is theirs");
}

/// The certificateIssuer of an entry, the issuer and the place of a CRL: what cannot be read revokes what it may, and says
/// that nothing is good.
#[test]
fn crls_that_cannot_be_read_say_that_nothing_is_good() {
    let trusted = root(ca("root"));
    let end = issue(&trusted, leaf(HOST));
    let (from, to) = (datetime!(2026-05-01 0:00 UTC), datetime!(2026-07-01 0:00 UTC));
    let plain = kit::crl(&trusted, &[], from, to);
    let case = |crl: Vec<u8>| code(&Case::new("", &trusted, &[], &end).crls(vec![crl]));
    assert_eq!(case(plain.clone()), None);
    let entry = |serial: &[u8], more: &[u8]| {
        let entry = tlv(0x30, &[&tlv(2, serial)[..], &tlv(0x17, b"260501000000Z"), more].concat());
        kit::with_entries(&trusted, &plain, &tlv(0x30, &entry))
    };
    let listed = end.params.serial_number.clone().expect("cases have one").to_bytes();
    assert_eq!(case(entry(&listed, &[])), Some(Code::Revoked));
    assert_eq!(case(entry(&[&[0, 0][..], &listed].concat(), &[])), Some(Code::Revoked), "padded");
    assert_eq!(case(entry(&[5], &[])), None);
    assert_eq!(case(entry(&[0, 5], &[])), Some(Code::CrlInvalid), "another one, padded");
    let extensions =
        |number: u8, value: &[u8]| tlv(0x30, &tlv(0x30, &[&[6, 3, 0x55, 0x1d, number][..], &tlv(4, value)].concat()));
    assert_eq!(case(entry(&[5], &extensions(21, &[10, 1, 1]))), None);
    assert_eq!(case(entry(&[5], &extensions(21, &[10, 2, 0, 1]))), Some(Code::CrlInvalid));
    assert_eq!(case(entry(&[5], &extensions(21, b"\x0c\x01a"))), Some(Code::CrlInvalid));
    let garbage = tlv(0x30, &tlv(0xa4, &tlv(0x30, b"garbage")));
    assert_eq!(case(entry(&[5], &extensions(29, &garbage))), Some(Code::CrlInvalid));
    assert_eq!(case(entry(&listed, &extensions(29, &garbage))), Some(Code::Revoked));
    let point = |content: &[u8]| kit::extended(&trusted, &plain, &[(28, &tlv(0x30, content))]);
    let place = |names: &[u8]| point(&tlv(0xa0, &tlv(0xa0, names)));
    assert_eq!(case(place(&tlv(0xa4, &tlv(0x30, b"garbage")))), Some(Code::CrlInvalid));
    assert_eq!(case(place(b"")), Some(Code::CrlInvalid));
    assert_eq!(case(point(&tlv(0xa0, &tlv(0xa1, b"garbage")))), Some(Code::CrlInvalid));
    let twice = kit::extended(&trusted, &plain, &[(28, &[0x30, 0]), (28, &[0x30, 0])]);
    assert_eq!(case(twice), Some(Code::CrlInvalid));
}

/// issuerUniqueID and subjectUniqueID, which webpki does not read.
#[test]
fn unique_identifiers_are_no_fault() {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, leaf(HOST));
    let spki = rcgen::PublicKeyData::subject_public_key_info(&end.key);
    for more in [&[0x81, 2, 0, 7][..], &[0x82, 2, 0, 7], &[0x81, 2, 0, 7, 0x82, 2, 0, 7]] {
        let der = altered(&middle, &end.der, KEY, &[&spki[..], more].concat());
        let unique = Made { der, ..issue(&middle, leaf(HOST)) };
        assert_eq!(code(&Case::new("", &trusted, &[&middle], &unique)), None, "{more:x?}");
        let other = Case::new("", &trusted, &[&middle], &unique).host("web.example.com");
        assert_eq!(code(&other), Some(Code::HostMismatch));
    }
    let der = altered(&middle, &end.der, KEY, &[&spki[..], &[0x82, 2, 0, 7, 0x81, 2, 0, 7]].concat());
    let turned = Made { der, ..end };
    assert_eq!(code(&Case::new("", &trusted, &[&middle], &turned)), Some(Code::Malformed));
}
