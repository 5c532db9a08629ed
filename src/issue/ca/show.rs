//! Description of a local CA.

use std::collections::{BTreeSet, HashMap};

use time::OffsetDateTime;

use super::log::{self, Log};
use super::{Error, Issuing, LocalCa, constraints, roots};
use crate::base::files;
use crate::base::hex::hex;
use crate::judge::inspect;
use crate::judge::report::ca::{Authority, CaShow, Issued};
use crate::x509::key;

impl LocalCa {
    /// Its certificates.
    ///
    /// # Errors
    ///
    /// [`Error::Inspect`], [`Error::File`].
    pub fn authority(&self) -> Result<Authority, Error> {
        let permitted = constraints::permitted(self.server.constrained())?;
        let of = |der: Option<&[u8]>| der.map(inspect::certificate).transpose();
        let previous = roots(&self.paths)?.into_iter().filter(|(_, root)| *root != self.root);
        Ok(Authority {
            folder: self.paths.folder.clone(),
            root: inspect::certificate(&self.root)?,
            root_key_kept: files::exists(&self.paths.root_key),
            intermediate: inspect::certificate(self.server.certificate())?,
            upper_intermediate: of(self.server.upper().map(AsRef::as_ref))?,
            client_intermediate: of(self.client.as_ref().map(Issuing::certificate))?,
            firefox_root: of(self.firefox.as_ref().map(|firefox| firefox.root.as_ref()))?,
            firefox_intermediate: of(self.firefox.as_ref().map(|firefox| firefox.intermediate.as_ref()))?,
            permitted: permitted.map(|permits| permits.iter().map(ToString::to_string).collect()),
            previous_roots: previous.map(|(_, root)| hex(&key::sha256(&root))).collect(),
        })
    }

    /// The certificates of the CA, and its issued ones, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Inspect`], [`Error::File`].
    pub fn show(&self) -> Result<CaShow, Error> {
        let known = Log::read(&self.paths.log)?;
        let revoked: HashMap<_, _> =
            known.revoked().into_iter().map(|revoked| (revoked.serial.as_str(), revoked)).collect();
        let mut files = BTreeSet::new();
        let issued = known.issued().rev().map(|issued| {
            let revoked = revoked.get(issued.serial.as_str());
            let replaced = issued.file.as_ref().is_some_and(|file| !files.insert(file.as_str()));
            let log::Issued {
                at, serial, subject, subject_alt_names, not_after, sha256_fingerprint, file, who, ..
            } = issued.clone();
            Issued {
                issued_at: at,
                serial,
                subject,
                subject_alt_names,
                not_after,
                sha256_fingerprint,
                file,
                who,
                replaced,
                revoked_at: revoked.map(|revoked| revoked.at),
                reason: revoked.map(|revoked| revoked.reason.name().to_owned()),
            }
        });
        Ok(CaShow { authority: self.authority()?, issued: issued.collect(), unreadable_lines: known.unreadable.len() })
    }
}

impl CaShow {
    /// Keeps only the certificates that are in use in a file and expire by then; returns true if the CA or one of
    /// these does.
    pub fn keep_expiring(&mut self, by: OffsetDateTime) -> bool {
        self.issued.retain(|issued| {
            issued.file.is_some() && !issued.replaced && issued.revoked_at.is_none() && issued.not_after.0 <= by
        });
        let mut ca = self.authority.certificates();
        !self.issued.is_empty() || ca.any(|certificate| certificate.not_after.0 <= by)
    }
}
