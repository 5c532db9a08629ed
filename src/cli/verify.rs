//! `verify`: whether clients should accept a certificate, and why not.

mod advice;
mod batch;
pub(super) mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use secure_io::ca::Paths;
use secure_io::key::{self, PrivateKey};
use secure_io::report::remote::Remote;
use secure_io::report::trust::StoreKind;
use secure_io::report::verdict::{Anchor, AnchorSource, Code, Reason, TrustingStore, Unasked, Verdict};
use secure_io::verify::{self, Certificate, Crl, Host, Purpose, Request};
use secure_io::{container, files, validity};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::trust::Trusted;
use super::Outcome;
use super::args::{self, CaDirArgs, PassphraseArgs};
use super::ca;
use super::failure::{self, Failure};
use super::output::Output;
use super::remote::{self, RemoteArgs};

/// Say whether clients should accept a certificate, and if not, why not
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io verify server-cert.pem --host app.test        against the system's roots and our CA
  secure-io verify --trust root.pem --untrusted ca.pem server-cert.pem
  secure-io verify --trust server-cert.pem server-cert.pem --key server-key.pem
  secure-io verify https://localhost:3000                 what a server shows, for the host asked
  secure-io verify --batch requests.jsonl                 one JSON line for each, in order

Exit status: 0 valid, 1 not valid, 2 it could not be judged")]
pub(crate) struct Args {
    /// The certificate, perhaps followed by those that issued it, - for standard input; or a server that shows it, as
    /// in https://localhost:3000
    #[arg(value_name = "LEAF", required_unless_present = "batch", conflicts_with = "batch")]
    leaf: Option<PathBuf>,
    #[command(flatten)]
    question: Question,
    /// Also refuse certificates that no CA may issue but clients accept
    #[arg(long)]
    strict: bool,
    /// Answer many requests: a file with a JSON object on each line, - for standard input
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Report as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Conditions that the certificate must meet.
#[derive(clap::Args)]
#[command(next_help_heading = "Judging")]
struct Question {
    /// Trust the certificates in this file [default: the system's roots, and the local CA]
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Certificates that may lie between LEAF and the trust anchor
    #[arg(long, value_name = "FILE")]
    untrusted: Vec<PathBuf>,
    /// CRLs; with any, each certificate on the path needs one that speaks of it
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// The name or address that it must be for
    #[arg(long, value_name = "NAME|IP")]
    host: Option<String>,
    /// Purpose that the certificate must serve
    #[arg(long, value_enum, value_name = "PURPOSE", default_value_t = For::Server)]
    purpose: For,
    /// Judge as of this time, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
    /// The private key that it must belong to
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum For {
    /// A TLS server
    Server,
    /// A TLS client
    Client,
    /// Anything: keyUsage and extKeyUsage are not asked, and it may be a CA
    Any,
}

impl From<For> for Purpose {
    fn from(purpose: For) -> Self {
        match purpose {
            For::Server => Self::Server,
            For::Client => Self::Client,
            For::Any => Self::Any,
        }
    }
}

/// The question, read.
struct Asked {
    trusted: Trusted,
    presented: Vec<Arc<Certificate>>,
    crls: Vec<Arc<Crl>>,
    host: Option<Host>,
    at: OffsetDateTime,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let asked = read(args, out)?;
    match (&args.batch, &args.leaf) {
        (Some(path), _) => batch::run(path, args, asked, out),
        (None, Some(leaf)) => one(leaf, args, &asked, out),
        (None, None) => Err(Failure::message("no certificate is named")),
    }
}

fn read(args: &Args, out: &mut Output) -> Result<Asked, Failure> {
    let question = &args.question;
    let host = question.host.as_deref().map(str::parse::<Host>).transpose();
    let host = host.map_err(|error| Failure::new(error.into()).hint("give a name as in app.test, or an address"))?;
    let now = validity::now();
    let at = question.at.as_deref().map_or(Ok(now), |at| time(at, now))?;
    let trusted = trust::anchors(args.trusted(), out)?;
    let mut presented = Vec::new();
    for path in &question.untrusted {
        presented.extend(certificates(path, &args.passphrase, out)?);
    }
    let mut crls = Vec::new();
    for path in &question.crl {
        let found = container::crls(&files::read(path)?).map_err(|error| failure::in_file(path, error))?;
        for der in found {
            let crl = Crl::parse(der).map_err(|error| failure::malformed_in_file(path, error))?;
            crls.push(Arc::new(crl));
        }
    }
    Ok(Asked { trusted, presented, crls, host, at })
}

fn time(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, Failure> {
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(time) => Ok(time),
        Err(_) => Ok(validity::parse_time(text, now)?),
    }
}

impl Args {
    /// Origin of the trust anchor; the stores are asked about the local CA's root alone, because `verify` trusts it even
    /// if none of them does.
    fn anchor(&self, verdict: &Verdict) -> Option<Anchor> {
        let anchor = verdict.chain.last().filter(|_| verdict.valid)?;
        if !self.question.trust.is_empty() {
            return Some(Anchor { source: AnchorSource::File, trusted_by: None });
        }
        let paths = self.ca_dir.paths().ok().filter(Paths::exist);
        let local = paths.and_then(|paths| ca::trusting(&paths).ok());
        let local = local.filter(|(fingerprint, _)| *fingerprint == anchor.sha256_fingerprint);
        Some(if let Some((_, stores)) = local {
            Anchor { source: AnchorSource::LocalCa, trusted_by: Some(stores) }
        } else {
            let system = TrustingStore { store: StoreKind::System, name: "system".to_owned() };
            Anchor { source: AnchorSource::System, trusted_by: Some(vec![system]) }
        })
    }

