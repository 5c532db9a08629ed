use super::name::{OTHER_NAME, SMTP_UTF8_MAILBOX};
use super::*;
use crate::x509::name::{self, Canonical, GeneralNames, Subject};

fn wrap(tag: u8, inner: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat()
}

/// A nameConstraints extension from the tags and contents of its subtrees' names.
fn extension(permitted: &[(u8, &[u8])], excluded: &[(u8, &[u8])]) -> Vec<u8> {
    let list = |tag, subtrees: &[(u8, &[u8])]| {
        let all: Vec<u8> = subtrees.iter().flat_map(|(kind, name)| wrap(0x30, &wrap(*kind, name))).collect();
        if all.is_empty() { Vec::new() } else { wrap(tag, &all) }
    };
    wrap(0x30, &[list(0xa0, permitted), list(0xa1, excluded)].concat())
}

fn check(permitted: &[(u8, &[u8])], excluded: &[(u8, &[u8])], name: &Name<'_>) -> Result<(), Error> {
    NameConstraints::parse(&extension(permitted, excluded)).unwrap().check([name], &mut BUDGET.clone())
}

fn directory(text: &str) -> Name<'static> {
    let subject: Subject = text.parse().unwrap();
    Name::Directory(Canonical::of(subject.as_der()).unwrap(), text.to_owned())
}

/// The message names the fault, since somebody has to find it in the octets.
#[test]
fn what_cannot_be_read_says_why() {
    let why = |octets: &[u8]| NameConstraints::parse(octets).unwrap_err().to_string();
    let has = |octets: &[u8], words: &str| assert!(why(octets).contains(words), "{}", why(octets));
    has(&[4, 0], "are not a SEQUENCE in DER");
    has(&[0x30, 2, 0xa0, 0x80], "are not DER");
    has(&[0x30, 4, 0xa0, 2, 0x30, 0], "have a subtree without a base");
    has(&[0x30, 2, 0xa2, 0], "have a field that is unknown or in the wrong place");
    let twice = [&[0x30, 12][..], &[0xa1, 4, 0x30, 2, 0x82, 0].repeat(2)].concat();
    has(&twice, "have a field that is unknown or in the wrong place");
}

#[test]
fn a_kind_without_subtrees_is_free() {
    let permitted: &[(u8, &[u8])] = &[(0x82, b"example.com")];
    assert_eq!(check(permitted, &[], &Name::Dns(b"a.example.com")), Ok(()));
    assert!(matches!(check(permitted, &[], &Name::Dns(b"a.test")), Err(Error::NotPermitted { .. })));
    assert_eq!(check(permitted, &[], &Name::Email(b"me@a.test")), Ok(()));
    assert_eq!(check(permitted, &[], &Name::Ip(vec![10, 0, 0, 1].into())), Ok(()));
}

#[test]
fn what_is_excluded_is_not_permitted() {
    let both: &[(u8, &[u8])] = &[(0x82, b"example.com")];
    assert!(matches!(check(both, both, &Name::Dns(b"example.com")), Err(Error::Excluded { .. })));
    assert_eq!(check(&[], both, &Name::Dns(b"example.org")), Ok(()));
}

#[test]
fn addresses_are_compared_under_their_mask() {
    let permitted: &[(u8, &[u8])] = &[(0x87, &[10, 0, 0, 0, 255, 0, 0, 0])];
    let ip = |octets: &[u8]| check(permitted, &[], &Name::Ip(octets.to_vec().into()));
    assert_eq!(ip(&[10, 1, 2, 3]), Ok(()));
    assert!(matches!(ip(&[11, 1, 2, 3]), Err(Error::NotPermitted { .. })));
    assert!(matches!(ip(&[0; 16]), Err(Error::NotPermitted { .. })), "constraints are by kind: IPv6 is not free");
    assert!(matches!(ip(&[10, 0, 0, 0, 255, 0, 0, 0]), Err(Error::Incomparable { .. })));
}

#[test]
fn directory_names_are_compared_by_rdn() {
    let subject: Subject = "O=Example,C=DE".parse().unwrap();
    let permitted: &[(u8, &[u8])] = &[(0xa4, subject.as_der())];
    assert_eq!(check(permitted, &[], &directory("CN=a,O=EXAMPLE,C=DE")), Ok(()));
    assert!(matches!(check(permitted, &[], &directory("CN=a,C=DE")), Err(Error::NotPermitted { .. })));
    assert!(matches!(check(&[], permitted, &directory("CN=a,O=Example,C=DE")), Err(Error::Excluded { .. })));
}

