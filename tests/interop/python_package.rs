//! The wheel: the examples of docs/from-python.md as they are pasted from the page, with ssl, requests, aiohttp and
//! python-socketio.

use std::path::Path;
use std::process::Command;

use secure_io::files;

use crate::sandbox::{Background, Sandbox};

/// The code block of the page that stands behind `<!-- file: NAME -->`.
fn example(name: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/from-python.md");
    let page = String::from_utf8(files::read(&page).expect("the page").to_vec()).expect("text");
    let (_, rest) = page.split_once(&format!("<!-- file: {name} -->\n```")).expect("the file's block");
    let (_, code) = rest.split_once('\n').expect("the block's first line");
    code.split_once("```").expect("the block's end").0.to_owned()
}

/// A folder in which the wheel is installed.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    let wheel = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/python/wheel.py");
    // What a debug build has for debuggers would only be copied.
    sandbox.ok(&format!("strip -o program {}", env!("CARGO_BIN_EXE_secure-io")));
    let path = sandbox.ok(&format!("python3 {} program wheels 1", wheel.display()));
    sandbox.ok(&format!(
        "python3 -m pip install -q --disable-pip-version-check --no-index --no-deps --target site {}",
        path.trim()
    ));
    sandbox
}

fn python(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.command("python3");
    command.args(words).env("PYTHONPATH", sandbox.path("site"));
    command
}

/// The plugin is found by pytest, and its servers are judged by three clients as the tree says.
#[test]
fn the_test_suite_of_the_page_passes() {
    let sandbox = project();
    sandbox.write("test_clients.py", example("test_clients.py"));
    let mut pytest = python(&sandbox, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_clients.py"]);
    sandbox.finish("pytest", &mut pytest, b"").success().says(" passed");
    let version = sandbox.finish("python -m secure_io", &mut python(&sandbox, &["-m", "secure_io", "--version"]), b"");
    version.success().says("secure-io 0.");
}

/// A server of python-socketio, with the local CA and after a renewal; its client trusts that CA alone.
#[test]
fn python_socketio_is_secure_and_sees_renewed_files() {
    let sandbox = project();
    sandbox.ok("secure-io ca init --quiet");
    sandbox.write("socketio_server.py", example("socketio_server.py"));
    sandbox.write(
        "client.py",
        "\
import asyncio
import sys

import aiohttp
import secure_io
import socketio


async def main(url):
    context = secure_io.credentials('localhost').client_context()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        client = socketio.AsyncClient(http_session=session)
        received = asyncio.get_running_loop().create_future()
        client.on('message', received.set_result)
        await client.connect(url, transports=['websocket'])
        print(await asyncio.wait_for(received, 30), client.transport())
        await client.disconnect()


asyncio.run(main(sys.argv[1]))
",
    );
    let server = Background::start(&mut python(&sandbox, &["socketio_server.py"]), "ready on https://localhost:");
    let connects = || {
        let mut client = python(&sandbox, &["client.py", &server.url()]);
        sandbox.finish("client.py", &mut client, b"").success().says("Welcome, securely websocket");
    };
    connects();
    let shown =
        || sandbox.ok(&format!("secure-io fingerprint {}", server.url())).lines().next().unwrap_or_default().to_owned();
    let before = shown();
    sandbox
        .ok("secure-io gen-cert --quiet --ca --force --out-dir .local/share/secure-io/credentials/localhost localhost");
    assert_ne!(shown(), before, "the renewed certificate is shown without a restart");
    connects();
}

#[test]
fn without_a_ca_one_line_says_so_and_errors_have_reasons() {
    let sandbox = project();
    let code = "\
import secure_io
made = secure_io.credentials('app.test')
secure_io.credentials('app.test')
assert made.is_self_signed and made.cafile == made.certfile
try:
    secure_io.credentials('a b')
except secure_io.SecureIoError as error:
    assert 'white space' in error.reason, error
else:
    raise AssertionError
";
    let outcome = sandbox.finish("python -c", &mut python(&sandbox, &["-c", code]), b"").success();
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.trim_end().ends_with("for the padlock: secure-io ca trust"), "{}", outcome.stderr);
}
