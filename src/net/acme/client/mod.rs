//! An ACME client that keeps a server's certificate: ordered, validated, and renewed in time.
//!
//! [`AcmeClient::run`] goes on for as long as the server does. Its challenges are answered by the server itself
//! ([`Challenges`]) or at a plain HTTP port ([`HttpPort`]); account, order, key and certificate are files in a folder of
//! their own ([`Folder`]), so that a client that was killed goes on where it was. Whoever shows the certificate reads the
//! files.

mod error;
mod folder;
mod http_port;
mod obtain;
mod schedule;
mod session;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::sleep;
use zeroize::Zeroizing;

pub use self::error::Error;
pub use self::folder::Folder;
pub use self::http_port::{HttpPort, Tokens};

use self::schedule::Schedule;
use self::session::Session;
use crate::judge::inspect;
use crate::net::acme::server::Method;
use crate::net::proxy::Trust;
use crate::net::tls::Challenges;
use crate::x509::name::SubjectAltName;

/// An order: the names, the CA, and the challenges.
#[derive(Debug)]
pub struct Config {
    /// The URL of the CA's directory.
    pub directory: String,
    /// The names.
    pub names: Vec<SubjectAltName>,
    /// The contact of the account's holder.
    pub email: Option<String>,
    /// The key that lets a client in, with its name, where the CA asks for one.
    pub external: Option<(String, Zeroizing<Vec<u8>>)>,
    /// The roots that the CA's own server is trusted by.
    pub trust: Trust,
    /// The folder of accounts, keys and certificates.
    pub folder: Folder,
    /// The challenges of the TLS port.
    pub challenges: Arc<Challenges>,
    /// The tokens of the plain port, if there is one: challenges are answered there then.
    pub tokens: Option<Arc<Tokens>>,
    /// The time of day.
    pub clock: fn() -> OffsetDateTime,
}

/// Is called with each event; it must not block for long.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A host is about to be validated.
    Validating {
        /// The name.
        name: String,
        /// The challenge.
        method: Method,
    },
    /// There is a new certificate.
    Obtained {
        /// Its last second.
        not_after: OffsetDateTime,
    },
    /// There is none; another attempt follows.
    Failed {
        /// The reason.
        error: Error,
        /// The time until the next attempt.
        wait: Duration,
    },
}

/// A client for one certificate.
pub struct AcmeClient {
    config: Config,
    observer: Observer,
}

impl std::fmt::Debug for AcmeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcmeClient").field("config", &self.config).finish_non_exhaustive()
    }
}

impl AcmeClient {
    /// A client.
    #[must_use]
    pub fn new(config: Config, observer: Observer) -> Self {
        Self { config, observer }
    }

    /// Keeps the certificate for as long as the future is polled. `first` is called once: at once with `false` if there is
    /// a certificate, else with `true` when there is one, or with `false` when the first attempt to get one has failed.
    pub async fn run(self, first: impl FnOnce(bool)) {
        let mut first = Some(first);
        if self.is_held() {
            first.take().into_iter().for_each(|first| first(false));
        }
        let mut schedule = Schedule::default();
        let mut account = None;
        loop {
            let (wait, is_new) = match self.look(&mut account, &mut schedule).await {
                Ok(looked) => {
                    schedule.succeeded();
                    looked
                }
                Err(error) => {
                    account = None;
                    let wait = schedule.failed(error.is_passing());
                    (self.observer)(&Event::Failed { error, wait });
                    (wait, false)
                }
            };
            first.take().into_iter().for_each(|first| first(is_new));
            sleep(wait).await;
        }
    }

    /// Returns true if a certificate is there that has not expired.
    fn is_held(&self) -> bool {
        let held = self.config.folder.certificate(&self.config.names).ok().flatten();
        let end = held.and_then(|held| Some(inspect::parse(&held).ok()?.validity().not_after));
        end.is_some_and(|end| (self.config.clock)() <= end)
    }

    /// Renews a certificate whose time has come; returns the wait until the next look, and true if there is a new one.
    async fn look(&self, account: &mut Option<Session>, schedule: &mut Schedule) -> Result<(Duration, bool), Error> {
        let now = (self.config.clock)();
        let held = self.config.folder.certificate(&self.config.names)?;
        if let Some(held) = &held {
            if account.is_none() && schedule.asks_for_window(now) {
                // A CA that cannot be reached just now does not matter as long as the certificate lasts.
                *account = self.account().await.ok();
            }
            schedule.ask(account.as_ref(), held, now).await;
            if !schedule.is_due(held, now) {
                return Ok((schedule.wait(held, now), false));
            }
        }
        let account = match account {
            Some(account) => account,
            None => account.insert(self.account().await?),
        };
        let not_after = self.obtain(account, held.as_deref()).await?;
        schedule.forget();
        (self.observer)(&Event::Obtained { not_after });
        let held = self.config.folder.certificate(&self.config.names)?;
        Ok((held.map_or(Duration::from_mins(1), |held| schedule.wait(&held, now)), true))
    }
}
