mod acme;
pub(super) mod advice;
mod app;
mod certificates;
mod clients;
mod fixtures;
mod front;
mod limits;
mod log;
mod machines;
mod reach;
mod record;
mod reload;
mod renewal;
mod server;
mod signals;
mod source;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;

use secure_io::acme::client::Tokens;
use secure_io::credentials::Credentials;
use secure_io::generate::CertificateSpec;
use secure_io::server::{Config, Front, Handler, Metrics, Observer, Server};
use secure_io::{name, validity};
use tokio::sync::Notify;

use crate::cli::Outcome;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;
use acme::Acme;
use app::AppArgs;
pub(crate) use certificates::FromCa;
pub(crate) use clients::ClientArgs;
use fixtures::FixtureArgs;
pub(crate) use front::FrontArgs;
use limits::MessageArgs;
pub(crate) use limits::{LimitArgs, LogFormat, measured};
pub(crate) use log::{Lines, Log};
use machines::MachineArgs;
use reach::Covered;
use reload::Reloading;
pub(crate) use server::ServerArgs;
use signals::Signals;
use source::Origin;
pub(crate) use watched::Followed;

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
  secure-io serve --fixtures certs                      a test PKI, as expired.localhost:3000
  secure-io serve --static public                       your own page, with /socket.io/socket.io.js

Exit status: 0 stopped by a signal, 2 it could not be done")]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
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

/// The server's own pages are replaced by this when `proxy` runs it; receives the way into the log.
pub(crate) type MakeHandler<'a> = &'a dyn Fn(Lines) -> Arc<dyn Handler>;

/// Is called with the server's URL before it accepts connections, to say how it is used.
pub(crate) type Ready<'a> = &'a dyn Fn(&str, &mut Output);

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    run_with(args, None, None, out)
}

fn run_with(
    args: &Args,
    handler: Option<MakeHandler<'_>>,
    ready: Option<Ready<'_>>,
    out: &mut Output,
) -> Result<Outcome, Failure> {
    let now = validity::now();
    args.server.acme.check(args.plain)?;
    let hosts = args.server.acme.domains().unwrap_or(&args.server.listen.hosts);
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
    args.fixtures.check(fixtures.as_ref(), &credentials, args.server.listen.address())?;
    let certificate = credentials.report().map_err(|error| Failure::new(error.into()))?;
    let host = args.server.host(&spec, &certificate);
    let log = Log::start(out, args.server.limits.log_format);
    let shown = args.shown(&credentials, &spec, fixtures.as_mut(), &log.lines(), |warning| out.warning(warning))?;
    if let Some(expected) = &fixtures {
        args.fixtures.describe(expected, &shown.left_out, out);
    }
    let covered = args.covered(&credentials, shown.issues);
    let mut config = Config::new(Arc::new(shown.by_name), certificate);
    args.server.apply(&mut config);
    args.app.apply(&mut config);
    config.client_js = client_js;
    config.origins = args.app.origins(args.server.local_ca_in_use()?)?;
    config.front = Front { is_plain: args.plain, ..args.server.front()? };
    config.redis = args.machines.redis()?;
    args.server.limits.apply(&mut config.limits);
    args.messages.apply(&mut config.limits);
    let ends = (!args.plain).then(|| config.certificate.not_after.0.unix_timestamp());
    let figures = || Metrics::new(ends, config.redis.is_some());
    let metrics = args.server.limits.metrics.map(|address| (address, figures()));
    config.fixtures = fixtures.clone().map(Arc::new);
    let reloading = Reloading::new(args, &spec, (origin, credentials), fixtures, log.lines());
    config.handler = handler.map(|make| make(log.lines()));
    let tokens = Arc::default();
    let acme = args.server.acme.prepare(&spec.names, &tokens, log.lines(), &args.server.ca_dir, out)?;
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
    args.server.acme.listen(args.server.listen.address(), address.port(), tokens, out).await?;
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
