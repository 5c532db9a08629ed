//! Certificates by server name, or by the address that was called when the client sends no name.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::{Error, Profile, certified, provider, server_config, small_rsa};

/// The most issued certificates that are kept. Beyond, the one that was not asked for longest is forgotten.
const REMEMBERED: usize = 1_024;

/// The result of asking an [`Issuer`] for a certificate.
pub enum Answer {
    /// A chain and its key.
    Issued(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    /// No certificate, so the client is shown the default one. The next client that asks is a new question.
    Refused,
}

/// Issues certificates for names and addresses as clients ask for them.
pub trait Issuer: Send + Sync {
    /// Issues for a server name in lower case, or for an address. May block: the call has a thread of its own.
    fn issue(&self, name: &str) -> Answer;

    /// Is called once, when the memory is full and the first certificate is forgotten for another.
    fn forgets(&self, remembered: usize);
}

/// Certificates by server name; one for everybody else.
pub struct ByName {
    default: Arc<ServerConfig>,
    /// Also by wildcards, `*.dev.test`.
    named: HashMap<String, Arc<ServerConfig>>,
    issuing: Option<Issuing>,
    is_modern: bool,
}

struct Issuing {
    issuer: Arc<dyn Issuer>,
    issued: Mutex<Remembered>,
    /// Held while a certificate is issued: a page's connections come together, and are for one name.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Remembered {
    /// With the time of the last use, counted in uses.
    issued: HashMap<String, (Arc<ServerConfig>, u64)>,
    uses: u64,
    has_forgotten: bool,
}

impl Remembered {
    fn find(&mut self, name: &str) -> Option<Arc<ServerConfig>> {
        self.uses += 1;
        let (config, used) = self.issued.get_mut(name)?;
        *used = self.uses;
        Some(Arc::clone(config))
    }

    /// Returns whether this is the first time that another one had to go.
    fn insert(&mut self, name: String, config: Arc<ServerConfig>) -> bool {
        let is_full = self.issued.len() >= REMEMBERED;
        if is_full {
            let unused = self.issued.iter().min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
            unused.and_then(|name| self.issued.remove(&name));
        }
        self.uses += 1;
        self.issued.insert(name, (config, self.uses));
        is_full && !std::mem::replace(&mut self.has_forgotten, true)
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { default: _, named, issuing, is_modern: _ } = self;
        let names: Vec<_> = named.keys().collect();
        f.debug_struct("ByName").field("named", &names).field("issues", &issuing.is_some()).finish_non_exhaustive()
    }
}

impl ByName {
    /// One certificate for everybody.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] when the key is not the certificate's, [`Error::Refused`].
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Error> {
        Self::with_profile(chain, key, &Profile::default())
    }

    /// One certificate for everybody, with demands on clients.
    ///
    /// # Errors
    ///
    /// Those of [`ByName::new`].
    pub fn with_profile(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        profile: &Profile,
    ) -> Result<Self, Error> {
        let default = server_config(Arc::new(SingleCertAndKey::from(certified(chain, key)?)), profile)?;
        Ok(Self { default: Arc::new(default), named: HashMap::new(), issuing: None, is_modern: profile.is_modern })
    }

    /// Returns true if TLS 1.3 alone is spoken.
    #[must_use]
    pub fn is_modern(&self) -> bool {
        self.is_modern
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
        let (shown, result): (Arc<dyn ResolvesServerCert>, _) = match key {
            Ok(key) => (Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))), Ok(())),
            Err(error) => (Arc::new(Nothing), Err(error)),
        };
        self.named.insert(server_name.to_ascii_lowercase(), self.showing(shown));
        result
    }

    /// Lets an issuer make missing certificates, except for the names, wildcards and addresses of the default one.
    #[must_use]
    pub fn issuing(mut self, for_default: impl IntoIterator<Item = String>, issuer: Arc<dyn Issuer>) -> Self {
        let default = for_default.into_iter().map(|name| (name.to_ascii_lowercase(), Arc::clone(&self.default)));
        self.named.extend(default);
        self.issuing = Some(Issuing { issuer, issued: Mutex::default(), turn: tokio::sync::Mutex::default() });
        self
    }

    /// Chooses the configuration for a client by the server name sent, or else by the address called.
    ///
    /// A certificate that has to be issued first is issued on another thread. Must be called within a tokio runtime.
    pub async fn choose(&self, server_name: Option<&str>, called: IpAddr) -> Arc<ServerConfig> {
        let asked = match server_name {
            Some(name) => name.to_ascii_lowercase(),
            None => called.to_canonical().to_string(),
        };
        let stands_for_localhost = || {
            // Java sends no name without a dot, so `localhost` comes as one of its addresses.
            server_name.is_none() && ["127.0.0.1", "::1"].contains(&&*asked) && self.named.contains_key("localhost")
        };
        let by_wildcard = || self.named.get(&format!("*.{}", asked.split_once('.')?.1));
        if let Some(named) = self.named.get(&asked).or_else(by_wildcard) {
            return Arc::clone(named);
        }
        match &self.issuing {
            Some(issuing) if !stands_for_localhost() => {
                let issued = issuing.find_or_issue(asked, |shown| self.showing(shown)).await;
                issued.unwrap_or_else(|| Arc::clone(&self.default))
            }
            _ => Arc::clone(&self.default),
        }
    }

    /// The default configuration with another certificate. Sessions are kept in one store, by server name.
    fn showing(&self, shown: Arc<dyn ResolvesServerCert>) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.default);
        config.cert_resolver = shown;
        Arc::new(config)
    }
}

