//! The table of cases: each a chain with one property, and the verdict on it.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, SanType, SerialNumber,
};
use secure_io::report::verdict::Code;
use secure_io::verify::Purpose;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::crls;
use crate::kit::{self, Made, NO_AKI, NOW, ca, extension, issue, leaf, root};

/// Case to judge.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) leaf: Vec<u8>,
    pub(crate) untrusted: Vec<Vec<u8>>,
    pub(crate) trust: Vec<Vec<u8>>,
    pub(crate) crls: Vec<Vec<u8>>,
    pub(crate) host: Option<&'static str>,
    pub(crate) purpose: Purpose,
    pub(crate) at: OffsetDateTime,
    /// The code, by default and under `--strict`.
    pub(crate) expected: (Option<Code>, Option<Code>),
    /// Verdict of `openssl verify` where it differs from our default, with the reason.
    pub(crate) openssl: Option<&'static str>,
}

impl Case {
    pub(crate) fn new(name: &'static str, trust: &Made, untrusted: &[&Made], leaf: &Made) -> Self {
        Self {
            name,
            leaf: leaf.der.clone(),
            untrusted: untrusted.iter().map(|made| made.der.clone()).collect(),
            trust: vec![trust.der.clone()],
            crls: Vec::new(),
            host: Some(HOST),
            purpose: Purpose::Server,
            at: NOW,
            expected: (None, None),
            openssl: None,
        }
    }

    /// A certificate that is its own trust anchor, for any purpose.
    pub(crate) fn alone(der: Vec<u8>) -> Self {
        Self {
            name: "",
            leaf: der.clone(),
            untrusted: Vec::new(),
            trust: vec![der],
            crls: Vec::new(),
            host: None,
            purpose: Purpose::Any,
            at: NOW,
            expected: (None, None),
            openssl: None,
        }
    }

    pub(crate) fn refused(self, code: Code) -> Self {
        Self { expected: (Some(code), Some(code)), ..self }
    }

    fn odd(self, code: Code) -> Self {
        Self { expected: (None, Some(code)), ..self }
    }

    pub(crate) fn openssl(self, why: &'static str) -> Self {
        Self { openssl: Some(why), ..self }
    }

    pub(crate) fn host(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }

    pub(crate) fn among(&self, untrusted: Vec<Vec<u8>>) -> Self {
        Self { untrusted, ..self.clone() }
    }

    fn at(self, at: OffsetDateTime) -> Self {
        Self { at, ..self }
    }

    pub(crate) fn crls(self, crls: Vec<Vec<u8>>) -> Self {
        Self { crls, ..self }
    }
}

pub(crate) const HOST: &str = "app.example.com";

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    basics(&mut cases);
    times(&mut cases);
    names(&mut cases);
    issuers(&mut cases);
    constraints(&mut cases);
    extensions(&mut cases);
    deviations(&mut cases);
    crls::add(&mut cases);
    candidates(&mut cases);
    cases
}

/// A leaf below an intermediate below a root, changed.
fn three(
    name: &'static str,
    change: impl FnOnce(&mut CertificateParams, &mut CertificateParams, &mut CertificateParams),
) -> Case {
    let (mut top, mut middle, mut end) = (ca("root"), ca("ca"), leaf(HOST));
    change(&mut top, &mut middle, &mut end);
    let root = root(top);
    let ca = issue(&root, middle);
    Case::new(name, &root, &[&ca], &issue(&ca, end))
}

