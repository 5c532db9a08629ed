//! Argument groups that commands share, and the values read from them.

use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use etcetera::BaseStrategy;
use rustls::pki_types::CertificateDer;
use secure_io::ca::{self, LocalCa, Paths, Plan};
use secure_io::csr::Purpose;
use secure_io::files::{self, Existing, NewFile};
use secure_io::generate::{self, Carry, CertificateSpec, Signer};
use secure_io::key::{self, Algorithm, PrivateKey};
use secure_io::name::{self, SubjectAltName};
use secure_io::report::made::FileKind;
use secure_io::{container, validity};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::caller::Caller;
use super::command_line::{CA_DIR_VARIABLE, CommandLine, PASSPHRASE_ENV, PASSPHRASE_FILE};
use super::failure::{self, Failure};
use super::output::Output;

/// A key algorithm by its name, or as other programs call it.
pub(crate) fn algorithm_parser() -> impl TypedValueParser<Value = Algorithm> {
    let value = |algorithm: Algorithm| PossibleValue::new(algorithm.name()).aliases(other_names(algorithm));
    PossibleValuesParser::new(Algorithm::ALL.map(value)).map(|name| {
        let is_it =
            |algorithm: &Algorithm| algorithm.name() == name || other_names(*algorithm).contains(&name.as_str());
        Algorithm::ALL.into_iter().find(is_it).unwrap_or_default()
    })
}

/// Other programs' names of an algorithm; `rsa` alone is what `openssl genpkey -algorithm RSA` makes.
fn other_names(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm.name() {
        "ecdsa-p256" => &["p256", "p-256", "P256", "P-256", "ec", "EC", "ecdsa", "ECDSA", "prime256v1", "secp256r1"],
        "ecdsa-p384" => &["p384", "p-384", "P384", "P-384", "secp384r1"],
        "ecdsa-p521" => &["p521", "p-521", "P521", "P-521", "secp521r1"],
        "ed25519" => &["Ed25519", "ED25519", "eddsa"],
        "rsa-2048" => &["rsa", "RSA", "rsa2048", "rsa:2048", "RSA-2048", "2048"],
        "rsa-3072" => &["rsa3072", "rsa:3072", "RSA-3072", "3072"],
        "rsa-4096" => &["rsa4096", "rsa:4096", "RSA-4096", "4096"],
        _ => &[],
    }
}

/// Days, as in `30` or `30d`, or another span of whole days.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    const DAY: u64 = 24 * 60 * 60;
    if let Ok(days) = text.parse() {
        return Ok(days);
    }
    let span = validity::parse_span(text).map_err(|_| "days are a number, as in 30".to_owned())?;
    match u32::try_from(span.as_secs() / DAY) {
        Ok(days) if span.as_secs().is_multiple_of(DAY) => Ok(days),
        _ => Err("days are a number, as in 30".to_owned()),
    }
}

fn purpose_parser() -> impl TypedValueParser<Value = Purpose> {
    PossibleValuesParser::new(Purpose::ALL.map(Purpose::name))
        .map(|name| Purpose::ALL.into_iter().find(|purpose| purpose.name() == name).unwrap_or_default())
}

/// Subject and names of a certificate or request.
#[derive(clap::Args)]
#[command(next_help_heading = "Names")]
pub(crate) struct NameArgs {
    /// Hosts: names, wildcards, addresses, emails, URIs [default: localhost 127.0.0.1 ::1]
    #[arg(value_name = "HOST", help_heading = None::<&str>)]
    hosts: Vec<String>,
    /// Subject as RFC 4514 writes it, `CN=app.test,O=Example` [default: the first host as CN]
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Purpose of the certificate [default: server]
    #[arg(long, value_name = "PURPOSE", value_parser = purpose_parser())]
    purpose: Option<Purpose>,
}

impl NameArgs {
    /// Decides whether neither hosts nor subject nor purpose were given.
    pub(crate) fn is_default(&self) -> bool {
        self.hosts.is_empty() && self.subject.is_none() && self.purpose.is_none()
    }

    /// The names, checked.
    pub(crate) fn spec(&self) -> Result<CertificateSpec, Failure> {
        Ok(CertificateSpec {
            names: name::parse_all(self.hosts.iter().map(String::as_str))?,
            subject: self.subject.as_deref().map(str::parse).transpose()?,
            purpose: self.purpose,
            ..CertificateSpec::default()
        })
    }
}

/// Warnings about names.
pub(crate) fn name_warnings(names: &[SubjectAltName]) -> Vec<String> {
    names.iter().filter_map(SubjectAltName::warning).map(|warning| warning.to_string()).collect()
}

