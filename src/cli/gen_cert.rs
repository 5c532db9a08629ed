mod advice;
mod like;
mod renewal;

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::container::{self, Pkcs12Ciphers};
use secure_io::csr::Request;
use secure_io::files::{self, Existing, NewFile};
use secure_io::generate::{self, CertificateSpec, Issued};
use secure_io::key::{Algorithm, PrivateKey};
use secure_io::report::made::{File, FileKind, GenCert};
use secure_io::{cert, inspect, validity};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::Outcome;
use super::args::{self, IssuerArgs, LoadedIssuer, NameArgs, PassphraseArgs, ValidityArgs, WriteArgs};
use super::ca;
use super::caller;
use super::failure::{self, Failure};
use super::folders;
use super::output::Output;
use like::{Double, LikeArgs};
use renewal::{Present, Renewal};

/// Make a key, a CSR and a certificate; or sign a CSR
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io gen-cert                                        for localhost, 127.0.0.1 and ::1
  secure-io gen-cert app.test '*.app.test' 192.168.1.7      for other hosts
  secure-io gen-cert --csr server-csr.pem --key server-key.pem
      as openssl x509 -req -in server-csr.pem -signkey server-key.pem -out server-cert.pem
  secure-io gen-cert --ca-cert ca.pem --ca-key ca-key.pem --csr server-csr.pem
  secure-io gen-cert --webtransport localhost               14 days, and the certificate's hash
  secure-io gen-cert --like https://app.example             a test double, by a CA made for it
  secure-io gen-cert --renew                                from cron: does nothing while it fits

Exit status: 0 done, or nothing to do; 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    validity: ValidityArgs,
    /// Make it for WebTransport's serverCertificateHashes: ECDSA P-256, at most 14 days; prints its hash
    #[arg(long, conflicts_with_all = ["csr"], help_heading = "Validity")]
    webtransport: bool,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    issuer: IssuerArgs,
    #[command(flatten)]
    like: LikeArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    p12: Pkcs12Args,
    #[command(flatten)]
    renew: RenewArgs,
    #[command(flatten)]
    write: WriteArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Key and request")]
struct KeyArgs {
    /// Kind of key to make [default: ecdsa-p256]
    #[arg(long, short, value_name = "ALGORITHM", value_parser = args::algorithm_parser(), conflicts_with_all = ["key", "csr"])]
    algorithm: Option<Algorithm>,
    /// Keep this private key rather than make one, - for standard input
    #[arg(long, short, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Sign this request rather than make one, - for standard input
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// Sign a request for a CA, too
    #[arg(long, requires = "csr")]
    allow_ca: bool,
    /// Encrypt the key made under a passphrase (PKCS#8, PBES2)
    #[arg(long, conflicts_with_all = ["key", "csr"])]
    encrypt: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Files")]
struct FileArgs {
    /// Folder for the files, created if missing [default: this one]
    #[arg(long, short = 'd', value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Prefix of the file names
    #[arg(long, short, value_name = "NAME", default_value = "server")]
    name: String,
    /// File for the certificate, - for standard output [default: server-cert.pem]
    #[arg(long, short, value_name = "FILE", visible_alias = "out")]
    out_cert: Option<PathBuf>,
    /// File for the key [default: server-key.pem]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "csr"])]
    out_key: Option<PathBuf>,
    /// File for the request [default: server-csr.pem]
    #[arg(long, value_name = "FILE", conflicts_with = "csr")]
    out_csr: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "PKCS#12")]
