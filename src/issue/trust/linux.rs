//! The system's store on Linux: a folder of anchors, a program that makes a bundle of them, and the bundle that
//! OpenSSL, GnuTLS and their users read. The answer comes from the bundle.

use std::path::{Path, PathBuf};

use super::program::Invocation;
use super::{Error, Machine, Root, Store, certificates, contains};
use crate::base::files;
use crate::judge::report::trust::{Answer, StoreKind};

/// Trust store layout of a family of distributions.
struct Layout {
    /// `ID` or `ID_LIKE` in `/etc/os-release`.
    ids: &'static [&'static str],
    anchors: &'static str,
    refresh: &'static [&'static str],
    /// The same after a removal.
    refresh_removed: &'static [&'static str],
    bundle: &'static str,
    /// The package that has the program.
    package: &'static str,
    install: &'static str,
}

const LAYOUTS: [Layout; 5] = [
    Layout {
        ids: &["debian", "ubuntu"],
        anchors: "/usr/local/share/ca-certificates",
        refresh: &["update-ca-certificates"],
        // Without the flag the links to what was removed stay, dangling.
        refresh_removed: &["update-ca-certificates", "--fresh"],
        bundle: "/etc/ssl/certs/ca-certificates.crt",
        package: "ca-certificates",
        install: "sudo apt-get install",
    },
    Layout {
        ids: &["alpine"],
        anchors: "/usr/local/share/ca-certificates",
        refresh: &["update-ca-certificates"],
        refresh_removed: &["update-ca-certificates"],
        bundle: "/etc/ssl/certs/ca-certificates.crt",
        package: "ca-certificates",
        install: "sudo apk add",
    },
    Layout {
        ids: &["fedora", "rhel", "centos"],
        anchors: "/etc/pki/ca-trust/source/anchors",
        refresh: &["update-ca-trust", "extract"],
        refresh_removed: &["update-ca-trust", "extract"],
        bundle: "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        package: "ca-certificates",
        install: "sudo dnf install",
    },
    Layout {
        ids: &["arch"],
        anchors: "/etc/ca-certificates/trust-source/anchors",
        refresh: &["trust", "extract-compat"],
        refresh_removed: &["trust", "extract-compat"],
        bundle: "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
        package: "ca-certificates-utils",
        install: "sudo pacman -S",
    },
    Layout {
        ids: &["suse", "opensuse"],
        anchors: "/etc/pki/trust/anchors",
        refresh: &["update-ca-certificates"],
        refresh_removed: &["update-ca-certificates"],
        bundle: "/var/lib/ca-certificates/ca-bundle.pem",
        package: "ca-certificates",
        install: "sudo zypper install",
    },
];

/// The folders of anchors, of whatever distribution.
pub(super) fn anchor_folders() -> impl Iterator<Item = &'static Path> {
    LAYOUTS.iter().map(|layout| Path::new(layout.anchors))
}

