//! `connect`: a Socket.IO client that explains itself.

mod emit;
mod interactive;
mod text;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secure_io::connect::{self, Known, Options, Transport};
use secure_io::files::{self, Existing, NewFile};
use secure_io::report::connect::{Attachment, Document};
use secure_io::report::finding::Severity;
use secure_io::validity;
use serde_json::value::RawValue;

use self::emit::EmitArgs;
use self::interactive::Terminal;
use super::Outcome;
use super::args::{CaDirArgs, PassphraseArgs, load_certificates, load_key};
use super::failure::Failure;
use super::output::Output;
use super::proxied;
use super::remote::RemoteArgs;
use super::{check, inspect, verify};

/// Connect to a Socket.IO server, and explain why it fails
#[derive(clap::Args)]
#[command(after_help = "\
Goes through the layers (address, dns, tcp, tls, http, engine.io, upgrade, namespace, event), and names the first that
fails, the cause and the fix. Events are printed as they come. Without --emit, lines of standard input are emitted, as in
`echo {\"a\":1}`; at a terminal they are edited, and /help lists the commands. Ends after --for or --count, or with the
input when nothing comes any more.

Examples:
  secure-io connect https://localhost:3000                             events as they come
  secure-io connect https://localhost:3000 --emit echo '{\"a\":1}' --ack  emit, and await the answer
  secure-io connect https://app.test/chat --origin https://page.test   judge as a browser would

Exit status: 0 done, 1 the server said no, 2 there was no answer of HTTP")]
pub(crate) struct Args {
    /// The server and the namespace, as in https://localhost:3000/chat
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    emit: EmitArgs,
    /// Send this JSON as the namespace's auth
    #[arg(long, value_name = "JSON", value_parser = json)]
    auth: Option<Box<RawValue>>,
    #[command(flatten)]
    requests: RequestArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Show each packet of Engine.IO with its time
    #[arg(long, help_heading = "Output")]
    frames: bool,
    /// Save attachments in this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    save: Option<PathBuf>,
    /// Report as JSON: a document a line
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Settings of requests.
#[derive(clap::Args)]
#[command(next_help_heading = "Requests")]
struct RequestArgs {
    /// Use only this transport [default: polling, then the upgrade]
    #[arg(long, value_enum, value_name = "NAME")]
    transport: Option<OneTransport>,
    /// The path of Engine.IO on the server
    #[arg(long, value_name = "PATH", default_value = "/socket.io/", value_parser = path)]
    path: String,
    /// Add a parameter to the query
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,
    /// Send a header field
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = field)]
    header: Vec<(String, String)>,
    /// Send a cookie
    #[arg(long, value_name = "NAME=VALUE")]
    cookie: Vec<String>,
    /// Judge as for a page of this origin, as in https://app.test
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Use this address for a host and port
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = resolve)]
    resolve: Vec<(String, u16, IpAddr)>,
}

/// Conditions for the end of the run.
#[derive(clap::Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Listen for this long
    #[arg(long = "for", value_name = "SPAN", value_parser = super::remote::parse_timeout)]
    duration: Option<Duration>,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Connect again when the connection is lost
    #[arg(long)]
    reconnect: bool,
}

/// Trust anchors, and the client certificate to show.
#[derive(clap::Args)]
#[command(next_help_heading = "TLS")]
struct TlsArgs {
    /// Trust the certificates in this file [default: the system's roots, and the local CA]
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Show this client certificate, with its chain
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// The client certificate's private key
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Accept any certificate, with a warning
    #[arg(long)]
    insecure: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OneTransport {
    Polling,
    Websocket,
}

impl From<OneTransport> for Transport {
    fn from(one: OneTransport) -> Self {
        match one {
            OneTransport::Polling => Self::Polling,
            OneTransport::Websocket => Self::WebSocket,
        }
    }
}

fn json(text: &str) -> Result<Box<RawValue>, String> {
    serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))
}

fn path(text: &str) -> Result<String, String> {
    let is_path =
        text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte));
    if is_path { Ok(text.to_owned()) } else { Err("a path begins with `/`, and has no query".to_owned()) }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a parameter is NAME=VALUE")?;
    Ok((escaped(name), escaped(value)))
}