struct Pkcs12Args {
    /// Write key and certificates as PKCS#12 as well
    #[arg(long, value_name = "FILE")]
    p12: Option<PathBuf>,
    /// Read its password from the first line of a file
    #[arg(long, value_name = "FILE", requires = "p12")]
    p12_password_file: Option<PathBuf>,
    /// Read its password from an environment variable
    #[arg(long, value_name = "VAR", requires = "p12", conflicts_with = "p12_password_file")]
    p12_password_env: Option<String>,
    /// Name of key and certificates in it, as Java's alias [default: what the files' names begin with]
    #[arg(long, value_name = "NAME", requires = "p12", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    p12_alias: Option<String>,
    /// Use 3DES and SHA-1, for old readers
    #[arg(long, requires = "p12")]
    p12_legacy: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Renewal")]
struct RenewArgs {
    /// Replace the existing certificate, but only if it no longer fits or expires soon
    ///
    /// Names, subject, purpose, key, lifetime and issuer stay as they are, unless others are given.
    #[arg(long, conflicts_with_all = ["csr", "force"])]
    renew: bool,
    /// Remaining time below which a certificate is renewed [default: 30d, or a third of its life]
    #[arg(long, value_name = "SPAN", requires = "renew")]
    renew_before: Option<String>,
}

/// Paths of the files to write.
struct Targets {
    key: PathBuf,
    csr: PathBuf,
    cert: PathBuf,
    /// The root of a CA made for a double.
    root: PathBuf,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let now = validity::now();
    let spec = args.validity.apply(args.names.spec()?, now)?;
    let spec = if args.webtransport { spec.for_web_transport(now)? } else { spec };
    let targets = args.files.targets()?;
    let present = Present::read(args, &targets)?;
    if present.is_some() {
        let found = [(args.key.key.is_none(), &targets.key), (args.files.out_cert.is_none(), &targets.cert)];
        args::warn_of_doubt(found.into_iter().filter(|(found, _)| *found).map(|(_, path)| path.as_path()), out);
    }
    let mut double = args.like.read(args)?;
    let issuer = match (&present, &mut double) {
        (Some(present), _) if !args.issuer.is_named() => present.issuer(args)?,
        (_, Some(double)) if !args.issuer.is_named() => Some(double.issuer(&spec, now)?),
        _ => Some(args.issuer.load(args.write.dry_run, now, out)?),
    };
    let renewal = match present {
        Some(present) => present.renewal(args, &targets, &spec, issuer.as_ref(), now)?,
        None => Renewal::None,
    };
    let issuer = issuer.unwrap_or(LoadedIssuer::Own);
    if let Renewal::Fits(report) = renewal {
        return args.report_fit(&report, &targets, out, now);
    }
    let existing = if args.renew.renew { Existing::Replace } else { args.write.existing() };
    args.check(&targets, (&renewal, double.as_ref()), existing)?;
    let secrets = args.secrets()?;
    let made = match &double {
        Some(double) => double.make(args, &spec, &issuer, now)?,
        None => args.make(&spec, &issuer, (renewal, &targets), now)?,
    };
    let root = double.and_then(|double| double.root);
    let (set, mut report) = args.files(&targets, (&made, root.as_ref()), &secrets)?;
    report.warnings.extend(issuer.warnings(now));
    report.warnings.extend(issuer.refusal(&made.issued.chain, now));
    report.warnings.extend(made.key.as_ref().and_then(args::test_key_warning));
    if report.written {
        if let Some(folder) = &args.files.out_dir {
            files::create_folder(folder, false)?;
        }
        record(&issuer, &made.issued.chain, &targets.cert, now)?;
        args::write_set(set, existing, out)?;
    }
    let outcome = args.print(&report, out, now)?;
    if let LoadedIssuer::Local(ca) = &issuer
        && !args.write.json
    {
        ca::say_if_untrusted(&ca.paths, out);
    }
    Ok(outcome)
}

impl FileArgs {
    fn targets(&self) -> Result<Targets, Failure> {
        if self.name.is_empty() || Path::new(&self.name).file_name() != Some(self.name.as_ref()) {
            return Err(advice::not_a_name(&self.name));
        }
        let path = |given: &Option<PathBuf>, ending| {
            let folder = self.out_dir.clone().unwrap_or_default();
            given.clone().unwrap_or_else(|| folder.join(format!("{}-{ending}.pem", self.name)))
        };
        let targets = Targets {
            key: path(&self.out_key, "key"),
            csr: path(&self.out_csr, "csr"),
            cert: path(&self.out_cert, "cert"),
            root: path(&None, "root"),
        };
        Ok(targets)
    }
}

/// A generated certificate and the files that come with it, still unwritten.
struct Generated {
    key: Option<PrivateKey>,
    /// True if the key is new and has to be written.
    key_is_new: bool,
    request: Option<Vec<u8>>,
    issued: Issued,
    renewed_because: Option<String>,
}

/// Passphrases for the files to write.
struct Secrets {
    passphrase: Option<Zeroizing<String>>,
    p12_password: Option<Zeroizing<String>>,
}

impl Args {
    /// The paths that would be written.
    fn outputs<'a>(&'a self, targets: &'a Targets, renewal: &Renewal, double: Option<&Double>) -> Vec<&'a Path> {
        let key_is_new = self.key.key.is_none() && self.key.csr.is_none() && !matches!(renewal, Renewal::Needed { .. });
        let key = key_is_new.then_some(targets.key.as_path());
        let leaves_csr = matches!(renewal, Renewal::Needed { rewrites_csr: false, .. });
        let csr = (self.key.csr.is_none() && !leaves_csr).then_some(targets.csr.as_path());
        let root = double.and_then(|double| double.root.as_ref()).map(|_| targets.root.as_path());
        let all = key.into_iter().chain(csr).chain([targets.cert.as_path()]).chain(root).chain(self.p12.p12.as_deref());
        all.collect()
    }

