//! The clients of `run`: its flags about them, which are those of `serve`, and the files that say who is let in.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;

use secure_io::ca::LocalCa;
use secure_io::credentials::Credentials;
use secure_io::generate::CertificateSpec;
use secure_io::name;
use secure_io::report::Certificate;
use secure_io::server::{Config, Limits, Metrics, Observer};
use secure_io::tls::ByName;
use secure_io::validity;
use tokio::sync::watch;

use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;
use crate::cli::serve::{ClientArgs, Followed, FromCa, FrontArgs, LimitArgs, Lines, LogFormat, measured};

/// The clients that are let in, and how they come here.
#[derive(clap::Args)]
pub(super) struct DoorArgs {
    #[command(flatten)]
    clients: ClientArgs,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

impl DoorArgs {
    pub(super) fn log_format(&self) -> LogFormat {
        self.limits.log_format
    }

    /// Rules for clients on which runs that share a port have to agree; empty without flags.
    pub(super) fn terms(&self) -> Result<String, Failure> {
        let said = |clients: ClientArgs, front: &FrontArgs, limits: &LimitArgs| {
            let mut counts = Limits::default();
            limits.apply(&mut counts);
            format!("{clients:?} {front:?} {counts:?}")
        };
        let ours = said(self.clients.clone().absolute()?, &self.front, &self.limits);
        let usual = said(ClientArgs::default(), &FrontArgs::default(), &LimitArgs::default());
        Ok(if ours == usual { String::new() } else { ours })
    }

    /// Serves figures, if they are asked for.
    pub(super) async fn measured(
        &self,
        certificate: &Certificate,
        observer: Observer,
        out: &mut Output,
    ) -> Result<Observer, Failure> {
        let Some(address) = self.limits.metrics else { return Ok(observer) };
        let figures = Metrics::new(Some(certificate.not_after.0.unix_timestamp()), false);
        measured(address, figures, observer, out).await
    }
}

/// The certificates that clients are shown: one for the host, and others on demand.
pub(super) struct Shown<'a> {
    door: &'a DoorArgs,
    host: String,
    credentials: Credentials,
    issuer: Arc<FromCa>,
    files: Followed,
    lines: Lines,
    tls: watch::Sender<Arc<ByName>>,
}

impl<'a> Shown<'a> {
    /// The certificates, and the configuration of a server that shows them.
    pub(super) fn new(door: &'a DoorArgs, host: &str, ca: LocalCa, lines: Lines) -> Result<(Self, Config), Failure> {
        let spec = CertificateSpec { names: name::parse_all([host])?, ..CertificateSpec::default() };
        let credentials = Credentials::from_ca(&ca, &spec, validity::now()).map_err(failure::credentials)?;
        let certificate = credentials.report().map_err(|error| Failure::new(error.into()))?;
        let issuer = Arc::new(FromCa::new(ca, Vec::new(), lines.clone()));
        let files = Followed::new(door.clients.files().cloned().collect::<Vec<PathBuf>>());
        let by_name = Arc::new(by_name(door, host, &credentials, &issuer)?);
        let (tls, _) = watch::channel(Arc::clone(&by_name));
        let mut config = Config::new(by_name, certificate);
        config.also = Some(Ipv6Addr::LOCALHOST.into());
        config.front = door.front.front()?;
        door.limits.apply(&mut config.limits);
        Ok((Self { door, host: host.to_owned(), credentials, issuer, files, lines, tls }, config))
    }

    /// The certificates as they are now, and from now on.
    pub(super) fn tls(&self) -> watch::Receiver<Arc<ByName>> {
        self.tls.subscribe()
    }

    /// Waits until the files that say which clients are let in have changed.
    pub(super) async fn changed(&mut self) {
        self.files.changed().await;
    }

    /// Reads those files again.
    pub(super) fn read_again(&self) {
        match by_name(self.door, &self.host, &self.credentials, &self.issuer) {
            Ok(newer) => {
                self.tls.send_replace(Arc::new(newer));
                self.lines.send("New connections are let in by the files as they are now".to_owned());
            }
            Err(error) => self.lines.send(format!(
                "The clients that are let in stay the same, because new files are refused: {}",
                error.in_one_line()
            )),
        }
    }
}

fn by_name(door: &DoorArgs, host: &str, credentials: &Credentials, issuer: &Arc<FromCa>) -> Result<ByName, Failure> {
    let (chain, key) = credentials.parts();
    let by_name = ByName::with_profile(chain, key, &door.clients.profile()?);
    let by_name = by_name.map_err(|error| Failure::new(error.into()))?;
    let issuer = Arc::clone(issuer);
    Ok(by_name.issuing([host.to_owned()], issuer))
}
