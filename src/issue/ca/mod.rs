//! The local CA on disk: a root that clients trust, a name-constrained intermediate, and two below it that sign.
//!
//! The root's key signs the upper intermediate once, whose key signs the lower two once; both keys are destroyed. A
//! thief of this machine's files can sign only for the names the upper intermediate is permitted.
//!
//! Firefox has a root of its own, because it accepts nothing below the intermediate that other clients need.
//!
//! A process that changes the folder holds one lock; it writes its files as a set, whole or not at all.
//! Issued and revoked certificates are recorded in a log, one line of JSON each, which is only ever appended to.
//!
//! # Example
//!
//! ```
//! use secure_io::ca::{LocalCa, Paths, Plan};
//! use secure_io::credentials::Credentials;
//! use secure_io::generate::CertificateSpec;
//! use secure_io::{name, validity};
//!
//! let folder = tempfile::tempdir()?;
//! let ca = LocalCa::create(&Paths::new(folder.path()), &Plan::default(), validity::now())?;
//! let spec = CertificateSpec { names: name::parse_all(["app.test"])?, ..CertificateSpec::default() };
//! let credentials = Credentials::from_ca(&ca, &spec, validity::now())?;
//! assert_eq!(credentials.report()?.subject_alt_names, ["DNS:app.test"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod bundle;
mod constraints;
mod create;
pub mod env;
mod export;
mod firefox;
mod issuing;
pub mod log;
mod paths;
mod pem;
mod reason;
mod renew;
mod revocation;
mod show;

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

pub use self::access::narrow;
pub use self::bundle::Bundle;
pub use self::constraints::{DEFAULT_PERMIT, Permit};
pub use self::create::{DEFAULT_DAYS, Plan, RootKey};
pub use self::export::mobileconfig;
pub use self::firefox::{Firefox, former as former_firefox};
pub use self::issuing::Issuing;
pub use self::paths::Paths;
pub use self::reason::Reason;
pub use self::renew::{Renewal, Renewed};
pub use self::revocation::{CRL_DAYS, Revocable, record};
use crate::base::files;
use crate::base::hex::hex;
use crate::base::validity;
use crate::encoding::container;
use crate::issue::cert;
use crate::issue::generate::Signer;
use crate::judge::inspect;
use crate::x509::csr::Purpose;
use crate::x509::key;
use crate::x509::name;