    /// Refuses files that could not be written, or that would overwrite an input, before anything is made.
    fn check(
        &self,
        targets: &Targets,
        (renewal, double): (&Renewal, Option<&Double>),
        existing: Existing,
    ) -> Result<(), Failure> {
        let outputs = self.outputs(targets, renewal, double);
        let (stdio, named): (Vec<_>, Vec<_>) = outputs.into_iter().partition(|path| files::is_stdio(path));
        self.write.check_stdout(stdio.len())?;
        if self.key.key.as_deref().is_some_and(files::is_stdio) && self.key.csr.as_deref().is_some_and(files::is_stdio)
        {
            return Err(Failure::message("standard input holds either the key or the request"));
        }
        if let (Some(_), Some(request), None) = (&self.p12.p12, &self.key.csr, &self.key.key) {
            let failure = Failure::message("a PKCS#12 file holds the key, too");
            return Err(advice::without_key(request, failure.hint("name the request's key with --key")));
        }
        let secrets = self.passphrase.file().into_iter().chain(self.p12.p12_password_file.as_deref());
        let inputs = self.key.key.iter().chain(&self.key.csr).map(PathBuf::as_path);
        let inputs: Vec<_> = inputs.chain(self.like.file()).chain(secrets).collect();
        for output in &named {
            args::check_not_input(output, inputs.iter().copied().chain(self.issuer.inputs()))?;
        }
        self.write.check_set(&named, existing, |_| advice::elsewhere(self, targets))
    }

    fn secrets(&self) -> Result<Secrets, Failure> {
        let opens = self.key.key.is_some() || self.renew.renew;
        if opens {
            self.passphrase.check_used(true)?;
        } else {
            self.passphrase.check_encrypts(self.key.encrypt)?;
        }
        let passphrase = self.key.encrypt.then(|| self.passphrase.to_encrypt()).transpose()?;
        let p12_password = match &self.p12.p12 {
            Some(_) => {
                let given = args::secret(self.p12.p12_password_file.as_deref(), self.p12.p12_password_env.as_deref())?;
                Some(args::new_secret(given, "password", "--p12-password-file or --p12-password-env")?)
            }
            None => None,
        };
        Ok(Secrets { passphrase, p12_password })
    }

