//! Flags of `serve` and `proxy` about a certificate from an ACME CA, and the plain port beside it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secure_io::acme::client::{AcmeClient, Config, Error, Event, Folder, HttpPort, Observer, Tokens};
use secure_io::acme::server::Keys;
use secure_io::name::{self, SubjectAltName};
use secure_io::proxy::Trust;
use secure_io::tls::Challenges;
use secure_io::validity;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::log::Lines;
use crate::cli::args::{CaDirArgs, PassphraseArgs};
use crate::cli::command_line::CommandLine;
use crate::cli::failure::Failure;
use crate::cli::folders;
use crate::cli::output::Output;
use crate::cli::verify::trust::{self, Sources};

/// The longest wait until a new certificate is shown.
const SHOWN: Duration = Duration::from_secs(5);

/// A certificate from an ACME CA.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Certificate by ACME")]
pub(super) struct AcmeArgs {
    /// Get the certificate from the CA with this directory, and renew it in time
    #[arg(long, value_name = "URL", requires = "acme_domain", conflicts_with_all = ["cert", "hosts"], value_parser = parse_directory)]
    acme: Option<String>,
    /// Host that the certificate is to be for; can be repeated
    #[arg(long, value_name = "HOST", requires = "acme", value_delimiter = ',')]
    acme_domain: Vec<String>,
    /// Address at which the CA reaches you
    #[arg(long, value_name = "EMAIL", requires = "acme")]
    acme_email: Option<String>,
    /// Roots that the CA's own server is trusted by [default: the system's and the local CA's]; can be repeated
    #[arg(long, value_name = "FILE", requires = "acme")]
    acme_trust: Vec<PathBuf>,
    /// File with the key that the CA asks for (external account binding): a name, a space and the key in base64url
    #[arg(long, value_name = "FILE", requires = "acme")]
    acme_eab: Option<PathBuf>,
    /// Listen for plain HTTP as well: the CA validates there (HTTP-01) rather than by TLS (TLS-ALPN-01), and all others are
    /// sent to https
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
}

fn parse_directory(text: &str) -> Result<String, String> {
    let is_url = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if is_url { Ok(text.to_owned()) } else { Err("the URL of a directory is needed: https://HOST/…".to_owned()) }
}

/// A client that is ready to be run.
pub(super) struct Acme {
    pub(super) challenges: Arc<Challenges>,
    client: AcmeClient,
}

impl AcmeArgs {
    /// The hosts that a certificate is ordered for.
    pub(super) fn domains(&self) -> Option<&[String]> {
        self.acme.as_ref().map(|_| self.acme_domain.as_slice())
    }

    /// Refuses what cannot work, with words.
    pub(super) fn check(&self, is_plain: bool) -> Result<(), Failure> {
        if self.acme.is_some() && is_plain {
            return Err(Failure::message(
                "--acme is of no use with --plain: TLS ends in front of this server, and so do certificates and the \
                 challenge TLS-ALPN-01",
            )
            .hint("let the proxy in front get the certificate, or leave out --plain"));
        }
        let wildcard = self.acme_domain.iter().find(|name| name.starts_with("*."));
        if let Some(wildcard) = wildcard {
            return Err(Failure::message(format!(
                "cannot get a certificate for `{wildcard}`: CAs validate wildcards by DNS alone, which is not answered here"
            ))
            .hint("name the hosts, each with --acme-domain"));
        }
        Ok(())
    }

    /// The place of the certificate, if there is to be one.
    pub(super) fn folder(&self, names: &[SubjectAltName]) -> Result<Option<Folder>, Failure> {
        let Some(directory) = &self.acme else { return Ok(None) };
        if let Some(odd) = names.iter().find(|name| !matches!(name, SubjectAltName::Dns(_) | SubjectAltName::Ip(_))) {
            return Err(Failure::message(format!("ACME is for hosts, and `{}` is none", odd.value())));
        }
        let above = folders::data()?.join("acme");
        Folder::new(&above, directory, names).map(Some).map_err(|error| Failure::new(error.into()))
    }

