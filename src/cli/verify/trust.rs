//! Trust anchors: from the files named, else the system's roots and the local CA.

use std::path::PathBuf;
use std::sync::Arc;

use secure_io::ca::{self, Paths};
use secure_io::verify::{Anchors, Certificate};
use secure_io::{container, files};

use crate::cli::args::{CaDirArgs, PassphraseArgs};
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// The trust anchors.
pub(super) struct Trusted {
    pub(super) anchors: Arc<Anchors>,
    /// True if only the system's one file of roots was read, and not the folder of single ones beside it.
    pub(super) is_partial: bool,
}

/// Sources of trust anchors.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// Files of anchors; if empty, the system's roots and the local CA's.
    pub(crate) files: &'a [PathBuf],
    pub(crate) ca_dir: &'a CaDirArgs,
    /// Opens stores among the files.
    pub(crate) passphrase: &'a PassphraseArgs,
}

/// Reads the trust anchors. If the system's roots are in one file, only that file is read: the folder beside it usually
/// holds copies of the same roots, and takes longer to read than all other input.
pub(super) fn anchors(sources: Sources<'_>, out: &mut Output) -> Result<Trusted, Failure> {
    if sources.ca_dir.is_given()
        && let Ok(paths) = sources.ca_dir.paths()
        && !paths.exist()
    {
        out.warning(ca::Error::Missing { folder: paths.folder });
    }
    match bundle().filter(|_| sources.files.is_empty()) {
        Some(Bundle { roots, is_partial }) => {
            with_local(roots, sources, out).map(|anchors| Trusted { anchors, is_partial })
        }
        None => all(sources, out).map(|anchors| Trusted { anchors, is_partial: false }),
    }
}

/// Reads all trust anchors.
pub(crate) fn all(sources: Sources<'_>, out: &mut Output) -> Result<Arc<Anchors>, Failure> {
    let mut trusted = Vec::new();
    for path in sources.files {
        trusted.extend(super::certificates(path, sources.passphrase, out)?);
    }
    if !sources.files.is_empty() {
        // The file may hold the local CA's root.
        let record = match sources.ca_dir.paths().map(|paths| ca::record(&paths)) {
            Ok(Ok(record)) => Some(Arc::new(record)),
            Ok(Err(error)) => {
                out.warning(format!("what the local CA has revoked is not looked at: {error}"));
                None
            }
            Err(_) => None,
        };
        return Ok(Arc::new(Anchors::new(trusted).with_record(record)));
    }
    let native = rustls_native_certs::load_native_certs();
    if native.certs.is_empty() {
        for error in &native.errors {
            out.warning(format!("cannot read the system's roots: {error}"));
        }
    }
    with_local(parsed(native.certs), sources, out)
}

/// The readable certificates: an unreadable anchor cannot be on a path.
fn parsed(ders: Vec<rustls::pki_types::CertificateDer<'static>>) -> Vec<Arc<Certificate>> {
    ders.into_iter().filter_map(|der| Certificate::parse(der).ok()).map(Arc::new).collect()
}

fn with_local(
    mut trusted: Vec<Arc<Certificate>>,
    sources: Sources<'_>,
    out: &mut Output,
) -> Result<Arc<Anchors>, Failure> {
    // Without a home folder, as in many containers, there is no local CA unless one is named.
    let Some(paths) = sources.ca_dir.paths().ok().filter(Paths::exist) else {
        return Ok(Arc::new(Anchors::new(trusted)));
    };
    match paths.check_access() {
        Ok(()) => trusted.extend(super::certificates(&paths.root, sources.passphrase, out)?),
        Err(error) => out.warning(format!("the local CA is not trusted: {error}")),
    }
    let record = Arc::new(ca::record(&paths)?);
    Ok(Arc::new(Anchors::new(trusted).with_record(Some(record))))
}

/// The roots in the system's one file of them.
struct Bundle {
    roots: Vec<Arc<Certificate>>,
    /// True if there is a folder beside the file.
    is_partial: bool,
}

/// The file that `SSL_CERT_FILE` names, or the system's own; `None` where a folder alone is named or there, and for a file
/// that is damaged.
#[cfg(all(unix, not(target_os = "macos")))]
fn bundle() -> Option<Bundle> {
    let named = |name: &str| std::env::var_os(name);
    let (file, is_partial) = match (named("SSL_CERT_FILE"), named("SSL_CERT_DIR")) {
        (Some(file), folders) => (Some(file.into()), folders.is_some()),
        (None, Some(_)) => (None, true),
        (None, None) => (openssl_probe::probe().cert_file, true),
    };
    let roots = parsed(container::certificates(&files::read(&file?).ok()?).ok()?);
    (!roots.is_empty()).then_some(Bundle { roots, is_partial })
}

/// Windows and macOS keep theirs in stores of their own.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn bundle() -> Option<Bundle> {
    None
}
