//! CAs that certify each other in any way: a path is found if there is one.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};
use time::macros::datetime;

use crate::cases::{Case, HOST};
use crate::judge;
use crate::kit::{ca, issue, issue_with, leaf, root};

/// Authorities: the first is trusted.
const AUTHORITIES: usize = 6;

/// Reason why no path may include a certificate.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Expired,
    NotACa,
    MayNotSign,
    ForClients,
    ForOtherNames,
}

/// A certificate from one authority for another.
#[derive(Debug, Clone, Copy)]
struct Edge {
    from: usize,
    to: usize,
    fault: Option<Fault>,
}

fn edge() -> impl Strategy<Value = Edge> {
    use Fault::{Expired, ForClients, ForOtherNames, MayNotSign, NotACa};
    let fault = prop::sample::select(vec![Expired, NotACa, MayNotSign, ForClients, ForOtherNames]);
    let fault = prop_oneof![3 => Just(None), 2 => fault.prop_map(Some)];
    let ends = (0..AUTHORITIES, 1..AUTHORITIES).prop_filter("two of them", |(from, to)| from != to);
    (ends, fault).prop_map(|((from, to), fault)| Edge { from, to, fault })
}

impl Fault {
    fn inflict(self, params: &mut CertificateParams) {
        match self {
            Self::Expired => params.not_after = datetime!(2026-02-01 0:00 UTC),
            Self::NotACa => (params.is_ca, params.key_usages) = (IsCa::ExplicitNoCa, vec![]),
            Self::MayNotSign => params.key_usages = vec![KeyUsagePurpose::CrlSign],
            Self::ForClients => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            Self::ForOtherNames => {
                let permitted_subtrees = vec![GeneralSubtree::DnsName("example.org".to_owned())];
                params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
            }
        }
    }
}

/// Returns the certificates that are reachable from the trusted one.
fn reachable(edges: &[Edge]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([0]);
    for _ in 0..AUTHORITIES {
        let sound = edges.iter().filter(|edge| edge.fault.is_none());
        let more: Vec<_> = sound.filter(|edge| reached.contains(&edge.from)).map(|edge| edge.to).collect();
        reached.extend(more);
    }
    reached
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_is_found_if_there_is_one(edges in prop::collection::vec(edge(), 0..14), issuer in 0..AUTHORITIES) {
        let authorities: Vec<_> = (0..AUTHORITIES).map(|number| root(ca(&format!("ca {number}")))).collect();
        let certificate = |edge: &Edge| {
            let mut params = ca(&format!("ca {}", edge.to));
            if let Some(fault) = edge.fault {
                fault.inflict(&mut params);
            }
            let key = KeyPair::try_from(authorities[edge.to].key.serialize_der()).expect("a key");
            issue_with(&authorities[edge.from], params, key).der
        };
        let end = issue(&authorities[issuer], leaf(HOST));
        let case = Case::new("", &authorities[0], &[], &end).among(edges.iter().map(certificate).collect());
        let verdict = judge(&case, false);
        prop_assert_eq!(verdict.valid, reachable(&edges).contains(&issuer), "{:?}", verdict.error);
    }
}
