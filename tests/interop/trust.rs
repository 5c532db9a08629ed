//! `ca trust` and `ca untrust`, as browsers, curl and Python see them; and the limits of a stolen CA key.

use std::path::PathBuf;
use std::{env, fs};

use secure_io::report::trust::StoreKind;
use secure_io::trust::program::Installed;
use secure_io::trust::{Environment, Machine, Platform, Rights, Root};
use secure_io::{container, files};

use crate::node::script;
use crate::sandbox::{Background, Sandbox};

/// A browser opens these addresses, and sees or reports the text beside each.
#[track_caller]
pub(crate) fn browse(sandbox: &Sandbox, browser: &str, program: &str, pages: &[(&str, &str)]) {
    let pages: Vec<_> = pages.iter().map(|(address, expected)| format!("[\"{address}\",\"{expected}\"]")).collect();
    let mut command = script(sandbox, "browsers.mjs");
    command.env("SECURE_IO_BROWSER", browser).env("SECURE_IO_PROGRAM", installed(program));
    command.env("SECURE_IO_PAGES", format!("[{}]", pages.join(",")));
    sandbox.finish("node --test browsers.mjs", &mut command, b"").success();
}

#[track_caller]
fn installed(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{program} is not installed: `tests/run` installs what the tests need"))
}

/// A server with a certificate made by [`steal`].
const THIEF: &str = "secure-io serve --port 0 --cert stolen-cert.pem --key stolen-key.pem";

/// A certificate for a host that the CA is not permitted, signed with its stolen key, with no help from us.
fn steal(sandbox: &Sandbox) {
    let ca = sandbox.ok("secure-io ca path");
    let ca = ca.trim();
    sandbox.write("stolen.ext", "subjectAltName=critical,DNS:bank.example\nextendedKeyUsage=serverAuth\n");
    sandbox.ok("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / \
                -keyout stolen-key.pem -out stolen-csr.pem");
    sandbox.ok(&format!(
        "openssl x509 -req -in stolen-csr.pem -CA '{ca}/intermediate.pem' -CAkey '{ca}/intermediate-key.pem' \
         -days 30 -extfile stolen.ext -out stolen-leaf.pem"
    ));
    let chain = sandbox.ok(&format!("cat stolen-leaf.pem '{ca}/intermediate.pem'"));
    sandbox.write("stolen-cert.pem", chain);
}

/// Shapes of a thief's certificate that names its host in the subject: the subject, further extensions, and the host.
const SHAPES: [(&str, &str, &str); 7] = [
    ("/CN=*.bank.example", "", "www.bank.example"),
    ("/CN=bank.example.", "", "bank.example"),
    ("/CN=bank", "", "bank"),
    ("/CN=bank.example", "", "bank.example"),
    ("/CN=app.test/CN=bank.example", "", "bank.example"),
    ("/CN=*.bank.example", "subjectAltName=email:me@bank.example\n", "www.bank.example"),
    ("/CN=*.bank.example", "subjectAltName=IP:127.0.0.1\n", "www.bank.example"),
];

/// Servers of a thief whose certificates have no dNSName, each with its address; they send what Firefox is given as well.
fn nameless_thieves(sandbox: &Sandbox) -> Vec<(String, Background)> {
    let ca = sandbox.ok("secure-io ca path");
    let ca = ca.trim();
    let of_pair = |pair: &'static str| SHAPES.map(|(subject, extension, host)| (pair, subject, extension, host));
    let all = ["intermediate", "client-intermediate"].into_iter().flat_map(of_pair);
    let server = |(pair, subject, extension, host): (&str, &str, &str, &str)| {
        sandbox.write("nameless.ext", format!("extendedKeyUsage=serverAuth\n{extension}"));
        sandbox.ok(&format!(
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '{subject}' -keyout nameless-key.pem \
             -out nameless-csr.pem"
        ));
        sandbox.ok(&format!(
            "openssl x509 -req -in nameless-csr.pem -CA '{ca}/{pair}.pem' -CAkey '{ca}/{pair}-key.pem' -days 30 \
             -extfile nameless.ext -out nameless.pem"
        ));
        let chain = sandbox.ok(&format!("cat '{ca}/{pair}.pem' '{ca}/firefox-intermediate.pem'"));
        sandbox.write("nameless-chain.pem", chain);
        let line = "openssl s_server -www -accept 127.0.0.1:0 -cert nameless.pem -key nameless-key.pem -cert_chain nameless-chain.pem";
        let server = sandbox.start(line, "ACCEPT ");
        (format!("https://{host}:{}/", server.port), server)
    };
    all.map(server).collect()
}

