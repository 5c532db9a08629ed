//! Every hint that is a command is pasted into a shell, in a copy of the folder: it has to work, the error has to be
//! gone, and every file that is not meant has to be what it was.

#![expect(clippy::disallowed_methods, reason = "plain files for the programs under test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::sandbox::Sandbox;

/// What makes the error be gone.
#[derive(Clone, Copy)]
enum Gone<'a> {
    /// The command itself, which does what was wanted.
    Itself,
    /// The command that was typed works afterwards.
    Again,
    /// Another command works afterwards.
    Then(&'a str),
    /// Nothing has to: the command only shows something, or goes on from what was done.
    Shown,
    /// The command is a server that says that it is ready.
    Served,
}

/// A command that prints hints.
struct Case<'a> {
    /// Commands for a shell that bring the error about.
    setup: &'a str,
    typed: &'a str,
    gone: Gone<'a>,
    /// Files that a command of a hint may make or change; folders end in a slash.
    changes: &'a [&'a str],
    /// What is typed where the command asks.
    answers: &'a str,
}

impl Case<'_> {
    /// Pastes each command of each hint into a copy of the folder.
    #[track_caller]
    fn check(&self) {
        let sandbox = Sandbox::new();
        let prepared = shell(&sandbox, self.setup);
        assert!(prepared.0, "{}\n{}", self.setup, prepared.1);
        let (_, printed) = shell(&sandbox, self.typed);
        let commands = commands(&printed);
        assert!(!commands.is_empty(), "no command in\n$ {}\n{printed}", self.typed);
        for command in commands {
            let copy = Sandbox::new();
            let copied = Command::new("cp").arg("-a").arg(sandbox.path(".")).arg(copy.path("")).status();
            assert!(copied.is_ok_and(|status| status.success()), "a folder can be copied");
            self.paste(&copy, &command);
        }
    }

    #[track_caller]
    fn paste(&self, copy: &Sandbox, command: &str) {
        let before = files(copy);
        let context = format!("$ {}\n$ {command}", self.typed);
        if let Gone::Served = self.gone {
            serve(copy, command, &context);
        } else {
            let (done, printed) = answered(copy, command, self.answers);
            assert!(done, "{context}\n{printed}");
        }
        let after = files(copy);
        let is_meant = |name: &&String| {
            self.changes.iter().any(|meant| meant == name || meant.ends_with('/') && name.starts_with(meant))
        };
        let names = before.keys().chain(after.keys());
        let changed: Vec<_> = names.filter(|name| before.get(*name) != after.get(*name)).collect();
        let unmeant: Vec<_> = changed.iter().copied().filter(|name| !is_meant(name)).collect();
        assert!(unmeant.is_empty(), "{unmeant:?} changed\n{context}");
        let next = match self.gone {
            Gone::Again => self.typed,
            Gone::Then(next) => next,
            Gone::Itself | Gone::Shown | Gone::Served => return,
        };
        let (done, printed) = shell(copy, next);
        assert!(done, "{context}\n$ {next}\n{printed}");
    }
}

/// The commands in hints: what stands in backticks and begins with a program.
fn commands(printed: &str) -> Vec<String> {
    let hints = printed.lines().filter_map(|line| line.strip_prefix("hint: "));
    let quoted = hints.flat_map(|hint| hint.split('`').skip(1).step_by(2));
    quoted.filter(|text| text.contains(' ') && is_program(text)).map(str::to_owned).collect()
}

fn is_program(text: &str) -> bool {
    const PROGRAMS: [&str; 9] =
        ["secure-io", "mkdir", "cp", "openssl", "ssh-keygen", "keytool", "puttygen", "sudo", "apt"];
    text.split(' ').next().is_some_and(|word| PROGRAMS.contains(&word))
}

/// The SHA-256 of each file in a folder, by name.
fn files(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let root = sandbox.path("");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be listed").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
                files.insert(name, fs::read(&path).unwrap_or_default());
            }
        }
    }
    files
}

/// A folder in which `secure-io` is the program under test.
static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hints-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let link = folder.join("secure-io");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_secure-io"), &link).expect("a link can be made");
    folder
});

