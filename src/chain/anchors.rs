//! What is trusted.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, TrustAnchor};
use webpki::anchor_from_trusted_cert;

use super::certificate::Certificate;
use super::verified::Verified;
use crate::name::Canonical;

/// Trusted certificates, prepared once for any number of requests.
#[derive(Debug, Default)]
pub struct Anchors {
    certificates: Vec<Arc<Certificate>>,
    /// webpki's, of those that it can read.
    for_webpki: Vec<TrustAnchor<'static>>,
    /// Each of webpki's: its place among the certificates.
    places: Vec<usize>,
    by_subject: HashMap<Canonical, Vec<usize>>,
    /// What was found below them.
    verified: Verified,
}

impl Anchors {
    /// Prepares certificates that are trusted.
    #[must_use]
    pub fn new(certificates: Vec<Arc<Certificate>>) -> Self {
        let mut anchors = Self::default();
        for (place, certificate) in certificates.iter().enumerate() {
            let der = CertificateDer::from(certificate.der());
            if let Ok(anchor) = anchor_from_trusted_cert(&der) {
                anchors.for_webpki.push(anchor.to_owned());
                anchors.places.push(place);
            }
            anchors.by_subject.entry(certificate.canonical().0.clone()).or_default().push(place);
        }
        Self { certificates, ..anchors }
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    pub(super) fn verified(&self) -> &Verified {
        &self.verified
    }

    pub(super) fn for_webpki(&self) -> &[TrustAnchor<'static>] {
        &self.for_webpki
    }

    /// The certificate of one of webpki's anchors.
    pub(super) fn certificate(&self, anchor: &TrustAnchor<'_>) -> Option<&Certificate> {
        // Two may have the same name and key and differ in the rest: it is this very one.
        let is_it = |candidate: &TrustAnchor<'static>| {
            std::ptr::eq(candidate.subject_public_key_info.as_ref(), anchor.subject_public_key_info.as_ref())
        };
        let place = self.places.get(self.for_webpki.iter().position(is_it)?)?;
        self.certificates.get(*place).map(Arc::as_ref)
    }

    /// Those whose subject is a certificate's issuer.
    pub(super) fn issuers_of(&self, certificate: &Certificate) -> impl Iterator<Item = &Certificate> {
        let places = self.by_subject.get(&certificate.canonical().1).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.certificates.get(*place)).map(Arc::as_ref)
    }

    pub(super) fn contains(&self, certificate: &Certificate) -> bool {
        let places = self.by_subject.get(&certificate.canonical().0).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.certificates.get(*place)).any(|anchor| anchor.der() == certificate.der())
    }
}
