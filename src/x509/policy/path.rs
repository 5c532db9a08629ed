//! Certificate policies along a path.
//!
//! [RFC 5280 section 6.1](https://www.rfc-editor.org/rfc/rfc5280#section-6.1), with the graph in place of the tree that
//! [RFC 9618](https://www.rfc-editor.org/rfc/rfc9618) has, whose size is bounded by the certificates'. A client of TLS
//! asks for no policy of its own (`user-initial-policy-set` is anyPolicy, the three initial indicators are false), so
//! all that matters of the graph is its lowest level, and whether it has any node.

use std::collections::{BTreeMap, BTreeSet};

use super::values;
use crate::encoding::asn1::{self, Value, der, tag};

/// The content octets of anyPolicy's OID, 2.5.29.32.0.
const ANY_POLICY: &[u8] = &[0x55, 0x1d, 0x20, 0x00];

/// Reason why policies forbid a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A certificate policy is required, and no policy is valid for the whole path (section 6.1.3 f, 6.1.5 g).
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
    /// A policy extension that violates RFC 5280.
    #[error("its extensions about policies are malformed")]
    Malformed {
        /// The certificate's place in the path.
        index: usize,
    },
}

impl Error {
    /// The place in the path of the certificate that is to blame.
    #[must_use]
    pub(crate) const fn index(&self) -> usize {
        match *self {
            Self::NoPolicy { index } | Self::MapsAnyPolicy { index } | Self::Malformed { index } => index,
        }
    }
}

/// A certificate of a path, as far as policies ask.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certificate<'a> {
    /// Its extensions about policies: the last arc of each one's type (2.5.29.…), and the value.
    pub(crate) extensions: Vec<(u8, &'a [u8])>,
    /// True if its subject is its issuer.
    pub(crate) is_self_issued: bool,
}

/// Checks a path's policies: from the certificate that the trust anchor issued to the end-entity.
///
/// # Errors
///
/// The first reason, in the path's order.
pub(crate) fn check(path: &[Certificate<'_>]) -> Result<(), Error> {
    let mut state = State::new(path.len());
    for (index, certificate) in path.iter().enumerate() {
        let extensions = Extensions::read(&certificate.extensions).map_err(|_asn1| Error::Malformed { index })?;
        let is_last = index + 1 == path.len();
        state.process(&extensions, certificate.is_self_issued && !is_last);
        if is_last {
            state.wrap_up(&extensions);
        }
        if state.explicit_policy == 0 && state.level.is_empty() {
            return Err(Error::NoPolicy { index });
        }
        if !is_last {
            state.prepare(&extensions, certificate.is_self_issued).ok_or(Error::MapsAnyPolicy { index })?;
        }
    }
    Ok(())
}

/// The policy extensions of one certificate; policies as the content octets of their OIDs.
#[derive(Debug, Default)]
struct Extensions<'a> {
    policies: BTreeSet<&'a [u8]>,
    mappings: Vec<(&'a [u8], &'a [u8])>,
    require_explicit_policy: Option<u32>,
    inhibit_policy_mapping: Option<u32>,
    inhibit_any_policy: Option<u32>,
}

/// Checks that a policy extension, selected by the last arc of its type, has the structure of its section in RFC 5280.
pub(crate) fn check_extension(number: u8, value: &[u8]) -> Result<(), asn1::Error> {
    Extensions::default().add(number, value)
}

impl<'a> Extensions<'a> {
    fn read(extensions: &[(u8, &'a [u8])]) -> Result<Self, asn1::Error> {
        let mut all = Self::default();
        for (number, value) in extensions {
            all.add(*number, value)?;
        }
        Ok(all)
    }

    fn add(&mut self, number: u8, value: &'a [u8]) -> Result<(), asn1::Error> {
        match number {
            32 => {
                let all = not_empty(values::policies(value).collect::<Result<Vec<_>, _>>()?, "certificatePolicies")?;
                self.policies.extend(all.iter().map(|policy| policy.id));
            }
            33 => {
                let all = values::mappings(value).collect::<Result<Vec<_>, _>>()?;
                self.mappings.extend(not_empty(all, "policyMappings")?);
            }
            36 => {
                let constraints = values::constraints(value)?;
                let numbers = [constraints.require_explicit_policy, constraints.inhibit_policy_mapping];
                if numbers.iter().all(Option::is_none) {
                    return Err(asn1::Error::new("policyConstraints", "are empty"));
                }
                let [explicit, mapping] = numbers.map(|number| number.map(number_of).transpose());
                (self.require_explicit_policy, self.inhibit_policy_mapping) = (explicit?, mapping?);
            }
            54 => {
                let skip = asn1::only(value, tag::INTEGER, "inhibitAnyPolicy")?;
                self.inhibit_any_policy = Some(number_of(skip)?);
            }
            _ => {}
        }
        Ok(())
    }
}

fn not_empty<T>(items: Vec<T>, field: &'static str) -> Result<Vec<T>, asn1::Error> {
    if items.is_empty() { Err(asn1::Error::new(field, "are empty")) } else { Ok(items) }
}

/// A number of certificates; those beyond 32 bits are more than any path has.
fn number_of(value: Value<'_>) -> Result<u32, asn1::Error> {
    const FIELD: &str = "a number of certificates";
    match value.content {
        [] | [0x80..=0xff, ..] => Err(asn1::Error::new(FIELD, "is negative or empty")),
        octets if der::significant(octets).len() != octets.len() => Err(asn1::Error::new(FIELD, "is not DER")),
        _ => Ok(value.small().unwrap_or(u32::MAX)),
    }
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

    #[test]
    fn what_is_no_policy_extension_is_refused() {
        let is_read = |number, value: &[u8]| check_extension(number, value).is_ok();
        for (number, value) in [
            (32, &b"\x30\x06\x30\x04\x06\x02\x2a\x03"[..]),
            (33, b"\x30\x0a\x30\x08\x06\x02\x2a\x03\x06\x02\x2a\x04"),
            (36, b"\x30\x03\x80\x01\x00"),
            (36, b"\x30\x09\x80\x01\x00\x81\x04\x7f\xff\xff\xff"),
            (54, b"\x02\x05\x00\xff\xff\xff\xff"),
            (54, b"\x02\x06\x01\x00\x00\x00\x00\x00"),
        ] {
            assert!(is_read(number, value), "{number} {value:x?}");
        }
        for (number, value) in [
            (32, &b"\x30\x00"[..]),
            (32, b"\x30\x04\x06\x02\x2a\x03"),
            (32, b"\x30\x02\x30\x00"),
            (32, b"\x30\x09\x30\x07\x06\x02\x2a\x03\x0c\x01A"),
            (33, b"\x30\x00"),
            (33, b"\x30\x06\x30\x04\x06\x02\x2a\x03"),
            (36, b"\x30\x00"),
            (36, b"\x30\x03\x80\x01\xff"),
            (36, b"\x30\x04\x80\x02\x00\x01"),
            (36, b"\x30\x03\x82\x01\x00"),
            (36, b"\x30\x06\x81\x01\x00\x80\x01\x00"),
            (54, b"\x02\x01\xff"),
            (54, b"\x02\x00"),
            (54, b"\x30\x00"),
        ] {
            assert!(!is_read(number, value), "{number} {value:x?}");
        }
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
