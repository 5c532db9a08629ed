//! `snippet`: prints another server's configuration.

use std::net::{Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use secure_io::credentials::{self, Credentials};
use secure_io::snippet::{self, Behind, PLATFORMS, Platform, Site, Upstream};
use secure_io::{cert, container, files, validity};

use super::Outcome;
use super::args::{self, CaDirArgs, PassphraseArgs};
use super::beside;
use super::command_line::{CommandLine, unused};
use super::failure::{self, Failure};
use super::folders;
use super::output::Output;
use super::serve::advice;

/// Print a configuration of nginx, HAProxy, Node and others for a certificate and key
///
/// It works as it is for Socket.IO and WebSockets: headers and time limits, the same server for the same client, the TLS
/// settings of TLSRef's intermediate profile, nothing held back on its way.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io snippet nginx --to 3000                        in front of a server on this machine
  secure-io snippet haproxy --to 3001 --to 3002            two of them, each client on the same one
  secure-io snippet express --cert c.pem --key k.pem       the program itself ends TLS
  secure-io snippet docker-compose --to http://app:3000

Exit status: 0 done, 2 it could not be done")]
pub(crate) struct Args {
    /// What the configuration is for
    #[arg(value_name = "PLATFORM", value_parser = platform_parser())]
    platform: &'static Platform,
    /// Certificate to show, with the intermediates behind it
    #[arg(long, value_name = "FILE", default_value = "server-cert.pem")]
    cert: PathBuf,
    /// Its private key
    #[arg(long, value_name = "FILE", default_value = "server-key.pem")]
    key: PathBuf,
    /// Port to listen on [default: 443; node, express, vite and next: 3000]
    #[arg(long, short, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Server behind, a port or http://host:port; can be repeated [default: http://127.0.0.1:3000, or http://app:3000
    /// where the server is a container]
    #[arg(long, value_name = "URL")]
    to: Vec<Upstream>,
    #[command(flatten)]
    ca_dir: CaDirArgs,
}

fn platform_parser() -> impl TypedValueParser<Value = &'static Platform> {
    let values = PLATFORMS.iter().map(|platform| PossibleValue::new(platform.name));
    PossibleValuesParser::new(values).try_map(|name| Platform::named(&name).ok_or("no such platform"))
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let credentials = args.credentials(out)?;
    let report = credentials.report().map_err(|error| Failure::new(error.into()))?;
    let names = report.subject_alt_names.iter();
    let hosts = names.filter_map(|name| name.strip_prefix("DNS:").or_else(|| name.strip_prefix("IP:")));
    let one_file = args.one_file(credentials.key().spki());
    let site = Site {
        certificate: folders::absolute(&args.cert)?,
        key: folders::absolute(&args.key)?,
        one_file: folders::absolute(&one_file)?,
        hosts: hosts.map(str::to_owned).collect(),
        port: args.port.unwrap_or(args.platform.port),
        to: args.to.clone(),
        ipv6: TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok(),
        program: std::env::current_exe().unwrap_or_else(|_| "/usr/bin/secure-io".into()),
    };
    let text = snippet::write(args.platform, &site).map_err(|error| args.unwritten(error))?;
    out.data(text.as_bytes())?;
    if args.platform.wants_one_file && !files::exists(&one_file) {
        let make = CommandLine::of("install -m 600").path(&args.key).path(&one_file);
        let add = CommandLine::of("cat").path(&args.cert).appended_to(&one_file);
        out.hint(format!("{} reads one file with key and certificate: `{}`", args.platform.title, make.and(add)));
    }
    Ok(Outcome::Done)
}

