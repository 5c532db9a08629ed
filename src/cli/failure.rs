//! Gives each library error its words on the terminal: what could not be done, why, and the command that mends it.

mod ca;
mod fixtures;
mod remote;

use std::io;
use std::path::Path;

pub(crate) use self::ca::needs_no_sudo;
pub(crate) use self::fixtures::fixtures;
pub(crate) use self::remote::{no_endpoint, remote};
use super::args::IssuerArgs;
use super::command_line::CommandLine;
use secure_io::container::{Guess, KeyFormat};
use secure_io::{cert, container, credentials, csr, files, key, material, name, server, validity};

/// Why a command ended without its result.
pub(crate) enum Failure {
    /// Nobody reads stdout any more: not an error.
    BrokenPipe,
    /// It could not be done: exit status 2.
    Error(Box<Report>),
}

/// An error for a person in a hurry.
pub(crate) struct Report {
    /// What could not be done, and its causes.
    pub(crate) error: anyhow::Error,
    /// More to know, a line each.
    pub(crate) details: Vec<String>,
    /// What to do, with the command to paste.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(error: anyhow::Error) -> Self {
        Self::Error(Box::new(Report { error, details: Vec::new(), hints: Vec::new() }))
    }

    /// An error in words.
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::new(anyhow::Error::msg(text.into()))
    }

    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Error(report) = &mut self {
            report.hints.push(text.into());
        }
        self
    }

    /// Why, in one line.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::BrokenPipe => "standard output is closed".to_owned(),
            Self::Error(report) => report.error.to_string(),
        }
    }

    fn detail(mut self, text: impl Into<String>) -> Self {
        if let Self::Error(report) = &mut self {
            report.details.push(text.into());
        }
        self
    }
}

impl From<io::Error> for Failure {
    /// For errors of the standard streams; those of files come with their path.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::new(anyhow::Error::new(error).context("cannot write to standard output"))
    }
}

