//! A root for Firefox alone, and below it another certificate for the intermediate that signs for servers.
//!
//! The verifier of Firefox (mozilla::pkix) refuses every certificate below an intermediate whose name constraints
//! exclude a directoryName, with or without a subject. So Firefox gets a path of its own: the same name and key as
//! `intermediate.pem`, with the permitted names but without that exclusion. It needs none, because browsers do not match
//! a host with the subject. Servers send what they send to all clients; Firefox has these two certificates in its store.
//!
//! Other clients must not trust this root: those that match a host with the subject could be deceived below it. Its key
//! signs once and is destroyed.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::pem::pem;
use super::{Error, Issuing, LocalCa, Paths, certificate, short};
use crate::base::files::{self, NewFile};
use crate::base::hex::hex;
use crate::base::validity::Validity;
use crate::issue::cert::{self, Issuer, Template};
use crate::x509::key::{self, Algorithm, PrivateKey};
use crate::x509::name::Subject;

/// The two certificates that Firefox is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firefox {
    /// The root, which Firefox trusts.
    pub root: CertificateDer<'static>,
    /// The intermediate below the root, with the name and the key of the one that signs for servers.
    pub intermediate: CertificateDer<'static>,
}

impl Firefox {
    /// Makes both certificates for the intermediate of a template, which says what that may sign for.
    pub(super) fn issue(intermediate: &Template, validity: Validity, now: OffsetDateTime) -> Result<Self, Error> {
        let key = PrivateKey::generate(Algorithm::default())?;
        let name = Subject::common_name(&format!("secure-io development root for Firefox {}", short(key.spki())));
        let template = Template::ca(name.clone(), key.spki(), Some(1), validity);
        let root = cert::issue(&template, &Issuer::own(&key, &name)?)?;
        let intermediate = cert::issue(intermediate, &Issuer::from_certificate(&root, &key, now)?)?;
        Ok(Self { root, intermediate })
    }

    /// Reads both certificates; `None` in a CA that an earlier version made, whose root Firefox can use.
    ///
    /// # Errors
    ///
    /// [`Error::NoFirefox`] if they are missing, [`Error::File`], [`Error::Container`].
    pub fn of(paths: &Paths) -> Result<Option<Self>, Error> {
        let _settled = files::settle(&paths.folder)?;
        let found = Self::load(paths)?;
        let is_needed = || certificate(&paths.intermediate).is_ok_and(|der| cert::excludes_every_subject(&der));
        if found.is_none() && is_needed() {
            return Err(Error::NoFirefox { folder: paths.folder.clone() });
        }
        Ok(found)
    }

    /// Reads both certificates; `None` if one of them does not exist.
    pub(super) fn load(paths: &Paths) -> Result<Option<Self>, Error> {
        let [root, intermediate] = paths.firefox();
        if !files::exists(root) || !files::exists(intermediate) {
            return Ok(None);
        }
        Ok(Some(Self { root: certificate(root)?, intermediate: certificate(intermediate)? }))
    }

    pub(super) fn files(&self, paths: &Paths) -> Result<[NewFile; 2], Error> {
        self.files_at(paths.firefox().map(Clone::clone))
    }

    /// Copies that are kept when others take their places, named by the root's fingerprint.
    pub(super) fn copies(&self, paths: &Paths) -> Result<[NewFile; 2], Error> {
        let digest = hex(&key::sha256(&self.root));
        let name = |kind| format!("{kind}-{}.pem", digest.get(..16).unwrap_or_default());
        self.files_at([FORMER_ROOT, FORMER_INTERMEDIATE].map(|kind| paths.previous.join(name(kind))))
    }

    fn files_at(&self, [root, intermediate]: [PathBuf; 2]) -> Result<[NewFile; 2], Error> {
        let text = |path, der| -> Result<NewFile, Error> { Ok(NewFile::public(path, pem(path, "CERTIFICATE", der)?)) };
        Ok([text(&root, &self.root)?, text(&intermediate, &self.intermediate)?])
    }

    /// True if the intermediate has the name and the key of the one that signs for servers.
    pub(super) fn belongs_to(&self, server: &Issuing) -> Result<bool, Error> {
        use crate::judge::inspect::parse;
        let (ours, theirs) = (parse(&self.intermediate)?, parse(server.certificate())?);
        Ok(ours.subject.as_raw() == theirs.subject.as_raw() && ours.key.as_raw() == theirs.key.as_raw())
    }
}

const FORMER_ROOT: &str = "firefox-root";
const FORMER_INTERMEDIATE: &str = "firefox-intermediate";

/// Lists the certificates that Firefox was given before, each with its file; an unreadable one is skipped.
#[must_use]
pub fn former(paths: &Paths) -> Vec<(PathBuf, CertificateDer<'static>)> {
    let is_firefox =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("firefox-"));
    let copies = files::list_own(&paths.previous).unwrap_or_default().into_iter().filter(is_firefox);
    copies.filter_map(|path| certificate(&path).ok().map(|der| (path, der))).collect()
}

impl LocalCa {
    /// True if there is a path for Firefox to the CA's certificates for servers.
    pub(super) fn firefox_fits(&self) -> Result<bool, Error> {
        self.firefox.as_ref().map_or(Ok(false), |firefox| firefox.belongs_to(&self.server))
    }
}