fn basics(cases: &mut Vec<Case>) {
    cases.push(three("three", |_, _, _| {}));
    let trusted = root(ca("root"));
    cases.push(Case::new("two", &trusted, &[], &issue(&trusted, leaf(HOST))));
    cases.push(Case::new("the root is sent, too", &trusted, &[&trusted], &issue(&trusted, leaf(HOST))));
    let other = root(ca("root"));
    cases.push(
        Case::new("a root of the same name", &other, &[], &issue(&trusted, leaf(HOST))).refused(Code::UnknownIssuer),
    );
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, leaf(HOST));
    cases.push(Case::new("no intermediate", &trusted, &[], &end).refused(Code::UnknownIssuer));
    cases.push(
        Case::new("the intermediate is trusted", &middle, &[], &end)
            .openssl("wants the root as well, but for -partial_chain"),
    );
    let alone = root(leaf(HOST));
    cases.push(Case::new("self-signed and trusted", &alone, &[], &alone));
    cases.push(Case::new("self-signed", &trusted, &[], &alone).refused(Code::SelfSigned));
    cases.push(Case::new("trusted itself, signed by another", &end, &[], &end).refused(Code::UnknownIssuer));
    let authority = root(ca(HOST));
    let mut own = Case::new("a CA in a server's place", &authority, &[], &authority).refused(Code::CaAsLeaf);
    own.host = None;
    cases.push(own);
    let mut any = Case::new("a CA for any purpose", &trusted, &[], &middle);
    (any.purpose, any.host) = (Purpose::Any, None);
    cases.push(any);
    let mut broken =
        Case::new("a bit of the signature is turned", &trusted, &[&middle], &end).refused(Code::BadSignature);
    if let Some(last) = broken.leaf.last_mut() {
        *last ^= 1;
    }
    cases.push(broken);
}

fn times(cases: &mut Vec<Case>) {
    let valid = |name, at| three(name, |_, _, _| {}).at(at);
    cases.push(valid("the first second", datetime!(2026-01-01 0:00 UTC)));
    cases.push(valid("a second before", datetime!(2025-12-31 23:59:59.999 UTC)).refused(Code::NotYetValid));
    cases.push(
        valid("within the last second", datetime!(2027-01-01 0:00:00.005 UTC))
            .openssl("refuses the last second itself"),
    );
    cases.push(valid("a second after", datetime!(2027-01-01 0:00:01 UTC)).refused(Code::Expired));
    let old = datetime!(2026-02-01 0:00 UTC);
    cases.push(three("an expired intermediate", |_, middle, _| middle.not_after = old).refused(Code::Expired));
    cases.push(three("an expired root", |top, _, _| top.not_after = old).refused(Code::Expired));
    cases.push(three("a root from before 1970", |top, _, _| top.not_before = datetime!(1960-01-01 0:00 UTC)));
    cases.push(three("a CA from before 1970", |_, middle, _| middle.not_before = datetime!(1960-01-01 0:00 UTC)));
}

fn names(cases: &mut Vec<Case>) {
    let named = |name, san: &str, host| {
        let san = kit::san(san);
        three(name, |_, _, end| {
            end.subject_alt_names = vec![san];
            end.distinguished_name = kit::name("somebody");
        })
        .host(host)
    };
    let no = Code::HostMismatch;
    cases.push(named("another case", "APP.example.COM", HOST));
    cases.push(
        named("a dot at the end", "app.example.com", "app.example.com.")
            .openssl("takes the dot for a part of the name"),
    );
    cases.push(named("another name", "web.example.com", HOST).refused(no));
    cases.push(named("the domain above", "example.com", HOST).refused(no));
    cases.push(named("a wildcard", "*.example.com", HOST));
    cases.push(named("a wildcard for the domain itself", "*.example.com", "example.com").refused(no));
    cases.push(named("a wildcard across labels", "*.example.com", "a.b.example.com").refused(no));
    cases.push(
        named("a wildcard within a label", "a*.example.com", HOST).refused(no).openssl("allows partial wildcards"),
    );
    cases.push(named("a wildcard not leftmost", "app.*.com", HOST).refused(no));
    cases.push(named("an address", "192.0.2.1", "192.0.2.1"));
    cases.push(named("another address", "192.0.2.1", "192.0.2.2").refused(no));
    cases.push(named("an IPv6 address", "2001:db8::1", "2001:DB8:0::1"));
    cases.push(named("an address as a dNSName", HOST, "192.0.2.1").refused(no));
    cases.push(named("an A-label", "xn--bcher-kva.example", "bücher.example").openssl("knows no U-labels"));
    cases.push(
        three("the commonName alone", |_, _, end| end.subject_alt_names.clear())
            .refused(no)
            .openssl("takes the commonName where there is no subjectAltName"),
    );
    cases.push(named("a wildcard over a public suffix", "*.co.uk", "example.co.uk").odd(Code::Malformed));
}

