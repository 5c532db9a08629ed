//! Certificates that change while the server runs: files are read again when they do, and on SIGHUP; what the local CA
//! has issued, or the server itself, is renewed in time.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secure_io::credentials::Credentials;
use secure_io::files::{self, Stamp};
use secure_io::generate::CertificateSpec;
use secure_io::server::Certificates;
use secure_io::validity;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::fixtures::TestPki;
use super::log::Lines;
use super::source::Origin;
use super::watched::{LOOK, QUIET, Watched, settled, stamps};
use super::{ServerArgs, renewal};
use crate::cli::failure::Failure;

/// The time that files have to become a set that fits together: certificate and key are seldom written at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server's certificates, and where newer ones come from.
pub(super) struct Reloading<'a> {
    server: &'a ServerArgs,
    spec: &'a CertificateSpec,
    origin: Origin,
    in_use: Credentials,
    test_pki: Option<TestPki<'a>>,
    /// True if nobody is shown a certificate.
    is_plain: bool,
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
        server: &'a ServerArgs,
        spec: &'a CertificateSpec,
        (origin, in_use): (Origin, Credentials),
        test_pki: Option<TestPki<'a>>,
        is_plain: bool,
        lines: Lines,
    ) -> Self {
        let all = origin.watched().into_iter().chain(server.clients.files().cloned());
        let (files, pipes): (Vec<_>, _) = all.partition(|path| files::stamp(path).is_some() || !files::exists(path));
        let seen = stamps(&files);
        Self { server, spec, origin, in_use, test_pki, is_plain, files, seen, pipes, has_given_up: false, lines }
    }

    /// Replaces the server's certificates whenever there is reason to.
    pub(super) async fn run(mut self, certificates: Certificates, mut hangups: watch::Receiver<()>) -> Infallible {
        let mut watched = Watched::default();
        watched.follow(&self.files, &self.seen);
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let mut is_asked = false;
            tokio::select! {
                () = watched.changed() => {}
                Ok(()) = hangups.changed() => is_asked = true,
                _ = looks.tick() => {}
            }
            let cause = match () {
                () if is_asked => Cause::Asked,
                () if stamps(&self.files) != self.seen => Cause::Changed,
                () if self.is_due(validity::now()) => Cause::Due,
                () => continue,
            };
            if self.is_plain {
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
            Origin::Files { .. } => self.server.renew,
            // Its client renews it.
            Origin::Acme { .. } => false,
            _ => true,
        };
        is_ours
            && !self.has_given_up
            && !self.is_plain
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
        let newer = self.server.again(&self.origin, &self.in_use, self.spec, now, warn)?;
        let credentials = newer.as_ref().unwrap_or(&self.in_use);
        let certificate = credentials.report().map_err(|error| Failure::new(error.into()))?;
        let shown = self.server.shown(credentials, self.spec, self.test_pki.as_mut(), &lines, warn)?;
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
        if self.server.renew
            && let Some(renewed) = renewal::renew_file(self.server, certificate, key, now)?
        {
            self.lines.send(renewed);
        }
        Ok(())
    }
}
