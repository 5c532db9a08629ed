//! A local CA's certificates and keys, made and written.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::constraints::{self, Permit};
use super::pem::{key_pem, pem};
use super::{Error, Firefox, Issuing, LocalCa, Paths, access, certificates, revocation, short};
use crate::base::files::{self, Existing, NewFile};
use crate::base::hex::hex;
use crate::base::validity::Validity;
use crate::issue::cert::{self, Issuer, Template};
use crate::x509::csr::Purpose;
use crate::x509::key::{self, Algorithm, PrivateKey};
use crate::x509::name::Subject;

/// Default lifetime of the root and the intermediates: ten years.
///
/// People add a root to stores by hand, so it should outlive the machine; the constraints bound its power.
pub const DEFAULT_DAYS: u32 = 3650;

/// Plan of a local CA.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Names the CA may sign for, as [`Permit::parse`] reads them; by default [`super::DEFAULT_PERMIT`], which
    /// `default` stands for among others, and anything for `any`.
    pub permit: Vec<String>,
    /// Lifetime of all certificates; by default [`DEFAULT_DAYS`].
    pub days: Option<u32>,
    /// Fate of the root's key.
    pub root_key: RootKey,
    /// Makes a new CA in place of the one that is there.
    pub replace: bool,
}

/// Fate of the root's key.
#[derive(Debug, Clone, Default)]
pub enum RootKey {
    /// The key signs the upper intermediate and is destroyed.
    #[default]
    Destroyed,
    /// The key is kept in the folder, encrypted if there is a passphrase.
    Kept(Option<Zeroizing<String>>),
}

impl LocalCa {
    /// Makes a root and its intermediates and writes them; all keys are P-256.
    ///
    /// The remains of an incomplete CA are set aside, and so is a CA that is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] when there is one already, [`Error::Permit`], [`Error::File`].
    pub fn create(paths: &Paths, plan: &Plan, now: OffsetDateTime) -> Result<Self, Error> {
        let permits = constraints::permits(&plan.permit)?;
        let validity = Validity::new(now, None, None, Some(plan.days.unwrap_or(DEFAULT_DAYS)))?;
        files::create_folder(&paths.folder, true)?;
        access::check(paths)?;
        let _lock = files::lock(&paths.lock)?;
        drop(files::settle(&paths.folder)?);
        if !plan.replace && paths.missing().is_none() {
            return Err(Error::Exists { folder: paths.folder.clone() });
        }
        let root_key = PrivateKey::generate(Algorithm::default())?;
        let made = Hierarchy {
            root: root(&root_key, validity)?,
            root_key,
            fate: Some(plan.root_key.clone()),
            server_key: PrivateKey::generate(Algorithm::default())?,
            client_key: Some(PrivateKey::generate(Algorithm::default())?),
        };
        made.write(paths, permits.as_deref(), validity, now)
    }
}

impl LocalCa {
    /// Decides whether making the CA by a plan would change nothing that was asked for: it may sign for the same names,
    /// keeps the root's key if that is asked for, and does not end soon. A lifetime that is given always differs.
    ///
    /// # Errors
    ///
    /// [`Error::Permit`], [`Error::Inspect`].
    pub fn fits(&self, plan: &Plan, now: OffsetDateTime) -> Result<bool, Error> {
        let ours = constraints::permitted(self.server.constrained())?;
        let asked = constraints::permits(&plan.permit)?;
        let is_same = match (&ours, &asked) {
            (Some(ours), Some(asked)) => ours.len() == asked.len() && asked.iter().all(|permit| ours.contains(permit)),
            (ours, asked) => ours.is_none() && asked.is_none(),
        };
        let has_key = matches!(plan.root_key, RootKey::Destroyed) || files::exists(&self.paths.root_key);
        let is_lasting = self.warning(now).is_none() && !self.is_of_older_kind();
        Ok((plan.permit.is_empty() || is_same) && has_key && plan.days.is_none() && is_lasting)
    }
}

/// Two intermediates stand between the root and issued certificates.
const ROOT_PATH_LEN: u8 = 2;

/// A root's certificate, self-signed.
pub(super) fn root(key: &PrivateKey, validity: Validity) -> Result<CertificateDer<'static>, Error> {
    // No user or host name, since a certificate travels further than people think; but something to tell two apart by.
    let name = Subject::common_name(&format!("secure-io development root {}", short(key.spki())));
    let template = Template::ca(name.clone(), key.spki(), Some(ROOT_PATH_LEN), validity);
    Ok(cert::issue(&template, &Issuer::own(key, &name)?)?)
}

/// Parts of a CA, before its intermediates are signed.
pub(super) struct Hierarchy {
    pub(super) root: CertificateDer<'static>,
    pub(super) root_key: PrivateKey,
    /// Fate of the root's key; `None` leaves the key as it is.
    pub(super) fate: Option<RootKey>,
    /// The key of the intermediate for servers.
    pub(super) server_key: PrivateKey,
    /// The key of the intermediate for clients, if there is to be one.
    pub(super) client_key: Option<PrivateKey>,
}