impl Args {
    /// The certificate and key, which must belong together; warns of faults that clients refuse.
    fn credentials(&self, out: &mut Output) -> Result<Credentials, Failure> {
        let chain =
            args::load_certificates(&self.cert, &PassphraseArgs::absent()).map_err(|failure| self.missing(failure))?;
        for path in [&self.cert, &self.key] {
            self.check_pem(path)?;
        }
        let key = args::load_key(&self.key, &PassphraseArgs::absent())?;
        let (leaf, spki) = (chain.first().map(|leaf| leaf.to_vec()).unwrap_or_default(), key.spki().to_vec());
        let advice = advice::Files { certificate: &self.cert, leaf: &leaf, key: &self.key, ca_dir: &self.ca_dir };
        let credentials = Credentials::new(chain, key).map_err(|error| match error {
            credentials::Error::Certificate(cert::Error::KeyMismatch { theirs, ours }) => {
                advice.mismatch(failure::mismatch(&self.key, &self.cert, "certificate", (&theirs, &ours)), &spki)
            }
            error => failure::certificate_in_file(&self.cert, error),
        })?;
        if let Err(error) = credentials.check_time(validity::now()) {
            out.warning(format!("clients refuse {}: {error}", self.cert.display()));
        }
        if credentials.report().is_ok_and(|report| report.subject_alt_names.is_empty()) {
            out.warning(format!("{} has no subjectAltName: browsers refuse it", self.cert.display()));
            out.hint(advice.without_names());
        }
        Ok(credentials)
    }

    /// Refuses files that the server could not read: those of another form than PEM, and keys under a passphrase.
    fn check_pem(&self, path: &Path) -> Result<(), Failure> {
        let bytes = files::read(path).map_err(|error| self.missing(error.into()))?;
        let no_passphrase = || Ok::<_, container::Error>(None);
        let is_locked =
            path == self.key && container::private_key(&bytes, no_passphrase).is_err_and(|error| error.is_locked());
        let reason = if is_locked {
            "its key is encrypted, and would have to be opened by hand at each start"
        } else if memchr::memmem::find(&bytes, b"-----BEGIN ").is_none() {
            "it is not PEM, which is what servers read"
        } else {
            return Ok(());
        };
        let title = self.platform.title;
        Err(Failure::message(format!("cannot write a configuration of {title} with `{}`: {reason}", path.display()))
            .hint("name the file in PEM, without a passphrase; `secure-io convert` writes one"))
    }

    /// A file that does not exist, with the command that makes a default one.
    fn missing(&self, failure: Failure) -> Failure {
        let is_default = self.cert == Path::new("server-cert.pem") && self.key == Path::new("server-key.pem");
        if is_default && !files::exists(&self.cert) && !files::exists(&self.key) {
            let make = CommandLine::ours("gen-cert").and(CommandLine::typed());
            return failure.hint(format!("make a certificate for localhost first: `{make}`"));
        }
        failure
    }

    /// The file with certificate and key: the certificate's own if the key is in it, else one beside it.
    fn one_file(&self, spki: &[u8]) -> PathBuf {
        if beside::has_key(&self.cert, spki) {
            return self.cert.clone();
        }
        let stem = self.cert.file_stem().unwrap_or_default().to_string_lossy();
        let path = self.cert.with_file_name(format!("{stem}-and-key.pem"));
        let is_made = files::exists(&path)
            && beside::has_key(&path, spki)
            && files::read(&path)
                .ok()
                .zip(files::read(&self.cert).ok())
                .is_some_and(|(both, certificate)| memchr::memmem::find(&both, &certificate).is_some());
        if is_made { path } else { unused(&path) }
    }

    fn unwritten(&self, error: snippet::Error) -> Failure {
        let hint = match (&error, self.platform.behind) {
            (snippet::Error::Unwritable { .. }, _) => Some("put the file in a folder with a plainer name".to_owned()),
            (snippet::Error::NothingBehind { .. }, _) => Some("leave out --to".to_owned()),
            (snippet::Error::OneBehind { .. }, Behind::Service(_)) => {
                Some("name the Service once: it stands for all of its pods".to_owned())
            }
            _ => None,
        };
        let failure = Failure::new(error.into());
        if let Some(hint) = hint { failure.hint(hint) } else { failure }
    }
}