/// Reason why the local CA cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The CA does not exist yet.
    #[error("there is no local CA in `{}`", folder.display())]
    Missing {
        /// Folder of the CA.
        folder: PathBuf,
    },
    /// A file of the CA is missing.
    #[error("the local CA in `{}` lacks `{missing}`", folder.display())]
    Incomplete {
        /// Folder of the CA.
        folder: PathBuf,
        /// The file that is not there.
        missing: String,
    },
    /// There is one already.
    #[error("there is a local CA in `{}` already", folder.display())]
    Exists {
        /// Folder of the CA.
        folder: PathBuf,
    },
    /// Something that cannot be a constraint.
    #[error("`{input}` is neither a domain nor a range of addresses (10.0.0.0/8), nor an email or a URI")]
    Permit {
        /// Input as typed.
        input: String,
        /// The words to write instead, if that is clear: one, or several.
        instead: Vec<String>,
    },
    /// The root's key is encrypted, or the passphrase is another's.
    #[error("cannot use `{}`", path.display())]
    RootKey {
        /// The key's file.
        path: PathBuf,
        /// Fault of the file.
        source: container::Error,
    },
    /// A client's certificate of a local CA without the intermediate for clients.
    #[error("the local CA in `{}` signs for no clients: `client-intermediate-key.pem` is not there", folder.display())]
    NoClients {
        /// Folder of the CA.
        folder: PathBuf,
    },
    /// A local CA without the certificates for Firefox.
    #[error("the local CA in `{}` lacks `firefox-root.pem` or `firefox-intermediate.pem`", folder.display())]
    NoFirefox {
        /// Folder of the CA.
        folder: PathBuf,
    },
    /// A folder or file that other users of the machine can change, or a key that they can read.
    #[error("other users can get at `{}` (mode {mode:o}), so the local CA is not used", path.display())]
    Exposed {
        /// The folder or file.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
        /// The mode to set.
        instead: &'static str,
    },
    /// A folder or key of another user.
    #[error("`{}` belongs to another user, so the local CA is not used", path.display())]
    Foreign {
        /// The folder or file.
        path: PathBuf,
    },
    /// Lines of the log that cannot be read, any of which may be a revocation.
    #[error("{} of `{}` cannot be read, and may be a revocation", lines_text(lines), path.display())]
    DamagedLog {
        /// The log.
        path: PathBuf,
        /// The numbers of the lines, counted from 1.
        lines: Vec<usize>,
    },
    /// A serial number or key identifier of the log that cannot be read, so that a revocation would be left out.
    #[error("`{text}` in `{}` is not hex", path.display())]
    NotHex {
        /// The log.
        path: PathBuf,
        /// The number as it stands there.
        text: String,
    },
    /// A certificate of somebody else.
    #[error("the local CA did not issue {what}")]
    NotIssued {
        /// The certificate or serial number.
        what: String,
    },
    /// A certificate of an intermediate whose key is gone.
    #[error("the certificate {serial} was issued by an intermediate that was here before, and its key is destroyed")]
    Former {
        /// The serial number.
        serial: String,
    },
    /// A file of the CA cannot be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A file of the CA has unexpected content.
    #[error("cannot use `{}`", path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// Fault of the file.
        source: container::Error,
    },
    /// A key of the CA and the certificate that it should belong to.
    #[error("cannot use `{}` with `{}`", key.display(), certificate.display())]
    Pair {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
        /// Fault of the pair, or of one of the two.
        source: Box<cert::Error>,
    },
    /// Its key is unusable.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// Its certificates could not be issued.
    #[error(transparent)]
    Certificate(#[from] cert::Error),
    /// Its lifetime.
    #[error(transparent)]
    Validity(#[from] validity::Error),
    /// One of its certificates cannot be read.
    #[error(transparent)]
    Inspect(#[from] inspect::Error),
    /// One of its names cannot be read.
    #[error(transparent)]
    Name(#[from] name::Error),
    /// A CRL could not be written.
    #[error("cannot make the CRL")]
    Crl(#[from] crate::x509::signed::Error),
    /// The log's entry could not be written down.
    #[error("cannot write the log")]
    Log(#[source] serde_json::Error),
}

/// `line 3`, or `2 lines`.
fn lines_text(lines: &[usize]) -> String {
    match lines {
        [line] => format!("line {line}"),
        lines => format!("{} lines", lines.len()),
    }
}

/// Time before a local CA's end from which it is warned about: a month, as with certificates.
pub const WARN_BEFORE: time::Duration = time::Duration::days(30);

/// A local CA, loaded.
#[derive(Debug)]
pub struct LocalCa {
    /// Its files.
    pub paths: Paths,
    /// The root's certificate.
    pub root: CertificateDer<'static>,
    /// The intermediate that signs for servers.
    pub server: Issuing,
    /// The intermediate that signs for clients, if there is one.
    pub client: Option<Issuing>,
    /// The certificates for Firefox, unless an earlier version made the CA.
    pub firefox: Option<Firefox>,
}

impl LocalCa {
    /// Loads the CA that [`LocalCa::create`] wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::File`], [`Error::Container`], [`Error::Certificate`] when the key is another's.
    pub fn load(paths: &Paths) -> Result<Self, Error> {
        // Held until all is read: another run may be replacing it.
        let _settled = files::settle(&paths.folder)?;
        if !paths.exist() {
            return Err(Error::Missing { folder: paths.folder.clone() });
        }
        if let Some(path) = paths.missing() {
            let missing = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Error::Incomplete { folder: paths.folder.clone(), missing });
        }
        access::check(paths)?;
        let (root, server) = (certificate(&paths.root)?, Issuing::load(paths)?);
        let (client, firefox) = (Issuing::load_client(paths)?, Firefox::load(paths)?);
        Ok(Self { paths: paths.clone(), root, server, client, firefox })
    }

    /// Returns the intermediate for this purpose as an issuer: clients alone have their own, because a client is known
    /// by its subject.
    ///
    /// # Errors
    ///
    /// [`Error::NoClients`].
    pub fn signer(&self, purpose: Purpose) -> Result<Signer<'_>, Error> {
        match (purpose, &self.client) {
            (Purpose::Client, Some(client)) => Ok(client.signer()),
            (Purpose::Client, None) if self.server.excludes_subjects() => {
                Err(Error::NoClients { folder: self.paths.folder.clone() })
            }
            _ => Ok(self.server.signer()),
        }
    }

    /// Returns true if an earlier version made the CA, with one intermediate: clients that look for a host in the
    /// subject can be deceived with that intermediate's key.
    #[must_use]
    pub fn is_of_older_kind(&self) -> bool {
        !self.server.excludes_subjects()
    }

    /// The intermediates that issue.
    pub(super) fn issuing(&self) -> impl Iterator<Item = &Issuing> {
        [&self.server].into_iter().chain(&self.client)
    }

    /// Records an issued certificate, before anybody gets the certificate.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the log cannot be written, [`Error::Inspect`] if `der` is not a certificate.
    pub fn record(
        &self,
        certificate: &[u8],
        file: Option<&Path>,
        who: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let _lock = files::lock(&self.paths.lock)?;
        let report = inspect::certificate(certificate)?;
        log::append(&self.paths.log, &[log::Event::issued(&report, file, who, now)])
    }

    /// Returns the earliest notAfter of all its certificates.
    ///
    /// # Errors
    ///
    /// [`Error::Inspect`].
    pub fn not_after(&self) -> Result<OffsetDateTime, Error> {
        let end = |der: &[u8]| inspect::parse(der).map(|certificate| certificate.not_after.at);
        self.certificates().map(|der| end(der)).try_fold(end(&self.root)?, |earliest, end| Ok(earliest.min(end?)))
    }

    /// Iterates over all of its certificates.
    fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        let below = self.issuing().flat_map(|issuing| &issuing.chain);
        let of_firefox = self.firefox.iter().flat_map(|firefox| [&firefox.root, &firefox.intermediate]);
        [&self.root].into_iter().chain(below).chain(of_firefox)
    }

    /// Warns of an end that is near ([`WARN_BEFORE`]).
    #[must_use]
    pub fn warning(&self, now: OffsetDateTime) -> Option<String> {
        let end = self.not_after().ok()?;
        let day = validity::rfc3339(end).get(..10).unwrap_or_default().to_owned();
        (end - now <= WARN_BEFORE).then(|| format!("the local CA ends {day} ({})", validity::distance(end, now)))
    }

    /// Says that it [is of the older kind](Self::is_of_older_kind).
    #[must_use]
    pub fn older_kind_warning(&self) -> Option<&'static str> {
        self.is_of_older_kind().then_some(
            "the local CA was made by an earlier version: a thief of its key could pose as any host to OpenSSL, curl, Node, \
             Python and Java",
        )
    }
}

/// The present root, if there is one, and behind it those that were here before, each with its file.
///
/// One put by that cannot be read any more is passed over.
///
/// # Errors
///
/// [`Error::File`], [`Error::Container`].
pub fn roots(paths: &Paths) -> Result<Vec<(PathBuf, CertificateDer<'static>)>, Error> {
    let _settled = files::settle(&paths.folder)?;
    let mut all = Vec::new();
    if files::exists(&paths.root) {
        all.push((paths.root.clone(), certificate(&paths.root)?));
    }
    let is_root = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("root-"));
    for path in files::list_own(&paths.previous)?.into_iter().filter(is_root) {
        if let Ok(root) = certificate(&path)
            && all.iter().all(|(_, other)| *other != root)
        {
            all.push((path, root));
        }
    }
    Ok(all)
}

