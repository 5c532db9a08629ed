//! Certificates that change while the server runs: files are read again when they do, and on SIGHUP; what the local CA
//! has issued, or the server itself, is renewed in time.
//!
//! The folders of the files are watched rather than the files: a file that is replaced, or a link that leads elsewhere,
//! is another one than that which was watched. Where nothing is told (network file systems, containers), the files are
//! looked at every few seconds.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use secure_io::credentials::Credentials;
use secure_io::files::{self, Stamp};
use secure_io::generate::CertificateSpec;
use secure_io::report::fixtures::Expected;
use secure_io::server::Certificates;
use secure_io::validity;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::log::Lines;
use super::source::Origin;
use super::{Args, renewal};
use crate::cli::failure::Failure;

/// The time between two looks at files, and at the time that is left.
const LOOK: Duration = Duration::from_secs(10);

/// The time without a change after which a set of files counts as written.
const QUIET: Duration = Duration::from_millis(300);

/// The time that files have to become a set that fits together: certificate and key are seldom written at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server's certificates, and where newer ones come from.
pub(super) struct Reloading<'a> {
    args: &'a Args,
    spec: &'a CertificateSpec,
    origin: Origin,
    in_use: Credentials,
    fixtures: Option<Expected>,
    /// The files whose changes are looked for: those that can be read again, which a pipe cannot.
    files: Vec<PathBuf>,
    /// Their state when they were read last.
    seen: Vec<Option<Stamp>>,
    /// The files that cannot.
    pipes: Vec<PathBuf>,
    /// True once a renewal has failed, which would fail again.
    has_given_up: bool,
    lines: Lines,
}

/// The reason for a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// SIGHUP.
    Asked,
    /// Files have changed, perhaps not all that are going to.
    Changed,
    /// The certificate in use is about to expire.
    Due,
}

impl<'a> Reloading<'a> {
    pub(super) fn new(
        args: &'a Args,
        spec: &'a CertificateSpec,
        (origin, in_use): (Origin, Credentials),
        fixtures: Option<Expected>,
        lines: Lines,
    ) -> Self {
        let all = origin.watched().into_iter().chain(args.server.clients.files().cloned());
        let (files, pipes): (Vec<_>, _) = all.partition(|path| files::stamp(path).is_some() || !files::exists(path));
        let seen = stamps(&files);
        Self { args, spec, origin, in_use, fixtures, files, seen, pipes, has_given_up: false, lines }
    }