/// RFC 5280 section 4.2.1.10: process the constraint or reject the certificate.
#[test]
fn a_constraint_that_is_not_understood_refuses_names_of_its_kind_alone() {
    let other_name = [6, 3, 0x2a, 3, 4, 0xa0, 2, 5, 0];
    let excluded: &[(u8, &[u8])] = &[(0xa0, &other_name)];
    let named = |kind| check(&[], excluded, &Name::Other(OTHER_NAME, kind));
    assert!(matches!(named(&[0x2a, 3, 4]), Err(Error::Incomparable { .. })));
    assert_eq!(named(&[0x2a, 3, 5]), Ok(()));
    assert_eq!(check(&[], excluded, &Name::Dns(b"a.test")), Ok(()));
}

#[test]
fn what_rfc_5280_does_not_have_is_malformed() {
    let refused = |value: &[u8]| matches!(NameConstraints::parse(value), Err(Error::Malformed { .. }));
    for (kind, name) in [
        (0x82, &b"*.example.com"[..]),
        (0x82, b"a b"),
        (0x82, "\u{e4}.test".as_bytes()),
        (0x87, &[127, 0, 0, 1]),
        (0x87, &[10, 0, 0, 0, 255, 0, 255, 0]),
        (0x87, &[0; 9]),
        (0x81, b"a@b@example.com"),
        (0x86, b"https://example.com/"),
        (0xa4, b"x"),
        (0x02, b"x"),
    ] {
        assert!(refused(&extension(&[(kind, name)], &[])), "{kind:x} {name:?}");
    }
    for (kind, name) in [
        // Kinds that there are not, or in another form; a directoryName that is none.
        (0x89, &b"x"[..]),
        (0x80, b"x"),
        (0xa2, b"a.test"),
        (0xa6, b"a.test"),
        (0x84, b"\x30\x00"),
        (0xa9, b""),
        (0x0c, b"a.test"),
        (0xa4, b"\x30\x02\x31\x00"),
        (0xa4, b"\x30\x03\x0c\x01A"),
        (0xa4, b"\x30\x00\x30\x00"),
        (0xa0, b"\x06\x01\x80\xa0\x02\x05\x00"),
        (0x88, b"\x80\x01"),
        (0x86, b"example.com:443"),
        (0x86, b"me@example.com"),
        (0x86, b"example.com."),
        (0x82, b"example.com."),
    ] {
        assert!(refused(&extension(&[(kind, name)], &[])), "permitted {kind:x} {name:?}");
        assert!(refused(&extension(&[(0x82, b"a.test")], &[(kind, name)])), "excluded {kind:x} {name:?}");
    }
    for distance in [[0x80, 1, 0], [0x80, 1, 1], [0x81, 1, 5], [0x82, 1, 0]] {
        let subtree = wrap(0x30, &[wrap(0x82, b"a.test"), distance.to_vec()].concat());
        assert!(refused(&wrap(0x30, &wrap(0xa0, &subtree))), "{distance:?}");
    }
    let minimum = wrap(0x30, &wrap(0xa0, &wrap(0x30, &[wrap(0x82, b"a.test"), wrap(0x80, &[1])].concat())));
    assert!(refused(&minimum));
    assert!(refused(b"\x30\x05") && refused(b"\x04\x00") && refused(b"") && refused(b"\x30\x00\x00"));
    assert!(refused(&wrap(0x30, &wrap(0xa2, b""))), "there are two fields");
    assert!(NameConstraints::parse(&extension(&[], &[])).unwrap().is_empty());
}

