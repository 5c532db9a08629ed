mod acme;
pub(super) mod advice;
mod certificates;
mod clients;
mod front;
mod limits;
mod log;
mod machines;
mod reach;
mod record;
mod reload;
mod renewal;
mod signals;
mod source;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args as _, FromArgMatches};
use secure_io::acme::client::Tokens;
use secure_io::ca::{self, LocalCa, Paths};
use secure_io::credentials::Credentials;
use secure_io::generate::CertificateSpec;
use secure_io::name::{self, SubjectAltName};
use secure_io::report;
use secure_io::report::fixtures::Expected;
use secure_io::server::{App, Config, Front, Handler, Metrics, Observer, Origins, Parser, Server, Timing};
use secure_io::tls::ByName;
use secure_io::{files, validity};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Notify;

use crate::cli::Outcome;
use crate::cli::args::{CaDirArgs, PassphraseArgs};
use crate::cli::caller::Caller;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;
use acme::{Acme, AcmeArgs};
use certificates::FixtureArgs;
pub(crate) use certificates::FromCa;
use clients::ClientArgs;
use front::FrontArgs;
pub(crate) use limits::LogFormat;
use limits::{LimitArgs, MessageArgs};
pub(crate) use log::{Lines, Log};
use machines::MachineArgs;
use reach::Covered;
use reload::Reloading;
use signals::Signals;
use source::Origin;

/// Serve a demo HTTPS Socket.IO server
///
/// With nothing else it uses server-cert.pem and server-key.pem from this folder; else a certificate from the local
/// CA, if there is one; else a self-signed one that it makes and keeps.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io serve                                       https://localhost:3000
  secure-io serve --cert cert.pem --key key.pem         with a certificate of yours
  secure-io serve --port 8443 app.test                  for another host
  secure-io serve --fixtures certs                      a test PKI: https://expired.localhost:3000 and others
  secure-io serve --static public                       your own page, with /socket.io/socket.io.js

Exit status: 0 stopped by a signal, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    listen: Listen,
    /// Speak plain HTTP, because TLS ends in front of this server
    #[arg(long, help_heading = "Behind a balancer", conflicts_with_all = ["renew", "client_ca", "http_port"])]
    plain: bool,
    #[command(flatten)]
    fixtures: FixtureArgs,
    #[command(flatten)]
    machines: MachineArgs,
    #[command(flatten)]
    messages: MessageArgs,
    #[command(flatten)]
    app: AppArgs,
}

