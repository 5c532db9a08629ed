//! An intermediate that issues, and the one above, which holds the name constraints of both.
//!
//! The upper one carries critical name constraints, and its key is destroyed. Clients that find no subjectAltName compare
//! the host with the subject, which those constraints do not reach in every client (RFC 5280 section 4.2.1.10), so the
//! lower one for servers excludes every subject. It does so in an extension that is not critical, because Go refuses a
//! critical one with a directoryName in it; clients that know no name constraints are kept out by the upper one, which
//! is critical.

use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Error, Paths, certificates, load_key};
use crate::base::files;
use crate::issue::cert;
use crate::issue::generate::{Carry, Signer};
use crate::judge::inspect;
use crate::x509::key::PrivateKey;

/// An intermediate that issues, with its key.
#[derive(Debug)]
pub struct Issuing {
    /// The intermediate's certificate, and above it the one that holds the name constraints: a server sends both beside
    /// its own.
    ///
    /// A local CA made by an earlier version has one intermediate, which does both.
    pub chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKey,
}

impl Issuing {
    /// Loads the intermediate that signs for servers.
    pub(super) fn load(paths: &Paths) -> Result<Self, Error> {
        Self::read(&paths.intermediate, &paths.intermediate_key)
    }

    /// Loads the intermediate that signs for clients, which a local CA need not have.
    pub(super) fn load_client(paths: &Paths) -> Result<Option<Self>, Error> {
        if !files::exists(&paths.client_intermediate) || !files::exists(&paths.client_intermediate_key) {
            return Ok(None);
        }
        Self::read(&paths.client_intermediate, &paths.client_intermediate_key).map(Some)
    }

    fn read(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let chain = certificates(certificate)?;
        let loaded = load_key(key, None).map_err(|source| Error::Container { path: key.to_owned(), source })?;
        Self::of(chain, &loaded).map_err(|source| Error::Pair {
            key: key.to_owned(),
            certificate: certificate.to_owned(),
            source: Box::new(source),
        })
    }

    /// Puts a chain and the key of its first certificate together.
    fn of(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'_>) -> Result<Self, cert::Error> {
        let issuing = Self { chain, key: PrivateKey::load(key)? };
        let parsed = inspect::parse(issuing.certificate())?;
        cert::check_key(parsed.key.as_raw(), &issuing.key)?;
        Ok(issuing)
    }

    /// Returns the intermediate's certificate.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// The upper certificate, which holds the name constraints.
    #[must_use]
    pub fn upper(&self) -> Option<&CertificateDer<'static>> {
        self.chain.get(1)
    }

    /// The certificate that holds its name constraints.
    pub(super) fn constrained(&self) -> &[u8] {
        self.upper().map_or(self.certificate(), AsRef::as_ref)
    }

    /// Signs as this intermediate.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer::Ca { certificates: &self.chain, key: &self.key, carry: Carry::Names }
    }

    /// Returns the key identifier for issued certificates.
    pub(super) fn key_id(&self) -> Result<Option<String>, Error> {
        Ok(inspect::parse(self.certificate())?.extensions().subject_key_id().map(crate::base::hex::hex))
    }

    /// Returns true if its name constraints exclude every subject.
    pub(super) fn excludes_subjects(&self) -> bool {
        cert::excludes_every_subject(self.certificate())
    }
}
