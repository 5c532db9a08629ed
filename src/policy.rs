//! Certificate policies along a path.
//!
//! [RFC 5280 section 6.1](https://www.rfc-editor.org/rfc/rfc5280#section-6.1), with the graph in place of the tree that
//! [RFC 9618](https://www.rfc-editor.org/rfc/rfc9618) has, whose size is bounded by the certificates'. A client of TLS
//! asks for no policy of its own (`user-initial-policy-set` is anyPolicy, the three initial indicators are false), so
//! all that matters of the graph is its lowest level, and whether it has any node.

use std::collections::{BTreeMap, BTreeSet};

use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;

/// The content octets of anyPolicy's OID, 2.5.29.32.0.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

/// Why a path is refused for its policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A certificate policy is required, and none is valid for the whole path (section 6.1.3 f, 6.1.5 g).
    #[error("a CA above it requires a certificate policy, and none holds along the whole path")]
    NoPolicy {
        /// The certificate's place in the path.
        index: usize,
    },
    /// anyPolicy is mapped to or from another (section 6.1.4 a).
    #[error("its policyMappings map anyPolicy")]
    MapsAnyPolicy {
        /// The certificate's place in the path.
        index: usize,
    },
    /// An extension about policies that is not what RFC 5280 has it be.
    #[error("its extensions about policies are malformed")]
    Malformed {
        /// The certificate's place in the path.
        index: usize,
    },
}

impl Error {
    /// The place in the path of the certificate that is to blame.
    #[must_use]
    pub const fn index(&self) -> usize {
        match *self {
            Self::NoPolicy { index } | Self::MapsAnyPolicy { index } | Self::Malformed { index } => index,
        }
    }
}

/// Checks a path's policies: from the certificate that the trust anchor issued to the end-entity.
///
/// # Errors
///
/// The first reason, in the path's order.
pub fn check(path: &[&X509Certificate<'_>]) -> Result<(), Error> {
    let mut state = State::new(path.len());
    for (index, certificate) in path.iter().enumerate() {
        let extensions = Extensions::of(certificate).ok_or(Error::Malformed { index })?;
        let is_last = index + 1 == path.len();
        let is_self_issued = certificate.subject().as_raw() == certificate.issuer().as_raw();
        state.process(&extensions, is_self_issued && !is_last);
        if is_last {
            state.wrap_up(&extensions);
        }
        if state.explicit_policy == 0 && state.level.is_empty() {
            return Err(Error::NoPolicy { index });
        }
        if !is_last {
            state.prepare(&extensions, is_self_issued).ok_or(Error::MapsAnyPolicy { index })?;
        }
    }
    Ok(())
}

/// The policy extensions of one certificate; policies as the content octets of their OIDs.
#[derive(Default)]
struct Extensions<'a> {
    policies: BTreeSet<&'a [u8]>,
    mappings: Vec<(&'a [u8], &'a [u8])>,
    require_explicit_policy: Option<u32>,
    inhibit_policy_mapping: Option<u32>,
    inhibit_any_policy: Option<u32>,
}

impl<'a> Extensions<'a> {
    /// `None` when one is malformed.
    fn of(certificate: &'a X509Certificate<'_>) -> Option<Self> {
        let mut all = Self::default();
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::CertificatePolicies(policies) => {
                    all.policies = policies.iter().map(|policy| policy.policy_id.as_bytes()).collect();
                }
                ParsedExtension::PolicyMappings(mappings) => {
                    let pairs = mappings.mappings.iter();
                    let pairs =
                        pairs.map(|pair| (pair.issuer_domain_policy.as_bytes(), pair.subject_domain_policy.as_bytes()));
                    all.mappings = pairs.collect();
                }
                ParsedExtension::PolicyConstraints(constraints) => {
                    all.require_explicit_policy = constraints.require_explicit_policy;
                    all.inhibit_policy_mapping = constraints.inhibit_policy_mapping;
                }
                ParsedExtension::InhibitAnyPolicy(inhibit) => all.inhibit_any_policy = Some(inhibit.skip_certs),
                ParsedExtension::ParseError { .. } if is_about_policies(&extension.oid.to_id_string()) => return None,
                _ => {}
            }
        }
        Some(all)
    }
}

fn is_about_policies(oid: &str) -> bool {
    ["2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54"].contains(&oid)
}

/// Section 6.1.2's variables. `level` is the graph's lowest: each valid policy with its expected policy set.
struct State<'a> {
    level: BTreeMap<&'a [u8], BTreeSet<&'a [u8]>>,
    explicit_policy: usize,
    policy_mapping: usize,
    inhibit_any_policy: usize,
}

impl<'a> State<'a> {
    fn new(path_length: usize) -> Self {
        let all = path_length + 1;
        let level = BTreeMap::from([(ANY_POLICY, BTreeSet::from([ANY_POLICY]))]);
        Self { level, explicit_policy: all, policy_mapping: all, inhibit_any_policy: all }
    }

    /// Section 6.1.3 (d) and (e): the next level.
    fn process(&mut self, extensions: &Extensions<'a>, is_self_issued_intermediate: bool) {
        let above = std::mem::take(&mut self.level);
        let expected: BTreeSet<&[u8]> = above.values().flatten().copied().collect();
        let has_any = above.contains_key(ANY_POLICY);
        let valid = extensions.policies.iter().filter(|policy| **policy != ANY_POLICY);
        let valid = valid.filter(|policy| has_any || expected.contains(*policy));
        self.level = valid.map(|policy| (*policy, BTreeSet::from([*policy]))).collect();
        let is_any_allowed = self.inhibit_any_policy > 0 || is_self_issued_intermediate;
        if extensions.policies.contains(ANY_POLICY) && is_any_allowed {
            for policy in expected {
                self.level.entry(policy).or_insert_with(|| BTreeSet::from([policy]));
            }
        }
    }

