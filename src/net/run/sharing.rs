//! One port for all that `run` starts on a machine.
//!
//! Who comes first serves the port and listens on a socket in a folder of the user's; the others join over it. When the
//! first ends, in whatever way, the others race for its lock, and the winner serves the port from then on. Connections of
//! clients break at that moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use crate::base::files::{self, FileLock};
use crate::judge::report::running::{App, Running};
use crate::net::proxy::Proxy;
use crate::net::run::door::Door;
use crate::net::run::hub::Hub;
#[cfg(unix)]
use crate::net::run::talk::Wire;
use crate::net::run::talk::{Answer, Ask};
use crate::net::server::{self, Config, Observer, Server};
use crate::net::tls::ByName;

/// Reason why a server is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another one has the host.
    #[error("{} is served already, for `{}` in {} (process {})", by.url, by.command, by.folder, by.pid)]
    Taken {
        /// The other one.
        by: Box<App>,
    },
    /// The process that has the port uses another local CA.
    #[error("another run serves port {port} with certificates of another local CA")]
    OtherRoot {
        /// The port.
        port: u16,
    },
    /// The process that has the port was started with other rules for clients.
    #[error("another run serves port {port}, with other flags about clients")]
    OtherTerms {
        /// The port.
        port: u16,
    },
    /// The port cannot be had.
    #[error(transparent)]
    Listen(#[from] server::Error),
    /// The lock of the folder cannot be had.
    #[error(transparent)]
    File(#[from] files::Error),
}

/// Something that happened to the port or to the server behind it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Change {
    /// This process has the port now, because the one that had it ended.
    TookOver,
    /// Another process has the port now.
    Joined,
    /// The server did not answer a client.
    Unreachable,
    /// The server refuses the host.
    Blocked,
    /// The port cannot be had; it is tried again.
    Lost(Error),
}

/// The parts needed to serve.
#[derive(Debug)]
pub struct Sharing {
    /// The folder of the sockets, which belongs to the user alone; `None` shares with nobody.
    pub folder: Option<PathBuf>,
    /// The configuration of the server; its port, handler and certificates are replaced.
    pub config: Config,
    /// The certificates, which can be replaced at any time.
    pub tls: watch::Receiver<Arc<ByName>>,
    /// The SHA-256 fingerprint of the root that clients trust.
    pub root: String,
    /// The rules for clients in some words of the caller's, which all who share a port have in common.
    pub terms: String,
}

/// A place at a port.
pub struct Place {
    sharing: Sharing,
    observer: Observer,
    app: App,
    port: u16,
    role: Role,
}

enum Role {
    Leads(Box<Leading>),
    #[cfg(unix)]
    Joined(Wire),
}

struct Leading {
    server: Server,
    hub: Arc<Hub>,
    notes: mpsc::Receiver<Answer>,
    door: Option<Door>,
}

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// The time before a failure is reported: the process that had the port may need a moment to let go.
const PATIENCE: Duration = Duration::from_secs(3);

/// The time that a client may take nothing of an answer: browsers pause videos, and people their programs.
const STALLED: Duration = Duration::from_mins(5);

/// The time for connections to end.
const GOODBYE: Duration = Duration::from_millis(300);

