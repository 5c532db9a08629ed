//! `check`: audits running servers.

mod text;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use secure_io::chain::Certificate;
use secure_io::check::{self, Grade, Known, Options, RULES};
use secure_io::probe::Endpoint;
use secure_io::report::check::{Check, Target};
use secure_io::report::finding::Severity;
use secure_io::{lint, validity};
use std::sync::Arc;

use super::Outcome;
use super::args::{CaDirArgs, PassphraseArgs};
use super::command_line::CommandLine;
use super::failure::Failure;
use super::output::Output;
use super::remote::RemoteArgs;
use super::{inspect, verify};

/// Audit a running server: TLS, certificates, HTTP headers; with two grades
#[derive(clap::Args)]
#[command(after_help = "\
Looks at: versions, suites, groups, Diffie-Hellman primes, compression, renegotiation, resumption, early data, ALPN, SNI,
stapling, long and unknown hellos, client certificates; the chain as `verify` and `inspect --lint` judge it; the redirect
from plain HTTP, HSTS, security headers and cookies. Not yet at Socket.IO, CORS and mixed content. It changes nothing on
the server, and tries no exploit.

Examples:
  secure-io check https://localhost:3000                    grades, findings, fixes
  secure-io check --trust root.pem https://app.test         with a private CA
  secure-io check --fail-below B --fail-on error localhost:3000 localhost:3001

Exit status: 0 done, 1 a --fail-below or --fail-on threshold is passed, 2 a server cannot be reached")]
pub(crate) struct Args {
    /// Servers, as in https://localhost:3000 or localhost:3000
    #[arg(value_name = "URL", required_unless_present = "list")]
    targets: Vec<String>,
    /// Trust the certificates in this file [default: the system's roots, and the local CA]
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// The port of plain HTTP, which should redirect [default: 80 for a server on 443, else none]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    http_port: Option<u16>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    thresholds: Thresholds,
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
}

/// Which findings are reported.
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

/// What makes the exit status 1.
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
    /// What clients refuse, or what lets strangers read along
    Error,
    /// What some clients mind, or will matter later
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
    PossibleValuesParser::new(letters.map(Grade::name))
        .map(|name| Grade::ALL.into_iter().find(|grade| grade.name() == name).unwrap_or(Grade::APlus))
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    args.selection.check()?;
    if args.list {
        out.answer(&text::list())?;
        return Ok(Outcome::Done);
    }
    let passphrase = PassphraseArgs::absent();
    let sources = verify::trust::Sources { files: &args.trust, ca_dir: &args.ca_dir, passphrase: &passphrase };
    let anchors = verify::trust::all(sources, out)?;
    let intermediates = local_intermediates(args, out)?;
    let issuers = inspect::lint::system_issuers();
    let options = Options {
        server_name: args.remote.server_name.clone(),
        timeout: args.remote.timeout,
        http_port: args.http_port,
        known: Known { anchors: &anchors, intermediates: &intermediates, issuers: &issuers, now: validity::now() },
    };
    let mut report = Check::default();
    for named in &args.targets {
        let target = match named.parse::<Endpoint>() {
            Ok(endpoint) => check::audit(named, &endpoint, &options, |id| args.selection.wants(id)),
            Err(error) => check::not_a_server(named, &error),
        };
        if !args.json {
            out.styled(&text::target(&target, Output::width()))?;
        }
        report.targets.push(target);
    }
    let outcome = report.targets.iter().map(|target| args.thresholds.outcome(target)).max_by_key(|one| status(*one));
    let outcome = outcome.unwrap_or(Outcome::Done);
    report.exit = status(outcome);
    if args.json {
        out.json(&report)?;
    } else if report.targets.len() > 1 {
        out.styled(&text::table(&report.targets))?;
    }
    Ok(outcome)
}

const fn status(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Done => 0,
        Outcome::No => 1,
        Outcome::Failed => 2,
    }
}

/// The local CA's intermediate, which a server may have left out.
fn local_intermediates(args: &Args, out: &mut Output) -> Result<Vec<Arc<Certificate>>, Failure> {
    match args.ca_dir.paths() {
        Ok(paths) if paths.exist() => verify::certificates(&paths.intermediate, &PassphraseArgs::absent(), out),
        // Without a home folder there is no local CA unless one is named.
        _ => Ok(Vec::new()),
    }
}

impl Selection {
    /// Refuses ids that no check has.
    fn check(&self) -> Result<(), Failure> {
        let known = || {
            let always = ["plain-http", "not-tls", "closed-at-once", "tls-timeout", "tls-reset"];
            RULES.iter().map(|rule| rule.id).chain(lint::RULES.iter().map(|rule| rule.id)).chain(always)
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
        let grade = Grade::ALL.into_iter().find(|known| known.name() == grade);
        let is_below = self.fail_below.is_some_and(|least| grade < Some(least));
        let worst = target.findings.iter().map(|finding| finding.severity).max();
        let is_bad = self.fail_on.is_some_and(|from| worst >= Some(from.into()));
        if is_below || is_bad { Outcome::No } else { Outcome::Done }
    }
}