impl Hierarchy {
    /// Signs the intermediates, sets the existing files aside, and writes everything as one set. The caller holds the
    /// lock.
    ///
    /// The upper intermediate's key lives no longer than this call.
    pub(super) fn write(
        self,
        paths: &Paths,
        permits: Option<&[Permit]>,
        validity: Validity,
        now: OffsetDateTime,
    ) -> Result<LocalCa, Error> {
        let issuer = Issuer::from_certificate(&self.root, &self.root_key, now)?;
        let (validity, _) = issuer.limit(validity)?;
        let upper_key = PrivateKey::generate(Algorithm::default())?;
        let upper = cert::issue(&upper_template(&upper_key, permits, validity), &issuer)?;
        let below = Issuer::from_certificate(&upper, &upper_key, now)?;
        let lower = |key: PrivateKey, template: Template| -> Result<Issuing, Error> {
            Ok(Issuing { chain: vec![cert::issue(&template, &below)?, upper.clone()], key })
        };
        let firefox = firefox_template(&self.server_key, permits, validity);
        let firefox = Firefox::issue(&firefox, validity, now)?;
        let template = server_template(&self.server_key, validity);
        let server = lower(self.server_key, template)?;
        let client = self.client_key.map(|key| {
            let template = client_template(&key, validity);
            lower(key, template)
        });
        let client = client.transpose()?;
        let crls = [(&upper, &upper_key), (&self.root, &self.root_key)]
            .map(|(issuer, key)| pem(&paths.root_crl, "X509 CRL", &revocation::empty_crl(issuer, key, now)?));
        let crls = crls.into_iter().collect::<Result<Vec<_>, Error>>()?.concat();
        put_by(paths)?;
        let mut set = files_of(&server, &paths.intermediate, &paths.intermediate_key)?;
        if let Some(client) = &client {
            set.extend(files_of(client, &paths.client_intermediate, &paths.client_intermediate_key)?);
        }
        set.push(NewFile::public(&paths.root, pem(&paths.root, "CERTIFICATE", &self.root)?));
        set.push(NewFile::public(&paths.root_crl, crls));
        set.extend(firefox.files(paths)?);
        if let Some(RootKey::Kept(passphrase)) = &self.fate {
            let key = key_pem(&paths.root_key, &self.root_key, passphrase.as_ref())?;
            set.push(NewFile::secret(&paths.root_key, key));
        }
        files::write_set(&set, Existing::Replace)?;
        if let Some(RootKey::Destroyed) = self.fate {
            // The key of the root before.
            files::remove(&paths.root_key)?;
        }
        Ok(LocalCa { paths: paths.clone(), root: self.root, server, client, firefox: Some(firefox) })
    }
}

/// The key of an intermediate and its certificates.
fn files_of(issuing: &Issuing, certificates: &Path, key: &Path) -> Result<Vec<NewFile>, Error> {
    let chain = issuing.chain.iter().map(|der| pem(certificates, "CERTIFICATE", der));
    let chain = chain.collect::<Result<Vec<_>, _>>()?.concat();
    Ok(vec![NewFile::secret(key, key_pem(key, &issuing.key, None)?), NewFile::public(certificates, chain)])
}

/// The intermediate that says what those below it may sign for; for TLS alone, so that a thief's signatures on mail or
/// programs are worth nothing.
fn upper_template(key: &PrivateKey, permits: Option<&[Permit]>, validity: Validity) -> Template {
    let name = Subject::common_name(&format!("secure-io upper development intermediate {}", short(key.spki())));
    let mut template = Template::ca(name, key.spki(), Some(1), validity);
    template.extended_key_usages = Purpose::Both.extended_key_usages();
    template.extensions.extend(permits.map(constraints::extension));
    template
}

/// The intermediate for servers, and for what is both server and client, known by its subjectAltName alone.
fn server_template(key: &PrivateKey, validity: Validity) -> Template {
    let name = Subject::common_name(&format!("secure-io development intermediate {}", short(key.spki())));
    let mut template = Template::ca(name, key.spki(), Some(0), validity);
    template.extended_key_usages = Purpose::Both.extended_key_usages();
    template.extensions.push(constraints::no_subject());
    template
}

/// The intermediate for servers in Firefox's form, with the names and without the exclusion of subjects.
fn firefox_template(key: &PrivateKey, permits: Option<&[Permit]>, validity: Validity) -> Template {
    let mut template = server_template(key, validity);
    template.extensions = permits.map(constraints::extension).into_iter().collect();
    template
}

/// The intermediate for clients alone, which are known by their subject.
fn client_template(key: &PrivateKey, validity: Validity) -> Template {
    let name = Subject::common_name(&format!("secure-io client development intermediate {}", short(key.spki())));
    let mut template = Template::ca(name, key.spki(), Some(0), validity);
    template.extended_key_usages = Purpose::Client.extended_key_usages();
    template
}

/// Keeps copies of the certificates that are there, by their fingerprints: clients may still trust the root.
fn put_by(paths: &Paths) -> Result<(), Error> {
    let mut copies = Vec::new();
    let kept = [
        (&paths.root, "root"),
        (&paths.intermediate, "intermediate"),
        (&paths.client_intermediate, "client-intermediate"),
    ];
    for (path, kind) in kept.into_iter().filter(|(path, _)| files::exists(path)) {
        // What cannot be read is no certificate that anybody trusts.
        if let Ok(chain) = certificates(path) {
            let digest = hex(&key::sha256(&chain[0]));
            let name = format!("{kind}-{}.pem", digest.get(..16).unwrap_or_default());
            let copy = paths.previous.join(name);
            let text = chain.iter().map(|der| pem(&copy, "CERTIFICATE", der)).collect::<Result<Vec<_>, _>>()?;
            copies.push(NewFile::public(&copy, text.concat()));
        }
    }
    // As above, what cannot be read is nobody's.
    if let Ok(Some(firefox)) = Firefox::load(paths) {
        copies.extend(firefox.copies(paths)?);
    }
    if copies.is_empty() {
        return Ok(());
    }
    files::create_folder(&paths.previous, true)?;
    Ok(files::write_set(&copies, Existing::Replace)?)
}
