//! `secure-io doctor`.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::sandbox::{Outcome, Sandbox};

/// Ports that nothing of this machine's has to do with.
const QUIET: &str = "secure-io doctor --json --ca-dir ca --port 9";

fn doctor(sandbox: &Sandbox, line: &str, variables: &[(&str, &str)]) -> (Outcome, Vec<Value>) {
    in_folder(sandbox, line, "", variables)
}

fn in_folder(sandbox: &Sandbox, line: &str, folder: &str, variables: &[(&str, &str)]) -> (Outcome, Vec<Value>) {
    let mut command = sandbox.command("secure-io");
    command.args(line.split(' ').skip(1)).envs(variables.iter().copied()).env("HOME", sandbox.path(""));
    let outcome = sandbox.finish(line, command.current_dir(sandbox.path(folder)), b"");
    let report: Value = serde_json::from_str(&outcome.stdout_text()).expect("a report");
    let observations = report["observations"].as_array().expect("a list").clone();
    (outcome, observations)
}

fn troubles<'a>(observations: &'a [Value], area: &str) -> Vec<&'a Value> {
    observations.iter().filter(|seen| seen["area"] == area && seen["state"] == "trouble").collect()
}

#[test]
fn the_environment_is_looked_at() {
    let sandbox = Sandbox::new();
    let (outcome, seen) =
        doctor(&sandbox, QUIET, &[("NODE_TLS_REJECT_UNAUTHORIZED", "0"), ("SSL_CERT_FILE", "/no/such")]);
    outcome.exits(1);
    let commands: Vec<_> = troubles(&seen, "environment").iter().map(|seen| seen["command"].clone()).collect();
    assert_eq!(commands, ["unset NODE_TLS_REJECT_UNAUTHORIZED", "unset SSL_CERT_FILE"]);
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    assert!(troubles(&seen, "environment").is_empty(), "{seen:?}");
}

/// The three faults of a folder: expired, of another pair, readable by everybody.
#[test]
fn the_folder_is_looked_at() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --not-before=-10d --not-after=-1d");
    sandbox.ok("secure-io gen-cert -q --name web app.test");
    sandbox.ok("secure-io gen-key -q --force --out web-key.pem");
    std::fs::set_permissions(sandbox.path("web-key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (outcome, seen) = doctor(&sandbox, QUIET, &[]);
    outcome.exits(1);
    let commands: Vec<_> = troubles(&seen, "folder").iter().map(|seen| seen["command"].clone()).collect();
    let expected =
        ["secure-io gen-cert --renew", "chmod 600 web-key.pem", "secure-io inspect web-cert.pem web-key.pem"];
    assert_eq!(commands, expected, "{seen:?}");
    // Without the key there is nothing to renew with.
    sandbox.ok("mv server-key.pem elsewhere");
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    let command =
        troubles(&seen, "folder").iter().find(|seen| seen["subject"] == "server-cert.pem").map(|seen| &seen["command"]);
    assert_eq!(command, Some(&Value::from("secure-io inspect server-cert.pem")), "{seen:?}");
    sandbox.ok("mv elsewhere server-key.pem");
    // Pasted, two of them end it.
    sandbox.ok("secure-io gen-cert --renew");
    sandbox.ok("chmod 600 web-key.pem");
    sandbox.ok("secure-io gen-cert -q --force --name web --key web-key.pem app.test");
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    assert!(troubles(&seen, "folder").is_empty(), "{seen:?}");
}

/// Guessing at passwords took seconds in a folder with some PKCS#12 files: those that ask for much are left closed, and one
/// of OpenSSL without a password is looked into.
#[test]
fn stores_are_opened_only_if_that_is_quick() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --name web --not-before=-10d --not-after=-1d app.test");
    let export = "openssl pkcs12 -export -in web-cert.pem -inkey web-key.pem -passout pass:";
    sandbox.ok(&format!("{export} -iter 2048 -out quick.p12"));
    sandbox.ok(&format!("{export} -iter 300000 -out costly.p12"));
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    let expired: Vec<_> = troubles(&seen, "folder").iter().map(|seen| seen["subject"].clone()).collect();
    assert_eq!(expired, ["quick.p12", "web-cert.pem"], "{seen:?}");
}

