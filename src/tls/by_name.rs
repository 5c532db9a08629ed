//! Which certificate is shown to whom: by the server name that the client sends.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Error, certified, provider, small_rsa};

/// So many issued certificates are remembered, and so many refusals. Who asks for more sees the default.
const REMEMBERED: usize = 1_024;

/// What comes of asking for a certificate for a server name.
pub enum Answer {
    /// A chain and its key.
    Issued(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    /// It never will be issued: the name is not asked for again.
    Refused,
    /// It could not be issued this time.
    Failed,
}

/// Issues for a server name.
pub type Issue = Box<dyn Fn(&str) -> Answer + Send + Sync>;

/// Certificates by server name; one for everybody else.
pub struct ByName {
    default: Arc<CertifiedKey>,
    /// Also by wildcards, `*.dev.test`; `None` for a name that nothing can be shown for.
    named: HashMap<String, Option<Arc<CertifiedKey>>>,
    issue: Option<Issue>,
    issued: RwLock<Remembered>,
    /// Held while one is issued: a page's connections come together, and are for one name.
    issuing: Mutex<()>,
}

/// What is known of a name.
enum Known {
    Issued(Arc<CertifiedKey>),
    Refused,
    Nothing,
}

#[derive(Default)]
struct Remembered {
    issued: HashMap<String, Arc<CertifiedKey>>,
    refused: HashSet<String>,
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { default: _, named, issue, issued: _, issuing: _ } = self;
        let names: Vec<_> = named.keys().collect();
        f.debug_struct("ByName").field("named", &names).field("issues", &issue.is_some()).finish_non_exhaustive()
    }
}

impl ByName {
    /// One certificate for everybody.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] when the key is not the certificate's, [`Error::Refused`].
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Error> {
        let default = Arc::new(certified(chain, key)?);
        let (issued, issuing) = (RwLock::default(), Mutex::default());
        Ok(Self { default, named: HashMap::new(), issue: None, issued, issuing })
    }