/// The part of a server that `proxy` has in common with `serve`: the port, the certificate, and the clients that are let in.
#[derive(Clone, clap::Args)]
pub(crate) struct Listen {
    /// Hosts the certificate is to be for [default: localhost 127.0.0.1 ::1]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Address to listen on [default: 127.0.0.1, and ::1 where there is one]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    addr: Option<IpAddr>,
    /// Port to listen on, 0 for one that is free
    #[arg(long, short, value_name = "PORT", default_value_t = 3000)]
    port: u16,
    /// Certificate to show, with the intermediates behind it
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Renew the certificate of the file when it is about to expire, if the local CA has issued it
    #[arg(long)]
    renew: bool,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    clients: ClientArgs,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    acme: AcmeArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// True if the certificate is the local CA's, whatever files are here.
    #[arg(skip)]
    from_ca: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Application")]
struct AppArgs {
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
    fn check(&self) -> Result<Option<Vec<u8>>, Failure> {
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

pub(crate) fn parse_address(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().map_err(|_| "an IP address is needed: 127.0.0.1, 0.0.0.0 for all, ::1".to_owned())
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

/// The server's own pages are replaced by this when `proxy` runs it; receives the way into the log.
pub(crate) type MakeHandler<'a> = &'a dyn Fn(Lines) -> Arc<dyn Handler>;

/// Is called with the server's URL before it accepts connections, to say how it is used.
pub(crate) type Ready<'a> = &'a dyn Fn(&str, &mut Output);

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    run_with(args, None, None, out)
}

impl Listen {
    /// A server whose certificate is the local CA's.
    pub(crate) fn with_ca(hosts: Vec<String>, addr: Option<IpAddr>, port: u16, ca_dir: CaDirArgs) -> Self {
        Self {
            hosts,
            addr,
            port,
            cert: None,
            key: None,
            renew: false,
            ca_dir,
            passphrase: PassphraseArgs::default(),
            clients: ClientArgs::default(),
            front: FrontArgs::default(),
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

    /// As [`Listen::run`], with something to say about the URL.
    pub(crate) fn run_telling(
        &self,
        handler: MakeHandler<'_>,
        ready: Ready<'_>,
        out: &mut Output,
    ) -> Result<Outcome, Failure> {
        let defaults = Args::augment_args(clap::Command::new("serve")).get_matches_from(["serve"]);
        let mut args = Args::from_arg_matches(&defaults).map_err(|error| Failure::message(error.to_string()))?;
        args.listen = self.clone();
        run_with(&args, Some(handler), Some(ready), out)
    }
}

fn run_with(
    args: &Args,
    handler: Option<MakeHandler<'_>>,
    ready: Option<Ready<'_>>,
    out: &mut Output,
) -> Result<Outcome, Failure> {
    let now = validity::now();
    args.listen.acme.check(args.plain)?;
    let hosts = args.listen.acme.domains().unwrap_or(&args.listen.hosts);
    let spec =
        CertificateSpec { names: name::parse_all(hosts.iter().map(String::as_str))?, ..CertificateSpec::default() };
    let client_js = args.app.check()?;
    let mut fixtures = args.fixtures.read()?;
    let (credentials, origin) = if args.plain {
        // It is shown to nobody.
        (Credentials::self_signed(&spec, now).map_err(failure::credentials)?, Origin::Memory)
    } else {
        let credentials = args.credentials(&spec, out, now)?;
        args.say_if_untrusted(&credentials.0, out)?;
        credentials
    };
    args.fixtures.check(fixtures.as_ref(), &credentials, args.address())?;
    let certificate = credentials.report().map_err(|error| Failure::new(error.into()))?;
    let host = args.host(&spec, &certificate);
    let log = Log::start(out, args.listen.limits.log_format);
    let shown = args.shown(&credentials, &spec, fixtures.as_mut(), &log.lines(), |warning| out.warning(warning))?;
    if let Some(expected) = &fixtures {
        args.fixtures.describe(expected, &shown.left_out, out);
    }
    let covered = args.covered(&credentials, shown.issues);
    let mut config = args.config(Arc::new(shown.by_name), certificate, client_js);
    config.origins = args.origins()?;
    config.front = args.front()?;
    config.redis = args.machines.redis()?;
    args.listen.limits.apply(&mut config.limits);
    args.messages.apply(&mut config.limits);
    let ends = OffsetDateTime::parse(&config.certificate.not_after, &Rfc3339).ok().filter(|_| !args.plain);
    let figures = || Metrics::new(ends.map(OffsetDateTime::unix_timestamp), config.redis.is_some());
    let metrics = args.listen.limits.metrics.map(|address| (address, figures()));
    config.fixtures = fixtures.clone().map(Arc::new);
    let reloading = Reloading::new(args, &spec, (origin, credentials), fixtures, log.lines());
    config.handler = handler.map(|make| make(log.lines()));
    let tokens = Arc::default();
    let acme = args.listen.acme.prepare(&spec.names, &tokens, log.lines(), &args.listen.ca_dir, out)?;
    config.challenges = acme.as_ref().map(|acme| Arc::clone(&acme.challenges));
    // Each client takes a descriptor, and 1,024 are few; what cannot be raised is not missed at once.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(
        config,
        metrics,
        reloading,
        (&host, &covered),
        Beside { acme, tokens, args, ready },
        log,
        out,
    ))?;
    Ok(Outcome::Done)
}

/// The tasks beside the server.
struct Beside<'a> {
    acme: Option<Acme>,
    tokens: Arc<Tokens>,
    args: &'a Args,
    ready: Option<Ready<'a>>,
}

async fn serve(
    config: Config,
    metrics: Option<(SocketAddr, Metrics)>,
    reloading: Reloading<'_>,
    (host, covered): (&str, &Covered),
    beside: Beside<'_>,
    log: Log,
    out: &mut Output,
) -> Result<(), Failure> {
    let Beside { acme, tokens, args, ready } = beside;
    let observer = match metrics {
        Some((address, metrics)) => measured(address, metrics, log.observer(), out).await?,
        None => log.observer(),
    };
    let replaced = Arc::new(Notify::new());
    let observer = noticing(observer, Arc::clone(&replaced));
    let serves_folder = config.static_dir.is_some();
    let redis = config.redis.as_ref().map(ToString::to_string);
    let server = Server::bind(config, observer).await.map_err(failure::listen)?;
    let signals = Signals::new()?;
    let certificates = server.certificates();
    let address = server.local_addr();
    let scheme = covered.scheme();
    reach::warn_of_other_server(address, server.other_server(), scheme, out);
    reach::say_network(address, covered, out);
    if let Some(redis) = redis {
        out.note(format!("clients are shared with other servers through {redis}"));
    }
    if serves_folder {
        out.note("private keys, files whose name begins with a dot, and links out of the folder are not served");
    }
    args.listen.acme.listen(args.address(), address.port(), tokens, out).await?;
    let url = reach::url(scheme, host, address.port());
    if let Some(ready) = ready {
        ready(&url, out);
    }
    let secure = if covered.is_plain { "Server, without TLS of its own," } else { "Secure server" };
    let serving = async {
        acme::keep(acme, &replaced, || log.line(format!("{secure} is running on {url}"))).await;
    };
    tokio::select! {
        () = server.run(signals.next()) => {}
        () = signals.second() => {}
        never = reloading.run(certificates, signals.hangups()) => match never {},
        () = serving => {}
    }
    log.finish();
    Ok(())
}

/// An observer that also tells of new certificates.
fn noticing(observer: Observer, replaced: Arc<Notify>) -> Observer {
    Arc::new(move |event| {
        observer(event);
        if matches!(event, secure_io::server::Event::Replaced { .. }) {
            replaced.notify_one();
        }
    })
}

/// Serves figures, and returns the observer that counts them.
async fn measured(
    address: SocketAddr,
    metrics: Metrics,
    observer: Observer,
    out: &mut Output,
) -> Result<Observer, Failure> {
    let unable = |error: io::Error| Failure::message(format!("cannot listen on {address} for --metrics: {error}"));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(unable)?;
    out.note(format!("metrics are at http://{}/metrics", listener.local_addr().map_err(unable)?));
    let metrics = Arc::new(metrics);
    let observer = metrics.counting(observer);
    tokio::spawn(metrics.serve(listener));
    Ok(observer)
}

/// The certificates by server name.
struct Shown {
    by_name: ByName,
    /// True if the local CA issues for names that have none.
    issues: bool,
    /// The names of the test PKI that nothing can be signed for.
    left_out: Vec<String>,
}

impl Args {
    fn front(&self) -> Result<Front, Failure> {
        Ok(Front { is_plain: self.plain, ..self.listen.front.front()? })
    }