/// Percent-encodes octets that a query may not hold literally (RFC 3986 section 3.4).
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header field is `NAME: VALUE`")?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) || value.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("it is not a header field of HTTP".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn resolve(text: &str) -> Result<(String, u16, IpAddr), String> {
    let parts = text.split_once(':').and_then(|(host, rest)| Some((host, rest.split_once(':')?)));
    let (host, (port, address)) = parts.ok_or("it is HOST:PORT:ADDR, as in app.test:3000:127.0.0.1")?;
    let port = port.parse().map_err(|error| format!("its port is not a number: {error}"))?;
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().map_err(|error| format!("`{address}` is not an address: {error}"))?;
    Ok((host.to_ascii_lowercase(), port, address))
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let sources = verify::trust::Sources { files: &args.tls.trust, ca_dir: &args.ca_dir, passphrase: &args.passphrase };
    let anchors = verify::trust::all(sources, out)?;
    let intermediates = check::local_intermediates(&args.ca_dir, out)?;
    let issuers = inspect::lint::system_issuers();
    let mut fields = args.requests.header.clone();
    if !args.requests.cookie.is_empty() {
        fields.push(("Cookie".to_owned(), args.requests.cookie.join("; ")));
    }
    if args.tls.insecure {
        out.warning("--insecure: any certificate is accepted, and so is anyone who stands in between");
    }
    let proxy = proxied::of_environment(&args.url);
    if let Some(proxy) = &proxy {
        out.note(format!("using the proxy {} of HTTPS_PROXY", proxy.authority));
    }
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let is_interactive = is_terminal && args.emit.is_empty() && !args.json;
    let query: Vec<_> = args.requests.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let options = Options {
        path: args.requests.path.clone(),
        query: query.join("&"),
        fields,
        auth: args.auth.clone(),
        transport: args.requests.transport.map(Into::into),
        origin: args.requests.origin.clone(),
        identity: identity(args)?,
        server_name: args.remote.server_name.clone(),
        resolve: args.requests.resolve.clone(),
        insecure: args.tls.insecure,
        timeout: args.remote.timeout,
        duration: args.limits.duration,
        count: args.limits.count,
        frames: args.frames || is_interactive,
        reconnect: args.limits.reconnect,
        interactive: is_interactive,
        proxy,
        key_log: std::env::var_os("SSLKEYLOGFILE")
            .map(|_| Arc::new(rustls::KeyLogFile::new()) as Arc<dyn rustls::KeyLog>),
        known: Known { anchors: &anchors, intermediates: &intermediates, issuers: &issuers, now: validity::now() },
    };
    let (terminal, orders) = if is_interactive {
        let (terminal, orders) = Terminal::prepare(args.emit.is_acknowledged(), args.frames);
        (Some(terminal), orders)
    } else {
        (None, args.emit.start()?)
    };
    let left = terminal.as_ref().map(Terminal::left).unwrap_or_default();
    let mut printer = Printer { args, out, failure: None, saved: 0, terminal, held: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::message(format!("cannot prepare a connection: {error}")))?;
    let exit = runtime.block_on(async {
        let mut sink = |document: Document| printer.print(document);
        tokio::select! {
            exit = connect::connect(&args.url, &options, orders, &mut sink) => exit,
            _ = tokio::signal::ctrl_c() => 0,
            () = left.notified() => 0,
        }
    });
    printer.end();
    // Standard input and names that are still being looked up are not waited for.
    runtime.shutdown_background();
    match (printer.failure, exit) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(Outcome::Done),
        (None, 1) => Ok(Outcome::No),
        (None, _) => Ok(Outcome::Failed),
    }
}

type Identity = (Vec<rustls::pki_types::CertificateDer<'static>>, rustls::pki_types::PrivateKeyDer<'static>);

fn identity(args: &Args) -> Result<Option<Identity>, Failure> {
    let (Some(certificate), Some(key)) = (&args.tls.client_cert, &args.tls.client_key) else { return Ok(None) };
    let chain = load_certificates(certificate, &args.passphrase)?;
    let key = load_key(key, &args.passphrase)?;
    let pkcs8 = rustls::pki_types::PrivatePkcs8KeyDer::from(key.pkcs8().to_vec());
    Ok(Some((chain, pkcs8.into())))
}

/// Prints documents as they come.
struct Printer<'a> {
    args: &'a Args,
    out: &'a mut Output,
    /// The first failure to print.
    failure: Option<Failure>,
    saved: usize,
    /// The terminal at which events are typed.
    terminal: Option<Terminal>,
    /// The run's error, until the terminal is given back.
    held: Option<Document>,
}

impl Printer<'_> {
    fn print(&mut self, mut document: Document) {
        if let Some(terminal) = &self.terminal {
            if !terminal.shows(&document) {
                return;
            }
            if matches!(&document, Document::Finding(finding) if finding.severity == Severity::Error) {
                self.held = Some(document);
                return;
            }
        }
        let printed = self
            .save(&mut document)
            .and_then(|()| if self.args.json { self.out.json(&document) } else { text::print(&document, self.out) });
        if let Err(failure) = printed {
            self.failure.get_or_insert(failure);
        }
        if let Some(terminal) = &mut self.terminal {
            terminal.printed(&document, self.out);
        }
    }

    /// Gives the terminal back, and prints the run's error.
    fn end(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            terminal.end(self.out);
        }
        if let Some(document) = self.held.take() {
            self.print(document);
        }
    }

    fn save(&mut self, document: &mut Document) -> Result<(), Failure> {
        let Some(folder) = &self.args.save else { return Ok(()) };
        match document {
            Document::Event(event) => save(folder, &event.event, &mut event.attachments, &mut self.saved),
            Document::Ack(ack) => save(folder, &ack.event, &mut ack.attachments, &mut self.saved),
            _ => Ok(()),
        }
    }
}

/// Writes attachments as `EVENT-1.bin`, `EVENT-2.bin` and so on.
fn save(folder: &Path, event: &str, attachments: &mut [Attachment], saved: &mut usize) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let event: String = event.chars().map(|c| if is_plain(c) { c } else { '_' }).take(60).collect();
    for attachment in attachments {
        *saved += 1;
        let path = folder.join(format!("{event}-{saved}.bin"));
        files::create_folder(folder, false)?;
        files::write_set(&[NewFile::public(&path, attachment.content.clone())], Existing::Keep)?;
        attachment.file = Some(path.display().to_string());
    }
    Ok(())
}
