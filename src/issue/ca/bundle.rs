//! One file with the system's roots and the local CA's, for programs that take one file in place of all roots.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::pem::pem;
use super::{Error, LocalCa};
use crate::base::files::{self, Existing, NewFile};
use crate::base::hex::hex;
use crate::x509::key;

/// Files in which systems keep all roots, the most common first.
const SYSTEM: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",                  // older RHEL
    "/etc/ssl/ca-bundle.pem",                            // openSUSE
    "/etc/ssl/cert.pem",                                 // Alpine, macOS, the BSDs
    "/opt/homebrew/etc/ca-certificates/cert.pem",        // Homebrew
];

/// The bundle's path and sources.
#[derive(Debug)]
pub struct Bundle {
    /// Path of the bundle.
    pub path: PathBuf,
    /// The system's file; `None` if the system has no such file and the bundle holds the local CA's root alone.
    pub system: Option<PathBuf>,
}

impl LocalCa {
    /// Writes the file, unless its content is right already.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn bundle(&self) -> Result<Bundle, Error> {
        let system = SYSTEM.iter().map(Path::new).find(|path| files::exists(path));
        let mut content = match system {
            Some(path) => files::read(path)?.to_vec(),
            None => Vec::new(),
        };
        if content.last().is_some_and(|last| *last != b'\n') {
            content.push(b'\n');
        }
        let root = pem(&self.paths.bundle, "CERTIFICATE", &self.root)?;
        if !content.windows(root.len()).any(|part| part == root.as_slice()) {
            content.extend_from_slice(&root);
        }
        let _lock = files::lock(&self.paths.lock)?;
        let path = self.paths.bundle.clone();
        if !files::read(&path).is_ok_and(|present| *present == content) {
            files::write_set(&[NewFile::public(&path, content)], Existing::Replace)?;
        }
        Ok(Bundle { path, system: system.map(Path::to_owned) })
    }
}

impl LocalCa {
    /// Writes a file of this folder with the certificates of a bundle or root and further ones, named after its content,
    /// so that several may be in use at a time.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn merged(&self, base: &Path, others: &[CertificateDer<'_>], folder: &Path) -> Result<PathBuf, Error> {
        let mut content = files::read(base)?.to_vec();
        for certificate in others {
            let block = pem(base, "CERTIFICATE", certificate)?;
            if memchr::memmem::find(&content, &block).is_none() {
                content.extend_from_slice(&block);
            }
        }
        let path = folder.join(format!("{}.pem", hex(&key::sha256(&content)[..8])));
        if !files::read(&path).is_ok_and(|present| *present == content) {
            files::write_set(&[NewFile::public(&path, content)], Existing::Replace)?;
        }
        Ok(path)
    }
}