    /// Section 6.1.4 (a) to (j); `None` when anyPolicy is mapped.
    fn prepare(&mut self, extensions: &Extensions<'a>, is_self_issued: bool) -> Option<()> {
        if extensions.mappings.iter().any(|(from, to)| *from == ANY_POLICY || *to == ANY_POLICY) {
            return None;
        }
        self.map(&extensions.mappings);
        if !is_self_issued {
            for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy] {
                *counter = counter.saturating_sub(1);
            }
        }
        let lower = |counter: &mut usize, limit: Option<u32>| {
            *counter = (*counter).min(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)));
        };
        lower(&mut self.explicit_policy, extensions.require_explicit_policy);
        lower(&mut self.policy_mapping, extensions.inhibit_policy_mapping);
        lower(&mut self.inhibit_any_policy, extensions.inhibit_any_policy);
        Some(())
    }

    fn map(&mut self, mappings: &[(&'a [u8], &'a [u8])]) {
        let mut by_issuer: BTreeMap<&[u8], BTreeSet<&[u8]>> = BTreeMap::new();
        for (from, to) in mappings {
            by_issuer.entry(*from).or_default().insert(*to);
        }
        for (from, to) in by_issuer {
            if self.policy_mapping == 0 {
                self.level.remove(from);
            } else if self.level.contains_key(from) || self.level.contains_key(ANY_POLICY) {
                self.level.insert(from, to);
            }
        }
    }

    /// Section 6.1.5 (a) and (b).
    fn wrap_up(&mut self, extensions: &Extensions<'a>) {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if extensions.require_explicit_policy == Some(0) {
            self.explicit_policy = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &[u8] = b"a";
    const B: &[u8] = b"b";
    const C: &[u8] = b"c";

    fn with<'a>(policies: &[&'a [u8]]) -> Extensions<'a> {
        Extensions { policies: policies.iter().copied().collect(), ..Extensions::default() }
    }

    /// Runs certificates that are not self-issued through the state, as `check` does with parsed ones.
    fn accepted(path: &[Extensions<'_>]) -> bool {
        let mut state = State::new(path.len());
        path.iter().enumerate().all(|(index, extensions)| {
            let is_last = index + 1 == path.len();
            state.process(extensions, false);
            if is_last {
                state.wrap_up(extensions);
            }
            let valid = state.explicit_policy > 0 || !state.level.is_empty();
            valid && (is_last || state.prepare(extensions, false).is_some())
        })
    }

    #[test]
    fn without_a_requirement_policies_do_not_matter() {
        assert!(accepted(&[with(&[A]), with(&[B])]));
        assert!(accepted(&[with(&[]), with(&[])]));
        assert!(accepted(&[]));
    }

    #[test]
    fn a_required_policy_must_hold_along_the_whole_path() {
        let required = |policies| Extensions { require_explicit_policy: Some(0), ..with(policies) };
        assert!(accepted(&[required(&[A, B]), with(&[B])]));
        assert!(!accepted(&[required(&[A]), with(&[B])]));
        assert!(!accepted(&[required(&[A]), with(&[])]));
        assert!(!accepted(&[with(&[A]), required(&[B])]), "the end-entity may require it, too");
        assert!(accepted(&[required(&[ANY_POLICY]), with(&[A])]));
        assert!(accepted(&[required(&[A]), with(&[ANY_POLICY])]));
        let later = |skip| Extensions { require_explicit_policy: Some(skip), ..with(&[A]) };
        assert!(!accepted(&[later(1), with(&[A]), with(&[])]));
        assert!(accepted(&[later(3), with(&[A]), with(&[])]));
    }

    #[test]
    fn policies_are_mapped_until_that_is_inhibited() {
        let mapping = |inhibit| Extensions {
            require_explicit_policy: Some(0),
            inhibit_policy_mapping: inhibit,
            mappings: vec![(A, B), (A, C)],
            ..with(&[A])
        };
        assert!(accepted(&[mapping(None), with(&[B])]));
        assert!(accepted(&[mapping(None), with(&[C])]));
        assert!(!accepted(&[mapping(None), with(&[A])]), "what was mapped is no longer expected");
        let inhibiting = Extensions { inhibit_policy_mapping: Some(0), ..with(&[A]) };
        assert!(!accepted(&[inhibiting, mapping(None), with(&[B])]));
        let any = Extensions { mappings: vec![(ANY_POLICY, B)], ..with(&[A]) };
        assert!(!accepted(&[any, with(&[B])]));
    }

    #[test]
    fn any_policy_can_be_inhibited() {
        let inhibit =
            |skip| Extensions { require_explicit_policy: Some(0), inhibit_any_policy: Some(skip), ..with(&[A]) };
        assert!(!accepted(&[inhibit(0), with(&[ANY_POLICY])]));
        assert!(accepted(&[inhibit(1), with(&[ANY_POLICY])]));
        assert!(!accepted(&[inhibit(1), with(&[ANY_POLICY]), with(&[ANY_POLICY])]));
    }
}
