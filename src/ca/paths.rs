//! The names of a local CA's files.

use std::path::{Path, PathBuf};

use crate::files;

/// The names of the files in a local CA's folder.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The folder.
    pub folder: PathBuf,
    /// The root's certificate: what clients trust.
    pub root: PathBuf,
    /// The root's key, where it is kept.
    pub root_key: PathBuf,
    /// The intermediate's certificate.
    pub intermediate: PathBuf,
    /// The intermediate's key.
    pub intermediate_key: PathBuf,
}

impl Paths {
    /// The files in a folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            root: folder.join("root.pem"),
            root_key: folder.join("root-key.pem"),
            intermediate: folder.join("intermediate.pem"),
            intermediate_key: folder.join("intermediate-key.pem"),
        }
    }

    /// Whether a local CA is there.
    #[must_use]
    pub fn exist(&self) -> bool {
        files::exists(&self.root) && files::exists(&self.intermediate_key)
    }
}