/// A folder that could not be read, or not wholly, was said to hold nothing.
#[test]
fn what_was_not_looked_at_is_said() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("many")).unwrap();
    for number in 0..=200 {
        sandbox.write(&format!("many/{number}.pem"), "no certificate");
    }
    let (_, seen) = in_folder(&sandbox, QUIET, "many", &[]);
    let files: Vec<_> = seen.iter().filter(|seen| seen["area"] == "folder").collect();
    assert_eq!(files.len(), 1, "{seen:?}");
    assert_eq!(files[0]["message"], "the first 200 of 201 were looked at, by name");
    assert_eq!(files[0]["command"], "secure-io inspect -q -r --expires-within 14d .");
    sandbox.ok("secure-io inspect -q -r --expires-within 14d many");
}

/// The trouble names the file, the reason and what to do.
#[test]
fn a_broken_ca_is_named_with_its_remedy() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init -q --ca-dir ca");
    let ca = |sandbox: &Sandbox| {
        let (outcome, seen) = doctor(sandbox, QUIET, &[]);
        outcome.exits(1);
        troubles(&seen, "ca").first().map(|seen| (*seen).clone()).expect("a trouble")
    };
    sandbox.ok("secure-io gen-key -q --force --out ca/intermediate-key.pem");
    let seen = ca(&sandbox);
    let expected =
        "it cannot be used: cannot use `ca/intermediate-key.pem` with `ca/intermediate.pem`: the public keys differ";
    assert_eq!(seen["message"], expected);
    assert!(seen["advice"].as_str().is_some_and(|advice| advice.starts_with("restore that file")), "{seen}");
    std::fs::remove_file(sandbox.path("ca/root.pem")).unwrap();
    let seen = ca(&sandbox);
    assert_eq!(seen["message"], "it cannot be used: the local CA in `ca` lacks `root.pem`");
    assert_eq!(seen["command"], "secure-io ca init --ca-dir ca");
    sandbox.ok("secure-io ca init --ca-dir ca");
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    assert!(troubles(&seen, "ca").is_empty(), "{seen:?}");
}

#[test]
fn servers_are_asked_for_their_certificates() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve("localhost");
    let (_, seen) = doctor(&sandbox, &format!("secure-io doctor --json --ca-dir ca --port {}", server.port), &[]);
    let ports: Vec<_> = seen.iter().filter(|seen| seen["area"] == "ports").collect();
    assert_eq!(ports.len(), 1, "{seen:?}");
    let message = ports[0]["message"].as_str().expect("a text");
    assert!(message.contains("shows a certificate for localhost"), "{message}");
}

/// A server that once sent HSTS for localhost breaks all other servers of this machine in that browser.
#[test]
fn browsers_that_remember_hsts_are_named() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path(".mozilla/firefox/a.default")).unwrap();
    sandbox.write(".mozilla/firefox/a.default/SiteSecurityServiceState.txt", "localhost:HSTS\t0\t20000\t1,1,0\n");
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    assert_eq!(troubles(&seen, "hsts").len(), 1, "{seen:?}");
    // Chrome of macOS and of Windows: the SHA-256 of the name as in DNS.
    let state = r#"{"sts":[{"host":"+5SucHeyam84+YKFvzbLSOOu8EIOl0hrqv6OPw5r2/Q=","mode":"force-https"}],"version":2}"#;
    for folder in
        ["Library/Application Support/Google/Chrome/Default", "AppData/Local/Google/Chrome/User Data/Default/Network"]
    {
        std::fs::create_dir_all(sandbox.path(folder)).unwrap();
        sandbox.write(&format!("{folder}/TransportSecurity"), state);
    }
    let (_, seen) = doctor(&sandbox, QUIET, &[]);
    assert_eq!(troubles(&seen, "hsts").len(), 3, "{seen:?}");
}

/// The text has every observation, and each trouble its command below it.
#[test]
fn the_text_shows_commands() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("secure-io");
    command.args(["doctor", "--port", "9", "--ca-dir", "ca"]).env("GIT_SSL_NO_VERIFY", "true");
    let text = sandbox.finish("doctor", &mut command, b"").exits(1).stdout_text();
    assert!(text.contains("  TROUBLE  GIT_SSL_NO_VERIFY=true: Git accepts every certificate"), "{text}");
    assert!(text.contains("           `unset GIT_SSL_NO_VERIFY`"), "{text}");
    assert!(text.contains("local CA\n  note     local CA: there is none"), "{text}");
}
