//! The order of items: each key before its certificate, each certificate before that of its issuer.

use super::part::Part;
use crate::judge::inspect::{Facts, Related};
use crate::judge::report::converted::ConvertedKind;

/// A path from a certificate to its root is not followed further.
const DEPTH_LIMIT: usize = 32;

/// The order of parts, and their issuers.
#[derive(Debug)]
pub(super) struct Order {
    /// All parts.
    pub(super) parts: Vec<usize>,
    /// The issuer's certificate of each part.
    issuer: Vec<Option<usize>>,
}

impl Order {
    pub(super) fn of(parts: &[Part], facts: &[Facts]) -> Self {
        let related = Related::new(facts);
        let issuer = (0..parts.len()).map(|index| {
            let is_other = |issuer: &&usize| **issuer != index;
            let is_certificate = parts.get(index).is_some_and(|part| part.kind() == ConvertedKind::Certificate);
            related.issuers_of(index).iter().find(is_other).copied().filter(|_| is_certificate)
        });
        let mut order = Self { parts: Vec::new(), issuer: issuer.collect() };
        order.parts = order.sorted(parts);
        order
    }

    /// A certificate and its issuers.
    pub(super) fn path(&self, leaf: usize) -> Vec<usize> {
        let mut path = vec![leaf];
        let mut at = leaf;
        while let Some(issuer) = self.issuer.get(at).copied().flatten() {
            if path.contains(&issuer) || path.len() == DEPTH_LIMIT {
                break;
            }
            path.push(issuer);
            at = issuer;
        }
        path
    }

    fn sorted(&self, parts: &[Part]) -> Vec<usize> {
        let of = |kind| (0..parts.len()).filter(move |index| parts.get(*index).is_some_and(|part| part.kind() == kind));
        let certificates = self.certificates(&of(ConvertedKind::Certificate).collect::<Vec<_>>());
        let mut all: Vec<usize> = Vec::with_capacity(parts.len());
        for certificate in certificates {
            let keys = of(ConvertedKind::PrivateKey).filter(|key| {
                parts.get(*key).zip(parts.get(certificate)).is_some_and(|(key, part)| is_key_of(key, part))
            });
            let keys: Vec<_> = keys.filter(|key| !all.contains(key)).collect();
            all.extend(keys);
            all.push(certificate);
        }
        let rest: Vec<_> = (0..parts.len()).filter(|index| !all.contains(index)).collect();
        all.extend(rest);
        all
    }

    /// Certificates of which each stands before its issuer: first those that issued no other, in the order in which
    /// they were found.
    fn certificates(&self, all: &[usize]) -> Vec<usize> {
        let is_issuer = |index: &usize| self.issuer.contains(&Some(*index));
        let (above, ends): (Vec<usize>, Vec<usize>) = all.iter().partition(|index| is_issuer(index));
        let mut sorted: Vec<usize> = Vec::with_capacity(all.len());
        for start in ends.into_iter().chain(above).rev() {
            let path = self.path(start);
            let new: Vec<_> = path.into_iter().take_while(|index| !sorted.contains(index)).collect();
            sorted.splice(0..0, new);
        }
        sorted
    }
}

/// Decides whether a private key is that of a certificate.
pub(super) fn is_key_of(key: &Part, certificate: &Part) -> bool {
    key.spki_sha256().is_some() && key.spki_sha256() == certificate.spki_sha256()
}
