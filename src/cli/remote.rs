//! Servers among the arguments: `https://localhost:3000` in a file's place.

use std::path::Path;
use std::time::Duration;

use secure_io::container::encrypted::Rounds;
use secure_io::inspect::Inspected;
use secure_io::probe::{self, Endpoint, Options, Presented, Starttls};
use secure_io::{container, files, inspect, validity};

use super::failure::{self, Failure};
use super::runtime;

/// Options for asking a server.
#[derive(clap::Args)]
#[command(next_help_heading = "Servers")]
pub(crate) struct RemoteArgs {
    /// Send this server name (SNI) in place of the host
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Time limit for a server to show its certificates
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = parse_timeout)]
    pub(crate) timeout: Duration,
    /// Begin TLS in the words of this protocol: smtp, imap, pop3, ftp, ldap, postgres, mysql, xmpp [default: by the port]
    #[arg(long, value_name = "NAME")]
    pub(crate) starttls: Option<Starttls>,
}

pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let span = text.parse().map(Duration::from_secs).or_else(|_| validity::parse_span(text));
    match span {
        Ok(span) if span > Duration::from_hours(24) => Err("a day is the longest".to_owned()),
        Ok(span) if span.is_zero() => Err("it must be longer than nothing".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

/// The server that an argument names; `None` for a file.
pub(crate) fn endpoint(argument: &Path) -> Result<Option<Endpoint>, Failure> {
    let text = argument.to_string_lossy();
    let is_url = text.contains("://");
    if !is_url && (!Endpoint::is_meant(&text) || files::exists(argument)) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(failure::no_endpoint)
}

impl RemoteArgs {
    /// Everything in a file, or the certificates that a server shows.
    pub(crate) fn items(&self, source: &Path, passphrase: Option<&str>) -> Result<Vec<Inspected>, Failure> {
        let name = source.to_string_lossy();
        if let Some(endpoint) = endpoint(source)? {
            return Ok(self.ask(&endpoint)?.inspected(&name));
        }
        let (bytes, rounds) = (files::read(source)?, Rounds::default());
        let found = container::find(&bytes).into_iter();
        Ok(found.map(|found| inspect::item(found, &name, passphrase, &rounds)).collect())
    }

    /// Asks a server.
    pub(crate) fn ask(&self, endpoint: &Endpoint) -> Result<Presented, Failure> {
        let options =
            Options { server_name: self.server_name.clone(), timeout: self.timeout, starttls: self.starttls(endpoint) };
        runtime::block_on(probe::ask(endpoint, &options))?.map_err(|error| failure::remote(endpoint, error))
    }

    /// The protocol that begins TLS: the one that was named, else that of the port.
    pub(crate) fn starttls(&self, endpoint: &Endpoint) -> Option<Starttls> {
        self.starttls.or_else(|| Starttls::of_port(endpoint.port))
    }
}
