//! The local CA on disk: a root that clients trust, and a name-constrained intermediate that signs.
//!
//! The root's key signs the intermediate once and is destroyed, so what a thief finds on this machine can sign only
//! for the names the intermediate is permitted.

mod constraints;
mod paths;

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cert::{self, Issuer, Template};
use crate::container;
use crate::files::{self, Existing, NewFile};
use crate::key::{self, Algorithm, PrivateKey};
use crate::material::Signer;
use crate::name::Subject;
use crate::validity::{self, Validity};

pub use self::constraints::DEFAULT_PERMIT;
pub use self::paths::Paths;

/// Lifetime of the root and the intermediate unless told otherwise: ten years.
///
/// A root is put into stores by hand, so it should outlive the machine; the constraints bound what it can do.
pub const DEFAULT_DAYS: u32 = 3650;

/// Why the local CA cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none yet.
    #[error("there is no local CA in `{}`", folder.display())]
    Missing {
        /// Where it would be.
        folder: PathBuf,
    },
    /// There is one already.
    #[error("there is a local CA in `{}` already", folder.display())]
    Exists {
        /// Where it is.
        folder: PathBuf,
    },
    /// Something that cannot be a constraint.
    #[error("`{input}` is neither a domain nor a range of addresses (10.0.0.0/8)")]
    Permit {
        /// What was typed.
        input: String,
    },
    /// A file of it cannot be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A file of it does not hold what it should.
    #[error("cannot use `{}`", path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: container::Error,
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
}

/// A local CA, loaded.
#[derive(Debug)]
pub struct LocalCa {
    /// The root's certificate.
    pub root: CertificateDer<'static>,
    /// The intermediate's certificate.
    pub intermediate: [CertificateDer<'static>; 1],
    key: PrivateKey,
}

/// How a local CA is to be made.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Domains and ranges it may sign for; by default [`DEFAULT_PERMIT`], and anything for `any`.
    pub permit: Vec<String>,
    /// Lifetime of both certificates; by default [`DEFAULT_DAYS`].
    pub days: Option<u32>,
    /// Keeps the root's key beside the rest.
    pub keep_root_key: bool,
}

impl LocalCa {
    /// Makes a root and an intermediate and writes them; both keys are P-256.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] when there is one already, [`Error::Permit`], [`Error::File`].
    pub fn create(paths: &Paths, plan: &Plan, now: OffsetDateTime) -> Result<Self, Error> {
        if paths.exist() {
            return Err(Error::Exists { folder: paths.folder.clone() });
        }
        let constraints = constraints::name_constraints(&plan.permit)?;
        let validity = Validity::new(now, None, None, Some(plan.days.unwrap_or(DEFAULT_DAYS)))?;
        let (root_key, key) =
            (PrivateKey::generate(Algorithm::default())?, PrivateKey::generate(Algorithm::default())?);
        // No user or host name: a certificate travels further than people think.
        let root_name = Subject::common_name("secure-io development root");
        let root_issuer = Issuer::own(&root_key, &root_name)?;
        let root = cert::issue(&Template::ca(root_name.clone(), root_key.spki(), Some(1), validity), &root_issuer)?;
        let mut template =
            Template::ca(Subject::common_name("secure-io development intermediate"), key.spki(), Some(0), validity);
        template.name_constraints = constraints;
        let intermediate = cert::issue(&template, &Issuer::from_certificate(&root, &root_key, now)?)?;
        let ca = Self { root, intermediate: [intermediate], key };
        files::create_folder(&paths.folder, true)?;
        files::write_set(&ca.files(paths, plan.keep_root_key.then_some(&root_key))?, Existing::Keep)?;
        Ok(ca)
    }

