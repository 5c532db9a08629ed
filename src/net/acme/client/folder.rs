//! The files of a client: its account, its order, its key and its certificate, all for their owner alone.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::Error;
use crate::base::files::{self, Existing, NewFile};
use crate::base::hex::hex;
use crate::encoding::container;
use crate::issue::credentials::Credentials;
use crate::x509::key::{self, Algorithm, PrivateKey};
use crate::x509::name::SubjectAltName;

/// A folder for the certificates of one directory, and in it one for each set of names.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The account by its URL, which all certificates of the directory share.
    account: PathBuf,
    account_key: PathBuf,
    /// The order under way, by its URL.
    order: PathBuf,
    /// The key of the order under way.
    next_key: PathBuf,
    /// The certificate with its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Folder {
    /// The folder below `above` for a directory and names; it is made.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn new(above: &Path, directory: &str, names: &[SubjectAltName]) -> Result<Self, Error> {
        let mut sorted: Vec<_> = names.iter().map(ToString::to_string).collect();
        sorted.sort_unstable();
        let short = |text: &str| hex(&key::sha256(text.as_bytes())).get(..16).unwrap_or_default().to_owned();
        let of_directory = above.join(short(directory));
        let of_names = of_directory.join(short(&sorted.join("\n")));
        files::create_folder(&of_names, true)?;
        // Finishes what a killed run has left.
        drop(files::settle(&of_names)?);
        drop(files::settle(&of_directory)?);
        Ok(Self {
            account: of_directory.join("account.txt"),
            account_key: of_directory.join("account-key.pem"),
            order: of_names.join("order.txt"),
            next_key: of_names.join("next-key.pem"),
            certificate: of_names.join("cert.pem"),
            key: of_names.join("key.pem"),
        })
    }

    /// The certificate that is held, if it is for all of these names.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when it cannot be read. One that is damaged counts as none.
    pub fn certificate(&self, names: &[SubjectAltName]) -> Result<Option<CertificateDer<'static>>, Error> {
        let Some(held) = self.credentials()? else { return Ok(None) };
        let covered = held.report().map(|report| report.subject_alt_names).unwrap_or_default();
        let is_for_all = names.iter().all(|name| covered.contains(&name.to_string()));
        Ok(held.chain.into_iter().next().filter(|_| is_for_all))
    }

    fn credentials(&self) -> Result<Option<Credentials>, Error> {
        if !files::exists(&self.certificate) || !files::exists(&self.key) {
            return Ok(None);
        }
        let chain = container::certificates(&files::read(&self.certificate)?);
        let key = read_key(&self.key)?;
        Ok(chain.ok().zip(key).and_then(|(chain, key)| Credentials::new(chain, key).ok()))
    }

    /// The account's URL.
    pub(super) fn account(&self) -> Result<Option<String>, Error> {
        url_in(&self.account)
    }

    pub(super) fn keep_account(&self, url: &str) -> Result<(), Error> {
        write(&self.account, Zeroizing::new(format!("{url}\n").into_bytes()))
    }

    /// Forgets the account, which the CA does not know any more; its key stays.
    pub(super) fn forget_account(&self) -> Result<(), Error> {
        Ok(files::remove(&self.account)?)
    }

    /// The account's key, which is on the disk before the CA sees it: a client that is killed meanwhile finds its account
    /// again by it.
    pub(super) fn account_key(&self) -> Result<PrivateKey, Error> {
        found_or_made(&self.account_key)
    }

    /// The URL of the order under way.
    pub(super) fn order(&self) -> Result<Option<String>, Error> {
        url_in(&self.order)
    }

    pub(super) fn keep_order(&self, url: &str) -> Result<(), Error> {
        write(&self.order, Zeroizing::new(format!("{url}\n").into_bytes()))
    }

    /// Forgets the order, which came to nothing, and its key.
    pub(super) fn forget_order(&self) -> Result<(), Error> {
        files::remove(&self.order)?;
        Ok(files::remove(&self.next_key)?)
    }

    /// The key of the order, on the disk before a certificate exists for it.
    pub(super) fn next_key(&self) -> Result<PrivateKey, Error> {
        found_or_made(&self.next_key)
    }

    /// Keeps a certificate and its key, in one step, and forgets the order.
    pub(super) fn keep(&self, chain: &str, key: &PrivateKey) -> Result<(), Error> {
        let key = pem(&self.key, key)?;
        let set =
            [NewFile::secret(&self.key, key), NewFile::secret(&self.certificate, chain.as_bytes().to_vec().into())];
        files::write_set(&set, Existing::Replace)?;
        self.forget_order()
    }
}

/// The URL in a file, if there.
fn url_in(path: &Path) -> Result<Option<String>, Error> {
    if !files::exists(path) {
        return Ok(None);
    }
    let octets = files::read(path)?;
    Ok(std::str::from_utf8(&octets).ok().map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()))
}

fn found_or_made(path: &Path) -> Result<PrivateKey, Error> {
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let key = PrivateKey::generate(Algorithm::EcdsaP256)?;
    write(path, pem(path, &key)?)?;
    Ok(key)
}

/// The key of a file; none if there is no file, or no key in it.
fn read_key(path: &Path) -> Result<Option<PrivateKey>, Error> {
    if !files::exists(path) {
        return Ok(None);
    }
    let der = container::private_key(&files::read(path)?, || Ok::<_, container::Error>(None));
    Ok(der.ok().and_then(|der| PrivateKey::load(&der).ok()))
}

fn pem(path: &Path, key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, Error> {
    let text = container::pem("PRIVATE KEY", key.pkcs8());
    let text = text.map_err(|_encode| Error::Kept { path: path.to_owned() })?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

fn write(path: &Path, content: Zeroizing<Vec<u8>>) -> Result<(), Error> {
    Ok(files::write_set(&[NewFile::secret(path, content)], Existing::Replace)?)
}
