//! Files that are read again when they change.
//!
//! The folders of the files are watched rather than the files: a file that is replaced, or a link that leads elsewhere,
//! is another one than that which was watched. Where nothing is told (network file systems, containers), the files are
//! looked at every few seconds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use secure_io::files::{self, Stamp};
use tokio::sync::Notify;
use tokio::time::sleep;

/// The time between two looks at files, and at the time that is left.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// The time without a change after which a set of files counts as written.
pub(super) const QUIET: Duration = Duration::from_millis(300);

pub(super) fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| files::stamp(path)).collect()
}

/// Waits until files have not changed for a while. One that is written all the time is not waited for.
pub(super) async fn settled(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
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

/// Files with their state when they were read last.
pub(crate) struct Followed {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    watched: Watched,
}

impl Followed {
    /// The files as they are now.
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        let (seen, mut watched) = (stamps(&files), Watched::default());
        watched.follow(&files, &seen);
        Self { files, seen, watched }
    }

    /// Waits until one of the files has changed, and all have been left alone for a moment.
    pub(crate) async fn changed(&mut self) {
        let mut looks = tokio::time::interval(LOOK);
        while stamps(&self.files) == self.seen {
            tokio::select! {
                () = self.watched.changed() => {}
                _ = looks.tick() => {}
            }
        }
        self.seen = settled(&self.files).await;
        self.watched.follow(&self.files, &self.seen);
    }
}

/// The folders that the system tells changes of.
pub(super) struct Watched {
    changed: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
}

impl Default for Watched {
    fn default() -> Self {
        let changed = Arc::new(Notify::new());
        let told = Arc::clone(&changed);
        let tell = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| is_change(event.kind)) {
                told.notify_one();
            }
        };
        // Without it, the files are looked at from time to time.
        Self { changed, watcher: notify::recommended_watcher(tell).ok(), folders: BTreeSet::new() }
    }
}

impl Watched {
    /// Waits until something has changed in the folders.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
        // In a folder where much is written, this is no reason to look all the time.
        sleep(QUIET).await;
    }

    /// Watches the folders of these files, and of those that they lead to.
    pub(super) fn follow(&mut self, files: &[PathBuf], stamps: &[Option<Stamp>]) {
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
