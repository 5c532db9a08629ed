//! `check`: audits running servers.

mod reports;
mod text;
mod watch;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use secure_io::check::{self, Grade, Known, Options, RULES, UNREACHABLE};
use secure_io::probe::Endpoint;
use secure_io::report::check::{Check, Target};
use secure_io::report::finding::Severity;
use secure_io::report::watch::Watch;
use secure_io::verify::Certificate;
use secure_io::{lint, validity};
use std::sync::Arc;

use super::Outcome;
use super::args::{CaDirArgs, PassphraseArgs};
use super::command_line::CommandLine;
use super::failure::Failure;
use super::output::Output;
use super::proxied;
use super::remote::RemoteArgs;
use super::runtime::{block_on, interrupted};
use super::{inspect, verify};

/// Audit a running server: TLS, certificates, HTTP, Socket.IO; with two grades
#[derive(clap::Args)]
#[command(after_help = "\
Looks at: versions, suites, groups, Diffie-Hellman primes, compression, renegotiation, resumption,
early data, ALPN, SNI, stapling, long and unknown hellos, client certificates; the chain as `verify`
and `inspect --lint` judge it; the redirect from plain HTTP, HSTS, security headers, cookies, mixed
content, CORS as a browser sees it; Socket.IO: versions, transports, the upgrade, sticky sessions,
the heartbeat, foreign origins. It changes nothing on the server, and tries no exploit.

Examples:
  secure-io check https://localhost:3000                    grades, findings, fixes
  secure-io check --trust root.pem https://app.test         with a private CA
  secure-io check --fail-below B --fail-on error localhost:3000 localhost:3001
  secure-io check --html report.html https://localhost:3000 a page to send to a colleague
  secure-io check --starttls smtp mail.test:2525            TLS that begins in the clear
  secure-io check --watch places.txt --expires-within 14d   what expires, for cron

Exit status: 0 done, 1 a --fail-below or --fail-on threshold is passed or something that is watched
expires, 2 a server cannot be reached")]
pub(crate) struct Args {
    /// Servers, as in https://localhost:3000 or localhost:3000
    #[arg(value_name = "URL", required_unless_present_any = ["list", "watch"])]
    targets: Vec<String>,
    /// Trust the certificates in this file [default: the system's roots, and the local CA]
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// The port of plain HTTP, which should redirect [default: 80 for a server on 443, else none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    http_port: Option<u16>,
    /// Look at CORS for a page of this origin, as in https://app.example
    #[arg(long, value_name = "URL", value_parser = parse_origin)]
    origin: Option<String>,
    /// Watch an idle WebSocket until the heartbeat is due, some 25 s
    #[arg(long)]
    idle: bool,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    thresholds: Thresholds,
    #[command(flatten)]
    watching: watch::WatchArgs,
    #[command(flatten)]
    ca_dir: CaDirArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// List the checks, and do nothing else
    #[arg(long, help_heading = "Output")]
    list: bool,
    /// Report as JSON: one document
    #[arg(long, help_heading = "Output", conflicts_with = "list")]
    json: bool,
    #[command(flatten)]
    reports: reports::Reports,
}

/// The choice of findings.
#[derive(clap::Args)]
#[command(next_help_heading = "Checks")]
struct Selection {
    /// Report these findings only, by id
    #[arg(long, value_name = "ID,…", value_delimiter = ',', conflicts_with = "skip")]
    only: Vec<String>,
    /// Leave these findings out, by id
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    skip: Vec<String>,
}

/// The conditions for exit status 1.
#[derive(clap::Args)]
#[command(next_help_heading = "Thresholds")]
struct Thresholds {
    /// Exit with 1 when a grade is below this one; T and M are below all
    #[arg(long, value_name = "GRADE", value_parser = grade_parser())]
    fail_below: Option<Grade>,
    /// Exit with 1 when there is a finding of this severity or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Clients refuse this, or strangers can read along
    Error,
    /// Some clients mind this, or it will matter later
    Warning,
    /// Everything
    Note,
}

impl From<FailOn> for Severity {
    fn from(from: FailOn) -> Self {
        match from {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Note => Self::Note,
        }
    }
}

fn grade_parser() -> impl TypedValueParser<Value = Grade> {
    let letters = Grade::ALL.into_iter().filter(|grade| *grade > Grade::F);
    PossibleValuesParser::new(letters.map(Grade::name)).try_map(|name| Grade::named(&name).ok_or("no grade"))
}

/// Reads an origin: scheme, host and perhaps a port, as a browser sends it.
fn parse_origin(text: &str) -> Result<String, String> {
    let origin = text.trim_end_matches('/');
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")).unwrap_or_default();
    if host.is_empty() || host.contains(['/', '?', '#', ' ', '@']) || host.contains(char::is_control) {
        return Err("an origin is a scheme and a host, as in https://app.example".to_owned());
    }
    Ok(origin.to_ascii_lowercase())
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut report = Check::default();
    let outcome = look(args, &mut report, out);
    // With --json there is a document whatever happens.
    if matches!(outcome, Err(Failure::Error(_))) && args.json {
        match args.watching.watch {
            Some(_) => out.json(&Watch { exit: Outcome::Failed.status(), ..Watch::default() })?,
            None => out.json(&Check { exit: Outcome::Failed.status(), ..report })?,
        }
    }
    outcome
}

