//! Words for each library error on the terminal: the failed operation, the reason, and the command that fixes it.

mod ca;
mod fixtures;
mod remote;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

pub(crate) use self::ca::{needs_no_sudo, one_thing_at_a_time, permit_hint, remake_hint, renew_hint};
pub(crate) use self::fixtures::{build, fixtures};
pub(crate) use self::remote::{no_endpoint, remote};
use super::beside;
use super::command_line::{self, ADDR, CA_KEY, CommandLine, Flag, PORT, PURPOSE};
use secure_io::container::{FileType, KeyFormat};
use secure_io::report::remote::Cause;
use secure_io::{cert, container, credentials, csr, files, generate, key, name, server, validity};

/// Reason why a command ended without its result.
pub(crate) enum Failure {
    /// The reader of stdout has gone: not an error.
    BrokenPipe,
    /// The operation failed: exit status 2.
    Error(Box<Report>),
}

/// An error for a person in a hurry.
pub(crate) struct Report {
    /// Error with its causes.
    pub(crate) error: anyhow::Error,
    /// More to know, a line each.
    pub(crate) details: Vec<String>,
    /// Remedies, with commands to paste.
    pub(crate) hints: Vec<String>,
    /// The layer and the code, for a server that could not be asked.
    pub(crate) cause: Option<Cause>,
}

impl Failure {
    pub(crate) fn new(error: anyhow::Error) -> Self {
        Self::Error(Box::new(Report { error, details: Vec::new(), hints: Vec::new(), cause: None }))
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

    /// Says at which layer a server could not be asked, and why.
    fn caused_by(mut self, cause: Cause) -> Self {
        if let Self::Error(report) = &mut self {
            report.cause = Some(cause);
        }
        self
    }

    /// Replaces the advice.
    pub(crate) fn instead(mut self, text: impl Into<String>) -> Self {
        if let Self::Error(report) = &mut self {
            report.hints.clear();
        }
        self.hint(text)
    }

    fn hints(self, texts: impl IntoIterator<Item = String>) -> Self {
        texts.into_iter().fold(self, Self::hint)
    }

    /// The remedies.
    pub(crate) fn hint_list(&self) -> &[String] {
        match self {
            Self::BrokenPipe => &[],
            Self::Error(report) => &report.hints,
        }
    }

    /// Formats the reason in one line.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::BrokenPipe => "standard output is closed".to_owned(),
            Self::Error(report) => report.error.to_string(),
        }
    }

    /// Formats the reason with its causes in one line, for a log.
    pub(crate) fn in_one_line(&self) -> String {
        let Self::Error(report) = self else { return self.reason() };
        let mut text = String::new();
        for cause in report.error.chain().map(ToString::to_string) {
            // Some say their cause themselves.
            if !text.contains(&cause) {
                text.push_str(if text.is_empty() { "" } else { ": " });
                text.push_str(&cause);
            }
        }
        text.replace('\n', " ")
    }

    pub(crate) fn detail(mut self, text: impl Into<String>) -> Self {
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
            files::Error::Exists { .. } => Some(FORCE.to_owned()),
            files::Error::Io { action: "write", path, source } if source.kind() == io::ErrorKind::NotFound => {
                path.parent().map(|folder| {
                    let command = CommandLine::of("mkdir -p").path(folder).and(CommandLine::typed());
                    format!("make the folder first: `{command}`")
                })
            }
            _ => None,
        };
        Self::new(error.into()).hints(hint)
    }
}

/// Advice where a file is in the way: no command, because that would destroy the file.
const FORCE: &str = "--force replaces what is there";

/// A file in the way, with the command that writes elsewhere; other errors as they are.
pub(crate) fn in_the_way(error: files::Error, elsewhere: impl FnOnce(&Path) -> String) -> Failure {
    match &error {
        files::Error::Exists { path } => {
            let hint = elsewhere(path);
            Failure::new(error.into()).hint(hint).hint(FORCE)
        }
        _ => error.into(),
    }
}

/// The command that was typed with an output that does not exist yet, for [`in_the_way`].
pub(crate) fn elsewhere(flag: &Flag) -> impl FnOnce(&Path) -> String {
    |path| format!("write it elsewhere: `{}`", CommandLine::typed().with(flag, command_line::unused(path)))
}

