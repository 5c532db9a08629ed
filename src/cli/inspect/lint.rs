//! `--lint`: holds items back until all CA certificates are known, and judges them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secure_io::inspect::Inspected;
use secure_io::lint::{Issuers, Judge, Origin};
use secure_io::report::finding::{Audience, Lint, Severity};
use secure_io::words::counted;
use secure_io::{files, trust};
use time::OffsetDateTime;

use crate::cli::Outcome;
use crate::cli::output::Output;

/// As many items are held back, so that it does not matter whether an issuer comes before or after what it issued.
const HELD: usize = 2_000;

/// How many findings are named on stderr when nothing else is printed.
const NAMED: usize = 100;

/// Where vendors put root stores. One from elsewhere, as `SSL_CERT_FILE` can have it, may hold anybody's.
const VENDORS: [&str; 4] = ["/etc/ssl", "/etc/pki", "/usr", "/nix"];

/// Whether and how to judge.
#[derive(clap::Args)]
#[command(next_help_heading = "Judging")]
pub(super) struct LintArgs {
    /// Say what is wrong with certificates, requests and CRLs, by the rules for a public CA's or a private CA's;
    /// auto: by who issued them [default: auto]
    #[arg(long, value_name = "public|private|auto", num_args = 0..=1, default_missing_value = "auto")]
    #[arg(conflicts_with = "pem")]
    pub(super) lint: Option<Asked>,
    /// Exit with 1 from this severity on [default: error]
    #[arg(long, value_enum, value_name = "SEVERITY", requires = "lint")]
    lint_fail: Option<FailFrom>,
}

/// What stands behind `--lint`: an audience, or, as it may be left out, the first file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Auto,
    Public,
    Private,
    File(PathBuf),
}

impl FromStr for Asked {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "public" => Self::Public,
            "private" => Self::Private,
            file => Self::File(file.into()),
        })
    }
}

impl LintArgs {
    /// The file that stands behind `--lint`.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        if let Some(Asked::File(path)) = &self.lint { Some(path) } else { None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailFrom {
    /// What clients refuse, or a standard forbids
    Error,
    /// What some clients mind, too
    Warning,
    /// Everything
    Note,
}

/// Judges what goes through it.
pub(super) struct Linter {
    issuers: Issuers,
    audience: Option<Audience>,
    fail_from: Severity,
    now: OffsetDateTime,
    held: Vec<Inspected>,
    is_streaming: bool,
    failed: bool,
    counts: [usize; 3],
    named: Vec<(Severity, String)>,
}

impl Linter {
    /// `None` when nothing is to be judged.
    pub(super) fn new(args: &LintArgs, now: OffsetDateTime) -> Option<Self> {
        let audience = match args.lint.as_ref()? {
            Asked::Auto | Asked::File(_) => None,
            Asked::Public => Some(Audience::Public),
            Asked::Private => Some(Audience::Private),
        };
        let fail_from = match args.lint_fail.unwrap_or(FailFrom::Error) {
            FailFrom::Error => Severity::Error,
            FailFrom::Warning => Severity::Warning,
            FailFrom::Note => Severity::Note,
        };
        let (held, named) = (Vec::new(), Vec::new());
        let issuers = system_issuers();
        Some(Self {
            issuers,
            audience,
            fail_from,
            now,
            held,
            is_streaming: false,
            failed: false,
            counts: [0; 3],
            named,
        })
    }

    /// Takes an item, and gives back those that are judged.
    pub(super) fn take(&mut self, inspected: Inspected) -> Vec<Inspected> {
        self.issuers.add_item(&inspected);
        self.held.push(inspected);
        self.is_streaming |= self.held.len() > HELD;
        if self.is_streaming { self.finish() } else { Vec::new() }
    }

    /// Judges what was held back.
    pub(super) fn finish(&mut self) -> Vec<Inspected> {
        let mut held = std::mem::take(&mut self.held);
        for inspected in &mut held {
            let judge = Judge { audience: self.audience, issuers: &self.issuers, now: self.now };
            for lint in judge.item(inspected) {
                self.count(inspected, &lint);
            }
        }
        held
    }

    fn count(&mut self, inspected: &Inspected, lint: &Lint) {
        self.failed |= lint.worst() >= Some(self.fail_from);
        for finding in &lint.findings {
            self.counts[finding.severity as usize] += 1;
            if finding.severity >= self.fail_from && self.named.len() < NAMED {
                let place = inspected.item.place();
                let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
                let words = format!("{}{line}: {} ({})", place.source, finding.message, finding.rule);
                self.named.push((finding.severity, words));
            }
        }
    }

    /// Says how much was found; names it for those who asked for nothing else.
    pub(super) fn outcome(&self, out: &mut Output) -> Outcome {
        if out.is_quiet() {
            for (severity, words) in &self.named {
                out.finding(*severity, words);
            }
        }
        let [notes, warnings, errors] = self.counts;
        let words = [(errors, "error"), (warnings, "warning"), (notes, "note")];
        let words = words.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = words.map(|(count, what)| counted(*count, what)).collect();
        if !words.is_empty() {
            out.note(format!("lint: {}; docs/linting.md says more of each rule", words.join(", ")));
        }
        if self.failed { Outcome::No } else { Outcome::Done }
    }
}

/// The system's trust anchors. Those that somebody here put there, which are nobody's public CA, are told from those that
/// its vendor delivers.
/// The CAs of the system's root store, public ones and those that somebody added.
pub(crate) fn system_issuers() -> Issuers {
    let is_chosen = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(std::env::var_os).any(|path| {
        let path = Path::new(&path);
        !VENDORS.iter().any(|folder| path.starts_with(folder))
    });
    let added: HashSet<Vec<u8>> = trust::anchor_folders().flat_map(certificates_below).collect();
    let mut issuers = Issuers::default();
    // Without a root store, or with one that is damaged, nothing is public but what says so itself.
    for anchor in rustls_native_certs::load_native_certs().certs {
        let is_added = is_chosen || added.contains(anchor.as_ref());
        issuers.add(&anchor, if is_added { Origin::AddedAnchor } else { Origin::PublicAnchor });
    }
    issuers
}

fn certificates_below(folder: &Path) -> Vec<Vec<u8>> {
    let read = |path: PathBuf| files::read(&path).map(|bytes| trust::certificates(&bytes)).unwrap_or_default();
    files::list(folder).into_iter().flat_map(read).collect()
}
