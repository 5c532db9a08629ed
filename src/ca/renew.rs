//! A local CA made anew before it ends, without a leaf of it becoming invalid.
//!
//! The intermediates that issue keep their keys and names unless told otherwise, so that what they have issued is still
//! their own. With the root's key a new upper intermediate is signed under the same root, or the same root with a new end; without it there is a new root,
//! which has to be trusted. The old root is put by, and what is served with the old chain is valid under it to its end.

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::constraints::{self, Permit};
use super::create::{self, Hierarchy, RootKey};
use super::{DEFAULT_DAYS, Error, LocalCa, Paths, load_key};
use crate::cert;
use crate::files;
use crate::inspect;
use crate::key::{Algorithm, PrivateKey};
use crate::validity::{self, Validity};

/// How a local CA is to be made anew.
#[derive(Debug, Clone, Default)]
pub struct Renewal {
    /// How much time left is little; by default 30 days, or a third of its life.
    pub before: Option<time::Duration>,
    /// Makes it anew, however much time is left.
    pub force: bool,
    /// Gives the intermediates new keys: what they have issued is then a former intermediate's.
    pub new_key: bool,
    /// What it may sign for as well from now on.
    pub permit: Vec<String>,
    /// Lifetime from now on; by default [`DEFAULT_DAYS`].
    pub days: Option<u32>,
    /// What opens the root's key, if it is kept under one.
    pub passphrase: Option<Zeroizing<String>>,
}

/// What became of it.
#[derive(Debug)]
pub struct Renewed {
    /// The CA as it is now.
    pub ca: LocalCa,
    /// Why it was made anew; `None` when nothing was to be done.
    pub because: Option<String>,
    /// Whether the root is another certificate than before, which has to be trusted.
    pub new_root: bool,
}

impl Renewal {
    /// Makes it anew if it is time, or if something else is asked for.
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
        let report = inspect::certificate(ca.server.constrained())?;
        let present = constraints::permitted(&report);
        let (permits, widened) = self.widen(present)?;
        let Some(because) = self.because(&ca, widened, now)? else {
            return Ok(Renewed { ca, because: None, new_root: false });
        };
        let validity = Validity::new(now, None, None, Some(self.days.unwrap_or(DEFAULT_DAYS)))?;
        let root_key = self.root_key(paths, &ca.root)?;
        let is_of_older_kind = ca.is_of_older_kind();
        let (server_key, client_key) = if self.new_key {
            (PrivateKey::generate(Algorithm::default())?, Some(PrivateKey::generate(Algorithm::default())?))
        } else {
            let made = is_of_older_kind.then(|| PrivateKey::generate(Algorithm::default())).transpose()?;
            // One that somebody has removed is not made again.
            (ca.server.key, ca.client.map(|client| client.key).or(made))
        };
        let (root, root_key, fate) = match root_key {
            // A root that lasts is left as it is: it is in people's stores.
            Some(root_key) if self.lasts(&ca.root, now)? && is_high_enough(&ca.root)? => {
                (ca.root.clone(), root_key, None)
            }
            Some(root_key) => (create::root(&root_key, validity)?, root_key, None),
            None => {
                let root_key = PrivateKey::generate(Algorithm::default())?;
                (create::root(&root_key, validity)?, root_key, Some(RootKey::Destroyed))
            }
        };
        let new_root = root != ca.root;
        let made = Hierarchy { root, root_key, fate, server_key, client_key };
        let ca = made.write(paths, permits.as_deref(), validity, now)?;
        Ok(Renewed { ca, because: Some(because), new_root })
    }

    /// What it may sign for now and from now on; says whether that is more.
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
        let below = ca.issuing().flat_map(|issuing| &issuing.chain);
        if [&ca.root]
            .into_iter()
            .chain(below)
            .try_fold(true, |all, der| Ok::<_, Error>(all && self.lasts(der, now)?))?
        {
            return Ok(None);
        }
        let end = ca.not_after()?;
        let verb = if end < now { "ended" } else { "ends" };
        Ok(Some(format!("it {verb} {}", validity::distance(end, now))))
    }

    fn lasts(&self, der: &[u8], now: OffsetDateTime) -> Result<bool, Error> {
        let validity = cert::validity_of(&inspect::parse(der)?);
        let month = time::Duration::days(30);
        Ok(validity.remaining(now) > self.before.unwrap_or_else(|| month.min(validity.lifetime() / 3)))
    }

    /// The root's key, if it is kept; that of another root is what a killed run has left.
    fn root_key(&self, paths: &Paths, root: &[u8]) -> Result<Option<PrivateKey>, Error> {
        if !files::exists(&paths.root_key) {
            return Ok(None);
        }
        let der = load_key(&paths.root_key, self.passphrase.as_ref())
            .map_err(|source| Error::RootKey { path: paths.root_key.clone(), source })?;
        let key = PrivateKey::load(&der)?;
        Ok((inspect::parse(root)?.public_key().raw == key.spki()).then_some(key))
    }
}

/// Whether a root may have two intermediates below it, which one made by an earlier version may not.
fn is_high_enough(root: &[u8]) -> Result<bool, Error> {
    let limit = inspect::certificate(root)?.path_len;
    Ok(limit.is_none_or(|limit| limit >= create::ROOT_PATH_LEN.into()))
}