impl Issuing {
    async fn find_or_issue(
        &self,
        name: String,
        showing: impl Fn(Arc<dyn ResolvesServerCert>) -> Arc<ServerConfig>,
    ) -> Option<Arc<ServerConfig>> {
        if let Some(issued) = self.find(&name) {
            return Some(issued);
        }
        let _turn = self.turn.lock().await;
        if let Some(meanwhile) = self.find(&name) {
            return Some(meanwhile);
        }
        let (issuer, asked) = (Arc::clone(&self.issuer), name.clone());
        // The key, the signatures and the CA's log take their time, which the other clients should not wait for.
        let answer = tokio::task::spawn_blocking(move || match issuer.issue(&asked) {
            Answer::Issued(chain, key) => certified(chain, key).ok(),
            Answer::Refused => None,
        });
        let config = showing(Arc::new(SingleCertAndKey::from(answer.await.ok()??)));
        let forgets = self.issued.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::clone(&config));
        if forgets {
            self.issuer.forgets(REMEMBERED);
        }
        Some(config)
    }

    fn find(&self, name: &str) -> Option<Arc<ServerConfig>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).find(name)
    }
}

/// No certificate: the handshake fails, because a good certificate would make a right client look wrong.
#[derive(Debug)]
struct Nothing;

impl ResolvesServerCert for Nothing {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const CALLED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 7));

    fn pair(name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (vec![pair.cert.der().clone()], PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap())
    }

    /// Issues one and the same pair for all names under `.test` and for one address.
    struct Counting {
        pair: (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
        asked: AtomicUsize,
        forgotten: AtomicUsize,
    }

    impl Counting {
        fn new() -> Arc<Self> {
            Arc::new(Self { pair: pair("any.test"), asked: AtomicUsize::new(0), forgotten: AtomicUsize::new(0) })
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Issuer for Counting {
        fn issue(&self, name: &str) -> Answer {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if name.rsplit('.').next() != Some("test") && name != "192.168.1.7" {
                return Answer::Refused;
            }
            Answer::Issued(self.pair.0.clone(), self.pair.1.clone_key())
        }

        fn forgets(&self, _remembered: usize) {
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn issuing(for_default: &[&str]) -> (ByName, Arc<Counting>) {
        let (chain, key) = pair("localhost");
        let issuer = Counting::new();
        let names = for_default.iter().map(|name| (*name).to_owned());
        (ByName::new(chain, key).unwrap().issuing(names, Arc::clone(&issuer) as _), issuer)
    }

    fn is_default(by_name: &ByName, config: &Arc<ServerConfig>) -> bool {
        Arc::ptr_eq(&by_name.default, config)
    }

    #[tokio::test]
    async fn each_name_is_issued_for_once_and_what_is_refused_sees_the_default() {
        let (by_name, issuer) = issuing(&["localhost", "*.Dev.test"]);
        let first = by_name.choose(Some("App.test"), CALLED).await;
        assert!(!is_default(&by_name, &first));
        assert!(Arc::ptr_eq(&first, &by_name.choose(Some("app.test"), CALLED).await));
        assert_eq!(issuer.asked(), 1);
        for name in ["localhost", "LOCALHOST", "app.dev.test"] {
            assert!(is_default(&by_name, &by_name.choose(Some(name), CALLED).await), "{name}");
        }
        assert_eq!(issuer.asked(), 1, "the default and its wildcard are for these");
        assert!(is_default(&by_name, &by_name.choose(Some("bank.example"), CALLED).await));
    }

    #[tokio::test]
    async fn without_a_name_the_address_called_is_issued_for() {
        let (by_name, issuer) = issuing(&["localhost"]);
        let issued = by_name.choose(None, CALLED).await;
        assert!(!is_default(&by_name, &issued));
        let mapped: IpAddr = "::ffff:192.168.1.7".parse().unwrap();
        assert!(Arc::ptr_eq(&issued, &by_name.choose(None, mapped).await));
        assert!(is_default(&by_name, &by_name.choose(None, Ipv4Addr::LOCALHOST.into()).await));
        assert_eq!(issuer.asked(), 1, "the default is for localhost");
    }

    /// A stranger that sent 1,024 names of others ended issuing until the server was restarted.
    #[tokio::test]
    async fn names_of_others_do_not_end_issuing() {
        let (by_name, issuer) = issuing(&["localhost"]);
        for number in 0..2 * REMEMBERED {
            let shown = by_name.choose(Some(&format!("{number}.example")), CALLED).await;
            assert!(is_default(&by_name, &shown));
        }
        assert!(!is_default(&by_name, &by_name.choose(Some("app.test"), CALLED).await));
        assert_eq!(issuer.forgotten.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn the_certificate_that_was_not_asked_for_longest_is_forgotten() {
        let (by_name, issuer) = issuing(&["localhost"]);
        for number in 0..REMEMBERED + 10 {
            by_name.choose(Some(&format!("{number}.test")), CALLED).await;
            by_name.choose(Some("0.test"), CALLED).await;
        }
        assert_eq!(issuer.asked(), REMEMBERED + 10, "one that is in use is kept");
        by_name.choose(Some("1.test"), CALLED).await;
        assert_eq!(issuer.asked(), REMEMBERED + 11);
        assert_eq!(issuer.forgotten.load(Ordering::Relaxed), 1, "it is said once");
        let kept = by_name.issuing.as_ref().unwrap().issued.lock().unwrap().issued.len();
        assert_eq!(kept, REMEMBERED);
    }

    /// Signing and the CA's log ran on the threads that serve everybody.
    #[tokio::test]
    async fn issuing_blocks_nobody_else() {
        struct Slow(Mutex<std::sync::mpsc::Receiver<()>>);
        impl Issuer for Slow {
            fn issue(&self, _name: &str) -> Answer {
                self.0.lock().unwrap().recv().unwrap();
                Answer::Refused
            }
            fn forgets(&self, _remembered: usize) {}
        }
        let (go, wait) = std::sync::mpsc::channel();
        let (chain, key) = pair("localhost");
        let by_name = ByName::new(chain, key).unwrap();
        let by_name = Arc::new(by_name.issuing(["localhost".to_owned()], Arc::new(Slow(Mutex::new(wait)))));
        let waiting = tokio::spawn({
            let by_name = Arc::clone(&by_name);
            async move { by_name.choose(Some("slow.test"), CALLED).await }
        });
        tokio::task::yield_now().await;
        assert!(is_default(&by_name, &by_name.choose(Some("localhost"), CALLED).await));
        assert!(!waiting.is_finished());
        go.send(()).unwrap();
        assert!(is_default(&by_name, &waiting.await.unwrap()));
    }

    #[tokio::test]
    async fn a_key_of_another_certificate_is_shown_where_that_is_wished_for() {
        let ((chain, key), (other, _)) = (pair("localhost"), pair("bad.test"));
        assert!(matches!(ByName::new(other.clone(), key.clone_key()), Err(Error::KeyMismatch)));
        let mut by_name = ByName::new(chain, key.clone_key()).unwrap();
        by_name.danger_insert("Bad.test", other, &key).unwrap();
        assert!(!is_default(&by_name, &by_name.choose(Some("bad.test"), CALLED).await));
    }

    /// The good certificate in its place would make a right client look wrong.
    #[tokio::test]
    async fn nothing_is_shown_in_place_of_what_cannot_be() {
        let (chain, key) = pair("localhost");
        let mut by_name = ByName::new(chain.clone(), key).unwrap();
        let no_key = PrivateKeyDer::Pkcs8(vec![0x30, 0].into());
        assert!(by_name.danger_insert("odd.test", chain, &no_key).is_err());
        let config = by_name.choose(Some("odd.test"), CALLED).await;
        assert!(format!("{:?}", config.cert_resolver).contains("Nothing"));
    }
}
