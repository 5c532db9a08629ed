//! What the command finds in its environment, and the name of its host.

use crate::sandbox::Sandbox;
use crate::{ROOT, free_port};

/// Node adds a root to its own, the others take one file in place of theirs: the root alone would take all others away.
#[test]
fn the_command_trusts_the_local_ca_and_what_it_trusted_before() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.ok("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout proxy-key.pem -out proxy.pem -subj /CN=proxy");
    let port = free_port();
    let mut command = sandbox.command("secure-io");
    command.args(["run", "app", "--port", &port.to_string(), "--", "env"]);
    command.env("NODE_EXTRA_CA_CERTS", sandbox.path("proxy.pem")).env("PIP_CERT", sandbox.path("missing.pem"));
    let outcome = sandbox.finish("secure-io run app -- env", &mut command, b"").success();
    let environment = outcome.stdout_text();
    let value = |name: &str| {
        let line = environment.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("{name} is not in\n{environment}")).to_owned()
    };
    let (ours, theirs) = (sandbox.read(ROOT), sandbox.read("proxy.pem"));
    let merged = std::fs::read(value("NODE_EXTRA_CA_CERTS")).unwrap();
    let has = |all: &[u8], one: &[u8]| all.windows(one.len()).any(|part| part == one);
    assert!(has(&merged, &ours) && has(&merged, &theirs), "both are trusted");
    assert_eq!(value("PIP_CERT"), sandbox.path("missing.pem").display().to_string(), "what cannot be merged stays");
    outcome.says("PIP_CERT names ");
    let bundle = std::fs::read(value("SSL_CERT_FILE")).unwrap();
    assert!(has(&bundle, &ours));
    for name in
        ["DENO_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO"]
    {
        assert!(has(&std::fs::read(value(name)).unwrap(), &ours), "{name}");
    }
}

/// On a fresh machine one command is enough.
#[test]
fn the_local_ca_is_made_on_first_use_and_it_is_said_how_to_trust_it() {
    let sandbox = Sandbox::new();
    let first = sandbox.run(&format!("secure-io run app --port {} -- true", free_port())).success();
    let first = first.says("so one was made in ").says("`secure-io ca trust`");
    assert!(first.stdout_text().is_empty(), "standard output is the command's alone");
    let second = sandbox.run(&format!("secure-io run app --port {} -- true", free_port())).success();
    assert!(!second.stderr.contains("was made in"), "{}", second.stderr);
}

/// A port that the user has chosen is not replaced.
#[test]
fn port_stays_what_the_user_has_set() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("secure-io");
    command
        .args(["run", "app", "--port", &free_port().to_string(), "--", "sh", "-c", "echo $PORT"])
        .env("PORT", "5123");
    let outcome = sandbox.finish("secure-io run app", &mut command, b"").success();
    assert_eq!(outcome.stdout_text(), "5123\n");
}

#[test]
fn the_name_is_that_of_the_package_and_of_a_worktrees_branch() {
    let sandbox = Sandbox::new();
    sandbox.write("package.json", r#"{"name": "@acme/shop"}"#);
    sandbox.ok("git init -q -b main .");
    sandbox.ok("git add package.json");
    sandbox.ok("git -c user.name=a -c user.email=a@b commit -q -m first");
    sandbox.ok("git worktree add -q -b feature/fix-ui tree");
    let url = |folder: &str, name: &str| {
        let port = free_port().to_string();
        let mut command = sandbox.command("secure-io");
        command.args(["run", "--port", &port]).args(name.split_whitespace()).args([
            "--",
            "sh",
            "-c",
            "echo $SECURE_IO_URL",
        ]);
        command.current_dir(sandbox.path(folder));
        let outcome = sandbox.finish("secure-io run", &mut command, b"").success();
        outcome.stdout_text().trim().trim_end_matches(&format!(":{port}")).to_owned()
    };
    assert_eq!(url(".", ""), "https://shop.localhost");
    assert_eq!(url("tree", ""), "https://fix-ui.shop.localhost");
    assert_eq!(url("tree", "api.{branch}"), "https://api.fix-ui.localhost");
    assert_eq!(url(".", "other"), "https://other.localhost");
}

#[test]
fn a_name_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.run("secure-io run 'a b' -- true").exits(2).says("`a b` cannot be a host's name");
    sandbox.run("secure-io run").exits(2);
}
