//! What is trusted: the files named, else the system's roots and the local CA.

use std::path::PathBuf;
use std::sync::Arc;

use secure_io::chain::{Anchors, Certificate};

use crate::cli::args::CaDirArgs;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub(super) fn anchors(files: &[PathBuf], ca_dir: &CaDirArgs, out: &mut Output) -> Result<Anchors, Failure> {
    let mut trusted = Vec::new();
    for path in files {
        trusted.extend(super::certificates(path, out)?);
    }
    if files.is_empty() {
        let native = rustls_native_certs::load_native_certs();
        if native.certs.is_empty() {
            for error in &native.errors {
                out.warning(format!("cannot read the system's roots: {error}"));
            }
        }
        // What the system trusts and nobody can read cannot be on a path either.
        trusted.extend(native.certs.into_iter().filter_map(|der| Certificate::parse(der).ok()).map(Arc::new));
        let paths = ca_dir.paths()?;
        if paths.exist() {
            trusted.extend(super::certificates(&paths.root, out)?);
        }
    }
    Ok(Anchors::new(trusted))
}
