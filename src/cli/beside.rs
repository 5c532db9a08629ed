//! Files beside the one that was named: the key of a certificate, the certificate of a key, an issuer's certificate.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::key::PrivateKey;
use secure_io::{container, files, inspect};

/// Files of a folder that are looked into at most.
const MOST: usize = 200;

/// Bytes of a file that is looked into: a key or a chain, no bundle of all roots.
const SMALL: u64 = 64 << 10;

/// The private key with this subjectPublicKeyInfo, in the folder of a file.
pub(crate) fn key_for(file: &Path, spki: &[u8]) -> Option<PathBuf> {
    found(file, |bytes| {
        let key = container::private_key(bytes, || Ok::<_, container::Error>(None)).ok()?;
        (PrivateKey::load(&key).ok()?.spki() == spki).then_some(())
    })
}

/// The file whose first certificate has this subjectPublicKeyInfo, in the folder of a file.
pub(crate) fn certificate_for(file: &Path, spki: &[u8]) -> Option<PathBuf> {
    found(file, |bytes| {
        let certificates = container::certificates(bytes).ok()?;
        (spki_of(certificates.first()?)? == spki).then_some(())
    })
}

/// The file with the certificate that issued this one, in its folder; says whether that is a root's.
pub(crate) fn issuer_of(file: &Path, certificate: &CertificateDer<'_>) -> Option<(PathBuf, bool)> {
    let issuer = inspect::parse(certificate).ok()?.issuer().as_raw().to_owned();
    let mut is_root = false;
    let path = found(file, |bytes| {
        let certificates = container::certificates(bytes).ok()?;
        let parsed = certificates.iter().filter_map(|der| inspect::parse(der).ok());
        let mut issuers = parsed.filter(|parsed| parsed.subject().as_raw() == issuer && parsed.is_ca());
        is_root = issuers.next()?.issuer().as_raw() == issuer;
        Some(())
    })?;
    Some((path, is_root))
}

/// A certificate's subjectPublicKeyInfo.
pub(crate) fn spki_of(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(inspect::parse(certificate).ok()?.public_key().raw.to_owned())
}

/// The first file in the folder of another, by name, of which something is so.
fn found(file: &Path, mut is_it: impl FnMut(&[u8]) -> Option<()>) -> Option<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let is_candidate = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        ["pem", "key", "crt", "cer", "cert", "der"].contains(&ending.as_str())
    };
    let all = files::small_files(folder.unwrap_or(Path::new(".")), SMALL);
    let mut candidates = all.into_iter().filter(is_candidate).take(MOST);
    let path = candidates.find(|path| files::read(path).is_ok_and(|bytes| is_it(&bytes).is_some()))?;
    // Named as the person would: without the dot for this folder.
    Some(if folder.is_none() { path.strip_prefix(".").unwrap_or(&path).to_owned() } else { path })
}