/// Fills the report, which stands as far as it got if the result is a failure.
fn look(args: &Args, report: &mut Check, out: &mut Output) -> Result<Outcome, Failure> {
    args.selection.check()?;
    if args.list {
        out.answer(&text::list())?;
        return Ok(Outcome::Done);
    }
    if let Some(list) = &args.watching.watch {
        return watch::run(list, &args.watching, &args.remote, args.json, out);
    }
    args.reports.check()?;
    let passphrase = PassphraseArgs::absent();
    let sources = verify::trust::Sources { files: &args.trust, ca_dir: &args.ca_dir, passphrase: &passphrase };
    let anchors = verify::trust::all(sources, out)?;
    let intermediates = local_intermediates(&args.ca_dir, out)?;
    let issuers = inspect::lint::system_issuers();
    let known = Known { anchors: &anchors, intermediates: &intermediates, issuers: &issuers, now: validity::now() };
    for named in &args.targets {
        let progress = out.progress();
        progress.say(format!("checking {named}"));
        let target = match named.parse::<Endpoint>() {
            Ok(endpoint) => {
                if let Some(words) = proxied::unused(&endpoint) {
                    out.note(words);
                }
                let options = args.options(&endpoint, known);
                let audit = check::audit(named, &endpoint, &options, |id| args.selection.wants(id));
                block_on(async {
                    tokio::select! {
                        target = audit => Some(target),
                        Ok(()) = interrupted() => None,
                    }
                })?
            }
            Err(error) => {
                let mut target = check::not_a_server(named, &error);
                target.findings.retain(|finding| args.selection.wants(&finding.id));
                Some(target)
            }
        };
        progress.clear();
        let Some(target) = target else {
            return Err(Failure::message(format!("interrupted before {named} was checked")));
        };
        if !args.json {
            out.styled(&text::target(&target, Output::width()))?;
        }
        report.targets.push(target);
    }
    finish(args, report, out)
}

fn finish(args: &Args, report: &mut Check, out: &mut Output) -> Result<Outcome, Failure> {
    let outcome = report.targets.iter().map(|target| args.thresholds.outcome(target)).max_by_key(|one| one.status());
    let outcome = outcome.unwrap_or(Outcome::Done);
    report.exit = outcome.status();
    let from = args.thresholds.fail_on.map_or(Severity::Warning, Severity::from);
    let written = args.reports.write(report, from, |id| args.selection.wants(id));
    if written.is_err() {
        report.exit = Outcome::Failed.status();
    }
    if args.json && written.is_ok() {
        out.json(report)?;
    } else if !args.json && report.targets.len() > 1 {
        out.styled(&text::table(&report.targets))?;
    }
    written.map(|()| outcome)
}

impl Args {
    fn options<'a>(&self, endpoint: &Endpoint, known: Known<'a>) -> Options<'a> {
        Options {
            server_name: self.remote.server_name.clone(),
            timeout: self.remote.timeout,
            http_port: self.http_port,
            starttls: self.remote.starttls(endpoint),
            origin: self.origin.clone(),
            idle: self.idle,
            known,
        }
    }
}

/// The local CA's intermediate, which a server may have left out.
pub(crate) fn local_intermediates(ca_dir: &CaDirArgs, out: &mut Output) -> Result<Vec<Arc<Certificate>>, Failure> {
    match ca_dir.paths() {
        Ok(paths) if paths.exist() => verify::certificates(&paths.intermediate, &PassphraseArgs::absent(), out),
        // Without a home folder there is no local CA unless one is named.
        _ => Ok(Vec::new()),
    }
}

impl Selection {
    /// Refuses ids that no check has.
    fn check(&self) -> Result<(), Failure> {
        let known = || {
            let unreachable = UNREACHABLE.iter().map(|(id, _)| *id);
            RULES.iter().map(|rule| rule.id).chain(lint::RULES.iter().map(|rule| rule.id)).chain(unreachable)
        };
        match self.only.iter().chain(&self.skip).find(|id| known().all(|known| known != id.as_str())) {
            Some(id) => Err(Failure::message(format!("no check has the id `{id}`")).hint(format!(
                "list them: `{}`; docs/linting.md has those of certificates",
                CommandLine::ours("check --list")
            ))),
            None => Ok(()),
        }
    }

    fn wants(&self, id: &str) -> bool {
        let is_named = |ids: &[String]| ids.iter().any(|named| named == id);
        (self.only.is_empty() || is_named(&self.only)) && !is_named(&self.skip)
    }
}

impl Thresholds {
    fn outcome(&self, target: &Target) -> Outcome {
        let Some(grade) = &target.grade else { return Outcome::Failed };
        let is_below = self.fail_below.is_some_and(|least| Grade::named(grade) < Some(least));
        let worst = target.findings.iter().map(|finding| finding.severity).max();
        let is_bad = self.fail_on.is_some_and(|from| worst >= Some(from.into()));
        if is_below || is_bad { Outcome::No } else { Outcome::Done }
    }
}
