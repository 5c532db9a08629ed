//! The servers behind one port, in the process that has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::judge::report::running::App;
use crate::net::proxy::{Event, Observer, Route, Routes, Target};
use crate::net::run::talk::Answer;

/// The messages that wait for a process; further ones are left out.
const WAITING: usize = 16;

/// The servers behind a port.
#[derive(Debug, Default)]
pub(super) struct Hub {
    pub(super) routes: Arc<Routes>,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    app: App,
    notes: mpsc::Sender<Answer>,
}

impl Hub {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a server, and returns what there is to tell about it from then on; or the server that has its host.
    pub(super) fn enter(&self, app: App) -> Result<mpsc::Receiver<Answer>, Box<App>> {
        let mut entries = self.entries();
        if let Some(other) = entries.iter().find(|entry| entry.app.host == app.host) {
            return Err(Box::new(other.app.clone()));
        }
        let (notes, told) = mpsc::channel(WAITING);
        self.route(&app);
        entries.push(Entry { app, notes });
        Ok(told)
    }

    /// A server listens elsewhere.
    pub(super) fn moved(&self, host: &str, target: &str) {
        if let Some(entry) = self.entries().iter_mut().find(|entry| entry.app.host == host) {
            target.clone_into(&mut entry.app.target);
            self.route(&entry.app);
        }
    }

    /// Takes a server out.
    pub(super) fn leave(&self, host: &str) {
        self.routes.remove(host);
        self.entries().retain(|entry| entry.app.host != host);
    }

    pub(super) fn apps(&self) -> Vec<App> {
        self.entries().iter().map(|entry| entry.app.clone()).collect()
    }

    fn route(&self, app: &App) {
        if let Ok(target) = app.target.parse::<Target>() {
            self.routes.insert(Route { host: Some(app.host.clone()), path: "/".to_owned(), target });
        }
    }

    /// Tells each process the fate of its server.
    pub(super) fn observer(self: &Arc<Self>) -> Observer {
        let hub = Arc::clone(self);
        Arc::new(move |event| {
            let (target, note) = match event {
                Event::Unreachable { target, .. } => (target.to_string(), Answer::Unreachable),
                Event::HostBlocked { target, .. } => (target.to_string(), Answer::Blocked),
                _ => return,
            };
            for entry in hub.entries().iter().filter(|entry| entry.app.target == target) {
                entry.notes.try_send(note.clone()).ok();
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(host: &str, port: u16) -> App {
        let (url, target) = (format!("https://{host}:3443"), format!("http://localhost:{port}"));
        App { url, host: host.to_owned(), target, command: String::new(), folder: String::new(), pid: 1 }
    }

    #[test]
    fn a_host_is_one_servers_until_that_leaves() {
        let hub = Arc::new(Hub::default());
        let mut told = hub.enter(app("a.localhost", 1)).unwrap();
        assert_eq!(hub.enter(app("a.localhost", 2)).unwrap_err().target, "http://localhost:1");
        let mut other = hub.enter(app("b.localhost", 2)).unwrap();
        hub.moved("a.localhost", "http://127.0.0.1:3");
        let target = "http://127.0.0.1:3".parse().unwrap();
        hub.observer()(&Event::Unreachable { target, reason: String::new() });
        assert!(matches!(told.try_recv(), Ok(Answer::Unreachable)));
        assert!(other.try_recv().is_err());
        hub.leave("a.localhost");
        assert!(hub.enter(app("a.localhost", 2)).is_ok());
    }
}
