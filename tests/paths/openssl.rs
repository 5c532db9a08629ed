//! Agreement of `openssl verify` with our verdicts, apart from the table's exceptions with their reasons.

use std::path::Path;
use std::process::Command;

use secure_io::container;
use secure_io::files::{self, Existing, NewFile};
use secure_io::verify::Purpose;

use crate::{Case, cases};

/// Every difference between OpenSSL's verdict and our default must be listed; a stale entry fails.
#[test]
fn openssl_agrees_but_for_what_is_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for case in cases::all() {
        let theirs = is_valid(&case, folder.path());
        let ours = case.expected.0.is_none();
        match case.openssl {
            None if theirs != ours => wrong.push(format!("{}: openssl says {theirs}, and it is not listed", case.name)),
            Some(why) if theirs == ours => {
                wrong.push(format!("{}: openssl agrees, yet it is listed: {why}", case.name));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(crate) fn is_valid(case: &Case, folder: &Path) -> bool {
    let mut command = Command::new("openssl");
    command.args(["verify", "-no-CApath", "-no-CAstore", "-attime", &case.at.unix_timestamp().to_string()]);
    match case.purpose {
        Purpose::Server => command.args(["-purpose", "sslserver"]),
        Purpose::Client => command.args(["-purpose", "sslclient"]),
        Purpose::Any => command.args(["-purpose", "any"]),
    };
    if let Some(host) = case.host {
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        command.args([if is_address { "-verify_ip" } else { "-verify_hostname" }, host]);
    }
    let write = |name: &str, label: &'static str, ders: &[Vec<u8>]| {
        let pem = |der: &Vec<u8>| container::pem(label, der).expect("PEM").to_string();
        let file = NewFile::public(folder.join(name), ders.iter().map(pem).collect::<String>());
        files::write_set(&[file], Existing::Replace).expect("it can be written");
        folder.join(name)
    };
    command.arg("-CAfile").arg(write("trust.pem", "CERTIFICATE", &case.trust));
    if !case.untrusted.is_empty() {
        command.arg("-untrusted").arg(write("untrusted.pem", "CERTIFICATE", &case.untrusted));
    }
    if !case.crls.is_empty() {
        command
            .args(["-crl_check_all", "-extended_crl", "-use_deltas", "-CRLfile"])
            .arg(write("crls.pem", "X509 CRL", &case.crls));
    }
    let leaf = write("leaf.pem", "CERTIFICATE", std::slice::from_ref(&case.leaf));
    let output = command.arg(leaf).output().expect("openssl is there: sudo apt-get install openssl");
    output.status.success()
}
