//! The API of the npm package: the examples of docs/from-node.md as they are pasted from the page. Installing the packed
//! packages with npm and others is `packaging/npm/test.mjs`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use secure_io::files;

use crate::chromium::{program, trust};
use crate::node::script;
use crate::sandbox::{Background, Sandbox};

/// The code block of the page that stands behind `<!-- file: NAME -->`.
fn example(name: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/from-node.md");
    let page = String::from_utf8(files::read(&page).expect("the page").to_vec()).expect("text");
    let (_, rest) = page.split_once(&format!("<!-- file: {name} -->\n```")).expect("the file's block");
    let (_, code) = rest.split_once('\n').expect("the block's first line");
    code.split_once("```").expect("the block's end").0.to_owned()
}

/// A folder in which the packages are installed beside those of the tests, with files of the page.
fn project(examples: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let modules = install(&sandbox, examples);
    let theirs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/node_modules");
    for entry in fs::read_dir(theirs).expect("`tests/run` installs them") {
        let entry = entry.expect("an entry");
        symlink(entry.path(), modules.join(entry.file_name())).expect("a link can be made");
    }
    sandbox
}

/// The same with Next's packages, whose bundler takes no links that lead out of the project.
fn next_project(examples: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    install(&sandbox, examples);
    let theirs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/next/node_modules");
    assert!(theirs.is_dir(), "no npm packages in tests/node/next: `tests/run` installs them");
    // Hard links, where the temporary folder is on the same file system.
    let copy = format!("cp -al {0}/. node_modules || cp -a {0}/. node_modules", theirs.display());
    sandbox.finish("cp -al", sandbox.command("bash").args(["-c", &copy]), b"").success();
    sandbox
}

/// Puts our packages into `node_modules`, and files of the page beside it.
fn install(sandbox: &Sandbox, examples: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let build = root.join("packaging/npm/build.mjs");
    let binary = env!("CARGO_BIN_EXE_secure-io");
    sandbox.ok(&format!("node {} built linux-x64-gnu={binary}", build.display()));
    let modules = sandbox.path("node_modules");
    fs::create_dir_all(modules.join("@secure-io")).expect("a folder can be made in the sandbox");
    fs::rename(sandbox.path("built/secure-io"), modules.join("secure-io")).expect("the package");
    fs::rename(sandbox.path("built/linux-x64-gnu"), modules.join("@secure-io/linux-x64-gnu")).expect("the program");
    sandbox.write("package.json", r#"{"private":true}"#);
    for name in examples {
        let folder = sandbox.path(name);
        fs::create_dir_all(folder.parent().expect("it is in the project")).expect("a folder can be made");
        sandbox.write(name, example(name));
    }
    modules
}

/// A local CA that Chromium trusts.
fn with_ca(sandbox: &Sandbox) {
    sandbox.ok("secure-io ca init --quiet");
    trust(sandbox, ".local/share/secure-io/ca/root.pem", "C,,");
}

#[track_caller]
fn opens_without_a_warning(sandbox: &Sandbox, server: &Background) {
    let mut command = script(sandbox, "padlock.mjs");
    command.env("SECURE_IO_CHROMIUM", program()).env("SECURE_IO_URL", server.url());
    sandbox.finish("node --test padlock.mjs", &mut command, b"").success();
}

#[test]
fn express_with_socket_io_has_the_padlock() {
    let sandbox = project(&["express.mjs"]);
    with_ca(&sandbox);
    let server = sandbox.start("env PORT=0 node express.mjs", "ready on https://localhost:");
    opens_without_a_warning(&sandbox, &server);
}

#[test]
fn vite_with_socket_io_has_the_padlock() {
    let sandbox = project(&["vite.config.mjs", "index.html"]);
    with_ca(&sandbox);
    // The line with the address ends in a slash, so the port is asked for.
    let port = free_port();
    let line =
        format!("env NO_COLOR=1 node node_modules/vite/bin/vite.js --port {port} --strictPort --clearScreen false");
    let mut command = sandbox.command("bash");
    command.args(["-c", &format!("{line} | sed -u 's#/ *$##'")]);
    let server = Background::start(&mut command, "https://localhost:");
    opens_without_a_warning(&sandbox, &server);
    let allowed = format!(
        "curl -sS -o /dev/null -w %{{http_code}} --cacert .local/share/secure-io/ca/root.pem \
                           --resolve app.localhost:{port}:127.0.0.1 https://app.localhost:{port}/"
    );
    assert_eq!(sandbox.ok(&allowed), "200", "the name given is in the certificate, and Vite lets it in");
}

#[test]
fn next_with_socket_io_has_the_padlock() {
    let sandbox = next_project(&["next-server.mjs", "pages/index.jsx"]);
    with_ca(&sandbox);
    // The page asks for its modules on the port that Next was told of.
    let line = format!("env NEXT_TELEMETRY_DISABLED=1 PORT={} node next-server.mjs", free_port());
    let server = sandbox.start(&line, "ready on https://localhost:");
    opens_without_a_warning(&sandbox, &server);
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("an address").port()
}

/// Without a CA the server works all the same, and a single line says what is missing for the padlock.
#[test]
fn without_a_ca_one_line_says_so() {
    let sandbox = project(&["express.mjs"]);
    let server = sandbox.start("env PORT=0 node express.mjs", "ready on https://localhost:");
    let mut twice = sandbox.command("node");
    let code = "const { credentials } = require('secure-io');\
        (async () => { await credentials('localhost'); await credentials('localhost'); })()";
    let outcome = sandbox.finish("node -e", twice.args(["-e", code]), b"").success();
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("self-signed") && lines[0].ends_with("npx secure-io ca trust"));
    let trusted = ".local/share/secure-io/credentials/localhost/server-cert.pem";
    sandbox.ok(&format!("curl -fsS -o page --cacert {trusted} {}", server.url()));
}