impl From<name::Error> for Failure {
    fn from(error: name::Error) -> Self {
        let (input, instead) = (error.input.clone(), error.instead.clone());
        let hint = (!instead.is_empty()).then(|| command_line::write_instead(&input, &instead));
        Self::new(error.into()).hints(hint)
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

/// A file with unexpected content.
pub(crate) fn in_file(path: &Path, error: container::Error) -> Failure {
    let (of, beside) = (CommandLine::of, |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        command_line::unused(Path::new(&name))
    });
    let hint = match &error {
        container::Error::PassphraseNeeded | container::Error::StorePasswordNeeded => {
            return about(path, error.into()).hint(PASSPHRASE);
        }
        container::Error::UnknownCipher { .. } => {
            let command = of("openssl pkcs8 -topk8 -v2 aes-256-cbc -in").path(path);
            format!("convert it with `{}`", command.flag("-out", beside(".pkcs8")))
        }
        container::Error::UnusableFormat { format: KeyFormat::OpenSsh } => {
            let copy = beside(".pkcs8");
            let convert = of("ssh-keygen -p -m PKCS8 -f").path(&copy);
            format!("convert a copy of it with `{}`", of("cp").path(path).path(&copy).and(convert))
        }
        container::Error::Nothing { found: FileType::JavaKeystore } => keytool(path, &beside(".p12")),
        container::Error::Nothing { found: FileType::Putty } => {
            let command = of("puttygen").path(path).args(["-O", "private-openssh"]);
            format!("convert it with `{}`", command.flag("-o", beside(".key")))
        }
        container::Error::Nothing { found: FileType::SshPublicKey } => {
            format!("convert it with `{}`", of("ssh-keygen -e -m PKCS8 -f").path(path))
        }
        _ => return about(path, error.into()),
    };
    about(path, error.into()).hint(hint)
}

/// The conversion of a Java keystore to PKCS#12.
fn keytool(path: &Path, store: &Path) -> String {
    let command = CommandLine::of("keytool -importkeystore -srckeystore").path(path);
    format!("convert it with `{} -deststoretype pkcs12`", command.flag("-destkeystore", store))
}

/// Advice where a passphrase is missing.
const PASSPHRASE: &str = "give the passphrase with --passphrase-file or --passphrase-env";

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
        credentials::Error::Generate(error) => error.into(),
        credentials::Error::Ca(error) => error.into(),
        error => Failure::new(error.into()),
    }
}

/// A certificate that is not renewed.
pub(crate) fn not_renewed(path: &Path, error: generate::Error) -> Failure {
    let text = format!("cannot renew `{}`: {error}", path.display());
    Failure::new(anyhow::Error::new(error).context(text))
}

/// A key that a double cannot have, because it is the original's.
pub(crate) fn double_has_original_key(key: &Path, error: generate::Error) -> Failure {
    about(key, error.into()).hint(format!("have a key made: `{}`", CommandLine::typed().without(&command_line::KEY)))
}

/// A port that cannot be listened on.
pub(crate) fn listen(error: server::Error) -> Failure {
    let on_port = |port: u16| CommandLine::typed().with(&PORT, port.to_string());
    match &error {
        server::Error::PortInUse { address, .. } => {
            let hint = format!("take another port: `{}`", on_port(free_port(*address)));
            Failure::new(error.into()).hint(hint).hint("ss -ltnp shows who has the port")
        }
        server::Error::PrivilegedPort { address, .. } => {
            let port = free_port(SocketAddr::new(address.ip(), UNPRIVILEGED));
            let hint = format!("take a port from 1024 up: `{}`", on_port(port));
            Failure::new(error.into())
                .hint(hint)
                .hint("sudo setcap cap_net_bind_service=+ep on the program's file allows it the ports below")
        }
        server::Error::AddressNotAvailable { .. } => {
            let command = CommandLine::typed().with(&ADDR, "0.0.0.0");
            Failure::new(error.into()).hint(format!("listen on all addresses of this machine: `{command}`"))
        }
        server::Error::Redis { reason, .. } if reason.is_password() => Failure::new(error.into())
            .hint("the URL holds the password, as in redis://:PASSWORD@HOST; so may SECURE_IO_REDIS"),
        server::Error::Redis { address, reason } if reason.is_ended() && !address.starts_with("rediss") => {
            Failure::new(error.into()).hint("if it speaks TLS, rediss:// in place of redis:// does so, too")
        }
        server::Error::Redis { reason, .. } if reason.is_distrust() => {
            Failure::new(error.into()).hint("--redis-ca names the file of the CA that it is from")
        }
        _ => Failure::new(error.into()),
    }
}