    /// The sources of trust anchors.
    fn trusted(&self) -> trust::Sources<'_> {
        trust::Sources { files: &self.question.trust, ca_dir: &self.ca_dir, passphrase: &self.passphrase }
    }
}

/// The certificates in a file; those that are malformed are passed over with a warning.
pub(super) fn certificates(
    path: &Path,
    passphrase: &PassphraseArgs,
    out: &mut Output,
) -> Result<Vec<Arc<Certificate>>, Failure> {
    let mut parsed = Vec::new();
    for (index, der) in args::load_certificates(path, passphrase)?.into_iter().enumerate() {
        match Certificate::parse(der) {
            Ok(certificate) => parsed.push(Arc::new(certificate)),
            Err(error) => {
                out.warning(format!("passing over certificate {} in `{}`: {error}", index + 1, path.display()));
            }
        }
    }
    Ok(parsed)
}

/// The certificate in question.
struct Leaf {
    chain: Vec<CertificateDer<'static>>,
    /// The host of the server that shows the certificate.
    host: Option<Host>,
    /// Connection over which the certificate came.
    connection: Option<Remote>,
}

impl Leaf {
    fn load(leaf: &Path, args: &Args) -> Result<Self, Failure> {
        let Some(endpoint) = remote::endpoint(leaf)? else {
            return Ok(Self { chain: args::load_certificates(leaf, &args.passphrase)?, host: None, connection: None });
        };
        let presented = args.remote.ask(&endpoint)?;
        let bare = endpoint.host.to_string();
        let host = args.remote.server_name.as_deref().unwrap_or(bare.trim_matches(['[', ']']));
        let host = host.parse::<Host>().map_err(|error| Failure::new(error.into()))?;
        Ok(Self { chain: presented.chain, host: Some(host), connection: Some(presented.remote) })
    }
}

/// The private key that the certificate must belong to.
enum Key {
    Usable(PrivateKey),
    /// Too small, or of a kind that no TLS certificate has: its kind.
    Unaccepted(String),
}

impl Key {
    fn load(path: &Path, args: &Args) -> Result<Self, Failure> {
        match args::try_key(path, &args.passphrase)? {
            Ok(key) => Ok(Self::Usable(key)),
            Err(key::Error::UnusableKind { kind }) => Ok(Self::Unaccepted(kind)),
            Err(error) => Err(failure::key_in_file(path, error)),
        }
    }

