//! `secure-io ca env` as the shells read it.

use crate::sandbox::Sandbox;

/// A folder whose name means something in each of the shells.
const FOLDER: &str = "o'ne\u{2019}il $HOME `id` \"x\" \\ \n;LD_PRELOAD=y *";

/// Each shell sets exactly what was meant, whatever the folder is called.
#[test]
fn shells_read_back_the_path_of_an_odd_folder() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path(FOLDER);
    let ca = |sandbox: &Sandbox, arguments: &[&str]| {
        let mut command = sandbox.command("secure-io");
        command.args(arguments).arg("--ca-dir").arg(&folder);
        sandbox.finish("secure-io ca …", &mut command, b"")
    };
    ca(&sandbox, &["ca", "init", "-q"]).success();
    for (shell, program) in [("sh", "sh"), ("sh", "bash"), ("sh", "zsh"), ("fish", "fish")] {
        let script = ca(&sandbox, &["ca", "env", "--shell", shell]).success().stdout_text();
        let mut command = sandbox.command(program);
        command.args(["-c", &format!("{script}\nprintf '%s\\n%s' \"$SSL_CERT_FILE\" \"$LD_PRELOAD\"")]);
        let set = sandbox.finish(program, &mut command, b"").success().stdout_text();
        assert_eq!(set, format!("{}\n", folder.join("bundle.pem").display()), "{program}");
    }
}

/// What has no shell is read as its own reader does: lines for GitHub Actions, YAML with doubled dollar signs for GitLab.
#[test]
fn ci_reads_back_the_path_of_an_odd_folder() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("o'ne\u{2018}\u{2019}\u{201a}\u{201b}il $HOME $$ `id` \"x\" \\ #: *\u{2028}\u{85}");
    let ca = |arguments: &[&str]| {
        let mut command = sandbox.command("secure-io");
        command.args(arguments).arg("--ca-dir").arg(&folder);
        sandbox.finish("secure-io ca …", &mut command, b"").success().stdout_text()
    };
    ca(&["ca", "init", "-q"]);
    let expected = folder.join("bundle.pem").display().to_string();
    let github = ca(&["ca", "env", "--shell", "github"]);
    assert!(github.split('\n').any(|line| line == format!("SSL_CERT_FILE={expected}")), "{github}");
    let gitlab = ca(&["ca", "env", "--shell", "gitlab"]);
    let mut parser = sandbox.command("node");
    parser.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/parse.mjs"));
    let parsed = sandbox.finish("parse.mjs", &mut parser, gitlab.as_bytes()).success().stdout_text();
    let parsed: serde_json::Value = serde_json::from_str(&parsed).expect("it is JSON");
    let value = parsed[0]["variables"]["SSL_CERT_FILE"].as_str().expect("a text");
    assert_eq!(value.replace("$$", "$"), expected);
}

/// A folder's name once set `LD_PRELOAD` for all later steps of a job of GitHub Actions.
#[test]
fn a_line_break_is_refused_where_nothing_quotes_it() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("a\nLD_PRELOAD=/evil.so\nb");
    let run = |arguments: &[&str]| {
        let mut command = sandbox.command("secure-io");
        command.args(arguments).arg("--ca-dir").arg(&folder);
        sandbox.finish("secure-io ca …", &mut command, b"")
    };
    run(&["ca", "init", "-q"]).success();
    let refused = run(&["ca", "env", "--shell", "github"]).exits(2);
    assert_eq!(refused.stdout_text(), "");
    assert!(!refused.stderr.lines().any(|line| line.starts_with("LD_PRELOAD")), "{}", refused.stderr);
}
