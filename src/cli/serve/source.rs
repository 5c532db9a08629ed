//! The origin of the certificate of `serve`: files, the local CA, or made here.

use std::path::{Path, PathBuf};

use secure_io::acme::client::Folder;
use secure_io::ca::{self, LocalCa, Paths};
use secure_io::credentials::{self, Credentials};
use secure_io::generate::{CertificateSpec, Signer};
use secure_io::name::SubjectAltName;
use secure_io::report::text;
use secure_io::{cert, files};
use time::OffsetDateTime;

use super::{ServerArgs, advice, renewal};
use crate::cli::args::{self, PassphraseArgs};
use crate::cli::caller::Caller;
use crate::cli::failure::{self, Failure};
use crate::cli::folders;
use crate::cli::output::Output;

impl ServerArgs {
    /// Selects the certificates: the files named, those in this folder, the local CA's, or self-signed ones.
    pub(super) fn credentials(
        &self,
        spec: &CertificateSpec,
        out: &mut Output,
        now: OffsetDateTime,
    ) -> Result<(Credentials, Origin), Failure> {
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            if self.renew
                && let Some(renewed) = renewal::renew_file(self, certificate, key, now)?
            {
                out.note(renewed);
            }
            let credentials = self.load(certificate, key, &self.passphrase, now)?;
            if let Some(missing) = uncovered(&credentials, spec) {
                out.warning(format!("{} is not for {missing}: clients will refuse it there", certificate.display()));
            }
            self.warn_of_no_names(&credentials, certificate, key, out);
            return Ok((credentials, Origin::files(certificate, key)));
        }
        if let Some(folder) = self.acme.folder(&spec.names)? {
            return self.of_acme(&folder, spec, now);
        }
        if self.from_ca {
            return self.made(spec, out, now);
        }
        let _settled = files::settle(Path::new("."))?;
        let (certificate, key) = (Path::new("server-cert.pem"), Path::new("server-key.pem"));
        match (files::exists(certificate), files::exists(key)) {
            (true, true) => {
                args::warn_of_doubt([certificate, key], out);
                if self.renew
                    && let Some(renewed) = renewal::renew_file(self, certificate, key, now)?
                {
                    out.note(renewed);
                }
                let credentials = self.load(certificate, key, &self.passphrase, now)?;
                if let Some(missing) = uncovered(&credentials, spec) {
                    out.note(format!("the server-cert.pem here is not for {missing}, and is left aside"));
                } else {
                    self.warn_of_no_names(&credentials, certificate, key, out);
                    let credentials = described(credentials, "server-cert.pem", out, now);
                    return Ok((credentials, Origin::files(certificate, key)));
                }
            }
            (true, false) => {
                out.warning("server-cert.pem is here without server-key.pem, and is left aside");
                if let Some(hint) = advice::of_missing_key(certificate) {
                    out.hint(hint);
                }
            }
            (false, true) => out.warning("server-key.pem is here without server-cert.pem, and is left aside"),
            (false, false) => {}
        }
        self.made(spec, out, now)
    }

    /// Says that browsers refuse a certificate of the local CA until a store trusts that.
    pub(super) fn say_if_untrusted(&self, credentials: &Credentials, out: &mut Output) -> Result<(), Failure> {
        let Some(paths) = self.ca_dir.paths().ok().filter(Paths::exist) else { return Ok(()) };
        let above = credentials.chain.last().map(AsRef::as_ref).unwrap_or_default();
        if Caller::acting(|| ca::has_issued(&paths, above))? {
            crate::cli::ca::say_if_untrusted(&paths, out);
        }
        Ok(())
    }

    /// Warns that browsers refuse a certificate without subjectAltName, which the three OpenSSL commands make.
    fn warn_of_no_names(&self, credentials: &Credentials, certificate: &Path, key: &Path, out: &mut Output) {
        if credentials.report().is_ok_and(|report| report.subject_alt_names.is_empty()) {
            out.warning(format!("{} has no subjectAltName: browsers refuse it", certificate.display()));
            let leaf = credentials.chain.first().map(AsRef::as_ref).unwrap_or_default();
            let files = advice::Files { certificate, leaf, key, ca_dir: &self.ca_dir };
            out.hint(files.without_names());
        }
    }

    /// Reads a certificate and its key, which have to belong together and to be valid now.
    fn load(
        &self,
        certificate: &Path,
        key: &Path,
        passphrase: &PassphraseArgs,
        now: OffsetDateTime,
    ) -> Result<Credentials, Failure> {
        let chain = args::load_certificates(certificate, passphrase)?;
        let private = args::load_key(key, passphrase)?;
        let leaf = chain.first().cloned();
        let files = advice::Files { certificate, leaf: leaf.as_deref().unwrap_or_default(), key, ca_dir: &self.ca_dir };
        let spki = private.spki().to_vec();
        let credentials = Credentials::new(chain, private).map_err(|error| match error {
            credentials::Error::Certificate(cert::Error::KeyMismatch { theirs, ours }) => {
                files.mismatch(failure::mismatch(key, certificate, "certificate", (&theirs, &ours)), &spki)
            }
            error => failure::certificate_in_file(certificate, error),
        })?;
        credentials.check_time(now).map_err(|error| match error {
            error @ credentials::Error::Expired { .. } => {
                files.expired(failure::certificate_in_file(certificate, error))
            }
            error => failure::certificate_in_file(certificate, error)
                .hint("look whether the clock is right here and where it was issued"),
        })?;
        Ok(credentials)
    }

    fn made(
        &self,
        spec: &CertificateSpec,
        out: &mut Output,
        now: OffsetDateTime,
    ) -> Result<(Credentials, Origin), Failure> {
        if let Some(paths) = self.local_ca()? {
            if let Some(caller) = Caller::of_sudo().filter(|_| !self.ca_dir.is_given()) {
                out.note(format!("run with sudo: this is the CA of {}, in {}", caller.name, paths.folder.display()));
            }
            let ca = Caller::acting(|| LocalCa::load(&paths))??;
            crate::cli::ca::warn_of_ca(&ca, now, out);
            let credentials = from_ca(&ca, spec, now, |warning| out.warning(warning))?;
            let credentials = described(credentials, "a certificate from the local CA", out, now);
            return Ok((credentials, Origin::LocalCa(Box::new(paths))));
        }
        let kept = folders::data().map_err(|failure| failure.reason()).and_then(|folder| {
            let folder = folder.join("serve");
            let kept = Credentials::kept(&folder, spec, now);
            kept.map(|credentials| (credentials, folder)).map_err(|error| error.to_string())
        });
        match kept {
            Ok((credentials, folder)) => {
                let credentials = described(credentials, "a self-signed certificate", out, now);
                out.note(format!("it is kept in {}, so an exception made for it in a browser lasts", folder.display()));
                Ok((credentials, Origin::Kept(folder)))
            }
            // Containers often have no home folder, or none that can be written.
            Err(reason) => {
                let credentials = Credentials::self_signed(spec, now).map_err(failure::credentials)?;
                let credentials = described(credentials, "a self-signed certificate", out, now);
                out.warning(format!(
                    "it cannot be kept ({reason}): it is lost when the server stops, and with it every exception made for it in a browser"
                ));
                Ok((credentials, Origin::Memory))
            }
        }
    }

    /// The certificate that was got by ACME before; one that says nothing to clients until it is there.
    fn of_acme(
        &self,
        folder: &Folder,
        spec: &CertificateSpec,
        now: OffsetDateTime,
    ) -> Result<(Credentials, Origin), Failure> {
        let (certificate, key) = (folder.certificate.clone(), folder.key.clone());
        let held = folder.certificate(&spec.names).map_err(|error| Failure::new(error.into()))?;
        let loaded = held.and_then(|_| self.load(&certificate, &key, &PassphraseArgs::absent(), now).ok());
        let credentials = match loaded {
            Some(credentials) => credentials,
            None => Credentials::self_signed(spec, now).map_err(failure::credentials)?,
        };
        Ok((credentials, Origin::Acme { certificate, key }))
    }

    /// The credentials of the same origin as they are now; `None` if those in use are good still.
    pub(super) fn again(
        &self,
        origin: &Origin,
        in_use: &Credentials,
        spec: &CertificateSpec,
        now: OffsetDateTime,
        warn: impl FnOnce(String),
    ) -> Result<Option<Credentials>, Failure> {
        let is_due = |signer| in_use.why_renew(spec, signer, now).is_some();
        match origin {
            Origin::Files { certificate, key } => {
                // Nobody is there to be asked.
                let passphrase = self.passphrase.clone().unattended();
                self.load(certificate, key, &passphrase, now).map(Some)
            }
            Origin::Acme { certificate, key } if files::exists(certificate) => {
                self.load(certificate, key, &PassphraseArgs::absent(), now).map(Some)
            }
            Origin::Acme { .. } => Ok(None),
            Origin::LocalCa(paths) => {
                let ca = Caller::acting(|| LocalCa::load(paths))??;
                if !is_due(Some(ca.signer(spec.purpose.unwrap_or_default())?)) {
                    return Ok(None);
                }
                from_ca(&ca, spec, now, warn).map(Some)
            }
            Origin::Kept(_) | Origin::Memory if !is_due(Some(Signer::Own)) => Ok(None),
            Origin::Kept(folder) => Credentials::kept(folder, spec, now).map(Some).map_err(failure::credentials),
            Origin::Memory => Credentials::self_signed(spec, now).map(Some).map_err(failure::credentials),
        }
    }
}