    fn address(&self) -> IpAddr {
        self.listen.addr.unwrap_or(Ipv4Addr::LOCALHOST.into())
    }

    /// The host to tell people: the one asked for, else `localhost` where it leads here, else the address.
    fn host(&self, spec: &CertificateSpec, certificate: &report::Certificate) -> String {
        let asked = spec.names.iter().find_map(|name| match name {
            SubjectAltName::Dns(name) if !name.starts_with('*') => Some(name.clone()),
            SubjectAltName::Ip(address) => Some(reach::host(*address)),
            _ => None,
        });
        let address = self.address();
        let here = address.is_loopback() || address.is_unspecified();
        let named = |name: &&String| name.starts_with("DNS:") && !name.contains('*');
        let in_certificate =
            || certificate.subject_alt_names.iter().find(named).map(|name| name.trim_start_matches("DNS:").to_owned());
        let for_localhost =
            self.listen.cert.is_none() || certificate.subject_alt_names.iter().any(|name| name == "DNS:localhost");
        asked
            .or_else(|| (here && for_localhost).then(|| "localhost".to_owned()))
            .or_else(|| here.then(in_certificate).flatten())
            .unwrap_or_else(|| reach::host(address))
    }

    fn config(&self, tls: Arc<ByName>, certificate: report::Certificate, client_js: Option<Vec<u8>>) -> Config {
        let mut config = Config::new(tls, certificate);
        config.address = self.address();
        // `localhost` is both, and means this server on all addresses, too.
        let is_localhost = self.listen.addr.is_none_or(|address| address == Ipv4Addr::UNSPECIFIED);
        config.also = is_localhost.then(|| Ipv6Addr::LOCALHOST.into());
        config.port = self.listen.port;
        config.app = match self.app.app {
            AppName::Demo => App::Demo,
            AppName::Conformance => App::Conformance,
        };
        config.parser = match self.app.parser {
            ParserName::Common => Parser::Common,
            ParserName::Msgpack => Parser::Msgpack,
        };
        config.allow_eio3 = self.app.allow_eio3;
        config.timing = Timing {
            ping_interval: self.app.ping_interval,
            ping_timeout: self.app.ping_timeout,
            connect_timeout: self.app.connect_timeout,
        };
        config.limits.max_sessions = self.app.max_sessions as usize;
        config.limits.max_sessions_per_client = config.limits.max_sessions / 2;
        config.static_dir.clone_from(&self.app.static_dir);
        config.client_js = client_js;
        config
    }

