//! Calls on systems other than this one: each program is a stand-in that records how it was called.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;

use tempfile::TempDir;

use super::program::Installed;
use super::*;
use crate::base::files::{Existing, NewFile};
use crate::base::validity;
use crate::issue::generate::{self, CertificateSpec};

/// Programs that exist, with their answers.
#[derive(Default)]
struct StandIns {
    here: Vec<&'static str>,
    /// Answers by the beginning of the command line; a call without an answer succeeds in silence.
    answers: HashMap<&'static str, Finished>,
    calls: RefCell<Vec<String>>,
}

impl StandIns {
    fn new(here: &[&'static str]) -> Self {
        Self { here: here.to_vec(), ..Self::default() }
    }

    fn calls(&self) -> Vec<String> {
        self.calls.take()
    }
}

impl Programs for StandIns {
    fn find(&self, name: &str) -> Option<PathBuf> {
        self.here.contains(&name).then(|| PathBuf::from("/usr/bin").join(name))
    }

    fn run(&self, invocation: &Invocation) -> io::Result<Finished> {
        let line = invocation.to_string();
        let answer = self.answers.iter().find(|(start, _)| line.starts_with(**start));
        self.calls.borrow_mut().push(line);
        Ok(answer.map_or_else(|| Finished { success: true, ..Finished::default() }, |(_, answer)| answer.clone()))
    }
}

/// A system's folder of files, a home folder in it, and a root certificate.
struct World {
    folder: TempDir,
    environment: Environment,
    root: Root,
}

impl World {
    fn new(platform: Platform) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            platform,
            root: folder.path().to_owned(),
            home: folder.path().join("home/me"),
            data_home: None,
            config_home: None,
            java_home: None,
            java_password: None,
            rights: Rights::Root,
            owner: None,
        };
        let (_, chain) = generate::self_signed(&CertificateSpec::default(), validity::now()).unwrap();
        let path = folder.path().join("root.pem");
        let root = Root::new(&chain[0], &path).unwrap();
        files::write_set(&[NewFile::public(&path, root.pem.clone())], Existing::Keep).unwrap();
        Self { folder, environment, root }
    }

    fn linux(os_release: &str) -> Self {
        let world = Self::new(Platform::Linux);
        world.write("etc/os-release", os_release);
        world
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.environment.system(path);
        files::create_folder(path.parent().unwrap(), false).unwrap();
        files::write_set(&[NewFile::public(path, content)], Existing::Replace).unwrap();
    }

    fn machine<'a>(&'a self, programs: &'a dyn Programs) -> Machine<'a> {
        Machine { environment: &self.environment, programs }
    }

    /// Command lines without the parts that differ from run to run.
    fn redact(&self, lines: &[String]) -> Vec<String> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let named = |line: &String| line.replace(&folder, "").replace(&self.root.label(), "LABEL");
        lines.iter().map(|line| named(line).replace(&self.root.sha1, "SHA1")).collect()
    }
}

const ANSWER_NO: Finished = Finished { success: false, stdout: Vec::new(), stderr: Vec::new() };

/// Each family of distributions: the root's place, the programs run, and the bundle that is read.
#[test]
fn every_linux_has_its_folder_and_its_program() {
    let cases = [
        (
            "ID=debian",
            "/usr/local/share/ca-certificates",
            "update-ca-certificates",
            "/etc/ssl/certs/ca-certificates.crt",
        ),
        (
            "ID=alpine",
            "/usr/local/share/ca-certificates",
            "update-ca-certificates",
            "/etc/ssl/certs/ca-certificates.crt",
        ),
        (
            "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
            "/etc/pki/ca-trust/source/anchors",
            "update-ca-trust extract",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        ),
        (
            "ID=manjaro\nID_LIKE=arch",
            "/etc/ca-certificates/trust-source/anchors",
            "trust extract-compat",
            "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
        ),
        (
            "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"",
            "/etc/pki/trust/anchors",
            "update-ca-certificates",
            "/var/lib/ca-certificates/ca-bundle.pem",
        ),
    ];
    for (os_release, anchors, refresh, bundle) in cases {
        let world = World::linux(os_release);
        let programs = StandIns::new(&["update-ca-certificates", "update-ca-trust", "trust"]);
        let machine = world.machine(&programs);
        let [store] = &machine.stores()[..] else { panic!("{os_release}: more than the system's store") };
        assert_eq!(store.place(), Path::new(bundle));
        assert_eq!(store.check(&machine, &world.root), Answer::No);

        store.install(&machine, &world.root).unwrap();
        let calls = world.redact(&programs.calls());
        assert_eq!(calls[0], format!("install -D -m 644 /dev/stdin {anchors}/LABEL.crt"));
        assert!(calls[1].starts_with(refresh), "{calls:?}");

        // Only what is in the bundle is trusted.
        world.write(&format!("{anchors}/ours.crt"), &world.root.pem);
        assert_eq!(store.check(&machine, &world.root), Answer::No, "{os_release}");
        assert!(store.holds(&machine, &world.root));
        world.write(bundle, &format!("# comment\n{}", world.root.pem));
        assert_eq!(store.check(&machine, &world.root), Answer::Yes);

        store.uninstall(&machine, &world.root).unwrap();
        let calls = world.redact(&programs.calls());
        assert_eq!(calls[0], format!("rm -f {anchors}/ours.crt"));
        assert!(calls[1].starts_with(refresh), "{calls:?}");
    }
}