fn issuers(cases: &mut Vec<Case>) {
    let not_a_ca = Code::NotACa;
    cases.push(three("an intermediate that is no CA", |_, middle, _| *middle = leaf("ca")).refused(not_a_ca));
    cases.push(
        three("an intermediate without basicConstraints", |_, middle, _| {
            middle.is_ca = IsCa::NoCa;
            middle.key_usages.clear();
        })
        .refused(not_a_ca),
    );
    let no_sign = |params: &mut CertificateParams| params.key_usages = vec![KeyUsagePurpose::CrlSign];
    cases.push(three("an intermediate without keyCertSign", |_, middle, _| no_sign(middle)).refused(not_a_ca));
    cases.push(three("a root without keyCertSign", |top, _, _| no_sign(top)).refused(not_a_ca));
    cases.push(
        three("a root that is no CA", |top, _, _| {
            top.is_ca = IsCa::ExplicitNoCa;
            top.key_usages.clear();
        })
        .refused(not_a_ca),
    );
    let limit = |params: &mut CertificateParams, most| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
    cases.push(three("path lengths that just fit", |top, middle, _| {
        limit(top, 1);
        limit(middle, 0);
    }));
    cases.push(three("a root's path length", |top, _, _| limit(top, 0)).refused(Code::PathTooLong));
    let trusted = root(ca("root"));
    let mut short = ca("short");
    limit(&mut short, 0);
    let (short, long) = (issue(&trusted, short), ca("below"));
    let below = issue(&short, long);
    let end = issue(&below, leaf(HOST));
    cases
        .push(Case::new("an intermediate's path length", &trusted, &[&short, &below], &end).refused(Code::PathTooLong));
    let rolled = issue(&short, {
        let mut params = ca("short");
        limit(&mut params, 0);
        params
    });
    let end = issue(&rolled, leaf(HOST));
    cases.push(Case::new("self-issued intermediates do not count", &trusted, &[&short, &rolled], &end));
    let mut chain = vec![issue(&trusted, ca("ca 0"))];
    for number in 1..7 {
        let name = format!("ca {number}");
        let next = chain.last().map(|above| issue(above, ca(&name))).expect("there is one");
        chain.push(next);
    }
    let with = |count: usize| {
        let end = issue(&chain[count - 1], leaf(HOST));
        Case::new(
            if count == 6 { "six intermediates" } else { "seven intermediates" },
            &trusted,
            &chain.iter().take(count).collect::<Vec<_>>(),
            &end,
        )
    };
    cases.push(with(6));
    cases.push(with(7).refused(Code::ChainTooComplex).openssl("sets no limit"));
    let upper = root(ca("The Root"));
    let mut params = ca("ca");
    params.distinguished_name = kit::name("ca");
    let cross = Made {
        der: upper.der.clone(),
        params: {
            let mut params = upper.params.clone();
            params.distinguished_name = kit::printable("the  ROOT");
            params
        },
        key: rcgen::KeyPair::try_from(upper.key.serialize_der()).expect("a key"),
    };
    cases.push(Case::new("names equal after normalisation", &upper, &[], &issue(&cross, leaf(HOST))));
}