    fn spki(&self) -> Option<&[u8]> {
        match self {
            Self::Usable(key) => Some(key.spki()),
            Self::Unaccepted(_) => None,
        }
    }
}

fn one(leaf: &Path, args: &Args, asked: &Asked, out: &mut Output) -> Result<Outcome, Failure> {
    let loaded = Leaf::load(leaf, args);
    if let (Err(failure @ Failure::Error(report)), true) = (&loaded, args.json)
        && let Some(cause) = report.cause
    {
        out.json(&Unasked::new(cause, failure.reason(), report.hints.first().cloned()))?;
    }
    let Leaf { chain, host, connection } = loaded?;
    let key = args.question.key.as_deref().map(|path| Key::load(path, args)).transpose()?;
    let request = Request {
        presented: &asked.presented,
        anchors: &asked.trusted.anchors,
        crls: &asked.crls,
        host: asked.host.as_ref().or(host.as_ref()),
        purpose: args.question.purpose.into(),
        at: asked.at,
        key: key.as_ref().and_then(Key::spki),
        strict: args.strict,
    };
    let judge = |request: &Request<'_>| match connection {
        Some(_) => verify::verify_presented(&chain, request),
        None => verify::verify_file(&chain, request),
    };
    let mut verdict = judge(&request);
    if !verdict.valid && asked.trusted.is_partial {
        let anchors = trust::all(args.trusted(), out)?;
        verdict = judge(&Request { anchors: &anchors, ..request });
    }
    let key_proven = connection.as_ref().map(|connection| connection.key_proven);
    if verdict.valid && key_proven.is_some_and(|proven| proven != Some(true)) {
        // A certificate is public: who shows it must prove to have its key (RFC 8446 section 4.4.3).
        let message = match key_proven {
            Some(Some(false)) => "the server does not have its private key: it signs with another",
            _ => "the server does not prove that it has its private key, in no way that can be checked",
        };
        let reason = Reason::new(Code::KeyMismatch, message);
        verdict = Verdict { valid: false, error: Some(reason), warnings: Vec::new(), ..verdict };
    }
    if let (true, Some(Key::Unaccepted(kind))) = (verdict.valid, &key) {
        let reason =
            Reason::new(Code::WeakKey, format!("its private key is of a kind that clients do not accept ({kind})"));
        let hint = "make a new key, as EC P-256, and have a certificate issued for it";
        let reason = Reason { hint: Some(hint.to_owned()), ..reason };
        verdict = Verdict { valid: false, error: Some(reason), warnings: Vec::new(), ..verdict };
    }
    if connection.is_none()
        && let Some(advice) = (advice::Refused { args, path: leaf, chain: &chain }).advice(&verdict)
        && let Some(error) = &mut verdict.error
    {
        error.hint = Some(advice);
    }
    verdict.connection = connection.map(Box::new);
    verdict.source = Some(leaf.display().to_string());
    verdict.anchor = args.anchor(&verdict);
    let outcome = print(&verdict, &leaf.display().to_string(), args.json, out)?;
    let stores = verdict.anchor.and_then(|anchor| anchor.trusted_by);
    if !args.json && stores.is_some_and(|stores| stores.is_empty()) {
        ca::hint_at_trust(out);
    }
    Ok(outcome)
}

/// Prints a verdict.
fn print(verdict: &Verdict, source: &str, json: bool, out: &mut Output) -> Result<Outcome, Failure> {
    if json {
        out.json(verdict)?;
    } else {
        out.answer(&verdict.text(source))?;
        for warning in &verdict.warnings {
            let whose = warning.certificate.as_ref().map(|whose| format!("{whose}: ")).unwrap_or_default();
            out.warning(format!("{whose}{}", warning.message));
        }
        if let Some(hint) = verdict.error.as_ref().and_then(|error| error.hint.as_ref()) {
            out.hint(hint);
        }
    }
    Ok(if verdict.valid { Outcome::Done } else { Outcome::No })
}
