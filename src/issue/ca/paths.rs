//! The names of a local CA's files.

use std::path::{Path, PathBuf};

use crate::base::files;

/// The names of the files in a local CA's folder.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The folder.
    pub folder: PathBuf,
    /// The root's certificate, which clients trust.
    pub root: PathBuf,
    /// The root's key, where it is kept.
    pub root_key: PathBuf,
    /// The root's CRL, on which the intermediate would stand.
    pub root_crl: PathBuf,
    /// The intermediate's certificate.
    pub intermediate: PathBuf,
    /// The intermediate's key.
    pub intermediate_key: PathBuf,
    /// Log of issued and revoked certificates, one line of JSON per event.
    pub log: PathBuf,
    /// Both CRLs, as last made.
    pub crl: PathBuf,
    /// The system's roots and this one, for programs that take one file.
    pub bundle: PathBuf,
    /// The roots and intermediates that were here before.
    pub previous: PathBuf,
    /// Lock file held while a run changes the folder.
    pub(super) lock: PathBuf,
}

impl Paths {
    /// The files in a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            root: folder.join("root.pem"),
            root_key: folder.join("root-key.pem"),
            root_crl: folder.join("root-crl.pem"),
            intermediate: folder.join("intermediate.pem"),
            intermediate_key: folder.join("intermediate-key.pem"),
            log: folder.join("log.jsonl"),
            crl: folder.join("crl.pem"),
            bundle: folder.join("bundle.pem"),
            previous: folder.join("previous"),
            lock: folder.join("lock"),
        }
    }

    /// Returns true if a local CA exists: only the intermediate's key cannot be replaced.
    #[must_use]
    pub fn exist(&self) -> bool {
        files::exists(&self.intermediate_key)
    }

    /// The part of it that is missing and that [`super::LocalCa::load`] needs.
    pub(super) fn missing(&self) -> Option<&Path> {
        let parts = [&self.intermediate_key, &self.intermediate, &self.root];
        parts.into_iter().find(|path| !files::exists(path)).map(PathBuf::as_path)
    }
}