impl Sharing {
    /// Joins the first of these ports that somebody shares, or else takes the first that can be had. The application's
    /// URL is written for that port.
    ///
    /// # Errors
    ///
    /// See [`Error`]; for ports that cannot be had, that of the last one.
    pub async fn begin(self, ports: &[u16], mut app: App, observer: Observer) -> Result<Place, Error> {
        let mut failure = None;
        // One that is shared comes before one that is free.
        let is_shared =
            |port: &&u16| self.folder.as_deref().is_some_and(|folder| files::exists(&socket(folder, **port)));
        let (shared, others): (Vec<&u16>, Vec<&u16>) = ports.iter().partition(is_shared);
        for port in shared.into_iter().chain(others) {
            set_url(&mut app, *port);
            match self.attempt(*port, &mut app, &observer).await {
                Ok(role) => {
                    let port = match &role {
                        Role::Leads(leading) => leading.server.local_addr().port(),
                        #[cfg(unix)]
                        Role::Joined(_) => *port,
                    };
                    return Ok(Place { sharing: self, observer, app, port, role });
                }
                Err(error @ Error::Listen(_)) => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or(Error::OtherRoot { port: 0 }))
    }

    async fn attempt(&self, port: u16, app: &mut App, observer: &Observer) -> Result<Role, Error> {
        let Some(folder) = self.folder.as_deref().filter(|_| port != 0) else {
            return self.lead(port, app, observer, None).await.map(|leading| Role::Leads(Box::new(leading)));
        };
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            #[cfg(unix)]
            if let Some(joined) = self.join(&socket(folder, port), port, app).await? {
                return Ok(Role::Joined(joined));
            }
            if let Some(lock) = files::try_lock(&folder.join(format!("{port}.lock")))? {
                return self
                    .lead(port, app, observer, Some((folder, lock)))
                    .await
                    .map(|leading| Role::Leads(Box::new(leading)));
            }
            sleep(PAUSE).await;
        }
        // Somebody holds the lock and does not answer.
        self.lead(port, app, observer, None).await.map(|leading| Role::Leads(Box::new(leading)))
    }

    /// Joins the process that has a port; `None` if nobody answers.
    #[cfg(unix)]
    async fn join(&self, path: &Path, port: u16, app: &App) -> Result<Option<Wire>, Error> {
        let Some(mut wire) = Wire::to(path).await else { return Ok(None) };
        let ask = Ask::Join { app: app.clone(), root: self.root.clone(), terms: self.terms.clone() };
        match exchange(&mut wire, &ask).await {
            Ok(Some(Answer::Joined)) => Ok(Some(wire)),
            Ok(Some(Answer::Taken { by })) => Err(Error::Taken { by: Box::new(by) }),
            Ok(Some(Answer::OtherRoot)) => Err(Error::OtherRoot { port }),
            Ok(Some(Answer::OtherTerms)) => Err(Error::OtherTerms { port }),
            _ => Ok(None),
        }
    }

    async fn lead(
        &self,
        port: u16,
        app: &mut App,
        observer: &Observer,
        door: Option<(&Path, FileLock)>,
    ) -> Result<Leading, Error> {
        let hub = Arc::new(Hub::default());
        let mut config = self.config.clone();
        config.port = port;
        config.tls = Arc::clone(&self.tls.borrow());
        config.limits.shutdown = GOODBYE;
        config.limits.write = STALLED;
        config.handler = Some(Arc::new(Proxy::new(Arc::clone(&hub.routes), None, hub.observer())));
        let server = Server::bind(config, Arc::clone(observer)).await?;
        let port = server.local_addr().port();
        set_url(app, port);
        let notes = hub.enter(app.clone()).map_err(|by| Error::Taken { by })?;
        let door = match door {
            Some((folder, lock)) => Door::open(socket(folder, port), lock),
            None => None,
        };
        Ok(Leading { server, hub, notes, door })
    }
}

fn set_url(app: &mut App, port: u16) {
    app.url = if port == 443 { format!("https://{}", app.host) } else { format!("https://{}:{port}", app.host) };
}

fn socket(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!("{port}.sock"))
}

