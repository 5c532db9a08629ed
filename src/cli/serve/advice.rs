//! Commands in hints about the certificate and the key that a server was to show.

use std::path::Path;

use crate::cli::args::CaDirArgs;
use crate::cli::beside;
use crate::cli::command_line::{self, CERT, CommandLine, KEY};
use crate::cli::failure::Failure;
use crate::cli::replacement::Replacement;

/// A certificate's file and a key's.
pub(crate) struct Files<'a> {
    pub(crate) certificate: &'a Path,
    /// The certificate, DER.
    pub(crate) leaf: &'a [u8],
    pub(crate) key: &'a Path,
    pub(crate) ca_dir: &'a CaDirArgs,
}

impl Files<'_> {
    fn replacement(&self) -> Replacement<'_> {
        Replacement { path: self.certificate, leaf: self.leaf, key: Some(self.key), ca_dir: self.ca_dir }
    }

    /// Key and certificate do not belong together: names the right key if it stands beside them, or the right
    /// certificate, else makes a certificate for this key in a new file.
    pub(crate) fn mismatch(&self, failure: Failure, spki: &[u8]) -> Failure {
        let serve = |certificate: &Path, key: &Path| CommandLine::typed().with(&CERT, certificate).with(&KEY, key);
        let theirs = beside::spki_of(self.leaf);
        if let Some(key) = theirs.and_then(|theirs| beside::key_for(self.certificate, &theirs)) {
            let command = serve(self.certificate, &key);
            return failure.hint(format!("`{}` belongs to it: `{command}`", key.display()));
        }
        if let Some(certificate) = beside::certificate_for(self.key, spki) {
            let command = serve(&certificate, self.key);
            return failure.hint(format!("`{}` belongs to this key: `{command}`", certificate.display()));
        }
        let another = command_line::unused(self.certificate);
        match self.replacement().for_key(self.key, &another) {
            Some(make) => {
                let command = make.and(serve(&another, self.key));
                failure.hint(format!("make a certificate for this key: `{command}`"))
            }
            None => failure.hint("name the certificate's own key, or have a certificate issued for this one"),
        }
    }

    /// The certificate is over: renews it with all that it says.
    pub(crate) fn expired(&self, failure: Failure) -> Failure {
        match self.replacement().renewal() {
            Some(command) => failure.hint(format!("renew it: `{command}`")),
            None => failure.hint("have it issued again by who issued it"),
        }
    }

    /// The certificate has no subjectAltName: one with the host of its subject in its place.
    pub(crate) fn without_names(&self) -> String {
        match self.replacement().renewal() {
            Some(command) => format!("make one that they accept: `{command}`"),
            None => "have it issued again with a subjectAltName".to_owned(),
        }
    }
}

/// The command that serves a certificate with its key, which has another name than is looked for.
pub(super) fn of_missing_key(certificate: &Path) -> Option<String> {
    let key = beside::key_of(certificate)?;
    let command = CommandLine::typed().with(&CERT, certificate).with(&KEY, &key);
    Some(format!("`{}` belongs to it: `{command}`", key.display()))
}