/// A certificate renewed by cron reaches the clients of a server that runs, with and without a server name.
#[test]
fn renewed_files_are_picked_up() {
    let sandbox = project(&[]);
    with_ca(&sandbox);
    sandbox.write(
        "renewed.test.mjs",
        r#"
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import { createRequire } from "node:module";
import tls from "node:tls";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, SecureIoError } from "secure-io";

test("renewed files are shown to the next client", async () => {
  const made = await credentials("app.test", "127.0.0.1", { folder: "files" });
  assert.equal(made.isSelfSigned, false);
  const server = https.createServer(made, (_, response) => response.end());
  made.watch(server);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const serial = (servername) => new Promise((done, failed) => {
    const options = { host: "127.0.0.1", port: server.address().port, ca: readFileSync(made.root), servername };
    const socket = tls.connect(options, () => { done(socket.getPeerCertificate().serialNumber); socket.destroy(); });
    socket.on("error", failed);
  });
  const before = await serial("app.test");
  assert.equal(await serial(""), before);
  await sleep(1100);
  execFileSync(process.execPath, ["node_modules/secure-io/bin/secure-io.cjs", "gen-cert", "--quiet", "--ca", "--force", "--out-dir", "files", "app.test", "127.0.0.1"]);
  for (const name of ["app.test", ""]) {
    for (let tries = 0; (await serial(name)) === before; tries += 1) {
      assert(tries < 100, `the old certificate is shown to ${name || "clients without a name"}`);
      await sleep(100);
    }
  }
  server.close();
});

test("CommonJS has the same, and errors have reasons", async () => {
  const require = createRequire(import.meta.url);
  assert.equal(require("secure-io").credentials, credentials);
  assert.equal(typeof require("secure-io/vite"), "function");
  assert.equal(typeof require("secure-io/node").serveFixture, "function");
  await assert.rejects(credentials("bank.example"), (error) => {
    assert(error instanceof SecureIoError);
    assert.match(error.reason, /may not sign for `bank.example`/);
    assert.deepEqual(error.hints, ["permit it: `npx secure-io ca renew --permit bank.example`"]);
    return true;
  });
});
"#,
    );
    sandbox.run("timeout 120 node --test --test-reporter=spec renewed.test.mjs").success();
}

/// Node judges the whole tree as `expected.json` says it does.
#[test]
fn the_fixtures_are_served_and_judged() {
    let sandbox = project(&["fixtures-api.test.mjs"]);
    sandbox.run("timeout 120 node --test --test-reporter=tap fixtures-api.test.mjs").success().says("# fail 0");
    assert!(sandbox.exists(".cache/secure-io"), "without a manifest, the tree is in the cache");
    sandbox.ok("secure-io fixtures init");
    sandbox.run("timeout 120 node --test --test-reporter=tap fixtures-api.test.mjs").success().says("# fail 0");
    assert!(sandbox.exists("fixtures/expected.json"), "with one, it is the project's");
}