    /// The pages that may use Socket.IO: those named, and those under the names that the local CA may sign for.
    fn origins(&self) -> Result<Origins, Failure> {
        let mut origins = Origins::default();
        for origin in &self.app.cors_origin {
            origins.allow(origin).map_err(|error| Failure::message(error.to_string()))?;
        }
        let authority = |paths| Caller::acting(|| LocalCa::load(paths).and_then(|ca| ca.authority()).ok());
        if self.listen.cert.is_none()
            && let Some(paths) = self.local_ca()?
            && let Some(authority) = authority(&paths)?
        {
            // Networks are among them, and hosts given by address need no permission.
            for permitted in authority.permitted.iter().flatten() {
                origins.cover(permitted);
            }
        }
        Ok(origins)
    }

    /// The certificates by server name: the test PKI's; else, unless files were named, new ones from the local CA.
    ///
    /// Warns of a local CA that cannot be used.
    fn shown(
        &self,
        credentials: &Credentials,
        spec: &CertificateSpec,
        fixtures: Option<&mut Expected>,
        lines: &Lines,
        warn: impl FnOnce(String),
    ) -> Result<Shown, Failure> {
        let (chain, key) = credentials.parts();
        let by_name = ByName::with_profile(chain, key, &self.listen.clients.profile()?);
        let mut by_name = by_name.map_err(|error| Failure::new(error.into()))?;
        let shown = |by_name, issues| Shown { by_name, issues, left_out: Vec::new() };
        if let Some(expected) = fixtures {
            let left_out = self.fixtures.add(&mut by_name, expected, self.address())?;
            return Ok(Shown { left_out, ..shown(by_name, false) });
        }
        let paths =
            if self.listen.cert.is_none() && self.listen.acme.domains().is_none() { self.local_ca()? } else { None };
        let Some(paths) = paths else { return Ok(shown(by_name, false)) };
        match Caller::acting(|| LocalCa::load(&paths))? {
            Ok(ca) => {
                let issuer = certificates::FromCa::new(ca, spec.effective_names(), lines.clone());
                Ok(shown(by_name.issuing(certificates::names(credentials), Arc::new(issuer)), true))
            }
            Err(error) => {
                warn(format!("the local CA issues nothing for other names: {error}"));
                Ok(shown(by_name, false))
            }
        }
    }

    /// The names that clients are shown a certificate for.
    fn covered(&self, credentials: &Credentials, issues: bool) -> Covered {
        let is_made = self.listen.cert.is_none() && self.listen.acme.domains().is_none();
        let hosts_typed = is_made.then_some(!self.listen.hosts.is_empty());
        Covered { names: certificates::names(credentials), issues, hosts_typed, is_plain: self.plain }
    }

    /// The local CA, if it exists: under sudo that of sudo's caller. One that was named has to exist.
    fn local_ca(&self) -> Result<Option<Paths>, Failure> {
        // Without a home folder there is no local CA unless one is named.
        let Ok(paths) = self.listen.ca_dir.paths() else { return Ok(None) };
        match paths.exist() {
            true => Ok(Some(paths)),
            false if self.listen.ca_dir.is_given() => Err(ca::Error::Missing { folder: paths.folder }.into()),
            false => Ok(None),
        }
    }
}
