//! Manifests of test PKIs, and trees that cannot be built.

use std::io;
use std::path::Path;

use secure_io::files;
use secure_io::fixtures::Error;

use super::Failure;
use crate::cli::command_line::CommandLine;

/// A manifest that cannot be used, or a tree that cannot be built from it.
pub(crate) fn fixtures(manifest: &Path, error: Error) -> Failure {
    match error {
        Error::Manifest(error) => {
            let hint = error.instead.as_ref().map(|instead| format!("write {instead}"));
            let failure = Failure::message(format!("cannot use `{}`: {error}", manifest.display()));
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
        Error::File(files::Error::Exists { path }) if path == manifest => {
            Failure::new(files::Error::Exists { path }.into())
                .hint(format!("build the tree: `{}`", CommandLine::ours("fixtures").path(manifest)))
        }
        Error::File(error) => match &error {
            files::Error::Io { action: "read", path, source }
                if path == manifest && source.kind() == io::ErrorKind::NotFound =>
            {
                Failure::new(error.into())
                    .hint(format!("make one: `{}`", CommandLine::ours("fixtures init").path(manifest)))
            }
            _ => Failure::new(error.into()),
        },
        error => Failure::new(error.into()),
    }
}
