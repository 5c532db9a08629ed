//! `gen-cert --renew`: the certificate that is there, its fit, and the issuer of its replacement.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use secure_io::ca::{self, LocalCa};
use secure_io::generate::{self, CertificateSpec};
use secure_io::key::PrivateKey;
use secure_io::report::made::GenCert;
use secure_io::{files, inspect, validity};
use time::OffsetDateTime;

use super::advice::request_in;
use super::{Args, Targets, report};
use crate::cli::args::{self, LoadedIssuer};
use crate::cli::beside;
use crate::cli::command_line::{CommandLine, KEY};
use crate::cli::failure::{self, Failure};

/// The state of the certificate that `--renew` found.
pub(super) enum Renewal {
    /// No `--renew`, or nothing there yet.
    None,
    /// Nothing needs to be made.
    Fits(Box<GenCert>),
    /// The certificate does not fit, or does not exist; the key does.
    Needed { key: Box<PrivateKey>, because: String, existing: Option<CertificateDer<'static>>, rewrites_csr: bool },
}

/// A key and the certificate beside it that are there to be renewed.
pub(super) struct Present {
    key: Box<PrivateKey>,
    chain: Vec<CertificateDer<'static>>,
}

impl Present {
    /// Reads them; `None` without `--renew`, and when nothing is there yet.
    pub(super) fn read(args: &Args, targets: &Targets) -> Result<Option<Self>, Failure> {
        if !args.renew.renew {
            return Ok(None);
        }
        let key_file = args.key.key.as_deref().unwrap_or(&targets.key);
        let has_certificate = !files::is_stdio(&targets.cert) && files::exists(&targets.cert);
        // A file that holds no certificate is not replaced: its reader says what it holds.
        let chain =
            if has_certificate { args::load_certificates(&targets.cert, &args.passphrase)? } else { Vec::new() };
        if !files::is_stdio(key_file) && !files::exists(key_file) {
            return match chain.first() {
                Some(leaf) => Err(without_key(leaf, targets, key_file)),
                None => Ok(None),
            };
        }
        let key = args::load_key(key_file, &args.passphrase)?;
        if let Some(algorithm) = args.key.algorithm.filter(|algorithm| !key.is(*algorithm)) {
            let (file, kind) = (key_file.display(), key.public_key());
            return Err(Failure::message(format!("`{file}` is {kind}, not {algorithm}, and `--renew` keeps the key"))
                .hint("--force in place of --renew makes a new key as well"));
        }
        let is_anothers = chain.first().and_then(|leaf| beside::spki_of(leaf)).is_some_and(|spki| spki != key.spki());
        if let Some(leaf) = chain.first().filter(|_| is_anothers && args.key.key.is_none()) {
            return Err(without_key(leaf, targets, key_file));
        }
        Ok(Some(Self { key: Box::new(key), chain }))
    }

    /// The issuer of the existing certificate; `None` if the issuer is not at hand.
    pub(super) fn issuer(&self, args: &Args) -> Result<Option<LoadedIssuer>, Failure> {
        let Some(leaf) = self.chain.first() else { return Ok(Some(LoadedIssuer::Own)) };
        if inspect::certificate(leaf).is_ok_and(|report| report.self_signed) {
            return Ok(Some(LoadedIssuer::Own));
        }
        let Ok(paths) = args.issuer.ca_paths() else { return Ok(None) };
        if paths.exist() && ca::has_issued(&paths, leaf) {
            return Ok(Some(LoadedIssuer::Local(Box::new(LocalCa::load(&paths)?))));
        }
        Ok(None)
    }

    /// Decides whether something has to be made.
    pub(super) fn renewal(
        self,
        args: &Args,
        targets: &Targets,
        spec: &CertificateSpec,
        issuer: Option<&LoadedIssuer>,
        now: OffsetDateTime,
    ) -> Result<Renewal, Failure> {
        let before = args.renew.renew_before.as_deref().map(validity::parse_span).transpose()?;
        let before = before.map(|span| time::Duration::try_from(span).unwrap_or(time::Duration::MAX));
        let purpose = spec.purpose.or_else(|| self.chain.first().and_then(|leaf| generate::purpose_of(leaf)));
        let signer = issuer.map(|issuer| issuer.signer(purpose.unwrap_or_default())).transpose()?;
        let because = generate::why_renew(&self.chain, &self.key, spec, signer, before, now);
        let missing = args.p12.p12.as_deref().filter(|path| !files::exists(path));
        let because = because.or_else(|| missing.map(|path| format!("`{}` is missing", path.display())));
        match (because, self.chain.first()) {
            (None, _) => Ok(Renewal::Fits(Box::new(report(&self.chain)?))),
            (Some(because), Some(leaf)) if issuer.is_none() => Err(not_at_hand(leaf, &because, targets)),
            (Some(because), _) => {
                let rewrites_csr =
                    self.chain.is_empty() || args.files.out_csr.is_some() || is_its_request(&targets.csr, &self.key);
                Ok(Renewal::Needed { because, existing: self.chain.into_iter().next(), key: self.key, rewrites_csr })
            }
        }
    }
}

/// Decides whether a file holds a request for this key: that of another set is left alone.
fn is_its_request(path: &Path, key: &PrivateKey) -> bool {
    request_in(path).is_some_and(|request| request.spki == key.spki())
}

/// The key of the certificate to be renewed is missing, or is another's.
fn without_key(leaf: &CertificateDer<'_>, targets: &Targets, key_file: &Path) -> Failure {
    let (certificate, key) = (targets.cert.display(), key_file.display());
    let failure = if files::exists(key_file) {
        Failure::message(format!("cannot renew `{certificate}`: `{key}` is not its private key"))
    } else {
        Failure::message(format!("cannot renew `{certificate}`: its private key `{key}` does not exist"))
    };
    match beside::spki_of(leaf).and_then(|spki| beside::key_for(&targets.cert, &spki)) {
        Some(right) => {
            let command = CommandLine::typed().with(&KEY, &right);
            failure.hint(format!("`{}` is its key: `{command}`", right.display()))
        }
        None => failure.hint("name its private key with --key"),
    }
}

fn not_at_hand(leaf: &CertificateDer<'_>, because: &str, targets: &Targets) -> Failure {
    let issuer = inspect::certificate(leaf).map(|report| report.issuer).unwrap_or_default();
    let certificate = targets.cert.display();
    failure::because(
        format!("cannot renew `{certificate}`: its issuer `{issuer}` is not at hand"),
        format!("it has to be renewed: {because}"),
    )
    .hint("name the issuer's files with --ca-cert and --ca-key; --ca or --self-signed changes the issuer")
}
