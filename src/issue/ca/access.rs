//! Protection of the local CA's files from other users of the machine.
//!
//! Whoever can write the folder can put another CA there, and whoever can read a key can sign with it: such a CA is not
//! used. Windows protects a user's folders by access lists that are inherited, which are not looked at here.

use std::path::Path;

use super::{Error, Paths};
use crate::base::files::{self, Entry};

/// Write access of the group and of others.
const WRITE: u32 = 0o022;
/// Any access of others, and write access of the group to a key; read access of the group is somebody's decision.
const KEY: u32 = 0o037;

/// Write access of all, which no certificate has.
const WORLD: u32 = 0o002;

impl Paths {
    /// Refuses a folder that other users can change, and keys that they can read or own.
    ///
    /// # Errors
    ///
    /// [`Error::Exposed`], [`Error::Foreign`], [`Error::File`].
    pub fn check_access(&self) -> Result<(), Error> {
        check(self)
    }
}

/// Refuses a folder or certificates that others can change, keys that others can read, and files of somebody else.
///
/// # Errors
///
/// [`Error::Exposed`], [`Error::Foreign`], [`Error::File`].
pub(super) fn check(paths: &Paths) -> Result<(), Error> {
    let Some(folder) = Entry::of(&paths.folder)? else { return Ok(()) };
    exposed(&paths.folder, folder, WRITE, "700")?;
    if !folder.is_trusted() && !files::is_root() {
        return Err(Error::Foreign { path: paths.folder.clone() });
    }
    let keys = [&paths.intermediate_key, &paths.client_intermediate_key, &paths.root_key].map(|key| (key, KEY, "600"));
    let [firefox_root, firefox_intermediate] = paths.firefox();
    let certificates =
        [&paths.root, &paths.intermediate, &paths.client_intermediate, firefox_root, firefox_intermediate, &paths.log];
    for (path, forbidden, instead) in keys.into_iter().chain(certificates.map(|path| (path, WORLD, "644"))) {
        let Some(access) = Entry::of(path)? else { continue };
        exposed(path, access, forbidden, instead)?;
        // Root uses the CA of the user who ran sudo: the files are that user's, as the folder is.
        if !access.has_owner_of(folder) && !access.is_trusted() {
            return Err(Error::Foreign { path: path.clone() });
        }
    }
    Ok(())
}

/// Takes the write access of others from an empty folder of the caller's, in which a CA is about to be made; says whether
/// there was any.
///
/// # Errors
///
/// [`Error::File`].
pub fn narrow(paths: &Paths) -> Result<bool, Error> {
    let Some(access) = Entry::of(&paths.folder)? else { return Ok(false) };
    let is_shared = access.is_sticky() || !access.is_ours() || !files::list(&paths.folder).is_empty();
    if access.permissions() & WRITE == 0 || is_shared {
        return Ok(false);
    }
    files::make_private(&paths.folder)?;
    Ok(true)
}

fn exposed(path: &Path, access: Entry, forbidden: u32, instead: &'static str) -> Result<(), Error> {
    if access.permissions() & forbidden == 0 {
        return Ok(());
    }
    Err(Error::Exposed { path: path.to_owned(), mode: access.permissions(), instead })
}