    fn files(&self, paths: &Paths, root_key: Option<&PrivateKey>) -> Result<Vec<NewFile>, Error> {
        let pem = |path: &Path, label, der: &[u8]| {
            let text = container::pem(label, der).map_err(|source| Error::Container { path: path.to_owned(), source });
            text.map(|text| Zeroizing::new(text.as_bytes().to_vec()))
        };
        let [intermediate] = &self.intermediate;
        let key = pem(&paths.intermediate_key, "PRIVATE KEY", self.key.pkcs8())?;
        let mut set = vec![
            NewFile::secret(&paths.intermediate_key, key),
            NewFile::public(&paths.intermediate, pem(&paths.intermediate, "CERTIFICATE", intermediate)?.to_vec()),
            NewFile::public(&paths.root, pem(&paths.root, "CERTIFICATE", &self.root)?.to_vec()),
        ];
        if let Some(key) = root_key {
            set.push(NewFile::secret(&paths.root_key, pem(&paths.root_key, "PRIVATE KEY", key.pkcs8())?));
        }
        Ok(set)
    }

    /// Loads what [`LocalCa::create`] wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::File`], [`Error::Container`], [`Error::Certificate`] when the key is another's.
    pub fn load(paths: &Paths) -> Result<Self, Error> {
        let _settled = files::settle(&paths.folder)?;
        if !paths.exist() {
            return Err(Error::Missing { folder: paths.folder.clone() });
        }
        let certificate = |path: &Path| -> Result<CertificateDer<'static>, Error> {
            let in_file = |source| Error::Container { path: path.to_owned(), source };
            let certificates = container::certificates(&files::read(path)?).map_err(in_file)?;
            certificates.into_iter().next().ok_or_else(|| Error::Missing { folder: paths.folder.clone() })
        };
        let (root, intermediate) = (certificate(&paths.root)?, certificate(&paths.intermediate)?);
        let no_passphrase = || Ok::<_, container::Error>(None);
        let key = container::private_key(&files::read(&paths.intermediate_key)?, no_passphrase)
            .map_err(|source| Error::Container { path: paths.intermediate_key.clone(), source })?;
        let key = PrivateKey::load(&key)?;
        let parsed = crate::inspect::parse(&intermediate).map_err(cert::Error::from)?;
        cert::check_key(parsed.public_key().raw, &key)?;
        Ok(Self { root, intermediate: [intermediate], key })
    }

    /// The intermediate, as who signs.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer::Ca { certificates: &self.intermediate, key: &self.key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::{self, Order};
    use crate::name;

    fn sign(ca: &LocalCa, host: &str) -> Result<Vec<CertificateDer<'static>>, material::Error> {
        let order = Order { names: name::parse_all([host]).unwrap(), ..Order::default() };
        let key = PrivateKey::generate(Algorithm::default()).unwrap();
        material::make(&order, &key, ca.signer(), validity::now()).map(|(_, issued)| issued.chain)
    }

    #[test]
    fn it_signs_for_development_and_for_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(&folder.path().join("ca"));
        LocalCa::create(&paths, &Plan::default(), validity::now()).unwrap();
        assert!(!files::exists(&paths.root_key), "the root's key is destroyed");
        let ca = LocalCa::load(&paths).unwrap();
        for host in ["localhost", "app.localhost", "*.dev.test", "printer.local", "127.0.0.1", "::1", "192.168.1.7"] {
            assert_eq!(sign(&ca, host).unwrap().len(), 2, "{host}");
        }
        for host in ["example.com", "bank.com", "8.8.8.8", "2001:db8::1"] {
            assert!(sign(&ca, host).is_err(), "{host}");
        }
    }

    /// Constraints are by kind: without an address among what is permitted, every address would be.
    #[test]
    fn a_permit_of_domains_permits_no_address() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(folder.path());
        let plan = Plan { permit: vec![".dev.example".to_owned()], keep_root_key: true, ..Plan::default() };
        let ca = LocalCa::create(&paths, &plan, validity::now()).unwrap();
        assert!(files::exists(&paths.root_key));
        assert!(sign(&ca, "a.dev.example").is_ok());
        assert!(sign(&ca, "localhost").is_err() && sign(&ca, "127.0.0.1").is_err() && sign(&ca, "::1").is_err());
        assert!(matches!(LocalCa::create(&paths, &plan, validity::now()), Err(Error::Exists { .. })));
    }
}