/// A line for `sh -c`, as one would paste it.
fn pasted(sandbox: &Sandbox, line: &str) -> Command {
    let mut command = sandbox.command("sh");
    let path = std::env::var("PATH").unwrap_or_default();
    command.args(["-c", line]).env("PATH", format!("{}:{path}", PROGRAMS.display()));
    command
}

fn shell(sandbox: &Sandbox, line: &str) -> (bool, String) {
    answered(sandbox, line, "")
}

/// Runs a line without a terminal; programs that ask for something find it on standard input.
fn answered(sandbox: &Sandbox, line: &str, answers: &str) -> (bool, String) {
    let outcome = sandbox.finish(line, pasted(sandbox, line).process_group(0), answers.as_bytes());
    (outcome.is_success(), format!("{}{}", outcome.stdout_text(), outcome.stderr))
}

/// Waits until a server is ready, and stops it.
#[track_caller]
fn serve(sandbox: &Sandbox, line: &str, context: &str) {
    use std::io::{BufRead, BufReader};
    let mut command = pasted(sandbox, line);
    let mut child =
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a shell can be run");
    let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut lines = stderr.lines().map_while(Result::ok);
    let ready = lines.by_ref().find(|line| line.starts_with("Secure server is running"));
    let stopped = Command::new("kill").args(["-TERM", "--", &format!("-{}", child.id())]).status();
    let _ = (stopped, child.wait());
    assert!(ready.is_some(), "no server\n{context}");
}

