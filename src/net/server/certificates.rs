//! The certificates of a running server, which can be replaced without a restart.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::judge::report;
use crate::net::server::event::{Event, Observer};
use crate::net::server::origin::Origins;
use crate::net::tls::ByName;

/// The certificates of a server, and the way to replace them while it runs.
///
/// A replacement is for handshakes from then on; connections that are open keep theirs. Sessions of TLS are kept with the
/// configuration that they were agreed under, so that none is resumed past a change: a client whose certificate is
/// refused from now on cannot come back by a ticket.
#[derive(Clone)]
pub struct Certificates {
    shown: Arc<RwLock<Arc<Shown>>>,
    observer: Observer,
}

/// The certificates of one moment.
pub(super) struct Shown {
    pub(super) tls: Arc<ByName>,
    /// The certificate of most clients.
    pub(super) certificate: report::Certificate,
    /// The pages that may use Socket.IO: those allowed, and those under the certificate's names.
    pub(super) origins: Origins,
    /// Those allowed alone.
    allowed: Origins,
}

impl Shown {
    fn new(tls: Arc<ByName>, certificate: report::Certificate, allowed: Origins) -> Self {
        let mut origins = allowed.clone();
        for name in certificate.subject_alt_names.iter().filter_map(|name| name.strip_prefix("DNS:")) {
            origins.cover(name);
        }
        Self { tls, certificate, origins, allowed }
    }
}

impl Certificates {
    pub(super) fn new(
        tls: Arc<ByName>,
        certificate: report::Certificate,
        allowed: Origins,
        observer: Observer,
    ) -> Self {
        let shown = Shown::new(tls, certificate, allowed);
        Self { shown: Arc::new(RwLock::new(Arc::new(shown))), observer }
    }

    /// Shows these certificates to clients that connect from now on; `certificate` describes that of most clients.
    ///
    /// The observer is told with [`Event::Replaced`].
    pub fn replace(&self, tls: Arc<ByName>, certificate: report::Certificate) {
        let allowed = self.shown().allowed.clone();
        let shown = Arc::new(Shown::new(tls, certificate, allowed));
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&shown);
        (self.observer)(&Event::Replaced { certificate: Box::new(shown.certificate.clone()) });
    }

    /// The certificates of this moment.
    pub(super) fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("tls", &self.shown().tls).finish_non_exhaustive()
    }
}
