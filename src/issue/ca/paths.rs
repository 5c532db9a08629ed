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
    /// The root's key, if kept.
    pub root_key: PathBuf,
    /// The CRLs of the root and of the upper intermediate, which list nothing.
    pub root_crl: PathBuf,
    /// The certificate of the intermediate that signs for servers, and above it that of the upper intermediate.
    pub intermediate: PathBuf,
    /// The key of the intermediate that signs for servers.
    pub intermediate_key: PathBuf,
    /// Certificate of the intermediate that signs for clients, followed by the upper intermediate's.
    pub client_intermediate: PathBuf,
    /// Key of the intermediate that signs for clients.
    pub client_intermediate_key: PathBuf,
    /// Certificate of the root that Firefox alone trusts.
    pub firefox_root: PathBuf,
    /// Certificate of the intermediate that signs for servers, issued by the root for Firefox.
    pub firefox_intermediate: PathBuf,
    /// Log of issued and revoked certificates, one line of JSON per event.
    pub log: PathBuf,
    /// Accounts of ACME clients, one line of JSON per change.
    pub acme_accounts: PathBuf,
    /// All CRLs, as last made.
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
            client_intermediate: folder.join("client-intermediate.pem"),
            client_intermediate_key: folder.join("client-intermediate-key.pem"),
            firefox_root: folder.join("firefox-root.pem"),
            firefox_intermediate: folder.join("firefox-intermediate.pem"),
            log: folder.join("log.jsonl"),
            acme_accounts: folder.join("acme-accounts.jsonl"),
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

    /// The files that Firefox needs.
    pub(super) const fn firefox(&self) -> [&PathBuf; 2] {
        [&self.firefox_root, &self.firefox_intermediate]
    }

    /// The first missing part of those that [`super::LocalCa::load`] needs; the pair for clients is not among them.
    pub(super) fn missing(&self) -> Option<&Path> {
        let parts = [&self.intermediate_key, &self.intermediate, &self.root];
        parts.into_iter().find(|path| !files::exists(path)).map(PathBuf::as_path)
    }
}
