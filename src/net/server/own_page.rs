//! A person's own page: the files of a folder, without those that nobody means to publish.
//!
//! `--static .` in a project's folder would otherwise hand out the key beside the page, `.env`, and the history in `.git`.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;

use crate::base::files;
use crate::encoding::container::{self, Content};
use crate::net::server::event::{Event, Observer, Withheld};
use crate::net::server::peer::Peer;

/// The most of a file that is searched for a key.
const SEARCHED: u64 = 16 << 20;

/// Limit on the files whose search is remembered.
const REMEMBERED: usize = 1024;

/// Serves a folder.
pub(super) fn router(folder: PathBuf, observer: Observer) -> Router {
    let guard = Arc::new(Guard { folder: folder.clone(), observer, searched: Mutex::default() });
    let served = Router::new().fallback_service(ServeDir::new(folder));
    served.layer(from_fn_with_state(guard, watch)).layer(map_response(fresh))
}

/// A file that was changed is seen at the next load.
async fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

struct Guard {
    folder: PathBuf,
    observer: Observer,
    searched: Mutex<HashMap<PathBuf, Searched>>,
}

/// The result of a search, for a file of this length and time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Searched {
    length: u64,
    modified: Option<SystemTime>,
    has_key: bool,
}

async fn watch(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let asked = Arc::clone(&guard);
    let place = path.clone();
    // Files are opened and read, which may take its time.
    let withheld = tokio::task::spawn_blocking(move || asked.withheld(&place)).await;
    match withheld {
        Ok(None) => next.run(request).await,
        Ok(Some(reason)) => {
            if let Some(peer) = request.extensions().get::<Peer>() {
                (guard.observer)(&Event::Withheld { peer: peer.address, path, reason });
            }
            let text = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::NOT_FOUND, text, "Not found\n").into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Guard {
    /// Decides whether the file at a URL's path is kept back. A missing file is left to the service.
    fn withheld(&self, path: &str) -> Option<Withheld> {
        let decoded = percent_decode_str(path).decode_utf8().ok()?;
        let relative = PathBuf::from(decoded.trim_start_matches('/'));
        if has_dot(&relative) {
            return Some(Withheld::DotFile);
        }
        let asked = self.folder.join(&relative);
        let relative = if asked.is_dir() { relative.join("index.html") } else { relative };
        let asked = self.folder.join(&relative);
        if !asked.exists() {
            return None;
        }
        let Some(below) = files::below(&self.folder, &relative) else { return Some(Withheld::Outside) };
        if has_dot(&below) {
            return Some(Withheld::DotFile);
        }
        self.has_key(&asked).then_some(Withheld::PrivateKey)
    }

    /// Decides whether a private key is in a file, whatever its name and encoding; false if the file cannot be read.
    fn has_key(&self, path: &Path) -> bool {
        let Ok(metadata) = path.metadata() else { return false };
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        // Held while a file is searched, so that one is in memory at a time.
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = searched.get(path)
            && (known.length, known.modified) == (length, modified)
        {
            return known.has_key;
        }
        let Ok(file) = files::open(path) else { return false };
        let has_key = container::stream(file.take(SEARCHED)).map_while(Result::ok).any(|found| {
            let is_label = found.label.as_deref().is_some_and(|label| label.contains("PRIVATE KEY"));
            is_label
                || matches!(
                    found.content,
                    Ok(Content::PrivateKey { .. } | Content::EncryptedPrivateKey { .. } | Content::Pkcs12(_))
                )
        });
        if searched.len() >= REMEMBERED {
            searched.clear();
        }
        searched.insert(path.to_owned(), Searched { length, modified, has_key });
        has_key
    }
}

/// Returns true if a name on the way begins with a dot. `.well-known` (RFC 8615) is there to be asked for.
fn has_dot(path: &Path) -> bool {
    path.components().any(|component| match component {
        Component::Normal(name) => {
            let name = name.to_string_lossy();
            name.starts_with('.') && name != ".well-known"
        }
        _ => false,
    })
}