/// A user without root's rights gets the commands; nothing is run.
#[test]
fn without_roots_rights_the_commands_are_told() {
    let mut world = World::linux("ID=fedora");
    world.environment.rights = Rights::Own;
    let programs = StandIns::new(&["update-ca-trust"]);
    let machine = world.machine(&programs);
    let error = machine.trust(machine.stores()[0].as_ref(), &world.root).unwrap_err();
    let expected = [
        "sudo install -D -m 644 /dev/stdin /etc/pki/ca-trust/source/anchors/LABEL.crt",
        "sudo update-ca-trust extract",
    ];
    assert_eq!(world.redact(&error.commands()), expected);
    assert!(programs.calls().is_empty());
}

/// On a terminal sudo gets the octets that were checked, and nothing by the name of a file that may change.
#[test]
fn sudo_is_run_for_what_only_root_may_do() {
    struct Recorded(RefCell<Vec<Invocation>>);
    impl Programs for Recorded {
        fn find(&self, name: &str) -> Option<PathBuf> {
            Some(PathBuf::from("/usr/bin").join(name))
        }

        fn run(&self, invocation: &Invocation) -> io::Result<Finished> {
            self.0.borrow_mut().push(invocation.clone());
            Ok(Finished { success: true, ..Finished::default() })
        }
    }
    let mut world = World::linux("ID=fedora");
    world.environment.rights = Rights::Sudo;
    let programs = Recorded(RefCell::default());
    let machine = world.machine(&programs);
    let stores = machine.stores();
    let store = stores.iter().find(|store| store.kind() == StoreKind::System).expect("it is a Fedora");
    store.install(&machine, &world.root).unwrap();
    let calls: Vec<_> = programs.0.take().into_iter().filter(Invocation::is_sudo).collect();
    let lines: Vec<_> = calls.iter().map(ToString::to_string).collect();
    let expected = [
        "sudo install -D -m 644 /dev/stdin /etc/pki/ca-trust/source/anchors/LABEL.crt",
        "sudo update-ca-trust extract",
    ];
    assert_eq!(world.redact(&lines), expected);
    assert_eq!(calls[0].input, world.root.pem.as_bytes());
}

/// A file that holds other certificates, too, is not ours to remove.
#[test]
fn an_anchor_with_company_stays() {
    let world = World::linux("ID=arch");
    let (_, other) = generate::self_signed(&CertificateSpec::default(), validity::now()).unwrap();
    let other = Root::new(&other[0], Path::new("other.pem")).unwrap();
    world.write("etc/ca-certificates/trust-source/anchors/both.crt", &format!("{}{}", other.pem, world.root.pem));
    let programs = StandIns::new(&["trust"]);
    let machine = world.machine(&programs);
    let error = machine.untrust(machine.stores()[0].as_ref(), &world.root).unwrap_err();
    assert!(error.to_string().contains("both.crt` holds other certificates"), "{error}");
    assert!(programs.calls().is_empty());
}

#[test]
fn a_missing_program_comes_with_the_command_that_installs_it() {
    for (os_release, install) in [
        ("ID=ubuntu\nID_LIKE=debian", "sudo apt-get install libnss3-tools"),
        ("ID=alpine", "sudo apk add nss-tools"),
        ("ID=fedora", "sudo dnf install nss-tools"),
        ("ID=arch", "sudo pacman -S nss"),
        ("ID=opensuse-leap\nID_LIKE=\"suse opensuse\"", "sudo zypper install mozilla-nss-tools"),
    ] {
        let world = World::linux(os_release);
        world.write("home/me/.mozilla/firefox/profiles.ini", "[Profile0]\nName=x\nPath=a b\n");
        world.write("home/me/.mozilla/firefox/a b/cert9.db", "");
        let programs = StandIns::default();
        let machine = world.machine(&programs);
        let stores = machine.stores();
        let firefox = stores.iter().find(|store| store.kind() == StoreKind::Firefox).expect("it has a profile");
        assert_eq!(machine.trust(firefox.as_ref(), &world.root).unwrap_err().commands(), [install]);
        let Answer::Unknown(reason) = firefox.check(&machine, &world.root) else { panic!("it cannot be asked") };
        assert_eq!(reason, format!("`certutil` is not installed: `{install}` installs it"));
    }
}

