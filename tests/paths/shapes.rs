//! Paths of random shapes: what an oracle says of each from how it was made is what is said of it, whatever the order
//! of the certificates that it is found among.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, SizeRange};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, SerialNumber,
};
use secure_io::verify::{Certificate, Crl};
use time::macros::datetime;

use crate::cases::{self, Case, HOST};
use crate::kit::{self, Made};
use crate::{judge, peers};

/// Random properties of a CA, the root included.
#[derive(Debug, Clone)]
struct Authority {
    /// It has the name of the one above it, as after a change of keys.
    is_self_issued: bool,
    is_ca: bool,
    path_len: Option<u8>,
    signs: bool,
    time: Time,
    permitted: Option<&'static str>,
    excluded: Option<&'static str>,
    purposes: Vec<ExtendedKeyUsagePurpose>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Past,
    Present,
    Future,
}

/// A path, from the root down, and what it is looked for among.
#[derive(Debug, Clone)]
struct Shape {
    authorities: Vec<Authority>,
    time: Time,
    purposes: Vec<ExtendedKeyUsagePurpose>,
    host: &'static str,
    /// Certificates on the path that the CRLs list, if there are CRLs.
    revoked: Option<Vec<bool>>,
    /// In what order, and how often, the intermediates and the certificates that lead nowhere are given.
    order: Vec<Index>,
}

/// Mostly what is right, so that a good share of the paths is valid.
fn seldom<T: Clone + std::fmt::Debug + 'static>(
    usual: T,
    other: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![12 => Just(usual), 1 => other]
}

fn time() -> impl Strategy<Value = Time> {
    seldom(Time::Present, prop_oneof![Just(Time::Past), Just(Time::Future)])
}

fn purposes() -> impl Strategy<Value = Vec<ExtendedKeyUsagePurpose>> {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    prop_oneof![
        6 => Just(vec![]),
        6 => Just(vec![ServerAuth]),
        3 => Just(vec![ClientAuth, ServerAuth]),
        1 => Just(vec![ClientAuth]),
    ]
}

prop_compose! {
    fn authority()(
        is_self_issued in seldom(false, Just(true)),
        is_ca in seldom(true, Just(false)),
        path_len in prop_oneof![3 => Just(None), 1 => (0_u8..8).prop_map(Some)],
        signs in seldom(true, Just(false)),
        time in time(),
        permitted in seldom(None, prop_oneof![3 => Just(Some("example.com")), 1 => Just(Some("example.org"))]),
        excluded in seldom(None, prop_oneof![3 => Just(Some("example.org")), 1 => Just(Some(HOST))]),
        purposes in purposes(),
    ) -> Authority {
        Authority { is_self_issued, is_ca, path_len, signs, time, permitted, excluded, purposes }
    }
}

prop_compose! {
    fn shape(intermediates: impl Into<SizeRange>)(authorities in prop::collection::vec(authority(), intermediates))(
        time in time(),
        purposes in purposes(),
        host in seldom(HOST, Just("web.example.com")),
        revoked in prop::option::of(prop::collection::vec(seldom(false, Just(true)), authorities.len())),
        order in prop::collection::vec(any::<Index>(), 1..20),
        authorities in Just(authorities),
    ) -> Shape {
        Shape { authorities, time, purposes, host, revoked, order }
    }
}

impl Shape {
    /// Returns true if the path is valid by RFC 5280 section 6.1 and rustls's limit of six intermediates.
    fn is_valid(&self) -> bool {
        let serves = |purposes: &[_]| purposes.is_empty() || purposes.contains(&ExtendedKeyUsagePurpose::ServerAuth);
        let count = self.authorities.len();
        let authority = |(place, authority): (usize, &Authority)| {
            let below = self.authorities.iter().skip(place + 1).filter(|below| !below.is_self_issued).count();
            authority.is_ca
                && authority.signs
                && authority.time == Time::Present
                && authority.path_len.is_none_or(|most| below <= usize::from(most))
                && authority.permitted != Some("example.org")
                && authority.excluded != Some(HOST)
                && serves(&authority.purposes)
        };
        let is_revoked = self.revoked.iter().flatten().any(|is_revoked| *is_revoked);
        count <= 7
            && self.authorities.iter().enumerate().all(authority)
            && self.time == Time::Present
            && serves(&self.purposes)
            && self.host == HOST
            && !is_revoked
    }

    /// All certificates, from the root down, and the CRLs of all but the last.
    fn make(&self) -> (Vec<Made>, Vec<Vec<u8>>) {
        let mut path: Vec<Made> = Vec::new();
        for (place, authority) in self.authorities.iter().enumerate() {
            let mut params = authority.params(place);
            match path.last() {
                Some(above) if authority.is_self_issued => {
                    params.distinguished_name = above.params.distinguished_name.clone();
                    path.push(kit::issue(above, params));
                }
                Some(above) => path.push(kit::issue(above, params)),
                None => path.push(kit::root(params)),
            }
        }
        let mut params = kit::leaf(HOST);
        set_time(&mut params, self.time);
        params.extended_key_usages.clone_from(&self.purposes);
        path.push(kit::issue(path.last().expect("there is a root"), params));
        let (from, to) = (datetime!(2026-05-01 0:00 UTC), datetime!(2026-07-01 0:00 UTC));
        let crls = self.revoked.iter().flatten().zip(path.windows(2)).map(|(is_revoked, pair)| {
            let revoked: &[&Made] = if *is_revoked { &[&pair[1]] } else { &[] };
            kit::crl(&pair[0], revoked, from, to)
        });
        let crls = crls.collect();
        (path, crls)
    }

