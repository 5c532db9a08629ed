//! Flags of `serve` about the application: events, the page, and Socket.IO's times.

use std::path::PathBuf;
use std::time::Duration;

use secure_io::ca::{LocalCa, Paths};
use secure_io::server::{App, Config, Origins, Parser, Timing};
use secure_io::{files, validity};

use crate::cli::caller::Caller;
use crate::cli::failure::Failure;

/// The application.
#[derive(clap::Args)]
#[command(next_help_heading = "Application")]
pub(super) struct AppArgs {
    /// Application for Socket.IO clients
    #[arg(long, value_name = "APP", value_enum, default_value_t = AppName::Demo)]
    app: AppName,
    /// Encoding of Socket.IO's packets; clients need the same one
    #[arg(long, value_name = "PARSER", value_enum, default_value_t = ParserName::Common)]
    parser: ParserName,
    /// Serve clients of Socket.IO 2 (Engine.IO 3), too
    #[arg(long)]
    allow_eio3: bool,
    /// Serve this folder in place of the demo page
    #[arg(long = "static", value_name = "DIR")]
    static_dir: Option<PathBuf>,
    /// Socket.IO client library to serve at /socket.io/socket.io.js
    #[arg(long, value_name = "FILE")]
    client_js: Option<PathBuf>,
    /// Origin of pages that may use Socket.IO beside those of this machine, as https://app.example; * for any; can be
    /// repeated
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = parse_origin)]
    cors_origin: Vec<String>,
    /// Socket.IO sessions in all; half as many from one address
    #[arg(long, value_name = "COUNT", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(2..))]
    max_sessions: u32,
    /// From one ping to the next, in milliseconds or as 25s
    #[arg(long, value_name = "TIME", default_value = "25000", value_parser = parse_milliseconds)]
    ping_interval: Duration,
    /// Time a client has to answer a ping
    #[arg(long, value_name = "TIME", default_value = "20000", value_parser = parse_milliseconds)]
    ping_timeout: Duration,
    /// Time a client has to join a namespace
    #[arg(long, value_name = "TIME", default_value = "45000", value_parser = parse_milliseconds)]
    connect_timeout: Duration,
}

impl AppArgs {
    /// Refuses files that could not be served before a certificate is made; reads the client library given.
    pub(super) fn check(&self) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(folder) = self.static_dir.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(Failure::message(format!("cannot serve `{}`: it is not a folder", folder.display())));
        }
        // A client's timer waits for both, and JavaScript's timers hold 2^31 - 1 ms: longer ones fire at once.
        if (self.ping_interval + self.ping_timeout).as_millis() > MAX_TIMER {
            return Err(Failure::message(format!(
                "`--ping-interval` and `--ping-timeout` are too long: clients in JavaScript wait {MAX_TIMER} ms at most"
            ))
            .hint("keep their sum under 24 days, as with `--ping-interval 20d`"));
        }
        Ok(self.client_js.as_deref().map(files::read).transpose()?.map(|bytes| bytes.to_vec()))
    }

    /// Copies the arguments into a configuration.
    pub(super) fn apply(&self, config: &mut Config) {
        config.app = match self.app {
            AppName::Demo => App::Demo,
            AppName::Conformance => App::Conformance,
        };
        config.parser = match self.parser {
            ParserName::Common => Parser::Common,
            ParserName::Msgpack => Parser::Msgpack,
        };
        config.allow_eio3 = self.allow_eio3;
        config.timing = Timing {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            connect_timeout: self.connect_timeout,
        };
        config.limits.max_sessions = self.max_sessions as usize;
        config.limits.max_sessions_per_client = config.limits.max_sessions / 2;
        config.static_dir.clone_from(&self.static_dir);
    }

    /// The pages that may use Socket.IO: those named, and those under the names that the local CA may sign for.
    pub(super) fn origins(&self, local_ca: Option<Paths>) -> Result<Origins, Failure> {
        let mut origins = Origins::default();
        for origin in &self.cors_origin {
            origins.allow(origin).map_err(|error| Failure::message(error.to_string()))?;
        }
        let authority = |paths| Caller::acting(|| LocalCa::load(paths).and_then(|ca| ca.authority()).ok());
        if let Some(paths) = local_ca
            && let Some(authority) = authority(&paths)?
        {
            // Networks are among them, and hosts given by address need no permission.
            for permitted in authority.permitted.iter().flatten() {
                origins.cover(permitted);
            }
        }
        Ok(origins)
    }
}

/// The longest time in milliseconds that a timer in JavaScript can wait.
const MAX_TIMER: u128 = (1 << 31) - 1;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AppName {
    /// A welcome, and events to try things with
    Demo,
    /// The application that socketio/socket.io-protocol's test suite expects
    Conformance,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ParserName {
    /// Socket.IO's own
    Common,
    /// MessagePack, as npm's socket.io-msgpack-parser has it
    Msgpack,
}

fn parse_origin(text: &str) -> Result<String, String> {
    Origins::default().allow(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn parse_milliseconds(text: &str) -> Result<Duration, String> {
    let span = match text.parse() {
        Ok(milliseconds) => Duration::from_millis(milliseconds),
        Err(_) => validity::parse_span(text).map_err(|error| error.to_string())?,
    };
    if span.is_zero() { Err("it must be longer than nothing".to_owned()) } else { Ok(span) }
}
