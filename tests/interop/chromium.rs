//! Chromium opens the demo page with the certificate trusted as a person would trust it: in its NSS database.

use std::path::PathBuf;
use std::{env, fs};

use crate::node::script;
use crate::sandbox::{Background, Sandbox};

/// Puts a certificate into the NSS database that Chromium reads, with certutil's trust flags.
pub(crate) fn trust(sandbox: &Sandbox, file: &str, flags: &str) {
    fs::create_dir_all(sandbox.path(".pki/nssdb")).expect("a folder can be made in the sandbox");
    sandbox.ok("certutil -d sql:.pki/nssdb -N --empty-password");
    sandbox.ok(&format!("certutil -d sql:.pki/nssdb -A -n secure-io -t {flags} -i {file}"));
}

/// Opens the page and checks it; screenshots are left in the build's folder for temporary files.
#[track_caller]
fn open_page(sandbox: &Sandbox, server: &Background, name: &str, is_trusted: bool) {
    let mut command = script(sandbox, "page.mjs");
    command.env("SECURE_IO_CHROMIUM", program());
    command.env("SECURE_IO_URL", server.url());
    command.env("SECURE_IO_TRUSTED", if is_trusted { "yes" } else { "no" });
    command.env("SECURE_IO_SCREENSHOTS", format!("{}/page-{name}", env!("CARGO_TARGET_TMPDIR")));
    sandbox.finish("node --test page.mjs", &mut command, b"").success();
}

pub(crate) fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("chromium")).find(|program| program.is_file());
    found.expect("chromium is not installed: `tests/run` installs what the tests need")
}

/// `serve` with nothing prepared, and the certificate that it makes trusted as a peer.
#[test]
fn the_page_is_secure_with_the_certificate_that_serve_makes() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve("");
    let kept = fs::read_dir(sandbox.path(KEPT)).expect("serve keeps its certificate there");
    let names: Vec<_> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let certificate = names.iter().find(|name| name.ends_with("-cert.pem")).expect("one is a certificate");
    trust(&sandbox, &format!("{KEPT}/{certificate}"), "P,,");
    open_page(&sandbox, &server, "self-signed", true);
}

/// Where `serve` keeps what it makes, in a home folder without settings.
const KEPT: &str = ".local/share/secure-io/serve";

#[test]
fn the_page_is_secure_with_a_certificate_under_a_trusted_ca() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem \
                -subj /CN=CA -addext keyUsage=critical,keyCertSign");
    sandbox.ok("secure-io gen-cert --ca-cert ca.pem --ca-key ca-key.pem");
    trust(&sandbox, "ca.pem", "C,,");
    open_page(&sandbox, &sandbox.serve(""), "ca", true);
}

/// Without trust Chromium refuses the same server: what the other tests see is not an unchecked certificate.
#[test]
fn the_page_is_refused_when_the_certificate_is_not_trusted() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert");
    open_page(&sandbox, &sandbox.serve(""), "untrusted", false);
}
