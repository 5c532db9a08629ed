mod acme;
pub(super) mod advice;
mod app;
mod certificates;
mod clients;
mod demo;
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
use secure_io::server::{Config, Handler, Metrics, Observer, Server};
use secure_io::{name, validity};
use tokio::sync::Notify;

use crate::cli::Outcome;
use crate::cli::failure::{self, Failure};
use crate::cli::output::Output;
use acme::Acme;
pub(crate) use certificates::FromCa;
pub(crate) use clients::ClientArgs;
use demo::DemoArgs;
use fixtures::TestKeys;
pub(crate) use front::FrontArgs;
pub(crate) use limits::{LimitArgs, LogFormat, measured};
pub(crate) use log::{Lines, Log};
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
    #[command(flatten)]
    demo: DemoArgs,
}

/// Makes the handler that answers requests; receives the way into the log.
pub(crate) type MakeHandler<'a> = &'a dyn Fn(Lines) -> Arc<dyn Handler>;

/// Is called with the server's URL before it accepts connections, to say how it is used.
pub(crate) type Ready<'a> = &'a dyn Fn(&str, &mut Output);

/// What answers clients.
enum Content<'a> {
    /// The demo page and its application.
    Demo(&'a DemoArgs),
    /// The handler of another command.
    Handler { make: MakeHandler<'a>, ready: Ready<'a> },
}

impl<'a> Content<'a> {
    fn demo(&self) -> Option<&'a DemoArgs> {
        match self {
            Self::Demo(demo) => Some(demo),
            Self::Handler { .. } => None,
        }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    args.server.log_format().shape(out);
    serve_content(&args.server, &Content::Demo(&args.demo), out)
}

fn serve_content(server: &ServerArgs, content: &Content<'_>, out: &mut Output) -> Result<Outcome, Failure> {
    let (now, address) = (validity::now(), server.listen.address());
    let is_plain = content.demo().is_some_and(|demo| demo.plain);
    server.acme.check(is_plain)?;
    let hosts = server.acme.domains().unwrap_or(&server.listen.hosts);
    let spec =
        CertificateSpec { names: name::parse_all(hosts.iter().map(String::as_str))?, ..CertificateSpec::default() };
    let mut demo = content.demo().map(DemoArgs::read).transpose()?;
    let (credentials, origin) = if is_plain {
        // It is shown to nobody.
        (Credentials::self_signed(&spec, now).map_err(failure::credentials)?, Origin::Memory)
    } else {
        let credentials = server.credentials(&spec, out, now)?;
        server.say_if_untrusted(&credentials.0, out)?;
        credentials
    };
    content.demo().map_or(TestKeys::OnLoopback, |demo| demo.fixtures.keys()).check(&credentials, address)?;
    let test_pki = demo.as_mut().and_then(|demo| demo.test_pki.as_mut());
    test_pki.as_ref().map_or(Ok(()), |test_pki| test_pki.check(address))?;
    let certificate = credentials.report().map_err(|error| Failure::new(error.into()))?;
    let host = server.host(&spec, &certificate);
    let log = Log::start(out, server.limits.log_format);
    let shown = server.shown(&credentials, &spec, test_pki, &log.lines(), |warning| out.warning(warning))?;
    let covered = server.covered(&credentials, shown.issues, is_plain);
    let mut config = Config::new(Arc::new(shown.by_name), certificate);
    server.apply(&mut config);
    config.front = server.front()?;
    server.limits.apply(&mut config.limits);
    if let Some(demo) = &demo {
        demo.apply(&mut config, server.local_ca_in_use()?)?;
    }
    let test_pki = demo.and_then(|demo| demo.test_pki);
    if let Some(test_pki) = &test_pki {
        test_pki.describe(&shown.left_out, out);
    }
    let ends = (!is_plain).then(|| config.certificate.not_after.0.unix_timestamp());
    let figures = || Metrics::new(ends, config.redis.is_some());
    let metrics = server.limits.metrics.map(|address| (address, figures()));
    let reloading = Reloading::new(server, &spec, (origin, credentials), test_pki, is_plain, log.lines());
    let ready = match content {
        Content::Demo(_) => None,
        Content::Handler { make, ready } => {
            config.handler = Some(make(log.lines()));
            Some(*ready)
        }
    };
    let tokens = Arc::default();
    let acme = server.acme.prepare(&spec.names, &tokens, log.lines(), &server.ca_dir, out)?;
    config.challenges = acme.as_ref().map(|acme| Arc::clone(&acme.challenges));
    // Each client takes a descriptor, and 1,024 are few; what cannot be raised is not missed at once.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Runtime::new()?;
    let beside = Beside { acme, tokens, args: server, ready };
    runtime.block_on(serve(config, metrics, reloading, (&host, &covered), beside, log, out))?;
    Ok(Outcome::Done)
}

/// The tasks beside the server.
struct Beside<'a> {
    acme: Option<Acme>,
    tokens: Arc<Tokens>,
    args: &'a ServerArgs,
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
    args.acme.listen(args.listen.address(), address.port(), tokens, out).await?;
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
