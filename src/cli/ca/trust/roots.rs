//! The certificates that are to be trusted, or no longer: the local CA's, or those of a file.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use secure_io::ca::{self, Paths};
use secure_io::trust::{Firefox, Root};
use secure_io::{container, files, inspect};

use super::Action;
use crate::cli::failure::{self, Failure};
use crate::cli::folders;

/// The certificates in question.
pub(super) struct Roots {
    /// The root; when it is to be removed, also those that it replaced.
    pub(super) all: Vec<Root>,
    /// Roots that Firefox alone had, to be removed from it.
    pub(super) former_firefox: Vec<Root>,
}

fn root(path: &Path, der: &[u8]) -> Result<Root, Failure> {
    Root::new(der, path).map_err(|error| failure::in_file(path, error))
}

impl Roots {
    /// The local CA's.
    pub(super) fn of_ca(paths: &Paths, action: Action) -> Result<Self, Failure> {
        if !files::exists(&paths.root) {
            return Err(ca::Error::Missing { folder: paths.folder.clone() }.into());
        }
        if action == Action::Trust {
            paths.check_access()?;
        }
        // Commands that are printed are run elsewhere.
        let paths = Paths::new(&folders::absolute(&paths.folder)?);
        let read = |(path, der): (PathBuf, CertificateDer<'_>)| root(&path, &der);
        let mut all = ca::roots(&paths)?.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let firefox = match ca::Firefox::of(&paths) {
            // What is not here is not to be taken out.
            Err(ca::Error::NoFirefox { .. }) if action == Action::Untrust => None,
            firefox => firefox?,
        };
        if let (Some(present), Some(firefox)) = (all.first_mut(), firefox) {
            present.firefox = Some(Box::new(Firefox {
                root: root(&paths.firefox_root, &firefox.root)?,
                intermediate: root(&paths.firefox_intermediate, &firefox.intermediate)?,
            }));
        }
        if action != Action::Untrust {
            all.truncate(1);
            return Ok(Self { all, former_firefox: Vec::new() });
        }
        let former_firefox = ca::former_firefox(&paths).into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { all, former_firefox })
    }

    /// The one root of a file.
    pub(super) fn of_file(path: &Path, action: Action) -> Result<Self, Failure> {
        let bytes = files::read_regular(path, files::SMALL)?;
        let found = container::certificates(&bytes).map_err(|error| failure::in_file(path, error))?;
        let [der] = &found[..] else {
            let text = format!("`{}` holds {} certificates, and a root is wanted alone", path.display(), found.len());
            return Err(Failure::message(text).hint("write the root to a file of its own, and name that"));
        };
        if action == Action::Trust {
            check(path, der)?;
        }
        let path = if files::is_stdio(path) { path.to_owned() } else { folders::absolute(path)? };
        Ok(Self { all: vec![root(&path, der)?], former_firefox: Vec::new() })
    }
}

/// Refuses what stores do not take for a root: some of them would then trust it all the same, others not.
fn check(path: &Path, der: &[u8]) -> Result<(), Failure> {
    let report = inspect::certificate(der).map_err(|error| {
        let text = format!("cannot use `{}`: {error}", path.display());
        Failure::new(anyhow::Error::new(error).context(text))
    })?;
    let reason = match (report.self_signed, report.is_ca) {
        (true, true) => return Ok(()),
        (true, false) => "it is not a CA's".to_owned(),
        (false, _) => format!("it was issued by {}", report.issuer),
    };
    let failure = Failure::message(format!("`{}` is not the certificate of a root: {reason}", path.display()));
    Err(failure.hint("name the file of the root that its chain ends in"))
}