fn constraints(cases: &mut Vec<Case>) {
    let dns = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    let constrained = |name, permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
        three(name, |_, middle, _| {
            middle.name_constraints =
                Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded });
        })
    };
    let no = Code::NameConstraint;
    cases.push(constrained("a permitted name", vec![dns("example.com")], vec![]));
    cases.push(constrained("a name that is not permitted", vec![dns("example.org")], vec![]).refused(no));
    cases.push(constrained("an excluded name", vec![], vec![dns("example.com")]).refused(no));
    cases.push(
        constrained("permitted and excluded", vec![dns("example.com")], vec![dns("app.example.com")]).refused(no),
    );
    cases.push(constrained(
        "of another kind",
        vec![GeneralSubtree::IpAddress(CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0]))],
        vec![],
    ));
    cases.push(constrained("a leading dot", vec![dns(".example.com")], vec![]).odd(Code::Malformed));
    cases.push(
        three("a root's constraints", |top, _, _| {
            top.name_constraints =
                Some(NameConstraints { permitted_subtrees: vec![dns("example.org")], excluded_subtrees: vec![] });
        })
        .refused(no),
    );
    let directory = |name: &str| GeneralSubtree::DirectoryName(kit::name(name));
    cases.push(constrained("a permitted directory", vec![directory(HOST)], vec![]));
    cases.push(constrained("a directory that is not permitted", vec![directory("other")], vec![]).refused(no));
    let mail = |name, permitted: &str| {
        let permitted = GeneralSubtree::Rfc822Name(permitted.to_owned());
        three(name, |_, middle, end| {
            middle.name_constraints =
                Some(NameConstraints { permitted_subtrees: vec![permitted], excluded_subtrees: vec![] });
            end.subject_alt_names.push(SanType::Rfc822Name("me@example.com".try_into().expect("ASCII")));
        })
    };
    cases.push(mail("a permitted mailbox", "example.com"));
    cases.push(mail("a mailbox that is not permitted", "example.org").refused(no));
    let empty = |name, value: &'static [u8]| {
        three(name, |_, middle, _| middle.custom_extensions = vec![extension(&[2, 5, 29, 30], true, value)])
    };
    cases.push(empty("no constraints at all", &[0x30, 0]).refused(Code::Malformed).openssl("passes over them"));
    cases.push(empty("no permitted subtree", &[0x30, 2, 0xa0, 0]).refused(Code::Malformed).openssl("passes over them"));
    cases.push(
        three("constraints in a leaf", |_, _, end| {
            end.custom_extensions =
                vec![extension(&[2, 5, 29, 30], true, b"\x30\x0f\xa0\x0d\x30\x0b\x82\x09localhost")];
        })
        .refused(Code::Malformed)
        .openssl("passes over them, but with -x509_strict"),
    );
}

fn extensions(cases: &mut Vec<Case>) {
    let unknown = || extension(&[1, 3, 6, 1, 4, 1, 99999, 1], true, &[5, 0]);
    let critical = Code::UnknownCriticalExtension;
    cases.push(
        three("an unknown critical extension", |_, _, end| end.custom_extensions.push(unknown())).refused(critical),
    );
    cases.push(
        three("one in the intermediate", |_, middle, _| middle.custom_extensions.push(unknown())).refused(critical),
    );
    cases.push(three("one in the root", |top, _, _| top.custom_extensions.push(unknown())).refused(critical));
    let twice = || extension(&[2, 5, 29, 15], false, &[3, 2, 7, 0x80]);
    cases.push(three("an extension twice", |_, _, end| end.custom_extensions.push(twice())).refused(Code::Malformed));
    let access = || extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], false, b"nonsense");
    cases.push(
        three("a malformed AIA", |_, _, end| end.custom_extensions.push(access()))
            .refused(Code::Malformed)
            .openssl("passes over it"),
    );
    cases.push(
        three("a malformed subjectAltName", |_, _, end| {
            end.subject_alt_names.clear();
            end.custom_extensions.push(extension(&[2, 5, 29, 17], false, b"nonsense"));
        })
        .refused(Code::Malformed),
    );
    cases.push(
        three("keyCertSign in a leaf", |_, _, end| end.key_usages.push(KeyUsagePurpose::KeyCertSign))
            .refused(Code::Malformed)
            .openssl("passes over it, but with -x509_strict"),
    );
    let usage =
        |name, purpose: ExtendedKeyUsagePurpose| three(name, |_, _, end| end.extended_key_usages = vec![purpose]);
    let wrong = Code::WrongPurpose;
    cases.push(usage("a client's certificate", ExtendedKeyUsagePurpose::ClientAuth).refused(wrong));
    cases.push(usage("anyExtendedKeyUsage alone", ExtendedKeyUsagePurpose::Any).refused(wrong));
    cases.push(three("no extKeyUsage", |_, _, end| end.extended_key_usages.clear()));
    cases.push(
        three("an intermediate for clients", |_, middle, _| {
            middle.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
        .refused(wrong),
    );
    cases.push(
        three("a root for clients", |top, _, _| top.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth])
            .refused(wrong),
    );
    cases.push(
        three("keyUsage without digitalSignature", |_, _, end| end.key_usages = vec![KeyUsagePurpose::KeyAgreement])
            .refused(wrong)
            .openssl("takes keyAgreement for a server, too"),
    );
    let policy = |number: u8| extension(&[2, 5, 29, 32], false, &[0x30, 6, 0x30, 4, 6, 2, 0x2a, number]);
    let policies = |name, is_required: bool, number: u8| {
        three(name, |_, middle, end| {
            middle.custom_extensions.push(policy(1));
            if is_required {
                middle.custom_extensions.push(extension(&[2, 5, 29, 36], true, &[0x30, 3, 0x80, 1, 0]));
            }
            end.custom_extensions.push(policy(number));
        })
    };
    cases.push(policies("a required policy", true, 1));
    cases.push(
        policies("a required policy that is missing", true, 2)
            .refused(wrong)
            .openssl("asks for policies with -policy_check only"),
    );
    cases.push(policies("policies that nobody requires", false, 2));
}