    /// Prepares the client.
    pub(super) fn prepare(
        &self,
        names: &[SubjectAltName],
        tokens: &Arc<Tokens>,
        lines: Lines,
        ca_dir: &CaDirArgs,
        out: &mut Output,
    ) -> Result<Option<Acme>, Failure> {
        let (Some(directory), Some(folder)) = (&self.acme, self.folder(names)?) else { return Ok(None) };
        let challenges: Arc<Challenges> = Arc::default();
        let passphrase = PassphraseArgs::absent();
        let sources = Sources { files: &self.acme_trust, ca_dir, passphrase: &passphrase };
        let config = Config {
            directory: directory.clone(),
            names: names.to_vec(),
            email: self.acme_email.clone(),
            external: self.acme_eab.as_deref().map(external).transpose()?,
            trust: Trust::new(trust::all(sources, out)?).map_err(|error| Failure::new(error.into()))?,
            folder,
            challenges: Arc::clone(&challenges),
            tokens: self.http_port.map(|_| Arc::clone(tokens)),
            clock: validity::now,
        };
        let client = AcmeClient::new(config, observer(lines, self.acme_trust.is_empty()));
        Ok(Some(Acme { challenges, client }))
    }

    /// Takes the plain port, if one is asked for.
    pub(super) async fn listen(
        &self,
        address: IpAddr,
        https: u16,
        tokens: Arc<Tokens>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let Some(port) = self.http_port else { return Ok(()) };
        let address = SocketAddr::new(address, port);
        let unable =
            |error: std::io::Error| Failure::message(format!("cannot listen on {address} for --http-port: {error}"));
        let listener = TcpListener::bind(address).await.map_err(unable)?;
        let port = listener.local_addr().map_err(unable)?.port();
        out.note(format!("plain HTTP on port {port} is sent to https"));
        let plain = HttpPort::new(tokens, https);
        if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
            && let Ok(also) = TcpListener::bind(("::1", port)).await
        {
            tokio::spawn(plain.clone().serve(also));
        }
        tokio::spawn(plain.serve(listener));
        Ok(())
    }
}

/// Keeps the certificate, if there is a client for it. Calls `ready` when there is one, or when the first attempt has
/// failed; at once without a client.
pub(super) async fn keep(acme: Option<Acme>, replaced: &Notify, ready: impl FnOnce()) {
    let Some(acme) = acme else {
        ready();
        return std::future::pending().await;
    };
    let (told, first) = oneshot::channel();
    let told_later = async {
        if first.await == Ok(true) {
            // It is read from its file a moment later.
            let _shown = timeout(SHOWN, replaced.notified()).await;
        }
        ready();
    };
    let run = acme.client.run(move |is_new| {
        // Who asks may be gone, with the server.
        let _ = told.send(is_new);
    });
    tokio::join!(told_later, run);
}

/// The first key of a file, with its name.
fn external(path: &Path) -> Result<(String, zeroize::Zeroizing<Vec<u8>>), Failure> {
    let keys = Keys::read(path).map_err(|error| Failure::new(error.into()))?;
    keys.first().ok_or_else(|| Failure::message(format!("`{}` holds no key", path.display())))
}

fn observer(lines: Lines, trusts_system: bool) -> Observer {
    Arc::new(move |event: &Event| {
        let line = match event {
            Event::Validating { name, method } => format!("The CA validates {name} by {method}"),
            Event::Obtained { not_after } => {
                format!("Got a certificate by ACME, which lasts until {}", validity::rfc3339(*not_after))
            }
            Event::Failed { error, wait } => {
                let error_words = name::escape_unprintable(&error.to_string());
                format!(
                    "No certificate by ACME: {error_words}{}; next attempt in {}",
                    advice(error, trusts_system),
                    span(*wait)
                )
            }
            _ => return,
        };
        lines.send(line);
    })
}

fn advice(error: &Error, trusts_system: bool) -> String {
    match error {
        Error::Directory { is_untrusted: true, .. } if trusts_system => {
            let command = CommandLine::typed().flag("--acme-trust", "root.pem");
            format!(" (name the root of the CA's server: `{command}`)")
        }
        _ => String::new(),
    }
}

fn span(wait: Duration) -> String {
    match wait.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