/// In a fresh home folder: welcome after `trust`, with the constraints kept to; refused after `untrust`.
#[track_caller]
fn trusted_and_not(sandbox: &Sandbox, store: &str, program: &str, refused: (&str, &str)) {
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("secure-io gen-cert --quiet --ca localhost 127.0.0.1 ::1");
    steal(sandbox);
    let server = sandbox.serve("--cert server-cert.pem --key server-key.pem");
    let thief = sandbox.start(THIEF, "Secure server is running on https://bank.example:");
    let stolen = format!("https://bank.example:{}/", thief.port);
    sandbox.ok(&format!("secure-io ca trust --store {store}"));
    let nameless = nameless_thieves(sandbox);
    let mut pages = vec![(server.url(), "secure=true"), (stolen, refused.1)];
    pages.extend(["127.0.0.1", "[::1]"].map(|host| (format!("https://{host}:{}", server.port), "secure=true")));
    let is_refused = if program == "chromium" { "ERR_CERT_" } else { "_ERROR_" };
    pages.extend(nameless.iter().map(|(address, _)| (address.clone(), is_refused)));
    let pages: Vec<_> = pages.iter().map(|(address, expected)| (address.as_str(), *expected)).collect();
    browse(sandbox, store, program, &pages);
    sandbox.ok(&format!("secure-io ca untrust --store {store}"));
    browse(sandbox, store, program, &[(&server.url(), refused.0)]);
}

#[test]
fn chromium_trusts_it_until_it_is_taken_out() {
    let sandbox = Sandbox::new();
    let refused = ("ERR_CERT_AUTHORITY_INVALID", "ERR_CERT_");
    trusted_and_not(&sandbox, "chromium", "chromium", refused);
    assert!(!sandbox.exists(".pki"), "a new database is where this Chromium makes it");
}

#[test]
fn firefox_trusts_it_until_it_is_taken_out() {
    let sandbox = Sandbox::new();
    sandbox.ok("firefox-esr --headless -CreateProfile default");
    // Hosts under `example` are this machine.
    let profiles = sandbox.path(".config/mozilla/firefox");
    let profiles = if profiles.is_dir() { profiles } else { sandbox.path(".mozilla/firefox") };
    let profile = fs::read_dir(profiles).expect("profiles are here").map(|entry| entry.unwrap().path());
    let profile = profile.into_iter().find(|path| path.extension().is_some_and(|end| end == "default"));
    let preferences = "user_pref('network.dns.localDomains', 'bank,bank.example,www.bank.example');\n";
    let path = profile.expect("it was made").join("user.js");
    sandbox.write(&path.to_string_lossy(), preferences);
    // Without the root for it, Firefox finds only the intermediate that excludes all names.
    let refused = "SEC_ERROR_CERT_NOT_IN_NAME_SPACE";
    trusted_and_not(&sandbox, "firefox", "firefox-esr", (refused, refused));
}