    fn make(
        &self,
        spec: &CertificateSpec,
        issuer: &LoadedIssuer,
        (renewal, targets): (Renewal, &Targets),
        now: OffsetDateTime,
    ) -> Result<Generated, Failure> {
        if let Some(path) = &self.key.csr {
            return self.sign_request(path, spec, issuer, now);
        }
        let (key, key_is_new, renewed) = match (renewal, &self.key.key) {
            (Renewal::Needed { key, because, existing, rewrites_csr }, _) => {
                (*key, false, Some((because, existing, rewrites_csr)))
            }
            (_, Some(path)) => (args::load_key(path, &self.passphrase)?, false, None),
            (_, None) => (PrivateKey::generate(self.key.algorithm.unwrap_or_default())?, true, None),
        };
        let (renewed_because, existing, rewrites_csr) = match renewed {
            Some((because, existing, rewrites_csr)) => (Some(because), existing, rewrites_csr),
            None => (None, None, true),
        };
        let purpose = spec.purpose.or_else(|| existing.as_ref().and_then(|der| generate::purpose_of(der)));
        let signer = issuer.signer(purpose.unwrap_or_default())?;
        if self.webtransport {
            generate::check_web_transport_key(&key)?;
        }
        let made = match &existing {
            Some(existing) => generate::renew(spec, existing, &key, signer, now),
            None => generate::make(spec, &key, signer, now),
        };
        let (request, issued) = made.map_err(|error| match error {
            error @ generate::Error::RenewsCa => failure::not_renewed(&targets.cert, error),
            error => failure::issuing(error, None, self.issuer.files()),
        })?;
        Ok(Generated { key: Some(key), key_is_new, request: rewrites_csr.then_some(request), issued, renewed_because })
    }

    fn sign_request(
        &self,
        path: &Path,
        spec: &CertificateSpec,
        issuer: &LoadedIssuer,
        now: OffsetDateTime,
    ) -> Result<Generated, Failure> {
        let der = container::request(&files::read(path)?).map_err(|error| failure::in_file(path, error))?;
        let request = Request::from_der(&der).map_err(|error| failure::request_in_file(path, error))?;
        let key = self.key.key.as_ref().map(|path| args::load_key(path, &self.passphrase)).transpose()?;
        let signer = issuer.signer(spec.purpose.or_else(|| request.purpose()).unwrap_or_default())?;
        let issued = generate::sign_request(spec, &request, key.as_ref(), signer, self.key.allow_ca, now);
        let issued = issued.map_err(|error| match (error, &self.key.key) {
            (generate::Error::Certificate(cert::Error::KeyMismatch { theirs, ours }), Some(key)) => {
                advice::mismatch(key, path, (&theirs, &ours))
            }
            (error @ generate::Error::NoKey, _) => {
                advice::without_key(path, failure::issuing(error, Some(path), self.issuer.files()))
            }
            (error, _) => failure::issuing(error, Some(path), self.issuer.files()),
        })?;
        Ok(Generated { key, key_is_new: false, request: None, issued, renewed_because: None })
    }

