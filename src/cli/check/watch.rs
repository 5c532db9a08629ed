//! `check --watch`: what expires when, in a list of servers, files and folders; once, for cron.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::files::{self, Existing, NewFile};
use secure_io::report::watch::{Unread, Watch, Watched};
use secure_io::{inspect, name, validity};
use time::OffsetDateTime;

use super::Outcome;
use super::reports::is_replaceable;
use crate::cli::args::{self, PassphraseArgs};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::remote::{self, RemoteArgs};

/// Watching a list of places.
#[derive(clap::Args)]
#[command(next_help_heading = "Watching")]
pub(super) struct WatchArgs {
    /// Look at the certificates of servers, files and folders in this list, one a line, instead of auditing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "html", "sarif", "junit", "fail_below", "fail_on"])]
    pub(super) watch: Option<PathBuf>,
    /// Exit with 1 when a certificate expires within this span
    #[arg(long, value_name = "SPAN", default_value = "30d", requires = "watch")]
    expires_within: String,
    /// Write the dates in Prometheus' format, for the textfile collector
    #[arg(long, value_name = "FILE", requires = "watch")]
    metrics: Option<PathBuf>,
}

/// The ending of the file beside the list that remembers the last run.
const STATE: &str = ".last.json";

/// A word by which metrics of an earlier run are known.
const MARK: &str = "secure_io_watch_last_run_seconds";

pub(super) fn run(
    list: &Path,
    args: &WatchArgs,
    remote: &RemoteArgs,
    json: bool,
    out: &mut Output,
) -> Result<Outcome, Failure> {
    let now = validity::now();
    let within = validity::parse_span(&args.expires_within)?;
    if let Some(path) = args.metrics.as_ref().filter(|path| !is_replaceable(path, &[MARK])) {
        files::check_set([path.as_path()], Existing::Keep)
            .map_err(|error| Failure::new(error.into()).hint("name another file, or remove this one"))?;
    }
    let mut watch = Watch::default();
    let folder = if files::is_stdio(list) { Path::new(".") } else { list.parent().unwrap_or(Path::new(".")) };
    let text = files::read(list)?;
    for place in
        String::from_utf8_lossy(&text).lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        for (place, read) in look(place, folder, remote) {
            match read {
                Ok(chain) => watch.certificates.extend(
                    chain.iter().enumerate().filter_map(|(index, der)| watched(&place, index, der, now, within)),
                ),
                Err(Failure::Error(report)) => {
                    watch.failures.push(Unread { place, cause: report.cause, message: report.error.to_string() });
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    let state = state(list);
    if let Some(before) = state.as_deref().and_then(last) {
        watch.compare(&before);
    }
    let outcome = match () {
        () if !watch.failures.is_empty() => Outcome::Failed,
        () if watch.certificates.iter().any(|watched| watched.expires) => Outcome::No,
        () => Outcome::Done,
    };
    watch.exit = outcome.status();
    remember(&watch, state.as_deref(), args.metrics.as_deref(), now, out)?;
    if json {
        out.json(&watch)?;
    } else {
        out.answer(&text_of(&watch, now))?;
    }
    Ok(outcome)
}

/// The certificates at a place: a server's chain, a file's, or those of each file in a folder.
fn look(
    place: &str,
    folder: &Path,
    remote: &RemoteArgs,
) -> Vec<(String, Result<Vec<CertificateDer<'static>>, Failure>)> {
    let path = folder.join(place);
    if !place.contains("://") && path.is_dir() {
        // A folder may hold anything: what has no certificates is passed over.
        let read = |path: PathBuf| {
            let found =
                args::load_certificates(&path, &PassphraseArgs::absent()).ok().filter(|found| !found.is_empty())?;
            Some((path.display().to_string(), Ok(found)))
        };
        return files::list(&path).into_iter().filter_map(read).collect();
    }
    let read = match remote::endpoint(if files::exists(&path) { &path } else { Path::new(place) }) {
        Ok(Some(endpoint)) => remote.ask(&endpoint).map(|presented| presented.chain),
        Ok(None) => args::load_certificates(&path, &PassphraseArgs::absent()),
        Err(failure) => Err(failure),
    };
    vec![(place.to_owned(), read)]
}

fn watched(place: &str, index: usize, der: &[u8], now: OffsetDateTime, within: std::time::Duration) -> Option<Watched> {
    let report = inspect::certificate(der).ok()?;
    let until = report.not_after.0;
    let first = report.subject_alt_names.first().filter(|_| report.subject.is_empty());
    Some(Watched {
        place: place.to_owned(),
        index,
        subject: first.unwrap_or(&report.subject).clone(),
        not_after_seconds: until.unix_timestamp(),
        // Rounded, as the text says it.
        days: ((until - now).whole_seconds() + 43_200).div_euclid(86_400),
        expires: until - now < within,
        not_after: report.not_after.to_string(),
        sha256_fingerprint: report.sha256_fingerprint,
    })
}

/// The file that remembers the last run; a list from standard input has none.
fn state(list: &Path) -> Option<PathBuf> {
    let mut state = list.as_os_str().to_owned();
    state.push(STATE);
    (!files::is_stdio(list)).then(|| state.into())
}

fn last(state: &Path) -> Option<Vec<Watched>> {
    if !files::exists(state) {
        return None;
    }
    serde_json::from_slice(&files::read(state).ok()?).ok()
}

fn remember(
    watch: &Watch,
    state: Option<&Path>,
    metrics: Option<&Path>,
    now: OffsetDateTime,
    out: &mut Output,
) -> Result<(), Failure> {
    if let Some(path) = metrics {
        files::write_set(&[NewFile::public(path, watch.metrics(now.unix_timestamp()))], Existing::Replace)?;
    }
    let Some(state) = state else { return Ok(()) };
    let mut all = watch.certificates.clone();
    // What could not be read today is compared with what was there when it last could.
    let unread = |old: &Watched| watch.failures.iter().any(|unread| unread.place == old.place);
    all.extend(last(state).unwrap_or_default().into_iter().filter(unread));
    let text = serde_json::to_string(&all).map_err(|error| Failure::new(error.into()))?;
    if let Err(error) = files::write_set(&[NewFile::public(state, text + "\n")], Existing::Replace) {
        out.warning(format!("the next run cannot tell what has changed: {error}"));
    }
    Ok(())
}

fn text_of(watch: &Watch, now: OffsetDateTime) -> String {
    let mut text = String::new();
    let shown = |text: &str| name::escape_unprintable(text);
    for watched in &watch.certificates {
        let until = OffsetDateTime::from_unix_timestamp(watched.not_after_seconds).unwrap_or(now);
        let mark = if watched.expires { "expires" } else { "fine" };
        let _ = writeln!(
            text,
            "{mark:7}  {}  {} ({})  {}  {}",
            watched.not_after.get(..10).unwrap_or_default(),
            shown(&watched.place),
            shown(&watched.subject),
            validity::distance(until, now),
            watched.sha256_fingerprint.get(..16).unwrap_or_default()
        );
    }
    for unread in &watch.failures {
        let code = unread.cause.map(|cause| format!(" ({})", cause.code)).unwrap_or_default();
        let _ = writeln!(text, "unread   {}: {}{code}", shown(&unread.place), shown(&unread.message));
    }
    for change in &watch.changes {
        let short =
            |print: &Option<String>| print.as_deref().and_then(|print| print.get(..16)).unwrap_or("nothing").to_owned();
        let _ = writeln!(
            text,
            "{:7}  {}: {} → {}",
            change.kind,
            shown(&change.place),
            short(&change.before),
            short(&change.after)
        );
    }
    text
}
