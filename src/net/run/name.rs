//! The host of a project: its name, below `localhost`.

use std::path::{Path, PathBuf};

use crate::base::files;
use crate::x509::name::SubjectAltName;

/// Reason why a project has no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A name that cannot be a host's.
    #[error("`{0}` cannot be a host's name")]
    Unusable(String),
    /// `{branch}` outside of a branch.
    #[error("this folder is on no branch of git")]
    NoBranch,
    /// Neither package.json nor a folder gives a name.
    #[error("nothing here gives the host a name")]
    Nameless,
}

/// The longest label of a host name, [RFC 1035 section 2.3.4](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4).
const LABEL: usize = 63;

/// The branches that are everybody's.
const MAIN: [&str; 4] = ["main", "master", "trunk", "develop"];

/// Finds the host for a project: the name that is asked for, in which `{branch}` stands for git's; else that of
/// package.json, of the folder of the git repository or of the folder, behind the branch of a linked worktree.
///
/// # Errors
///
/// See [`NameError`].
pub fn host(asked: Option<&str>, folder: &Path) -> Result<String, NameError> {
    let git = Git::above(folder);
    if let Some(asked) = asked {
        return host_asked(asked, git.as_ref());
    }
    let package = || package_name(folder, git.as_ref());
    let repository = || git.as_ref().and_then(|git| git.root.file_name()?.to_str().and_then(label));
    let own = || folder.file_name()?.to_str().and_then(label);
    let name = package().or_else(repository).or_else(own).ok_or(NameError::Nameless)?;
    let branch = git.filter(|git| git.is_linked).and_then(|git| git.branch());
    let branch = branch.filter(|branch| !MAIN.contains(&&**branch)).and_then(|branch| last_label(&branch));
    Ok(match branch {
        Some(branch) => format!("{branch}.{name}.localhost"),
        None => format!("{name}.localhost"),
    })
}

fn host_asked(asked: &str, git: Option<&Git>) -> Result<String, NameError> {
    let mut name = asked.trim_end_matches('.').to_owned();
    if name.contains("{branch}") {
        let branch = git.and_then(Git::branch).and_then(|branch| last_label(&branch)).ok_or(NameError::NoBranch)?;
        name = name.replace("{branch}", &branch);
    }
    let name = name.strip_suffix(".localhost").unwrap_or(&name);
    let unusable = || NameError::Unusable(asked.to_owned());
    if name.contains(['*', '_', '/', ':', '@']) {
        return Err(unusable());
    }
    match format!("{name}.localhost").parse() {
        Ok(SubjectAltName::Dns(host)) => Ok(host.to_ascii_lowercase()),
        _ => Err(unusable()),
    }
}

/// The name in the nearest package.json, without its scope.
fn package_name(folder: &Path, git: Option<&Git>) -> Option<String> {
    let within = |folder: &&Path| git.is_none_or(|git| folder.starts_with(&git.root));
    let mut files = folder.ancestors().take_while(within).map(|folder| folder.join("package.json"));
    let package = files.find_map(|path| files::read(&path).ok())?;
    let package: serde_json::Value = serde_json::from_slice(&package).ok()?;
    let name = package.get("name")?.as_str()?;
    label(name.rsplit('/').next()?)
}

/// A text as a label of a host name; `None` if nothing of it can be one.
fn label(text: &str) -> Option<String> {
    let dashed = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let mut label: String = dashed.collect::<String>().trim_matches('-').to_owned();
    label.truncate(LABEL);
    let label = label.trim_end_matches('-');
    (!label.is_empty()).then(|| label.to_owned())
}

/// The label of a branch: `fix-ui` of `feature/fix-ui`.
fn last_label(branch: &str) -> Option<String> {
    label(branch.rsplit('/').next()?)
}

/// A checkout of git.
struct Git {
    /// The folder that has `.git`.
    root: PathBuf,
    /// The folder that has `HEAD`.
    own: PathBuf,
    /// True if it is one of several worktrees of a repository, and not the first.
    is_linked: bool,
}

impl Git {
    fn above(folder: &Path) -> Option<Self> {
        let root = folder.ancestors().find(|folder| files::exists(&folder.join(".git")))?.to_owned();
        let entry = root.join(".git");
        // A linked worktree and a submodule have a file, which says where the folder is.
        let Ok(link) = files::read(&entry) else { return Some(Self { root, own: entry, is_linked: false }) };
        let link = String::from_utf8_lossy(&link).into_owned();
        let own = root.join(link.strip_prefix("gitdir:")?.trim());
        let is_linked = files::exists(&own.join("commondir"));
        Some(Self { root, own, is_linked })
    }

    fn branch(&self) -> Option<String> {
        let head = files::read(&self.own.join("HEAD")).ok()?;
        let head = String::from_utf8_lossy(&head).into_owned();
        head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::files::{Existing, NewFile};

    fn write(folder: &Path, name: &str, content: &str) {
        let path = folder.join(name);
        files::create_folder(path.parent().unwrap(), false).unwrap();
        files::write_set(&[NewFile::public(path, content)], Existing::Replace).unwrap();
    }

    #[test]
    fn the_package_is_named_before_the_repository_and_that_before_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("My_Shop");
        let below = root.join("web/src");
        write(&below, "x", "");
        write(&root, ".git/HEAD", "ref: refs/heads/feature/cart\n");
        assert_eq!(host(None, &below).as_deref(), Ok("my-shop.localhost"));
        write(&root, "web/package.json", r#"{"name": "@acme/Store.Front"}"#);
        assert_eq!(host(None, &below).as_deref(), Ok("store-front.localhost"));
        assert_eq!(host(None, &root).as_deref(), Ok("my-shop.localhost"), "a branch is no worktree");
    }

    /// Two worktrees of one project run side by side, each with its own cookies.
    #[test]
    fn the_branch_of_a_linked_worktree_stands_before_the_name() {
        let outer = tempfile::tempdir().unwrap();
        let (tree, own) = (outer.path().join("tree"), outer.path().join("shop/.git/worktrees/tree"));
        write(&own, "HEAD", "ref: refs/heads/feature/Fix_UI\n");
        write(&own, "commondir", "../..\n");
        write(&tree, ".git", &format!("gitdir: {}\n", own.display()));
        write(&tree, "package.json", r#"{"name": "shop"}"#);
        assert_eq!(host(None, &tree).as_deref(), Ok("fix-ui.shop.localhost"));
        assert_eq!(host(Some("api.{branch}.shop"), &tree).as_deref(), Ok("api.fix-ui.shop.localhost"));
        write(&own, "HEAD", "ref: refs/heads/main\n");
        assert_eq!(host(None, &tree).as_deref(), Ok("shop.localhost"));
        write(&own, "HEAD", "0123456789\n");
        assert_eq!(host(None, &tree).as_deref(), Ok("shop.localhost"));
        assert_eq!(host(Some("{branch}"), &tree), Err(NameError::NoBranch));
    }

    #[test]
    fn a_name_that_was_asked_for_is_taken_as_it_is_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let host = |asked| host(Some(asked), folder.path());
        assert_eq!(host("API.shop").as_deref(), Ok("api.shop.localhost"));
        assert_eq!(host("shop.localhost").as_deref(), Ok("shop.localhost"));
        assert_eq!(host("bücher").as_deref(), Ok("xn--bcher-kva.localhost"));
        for bad in ["", "a b", "*.shop", "-x", "https://shop", "a..b", "shop:3000", "a_b"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