    /// Shows a chain for a server name, whatever it is and whether or not the key belongs to it. When nothing can be
    /// signed with the key, handshakes for the name fail.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when nothing can be signed with the key.
    pub fn danger_insert(
        &mut self,
        server_name: &str,
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'static>,
    ) -> Result<(), Error> {
        let loaded = provider().key_provider.load_private_key(key.clone_key());
        let key = loaded.or_else(|refused| small_rsa::signing_key(key).ok_or(Error::Refused(refused)));
        let (shown, result) = match key {
            Ok(key) => (Some(Arc::new(CertifiedKey::new(chain, key))), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.named.insert(server_name.to_ascii_lowercase(), shown);
        result
    }

    /// Has what is missing issued, except for the names and wildcards that the default is for.
    #[must_use]
    pub fn issuing(mut self, for_default: impl IntoIterator<Item = String>, issue: Issue) -> Self {
        let default = for_default.into_iter().map(|name| (name.to_ascii_lowercase(), Some(Arc::clone(&self.default))));
        self.named.extend(default);
        self.issue = Some(issue);
        self
    }

    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let by_wildcard = || self.named.get(&format!("*.{}", name.split_once('.')?.1));
        if let Some(named) = self.named.get(name).or_else(by_wildcard) {
            return named.clone();
        }
        let issued = self.issue.as_ref().and_then(|issue| match self.remembered(name) {
            Known::Issued(issued) => Some(issued),
            Known::Refused => None,
            Known::Nothing => self.ask(name, issue),
        });
        Some(issued.unwrap_or_else(|| Arc::clone(&self.default)))
    }

    fn remembered(&self, name: &str) -> Known {
        let remembered = self.issued.read().unwrap_or_else(PoisonError::into_inner);
        match remembered.issued.get(name) {
            Some(issued) => Known::Issued(Arc::clone(issued)),
            None if remembered.refused.contains(name) => Known::Refused,
            None => Known::Nothing,
        }
    }

    fn ask(&self, name: &str, issue: &Issue) -> Option<Arc<CertifiedKey>> {
        let _one_at_a_time = self.issuing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.remembered(name) {
            Known::Issued(meanwhile) => return Some(meanwhile),
            Known::Refused => return None,
            Known::Nothing => {}
        }
        let is_full = {
            let remembered = self.issued.read().unwrap_or_else(PoisonError::into_inner);
            remembered.issued.len() >= REMEMBERED || remembered.refused.len() >= REMEMBERED
        };
        if is_full {
            return None;
        }
        let answer = issue(name);
        let mut remembered = self.issued.write().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Answer::Issued(chain, key) => {
                let made = Arc::new(certified(chain, key).ok()?);
                remembered.issued.insert(name.to_owned(), Arc::clone(&made));
                Some(made)
            }
            Answer::Refused => {
                remembered.refused.insert(name.to_owned());
                None
            }
            Answer::Failed => None,
        }
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match client_hello.server_name() {
            Some(name) => self.find(&name.to_ascii_lowercase()),
            None => Some(Arc::clone(&self.default)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn pair(name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (vec![pair.cert.der().clone()], PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap())
    }

    fn issued(name: &str) -> Answer {
        let (chain, key) = pair(name);
        Answer::Issued(chain, key)
    }

    #[test]
    fn each_name_is_issued_for_once_and_what_is_refused_sees_the_default() {
        let (chain, key) = pair("localhost");
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let by_name = ByName::new(chain.clone(), key).unwrap().issuing(
            ["localhost".to_owned(), "*.Dev.test".to_owned()],
            Box::new(move |name| {
                counter.fetch_add(1, Ordering::Relaxed);
                if name == "app.test" { issued(name) } else { Answer::Refused }
            }),
        );
        let shown = |name: &str| by_name.find(name).unwrap();
        let first = shown("app.test");
        assert_ne!(first.cert, chain);
        assert!(Arc::ptr_eq(&first, &shown("app.test")));
        assert_eq!(shown("bank.example").cert, chain);
        assert_eq!(shown("bank.example").cert, chain);
        assert_eq!(shown("localhost").cert, chain);
        assert_eq!(shown("app.dev.test").cert, chain, "the default's wildcard is for it");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    /// A disk that is full for a moment must not cost a name its certificate until the server is restarted.
    #[test]
    fn what_failed_is_tried_again() {
        let (chain, key) = pair("localhost");
        let asked = AtomicUsize::new(0);
        let issue = move |name: &str| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::Failed,
            _ => issued(name),
        };
        let by_name = ByName::new(chain.clone(), key).unwrap().issuing([], Box::new(issue));
        assert_eq!(by_name.find("app.test").unwrap().cert, chain);
        assert_ne!(by_name.find("app.test").unwrap().cert, chain);
    }

    /// Whoever sends thousands of names must not fill the memory, nor the CA's log.
    #[test]
    fn no_more_than_a_bounded_number_of_names_is_issued_for() {
        let (chain, key) = pair("localhost");
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let refuse = move |_: &str| {
            counter.fetch_add(1, Ordering::Relaxed);
            Answer::Refused
        };
        let by_name = ByName::new(chain, key).unwrap().issuing([], Box::new(refuse));
        for number in 0..2 * REMEMBERED {
            by_name.find(&format!("{number}.test"));
        }
        assert_eq!(asked.load(Ordering::Relaxed), REMEMBERED);
    }

    #[test]
    fn a_key_of_another_certificate_is_shown_where_that_is_wished_for() {
        let ((chain, key), (other, _)) = (pair("localhost"), pair("bad.test"));
        assert!(matches!(ByName::new(other.clone(), key.clone_key()), Err(Error::KeyMismatch)));
        let mut by_name = ByName::new(chain, key.clone_key()).unwrap();
        by_name.danger_insert("Bad.test", other.clone(), &key).unwrap();
        assert_eq!(by_name.find("bad.test").unwrap().cert, other);
    }

    /// The good certificate in its place would make a right client look wrong.
    #[test]
    fn nothing_is_shown_in_place_of_what_cannot_be() {
        let (chain, key) = pair("localhost");
        let mut by_name = ByName::new(chain.clone(), key).unwrap();
        let no_key = PrivateKeyDer::Pkcs8(vec![0x30, 0].into());
        assert!(by_name.danger_insert("odd.test", chain, &no_key).is_err());
        assert!(by_name.find("odd.test").is_none());
    }
}
