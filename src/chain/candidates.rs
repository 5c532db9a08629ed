//! The certificates that may stand above another, by names alone: the searches for a path look among these.
//!
//! Signatures cost, and among look-alikes and cross-certificates there are more paths than anybody can try. Names are
//! cheap: they say, in time that is linear in the certificates, whether any path leads to a trust anchor, and which
//! certificates can lie on one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::certificate::Certificate;
use super::path::{self, Agreement};
use super::{Anchors, Request};
use crate::name::Canonical;

/// Intermediates on a path at most: webpki's figure, so that no path is found that rustls clients refuse for its length.
pub(super) const INTERMEDIATES: usize = 6;

/// Certificates that may lie on a path, by their subjects.
pub(super) struct Candidates<'a> {
    by_subject: HashMap<&'a Canonical, Vec<&'a Certificate>>,
    anchors: &'a Anchors,
    /// Intermediates of the paths that are short enough, those first that are named by a key identifier.
    pub(super) intermediates: Vec<&'a Certificate>,
    /// Trust anchors at the end of such paths, in the same order.
    pub(super) ends: Vec<&'a Certificate>,
    pub(super) reach: Reach,
}

/// The reach of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To a trust anchor.
    Anchor,
    /// To a trust anchor, over more intermediates than there may be.
    TooFar,
    /// To none.
    Nothing,
}

impl<'a> Candidates<'a> {
    pub(super) fn of(leaf: &'a Certificate, request: &Request<'a>) -> Self {
        let mut seen = HashSet::new();
        let mut by_subject: HashMap<_, Vec<_>> = HashMap::new();
        for certificate in request.presented.iter().map(Arc::as_ref) {
            let Some(subject) = certificate.canonical_subject() else { continue };
            if seen.insert(certificate.der()) && !request.anchors.contains(certificate) {
                by_subject.entry(subject).or_default().push(certificate);
            }
        }
        let reach = Reach::Nothing;
        let mut all = Self { by_subject, anchors: request.anchors, intermediates: Vec::new(), ends: Vec::new(), reach };
        all.follow(leaf);
        all
    }

    /// Those whose subject is a certificate's issuer and that are no trust anchors.
    pub(super) fn issuers_of(&self, certificate: &Certificate) -> &[&'a Certificate] {
        let issuers = certificate.canonical_issuer().and_then(|issuer| self.by_subject.get(issuer));
        issuers.map(Vec::as_slice).unwrap_or_default()
    }

    /// Goes up from the leaf, a level at a time, and keeps what lies on paths that are short enough.
    fn follow(&mut self, leaf: &'a Certificate) {
        let mut names = HashSet::new();
        let mut levels = vec![vec![leaf]];
        let mut nearest = None;
        while let Some(level) = levels.last().filter(|level| !level.is_empty()) {
            let mut above = Vec::new();
            for head in level {
                let Some(issuer) = head.canonical_issuer().filter(|issuer| names.insert(*issuer)) else { continue };
                if self.anchors.issuers_of(head).next().is_some() {
                    nearest = nearest.or(Some(levels.len() - 1));
                }
                above.extend(self.by_subject.get(issuer).into_iter().flatten());
            }
            levels.push(above);
        }
        match nearest {
            None => {}
            Some(nearest) if nearest > INTERMEDIATES => self.reach = Reach::TooFar,
            Some(_) => {
                self.reach = Reach::Anchor;
                self.keep(&levels);
            }
        }
    }

    /// Keeps those from which a trust anchor is near enough. A certificate on a level has as many below it.
    fn keep(&mut self, levels: &[Vec<&'a Certificate>]) {
        let mut by_issuer: HashMap<&Canonical, Vec<(usize, &'a Certificate)>> = HashMap::new();
        let mut near = Vec::new();
        for (level, certificate) in
            levels.iter().enumerate().flat_map(|(level, all)| all.iter().map(move |one| (level, *one)))
        {
            let Some(issuer) = certificate.canonical_issuer() else { continue };
            if self.anchors.issuers_of(certificate).next().is_some() {
                near.push((level, certificate));
            } else {
                by_issuer.entry(issuer).or_default().push((level, certificate));
            }
        }
        let mut ends = HashSet::new();
        let mut wanted = HashSet::new();
        // `distance`: intermediates between a certificate and the anchor.
        for distance in 0..=INTERMEDIATES {
            let mut farther = Vec::new();
            for (level, certificate) in std::mem::take(&mut near) {
                // Whatever is above this one may also be reached by a shorter way, by those that share its issuer.
                if level + distance > INTERMEDIATES {
                    continue;
                }
                wanted.extend(certificate.authority_key_id());
                for anchor in self.anchors.issuers_of(certificate).filter(|anchor| ends.insert(anchor.der())) {
                    self.ends.push(anchor);
                }
                if level > 0 {
                    self.intermediates.push(certificate);
                }
                if let Some(below) = certificate.canonical_subject().and_then(|subject| by_issuer.remove(subject)) {
                    farther.extend(below);
                }
            }
            near = farther;
        }
        for all in [&mut self.intermediates, &mut self.ends] {
            all.sort_by_key(|certificate| !certificate.key_id().is_some_and(|id| wanted.contains(id)));
        }
    }

    /// All issuers of a certificate by name, each with whether it is a trust anchor: those first whose key identifier is the
    /// one that the certificate names, those last whose is another.
    pub(super) fn ranked(&self, certificate: &'a Certificate) -> Vec<(bool, &'a Certificate)> {
        let anchors = self.anchors.issuers_of(certificate).map(|anchor| (true, anchor));
        let mut all: Vec<_> =
            anchors.chain(self.issuers_of(certificate).iter().map(|issuer| (false, *issuer))).collect();
        all.sort_by_key(|(_, issuer)| match path::key_ids(certificate, issuer) {
            Agreement::Same => 0,
            Agreement::Unknown => 1,
            Agreement::Different => 2,
        });
        all
    }
}
