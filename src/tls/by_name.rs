//! Which certificate is shown to whom: by the server name that the client sends.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Error, certified, provider, small_rsa};

/// So many names are remembered, those among them that nothing is issued for. Who asks for more sees the default.
const REMEMBERED: usize = 1_024;

/// Issues a chain and its key for a server name, or says no. It is asked once for each name.
pub type Issue = Box<dyn Fn(&str) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> + Send + Sync>;

/// Certificates by server name; one for everybody else.
pub struct ByName {
    default: Arc<CertifiedKey>,
    named: HashMap<String, Arc<CertifiedKey>>,
    issue: Option<Issue>,
    /// What was issued, and `None` for what was refused.
    issued: Mutex<HashMap<String, Option<Arc<CertifiedKey>>>>,
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { default: _, named, issue, issued: _ } = self;
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
        Ok(Self { default, named: HashMap::new(), issue: None, issued: Mutex::default() })
    }

    /// Shows a chain for a server name, whatever it is and whether or not the key belongs to it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when nothing can be signed with the key.
    pub fn danger_insert(
        &mut self,
        server_name: &str,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), Error> {
        let key = match provider().key_provider.load_private_key(key.clone_key()) {
            Ok(key) => key,
            Err(refused) => small_rsa::signing_key(&key).ok_or(Error::Refused(refused))?,
        };
        self.named.insert(server_name.to_ascii_lowercase(), Arc::new(CertifiedKey::new(chain, key)));
        Ok(())
    }

    /// Has what is missing issued, except for the names that the default is for.
    #[must_use]
    pub fn issuing(mut self, for_default: impl IntoIterator<Item = String>, issue: Issue) -> Self {
        self.named.extend(for_default.into_iter().map(|name| (name, Arc::clone(&self.default))));
        self.issue = Some(issue);
        self
    }

    fn find(&self, name: &str) -> Arc<CertifiedKey> {
        if let Some(named) = self.named.get(name) {
            return Arc::clone(named);
        }
        let Some(issue) = &self.issue else { return Arc::clone(&self.default) };
        // Held while it is issued, some tenths of a millisecond: a page's connections come together, and are for one name.
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = issued.get(name) {
            return Arc::clone(known.as_ref().unwrap_or(&self.default));
        }
        if issued.len() >= REMEMBERED {
            return Arc::clone(&self.default);
        }
        let made = issue(name).and_then(|(chain, key)| certified(chain, key).ok()).map(Arc::new);
        issued.insert(name.to_owned(), made.clone());
        made.unwrap_or_else(|| Arc::clone(&self.default))
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(match client_hello.server_name() {
            Some(name) => self.find(&name.to_ascii_lowercase()),
            None => Arc::clone(&self.default),
        })
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

    #[test]
    fn each_name_is_issued_for_once_and_what_is_refused_sees_the_default() {
        let (chain, key) = pair("localhost");
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let by_name = ByName::new(chain.clone(), key).unwrap().issuing(
            ["localhost".to_owned()],
            Box::new(move |name| {
                counter.fetch_add(1, Ordering::Relaxed);
                name.ends_with(".test").then(|| pair(name))
            }),
        );
        let first = by_name.find("app.test");
        assert_ne!(first.cert, chain);
        assert!(Arc::ptr_eq(&first, &by_name.find("app.test")));
        assert_eq!(by_name.find("bank.example").cert, chain);
        assert_eq!(by_name.find("bank.example").cert, chain);
        assert_eq!(by_name.find("localhost").cert, chain);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    /// Whoever sends thousands of names must not fill the memory, nor the CA's log.
    #[test]
    fn no_more_than_a_bounded_number_of_names_is_issued_for() {
        let (chain, key) = pair("localhost");
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let refuse = move |_: &str| {
            counter.fetch_add(1, Ordering::Relaxed);
            None
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
        by_name.danger_insert("Bad.test", other.clone(), key).unwrap();
        assert_eq!(by_name.find("bad.test").cert, other);
    }
}