/// Decides whether a certificate was issued by the local CA, the present or a former one.
#[must_use]
pub fn has_issued(paths: &Paths, der: &[u8]) -> bool {
    let is_certificate =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending == "pem") && *path != paths.bundle;
    let issued = |path: PathBuf| {
        let Ok(issuer) = certificate(&path) else { return false };
        let Ok(issuer) = inspect::parse(&issuer) else { return false };
        let subject = name::Subject::from_der(issuer.subject.as_raw());
        subject.is_ok_and(|subject| cert::is_issued_by(der, &subject, issuer.key.as_raw()))
    };
    let own = |folder| files::list_own(folder).unwrap_or_default();
    own(&paths.folder).into_iter().chain(own(&paths.previous)).filter(is_certificate).any(issued)
}

/// The first certificate of a file.
fn certificate(path: &Path) -> Result<CertificateDer<'static>, Error> {
    Ok(certificates(path)?.swap_remove(0))
}

/// The certificates of a file, of which there is at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let in_file = |source| Error::Container { path: path.to_owned(), source };
    let certificates = container::certificates(&files::read_regular(path, files::SMALL)?).map_err(in_file)?;
    let none = || in_file(container::Error::Missing { wanted: "a certificate", found: Vec::new() });
    if certificates.is_empty() { Err(none()) } else { Ok(certificates) }
}