impl From<files::Error> for Failure {
    fn from(error: files::Error) -> Self {
        let hint = match &error {
            files::Error::Exists { .. } => Some("`--force` replaces what is there".to_owned()),
            files::Error::Io { action: "write", path, source } if source.kind() == io::ErrorKind::NotFound => {
                path.parent().map(|folder| format!("make the folder first: `mkdir -p {}`", folder.display()))
            }
            _ => None,
        };
        let failure = Self::new(error.into());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<name::Error> for Failure {
    fn from(error: name::Error) -> Self {
        let (input, instead) = (error.input.clone(), error.instead.clone());
        let failure = Self::new(error.into());
        if instead.is_empty() {
            return failure;
        }
        match CommandLine::typed().replacing(&input, &instead) {
            Some(command) => failure.hint(format!("write `{command}`")),
            None => failure.hint(format!("write {}", instead.join(" "))),
        }
    }
}

impl From<validity::Error> for Failure {
    fn from(error: validity::Error) -> Self {
        Self::new(error.into())
    }
}

impl From<key::Error> for Failure {
    fn from(error: key::Error) -> Self {
        Self::new(error.into())
    }
}

impl From<csr::Error> for Failure {
    fn from(error: csr::Error) -> Self {
        Self::new(error.into())
    }
}

impl From<container::Error> for Failure {
    fn from(error: container::Error) -> Self {
        Self::new(error.into())
    }
}

/// An error about a file: its name and the reason on one line.
fn about(path: &Path, error: anyhow::Error) -> Failure {
    let text = format!("cannot use `{}`: {error}", path.display());
    Failure::new(error.context(text))
}

/// An error in words, with its cause.
pub(crate) fn because(text: String, cause: String) -> Failure {
    Failure::message(text).detail(cause)
}

/// A file that does not hold what it should.
pub(crate) fn in_file(path: &Path, error: container::Error) -> Failure {
    let hint = match &error {
        container::Error::PassphraseNeeded => {
            Some("give the passphrase with `--passphrase-file FILE` or `--passphrase-env VAR`".to_owned())
        }
        container::Error::UnknownCipher { .. } => Some(format!(
            "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in {0} -out {0}.pkcs8`",
            path.display()
        )),
        container::Error::UnusableFormat { format: KeyFormat::OpenSsh } => {
            Some(format!("convert a copy of it in place with `ssh-keygen -p -m PKCS8 -f {}`", path.display()))
        }
        container::Error::Nothing { found: Guess::JavaKeystore } => Some(format!(
            "convert it with `keytool -importkeystore -srckeystore {0} -destkeystore {0}.p12 -deststoretype pkcs12`",
            path.display()
        )),
        container::Error::Nothing { found: Guess::Putty } => {
            Some(format!("convert it with `puttygen {0} -O private-openssh-new -o {0}.key`", path.display()))
        }
        container::Error::Nothing { found: Guess::SshPublicKey } => {
            Some(format!("convert it with `ssh-keygen -e -m PKCS8 -f {}`", path.display()))
        }
        _ => None,
    };
    let failure = about(path, error.into());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A CRL in a file that cannot be read.
pub(crate) fn malformed_in_file(path: &Path, error: secure_io::asn1::Error) -> Failure {
    about(path, error.into())
}

/// A key in a file that cannot be used.
pub(crate) fn key_in_file(path: &Path, error: key::Error) -> Failure {
    about(path, error.into())
}

/// A request in a file that cannot be taken.
pub(crate) fn request_in_file(path: &Path, error: csr::Error) -> Failure {
    about(path, error.into())
}

/// A certificate in a file that cannot be used.
pub(crate) fn certificate_in_file(path: &Path, error: credentials::Error) -> Failure {
    about(path, error.into())
}

/// Credentials that could not be made.
pub(crate) fn credentials(error: credentials::Error) -> Failure {
    match error {
        credentials::Error::File(error) => Failure::new(error.into()),
        credentials::Error::Material(error) => error.into(),
        credentials::Error::Ca(error) => error.into(),
        error => Failure::new(error.into()),
    }
}

/// A certificate that is not renewed.
pub(crate) fn not_renewed(path: &Path, error: material::Error) -> Failure {
    let text = format!("cannot renew `{}`: {error}", path.display());
    Failure::new(anyhow::Error::new(error).context(text))
}

/// A port that cannot be listened on.
pub(crate) fn listen(error: server::Error) -> Failure {
    let hint = match &error {
        server::Error::PortInUse { address, .. } => {
            format!("take another port with `--port`, or find who has it with `ss -ltnp 'sport = :{}'`", address.port())
        }
        server::Error::PrivilegedPort { .. } => {
            "take a port from 1024 up with `--port`, or allow it with `sudo setcap cap_net_bind_service=+ep $(command -v secure-io)`".to_owned()
        }
        server::Error::AddressNotAvailable { .. } => "`--addr 0.0.0.0` listens on all addresses of this machine".to_owned(),
        _ => return Failure::new(error.into()),
    };
    Failure::new(error.into()).hint(hint)
}

/// A key and a certificate or request that do not belong together.
pub(crate) fn mismatch(
    key: &Path,
    other: &Path,
    what: &str,
    (theirs, ours): (&cert::KeySummary, &cert::KeySummary),
) -> Failure {
    let line = |whose: &str, key: &cert::KeySummary| {
        format!("{whose} {} (spki sha256 {}…)", key.kind, key.spki_sha256.get(..16).unwrap_or_default())
    };
    Failure::message(format!("`{}` does not belong to `{}`", key.display(), other.display()))
        .detail(line(&format!("the {what}'s public key is"), theirs))
        .detail(line("the private key's is", ours))
}

/// A certificate that could not be issued, with the file that is to blame.
pub(crate) fn issuing(error: material::Error, request: Option<&Path>, issuer: &IssuerArgs) -> Failure {
    use cert::Error as C;
    use material::Error as M;
    let ca = issuer.files();
    let blamed = match (&error, request, ca) {
        (M::Certificate(C::NotPermitted { .. }), _, Some(_)) => return Failure::new(error.into()),
        (M::Certificate(C::NotPermitted { name, .. }), _, None) => {
            let hint = ca::permit_hint(name, &issuer.ca_dir_flag());
            return Failure::new(error.into()).hint(hint);
        }
        (M::NoIssuer { .. }, _, Some((certificate, key))) => {
            return Failure::message(format!("`{}` does not belong to `{}`", key.display(), certificate.display()))
                .hint("`--ca-cert` takes the certificate of the CA, `--ca-key` its private key");
        }
        (M::Certificate(C::NotACa { .. } | C::IssuerTime { .. } | C::Inspect(_)), _, Some((certificate, _))) => {
            certificate
        }
        (
            M::NoNames
            | M::Certificate(
                C::AsksForCa { .. }
                | C::BadNames { .. }
                | C::Contradiction { .. }
                | C::WeakKey { .. }
                | C::DuplicateExtension { .. }
                | C::MalformedExtension { .. }
                | C::PurposeNotPermitted { .. },
            ),
            Some(request),
            _,
        ) => request,
        _ => return error.into(),
    };
    let text = format!("cannot use `{}`: {error}", blamed.display());
    match Failure::from(error) {
        Failure::Error(report) => {
            // Those for the local CA mend no other.
            let hints = if ca.is_some() && request.is_none() { Vec::new() } else { report.hints };
            Failure::Error(Box::new(Report { error: report.error.context(text), details: report.details, hints }))
        }
        Failure::BrokenPipe => Failure::BrokenPipe,
    }
}

impl From<material::Error> for Failure {
    fn from(error: material::Error) -> Self {
        use material::Error as E;
        let hint = match &error {
            E::NoNames => Some("name the host behind the command".to_owned()),
            E::Certificate(cert::Error::BadNames { instead, .. }) if !instead.is_empty() => {
                Some(format!("put the right names in their place: `{}`", CommandLine::typed().args(instead)))
            }
            E::Certificate(cert::Error::BadNames { .. }) => {
                Some("make the request again, or name the hosts behind the command".to_owned())
            }
            E::NoKey => Some(
                "give the request's key with `--key FILE`, or a CA with `--ca` or `--ca-cert FILE --ca-key FILE`"
                    .to_owned(),
            ),
            E::Certificate(cert::Error::AsksForCa { .. }) => {
                Some(format!("sign it as a CA all the same: `{}`", CommandLine::typed().arg("--allow-ca")))
            }
            E::Certificate(cert::Error::NotPermitted { name, .. }) => Some(ca::permit_hint(name, "")),
            E::Certificate(cert::Error::PurposeNotPermitted { .. }) => {
                Some("`--purpose server` or `--purpose client` takes the place of what the request asks for".to_owned())
            }
            E::Certificate(cert::Error::IssuerTime { .. }) => Some(ca::RENEW_HINT.to_owned()),
            _ => None,
        };
        let failure = Self::new(error.into());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
