//! Locations of browsers' NSS databases.

use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};

use super::Machine;
use crate::base::files;

/// The browsers that read Chromium's database, by the names of their programs.
const CHROMIUMS: [&str; 9] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "google-chrome-beta",
    "microsoft-edge",
    "brave-browser",
    "vivaldi",
    "opera",
];

/// The first Chromium that keeps a new database in the data folder.
const FIRST_IN_DATA_HOME: u32 = 146;

/// The databases of a person that are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Databases {
    /// Those that exist.
    Existing,
    /// Those, or the one that the browser here would make. The browser may have to be asked for its version, which takes
    /// longer than most commands.
    Possible,
}

/// Chromium's databases.
pub(super) fn chromium(machine: &Machine<'_>, wanted: Databases) -> Vec<PathBuf> {
    let environment = machine.environment;
    let home = &environment.home;
    let (legacy, current) = (home.join(".pki/nssdb"), environment.data_home().join("pki/nssdb"));
    let others = [
        home.join("snap/chromium/current/.pki/nssdb"),
        home.join("snap/chromium/current/.local/share/pki/nssdb"),
        home.join(".var/app/org.chromium.Chromium/.pki/nssdb"),
        home.join(".var/app/org.chromium.Chromium/data/pki/nssdb"),
        home.join(".var/app/com.google.Chrome/data/pki/nssdb"),
    ];
    let all = || [&legacy, &current].into_iter().chain(&others);
    let mut found: Vec<_> = environment.as_person(|| all().filter(|path| path.is_dir()).cloned().collect());
    if wanted == Databases::Possible && !found.contains(&legacy) && !found.contains(&current) {
        let browser = CHROMIUMS.iter().find(|name| machine.programs.find(name).is_some());
        match browser {
            Some(browser) if is_old(machine, browser) => found.insert(0, legacy),
            Some(_) => found.insert(0, current),
            // Tests bring browsers of their own: where the tool is here to make a database, it is made.
            None if machine.programs.find("certutil").is_some() => found.insert(0, current),
            None => {}
        }
    }
    found
}

/// Returns true if a browser would make its database in the old place.
fn is_old(machine: &Machine<'_>, browser: &str) -> bool {
    let invocation = super::Invocation::new(browser, ["--version"]).owner(machine.environment.owner.as_ref());
    let Ok(finished) = machine.programs.run(&invocation) else { return false };
    let text = finished.text();
    let major = text.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
    major.and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|major| major < FIRST_IN_DATA_HOME)
}

/// A profile of Firefox, or of a browser made from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// As in `Firefox default-esr`.
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

/// The profiles of a browser, or the reason why its list of them cannot be read.
pub(super) type Found = Result<Profile, (&'static str, files::Error)>;

/// Every profile there is.
pub(super) fn firefox(machine: &Machine<'_>) -> Vec<Found> {
    machine.environment.as_person(|| all_profiles(machine))
}

fn all_profiles(machine: &Machine<'_>) -> Vec<Found> {
    let (home, config) = (&machine.environment.home, machine.environment.config_home());
    let places = [
        ("Firefox", home.join(".mozilla/firefox")),
        ("Firefox", config.join("mozilla/firefox")),
        ("Firefox (snap)", home.join("snap/firefox/common/.mozilla/firefox")),
        ("Firefox (flatpak)", home.join(".var/app/org.mozilla.firefox/.mozilla/firefox")),
        ("Firefox (flatpak)", home.join(".var/app/org.mozilla.firefox/config/mozilla/firefox")),
        ("LibreWolf", home.join(".librewolf")),
        ("LibreWolf", config.join("librewolf/librewolf")),
    ];
    let mut all = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (browser, folder) in places {
        let list = folder.join("profiles.ini");
        if !files::exists(&list) {
            continue;
        }
        let ini = match files::read_regular(&list, files::SMALL) {
            Ok(ini) => ini,
            Err(error) => {
                all.push(Err((browser, error)));
                continue;
            }
        };
        for (name, path) in profiles_ini(&String::from_utf8_lossy(&ini)) {
            let folder = folder.join(path);
            if folder.is_dir() && folder.canonicalize().is_ok_and(|real| seen.insert(real)) {
                all.push(Ok(Profile { name: format!("{browser} {name}"), folder }));
            }
        }
    }
    all
}

/// The names of profiles and their paths, which are relative to the file's folder or absolute.
fn profiles_ini(text: &str) -> Vec<(String, PathBuf)> {
    let mut form = IniDefault::default();
    form.case_sensitive = true;
    form.delimiters = vec!['='];
    // A path may have any character in it.
    form.inline_comment_symbols = Some(Vec::new());
    let mut ini = Ini::new_from_defaults(form);
    let sections = ini.read(text.trim_start_matches('\u{feff}').to_owned()).unwrap_or_default();
    let mut sections: Vec<_> = sections.into_iter().filter(|(section, _)| section.starts_with("Profile")).collect();
    sections.sort_by(|a, b| a.0.cmp(&b.0));
    let profile = |(section, mut values): (String, std::collections::HashMap<String, Option<String>>)| {
        let path = values.remove("Path").flatten()?;
        let name = values.remove("Name").flatten().unwrap_or(section);
        Some((name, PathBuf::from(path)))
    };
    sections.into_iter().filter_map(profile).collect()
}

/// Returns true if a profile is in use: its lock is a symbolic link that names the process.
pub(super) fn is_running(machine: &Machine<'_>, profile: &Path) -> bool {
    let link = machine.environment.as_person(|| profile.join("lock").read_link().ok());
    let Some(target) = link else { return false };
    let target = target.to_string_lossy();
    let process = target.rsplit_once(":+").map_or("", |(_, process)| process);
    !process.is_empty() && machine.environment.system("/proc").join(process).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_wherever_they_are() {
        let text = "[Profile1]\nName=work # 1\nIsRelative=1\nPath=Profiles/a b;c\nDefault=1\n\n[Profile0]\nName=x\n\
                    IsRelative=0\nPath=/srv/fire fox\n\n[Install4F96D1932A9F858E]\nDefault=Profiles/a\n[General]\n";
        let profiles = profiles_ini(text);
        let expected = [("x", "/srv/fire fox"), ("work # 1", "Profiles/a b;c")];
        assert_eq!(profiles, expected.map(|(name, path)| (name.to_owned(), PathBuf::from(path))));
        assert!(profiles_ini("[Profile0\nPath").is_empty());
    }
}