/// Firefox counts as trusting the CA only with both of its certificates; no other store gets them, and all go again.
#[test]
fn firefox_has_two_certificates_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.ok("mkdir -p .config/mozilla/firefox/p.default");
    sandbox.write(".config/mozilla/firefox/profiles.ini", "[Profile0]\nName=default\nIsRelative=1\nPath=p.default\n");
    sandbox.ok("secure-io ca init --quiet --keep-root-key");
    let list = |folder: &str| -> Vec<(String, String)> {
        let listed = sandbox.ok(&format!("certutil -L -d sql:{folder}"));
        let ours = listed.lines().filter(|line| line.starts_with("secure-io-"));
        let entry = |line: &str| line.split_once(' ').map(|(name, trust)| (name.to_owned(), trust.trim().to_owned()));
        ours.filter_map(entry).collect()
    };
    let (firefox, chromium) = (".config/mozilla/firefox/p.default", ".local/share/pki/nssdb");
    sandbox.ok("secure-io ca trust --store nss");
    sandbox.ok("secure-io ca status --store nss");
    let trusts = |folder: &str| {
        let mut trusts: Vec<_> = list(folder).into_iter().map(|(_, trust)| trust).collect();
        trusts.sort();
        trusts
    };
    assert_eq!((trusts(firefox), trusts(chromium)), (vec![",,".to_owned(), "C,,".to_owned()], vec!["C,,".to_owned()]));
    assert!(list(firefox).iter().all(|entry| !list(chromium).contains(entry)), "Firefox's root is Firefox's alone");

    let (intermediate, _) = list(firefox).into_iter().find(|(_, trust)| trust == ",,").expect("it is there");
    sandbox.ok(&format!("certutil -D -d sql:{firefox} -n {intermediate}"));
    sandbox.run("secure-io ca status --store firefox").exits(1);
    sandbox.ok("secure-io ca trust --store firefox");
    // The root stays, and Firefox's is a new one: its key was destroyed.
    let renewed = sandbox.run("secure-io ca renew --permit dev.example").success();
    renewed.says("`secure-io ca trust --store firefox`");
    sandbox.ok("secure-io ca status --store chromium");
    sandbox.run("secure-io ca status --store firefox").exits(1);
    sandbox.ok("secure-io ca trust --store firefox");
    sandbox.ok("secure-io ca status --store firefox");
    sandbox.ok("secure-io ca untrust --store nss");
    assert_eq!((list(firefox).len(), list(chromium).len()), (0, 0));
}

/// The thief's certificate is refused by everyone, though all trust the root; its honest sister is not.
#[test]
fn a_stolen_key_signs_for_nobodys_bank() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("secure-io gen-cert --quiet --ca app.test");
    steal(&sandbox);
    let root = format!("{}/root.pem", sandbox.ok("secure-io ca path").trim());

    let openssl = |name: &str| {
        sandbox.run(&format!("openssl verify -CAfile '{root}' -untrusted {name}-cert.pem {name}-cert.pem"))
    };
    openssl("server").success();
    openssl("stolen").exits(2).says("permitted subtree violation");

    sandbox.run(&format!("secure-io verify --trust '{root}' --host app.test server-cert.pem")).success();
    let judged = sandbox.run(&format!("secure-io verify --json --trust '{root}' --host bank.example stolen-cert.pem"));
    judged.exits(1).says("\"name-constraint\"");

    // NSS on its own, without a browser's further checks, with what Firefox is given.
    sandbox.ok("mkdir database");
    sandbox.ok("certutil -d sql:database -N --empty-password");
    for (file, trust) in [("firefox-root", "C,,"), ("firefox-intermediate", ",,")] {
        let ca = sandbox.ok("secure-io ca path");
        sandbox.ok(&format!("certutil -d sql:database -A -t {trust} -n {file} -i '{}/{file}.pem'", ca.trim()));
    }
    let nss = |name: &str, certificate: &str| {
        sandbox.ok(&format!("certutil -d sql:database -A -t ,, -n {name} -i {certificate}"));
        sandbox.run(&format!("certutil -d sql:database -V -u V -n {name}"))
    };
    nss("honest", "server-cert.pem").success();
    nss("stolen", "stolen-leaf.pem").exits(255);

    let thief = sandbox.start(THIEF, "Secure server is running on https://bank.example:");
    let resolve = format!("--resolve bank.example:{0}:127.0.0.1 https://bank.example:{0}/", thief.port);
    sandbox.run(&format!("curl -sS --cacert '{root}' {resolve}")).exits(60).says("permitted subtree violation");
    let get = "require('tls').connect({host:'127.0.0.1',port:process.argv[1],servername:'bank.example'})\
               .on('secureConnect',()=>console.log('connected')).on('error',e=>{console.log(e.message);process.exit(1)})";
    let mut node = sandbox.command("node");
    node.args(["-e", get, &thief.port.to_string()]).env("NODE_EXTRA_CA_CERTS", &root);
    sandbox.finish("node -e …", &mut node, b"").exits(1).says("permitted subtree violation");
}