/// A warning about a key that comes from a seed.
pub(crate) fn test_key_warning(key: &PrivateKey) -> Option<String> {
    let warning = "this private key comes from a seed, and anybody can make it again: use it in tests alone";
    secure_io::key::is_test_key(key.pkcs8()).then(|| warning.to_owned())
}

/// Validity of a certificate.
#[derive(clap::Args)]
#[command(next_help_heading = "Validity")]
pub(crate) struct ValidityArgs {
    /// Lifetime in days [default: 365]
    #[arg(long, value_name = "N", value_parser = days, conflicts_with = "not_after")]
    days: Option<u32>,
    /// First second: RFC 3339, or a span from now such as -1d [default: an hour ago]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    not_before: Option<String>,
    /// Last second: RFC 3339, or a span from now such as 90d
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    not_after: Option<String>,
}

impl ValidityArgs {
    /// Copies the arguments into an order.
    pub(crate) fn apply(&self, spec: CertificateSpec, now: OffsetDateTime) -> Result<CertificateSpec, Failure> {
        let time = |text: &Option<String>| text.as_deref().map(|text| validity::parse_time(text, now)).transpose();
        let (not_before, not_after) = (time(&self.not_before)?, time(&self.not_after)?);
        Ok(CertificateSpec { days: self.days, not_before, not_after, ..spec })
    }
}

/// Source of an encrypted key's passphrase.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Passphrase")]
pub(crate) struct PassphraseArgs {
    /// Read the private key's passphrase from the first line of a file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Read the private key's passphrase from an environment variable
    #[arg(long, value_name = "VAR", conflicts_with = "passphrase_file")]
    passphrase_env: Option<String>,
    /// The advice where a passphrase is missing, unless it is to give these flags.
    #[arg(skip)]
    advice: Option<&'static str>,
    /// True if nobody is there to be asked.
    #[arg(skip)]
    is_unattended: bool,
}

impl PassphraseArgs {
    /// Those of a command that has no such flags: on a terminal it asks.
    pub(crate) const fn absent() -> Self {
        let advice = "write what is in it as PEM with `secure-io inspect --pem` and a passphrase, and name that file";
        Self { passphrase_file: None, passphrase_env: None, advice: Some(advice), is_unattended: false }
    }

    /// The same for a program that goes on by itself, and asks nobody.
    pub(crate) fn unattended(self) -> Self {
        Self { is_unattended: true, ..self }
    }

    /// The file it is read from, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.passphrase_file.as_deref()
    }

    /// Refuses a passphrase that nothing would be done with: whoever gives one expects an encrypted key.
    pub(crate) fn check_used(&self, is_used: bool) -> Result<(), Failure> {
        if !is_used && (self.passphrase_file.is_some() || self.passphrase_env.is_some()) {
            let without = CommandLine::typed().without(&PASSPHRASE_FILE).without(&PASSPHRASE_ENV);
            return Err(Failure::message("a passphrase is given, but no key is encrypted")
                .hint(format!("leave it out: `{without}`")));
        }
        Ok(())
    }

    /// As [`Self::check_used`], for commands that can encrypt the key that they make.
    pub(crate) fn check_encrypts(&self, is_used: bool) -> Result<(), Failure> {
        let encrypted = || format!("encrypt the key that is made: `{}`", CommandLine::typed().switch("--encrypt"));
        self.check_used(is_used).map_err(|failure| failure.instead(encrypted()))
    }

    /// Returns the passphrase given by a flag.
    pub(crate) fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        secret(self.passphrase_file.as_deref(), self.passphrase_env.as_deref())
    }

    /// Returns the passphrase that opens an encrypted key; prompts on a terminal if no flag gave one.
    fn to_open(&self, path: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
        let given = self.given()?;
        if given.is_some() || self.is_unattended || !std::io::stdin().is_terminal() {
            return Ok(given);
        }
        ask(&format!("Passphrase of {}: ", path.display())).map(Some)
    }

    /// Returns the passphrase that encrypts a new key; prompts twice on a terminal if no flag gave one.
    pub(crate) fn to_encrypt(&self) -> Result<Zeroizing<String>, Failure> {
        new_secret(self.given()?, "passphrase", "--passphrase-file or --passphrase-env")
    }
}

/// A secret to be: given, or asked for twice; never empty.
pub(crate) fn new_secret(
    given: Option<Zeroizing<String>>,
    what: &str,
    flags: &str,
) -> Result<Zeroizing<String>, Failure> {
    let secret = match given {
        Some(secret) => secret,
        None if std::io::stdin().is_terminal() => {
            let secret = ask(&format!("New {what}: "))?;
            if *secret != *ask(&format!("The same {what} again: "))? {
                return Err(Failure::message(format!("the two {what}s differ")));
            }
            secret
        }
        None => return Err(Failure::message(format!("no {what} is given")).hint(format!("give one with {flags}"))),
    };
    if secret.is_empty() {
        return Err(Failure::message(format!("the {what} is empty")));
    }
    Ok(secret)
}