fn deviations(cases: &mut Vec<Case>) {
    let odd = Code::Malformed;
    cases.push(three("no AKI", |_, _, end| end.not_before = NO_AKI).odd(odd));
    cases.push(
        three("another AKI", |_, _, end| {
            end.custom_extensions.push(extension(&[2, 5, 29, 35], false, &[0x30, 6, 0x80, 4, 1, 2, 3, 4]));
        })
        .odd(odd)
        .openssl("finds no issuer then"),
    );
    cases.push(
        three("a critical subjectAltName", |_, _, end| {
            end.subject_alt_names.clear();
            end.custom_extensions.push(extension(&[2, 5, 29, 17], true, b"\x30\x11\x82\x0fapp.example.com"));
        })
        .odd(odd),
    );
    cases.push(
        three("a negative serial number", |_, _, end| end.serial_number = Some(SerialNumber::from_slice(&[0])))
            .odd(odd),
    );
    cases.push(
        three("a serial number of 21 octets", |_, _, end| end.serial_number = Some(SerialNumber::from_slice(&[1; 21])))
            .odd(odd),
    );
    cases.push(three("another commonName", |_, _, end| end.distinguished_name = kit::name("web.example.org")).odd(odd));
    cases.push(three("a commonName that is no host's", |_, _, end| end.distinguished_name = kit::name("My Server")));
    cases.push(three("a CA without keyUsage", |_, middle, _| middle.key_usages.clear()).odd(odd));
    cases.push(
        three("a root with extKeyUsage", |top, _, _| {
            top.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
        .odd(Code::WrongPurpose),
    );
    cases.push(
        three("codeSigning, too", |_, _, end| end.extended_key_usages.push(ExtendedKeyUsagePurpose::CodeSigning))
            .odd(Code::WrongPurpose),
    );
}

/// Several paths: a good one is found beside a bad one, and the most specific reason is reported.
fn candidates(cases: &mut Vec<Case>) {
    let (trusted, unknown) = (root(ca("root")), root(ca("unknown root")));
    let middle = issue(&trusted, ca("ca"));
    let copy = || rcgen::KeyPair::try_from(middle.key.serialize_der()).expect("a key");
    let mut old = ca("ca");
    old.not_after = datetime!(2026-02-01 0:00 UTC);
    let expired = kit::issue_with(&trusted, old, copy());
    let strange = kit::issue_with(&unknown, ca("ca"), copy());
    let end = issue(&middle, leaf(HOST));
    cases.push(Case::new("an expired twin of the intermediate", &trusted, &[&expired, &middle], &end));
    cases.push(
        Case::new("an untrusted twin", &trusted, &[&strange, &middle], &end)
            .openssl("takes the first issuer that fits and tries no other"),
    );
    cases.push(Case::new("none but bad twins", &trusted, &[&strange, &expired], &end).refused(Code::Expired));
    let (first, second) = (root(ca("first")), root(ca("second")));
    let cycle =
        kit::issue_with(&second, ca("first"), rcgen::KeyPair::try_from(first.key.serialize_der()).expect("a key"));
    let back =
        kit::issue_with(&first, ca("second"), rcgen::KeyPair::try_from(second.key.serialize_der()).expect("a key"));
    let end = issue(&first, leaf(HOST));
    cases.push(Case::new("a cycle", &trusted, &[&cycle, &back], &end).refused(Code::UnknownIssuer));
}
