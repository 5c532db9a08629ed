//! Credentials of a server: a certificate chain and its key, from files, from the local CA,
//! or made and kept.
//!
//! ```
//! use secure_io::credentials::Credentials;
//! use secure_io::generate::CertificateSpec;
//! use secure_io::validity;
//!
//! let spec = CertificateSpec { names: vec!["app.test".parse()?], ..CertificateSpec::default() };
//! let credentials = Credentials::self_signed(&spec, validity::now())?;
//! credentials.check_time(validity::now())?;
//!
//! // As rustls takes them.
//! let (chain, key) = credentials.into_parts();
//! let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::base::files::{self, Existing, NewFile};
use crate::base::hex::hex;
use crate::base::validity::{distance, rfc3339};
use crate::encoding::container;
use crate::issue::ca::LocalCa;
use crate::issue::cert;
use crate::issue::generate::{self, CertificateSpec, Chain, Signer};
use crate::judge::inspect;
use crate::judge::report;
use crate::x509::key::{self, Algorithm, PrivateKey};

/// Reason why credentials are missing or unusable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificate has expired.
    #[error("it expired {} ({})", rfc3339(*not_after), distance(*not_after, *now))]
    Expired {
        /// Its last second.
        not_after: OffsetDateTime,
        /// The time of the check.
        now: OffsetDateTime,
    },
    /// The certificate is for the future.
    #[error("it is not valid before {} ({})", rfc3339(*not_before), distance(*not_before, *now))]
    NotYetValid {
        /// Its first second.
        not_before: OffsetDateTime,
        /// The time of the check.
        now: OffsetDateTime,
    },
    /// The certificate cannot be read, or is not the key's.
    #[error(transparent)]
    Certificate(#[from] cert::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A file with unexpected content.
    #[error("cannot use `{}`: {source}", path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// Fault of the file.
        source: container::Error,
    },
    /// A key cannot be made or used.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// A certificate cannot be made.
    #[error(transparent)]
    Generate(#[from] generate::Error),
    /// The local CA cannot record the certificates it issues.
    #[error(transparent)]
    Ca(#[from] crate::issue::ca::Error),
}

/// A certificate chain, leaf first, and its private key.
#[derive(Debug)]
pub struct Credentials {
    /// The chain.
    pub chain: Chain,
    key: PrivateKey,
}

impl Credentials {
    /// Puts a chain and a key together that belong together.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] with [`cert::Error::KeyMismatch`] when they do not, or the leaf cannot be read.
    pub fn new(chain: Chain, key: PrivateKey) -> Result<Self, Error> {
        let leaf = chain.first().map(AsRef::as_ref).unwrap_or_default();
        let parsed = inspect::parse(leaf).map_err(cert::Error::from)?;
        cert::check_key(parsed.key.as_raw(), &key)?;
        Ok(Self { chain, key })
    }

    /// Issues fresh ones from the local CA, which writes that down.
    ///
    /// # Errors
    ///
    /// [`Error::Generate`] when the CA may not sign for a name, [`Error::Ca`] when its log cannot be written.
    pub fn from_ca(ca: &LocalCa, spec: &CertificateSpec, now: OffsetDateTime) -> Result<Self, Error> {
        let issued = Self::unrecorded(ca, spec, now)?;
        ca.record(issued.leaf(), None, None, now)?;
        Ok(issued)
    }

    /// As [`Credentials::from_ca`], without an entry in the CA's log: for a log that strangers could fill, or that
    /// cannot be written.
    ///
    /// # Errors
    ///
    /// [`Error::Generate`] when the CA may not sign for a name.
    pub fn unrecorded(ca: &LocalCa, spec: &CertificateSpec, now: OffsetDateTime) -> Result<Self, Error> {
        let key = PrivateKey::generate(Algorithm::default())?;
        let (_, issued) = generate::make(spec, &key, ca.signer(spec.purpose.unwrap_or_default())?, now)?;
        Ok(Self { chain: issued.chain, key })
    }

    /// Self-signed ones that last as long as the process.
    ///
    /// # Errors
    ///
    /// [`Error::Generate`].
    pub fn self_signed(spec: &CertificateSpec, now: OffsetDateTime) -> Result<Self, Error> {
        let (key, chain) = generate::self_signed(spec, now)?;
        Ok(Self { chain, key })
    }

    /// Self-signed ones, kept in a folder from one run to the next, so that an exception made for them in a browser
    /// lasts; made again when they are about to expire.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when the folder cannot be written.
    pub fn kept(folder: &Path, spec: &CertificateSpec, now: OffsetDateTime) -> Result<Self, Error> {
        let spec = &CertificateSpec { names: spec.effective_names(), ..spec.clone() };
        let names: Vec<String> = spec.names.iter().map(ToString::to_string).collect();
        let stem = hex(&key::sha256(names.join("\n").as_bytes())[..8]);
        let (key_file, cert_file) = (folder.join(format!("{stem}-key.pem")), folder.join(format!("{stem}-cert.pem")));
        let settled = files::settle(folder)?;
        if let Some(kept) = Self::read(&key_file, &cert_file)
            && generate::why_renew(&kept.chain, &kept.key, spec, Some(Signer::Own), None, now).is_none()
        {
            return Ok(kept);
        }
        drop(settled);
        files::create_folder(folder, true)?;
        let made = Self::self_signed(spec, now)?;
        files::write_set(&made.files(&key_file, &cert_file)?, Existing::Replace)?;
        Ok(made)
    }

    /// Reads kept credentials; returns nothing if they are unreadable, so that new ones are made.
    fn read(key_file: &Path, cert_file: &Path) -> Option<Self> {
        let no_passphrase = || Ok::<_, container::Error>(None);
        let key = container::private_key(&files::read(key_file).ok()?, no_passphrase).ok()?;
        let chain = container::certificates(&files::read(cert_file).ok()?).ok()?;
        Self::new(chain, PrivateKey::load(&key).ok()?).ok()
    }

    fn files(&self, key_file: &Path, cert_file: &Path) -> Result<Vec<NewFile>, Error> {
        let pem = |path: &Path, label, der: &[u8]| {
            container::pem(label, der).map_err(|source| Error::Container { path: path.to_owned(), source })
        };
        let key = pem(key_file, "PRIVATE KEY", self.key.pkcs8())?;
        let mut chain = String::new();
        for der in &self.chain {
            chain.push_str(&pem(cert_file, "CERTIFICATE", der)?);
        }
        let key = Zeroizing::new(key.as_bytes().to_vec());
        Ok(vec![NewFile::secret(key_file, key), NewFile::public(cert_file, chain)])
    }

    /// Describes the leaf.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if the certificate cannot be read.
    pub fn report(&self) -> Result<report::Certificate, Error> {
        Ok(inspect::certificate(self.leaf()).map_err(cert::Error::from)?)
    }

    /// Checks that the leaf is valid now.
    ///
    /// # Errors
    ///
    /// [`Error::Expired`], [`Error::NotYetValid`].
    pub fn check_time(&self, now: OffsetDateTime) -> Result<(), Error> {
        let validity = inspect::parse(self.leaf()).map_err(cert::Error::from)?.validity();
        if now > validity.not_after {
            return Err(Error::Expired { not_after: validity.not_after, now });
        }
        if now < validity.not_before {
            return Err(Error::NotYetValid { not_before: validity.not_before, now });
        }
        Ok(())
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    fn leaf(&self) -> &[u8] {
        self.chain.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// Says why newer ones are needed; `None` while these fit. See [`generate::why_renew`].
    #[must_use]
    pub fn why_renew(&self, spec: &CertificateSpec, signer: Option<Signer<'_>>, now: OffsetDateTime) -> Option<String> {
        generate::why_renew(&self.chain, &self.key, spec, signer, None, now)
    }

    /// The parts, for a TLS configuration.
    #[must_use]
    pub fn into_parts(self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivateKeyDer::Pkcs8(self.key.pkcs8().to_vec().into());
        (self.chain, key)
    }

    /// Copies of the parts.
    #[must_use]
    pub fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivateKeyDer::Pkcs8(self.key.pkcs8().to_vec().into());
        (self.chain.clone(), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::validity::now;

    #[test]
    fn kept_ones_last_until_they_are_about_to_expire() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("serve");
        let kept = |after: i64| {
            let credentials =
                Credentials::kept(&folder, &CertificateSpec::default(), now() + time::Duration::days(after)).unwrap();
            credentials.report().unwrap().sha256_fingerprint
        };
        let first = kept(0);
        assert_eq!(kept(1), first);
        assert_ne!(kept(350), first);
    }

    /// Kept credentials that cannot be read do not keep the server from starting.
    #[test]
    fn damaged_ones_are_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Credentials::kept(folder.path(), &CertificateSpec::default(), now()).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            files::write_set(&[NewFile::public(entry.unwrap().path(), "damaged")], Existing::Replace).unwrap();
        }
        let second = Credentials::kept(folder.path(), &CertificateSpec::default(), now()).unwrap();
        assert_ne!(first.chain, second.chain);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (key, chain) = generate::self_signed(&CertificateSpec::default(), now()).unwrap();
        assert!(Credentials::new(chain.clone(), key).is_ok());
        let (other, _) = generate::self_signed(&CertificateSpec::default(), now()).unwrap();
        let error = Credentials::new(chain, other).unwrap_err();
        assert!(matches!(error, Error::Certificate(cert::Error::KeyMismatch { .. })), "{error}");
    }

    #[test]
    fn expired_and_future_ones_are_told_apart() {
        let (key, chain) = generate::self_signed(&CertificateSpec::default(), now()).unwrap();
        let credentials = Credentials::new(chain, key).unwrap();
        let at = |days: i64| credentials.check_time(now() + time::Duration::days(days));
        assert!(at(0).is_ok());
        assert!(matches!(at(366), Err(Error::Expired { .. })));
        assert!(matches!(at(-1), Err(Error::NotYetValid { .. })));
    }
}