/// Asks for a secret on the terminal.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let answer = rpassword::prompt_password(prompt);
    answer
        .map(Zeroizing::new)
        .map_err(|error| Failure::new(anyhow::Error::new(error).context("cannot ask for a passphrase")))
}

/// A secret from the first line of a file, or from the environment.
pub(crate) fn secret(file: Option<&Path>, variable: Option<&str>) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(path) = file {
        let bytes = files::read(path)?;
        return first_line(&bytes).map(Some).map_err(|error| {
            Failure::new(anyhow::Error::new(error).context(format!("`{}` is not UTF-8 text", path.display())))
        });
    }
    let Some(variable) = variable else { return Ok(None) };
    match env::var(variable) {
        Ok(value) => Ok(Some(Zeroizing::new(value))),
        Err(error) => Err(Failure::new(
            anyhow::Error::new(error).context(format!("cannot read the environment variable `{variable}`")),
        )),
    }
}

/// The first line of a text, without the byte order mark that editors on Windows put before it. A mark of UTF-16, as
/// Windows PowerShell writes, tells that encoding.
fn first_line(bytes: &[u8]) -> Result<Zeroizing<String>, std::str::Utf8Error> {
    let unit: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    let text = match unit {
        Some(unit) => {
            let units = bytes.as_chunks().0.iter().map(|octets| unit(*octets));
            char::decode_utf16(units).collect::<Result<String, _>>().ok()
        }
        None => None,
    };
    let text = Zeroizing::new(text.map_or_else(|| std::str::from_utf8(bytes).map(ToOwned::to_owned), Ok)?);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

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

/// Loads the certificates in a file of any form.
pub(crate) fn load_certificates(
    path: &Path,
    passphrase: &PassphraseArgs,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = files::read(path)?;
    let found = container::certificates_with(&bytes, || passphrase.to_open(path).map_err(Unopened::Passphrase));
    found.map_err(|error| error.in_file(path, passphrase))
}

/// Folder of the local CA.
#[derive(Clone, clap::Args)]
pub(crate) struct CaDirArgs {
    /// Folder of the local CA [default: the platform's data folder + secure-io/ca]
    #[arg(long, value_name = "DIR", env = CA_DIR_VARIABLE, hide_env_values = true)]
    ca_dir: Option<PathBuf>,
}

impl CaDirArgs {
    /// Returns true if a folder was named.
    pub(crate) fn is_given(&self) -> bool {
        self.ca_dir.is_some()
    }

    /// The local CA's files: under sudo those of its caller.
    pub(crate) fn paths(&self) -> Result<Paths, Failure> {
        match Caller::of_sudo() {
            Some(caller) if !self.is_given() => Ok(Paths::new(&caller.ca_folder())),
            _ => self.own_paths(),
        }
    }

    /// As [`Self::paths`], but under sudo root's.
    fn own_paths(&self) -> Result<Paths, Failure> {
        match &self.ca_dir {
            Some(folder) => Ok(Paths::new(folder)),
            None => Ok(Paths::new(&data_folder()?.join("ca"))),
        }
    }

    /// As [`Self::paths`]; under sudo it says whose CA that is.
    pub(crate) fn paths_of(&self, out: &mut Output) -> Result<Paths, Failure> {
        let paths = self.paths()?;
        if let (Ok(name), false) = (env::var("SUDO_USER"), self.is_given()) {
            let folder = paths.folder.display();
            out.note(match Caller::of_sudo() {
                Some(caller) => format!("run with sudo: this is the CA of {}, in {folder}", caller.name),
                None => format!("run with sudo: the CA is in {folder}; without it, it is that of {name}"),
            });
        }
        Ok(paths)
    }

    /// As [`Self::paths_of`], to write there: refused under sudo, for root's files would be in the way of whose CA it
    /// is.
    pub(crate) fn paths_to_change(&self, out: &mut Output) -> Result<Paths, Failure> {
        match Caller::of_sudo() {
            Some(caller) if !self.is_given() => Err(failure::needs_no_sudo(&caller.name)),
            _ => self.paths_of(out),
        }
    }
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

/// Makes the local CA, as `ca init` does, if nothing of one exists; returns true if it was made.
pub(crate) fn make_missing_ca(paths: &Paths, now: OffsetDateTime) -> Result<bool, Failure> {
    let parts = [&paths.root, &paths.intermediate, &paths.intermediate_key];
    if parts.into_iter().any(|path| files::exists(path)) {
        return Ok(false);
    }
    ca::narrow(paths)?;
    match LocalCa::create(paths, &Plan::default(), now) {
        // Another run was quicker.
        Err(ca::Error::Exists { .. }) => Ok(false),
        made => Ok(made.map(|_| true)?),
    }
}

/// Returns the name of the user: under sudo, of its caller.
pub(crate) fn user() -> Option<String> {
    let variables = ["SUDO_USER", "LOGNAME", "USER", "USERNAME"];
    variables.into_iter().filter_map(|name| env::var(name).ok()).find(|user| !user.is_empty())
}

/// A path that means the same in every folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(anyhow::Error::new(error).context(format!("cannot tell where `{}` is", path.display())))
    })
}