/// Asks who shares the ports of a folder.
pub async fn running(folder: &Path) -> Running {
    let mut servers = Vec::new();
    #[cfg(unix)]
    for lock in files::small_files(folder, 0).iter().filter(|path| path.extension().is_some_and(|end| end == "lock")) {
        let Some(mut wire) = Wire::to(&lock.with_extension("sock")).await else { continue };
        if let Ok(Some(Answer::Sharing { apps })) = exchange(&mut wire, &Ask::List).await {
            servers.extend(apps);
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    servers.sort_by(|a: &App, b: &App| a.url.cmp(&b.url));
    Running { servers }
}

#[cfg(unix)]
async fn exchange(wire: &mut Wire, ask: &Ask) -> std::io::Result<Option<Answer>> {
    let answer = async {
        wire.to.write(ask).await?;
        wire.from.read().await
    };
    tokio::time::timeout(Duration::from_secs(2), answer).await?
}

impl Place {
    /// The URL of the application.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// Returns true if this process has the port.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leads(_))
    }

    /// Serves until `stop`, with a place at the port all the time.
    pub async fn serve(
        self,
        mut target: watch::Receiver<String>,
        changes: mpsc::Sender<Change>,
        mut stop: oneshot::Receiver<()>,
    ) {
        let Self { sharing, observer, mut app, port, mut role } = self;
        loop {
            match role {
                Role::Leads(leading) => {
                    return leading.serve(&app.host, &sharing, &mut target, &changes, stop).await;
                }
                #[cfg(unix)]
                Role::Joined(joined) => tokio::select! {
                    () = stay(joined, &mut target, &changes) => {}
                    _ = &mut stop => return,
                },
            }
            app.target.clone_from(&target.borrow());
            role = tokio::select! {
                role = again(&sharing, port, &mut app, &observer, &changes) => role,
                _ = &mut stop => return,
            };
            let change = if matches!(role, Role::Leads(_)) { Change::TookOver } else { Change::Joined };
            changes.send(change).await.ok();
        }
    }
}

/// Finds a place at the port when the process that had it has ended.
async fn again(
    sharing: &Sharing,
    port: u16,
    app: &mut App,
    observer: &Observer,
    changes: &mpsc::Sender<Change>,
) -> Role {
    let (started, mut is_said) = (Instant::now(), false);
    loop {
        match sharing.attempt(port, app, observer).await {
            Ok(role) => return role,
            Err(error) if started.elapsed() > PATIENCE && !is_said => {
                is_said = true;
                changes.send(Change::Lost(error)).await.ok();
            }
            Err(_) => {}
        }
        sleep(if is_said { Duration::from_secs(1) } else { PAUSE }).await;
    }
}

async fn tell(changes: &mpsc::Sender<Change>, note: &Answer) {
    let change = match note {
        Answer::Unreachable => Change::Unreachable,
        Answer::Blocked => Change::Blocked,
        _ => return,
    };
    changes.send(change).await.ok();
}

/// Keeps the place at another process's port; returns when that process has ended.
#[cfg(unix)]
async fn stay(wire: Wire, target: &mut watch::Receiver<String>, changes: &mpsc::Sender<Change>) {
    let Wire { mut from, mut to } = wire;
    // The server may have been found before the place was.
    target.mark_changed();
    let notes = async {
        while let Ok(Some(note)) = from.read::<Answer>().await {
            tell(changes, &note).await;
        }
    };
    let moves = async {
        while target.changed().await.is_ok() {
            let moved = Ask::Moved { target: target.borrow_and_update().clone() };
            if to.write(&moved).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = notes => {}
        () = moves => {}
    }
}

impl Leading {
    async fn serve(
        self,
        host: &str,
        sharing: &Sharing,
        target: &mut watch::Receiver<String>,
        changes: &mpsc::Sender<Change>,
        stop: oneshot::Receiver<()>,
    ) {
        let Self { server, hub, mut notes, door } = self;
        target.mark_changed();
        let (certificates, mut tls) = (server.certificates(), sharing.tls.clone());
        let replaced = async {
            while tls.changed().await.is_ok() {
                let newer = Arc::clone(&tls.borrow_and_update());
                certificates.replace(newer, sharing.config.certificate.clone());
            }
            std::future::pending::<()>().await;
        };
        let moves = async {
            while target.changed().await.is_ok() {
                hub.moved(host, &target.borrow_and_update());
            }
            std::future::pending::<()>().await;
        };
        let told = async {
            while let Some(note) = notes.recv().await {
                tell(changes, &note).await;
            }
            std::future::pending::<()>().await;
        };
        let guests = async {
            if let Some(door) = &door {
                door.receive(&hub, &sharing.root, &sharing.terms).await;
            }
            std::future::pending::<()>().await;
        };
        let stopped = async {
            stop.await.ok();
        };
        tokio::select! {
            () = server.run(stopped) => {}
            () = moves => {}
            () = told => {}
            () = guests => {}
            () = replaced => {}
        }
    }
}
