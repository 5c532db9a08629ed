use std::path::PathBuf;
use std::sync::Arc;

use secure_io::proxy::{Event, Proxy, Route, Routes, Target, Trust};
use secure_io::server::Handler;

use crate::cli::Outcome;
use crate::cli::args::PassphraseArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::serve::{Lines, ServerArgs};
use crate::cli::verify::trust::{self, Sources};

/// Put TLS in front of another server
///
/// Requests and WebSockets are passed on to a server that speaks HTTP, such as a dev server. The certificate is chosen
/// as `serve` chooses it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  secure-io proxy --to 5173                             https://localhost:3000 before port 5173
  secure-io proxy --to 5173 --to /socket.io=3001        one path from another server
  secure-io proxy --to api.test=http://localhost:8080   one host
  secure-io proxy --to unix:/run/app.sock               a Unix socket
  secure-io proxy --to https://localhost:8443           a server with TLS of its own

Exit status: 0 stopped by a signal, 2 it could not be done")]
pub(crate) struct Args {
    /// Server to pass requests on to: a port, http://HOST:PORT, https://HOST:PORT or unix:PATH; for one host or path as
    /// HOST=, /PATH= or HOST/PATH= before it; can be repeated
    #[arg(long, value_name = "SERVER", required = true)]
    to: Vec<Route>,
    /// Host to ask these servers for, in place of the one that the client asked for
    #[arg(long, value_name = "HOST")]
    upstream_host: Option<String>,
    /// Trust servers behind the proxy whose certificates lead to one of this file [default: the system's roots and the
    /// local CA]; can be repeated
    #[arg(long, value_name = "FILE")]
    upstream_trust: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    args.server.log_format().shape(out);
    let trust = args.trust(out)?;
    let handler = |lines: Lines| {
        let routes = Arc::new(Routes::new(args.to.clone()));
        let observer = Arc::new(move |event: &Event| {
            if let Some(line) = line(event) {
                lines.send(line);
            }
        });
        let proxy = Proxy::new(routes, args.upstream_host.as_deref(), observer);
        let proxy = match &trust {
            Some(trust) => proxy.trusting(trust.clone()),
            None => proxy,
        };
        Arc::new(proxy) as Arc<dyn Handler>
    };
    args.server.run(&handler, out)
}

impl Args {
    /// The trust in servers that speak https; `None` if none is named.
    fn trust(&self, out: &mut Output) -> Result<Option<Trust>, Failure> {
        if !self.to.iter().any(|route| matches!(route.target, Target::Https { .. })) {
            if !self.upstream_trust.is_empty() {
                return Err(Failure::message("`--upstream-trust` is for servers that --to names by https://"));
            }
            return Ok(None);
        }
        let passphrase = PassphraseArgs::absent();
        let sources = Sources { files: &self.upstream_trust, ca_dir: self.server.ca_dir(), passphrase: &passphrase };
        let trust = Trust::new(trust::all(sources, out)?);
        trust.map(Some).map_err(|error| Failure::new(error.into()))
    }
}

fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Unreachable { target, reason } => format!("{target} does not answer: {reason} (bad-gateway)"),
        Event::Distrusted { target, code, reason } => {
            let advice = match *code {
                "unknown-issuer" | "self-signed" => {
                    ". Name its CA, or the certificate itself, with --upstream-trust FILE"
                }
                _ => "",
            };
            format!("{target} is not spoken to: {reason} ({code}){advice}")
        }
        Event::HostBlocked { target, host } => format!(
            "{target} refuses the host {host} (http-forbidden): allow it there (server.allowedHosts in Vite, allowedHosts in \
             webpack), or start with --upstream-host localhost"
        ),
        Event::Pins { target } => format!(
            "{target} sends Strict-Transport-Security for localhost, which is not passed on: browsers would use https for every \
             port of this machine (hsts-on-localhost)"
        ),
        Event::Loop { host } => {
            format!("Refused a request for {host}: it came back again and again, so a server calls this proxy")
        }
        _ => return None,
    })
}