    /// In this shape's order: intermediates, and for each one of the same name that another key has.
    fn untrusted(&self, intermediates: &[Made]) -> Vec<Vec<u8>> {
        let strangers = intermediates.iter().map(|made| kit::root(made.params.clone()).der);
        let pool: Vec<_> = intermediates.iter().map(|made| made.der.clone()).chain(strangers).collect();
        let places = self.order.iter().cycle();
        let copies = self.order.iter().take_while(|_| !pool.is_empty()).map(|index| index.get(&pool).clone());
        let mut all = Vec::new();
        for (der, place) in pool.iter().cloned().chain(copies).zip(places) {
            all.insert(place.index(all.len() + 1), der);
        }
        all
    }
}

impl Authority {
    fn params(&self, place: usize) -> CertificateParams {
        let mut params = kit::ca(&format!("ca {place}"));
        params.serial_number = Some(SerialNumber::from(1000 + place as u64));
        params.is_ca = match self.path_len {
            _ if !self.is_ca => IsCa::ExplicitNoCa,
            Some(most) => IsCa::Ca(BasicConstraints::Constrained(most)),
            None => params.is_ca,
        };
        if !self.signs {
            params.key_usages = vec![KeyUsagePurpose::CrlSign];
        }
        set_time(&mut params, self.time);
        let subtrees =
            |name: Option<&str>| name.map(|name| GeneralSubtree::DnsName(name.to_owned())).into_iter().collect();
        params.name_constraints = (self.permitted.is_some() || self.excluded.is_some()).then(|| NameConstraints {
            permitted_subtrees: subtrees(self.permitted),
            excluded_subtrees: subtrees(self.excluded),
        });
        params.extended_key_usages.clone_from(&self.purposes);
        params
    }
}

fn set_time(params: &mut CertificateParams, time: Time) {
    match time {
        Time::Past => params.not_after = datetime!(2026-02-01 0:00 UTC),
        Time::Present => {}
        Time::Future => params.not_before = datetime!(2026-07-01 0:00 UTC),
    }
}

/// A path with CRLs of all issuers.
static WHOLE: LazyLock<Case> =
    LazyLock::new(|| cases::all().into_iter().find(|case| case.name == "not revoked").expect("it is in the table"));

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

/// Python's `cryptography` and GnuTLS are never of one opinion and we of another. Self-issued CAs are left out: both
/// count them, as RFC 5280 section 6.1.4 (l) does not.
#[test]
fn peers_judge_random_paths_alike() {
    let mut runner = TestRunner::deterministic();
    let mut some = || shape(1..=7_usize).new_tree(&mut runner).expect("a shape").current();
    let mut shapes: Vec<_> = (0..300).map(|_| some()).collect();
    shapes.retain(|shape| !shape.authorities.iter().any(|authority| authority.is_self_issued));
    let cases = shapes.iter().map(|shape| {
        let (path, _) = shape.make();
        let intermediates = path[1..path.len() - 1].iter().rev().map(|made| made.der.clone()).collect();
        Case::new("", &path[0], &[], &path[path.len() - 1]).host(shape.host).among(intermediates)
    });
    let cases: Vec<_> = cases.collect();
    for ((case, shape), others) in cases.iter().zip(&shapes).zip(peers::ask(&cases)) {
        let verdict = judge(case, false);
        let is_alone = others.values().all(|other| (other == "valid") != verdict.valid);
        assert!(!is_alone, "{:?}, {others:?}: {shape:?}", verdict.error);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn paths_of_any_shape_are_judged_as_they_were_made(shape in shape(1..=9_usize)) {
        let (path, crls) = shape.make();
        let (root, leaf) = (&path[0], &path[path.len() - 1]);
        let intermediates = &path[1..path.len() - 1];
        let ordered: Vec<_> = intermediates.iter().rev().map(|made| made.der.clone()).collect();
        let case = Case::new("", root, &[], leaf).host(shape.host).crls(crls);
        let is_valid = |untrusted: Vec<Vec<u8>>| judge(&case.among(untrusted), false).valid;
        prop_assert_eq!(is_valid(ordered.clone()), shape.is_valid());
        let shuffled = shape.untrusted(intermediates);
        prop_assert_eq!(is_valid(shuffled.clone()), shape.is_valid(), "in another order");
        for needed in &ordered {
            let without: Vec<_> = shuffled.iter().filter(|der| *der != needed).cloned().collect();
            prop_assert!(!is_valid(without), "without an intermediate");
        }
    }

    /// A piece of a certificate or CRL cut out, put in, or written over: an answer, and no yes where what is signed
    /// differs.
    #[test]
    fn damage_of_any_kind_is_answered(
        which in 0..4_usize,
        at in any::<Index>(),
        cut in 0..40_usize,
        put in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let case = WHOLE.clone();
        let mut whole = [case.leaf.clone(), case.untrusted[0].clone(), case.crls[0].clone(), case.crls[1].clone()];
        let damaged = &mut whole[which];
        let from = at.index(damaged.len());
        let to = (from + cut).min(damaged.len());
        let is_same = damaged[from..to] == put[..];
        damaged.splice(from..to, put);
        let [leaf, middle, upper, lower] = whole;
        let (certificate, crl) = (Certificate::parse(middle.clone()), [upper.clone(), lower.clone()].map(Crl::parse));
        if certificate.is_ok() && crl.iter().all(Result::is_ok) {
            let damaged = Case { leaf, untrusted: vec![middle], crls: vec![upper, lower], ..case };
            prop_assert!(is_same || !judge(&damaged, false).valid);
        }
    }
}
