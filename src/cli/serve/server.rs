//! Flags that `proxy` and `ca serve` have in common with `serve`: hosts, the port, the certificate, and the
//! clients that are let in.

use std::path::PathBuf;

use secure_io::ca::{self, Paths};
use secure_io::generate::CertificateSpec;
use secure_io::name::SubjectAltName;
use secure_io::report;
use secure_io::server::{Config, Front};

use super::acme::AcmeArgs;
use super::clients::ClientArgs;
use super::front::{DrainArgs, FrontArgs};
use super::limits::{LimitArgs, LogFormat};
use super::{Content, MakeHandler, Ready, reach, serve_content};
use crate::cli::Outcome;
use crate::cli::args::{CaDirArgs, ListenArgs, PassphraseArgs};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// The port of a server, its certificate, and the clients that are let in.
#[derive(Clone, clap::Args)]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    pub(super) listen: ListenArgs,
    /// Certificate to show, with the intermediates behind it
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(super) key: Option<PathBuf>,
    /// Renew the certificate of the file when it is about to expire, if the local CA has issued it
    #[arg(long)]
    pub(super) renew: bool,
    #[command(flatten)]
    pub(super) ca_dir: CaDirArgs,
    #[command(flatten)]
    pub(super) passphrase: PassphraseArgs,
    #[command(flatten)]
    pub(super) clients: ClientArgs,
    #[command(flatten)]
    pub(super) front: FrontArgs,
    #[command(flatten)]
    drain: DrainArgs,
    #[command(flatten)]
    pub(super) acme: AcmeArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    /// True if the certificate is the local CA's, whatever files are here.
    #[arg(skip)]
    pub(super) from_ca: bool,
}

impl ServerArgs {
    pub(crate) fn log_format(&self) -> LogFormat {
        self.limits.log_format
    }

    /// A server whose certificate is the local CA's.
    pub(crate) fn with_ca(listen: ListenArgs, ca_dir: CaDirArgs) -> Self {
        Self {
            listen,
            cert: None,
            key: None,
            renew: false,
            ca_dir,
            passphrase: PassphraseArgs::default(),
            clients: ClientArgs::default(),
            front: FrontArgs::default(),
            drain: DrainArgs::default(),
            acme: AcmeArgs::default(),
            limits: LimitArgs::default(),
            from_ca: true,
        }
    }

    pub(crate) fn ca_dir(&self) -> &CaDirArgs {
        &self.ca_dir
    }

    /// Serves with a handler, and otherwise as `serve` does.
    pub(crate) fn run(&self, handler: MakeHandler<'_>, out: &mut Output) -> Result<Outcome, Failure> {
        self.run_telling(handler, &|_, _| {}, out)
    }

    /// As [`Self::run`], with something to say about the URL.
    pub(crate) fn run_telling(
        &self,
        handler: MakeHandler<'_>,
        ready: Ready<'_>,
        out: &mut Output,
    ) -> Result<Outcome, Failure> {
        serve_content(self, &Content::Handler { make: handler, ready }, out)
    }

    /// The host to tell people: the one asked for, else `localhost` where it leads here, else the address.
    pub(super) fn host(&self, spec: &CertificateSpec, certificate: &report::Certificate) -> String {
        let asked = spec.names.iter().find_map(|name| match name {
            SubjectAltName::Dns(name) if !name.starts_with('*') => Some(name.clone()),
            SubjectAltName::Ip(address) => Some(reach::host(*address)),
            _ => None,
        });
        let address = self.listen.address();
        let here = address.is_loopback() || address.is_unspecified();
        let named = |name: &&String| name.starts_with("DNS:") && !name.contains('*');
        let in_certificate =
            || certificate.subject_alt_names.iter().find(named).map(|name| name.trim_start_matches("DNS:").to_owned());
        let for_localhost =
            self.cert.is_none() || certificate.subject_alt_names.iter().any(|name| name == "DNS:localhost");
        asked
            .or_else(|| (here && for_localhost).then(|| "localhost".to_owned()))
            .or_else(|| here.then(in_certificate).flatten())
            .unwrap_or_else(|| reach::host(address))
    }

    /// The local CA, if it exists: under sudo that of sudo's caller. One that was named has to exist.
    pub(super) fn local_ca(&self) -> Result<Option<Paths>, Failure> {
        // Without a home folder there is no local CA unless one is named.
        let Ok(paths) = self.ca_dir.paths() else { return Ok(None) };
        match paths.exist() {
            true => Ok(Some(paths)),
            false if self.ca_dir.is_given() => Err(ca::Error::Missing { folder: paths.folder }.into()),
            false => Ok(None),
        }
    }

    /// The local CA, if it exists and no files were named in its place.
    pub(super) fn local_ca_in_use(&self) -> Result<Option<Paths>, Failure> {
        if self.cert.is_some() { Ok(None) } else { self.local_ca() }
    }

    /// The way of clients to the server.
    pub(super) fn front(&self) -> Result<Front, Failure> {
        Ok(Front { drain: self.drain.drain, ..self.front.front()? })
    }

    /// Copies the addresses and the port into a configuration.
    pub(super) fn apply(&self, config: &mut Config) {
        config.address = self.listen.address();
        config.also = self.listen.also();
        config.port = self.listen.port;
    }
}
