//! `secure-io ca share`.

use insta::assert_snapshot;

use crate::sandbox::{Background, Sandbox};

fn share(sandbox: &Sandbox, flags: &str) -> Background {
    sandbox.ok("secure-io ca init -q");
    sandbox.start(&format!("secure-io ca share --addr 127.0.0.1 {flags}"), " is at http://127.0.0.1:")
}

fn fingerprint(sandbox: &Sandbox) -> String {
    let printed = sandbox.ok("secure-io fingerprint .local/share/secure-io/ca/root.pem");
    printed.split("  ").next().unwrap_or_default().to_owned()
}

/// A phone gets the root in the form that it installs, and what the terminal shows to compare is the root's fingerprint.
#[test]
fn phones_get_the_root_and_nothing_else() {
    let sandbox = Sandbox::new();
    let mut page = share(&sandbox, "");
    let said = page.wait_for("sha256 ");
    assert_eq!(said.trim(), format!("sha256 {}", fingerprint(&sandbox)));
    let url = format!("http://127.0.0.1:{}", page.port);
    let html = sandbox.ok(&format!("curl -fsS {url}"));
    for part in [&fingerprint(&sandbox), "Certificate Trust Settings", "Install a", "Remove Profile"] {
        assert!(html.contains(part), "{part} is not on the page");
    }

    // For Android: the same certificate, binary, to be saved.
    let headers = sandbox.ok(&format!("curl -fsS -D - -o root.crt {url}/root.crt"));
    assert!(headers.contains("content-type: application/x-x509-ca-cert"), "{headers}");
    let der = sandbox.ok("openssl x509 -inform DER -in root.crt -noout -fingerprint -sha256");
    assert!(der.trim().ends_with(&fingerprint(&sandbox)), "{der}");

    // For Apple's devices: a profile whose payload is the certificate.
    let headers = sandbox.ok(&format!("curl -fsS -D - -o root.mobileconfig {url}/root.mobileconfig"));
    assert!(headers.contains("content-type: application/x-apple-aspen-config"), "{headers}");
    sandbox.write(
        "check.py",
        "import plistlib\n\
         profile = plistlib.load(open('root.mobileconfig', 'rb'))\n\
         (payload,) = profile['PayloadContent']\n\
         assert profile['PayloadType'] == 'Configuration', profile\n\
         assert payload['PayloadType'] == 'com.apple.security.root', payload\n\
         assert payload['PayloadContent'] == open('root.crt', 'rb').read()\n\
         ids = {entry[key] for entry in (profile, payload) for key in ('PayloadUUID', 'PayloadIdentifier')}\n\
         assert len(ids) == 4, ids\n",
    );
    sandbox.ok("python3 check.py");

    for path in ["/root-key.pem", "/intermediate-key.pem", "/../ca/intermediate-key.pem", "/log.jsonl", "//root.crt"] {
        let status = sandbox.ok(&format!("curl -s --path-as-is -o body -w %{{http_code}} {url}{path}"));
        assert_eq!(status, "404", "{path}");
        assert!(!String::from_utf8_lossy(&sandbox.read("body")).contains("PRIVATE"));
    }
    let status = sandbox.ok(&format!("curl -s -o /dev/null -w %{{http_code}} -X POST {url}/root.crt"));
    assert_eq!(status, "405");
}

/// A page that stayed would be one more server to forget; one that went with the first request would be gone before the
/// phone has fetched the file that it looked at.
#[test]
fn it_stops_some_time_after_the_first_complete_download() {
    let sandbox = Sandbox::new();
    let page = share(&sandbox, "--linger 2s");
    let url = format!("http://127.0.0.1:{}", page.port);
    // Neither a look at the file's size nor the page itself is a download.
    sandbox.ok(&format!("curl -fsS -I {url}/root.crt"));
    sandbox.ok(&format!("curl -fsS -o /dev/null {url}/root.crt"));
    sandbox.ok(&format!("curl -fsS -o /dev/null {url}/root.mobileconfig"));
    let (status, log) = page.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("127.0.0.1 has downloaded root.crt") && log.contains("has downloaded root.mobileconfig"),
        "{log}"
    );
    assert!(log.contains("to remove it: iPhone") && log.contains("to remove it: Android"), "{log}");
}

#[test]
fn it_stops_when_nobody_comes() {
    let sandbox = Sandbox::new();
    let (status, log) = share(&sandbox, "--for 1s").end();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("stopped: nobody has downloaded the root"), "{log}");
}

/// The code is drawn black on white whatever the terminal's colours are, with room around it.
#[test]
fn a_terminal_gets_the_code() {
    let sandbox = Sandbox::new();
    let (_, log) = share(&sandbox, "--for 1s --color always").end();
    let rows = log.lines().filter(|line| line.starts_with("  \u{1b}[38;5;16m\u{1b}[48;5;231m")).count();
    assert!(rows >= 15, "{rows} rows\n{log}");
}

#[test]
fn what_it_cannot_do_is_said() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.run("secure-io ca share"), @r#"
    $ secure-io ca share
    exit: 2
    --- stderr
    error: there is no local CA in `[DIR]/.local/share/secure-io/ca`
    hint: make one: `secure-io ca init`
    "#);
    sandbox.ok("secure-io ca init -q");
    assert_snapshot!(sandbox.run("secure-io ca share --addr 198.51.100.1"), @r#"
    $ secure-io ca share --addr 198.51.100.1
    exit: 2
    --- stderr
    error: cannot listen on 198.51.100.1:0: Cannot assign requested address
    hint: listen on all addresses: `secure-io ca share`
    "#);
    let first = sandbox.start("secure-io ca share --addr 127.0.0.1", " is at http://127.0.0.1:");
    let taken = sandbox.run(&format!("secure-io ca share --addr 127.0.0.1 --port {}", first.port)).exits(2);
    taken.says("take a port that is free: `secure-io ca share --addr 127.0.0.1 --port 0`");
}

/// A person who serves for a phone is told the URL, and what the phone lacks.
#[test]
fn serve_on_all_addresses_tells_of_it() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q");
    let mut server =
        sandbox.start("secure-io serve --addr 0.0.0.0 --port 0", "phones and other machines reach it at https://");
    server.wait_for("a phone has to trust the local CA first: `secure-io ca share`");
}