/// A private key of a file, opened with the passphrase if encrypted.
fn load_key(
    path: &Path,
    passphrase: Option<&zeroize::Zeroizing<String>>,
) -> Result<rustls::pki_types::PrivateKeyDer<'static>, container::Error> {
    let bytes = files::read_regular(path, files::SMALL)
        .map_err(|error| container::Error::Encode { what: "private key", source: error.into() })?;
    container::private_key(&bytes, || Ok::<_, container::Error>(passphrase.cloned()))
}

/// The first eight digits of a key's pin: enough to tell two CAs of one machine apart.
fn short(spki: &[u8]) -> String {
    hex(&key::spki_sha256(spki)).get(..8).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::generate::{self, CertificateSpec};
    use crate::x509::key::{Algorithm, PrivateKey};

    fn sign(ca: &LocalCa, host: &str) -> Result<Vec<CertificateDer<'static>>, generate::Error> {
        let spec = CertificateSpec { names: name::parse_all([host]).unwrap(), ..CertificateSpec::default() };
        let key = PrivateKey::generate(Algorithm::default()).unwrap();
        generate::make(&spec, &key, ca.signer(Purpose::Server).unwrap(), validity::now())
            .map(|(_, issued)| issued.chain)
    }

    #[test]
    fn it_signs_for_development_and_for_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(&folder.path().join("ca"));
        LocalCa::create(&paths, &Plan::default(), validity::now()).unwrap();
        assert!(!files::exists(&paths.root_key), "the root's key is destroyed");
        let ca = LocalCa::load(&paths).unwrap();
        for host in ["localhost", "app.localhost", "*.dev.test", "printer.local", "127.0.0.1", "::1", "192.168.1.7"] {
            assert_eq!(sign(&ca, host).unwrap().len(), 3, "{host}");
        }
        for host in ["example.com", "bank.com", "8.8.8.8", "2001:db8::1"] {
            assert!(sign(&ca, host).is_err(), "{host}");
        }
    }

    /// Constraints apply per kind: without a permitted address, every address would be permitted.
    #[test]
    fn a_permit_of_domains_permits_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(folder.path());
        let plan = Plan { permit: vec![".dev.example".to_owned()], root_key: RootKey::Kept(None), ..Plan::default() };
        let ca = LocalCa::create(&paths, &plan, validity::now()).unwrap();
        assert!(files::exists(&paths.root_key));
        assert!(sign(&ca, "a.dev.example").is_ok());
        assert!(sign(&ca, "localhost").is_err() && sign(&ca, "127.0.0.1").is_err() && sign(&ca, "::1").is_err());
        assert!(matches!(LocalCa::create(&paths, &plan, validity::now()), Err(Error::Exists { .. })));
    }
}
