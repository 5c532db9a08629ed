//! Certificates, CRLs and keys of the local CA as PEM.

use std::path::Path;

use zeroize::Zeroizing;

use super::Error;
use crate::encoding::container;
use crate::x509::key::PrivateKey;

/// A structure as PEM, for this file.
pub(super) fn pem(path: &Path, label: &'static str, der: &[u8]) -> Result<Vec<u8>, Error> {
    let text = container::pem(label, der).map_err(|source| Error::Container { path: path.to_owned(), source })?;
    Ok(text.as_bytes().to_vec())
}

/// A key as PEM for this file, under the passphrase if there is one.
pub(super) fn key_pem(
    path: &Path,
    key: &PrivateKey,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = match passphrase {
        Some(passphrase) => container::encrypt_key(key.pkcs8(), passphrase)
            .and_then(|der| container::pem("ENCRYPTED PRIVATE KEY", &der)),
        None => container::pem("PRIVATE KEY", key.pkcs8()),
    };
    let text = text.map_err(|source| Error::Container { path: path.to_owned(), source })?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}
