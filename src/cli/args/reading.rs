//! Keys and certificates read from files, under a passphrase perhaps.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use secure_io::key::{self, PrivateKey};
use secure_io::{container, files};

use super::secrets::PassphraseArgs;
use crate::cli::caller::Caller;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;

/// Loads a private key from a file in any form.
pub(crate) fn load_key(path: &Path, passphrase: &PassphraseArgs) -> Result<PrivateKey, Failure> {
    try_key(path, passphrase)?.map_err(|error| failure::key_in_file(path, error))
}

/// As [`load_key`]; the inner error is that of a key that was read and cannot be used.
pub(crate) fn try_key(path: &Path, passphrase: &PassphraseArgs) -> Result<Result<PrivateKey, key::Error>, Failure> {
    let bytes = files::read(path)?;
    let der = container::private_key(&bytes, || passphrase.to_open(path).map_err(Unopened::Passphrase));
    Ok(PrivateKey::load(&der.map_err(|error| error.in_file(path, passphrase))?))
}

/// Loads the certificates in a file of any form.
pub(crate) fn load_certificates(
    path: &Path,
    passphrase: &PassphraseArgs,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = files::read(path)?;
    let found = container::certificates_with(&bytes, || passphrase.to_open(path).map_err(Unopened::Passphrase));
    found.map_err(|error| error.in_file(path, passphrase))
}

/// Why a file that may be under a passphrase could not be read.
enum Unopened {
    Container(container::Error),
    Passphrase(Failure),
}

impl From<container::Error> for Unopened {
    fn from(error: container::Error) -> Self {
        Self::Container(error)
    }
}

impl Unopened {
    fn in_file(self, path: &Path, passphrase: &PassphraseArgs) -> Failure {
        match self {
            Self::Container(error) if error.is_locked() => {
                let failure = failure::in_file(path, error);
                if let Some(advice) = passphrase.advice { failure.instead(advice) } else { failure }
            }
            Self::Container(error) => failure::in_file(path, error),
            Self::Passphrase(failure) => failure,
        }
    }
}

/// A warning about a key that comes from a seed.
pub(crate) fn test_key_warning(key: &PrivateKey) -> Option<String> {
    let warning = "this private key comes from a seed, and anybody can make it again: use it in tests alone";
    key::is_test_key(key.pkcs8()).then(|| warning.to_owned())
}

/// Warns of files that were found rather than named, if other users may have put or changed them there. Under sudo, its
/// caller is no other user.
pub(crate) fn warn_of_doubt<'a>(found: impl IntoIterator<Item = &'a Path>, out: &mut Output) {
    for path in found {
        if let Ok(Some(doubt)) = Caller::acting(|| files::doubt(path)) {
            out.warning(format!("`{}`, which was found here, {doubt}", path.display()));
        }
    }
}