/// The system's store, on a copy of Debian's layout: curl and Python trust the content of its bundle.
#[test]
fn curl_and_python_trust_what_the_system_trusts() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("secure-io gen-cert --quiet --ca");
    let server = sandbox.serve("--cert server-cert.pem --key server-key.pem");
    sandbox.ok("mkdir -p system/etc/ssl/certs system/usr/share/ca-certificates system/usr/local/share/ca-certificates");
    sandbox.write("system/etc/os-release", "ID=debian\n");
    sandbox.write("system/etc/ca-certificates.conf", "# none\n");
    sandbox.ok("secure-io gen-cert --quiet --name other other.test");
    sandbox.ok("cp other-cert.pem system/usr/local/share/ca-certificates/other.crt");

    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from).to_vec();
    let programs = Installed { folders, home: sandbox.path(""), root_for: None };
    let environment = Environment {
        platform: Platform::Linux,
        root: sandbox.path("system"),
        home: sandbox.path(""),
        data_home: None,
        config_home: None,
        java_home: None,
        java_password: None,
        rights: Rights::Root, // as far as this copy goes
        owner: None,
    };
    let machine = Machine { environment: &environment, programs: &programs };
    let path = PathBuf::from(sandbox.ok("secure-io ca path").trim()).join("root.pem");
    let certificates = container::certificates(&files::read(&path).unwrap()).unwrap();
    let root = Root::new(&certificates[0], &path).unwrap();
    let stores = machine.stores();
    let store = stores.iter().find(|store| store.kind() == StoreKind::System).expect("it is a Debian");

    let bundle = "system/etc/ssl/certs/ca-certificates.crt";
    let curl = || sandbox.run(&format!("curl -sS --cacert {bundle} {}/", server.url()));
    let python = || {
        let get = format!("import urllib.request as r; print(r.urlopen('{}').read().decode())", server.url());
        let mut command = sandbox.command("python3");
        command.args(["-c", &get]).env("SSL_CERT_FILE", sandbox.path(bundle));
        sandbox.finish("python3 -c …", &mut command, b"")
    };
    assert!(machine.trust(store.as_ref(), &root).unwrap());
    curl().success().says("Hello, Socket.io with SSL/TLS!");
    python().success().says("Hello, Socket.io with SSL/TLS!");
    assert!(machine.untrust(store.as_ref(), &root).unwrap());
    curl().exits(60);
    python().exits(1).says("CERTIFICATE_VERIFY_FAILED");
}

/// Java's own store, a copy of it, with the password that all of them have.
#[test]
fn java_has_it_and_has_it_no_more() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("mkdir -p java/lib/security");
    let java = fs::canonicalize(installed("java")).expect("java is a file");
    let home = java.parent().and_then(|bin| bin.parent()).expect("it is in a folder of a folder");
    fs::copy(home.join("lib/security/cacerts"), sandbox.path("java/lib/security/cacerts")).expect("it can be copied");
    let java = |line: &str| {
        let mut command = sandbox.command("secure-io");
        command.args(line.split(' ')).args(["--store", "java"]).env("JAVA_HOME", sandbox.path("java"));
        sandbox.finish(line, &mut command, b"")
    };
    let count = || {
        let listed = sandbox.ok("keytool -list -keystore java/lib/security/cacerts -storepass changeit");
        listed.matches("trustedCertEntry").count()
    };
    let before = count();
    java("ca status").exits(1).says("no  ");
    java("ca trust").success().says("added");
    java("ca status").success();
    assert_eq!(count(), before + 1);
    java("ca trust").success().says("already there");
    java("ca untrust").success().says("removed");
    assert_eq!(count(), before);
}