/// Before version 146 a new database was made in `~/.pki`.
#[test]
fn a_new_database_is_made_where_this_chromium_would() {
    for (version, place) in [("Chromium 145.0.1", ".pki/nssdb"), ("Google Chrome 146.0.1", ".local/share/pki/nssdb")] {
        let world = World::linux("ID=debian");
        let mut programs = StandIns::new(&["chromium", "certutil"]);
        let answer = Finished { success: true, stdout: version.into(), stderr: Vec::new() };
        programs.answers.insert("chromium --version", answer);
        let machine = world.machine(&programs);
        let stores = machine.stores();
        let chromium = stores.iter().find(|store| store.kind() == StoreKind::Chromium).expect("it is installed");
        assert_eq!(chromium.place(), world.environment.home.join(place));
        chromium.install(&machine, &world.root).unwrap();
        let made = world.redact(&programs.calls())[1..3].to_vec();
        assert_eq!(made[0], format!("mkdir -p -m 700 /home/me/{place}"));
        assert_eq!(made[1], format!("certutil -d sql:/home/me/{place} -N --empty-password"));
    }
}

/// `verify` and `serve` look who trusts the local CA each time, and once started a browser for that.
#[test]
fn who_trusts_a_root_is_found_out_without_a_browser_s_help() {
    let world = World::linux("ID=debian");
    let programs = StandIns::new(&["chromium", "certutil"]);
    assert!(world.machine(&programs).trusting(&world.root).is_empty());
    assert_eq!(programs.calls(), [""; 0]);
}

