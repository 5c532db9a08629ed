//! Files beside the one that was named: the key of a certificate, the certificate of a key, an issuer's certificate.

use std::path::{Path, PathBuf};

use secure_io::certificate::Certificate;
use secure_io::hex;
use secure_io::key::{self, PrivateKey};
use secure_io::name::Subject;
use secure_io::{cert, container, files, inspect};

/// Files of a folder that are looked into at most.
const MOST: usize = 200;

/// Bytes of a file that is looked into: a key or a chain, no bundle of all roots.
const SMALL: u64 = 64 << 10;

/// Decides whether a file holds the private key with this subjectPublicKeyInfo.
pub(crate) fn has_key(file: &Path, spki: &[u8]) -> bool {
    files::read(file).is_ok_and(|bytes| is_key(&bytes, spki).is_some())
}

/// The private key with this subjectPublicKeyInfo, in another file of the same folder.
pub(crate) fn key_for(file: &Path, spki: &[u8]) -> Option<PathBuf> {
    found(file, |bytes| is_key(bytes, spki))
}

/// The private key of a file's first certificate, in another file of the same folder.
pub(crate) fn key_of(certificate: &Path) -> Option<PathBuf> {
    let certificates = container::certificates(&files::read(certificate).ok()?).ok()?;
    key_for(certificate, &spki_of(certificates.first()?)?)
}

fn is_key(bytes: &[u8], spki: &[u8]) -> Option<()> {
    let key = container::private_key(bytes, || Ok::<_, container::Error>(None)).ok()?;
    (PrivateKey::load(&key).ok()?.spki() == spki).then_some(())
}

/// A file beside another whose first certificate has this subjectPublicKeyInfo.
pub(crate) fn certificate_for(file: &Path, spki: &[u8]) -> Option<PathBuf> {
    found(file, |bytes| {
        let certificates = container::certificates(bytes).ok()?;
        (spki_of(certificates.first()?)? == spki).then_some(())
    })
}

/// The file that begins with the certificate of this SHA-256 fingerprint, beside another file.
pub(crate) fn certificate_of(file: &Path, fingerprint: &str) -> Option<PathBuf> {
    found(file, |bytes| {
        let certificates = container::certificates(bytes).ok()?;
        (hex(&key::sha256(certificates.first()?)) == fingerprint).then_some(())
    })
}

/// The issuing CA's certificate, in a file beside another certificate.
pub(crate) struct Issuer {
    pub(crate) path: PathBuf,
    pub(crate) spki: Vec<u8>,
    /// True for a root.
    pub(crate) is_root: bool,
}

/// The certificate that issued this one, in the folder of a file but not in the file itself.
pub(crate) fn issuer_of(file: &Path, certificate: &[u8]) -> Option<Issuer> {
    let mut issuer = None;
    let path = found(file, |bytes| {
        let certificates = container::certificates(bytes).ok()?;
        issuer = certificates.iter().find_map(|der| issued(der, certificate));
        issuer.as_ref().map(|_| ())
    })?;
    let (spki, is_root) = issuer?;
    Some(Issuer { path, spki, is_root })
}

/// The issuer's subjectPublicKeyInfo, and true for a root, if this CA's certificate issued another.
fn issued(issuer: &[u8], certificate: &[u8]) -> Option<(Vec<u8>, bool)> {
    let parsed = inspect::parse(issuer).ok().filter(Certificate::is_ca)?;
    let subject = Subject::from_der(parsed.subject.as_raw()).ok()?;
    let spki = parsed.key.as_raw();
    let is_root = parsed.issuer.as_raw() == subject.as_der();
    cert::is_issued_by(certificate, &subject, spki).then(|| (spki.to_vec(), is_root))
}

/// A certificate's subjectPublicKeyInfo.
pub(crate) fn spki_of(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(inspect::parse(certificate).ok()?.key.as_raw().to_owned())
}

/// The first other file in the folder of a file, by name, of which something is so.
fn found(file: &Path, mut is_it: impl FnMut(&[u8]) -> Option<()>) -> Option<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let is_candidate = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        ["pem", "key", "crt", "cer", "cert", "der"].contains(&ending.as_str())
    };
    let all = files::small_files(folder.unwrap_or(Path::new(".")), SMALL);
    let is_other = |path: &PathBuf| !files::same(path, file);
    // Nobody is advised to use a file that others may have put there.
    let is_sound = |path: &PathBuf| files::doubt(path).is_none();
    let mut candidates = all.into_iter().filter(is_candidate).filter(is_other).take(MOST).filter(is_sound);
    let path = candidates.find(|path| files::read(path).is_ok_and(|bytes| is_it(&bytes).is_some()))?;
    // Named as the person would: without the dot for this folder.
    Some(if folder.is_none() { path.strip_prefix(".").unwrap_or(&path).to_owned() } else { path })
}
