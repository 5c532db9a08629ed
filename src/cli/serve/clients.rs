//! Flags of `serve`, `proxy` and `run` about its clients' TLS: their certificates, and the versions that are spoken.

use std::io;
use std::path::PathBuf;

use secure_io::tls::{Clients, Profile};
use secure_io::{container, files};

use crate::cli::args::{self, PassphraseArgs};
use crate::cli::failure::Failure;

/// The demands on clients' TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Clients")]
pub(crate) struct ClientArgs {
    /// Demand certificates of clients, issued by a CA of this file
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Whether clients without a certificate are let in
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ClientAuth::Require, requires = "client_ca")]
    client_auth: ClientAuth,
    /// Refuse clients whose certificates are revoked by a CRL of this file
    #[arg(long, value_name = "FILE", requires = "client_ca")]
    client_crl: Option<PathBuf>,
    /// Versions of TLS
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t = Versions::Intermediate)]
    tls: Versions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum ClientAuth {
    /// They are refused
    #[default]
    Require,
    /// They are let in; a certificate that is not accepted is refused
    Request,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Versions {
    /// TLS 1.2 and 1.3
    #[default]
    Intermediate,
    /// TLS 1.3 alone
    Modern,
}

impl ClientArgs {
    /// The same, whatever the folder.
    pub(crate) fn absolute(mut self) -> io::Result<Self> {
        for path in self.client_ca.iter_mut().chain(&mut self.client_crl) {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }

    /// The files that say which clients are let in.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.client_ca.iter().chain(&self.client_crl)
    }

    /// Reads the files again on each call.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        let mut profile = Profile { is_modern: self.tls == Versions::Modern, clients: None };
        let Some(path) = &self.client_ca else { return Ok(profile) };
        let anchors = args::load_certificates(path, &PassphraseArgs::default())?;
        let crls = match &self.client_crl {
            Some(path) => container::crls(&files::read(path)?)
                .map_err(|error| Failure::message(format!("cannot use `{}` as CRL: {error}", path.display())))?,
            None => Vec::new(),
        };
        let clients = Clients::new(anchors, crls, self.client_auth == ClientAuth::Require);
        let refused = |error: secure_io::tls::ClientsError| {
            let file =
                if matches!(error, secure_io::tls::ClientsError::Crl(_)) { &self.client_crl } else { &self.client_ca };
            let file = file.as_ref().unwrap_or(path).display().to_string();
            Failure::message(format!("cannot judge clients by `{file}`: {error}"))
        };
        profile.clients = Some(clients.map_err(refused)?);
        Ok(profile)
    }
}