/// A port for those who may not take 443.
const UNPRIVILEGED: u16 = 8442;

/// The first of the ports behind this one that nobody has; 0, for one that the system finds, if all are taken.
fn free_port(address: SocketAddr) -> u16 {
    let ports = (1..=50).filter_map(|step| address.port().checked_add(step));
    let is_free = |port: &u16| TcpListener::bind(SocketAddr::new(address.ip(), *port)).is_ok();
    ports.into_iter().find(is_free).unwrap_or(0)
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

/// A certificate that could not be issued, with the file that is to blame: the request's, or the certificate or key of
/// a CA of the caller's.
pub(crate) fn issuing(error: generate::Error, request: Option<&Path>, ca: Option<(&Path, &Path)>) -> Failure {
    use cert::Error as C;
    use generate::Error as M;
    let blamed = match (&error, request, ca) {
        (M::Certificate(C::NotPermitted { .. }), _, Some(_)) => return Failure::new(error.into()),
        (M::Certificate(C::NotPermitted { names, .. }), _, None) => {
            let hint = permit_hint(names);
            return Failure::new(error.into()).hint(hint);
        }
        (M::NoIssuer { .. }, _, Some((certificate, key))) => {
            return issuer_mismatch(certificate, key);
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
                | C::PurposeNotPermitted { .. }
                | C::UnconstrainedName { .. },
            ),
            Some(request),
            _,
        ) => request,
        _ => return error.into(),
    };
    let text = format!("cannot use `{}`: {error}", blamed.display());
    match Failure::from(error) {
        Failure::Error(report) => {
            // those for the local CA fix no other.
            let hints = if ca.is_some() && request.is_none() { Vec::new() } else { report.hints };
            Failure::Error(Box::new(Report {
                error: report.error.context(text),
                details: report.details,
                hints,
                cause: report.cause,
            }))
        }
        Failure::BrokenPipe => Failure::BrokenPipe,
    }
}

/// A CA's key and certificate that do not belong together.
fn issuer_mismatch(certificate: &Path, key: &Path) -> Failure {
    let failure = Failure::message(format!("`{}` does not belong to `{}`", key.display(), certificate.display()));
    match beside::key_of(certificate) {
        Some(right) => {
            let command = CommandLine::typed().with(&CA_KEY, &right);
            failure.hint(format!("`{}` is its key: `{command}`", right.display()))
        }
        None => failure.hint("--ca-cert takes the certificate of the CA, --ca-key its private key"),
    }
}

impl From<generate::Error> for Failure {
    fn from(error: generate::Error) -> Self {
        use generate::Error as E;
        let hint = match &error {
            E::NoNames => Some("name the host behind the command".to_owned()),
            E::Certificate(cert::Error::BadNames { instead, .. }) if !instead.is_empty() => {
                Some(format!("put the right names in their place: `{}`", CommandLine::typed().args(instead)))
            }
            E::Certificate(cert::Error::BadNames { .. }) => {
                Some("make the request again, or name the hosts behind the command".to_owned())
            }
            E::NoKey => {
                Some("name the request's key with --key, or a CA with --ca or --ca-cert and --ca-key".to_owned())
            }
            E::Certificate(cert::Error::AsksForCa { .. }) => {
                Some(format!("sign it as a CA all the same: `{}`", CommandLine::typed().switch("--allow-ca")))
            }
            E::Certificate(cert::Error::NotPermitted { names, .. }) => Some(permit_hint(names)),
            E::Certificate(cert::Error::SubjectExcluded { .. }) => {
                Some("leave --subject out; only clients have one: --purpose client".to_owned())
            }
            E::Certificate(cert::Error::PurposeNotPermitted { permitted, .. }) => purpose_hint(permitted),
            E::Certificate(cert::Error::IssuerTime { .. }) => Some(ca::renew_hint()),
            _ => None,
        };
        Self::new(error.into()).hints(hint)
    }
}

/// The command that asks for a purpose that the CA's extKeyUsage permits, where it permits one of ours.
fn purpose_hint(permitted: &str) -> Option<String> {
    let purpose = match permitted {
        list if list.contains("serverAuth") => "server",
        list if list.contains("clientAuth") => "client",
        _ => return None,
    };
    let command = CommandLine::typed().with(&PURPOSE, purpose);
    Some(format!("have it made for what the CA may sign for: `{command}`"))
}