/// A package's names on Debian, Alpine, Fedora, Arch and openSUSE, in the order of the layouts.
pub(super) type Packages = [&'static str; 5];

/// The command that installs a package on this distribution.
pub(super) fn install_command(machine: &Machine<'_>, packages: Packages) -> Option<String> {
    let ids = ids(machine);
    let (layout, package) = LAYOUTS.iter().zip(packages).find(|(layout, _)| layout.is(&ids))?;
    Some(format!("{} {package}", layout.install))
}

/// The distribution and those it is like, nearest first.
fn ids(machine: &Machine<'_>) -> Vec<String> {
    let text = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| files::read(&machine.environment.system(path)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    let words = format!("{} {}", value("ID="), value("ID_LIKE="));
    words.replace(['"', '\''], " ").split_whitespace().map(str::to_owned).collect()
}

/// The system's store; `None` for an unknown family of distributions.
pub(super) fn store(machine: &Machine<'_>) -> Option<SystemStore> {
    let ids = ids(machine);
    let has_anchors = |layout: &&Layout| machine.environment.system(layout.anchors).is_dir();
    let layout = LAYOUTS.iter().find(|layout| layout.is(&ids)).or_else(|| LAYOUTS.iter().find(has_anchors))?;
    Some(SystemStore { layout })
}

impl Layout {
    fn is(&self, ids: &[String]) -> bool {
        self.ids.iter().any(|id| ids.iter().any(|other| other == id || other.starts_with(&format!("{id}-"))))
    }
}

pub(super) struct SystemStore {
    layout: &'static Layout,
}

impl SystemStore {
    fn anchor(&self, machine: &Machine<'_>, root: &Root) -> PathBuf {
        machine.environment.system(self.layout.anchors).join(format!("{}.crt", root.label()))
    }

    /// Every anchor file with the certificate, and true where the certificate is alone.
    fn anchors_with(&self, machine: &Machine<'_>, root: &Root) -> Vec<(PathBuf, bool)> {
        let folder = machine.environment.system(self.layout.anchors);
        let with = |path: PathBuf| {
            let all = certificates(&files::read(&path).ok()?);
            all.contains(&root.der).then_some((path, all.len() == 1))
        };
        files::list(&folder).into_iter().filter_map(with).collect()
    }

    /// The program that makes the bundle; it gets the paths if they are unusual.
    fn refresh(&self, machine: &Machine<'_>, removed: bool) -> Invocation {
        let words = if removed { self.layout.refresh_removed } else { self.layout.refresh };
        let program = words.first().copied().unwrap_or_default();
        let mut invocation = Invocation::new(program, words.iter().skip(1));
        if machine.environment.root.as_os_str() != "/" && self.layout.ids.contains(&"debian") {
            for (flag, path) in [
                ("--certsconf", "/etc/ca-certificates.conf"),
                ("--certsdir", "/usr/share/ca-certificates"),
                ("--localcertsdir", self.layout.anchors),
                ("--etccertsdir", "/etc/ssl/certs"),
                ("--hooksdir", "/etc/ca-certificates/update.d"),
            ] {
                invocation = invocation.arg(flag).arg(machine.environment.system(path));
            }
        }
        invocation
    }

    fn require(&self, machine: &Machine<'_>) -> Result<(), Error> {
        let program = self.layout.refresh.first().copied().unwrap_or_default();
        if machine.programs.find(program).is_some() {
            return Ok(());
        }
        Err(Error::Missing { program, install: Some(format!("{} {}", self.layout.install, self.layout.package)) })
    }
}

impl Store for SystemStore {
    fn kind(&self) -> StoreKind {
        StoreKind::System
    }

    fn name(&self) -> String {
        "system".to_owned()
    }

    fn place(&self) -> PathBuf {
        self.layout.bundle.into()
    }

    fn check(&self, machine: &Machine<'_>, root: &Root) -> Answer {
        let path = machine.environment.system(self.layout.bundle);
        if !files::exists(&path) {
            return Answer::No;
        }
        match files::read(&path) {
            Ok(bundle) if contains(&bundle, root) => Answer::Yes,
            Ok(_) => Answer::No,
            Err(error) => Answer::Unknown(error.to_string()),
        }
    }

    fn glance(&self, machine: &Machine<'_>, root: &Root) -> Option<bool> {
        Some(self.check(machine, root) == Answer::Yes)
    }

    fn holds(&self, machine: &Machine<'_>, root: &Root) -> bool {
        self.check(machine, root) == Answer::Yes || !self.anchors_with(machine, root).is_empty()
    }

    fn install(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        self.require(machine)?;
        // The octets that were checked, not what may lie under their name by now.
        let copy = Invocation::new("install", ["-D", "-m", "644", "/dev/stdin"]).arg(self.anchor(machine, root));
        let copy = copy.input(root.pem.as_str());
        machine.run_as_root(&[copy, self.refresh(machine, false)])
    }

    fn uninstall(&self, machine: &Machine<'_>, root: &Root) -> Result<(), Error> {
        self.require(machine)?;
        let anchors = self.anchors_with(machine, root);
        if let Some((path, _)) = anchors.iter().find(|(_, alone)| !alone) {
            let reason = format!("`{}` holds other certificates, too: edit it by hand", path.display());
            return Err(Error::NoEffect(reason));
        }
        let paths = anchors.into_iter().map(|(path, _)| path.into_os_string());
        let mut steps: Vec<_> = paths.map(|path| Invocation::new("rm", ["-f"]).arg(path)).collect();
        steps.push(self.refresh(machine, true));
        machine.run_as_root(&steps)
    }
}
