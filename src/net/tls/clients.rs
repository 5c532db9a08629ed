//! Clients that are let in by their certificates.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};

use super::provider;

/// The rule by which clients are let in: CAs, their CRLs, and whether a certificate is demanded.
#[derive(Clone)]
pub struct Clients(Arc<dyn ClientCertVerifier>);

/// Reason why clients cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientsError {
    /// A certificate cannot be a trust anchor.
    #[error("a certificate in it cannot be a trust anchor")]
    Anchor(#[source] rustls::Error),
    /// No certificate was given.
    #[error("it holds no certificate")]
    NoAnchors,
    /// A CRL cannot be used.
    #[error("a CRL cannot be used")]
    Crl(#[source] VerifierBuilderError),
}

impl Clients {
    /// Lets clients in whose certificates lead to one of these CAs and are in none of the CRLs.
    ///
    /// The CRLs are asked about each certificate on the path. Those of an issuer without a CRL count as not revoked; a CRL
    /// whose nextUpdate has passed keeps out all clients of its issuer.
    ///
    /// # Errors
    ///
    /// See [`ClientsError`].
    pub fn new(
        anchors: Vec<CertificateDer<'static>>,
        crls: Vec<CertificateRevocationListDer<'static>>,
        is_required: bool,
    ) -> Result<Self, ClientsError> {
        let mut roots = RootCertStore::empty();
        for anchor in anchors {
            roots.add(anchor).map_err(ClientsError::Anchor)?;
        }
        let has_crls = !crls.is_empty();
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).with_crls(crls);
        if has_crls {
            builder = builder.allow_unknown_revocation_status().enforce_revocation_expiration();
        }
        if !is_required {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map(Self).map_err(|error| match error {
            VerifierBuilderError::NoRootAnchors => ClientsError::NoAnchors,
            error => ClientsError::Crl(error),
        })
    }

    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("is_required", &self.0.client_auth_mandatory()).finish_non_exhaustive()
    }
}
