//! Trust anchors.

use std::collections::HashMap;
use std::sync::Arc;

use super::certificate::Certificate;
use super::record::Record;
use super::verified::Verified;
use crate::x509::name::Canonical;

/// Trusted certificates, prepared once for any number of requests.
#[derive(Debug, Default)]
pub struct Anchors {
    certificates: Vec<Arc<Certificate>>,
    by_subject: HashMap<Canonical, Vec<usize>>,
    /// Signatures verified below the anchors.
    verified: Verified,
    record: Option<Arc<Record>>,
}

impl Anchors {
    /// Prepares certificates that are trusted.
    #[must_use]
    pub fn new(certificates: Vec<Arc<Certificate>>) -> Self {
        let mut by_subject: HashMap<_, Vec<_>> = HashMap::new();
        for (place, certificate) in certificates.iter().enumerate() {
            if let Some(subject) = certificate.canonical_subject() {
                by_subject.entry(subject.clone()).or_default().push(place);
            }
        }
        Self { certificates, by_subject, verified: Verified::default(), record: None }
    }

    /// Refuses certificates that this record lists, whatever CRLs there are.
    #[must_use]
    pub fn with_record(mut self, record: Option<Arc<Record>>) -> Self {
        self.record = record;
        self
    }

    /// The record of revocations.
    #[must_use]
    pub fn record(&self) -> Option<&Arc<Record>> {
        self.record.as_ref()
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    pub(super) fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Those whose subject is a certificate's issuer.
    pub(super) fn issuers_of<'a>(
        &'a self,
        certificate: &Certificate,
    ) -> impl Iterator<Item = &'a Certificate> + use<'a> {
        let places = certificate.canonical_issuer().and_then(|issuer| self.by_subject.get(issuer));
        let places = places.map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.certificates.get(*place)).map(Arc::as_ref)
    }

    pub(super) fn contains(&self, certificate: &Certificate) -> bool {
        let places = certificate.canonical_subject().and_then(|subject| self.by_subject.get(subject));
        let places = places.map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.certificates.get(*place)).any(|anchor| anchor.der() == certificate.der())
    }
}
