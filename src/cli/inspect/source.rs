//! Sources of items: files, standard input, folders, patterns and servers.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use secure_io::container::{self, Found};
use secure_io::files;
use secure_io::probe::Endpoint;

use crate::cli::command_line::CommandLine;
use crate::cli::failure::{self, Failure};
use crate::cli::remote;

/// A source to read.
pub(super) enum Where {
    /// Something to read.
    Source(Source),
    /// A server to ask, as typed.
    Server(String, Endpoint),
    /// Something typed that would be a server but for this fault.
    NoServer(String, Failure),
}

/// Something to read.
pub(super) enum Source {
    /// A file, or standard input.
    File(PathBuf),
    /// A file of a folder that the user named, perhaps without anything of interest.
    Member(PathBuf),
}

impl Source {
    /// Returns the name of the source in the output.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Member(path) => path.to_string_lossy().into_owned(),
        }
    }

    /// Returns true if the result needs no report: nothing in a file that the user did not name.
    pub(super) fn is_passed_over(&self, found: &Found) -> bool {
        matches!(self, Self::Member(_)) && matches!(found.content, Err(container::Error::Nothing { .. }))
    }

    /// Reads the source from its beginning.
    pub(super) fn open(&self) -> Result<impl Read + use<>, Failure> {
        match self {
            Self::File(path) | Self::Member(path) => Ok(files::open(path)?),
        }
    }

    /// Turns a read error into a failure that names the source.
    pub(super) fn failure(&self, error: container::Error) -> Failure {
        match self {
            Self::File(path) | Self::Member(path) => failure::in_file(path, error),
        }
    }
}

/// The places that arguments stand for, in their order, each once.
pub(super) fn expand(arguments: &[PathBuf], recursive: bool) -> Result<Vec<Where>, Failure> {
    let mut places = Vec::new();
    let mut seen = HashSet::new();
    for argument in arguments {
        if files::is_stdio(argument) {
            places.push(Where::Source(Source::File(argument.clone())));
        } else if let Some(endpoint) = remote::endpoint(argument).transpose() {
            let name = argument.to_string_lossy().into_owned();
            places.push(match endpoint {
                Ok(endpoint) => Where::Server(name, endpoint),
                Err(failure) => Where::NoServer(name, failure),
            });
        } else if argument.is_dir() {
            if !recursive {
                return Err(Failure::message(format!("`{}` is a folder", argument.display()))
                    .hint(format!("look into it: `{}`", CommandLine::typed().switch("-r"))));
            }
            let members = members(argument, |_| true);
            let members = members.into_iter().filter(|path| is_new(path, &mut seen));
            places.extend(members.map(Source::Member).map(Where::Source));
        } else if let Some(matching) = matching(argument)? {
            let matching = matching.into_iter().filter(|path| is_new(path, &mut seen));
            places.extend(matching.map(Source::File).map(Where::Source));
        } else {
            places.push(Where::Source(Source::File(argument.clone())));
        }
    }
    Ok(places)
}

/// Returns true if a file was not seen before under another name: system stores are full of links.
fn is_new(path: &Path, seen: &mut HashSet<PathBuf>) -> bool {
    path.canonicalize().is_ok_and(|real| seen.insert(real))
}

/// The files below a folder, sorted. Unreadable entries, and entries that are not regular files, are skipped.
fn members(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    files::list(folder).into_iter().filter(|path| is_wanted(path)).collect()
}

/// The files that match a pattern that no shell has expanded; `None` for text that is not a pattern.
fn matching(argument: &Path) -> Result<Option<Vec<PathBuf>>, Failure> {
    let Some(text) = argument.to_str().filter(|text| text.contains(['*', '?', '['])) else { return Ok(None) };
    if files::exists(argument) {
        return Ok(None);
    }
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    let glob = glob.map_err(|error| Failure::new(anyhow::Error::new(error)))?.compile_matcher();
    let literal: PathBuf = argument
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect();
    let is_bare = literal.as_os_str().is_empty();
    let folder = if is_bare { Path::new(".") } else { &literal };
    let strip = |path: &Path| if is_bare { path.strip_prefix(".").unwrap_or(path).to_owned() } else { path.to_owned() };
    let found = members(folder, |path| glob.is_match(strip(path)));
    if found.is_empty() {
        return Err(Failure::message(format!("no file matches `{text}`")));
    }
    Ok(Some(found.iter().map(|path| strip(path)).collect()))
}