    /// The files to write, and the report of them.
    fn files(
        &self,
        targets: &Targets,
        (made, root): (&Generated, Option<&CertificateDer<'_>>),
        secrets: &Secrets,
    ) -> Result<(Vec<NewFile>, GenCert), Failure> {
        let mut set = Vec::new();
        let mut kinds = Vec::new();
        if let Some(key) = made.key.as_ref().filter(|_| made.key_is_new) {
            set.push(NewFile::secret(&targets.key, args::key_pem(key, secrets.passphrase.as_ref())?));
            kinds.push(args::key_kind(self.key.encrypt));
        }
        if let Some(request) = &made.request {
            set.push(NewFile::public(&targets.csr, container::pem("CERTIFICATE REQUEST", request)?.as_bytes()));
            kinds.push(FileKind::Csr);
        }
        set.push(NewFile::public(&targets.cert, chain_pem(&made.issued.chain)?));
        kinds.push(FileKind::Certificate);
        if let Some(root) = root {
            set.push(NewFile::public(&targets.root, container::pem("CERTIFICATE", root)?.as_bytes()));
            kinds.push(FileKind::Root);
        }
        if let (Some(path), Some(key), Some(password)) = (&self.p12.p12, &made.key, &secrets.p12_password) {
            let alias = self.p12.p12_alias.as_deref().unwrap_or(&self.files.name);
            let ciphers = if self.p12.p12_legacy { Pkcs12Ciphers::Legacy } else { Pkcs12Ciphers::Modern };
            let p12 = container::pkcs12(key.pkcs8(), &made.issued.chain, alias, password, ciphers)?;
            set.push(NewFile::secret(path, p12));
            kinds.push(FileKind::Pkcs12);
        }
        let mut report = report(&made.issued.chain)?;
        report.files = set.iter().zip(kinds).map(|(file, kind)| File { kind, path: file.path().to_owned() }).collect();
        report.written = !self.write.dry_run;
        if self.webtransport {
            report.server_certificate_hash =
                made.issued.chain.first().map(|leaf| generate::server_certificate_hash(leaf));
        }
        report.renewed_because.clone_from(&made.renewed_because);
        report.notes.clone_from(&made.issued.notes);
        report.warnings.clone_from(&made.issued.warnings);
        Ok((set, report))
    }

    fn report_fit(
        &self,
        report: &GenCert,
        targets: &Targets,
        out: &mut Output,
        now: OffsetDateTime,
    ) -> Result<Outcome, Failure> {
        if self.write.json {
            out.json(report)?;
        } else {
            out.report(&report.unchanged_text(&targets.cert, now), false)?;
        }
        Ok(Outcome::Done)
    }

    fn print(&self, report: &GenCert, out: &mut Output, now: OffsetDateTime) -> Result<Outcome, Failure> {
        report.warnings.iter().for_each(|warning| out.warning(warning));
        if self.write.json {
            out.json(report)?;
            return Ok(Outcome::Done);
        }
        let stdout_is_data = report.files.iter().any(|file| files::is_stdio(&file.path));
        out.report(&report.text(now), stdout_is_data)?;
        report.notes.iter().for_each(|note| out.note(note));
        if let Some(hash) = &report.server_certificate_hash {
            out.report(&advice::server_certificate_hash(hash), stdout_is_data)?;
        } else if report.written && report.files.iter().any(|file| file.kind == FileKind::Root) {
            out.hint(
                "the keys of the CAs that were made for it are destroyed: make clients trust the root in tests alone",
            );
        } else if report.certificate.self_signed && report.written && !stdout_is_data {
            out.hint("clients refuse a self-signed certificate until they are told to trust it");
        }
        Ok(Outcome::Done)
    }
}

/// Records the certificate in the local CA's log, before the file exists.
fn record(
    issuer: &LoadedIssuer,
    chain: &[CertificateDer<'_>],
    path: &Path,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let (LoadedIssuer::Local(ca), Some(leaf)) = (issuer, chain.first()) else { return Ok(()) };
    let path = if files::is_stdio(path) { None } else { Some(folders::absolute(path)?) };
    Ok(ca.record(leaf, path.as_deref(), caller::user().as_deref(), now)?)
}

/// Describes a chain for the report.
fn report(chain: &[CertificateDer<'_>]) -> Result<GenCert, Failure> {
    let leaf = chain.first().ok_or_else(|| Failure::message("there is no certificate"))?;
    let certificate = inspect::certificate(leaf).map_err(|error| Failure::new(error.into()))?;
    Ok(GenCert {
        files: Vec::new(),
        written: false,
        renewed_because: None,
        server_certificate_hash: None,
        certificate,
        chain_length: chain.len(),
        notes: Vec::new(),
        warnings: Vec::new(),
    })
}

/// Certificates as PEM, one after the other.
fn chain_pem(chain: &[CertificateDer<'_>]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    for der in chain {
        text.extend_from_slice(container::pem("CERTIFICATE", der)?.as_bytes());
    }
    Ok(text)
}