    /// Replaces the server's certificates whenever there is reason to.
    pub(super) async fn run(mut self, certificates: Certificates, mut hangups: watch::Receiver<()>) -> Infallible {
        let changed = Arc::new(Notify::new());
        let mut watched = Watched::new(&changed);
        watched.follow(&self.files, &self.seen);
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let mut is_asked = false;
            tokio::select! {
                // In a folder where much is written, this is no reason to look all the time.
                () = async { changed.notified().await; sleep(QUIET).await } => {}
                Ok(()) = hangups.changed() => is_asked = true,
                _ = looks.tick() => {}
            }
            let cause = match () {
                () if is_asked => Cause::Asked,
                () if stamps(&self.files) != self.seen => Cause::Changed,
                () if self.is_due(validity::now()) => Cause::Due,
                () => continue,
            };
            if self.args.plain {
                self.lines
                    .send("SIGHUP: there is nothing to read again, because TLS ends in front of this server".into());
                continue;
            }
            self.reload(cause, &certificates).await;
            watched.follow(&self.files, &self.seen);
        }
    }

    /// Decides whether the certificate in use has to be renewed here.
    fn is_due(&self, now: OffsetDateTime) -> bool {
        let is_ours = match self.origin {
            Origin::Files { .. } => self.args.server.renew,
            // Its client renews it.
            Origin::Acme { .. } => false,
            _ => true,
        };
        is_ours
            && !self.has_given_up
            && !self.args.plain
            && self.in_use.why_renew(&self.names_asked(), None, now).is_some()
    }

    /// A certificate in a file is for whatever names it has.
    fn names_asked(&self) -> CertificateSpec {
        if matches!(self.origin, Origin::Files { .. }) { CertificateSpec::default() } else { self.spec.clone() }
    }

    /// Takes over what is there now, or says why not.
    async fn reload(&mut self, cause: Cause, certificates: &Certificates) {
        let started = Instant::now();
        loop {
            self.seen = if cause == Cause::Changed { settled(&self.files).await } else { stamps(&self.files) };
            let Err(error) = self.replace(cause, certificates) else { return };
            // A certificate is often written before its key.
            while cause == Cause::Changed && started.elapsed() < PATIENCE && stamps(&self.files) == self.seen {
                sleep(QUIET / 3).await;
            }
            if cause != Cause::Changed || stamps(&self.files) == self.seen {
                self.lines.send(format!(
                    "The certificate in use stays, because a new one is refused: {}",
                    error.in_one_line()
                ));
                return;
            }
        }
    }

    fn replace(&mut self, cause: Cause, certificates: &Certificates) -> Result<(), Failure> {
        let now = validity::now();
        if let Some(pipe) = self.pipes.first().filter(|_| cause == Cause::Asked) {
            let reason = format!("`{}` is no regular file, and cannot be read a second time", pipe.display());
            return Err(Failure::message(reason));
        }
        if cause != Cause::Changed {
            self.renew_file(now).inspect_err(|_| self.has_given_up = true)?;
            self.seen = stamps(&self.files);
        }
        let lines = self.lines.clone();
        let warn = |warning| lines.send(warning);
        let newer = self.args.again(&self.origin, &self.in_use, self.spec, now, warn)?;
        let credentials = newer.as_ref().unwrap_or(&self.in_use);
        let certificate = credentials.report().map_err(|error| Failure::new(error.into()))?;
        let shown = self.args.shown(credentials, self.spec, self.fixtures.as_mut(), &lines, warn)?;
        certificates.replace(Arc::new(shown.by_name), certificate);
        if let Some(newer) = newer {
            self.in_use = newer;
        }
        // Near its own end, a CA can only issue what is due at once.
        self.has_given_up = self.in_use.why_renew(&self.names_asked(), None, now).is_some();
        Ok(())
    }

    /// Renews the file, where that is asked for.
    fn renew_file(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let Origin::Files { certificate, key } = &self.origin else { return Ok(()) };
        if self.args.server.renew
            && let Some(renewed) = renewal::renew_file(self.args, certificate, key, now)?
        {
            self.lines.send(renewed);
        }
        Ok(())
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| files::stamp(path)).collect()
}

/// Waits until files have not changed for a while. One that is written all the time is not waited for.
async fn settled(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let mut seen = stamps(paths);
    for _ in 0..10 {
        sleep(QUIET).await;
        let now = stamps(paths);
        if now == seen {
            break;
        }
        seen = now;
    }
    seen
}

/// The folders that the system tells changes of.
struct Watched {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
}

impl Watched {
    fn new(changed: &Arc<Notify>) -> Self {
        let changed = Arc::clone(changed);
        let tell = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_change(event.kind)) {
                changed.notify_one();
            }
        };
        // Without it, the files are looked at from time to time.
        Self { watcher: notify::recommended_watcher(tell).ok(), folders: BTreeSet::new() }
    }

    /// Watches the folders of these files, and of those that they lead to.
    fn follow(&mut self, files: &[PathBuf], stamps: &[Option<Stamp>]) {
        let Some(watcher) = &mut self.watcher else { return };
        let ends = stamps.iter().flatten().map(|stamp| &stamp.path);
        let folders = files.iter().chain(ends).filter_map(|path| path.parent());
        let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
        let folders: BTreeSet<_> = folders.map(here).collect();
        for gone in self.folders.difference(&folders) {
            // It may not exist any more.
            let _ = watcher.unwatch(gone);
        }
        for folder in &folders {
            // A folder that was replaced by another of its name is a new one to watch.
            let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
        }
        self.folders = folders;
    }
}

/// Returns true unless a file was only read, which the server does itself.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write))
}