/// Checks cases of `(setup, typed, what makes the error be gone, changes)`.
#[track_caller]
fn check(cases: &[(&str, &str, Gone<'_>, &[&str])]) {
    for (setup, typed, gone, changes) in cases {
        Case { setup, typed, gone: *gone, changes, answers: "" }.check();
    }
}

/// `gen-key` and then `gen-cert` once advised --force, which discards the new key.
#[test]
fn of_files_in_the_way() {
    check(&[
        ("secure-io gen-key -q", "secure-io gen-key", Gone::Itself, &["server-key-2.pem"]),
        ("true", "secure-io gen-key --out 'no where/key.pem'", Gone::Itself, &["no where/key.pem"]),
        ("secure-io gen-cert -q", "secure-io gen-csr --key server-key.pem", Gone::Itself, &["server-csr-2.pem"]),
        ("secure-io gen-key -q", "secure-io gen-cert app.test", Gone::Itself, &["server-csr.pem", "server-cert.pem"]),
        (
            "secure-io gen-key -q && secure-io gen-csr -q --key server-key.pem app.test",
            "secure-io gen-cert",
            Gone::Then("secure-io verify --trust server-cert.pem --host app.test server-cert.pem"),
            &["server-cert.pem"],
        ),
        (
            "secure-io gen-key -q && secure-io gen-csr -q --key server-key.pem app.test",
            "secure-io gen-cert -n server b.test",
            Gone::Then("secure-io verify --trust server-cert.pem --host b.test server-cert.pem"),
            &["server-csr-2.pem", "server-cert.pem"],
        ),
        (
            "secure-io gen-cert -q && touch server-2-csr.pem",
            "secure-io gen-cert -- app.test",
            Gone::Itself,
            &["server-3-key.pem", "server-3-csr.pem", "server-3-cert.pem"],
        ),
        (
            "secure-io gen-cert -q",
            "secure-io gen-cert -k server-key.pem --out server-cert.pem --out-csr=server-csr.pem app.test",
            Gone::Itself,
            &["server-csr-2.pem", "server-cert-2.pem"],
        ),
        (
            "secure-io gen-cert -q && echo secret > pw && touch a.p12",
            "secure-io gen-cert --name b --p12 a.p12 --p12-password-file pw",
            Gone::Itself,
            &["b-key.pem", "b-csr.pem", "b-cert.pem", "a-2.p12"],
        ),
        ("true", "secure-io gen-cert --name=a/b", Gone::Itself, &["a/b-key.pem", "a/b-csr.pem", "a/b-cert.pem"]),
        (
            "secure-io ca init -q --ca-dir ca && touch crl.pem",
            "secure-io ca crl --ca-dir ca --out crl.pem",
            Gone::Itself,
            &["crl-2.pem", "ca/"],
        ),
        (
            "secure-io ca init -q --ca-dir ca && touch root.pem",
            "secure-io ca export --ca-dir ca --out root.pem",
            Gone::Itself,
            &["root-2.pem"],
        ),
    ]);
}

#[test]
fn of_names_and_secrets() {
    let set: &[&str] = &["server-key.pem", "server-csr.pem", "server-cert.pem"];
    check(&[
        ("true", "secure-io gen-cert https://localhost:3000/x '*.app.test'", Gone::Itself, set),
        ("true", "secure-io gen-cert localhost,127.0.0.1 --days 30", Gone::Itself, set),
        ("true", "secure-io gen-cert --subject app.test", Gone::Itself, set),
        (
            "secure-io gen-key -q",
            "secure-io gen-csr -k server-key.pem 'a.test b.test'",
            Gone::Itself,
            &["server-csr.pem"],
        ),
        ("true", "secure-io serve -q --port 0 ws://localhost:3000", Gone::Served, &[".local/"]),
        ("true", "secure-io ca init --ca-dir ca --permit https://localhost:3000", Gone::Itself, &["ca/"]),
        ("true", "secure-io ca init --ca-dir ca --permit 'a.test;10.0.0.0/8'", Gone::Itself, &["ca/"]),
        ("echo secret > pw", "secure-io gen-key --passphrase-file pw", Gone::Itself, &["server-key.pem"]),
        ("echo secret > pw", "secure-io gen-cert --passphrase-file=pw", Gone::Itself, set),
    ]);
}

#[test]
fn of_requests_and_issuers() {
    let request = "secure-io gen-key -q && secure-io gen-csr -q --key server-key.pem app.test";
    let openssl = "openssl req -new -newkey rsa:2048 -noenc -keyout k.pem -out r.pem -subj /CN=a.test 2>/dev/null";
    let ca = "secure-io ca init -q --ca-dir ca";
    let san = format!("{ca} && {openssl} -addext 'subjectAltName=DNS:a.test b.test,DNS:10.0.0.1'");
    let code = format!("{ca} && {openssl} -addext subjectAltName=DNS:a.test -addext extendedKeyUsage=codeSigning");
    let is_ca = format!("{openssl} -addext basicConstraints=critical,CA:TRUE");
    let other = format!("{request} && secure-io gen-key -q --out 'other key.pem'");
    let lost = format!("{other} && rm server-key.pem");
    let company =
        "openssl req -x509 -newkey rsa:2048 -noenc -keyout root-key.pem -out root.pem -subj /CN=Company 2>/dev/null";
    let wrong = format!("{company} && secure-io gen-key -q");
    let uri =
        format!("{ca} && {openssl} -addext 'subjectAltName=URI:https://me@app.example:3000/x,email:me@app.example'");
    check(&[
        (request, "secure-io gen-cert --csr server-csr.pem", Gone::Itself, &["server-cert.pem"]),
        (&other, "secure-io gen-cert --csr server-csr.pem -k 'other key.pem'", Gone::Itself, &["server-cert.pem"]),
        (
            &lost,
            "secure-io gen-cert --csr server-csr.pem --key 'other key.pem'",
            Gone::Then("secure-io verify --trust server-cert.pem --host app.test server-cert.pem"),
            &["server-csr-2.pem", "server-cert.pem"],
        ),
        (
            &format!("{request} && echo secret > pw"),
            "secure-io gen-cert --csr server-csr.pem --p12 a.p12 --p12-password-file pw",
            Gone::Itself,
            &["server-cert.pem", "a.p12"],
        ),
        (&san, "secure-io gen-cert --ca --ca-dir ca --csr r.pem", Gone::Itself, &["server-cert.pem", "ca/"]),
        (&uri, "secure-io gen-cert --ca --ca-dir ca --csr r.pem", Gone::Again, &["ca/"]),
        (&code, "secure-io gen-cert --ca --ca-dir ca --csr r.pem", Gone::Itself, &["server-cert.pem", "ca/"]),
        (&is_ca, "secure-io gen-cert --csr r.pem --key k.pem", Gone::Itself, &["server-cert.pem"]),
        (
            &wrong,
            "secure-io gen-cert --ca-cert root.pem --ca-key server-key.pem --name b",
            Gone::Itself,
            &["b-key.pem", "b-csr.pem", "b-cert.pem"],
        ),
        (ca, "secure-io gen-cert --ca --ca-dir ca '*.bank.example'", Gone::Again, &["ca/"]),
        (ca, "SECURE_IO_CA_DIR=ca secure-io gen-cert --ca bank.example 8.8.8.8", Gone::Again, &["ca/"]),
        (
            "secure-io gen-cert -q && secure-io gen-cert -q --name api",
            "secure-io gen-cert --renew --renew-before 400d --out-cert api-cert.pem",
            Gone::Itself,
            &["api-cert.pem"],
        ),
    ]);
}

#[test]
fn of_the_local_ca() {
    let ca = "secure-io ca init -q --ca-dir 'my ca'";
    let issued = format!("{ca} && secure-io gen-cert -q --ca --ca-dir 'my ca' app.test");
    check(&[
        ("true", "secure-io ca show --ca-dir 'my ca'", Gone::Again, &["my ca/"]),
        (
            &format!("{ca} && rm 'my ca/intermediate.pem'"),
            "secure-io ca show --ca-dir 'my ca'",
            Gone::Again,
            &["my ca/"],
        ),
        (ca, "secure-io ca revoke nothing.pem --ca-dir 'my ca'", Gone::Shown, &[]),
        (ca, "secure-io ca revoke 00ab --ca-dir 'my ca'", Gone::Shown, &[]),
        (&issued, "secure-io ca revoke server-cert.pem --ca-dir='my ca'", Gone::Shown, &["my ca/"]),
        (ca, "secure-io ca env --shell docker --ca-dir 'my ca'", Gone::Shown, &["secure-io-root.crt"]),
        (ca, "secure-io ca crl --ca-dir 'my ca' --out - --json", Gone::Itself, &["crl.pem", "my ca/"]),
        (ca, "secure-io ca export --ca-dir 'my ca' --json", Gone::Itself, &["root.pem"]),
    ]);
}

#[test]
fn of_test_pkis_and_folders() {
    let tree: &[&str] = &["fixtures/", "secure-io.toml"];
    check(&[
        ("true", "secure-io fixtures", Gone::Again, tree),
        ("true", "secure-io fixtures 'my tests.toml'", Gone::Again, &["fixtures/", "my tests.toml"]),
        ("secure-io fixtures init -q", "secure-io fixtures init", Gone::Shown, tree),
        ("true", "secure-io fixtures init", Gone::Shown, tree),
        (
            "mkdir 'x;touch pwned;' && secure-io gen-cert -q --out-dir 'x;touch pwned;'",
            "secure-io inspect 'x;touch pwned;'",
            Gone::Itself,
            &[],
        ),
        (
            "mkdir -- '-r' \"it's\" && secure-io gen-cert -q --out-dir \"it's\"",
            "secure-io inspect \"it's\"",
            Gone::Itself,
            &[],
        ),
    ]);
}

/// These once ended in 'exists already', lacked the issuer, or printed `HOST` and `FILE`.
#[test]
fn of_verdicts() {
    let old = "--not-before -30d --not-after -1d";
    let ca = "secure-io ca init -q --ca-dir ca";
    let company =
        "openssl req -x509 -newkey rsa:2048 -noenc -keyout root-key.pem -out root.pem -subj /CN=Company 2>/dev/null";
    let signed = "secure-io gen-cert -q --ca-cert root.pem --ca-key root-key.pem";
    let self_signed = |flags: &str| {
        format!(
            "openssl req -x509 -newkey rsa:2048 -noenc -keyout key.pem -out cert.pem -subj /CN=app.test {flags} 2>/dev/null"
        )
    };
    let leaf = "-addext subjectAltName=DNS:app.test -addext basicConstraints=critical,CA:FALSE";
    let local = format!("{ca} && secure-io gen-cert -q --ca --ca-dir ca app.test");
    let by_company = format!("{company} && {signed} app.test");
    check(&[
        ("secure-io gen-cert -q app.test", "secure-io verify server-cert.pem", Gone::Itself, &[]),
        (
            "secure-io gen-cert -q app.test 10.0.0.1",
            "secure-io verify --trust server-cert.pem --host www.app.test server-cert.pem",
            Gone::Again,
            &["server-cert.pem", "server-csr.pem"],
        ),
        (
            &local,
            "secure-io verify --ca-dir ca --host www.app.test server-cert.pem",
            Gone::Again,
            &["server-cert.pem", "server-csr.pem", "ca/"],
        ),
        (
            &by_company,
            "secure-io verify --trust root.pem --host b.test server-cert.pem",
            Gone::Again,
            &["server-cert.pem", "server-csr.pem"],
        ),
        (&by_company, "secure-io verify --host app.test server-cert.pem", Gone::Itself, &[]),
        (
            &format!("{local} && openssl x509 -in server-cert.pem -out leaf.pem"),
            "secure-io verify --ca-dir ca leaf.pem",
            Gone::Itself,
            &[],
        ),
        (
            &format!("secure-io gen-cert -q --name 'my old' {old} app.test && secure-io gen-cert -q"),
            "secure-io verify --trust 'my old-cert.pem' --host app.test 'my old-cert.pem'",
            Gone::Then("secure-io verify --trust 'my old-cert.pem' --host app.test 'my old-cert.pem'"),
            &["my old-cert.pem"],
        ),
        (
            &self_signed("-addext subjectAltName=DNS:app.test"),
            "secure-io verify --trust cert.pem cert.pem --host app.test",
            Gone::Again,
            &["cert.pem"],
        ),
        (
            &self_signed(&format!("{leaf} -addext keyUsage=keyEncipherment")),
            "secure-io verify --trust cert.pem cert.pem --host app.test",
            Gone::Again,
            &["cert.pem"],
        ),
        (
            "secure-io gen-cert -q app.test",
            "secure-io verify --trust server-cert.pem --purpose client server-cert.pem",
            Gone::Again,
            &["server-cert.pem", "server-csr.pem"],
        ),
        (
            &format!("{by_company} && secure-io gen-key -q --out other.pem"),
            "secure-io verify --trust root.pem server-cert.pem --key other.pem",
            Gone::Itself,
            &[],
        ),
        (
            "openssl genrsa -out key.pem 2048 2>/dev/null && openssl req -new -key key.pem -out r.pem -subj /CN=app.test && \
             openssl x509 -req -in r.pem -signkey key.pem -out cert.pem 2>/dev/null",
            "secure-io verify --trust cert.pem --host app.test cert.pem",
            Gone::Again,
            &["cert.pem"],
        ),
    ]);
}

/// The hints of `serve` once wrote a self-signed certificate for localhost over one that a CA had signed.
#[test]
fn of_servers() {
    let old = "--not-before -30d --not-after -1d";
    let ca = "secure-io ca init -q --ca-dir ca";
    let two = "secure-io gen-cert -q --name api api.test";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port can be taken");
    let port = listener.local_addr().expect("it has an address").port();
    let taken = format!("secure-io serve -q --port {port}");
    let company = "openssl req -new -newkey rsa:2048 -noenc -keyout root-key.pem -out root-csr.pem -subj /CN=Company \
                   -addext basicConstraints=critical,CA:TRUE 2>/dev/null && secure-io gen-cert -q --csr root-csr.pem \
                   --key root-key.pem --allow-ca --not-before -60d --days 900 --out-cert root.pem";
    let seeded = r#"printf 'seed = "x"\nclock = "2026-01-01T00:00:00Z"\ndefects = ["expired"]\n' > secure-io.toml"#;
    check(&[
        (
            &format!("{ca} && secure-io gen-cert -q --ca --ca-dir ca app.test && {two}"),
            "secure-io serve --port 0 --cert server-cert.pem --key api-key.pem",
            Gone::Served,
            &[],
        ),
        (
            &format!("secure-io gen-cert -q && {two} && rm -f server-key.pem"),
            "secure-io serve --port 0 --cert server-cert.pem --key api-key.pem",
            Gone::Served,
            &[],
        ),
        (
            &format!("{ca} && secure-io gen-cert -q --ca --ca-dir ca app.test && secure-io gen-key -q -f"),
            "secure-io serve --port 0 --ca-dir ca",
            Gone::Served,
            &["server-cert-2.pem", "server-cert-2-csr.pem", "ca/"],
        ),
        (
            &format!("secure-io gen-cert -q {old} && {two}"),
            "secure-io serve --port 0",
            Gone::Then("secure-io verify --trust server-cert.pem --host localhost server-cert.pem"),
            &["server-cert.pem", "server-csr.pem"],
        ),
        (
            &format!("{company} && secure-io gen-cert -q && {two} --ca-cert root.pem --ca-key root-key.pem {old}"),
            "secure-io serve --port 0 --cert api-cert.pem --key api-key.pem",
            Gone::Then("secure-io verify --trust root.pem --host api.test api-cert.pem"),
            &["api-cert.pem"],
        ),
        (
            &format!("{seeded} && secure-io fixtures -q"),
            "secure-io serve --port 0 --fixtures fixtures --addr 0.0.0.0",
            Gone::Served,
            &[".local/"],
        ),
        ("true", &taken, Gone::Served, &[".local/"]),
        ("true", "secure-io serve -q --port 0 --addr 192.0.2.1", Gone::Served, &[".local/"]),
    ]);
}

/// A server that started without the files that were meant says which key belongs to them.
#[test]
fn of_a_key_with_another_name() {
    let sandbox = Sandbox::new();
    sandbox.ok("secure-io gen-cert -q --out-key key.pem");
    let server = sandbox.serve("");
    sandbox.ok(&format!("kill -TERM {}", server.id()));
    let (_, log) = server.end();
    let commands = commands(&log);
    assert_eq!(commands, ["secure-io serve --port 0 --cert server-cert.pem --key key.pem"]);
    serve(&sandbox, &commands[0], "secure-io serve --port 0");
}

/// Keys and stores of other programs; these commands ask for passphrases.
#[test]
fn of_files_of_other_programs() {
    let cases = [
        Case {
            setup: "ssh-keygen -q -t rsa -b 2048 -N '' -f 'my id' && rm 'my id.pub'",
            typed: "secure-io gen-csr --key 'my id'",
            gone: Gone::Then("secure-io gen-csr --key 'my id.pkcs8'"),
            changes: &["my id.pkcs8"],
            answers: "\n\n",
        },
        Case {
            setup: "ssh-keygen -q -t ecdsa -N '' -f id && rm id",
            typed: "secure-io gen-cert --ca-cert id.pub --ca-key id.pub",
            gone: Gone::Shown,
            changes: &[],
            answers: "",
        },
    ];
    cases.iter().for_each(Case::check);
}

/// Clap's own tips were no commands; `-days 30` once made a folder `ays`, and `-key k.pem` read a file `ey`.
#[test]
fn of_what_people_type() {
    let set: &[&str] = &["server-key.pem", "server-csr.pem", "server-cert.pem"];
    let key = "secure-io gen-key -q";
    let cert = "secure-io gen-cert -q --name my";
    let company =
        "openssl req -x509 -newkey rsa:2048 -noenc -keyout root-key.pem -out root.pem -subj /CN=Company 2>/dev/null";
    check(&[
        ("true", "secure-io gen-cert -days 30", Gone::Itself, set),
        ("true", "secure-io gen-cert -subj '/CN=a b/O=x' app.test", Gone::Itself, set),
        ("true", "secure-io gen-cert --subj=/CN=x", Gone::Itself, set),
        ("true", "secure-io gen-cert --san DNS:a.test,IP:10.0.0.1", Gone::Itself, set),
        ("true", "secure-io gen-cert --host=a.test --days 3", Gone::Itself, set),
        ("true", "secure-io gen-cert -addext subjectAltName=DNS:a.test,DNS:b.test", Gone::Itself, set),
        ("true", "secure-io gen-cert --domain a.test", Gone::Itself, set),
        (key, "secure-io gen-csr -key server-key.pem", Gone::Itself, &["server-csr.pem"]),
        (key, "secure-io gen-csr app.test", Gone::Itself, &["server-csr.pem"]),
        ("true", "secure-io gen-key -out 'k 1.pem' --algorithm=ed25519", Gone::Itself, &["k 1.pem"]),
        ("true", "secure-io gen-key --algorithm ecdsa-p265", Gone::Itself, &["server-key.pem"]),
        ("true", "secure-io gen-key --algoritm ed25519", Gone::Itself, &["server-key.pem"]),
        ("true", "secure-io gen-cetr app.test", Gone::Itself, set),
        ("true", "secure-io app.test", Gone::Itself, set),
        ("true", "secure-io genrsa", Gone::Itself, &["server-key.pem"]),
        ("true", "secure-io -q ca inti --ca-dir ca", Gone::Itself, &["ca/"]),
        (cert, "secure-io my-cert.pem", Gone::Itself, &[]),
        (cert, "secure-io lint my-cert.pem", Gone::Itself, &[]),
        (cert, "secure-io serve --port 0 --cert my-cert.pem", Gone::Served, &[]),
        (company, "secure-io gen-cert --ca-cert root.pem app.test", Gone::Itself, set),
        ("true", "secure-io gen-cert --renew --force", Gone::Shown, &[]),
        ("true", "secure-io verify", Gone::Shown, &[]),
    ]);
    // These would change what this machine trusts.
    for (typed, advised) in [
        ("secure-io trust", "secure-io ca trust"),
        ("secure-io -install", "secure-io ca trust"),
        ("secure-io install --ca-dir 'my ca'", "secure-io ca trust --ca-dir 'my ca'"),
        ("secure-io uninstall", "secure-io ca untrust"),
    ] {
        assert_eq!(commands(&shell(&Sandbox::new(), typed).1), [advised], "{typed}");
    }
}

/// These are right without advice.
#[test]
fn are_not_needed_for_other_spellings() {
    let sandbox = Sandbox::new();
    for line in [
        "secure-io gen-key --algorithm rsa --out a.pem",
        "secure-io gen-key -a p256 --out b.pem",
        "secure-io gen-key -a RSA-2048 --out c.pem",
        "secure-io gen-key -a Ed25519 --out d.pem",
        "secure-io gen-key -a prime256v1 --out e.pem",
        "secure-io gen-cert --dry-run --days 30d",
        "secure-io gen-cert --dry-run --days 2w",
        "secure-io gen-cert --dry-run --subject 'E=me@a.test,S=Bavaria,OID.2.5.4.5=1,CN=\"Acme, Inc.\"'",
        "secure-io gen-cert --dry-run --subject 'C:/Program Files/Git/CN=x'",
        "secure-io ca init -q --ca-dir ca --days 30d",
    ] {
        let (done, printed) = shell(&sandbox, line);
        assert!(done, "$ {line}\n{printed}");
    }
    for line in ["secure-io gen-cert --days 36h", "secure-io gen-cert --days soon"] {
        let (done, printed) = shell(&sandbox, line);
        assert!(!done && printed.contains("days are a number, as in 30"), "$ {line}\n{printed}");
    }
}

/// What is no command is a sentence, in which nothing looks like one.
#[test]
fn that_are_no_commands_are_prose() {
    let company =
        "openssl req -x509 -newkey rsa:2048 -noenc -keyout root-key.pem -out root.pem -subj /CN=Company 2>/dev/null";
    for (setup, typed) in [
        ("secure-io gen-cert -q && rm server-key.pem", "secure-io gen-cert --renew"),
        ("secure-io gen-cert -q", "secure-io gen-cert --renew --algorithm ed25519"),
        (
            &*format!("{company} && secure-io gen-cert -q --ca-cert root.pem --ca-key root-key.pem && rm root*"),
            "secure-io gen-cert --renew other.test",
        ),
        (
            "echo x > pw && secure-io gen-key -q --encrypt --passphrase-file pw",
            "secure-io gen-csr --key server-key.pem",
        ),
        ("true", "secure-io gen-key --encrypt"),
        ("true", "secure-io inspect --lint"),
        ("true", "secure-io inspect https://:3000"),
        ("true", "secure-io verify --host 'a b' x.pem"),
        ("true", "secure-io ca init --ca-dir ca --permit 10.0.0.0/40"),
        ("true", "secure-io inspect localhost:1"),
        ("secure-io gen-cert -q --not-before 3d", "secure-io verify --trust server-cert.pem server-cert.pem"),
    ] {
        let sandbox = Sandbox::new();
        let prepared = shell(&sandbox, setup);
        assert!(prepared.0, "{setup}\n{}", prepared.1);
        let (done, printed) = shell(&sandbox, typed);
        assert!(!done && printed.contains("\nhint: "), "$ {typed}\n{printed}");
        assert_eq!(commands(&printed), [""; 0], "$ {typed}\n{printed}");
        let hints = printed.lines().filter(|line| line.starts_with("hint: "));
        let placeholder = hints.into_iter().find(|hint| hint.contains("FILE") || hint.contains("HOST"));
        assert_eq!(placeholder, None, "$ {typed}\n{printed}");
    }
}
