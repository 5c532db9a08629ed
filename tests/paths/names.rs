//! Names under constraints, in every combination.

use rcgen::{CidrSubnet, DnType, GeneralSubtree, NameConstraints};
use secure_io::verify::{self, Anchors, Host, Purpose, Request};

use crate::certificates;
use crate::kit::{self, NOW, ca, issue, issue_with, leaf, root};

/// One of two names: the wanted one, or one that shares no subtree with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Absent,
    Asked,
    Other,
}

use Which::{Absent, Asked, Other};

const ALL: [Which; 3] = [Absent, Asked, Other];

/// Names of one kind that an intermediate permits and excludes.
type Rule = (Which, Which);

fn rules() -> impl Iterator<Item = Rule> {
    ALL.into_iter().flat_map(|permitted| ALL.map(|excluded| (permitted, excluded)))
}

/// Returns true if a rule allows a name; each name is in a subtree of its own.
fn allows((permitted, excluded): Rule, name: Which) -> bool {
    name == Absent || (permitted == Absent || permitted == name) && excluded != name
}

fn subtrees(domain: Which, network: Which) -> Vec<GeneralSubtree> {
    let domain = match domain {
        Absent => None,
        Asked => Some("example.test"),
        Other => Some("example.org"),
    };
    let network = match network {
        Absent => None,
        Asked => Some([192, 0, 2, 0]),
        Other => Some([198, 51, 100, 0]),
    };
    let network = network.map(|network| CidrSubnet::V4(network, [255, 255, 255, 0]));
    let domain = domain.map(|domain| GeneralSubtree::DnsName(domain.to_owned()));
    domain.into_iter().chain(network.map(GeneralSubtree::IpAddress)).collect()
}

/// The commonName equals no SAN: it neither matches nor violates a constraint.
#[test]
fn every_combination_of_names_and_constraints() {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let mut leaves = Vec::new();
    for common_name in ["", "app.example.test", "app.example.org", "192.0.2.1", "198.51.100.1"] {
        for (domain, address) in ALL.into_iter().flat_map(|domain| ALL.map(|address| (domain, address))) {
            let mut params = leaf("leaf");
            params.distinguished_name = kit::name(common_name);
            params.distinguished_name.push(DnType::OrganizationName, "Example");
            let domains = [(Asked, "app.example.test"), (Other, "app.example.org")];
            let addresses = [(Asked, "192.0.2.1"), (Other, "198.51.100.1")];
            let chosen = |names: [(Which, &'static str); 2], which| {
                names.into_iter().filter(move |(name, _)| *name == which).map(|(_, name)| kit::san(name))
            };
            params.subject_alt_names = chosen(domains, domain).chain(chosen(addresses, address)).collect();
            leaves.push(((domain, address), certificates(&[issue(&middle, params).der]).remove(0)));
        }
    }
    let anchors = Anchors::new(certificates(std::slice::from_ref(&trusted.der)));
    let hosts =
        [(true, "app.example.test"), (false, "192.0.2.1")].map(|(is_domain, host)| (is_domain, host.parse::<Host>()));
    for (domains, networks) in rules().flat_map(|domains| rules().map(move |networks| (domains, networks))) {
        let mut params = ca("ca");
        let constraints = NameConstraints {
            permitted_subtrees: subtrees(domains.0, networks.0),
            excluded_subtrees: subtrees(domains.1, networks.1),
        };
        let is_empty = constraints.permitted_subtrees.is_empty() && constraints.excluded_subtrees.is_empty();
        params.name_constraints = (!is_empty).then_some(constraints);
        let key = rcgen::KeyPair::try_from(middle.key.serialize_der()).expect("a key");
        let presented = certificates(&[issue_with(&trusted, params, key).der]);
        for ((domain, address), leaf) in &leaves {
            for (is_domain, host) in &hosts {
                let host = host.as_ref().ok();
                let purpose = Purpose::Server;
                let request = Request {
                    presented: &presented,
                    anchors: &anchors,
                    crls: &[],
                    host,
                    purpose,
                    at: NOW,
                    key: None,
                    strict: false,
                };
                let is_named = if *is_domain { *domain == Asked } else { *address == Asked };
                let expected = is_named && allows(domains, *domain) && allows(networks, *address);
                let verdict = verify::verify(leaf, &request);
                assert_eq!(
                    verdict.valid, expected,
                    "{domains:?} {networks:?} {domain:?} {address:?} {host:?}: {:?}",
                    verdict.error
                );
            }
        }
    }
}
