//! The caller of sudo, whose CA and stores the command uses.

use std::env;
use std::path::{Path, PathBuf};

use secure_io::files;
use secure_io::trust::Owner;

use super::failure::Failure;

/// Whoever ran sudo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) home: PathBuf,
    pub(crate) owner: Owner,
}

impl Caller {
    /// `None` without sudo, when root ran it, and when their home is not known here.
    pub(crate) fn of_sudo() -> Option<Self> {
        if !files::is_root() {
            return None;
        }
        let users = files::read(Path::new("/etc/passwd")).ok()?;
        Self::find(|variable| env::var(variable).ok(), &String::from_utf8_lossy(&users))
    }

    /// By sudo's variables, and the home folder that `/etc/passwd` has.
    fn find(variable: impl Fn(&str) -> Option<String>, users: &str) -> Option<Self> {
        let name = variable("SUDO_USER").filter(|name| name != "root")?;
        let number = |name| variable(name)?.parse().ok();
        let owner = Owner { uid: number("SUDO_UID")?, gid: number("SUDO_GID")? };
        let line = users.lines().find(|line| line.split(':').next() == Some(&name))?;
        let home = line.split(':').nth(5)?.into();
        Some(Self { name, home, owner })
    }

    /// Does some work on the files of sudo's caller with no more than the caller's rights; without sudo, and where a
    /// thread cannot give up its rights, with ours.
    pub(crate) fn acting<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
        match Self::of_sudo() {
            Some(caller) => caller.act(work),
            None => Ok(work()),
        }
    }

    fn act<T>(&self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        if !cfg!(target_os = "linux") {
            return Ok(work());
        }
        self.owner
            .act(work)
            .map_err(|error| Failure::new(anyhow::Error::new(error).context(format!("cannot act as {}", self.name))))
    }

    /// The folder of their CA.
    pub(crate) fn ca_folder(&self) -> PathBuf {
        self.home.join(".local/share/secure-io/ca")
    }
}

/// Returns the name of the user: under sudo, of its caller.
pub(crate) fn user() -> Option<String> {
    let variables = ["SUDO_USER", "LOGNAME", "USER", "USERNAME"];
    variables.into_iter().filter_map(|name| env::var(name).ok()).find(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_who_sudo_names_but_root() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        let find = |name: &str, uid: &str| {
            let variable = |variable: &str| match variable {
                "SUDO_USER" => Some(name.to_owned()),
                _ => Some(uid.to_owned()),
            };
            Caller::find(variable, users).map(|caller| caller.ca_folder())
        };
        assert_eq!(find("ann", "1000"), Some("/home/ann/.local/share/secure-io/ca".into()));
        assert_eq!(find("root", "0"), None);
        assert_eq!(find("bob", "1001"), None, "nobody knows where his home is");
        assert_eq!(find("ann", "x"), None);
        assert_eq!(Caller::find(|_| None, users), None);
    }
}
