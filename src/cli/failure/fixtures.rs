//! Manifests of test PKIs, and trees that cannot be built.

use std::io;
use std::path::Path;

use secure_io::files;
use secure_io::fixtures::Error;

use super::Failure;
use crate::cli::command_line::CommandLine;

/// A manifest that cannot be used, or whose tree cannot be built.
pub(crate) fn fixtures(manifest: &Path, error: Error) -> Failure {
    match error {
        error @ Error::Outside { .. } => {
            let command = CommandLine::typed().switch("--allow-outside");
            Failure::new(error.into()).hint(format!("if the files should go there: `{command}`"))
        }
        error @ Error::NotOurs { .. } => {
            let command = CommandLine::typed().switch("--force");
            Failure::new(error.into()).hint(format!("if those files may be replaced or removed: `{command}`"))
        }
        Error::Manifest(error) => {
            let hint = error.instead.as_ref().map(|instead| format!("write: {instead}"));
            Failure::message(format!("cannot use `{}`: {error}", manifest.display())).hints(hint)
        }
        Error::File(files::Error::Exists { path }) if path == manifest => {
            Failure::new(files::Error::Exists { path }.into()).hint(format!("build the tree: `{}`", build(manifest)))
        }
        Error::File(error) => match &error {
            files::Error::Io { action: "read", path, source }
                if path == manifest && source.kind() == io::ErrorKind::NotFound =>
            {
                Failure::new(error.into())
                    .hint(format!("make one: `{}`", named(CommandLine::ours("fixtures init"), manifest)))
            }
            _ => Failure::new(error.into()),
        },
        error => Failure::new(error.into()),
    }
}

/// The command that builds the tree of a manifest.
pub(crate) fn build(manifest: &Path) -> CommandLine {
    named(CommandLine::ours("fixtures"), manifest)
}

/// Names the manifest, unless it is the default.
fn named(command: CommandLine, manifest: &Path) -> CommandLine {
    if manifest == Path::new("secure-io.toml") { command } else { command.path(manifest) }
}