/// The platform's folder for our data.
pub(crate) fn data_folder() -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy();
    let base = base.map_err(|error| Failure::new(anyhow::Error::new(error).context("cannot tell where data is kept")));
    Ok(base?.data_dir().join("secure-io"))
}

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

    /// Warnings that the local CA ends soon, and that it was made by an earlier version, each with its command.
    pub(crate) fn warnings(&self, now: OffsetDateTime) -> Vec<String> {
        let Self::Local(ca) = self else { return Vec::new() };
        let command = |subcommand: &str| CommandLine::ours(subcommand).carrying_ca_dir();
        let end = ca.warning(now).map(|warning| format!("{warning}: `{}`", command("ca renew")));
        let kind = ca.older_kind_warning().map(|warning| format!("{warning}: `{}`", command("ca renew --force")));
        end.into_iter().chain(kind).collect()
    }
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
        let passphrase = PassphraseArgs {
            passphrase_file: self.ca_passphrase_file.clone(),
            passphrase_env: self.ca_passphrase_env.clone(),
            advice: Some("give the passphrase with --ca-passphrase-file or --ca-passphrase-env"),
            is_unattended: false,
        };
        let certificates = load_certificates(certificate, &passphrase)?;
        let key = load_key(key, &passphrase)?;
        Ok(LoadedIssuer::Other { certificates, key: Box::new(key) })
    }
}

/// Options for writing and reporting files.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct WriteArgs {
    /// Replace files that exist
    #[arg(long, short)]
    pub(crate) force: bool,
    /// Do everything but write
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl WriteArgs {
    /// Refuses to mix output on standard output with the report, or with other output.
    pub(crate) fn check_stdout(&self, files: usize) -> Result<(), Failure> {
        if files + usize::from(self.json) > 1 && files > 0 {
            return Err(Failure::message("standard output takes one thing at a time"));
        }
        Ok(())
    }

    /// Refuses files that could not be written, after a killed run has been finished; a dry run touches nothing.
    ///
    /// `elsewhere` is the advice for a file in the way.
    pub(crate) fn check_set(
        &self,
        paths: &[&Path],
        existing: Existing,
        elsewhere: impl FnOnce(&Path) -> String,
    ) -> Result<(), Failure> {
        if !self.dry_run {
            files::settle_all(paths.iter().copied())?;
        }
        files::check_set(paths.iter().copied(), existing).map_err(|error| failure::in_the_way(error, elsewhere))
    }

    pub(crate) fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }
}

/// Returns the kind of a key's file.
pub(crate) fn key_kind(encrypted: bool) -> FileKind {
    if encrypted { FileKind::EncryptedPrivateKey } else { FileKind::PrivateKey }
}

/// A key as PEM, under the passphrase if there is one.
pub(crate) fn key_pem(key: &PrivateKey, passphrase: Option<&Zeroizing<String>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = match passphrase {
        Some(passphrase) => container::pem("ENCRYPTED PRIVATE KEY", &container::encrypt_key(key.pkcs8(), passphrase)?)?,
        None => container::pem("PRIVATE KEY", key.pkcs8())?,
    };
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// Writes a set of files, those for standard output last and there.
pub(crate) fn write_set(set: Vec<NewFile>, existing: Existing, out: &mut Output) -> Result<(), Failure> {
    let (stdio, named): (Vec<_>, Vec<_>) = set.into_iter().partition(|file| files::is_stdio(file.path()));
    files::write_set(&named, existing)?;
    stdio.iter().try_for_each(|file| out.data(file.content()))
}

/// Refuses to overwrite an input file.
pub(crate) fn check_not_input<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<(), Failure> {
    match inputs.into_iter().find(|input| files::same(input, output)) {
        Some(input) => Err(Failure::message(format!("`{}` is read and would be written over", input.display()))),
        None => Ok(()),
    }
}
