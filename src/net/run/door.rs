//! The socket over which others join the process that serves a port.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(unix)]
use tokio::net::UnixListener;
#[cfg(unix)]
use tokio::sync::mpsc;
#[cfg(unix)]
use tokio::time::sleep;

use crate::base::files::{self, FileLock};
use crate::net::run::hub::Hub;
#[cfg(unix)]
use crate::net::run::talk::{Answer, Ask, Reader, Wire, Writer};

/// The socket of others, and the lock that goes with it.
pub(super) struct Door {
    #[cfg(unix)]
    listener: UnixListener,
    path: PathBuf,
    _lock: FileLock,
}

/// The pause after a connection that could not be taken.
#[cfg(unix)]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

impl Door {
    /// `None` if others cannot be let in, which is no reason not to serve.
    pub(super) fn open(path: PathBuf, lock: FileLock) -> Option<Self> {
        // The lock's holder alone does so: what is left of the socket is of one that was killed.
        files::remove(&path).ok()?;
        #[cfg(unix)]
        let listener = UnixListener::bind(&path).ok()?;
        Some(Self {
            #[cfg(unix)]
            listener,
            path,
            _lock: lock,
        })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        files::remove(&self.path).ok();
    }
}

#[cfg(unix)]
impl Door {
    pub(super) async fn receive(&self, hub: &Arc<Hub>, root: &str, terms: &str) {
        let mut guests = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let (root, terms) = (root.to_owned(), terms.to_owned());
                        guests.spawn(receive(Wire::new(stream), Arc::clone(hub), root, terms));
                    }
                    // Out of descriptors, perhaps.
                    Err(_) => sleep(PAUSE).await,
                },
                Some(_) = guests.join_next() => {}
            }
        }
    }
}

#[cfg(not(unix))]
impl Door {
    pub(super) async fn receive(&self, _hub: &Arc<Hub>, _root: &str, _terms: &str) {}
}

/// Takes a guest out when it goes, or when the port does.
#[cfg(unix)]
struct Guest<'a> {
    hub: &'a Hub,
    host: String,
}

#[cfg(unix)]
impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.hub.leave(&self.host);
    }
}

#[cfg(unix)]
async fn receive(wire: Wire, hub: Arc<Hub>, root: String, terms: String) -> std::io::Result<()> {
    let Wire { mut from, mut to } = wire;
    let (answer, entered) = match from.read::<Ask>().await? {
        Some(Ask::List) => (Answer::Sharing { apps: hub.apps() }, None),
        Some(Ask::Join { root: other, .. }) if other != root => (Answer::OtherRoot, None),
        Some(Ask::Join { terms: others, .. }) if others != terms => (Answer::OtherTerms, None),
        Some(Ask::Join { app, .. }) => match hub.enter(app.clone()) {
            Ok(notes) => (Answer::Joined, Some((Guest { hub: &hub, host: app.host }, notes))),
            Err(by) => (Answer::Taken { by: *by }, None),
        },
        Some(Ask::Moved { .. }) | None => return Ok(()),
    };
    to.write(&answer).await?;
    let Some((guest, notes)) = entered else { return Ok(()) };
    tokio::select! {
        ended = moves(&mut from, &hub, &guest.host) => ended,
        ended = pass_on(notes, &mut to) => ended,
    }
}

#[cfg(unix)]
async fn moves(from: &mut Reader, hub: &Hub, host: &str) -> std::io::Result<()> {
    while let Some(ask) = from.read::<Ask>().await? {
        if let Ask::Moved { target } = ask {
            hub.moved(host, &target);
        }
    }
    Ok(())
}

#[cfg(unix)]
async fn pass_on(mut notes: mpsc::Receiver<Answer>, to: &mut Writer) -> std::io::Result<()> {
    while let Some(note) = notes.recv().await {
        to.write(&note).await?;
    }
    Ok(())
}