#[test]
fn international_mailboxes_are_mailboxes() {
    let permitted: &[(u8, &[u8])] = &[(0x81, b"example.com")];
    let bob = |text: &str| [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let (inside, outside) = (bob("bübi@example.com"), bob("bübi@evil.test"));
    assert_eq!(check(permitted, &[], &Name::InternationalEmail(&inside)), Ok(()));
    assert!(matches!(check(permitted, &[], &Name::InternationalEmail(&outside)), Err(Error::NotPermitted { .. })));
    assert!(matches!(check(&[], permitted, &Name::InternationalEmail(&inside)), Err(Error::Excluded { .. })));
    let other_name = [&[6, 8][..], SMTP_UTF8_MAILBOX, &[0xa0, 2, 0x0c, 0]].concat();
    let incomparable = check(&[], &[(0xa0, &other_name)], &Name::InternationalEmail(&inside));
    assert!(matches!(incomparable, Err(Error::Incomparable { .. })), "RFC 9598 section 6 has no such constraint");
}

#[test]
fn all_names_of_a_certificate_are_found() {
    let subject: Subject = "CN=a,emailAddress=me@example.com".parse().unwrap();
    let value = |der: &'static [u8]| asn1::Reader::new(der).value("it").unwrap();
    let subject_name = name::Name::read(asn1::Reader::new(subject.as_der()).value("it").unwrap());
    let names = |entries: &[u8]| {
        let list = wrap(0x30, entries);
        let list = GeneralNames::read(asn1::Reader::new(&list).value("it").unwrap()).unwrap();
        Name::all(&subject_name, Some(&list)).map(|names| names.len())
    };
    assert_eq!(names(b""), Ok(2));
    assert_eq!(names(b"\x82\x01a\x81\x03a@b"), Ok(3), "an rfc822Name stands in for the subject's");
    let mailbox = [&[0xa0, 17, 6, 8][..], SMTP_UTF8_MAILBOX, &[0xa0, 5, 0x0c, 3], b"a@b"].concat();
    assert_eq!(names(&mailbox), Ok(3), "an SmtpUTF8Mailbox does not");
    assert!(names(b"\xa4\x02\x31\x00").is_err() && names(b"\x89\x00").is_err());
    assert!(Name::all(&name::Name::read(value(b"\x30\x02\x31\x00")), None).is_err());
}

#[test]
fn constraints_show_their_mask() {
    let read = |octets: &[u8]| {
        let value = extension(&[(0x87, octets)], &[]);
        NameConstraints::read(&value).unwrap().permitted[0].to_string()
    };
    assert_eq!(read(&[10, 0, 0, 0, 255, 0, 0, 0]), "IP:10.0.0.0/8");
    assert_eq!(read(&[10, 0, 0, 0, 255, 255, 240, 0]), "IP:10.0.0.0/20");
    assert_eq!(read(&[10, 0, 0, 0, 255, 0, 255, 0]), "IP:10.0.0.0/255.0.255.0");
    assert_eq!(read(&[[0; 16], [0; 16]].concat()), "IP:::/0");
    assert_eq!(read(&[1, 2, 3]), "invalid:[7]#010203");
}

/// A base that is none keeps its octets for those who print it, and lets no name pass.
#[test]
fn what_is_read_leniently_is_checked_strictly() {
    let value = extension(&[(0x82, b"a b")], &[]);
    let constraints = NameConstraints::read(&value).unwrap();
    assert_eq!(constraints.permitted[0].to_string(), "DNS:a b");
    assert!(constraints.check_form().is_err());
    let checked = constraints.check([&Name::Dns(b"a.test")], &mut BUDGET.clone());
    assert!(matches!(checked, Err(Error::Incomparable { .. })));
}

#[test]
fn comparisons_are_counted() {
    let value = extension(&[(0x82, b"a.test"), (0x82, b"b.test")], &[]);
    let constraints = NameConstraints::parse(&value).unwrap();
    let name = Name::Dns(b"a.test");
    assert_eq!(constraints.check([&name, &name], &mut 4), Ok(()));
    assert_eq!(constraints.check([&name, &name], &mut 3), Err(Error::TooComplex));
}

#[test]
fn what_is_permitted_is_told_without_what_holds_nobody() {
    let subtrees: &[(u8, &[u8])] = &[
        (0x82, b"test"),
        (0x82, b"invalid"),
        (0x87, &[10, 0, 0, 0, 255, 0, 0, 0]),
        (0x87, &[0, 0, 0, 0, 255, 255, 255, 255]),
    ];
    assert_eq!(NameConstraints::parse(&extension(subtrees, &[])).unwrap().permitted_text(), ["test", "10.0.0.0/8"]);
}

proptest::proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
        let _ = NameConstraints::parse(&octets);
        let _ = dns::contains("example.com", &octets);
        let _ = uri::host(&octets);
        let _ = email::contains("example.com", &octets);
    }
}