/// The origin of a certificate, which may have a newer one later.
pub(super) enum Origin {
    /// Files.
    Files {
        /// The chain's.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
    },
    /// Files that the ACME client writes, perhaps not yet.
    Acme {
        /// The chain's.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
    },
    /// The local CA in this folder.
    LocalCa(Box<Paths>),
    /// Self-signed, and kept in this folder.
    Kept(PathBuf),
    /// Self-signed, and lost when the server ends.
    Memory,
}

impl Origin {
    fn files(certificate: &Path, key: &Path) -> Self {
        Self::Files { certificate: certificate.to_owned(), key: key.to_owned() }
    }

    /// The files whose change means another certificate.
    pub(super) fn watched(&self) -> Vec<PathBuf> {
        match self {
            Self::Files { certificate, key } | Self::Acme { certificate, key } => {
                vec![certificate.clone(), key.clone()]
            }
            Self::LocalCa(paths) => vec![paths.intermediate.clone()],
            Self::Kept(_) | Self::Memory => Vec::new(),
        }
    }
}

/// Issues a certificate; without an entry in the CA's log, with a warning, where that cannot be written.
fn from_ca(
    ca: &LocalCa,
    spec: &CertificateSpec,
    now: OffsetDateTime,
    warn: impl FnOnce(String),
) -> Result<Credentials, Failure> {
    let issued = match Caller::acting(|| Credentials::from_ca(ca, spec, now))? {
        Err(credentials::Error::Ca(error)) => {
            warn(format!("the certificate is not in the local CA's log: {error}"));
            Credentials::unrecorded(ca, spec, now)
        }
        issued => issued,
    };
    issued.map_err(failure::credentials)
}

/// The first host asked for that a certificate is not for.
fn uncovered(credentials: &Credentials, spec: &CertificateSpec) -> Option<String> {
    let names = credentials.report().map(|report| report.subject_alt_names).unwrap_or_default();
    let covers = |name: &SubjectAltName| {
        let wildcard = match name {
            SubjectAltName::Dns(host) => host.split_once('.').map(|(_, domain)| format!("DNS:*.{domain}")),
            _ => None,
        };
        names.contains(&name.to_string()) || wildcard.is_some_and(|wildcard| names.contains(&wildcard))
    };
    spec.names.iter().find(|name| !covers(name)).map(SubjectAltName::value)
}

fn described(credentials: Credentials, what: &str, out: &mut Output, now: OffsetDateTime) -> Credentials {
    if let Ok(report) = credentials.report() {
        out.note(format!(
            "using {what} for {}, which {}",
            text::certificate_names(&report),
            text::expiry(&report, now)
        ));
    }
    credentials
}
