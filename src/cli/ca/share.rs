use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anstyle::{Ansi256Color, Style};
use secure_io::ca::{self, LocalCa};
use secure_io::share::{self, Event, Limits, QrCode, Shared};
use secure_io::{container, inspect};
use tokio::net::TcpListener;

use crate::cli::Outcome;
use crate::cli::args::CaDirArgs;
use crate::cli::command_line::{ADDR, CommandLine, PORT};
use crate::cli::failure::Failure;
use crate::cli::network;
use crate::cli::output::Output;
use crate::cli::remote::parse_timeout;
use crate::cli::runtime::interrupted;

/// Offer the root to phones on this network: a page with the steps for each, and a QR code for it
///
/// The page has the root's certificate and nothing else. It stops a minute after the first complete download, or after
/// ten minutes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io ca share
  secure-io ca share --addr 192.168.1.20 --port 8080      on a port that the firewall passes

Exit status: 0 downloaded, or stopped by a signal; 1 nobody downloaded it; 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    folder: CaDirArgs,
    /// Address to listen on [default: all, IPv4]
    #[arg(long, value_name = "ADDRESS")]
    addr: Option<IpAddr>,
    /// Port to listen on, 0 for one that is free
    #[arg(long, short, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Time after which it stops if nobody downloads the root
    #[arg(long = "for", value_name = "SPAN", default_value = "10m", value_parser = parse_timeout)]
    unused: Duration,
    /// Time that it goes on after the first complete download
    #[arg(long, value_name = "SPAN", default_value = "1m", value_parser = parse_timeout)]
    linger: Duration,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let ca = LocalCa::load(&args.folder.paths_of(out)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(share(args, &ca, out))
}

async fn share(args: &Args, ca: &LocalCa, out: &mut Output) -> Result<Outcome, Failure> {
    let address = SocketAddr::new(args.addr.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), args.port);
    let listener = TcpListener::bind(address).await.map_err(|error| unbound(address, &error))?;
    let urls = urls(listener.local_addr()?);
    let Some(url) = urls.first().cloned() else {
        return Err(Failure::message("no other machine can reach this one: it has no address but its own")
            .hint("connect it to the network that the phone is in"));
    };
    let shared = shared(ca, url)?;
    announce(&shared, &urls, args, out)?;
    let limits = Limits { unused: args.unused, after_download: args.linger };
    let mut was_downloaded = false;
    let ended = tokio::select! {
        ended = share::run(listener, shared, limits, |event| {
            was_downloaded |= matches!(event, Event::Downloaded { .. });
            tell(&event, out);
        }) => Some(ended?),
        result = interrupted() => {
            result?;
            None
        }
    };
    if was_downloaded {
        out.note("to remove it: iPhone, iPad: Settings, General, VPN & Device Management, the profile, Remove Profile");
        out.note(
            "to remove it: Android: Settings, Encryption & credentials, Trusted credentials, User, the root, Remove",
        );
    }
    match ended {
        Some(false) => {
            out.note("stopped: nobody has downloaded the root");
            Ok(Outcome::No)
        }
        _ => Ok(Outcome::Done),
    }
}

/// The URLs of the page, the one for the code first.
fn urls(listening: SocketAddr) -> Vec<String> {
    let addresses = match listening.ip() {
        ip if ip.is_unspecified() => network::addresses(ip.is_ipv6()),
        ip => vec![ip],
    };
    let url = |address: IpAddr| format!("http://{}", SocketAddr::new(address, listening.port()));
    addresses.into_iter().map(url).collect()
}

fn shared(ca: &LocalCa, url: String) -> Result<Shared, Failure> {
    let report = inspect::certificate(&ca.root).map_err(|error| Failure::new(error.into()))?;
    Ok(Shared {
        authority: ca.authority()?,
        root: ca.root.to_vec(),
        pem: container::pem("CERTIFICATE", &ca.root)?.to_string(),
        profile: ca::mobileconfig(&ca.root, &report)?,
        url,
    })
}

/// Says where the page is, with the code and the fingerprint to compare.
fn announce(shared: &Shared, urls: &[String], args: &Args, out: &mut Output) -> Result<(), Failure> {
    if let Ok(code) = QrCode::new(&shared.url) {
        let paper = Style::new().fg_color(Some(Ansi256Color(16).into())).bg_color(Some(Ansi256Color(231).into()));
        code.lines().iter().try_for_each(|line| out.styled(&format!("  {paper}{line}{paper:#}\n")))?;
    }
    let fingerprint = share::fingerprint(&shared.authority.root.sha256_fingerprint);
    let root = &shared.authority.root.subject;
    out.answer(&format!("The root `{root}` is at {}\n  sha256 {fingerprint}\n", urls.join(" and ")))?;
    out.note("the page is not encrypted, because the phone trusts nothing of ours yet: compare the fingerprint there");
    let time = humantime::format_duration(args.unused);
    out.note(format!("it stops after {time}, or {} after a download", humantime::format_duration(args.linger)));
    Ok(())
}

fn tell(event: &Event, out: &mut Output) {
    match event {
        Event::Opened { client } => out.note(format!("{} has opened the page", client.ip())),
        Event::Downloaded { file, client } => out.note(format!("{} has downloaded {file}", client.ip())),
        Event::Nobody => out.note(
            "nobody has opened the page yet: the phone has to be in the same network, and a firewall, WSL 2 or a \
             container's network keeps it out",
        ),
        _ => {}
    }
}

fn unbound(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = Failure::message(format!("cannot listen on {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => {
            failure.hint(format!("take a port that is free: `{}`", CommandLine::typed().with(&PORT, "0")))
        }
        io::ErrorKind::AddrNotAvailable => {
            failure.hint(format!("listen on all addresses: `{}`", CommandLine::typed().without(&ADDR)))
        }
        _ => failure,
    }
}
