//! `gen-cert --like`: reads the certificate to make a double of, and makes the CA that signs it.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::generate::{CertificateSpec, Original};
use secure_io::key::PrivateKey;
use secure_io::{files, generate, words};
use time::OffsetDateTime;

use super::{Args, Generated};
use crate::cli::args::{self, LoadedIssuer};
use crate::cli::failure::{self, Failure};
use crate::cli::remote::{self, RemoteArgs};

#[derive(clap::Args)]
#[command(next_help_heading = "Double")]
pub(super) struct LikeArgs {
    /// Make a test double of this certificate, of a file or server: same names, usages, kind of key, lifetime and chain;
    /// new keys
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["csr", "renew", "webtransport"])]
    like: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// The certificate that was named, and who signs its double.
pub(super) struct Double {
    name: PathBuf,
    original: Original,
    /// The root of the CA made for it.
    pub(super) root: Option<CertificateDer<'static>>,
}

impl LikeArgs {
    /// The file to read, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.like.as_deref().filter(|path| files::exists(path))
    }

    /// Reads the certificate; `None` without `--like`.
    pub(super) fn read(&self, args: &Args) -> Result<Option<Double>, Failure> {
        let Some(name) = &self.like else { return Ok(None) };
        let certificates = match remote::endpoint(name)? {
            Some(endpoint) => self.remote.ask(&endpoint)?.chain,
            None => args::load_certificates(name, &args.passphrase)?,
        };
        let missing = || Failure::message(format!("there is no certificate in `{}`", name.display()));
        let original = Original::find(&certificates).map_err(|error| unusable(name, error))?.ok_or_else(missing)?;
        Ok(Some(Double { name: name.clone(), original, root: None }))
    }
}

impl Double {
    /// The issuer: a CA made for it where the original has one, else its own key.
    pub(super) fn issuer(&mut self, spec: &CertificateSpec, now: OffsetDateTime) -> Result<LoadedIssuer, Failure> {
        if !self.original.has_issuer() {
            return Ok(LoadedIssuer::Own);
        }
        let made = self.original.private_ca(spec, now).map_err(|error| unusable(&self.name, error))?;
        self.root = made.certificates.last().cloned();
        Ok(LoadedIssuer::Other { certificates: made.certificates, key: Box::new(made.key) })
    }

    /// Makes the double, with a key of the same kind unless another was asked for.
    pub(super) fn make(
        &self,
        args: &Args,
        spec: &CertificateSpec,
        issuer: &LoadedIssuer,
        now: OffsetDateTime,
    ) -> Result<Generated, Failure> {
        let (key, key_is_new) = if let Some(path) = &args.key.key {
            (args::load_key(path, &args.passphrase)?, false)
        } else {
            let algorithm = args.key.algorithm.unwrap_or_else(|| self.original.algorithm());
            (PrivateKey::generate(algorithm)?, true)
        };
        let signer = issuer.signer(spec.purpose.unwrap_or_default())?;
        let made = generate::double(spec, &self.original, &key, signer, now);
        let (request, mut issued) = made.map_err(|error| self.failure(error, args))?;
        if self.root.is_none() && self.original.depth() > 0 {
            let count = words::counted(self.original.depth(), "CA");
            issued.notes.push(format!("the chain is not copied: the original has {count} above it"));
        }
        Ok(Generated { key: Some(key), key_is_new, request: Some(request), issued, renewed_because: None })
    }

    /// Words for the error of a double that could not be made.
    fn failure(&self, error: generate::Error, args: &Args) -> Failure {
        match error {
            error @ generate::Error::OriginalKey => match &args.key.key {
                Some(key) => failure::double_has_original_key(key, error),
                None => unusable(&self.name, error),
            },
            error if args.issuer.is_named() => failure::issuing(error, None, args.issuer.files()),
            error => unusable(&self.name, error),
        }
    }
}

fn unusable(name: &Path, error: generate::Error) -> Failure {
    let text = format!("cannot make a double of `{}`: {error}", name.display());
    Failure::new(anyhow::Error::new(error).context(text))
}
