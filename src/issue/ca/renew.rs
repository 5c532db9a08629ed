//! Renewal of a local CA before its end that keeps all of its leaves valid.
//!
//! By default the intermediates that issue keep their keys and names, so their earlier certificates stay valid. If the
//! root's key was kept, the same root signs a new upper intermediate, with a later end of its own if needed; otherwise
//! a new root is made, which has to be trusted. The old root is kept, and servers that send the old chain stay valid
//! under it to its end. New keys for the intermediates come with a new key for the root: a thief of the old ones can use
//! them wherever the old root is trusted.

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::constraints::{self, Permit};
use super::create::{self, Hierarchy, RootKey};
use super::{DEFAULT_DAYS, Error, LocalCa, Paths, load_key};
use crate::base::files;
use crate::base::validity::{self, Validity};
use crate::judge::inspect;
use crate::x509::key::{Algorithm, PrivateKey};

/// Plan of a renewal.
#[derive(Debug, Clone, Default)]
pub struct Renewal {
    /// Remaining time below which the CA is renewed; by default 30 days, or a third of its life.
    pub before: Option<time::Duration>,
    /// Renews regardless of the time left.
    pub force: bool,
    /// Gives the root and the intermediates new keys: earlier certificates then belong to a former intermediate.
    pub new_key: bool,
    /// Further names the CA may sign for from now on.
    pub permit: Vec<String>,
    /// Lifetime from now on; by default [`DEFAULT_DAYS`].
    pub days: Option<u32>,
    /// Passphrase of the root's key, if the key is kept encrypted.
    pub passphrase: Option<Zeroizing<String>>,
}

/// Result of a renewal.
#[derive(Debug)]
pub struct Renewed {
    /// The present CA.
    pub ca: LocalCa,
    /// Reason for the renewal; `None` if nothing had to be done.
    pub because: Option<String>,
    /// True if the root is a different certificate than before and has to be trusted again.
    pub new_root: bool,
    /// True if the CA [was of the older kind](LocalCa::is_of_older_kind): its keys are dangerous below the old root.
    pub was_of_older_kind: bool,
}

impl Renewal {
    /// Renews the CA if due, or if a change is requested.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::RootKey`] when the root's key cannot be opened, [`Error::Permit`], [`Error::File`].
    pub fn run(&self, paths: &Paths, now: OffsetDateTime) -> Result<Renewed, Error> {
        if !paths.exist() {
            return Err(Error::Missing { folder: paths.folder.clone() });
        }
        let _lock = files::lock(&paths.lock)?;
        let ca = LocalCa::load(paths)?;
        let present = constraints::permitted(ca.server.constrained())?;
        let (permits, widened) = self.widen(present)?;
        let Some(because) = self.because(&ca, widened, now)? else {
            return Ok(Renewed { ca, because: None, new_root: false, was_of_older_kind: false });
        };
        let validity = Validity::new(now, None, None, Some(self.days.unwrap_or(DEFAULT_DAYS)))?;
        let root_key = self.root_key(paths, &ca.root)?;
        let was_of_older_kind = ca.is_of_older_kind();
        let (server_key, client_key) = if self.new_key {
            (PrivateKey::generate(Algorithm::default())?, Some(PrivateKey::generate(Algorithm::default())?))
        } else {
            let made = was_of_older_kind.then(|| PrivateKey::generate(Algorithm::default())).transpose()?;
            // One that somebody has removed is not made again.
            (ca.server.key, ca.client.map(|client| client.key).or(made))
        };
        // What a thief has is signed by the root's key, too, so another certificate of that key would not do.
        let root_key_is_over = self.new_key || was_of_older_kind;
        let (root, root_key, fate) = match root_key {
            Some(_) if root_key_is_over => {
                let root_key = PrivateKey::generate(Algorithm::default())?;
                (create::root(&root_key, validity)?, root_key, Some(RootKey::Kept(self.passphrase.clone())))
            }
            // A root that lasts is left as it is: it is in people's stores.
            Some(root_key) if self.lasts(&ca.root, now)? => (ca.root.clone(), root_key, None),
            Some(root_key) => (create::root(&root_key, validity)?, root_key, None),
            None => {
                let root_key = PrivateKey::generate(Algorithm::default())?;
                (create::root(&root_key, validity)?, root_key, Some(RootKey::Destroyed))
            }
        };
        let new_root = root != ca.root;
        let made = Hierarchy { root, root_key, fate, server_key, client_key };
        let ca = made.write(paths, permits.as_deref(), validity, now)?;
        Ok(Renewed { ca, because: Some(because), new_root, was_of_older_kind })
    }

    /// Adds to the permitted names; the flag is true if the set grew.
    fn widen(&self, present: Option<Vec<Permit>>) -> Result<(Option<Vec<Permit>>, bool), Error> {
        if self.permit.is_empty() {
            return Ok((present, false));
        }
        let Some(more) = constraints::permits(&self.permit)? else {
            let widened = present.is_some();
            return Ok((None, widened));
        };
        let Some(present) = present else { return Ok((None, false)) };
        let count = present.len();
        let all = constraints::unique([present, more].concat());
        let widened = all.len() > count;
        Ok((Some(all), widened))
    }

    fn because(&self, ca: &LocalCa, widened: bool, now: OffsetDateTime) -> Result<Option<String>, Error> {
        if widened {
            return Ok(Some("it may sign for more".to_owned()));
        }
        if self.force || self.new_key {
            return Ok(Some("that was asked for".to_owned()));
        }
        if !ca.is_of_older_kind() && !ca.firefox_fits()? {
            return Ok(Some("Firefox has no root for it".to_owned()));
        }
        if ca.certificates().try_fold(true, |all, der| Ok::<_, Error>(all && self.lasts(der, now)?))? {
            return Ok(None);
        }
        let end = ca.not_after()?;
        let verb = if end < now { "ended" } else { "ends" };
        Ok(Some(format!("it {verb} {}", validity::distance(end, now))))
    }

    fn lasts(&self, der: &[u8], now: OffsetDateTime) -> Result<bool, Error> {
        let validity = inspect::parse(der)?.validity();
        Ok(validity.remaining(now) > self.before.unwrap_or_else(|| validity.renewal_margin()))
    }

    /// The root's key, if kept; the key of another root is left over from a killed run.
    fn root_key(&self, paths: &Paths, root: &[u8]) -> Result<Option<PrivateKey>, Error> {
        if !files::exists(&paths.root_key) {
            return Ok(None);
        }
        let der = load_key(&paths.root_key, self.passphrase.as_ref())
            .map_err(|source| Error::RootKey { path: paths.root_key.clone(), source })?;
        let key = PrivateKey::load(&der)?;
        Ok((inspect::parse(root)?.key.as_raw() == key.spki()).then_some(key))
    }
}