/// All places that Firefox has had, and one profile by two ways once.
#[test]
fn every_profile_of_firefox_is_found() {
    let world = World::linux("ID=debian");
    let places = [
        ".mozilla/firefox",
        ".config/mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ];
    for place in places {
        let ini =
            "[Profile0]\nName=default\nIsRelative=1\nPath=a b\n[Profile1]\nName=same\nIsRelative=1\nPath=x/../a b\n";
        world.write(&format!("home/me/{place}/profiles.ini"), ini);
        world.write(&format!("home/me/{place}/a b/times.json"), "{}");
        world.write(&format!("home/me/{place}/x/y"), "");
    }
    let programs = StandIns::default();
    let machine = world.machine(&programs);
    let found = machine.stores().into_iter().filter(|store| store.kind() == StoreKind::Firefox);
    let found: Vec<_> = found.map(|store| store.place()).collect();
    let expected = places.map(|place| world.environment.home.join(place).join("a b"));
    assert_eq!(found, expected);
}

/// Under sudo files in the person's home folder are made by that person.
#[test]
fn a_persons_database_is_edited_as_that_person() {
    struct Owners(RefCell<Vec<Option<Owner>>>);
    impl Programs for Owners {
        fn find(&self, name: &str) -> Option<PathBuf> {
            (name == "certutil").then(|| name.into())
        }

        fn run(&self, invocation: &Invocation) -> io::Result<Finished> {
            self.0.borrow_mut().push(invocation.owner);
            Ok(Finished { success: true, ..Finished::default() })
        }
    }
    let mut world = World::new(Platform::Linux);
    let owner = Owner { uid: 1000, gid: 1001 };
    world.environment.owner = Some(owner);
    let programs = Owners(RefCell::default());
    let machine = world.machine(&programs);
    machine.stores()[0].install(&machine, &world.root).unwrap();
    let owners = programs.0.take();
    assert!(owners.len() >= 3 && owners.iter().all(|other| *other == Some(owner)), "{owners:?}");
}

#[test]
fn macos_is_asked_and_changed_with_security() {
    let mut world = World::new(Platform::MacOs);
    let mut programs = StandIns::default();
    let [store] = &world.machine(&programs).stores()[..] else { panic!("there is one") };
    assert_eq!(store.check(&world.machine(&programs), &world.root), Answer::No);
    store.install(&world.machine(&programs), &world.root).unwrap();
    store.uninstall(&world.machine(&programs), &world.root).unwrap();
    let expected = [
        "security find-certificate -a -p /Library/Keychains/System.keychain",
        "security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain /root.pem",
        "security remove-trusted-cert -d /root.pem",
        "security delete-certificate -Z SHA1 /Library/Keychains/System.keychain",
    ];
    assert_eq!(world.redact(&programs.calls()), expected);

    let listed = Finished { success: true, stdout: world.root.pem.clone().into(), stderr: Vec::new() };
    programs.answers.insert("security find-certificate", listed);
    assert_eq!(store.check(&world.machine(&programs), &world.root), Answer::Yes);
    let verify = world.redact(&programs.calls()).pop();
    assert_eq!(verify.as_deref(), Some("security verify-cert -l -L -c /root.pem"));
    programs.answers.insert("security verify-cert", ANSWER_NO);
    assert_eq!(store.check(&world.machine(&programs), &world.root), Answer::No);
    assert!(store.holds(&world.machine(&programs), &world.root), "it is there, without trust");

    world.environment.rights = Rights::Own;
    let error = store.install(&world.machine(&programs), &world.root).unwrap_err();
    assert!(error.commands()[0].starts_with("sudo security add-trusted-cert"));
}

#[test]
fn windows_is_asked_and_changed_with_its_certutil() {
    let world = World::new(Platform::Windows);
    let mut programs = StandIns::default();
    let [store] = &world.machine(&programs).stores()[..] else { panic!("there is one") };
    assert_eq!(store.check(&world.machine(&programs), &world.root), Answer::Yes);
    store.install(&world.machine(&programs), &world.root).unwrap();
    store.uninstall(&world.machine(&programs), &world.root).unwrap();
    let expected = [
        "certutil.exe -user -store Root SHA1",
        "certutil.exe -user -addstore Root /root.pem",
        "certutil.exe -user -delstore Root SHA1",
    ];
    assert_eq!(world.redact(&programs.calls()), expected);
    programs.answers.insert("certutil.exe -user -store", ANSWER_NO);
    assert_eq!(store.check(&world.machine(&programs), &world.root), Answer::No);
}

/// From WSL the Windows beside it is reached with the same program, which wants its own kind of path.
#[test]
fn wsl_has_windows_store_as_well() {
    let world = World::new(Platform::Linux);
    world.write("proc/sys/kernel/osrelease", "5.15.153.1-microsoft-standard-WSL2\n");
    let mut programs = StandIns::new(&["certutil.exe"]);
    let path = r"\\wsl.localhost\Debian\root.pem";
    programs.answers.insert("wslpath", Finished { success: true, stdout: path.into(), stderr: Vec::new() });
    let machine = world.machine(&programs);
    let [store] = &machine.stores()[..] else { panic!("there is one") };
    assert_eq!(store.kind(), StoreKind::Windows);
    store.install(&machine, &world.root).unwrap();
    let expected = ["wslpath -w /root.pem".to_owned(), format!("certutil.exe -user -addstore Root '{path}'")];
    assert_eq!(world.redact(&programs.calls()), expected);
}

/// Debian's own program, on a copy of its layout: a trusted root is in the bundle, and later out of it again.
#[test]
fn debians_bundle_has_it_and_has_it_no_more() {
    let world = World::linux("ID=debian");
    world.write("etc/ca-certificates.conf", "# none\n");
    for folder in ["etc/ssl/certs", "usr/share/ca-certificates", "usr/local/share/ca-certificates"] {
        files::create_folder(&world.folder.path().join(folder), false).unwrap();
    }
    let (_, other) = generate::self_signed(&CertificateSpec::default(), validity::now()).unwrap();
    let other = Root::new(&other[0], Path::new("other.pem")).unwrap();
    world.write("usr/local/share/ca-certificates/other.crt", &other.pem);
    let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from).to_vec();
    let programs = Installed { folders, home: world.environment.home.clone(), root_for: None };
    let machine = world.machine(&programs);
    let stores = machine.stores();
    let store = stores.iter().find(|store| store.kind() == StoreKind::System).expect("it is Debian's");
    for _ in 0..2 {
        assert!(machine.trust(store.as_ref(), &world.root).unwrap());
        assert!(!machine.trust(store.as_ref(), &world.root).unwrap(), "it is there already");
        assert!(machine.untrust(store.as_ref(), &world.root).unwrap());
        assert!(!machine.untrust(store.as_ref(), &world.root).unwrap(), "it is gone already");
    }
    assert_eq!(store.check(&machine, &other), Answer::Yes, "others stay");
    let links = files::list(&world.folder.path().join("etc/ssl/certs"));
    assert!(!links.iter().any(|path| path.to_string_lossy().contains("secure-io")), "{links:?}");
}
