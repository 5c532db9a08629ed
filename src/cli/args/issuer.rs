//! The issuer of a certificate: the local CA, another one in files, or the certificate's own key.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::ca::{LocalCa, Paths};
use secure_io::csr::Purpose;
use secure_io::generate::{self, Carry, Signer};
use secure_io::key::{self, PrivateKey};
use time::OffsetDateTime;

use super::ca::{CaDirArgs, make_missing_ca};
use super::reading::{load_certificates, load_key};
use super::secrets::PassphraseArgs;
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Issuer of a certificate.
#[derive(clap::Args)]
#[command(next_help_heading = "Issuer")]
pub(crate) struct IssuerArgs {
    /// Sign with the local CA (secure-io ca init)
    #[arg(long, conflicts_with_all = ["ca_cert", "ca_key"])]
    ca: bool,
    /// Sign with the certificate's own key [default, unless --renew finds another issuer]
    #[arg(long, conflicts_with_all = ["ca", "ca_cert", "ca_key"])]
    self_signed: bool,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    /// Sign with this CA: its certificate, and perhaps those above it
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_cert: Option<PathBuf>,
    /// The CA's private key
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// Read the CA key's passphrase from the first line of a file
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_passphrase_file: Option<PathBuf>,
    /// Read the CA key's passphrase from an environment variable
    #[arg(long, value_name = "VAR", requires = "ca_key", conflicts_with = "ca_passphrase_file")]
    ca_passphrase_env: Option<String>,
}

impl IssuerArgs {
    /// Decides whether an issuer was named, the certificate's own key included.
    pub(crate) fn is_named(&self) -> bool {
        self.ca || self.self_signed || self.ca_cert.is_some()
    }

    /// The local CA's files.
    pub(crate) fn ca_paths(&self) -> Result<Paths, Failure> {
        self.ca_dir.paths()
    }

    /// The CA's certificate and key, when it is one of the caller's.
    pub(crate) fn files(&self) -> Option<(&Path, &Path)> {
        self.ca_cert.as_deref().zip(self.ca_key.as_deref())
    }

    /// The files it reads.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.ca_cert.iter().chain(&self.ca_key).chain(&self.ca_passphrase_file).map(PathBuf::as_path)
    }

    /// Loads the issuer; a local CA that does not exist is made unless nothing is to be written.
    pub(crate) fn load(&self, dry_run: bool, now: OffsetDateTime, out: &mut Output) -> Result<LoadedIssuer, Failure> {
        if self.ca {
            let paths = self.ca_dir.paths_to_change(out)?;
            if !dry_run && make_missing_ca(&paths, now)? {
                out.note(format!("there was no local CA, so one was made in {}", paths.folder.display()));
            }
            return Ok(LoadedIssuer::Local(Box::new(LocalCa::load(&paths)?)));
        }
        let (Some(certificate), Some(key)) = (&self.ca_cert, &self.ca_key) else {
            return Ok(LoadedIssuer::Own);
        };
        let passphrase = PassphraseArgs::of_ca_key(self.ca_passphrase_file.clone(), self.ca_passphrase_env.clone());
        let certificates = load_certificates(certificate, &passphrase)?;
        let key = load_key(key, &passphrase)?;
        Ok(LoadedIssuer::Other { certificates, key: Box::new(key) })
    }
}

/// An issuer loaded from disk.
pub(crate) enum LoadedIssuer {
    Own,
    Local(Box<LocalCa>),
    Other { certificates: Vec<CertificateDer<'static>>, key: Box<PrivateKey> },
}

impl LoadedIssuer {
    pub(crate) fn signer(&self, purpose: Purpose) -> Result<Signer<'_>, Failure> {
        Ok(match self {
            Self::Own => Signer::Own,
            Self::Local(ca) => ca.signer(purpose)?,
            Self::Other { certificates, key } => Signer::Ca { certificates, key, carry: Carry::All },
        })
    }

    /// A warning that clients refuse what a CA of the caller's has signed.
    pub(crate) fn refusal(&self, chain: &[CertificateDer<'_>], now: OffsetDateTime) -> Option<String> {
        match self {
            Self::Other { certificates, .. } => generate::refusal(chain, certificates, now),
            Self::Own | Self::Local(_) => None,
        }
    }

    /// Warnings that the local CA ends soon, and that it was made by an earlier version, each with its command; and that
    /// the key of another CA comes from a seed.
    pub(crate) fn warnings(&self, now: OffsetDateTime) -> Vec<String> {
        if let Self::Other { key, .. } = self {
            let warning =
                "the issuer's private key comes from a seed, and anybody can sign with it: use it in tests alone";
            return key::is_test_key(key.pkcs8()).then(|| warning.to_owned()).into_iter().collect();
        }
        let Self::Local(ca) = self else { return Vec::new() };
        let command = |subcommand: &str| CommandLine::ours(subcommand).carrying_ca_dir();
        let end = ca.warning(now).map(|warning| format!("{warning}: `{}`", command("ca renew")));
        let kind = ca.older_kind_warning().map(|warning| format!("{warning}: `{}`", command("ca renew --force")));
        end.into_iter().chain(kind).collect()
    }
}
