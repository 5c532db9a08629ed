//! Dev servers as people start them, with browsers and clients in front.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::sandbox::Sandbox;
use crate::{NODE, ROOT, Run, free_port, site, survivors};

/// Asks a run to end, and looks for what is left of it.
#[track_caller]
fn end(mut run: Run, sandbox: &Sandbox) {
    run.signal(sandbox, "TERM");
    let (_, said) = run.end();
    assert!(survivors(&run.url).is_empty(), "{:?}\n{said}", survivors(&run.url));
}

/// Runs a script of `tests/node` to its end.
#[track_caller]
fn script(sandbox: &Sandbox, name: &str, variables: &[(&str, &str)]) -> String {
    let mut command = sandbox.command("timeout");
    command.args(["120", "node", &format!("{NODE}/{name}")]).envs(variables.iter().copied());
    sandbox.finish(name, &mut command, b"").success().stdout_text()
}

fn chromium() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("chromium")).find(|program| program.is_file());
    found.expect("chromium is not installed: `tests/run` installs what the tests need")
}

const VITE: [(&str, &str); 5] = [
    ("package.json", r#"{"name": "shop", "type": "module", "scripts": {"dev": "vite", "start": "npm run dev"}}"#),
    ("vite.config.js", "export default { cacheDir: '.cache', server: { watch: { usePolling: true, interval: 50 } } };"),
    ("index.html", "<!doctype html><title>shop</title><p id=text></p><script type=module src=/main.js></script>"),
    (
        "main.js",
        "import { text } from './text.js';\nconst show = (text) => (document.querySelector('#text').textContent = text);\nshow(text);\n\
         if (import.meta.hot) import.meta.hot.accept('./text.js', (module) => show(module.text));\n",
    ),
    ("text.js", "export const text = 'first';\n"),
];

/// From `npm run dev` to a padlock: the page is secure without a warning, and a change shows in it without a reload.
#[test]
fn vite_is_secure_in_chromium_and_replaces_modules() {
    replaces_modules(&site(&VITE), "shop", "npm start");
}

const WEBPACK: [(&str, &str); 5] = [
    ("package.json", r#"{"name": "shelf", "scripts": {"dev": "webpack serve", "start": "npm run dev"}}"#),
    ("webpack.config.js", "module.exports = { mode: 'development', entry: './main.js', watchOptions: { poll: 50 } };"),
    ("public/index.html", "<!doctype html><title>shelf</title><p id=text></p><script src=/main.js></script>"),
    (
        "main.js",
        "import { text } from './text.js';\nconst show = () => (document.querySelector('#text').textContent = text);\nshow();\n\
         if (module.hot) module.hot.accept('./text.js', show);\n",
    ),
    ("text.js", "export const text = 'first';\n"),
];

/// It knows nothing of PORT, and its page takes the port of its WebSocket from its own address.
#[test]
fn webpack_dev_server_is_secure_in_chromium_and_replaces_modules() {
    replaces_modules(&site_with("webpack", &WEBPACK), "shelf", "npm start");
}

const NEXT: [(&str, &str); 3] = [
    ("package.json", r#"{"name": "store", "scripts": {"dev": "next dev"}}"#),
    (
        // The text is there once React has taken over the page, and changes are taken in.
        "pages/index.jsx",
        "import { useEffect, useState } from 'react';\nimport { text } from '../text.js';\nexport default function Page() {\n\
         const [isThere, setThere] = useState(false);\nuseEffect(() => setThere(true), []);\n\
         return <p id=\"text\">{isThere ? text : ''}</p>;\n}\n",
    ),
    ("text.js", "export const text = 'first';\n"),
];

#[test]
fn next_is_secure_in_chromium_and_replaces_modules() {
    replaces_modules(&site_with("next", &NEXT), "store", "env NEXT_TELEMETRY_DISABLED=1 npm run dev");
}

/// A folder with the packages of a folder of `tests/node`, and these files. Bundlers take no links that lead out of a
/// project, so the packages are linked file by file, where that can be done.
fn site_with(packages: &str, files: &[(&str, &str)]) -> Sandbox {
    let sandbox = site(files);
    fs::remove_file(sandbox.path("node_modules")).unwrap();
    let theirs = format!("{NODE}/{packages}/node_modules");
    assert!(PathBuf::from(&theirs).is_dir(), "no npm packages in {theirs}: `tests/run` installs them");
    let linked = sandbox.run(&format!("cp -al {theirs} node_modules"));
    if !linked.is_success() {
        sandbox.ok(&format!("cp -a {theirs}/. node_modules"));
    }
    sandbox
}

/// The page is secure in a Chromium that trusts the local CA, and shows a change without being loaded again.
#[track_caller]
fn replaces_modules(sandbox: &Sandbox, name: &str, command: &str) {
    sandbox.ok("secure-io ca init --quiet");
    fs::create_dir_all(sandbox.path(".pki/nssdb")).unwrap();
    sandbox.ok("certutil -d sql:.pki/nssdb -N --empty-password");
    sandbox.ok(&format!("certutil -d sql:.pki/nssdb -A -n secure-io -t C,, -i {ROOT}"));
    let run = Run::start(sandbox, name, free_port(), command);
    let chromium = chromium().display().to_string();
    let variables = [("SECURE_IO_URL", run.url.as_str()), ("SECURE_IO_CHROMIUM", &chromium)];
    let seen = script(sandbox, "replaced-module.mjs", &variables);
    assert_eq!(seen, "secure first\nreplaced second without a reload\n");
    end(run, sandbox);
}

/// Vite ignores PORT, and gives way to another port when its own is taken.
#[test]
fn two_of_vite_run_side_by_side() {
    let (one, two) = (site(&VITE), site(&VITE));
    let port = free_port();
    let first = Run::start(&one, "one", port, "npm run dev");
    // Another home: neither knows of the other.
    let second = Run::start(&two, "two", free_port(), "npm run dev");
    assert!(first.get(&one, "/text.js").contains("first"));
    assert!(second.get(&two, "/text.js").contains("first"));
    end(first, &one);
    end(second, &two);
}

#[test]
fn express_with_socket_io_answers_over_polling_and_websocket() {
    let server = r#"
import express from "express";
import { createServer } from "node:http";
import { Server } from "socket.io";
const app = express();
app.set("trust proxy", "loopback");
app.get("/", (request, response) => response.cookie("id", "1").send(`${request.protocol} ${request.hostname}`));
app.get("/old", (_, response) => response.redirect("/"));
const server = createServer(app);
new Server(server).on("connection", (socket) => socket.on("echo", (text, done) => done(text)));
server.listen(process.env.PORT);
"#;
    let package = r#"{"name": "chat", "type": "module", "scripts": {"dev": "node server.js"}}"#;
    let sandbox = site(&[("server.js", server), ("package.json", package)]);
    let run = Run::start(&sandbox, "chat", free_port(), "npm run dev");
    assert_eq!(run.get(&sandbox, "/"), "https chat.localhost");
    let head = sandbox.ok(&format!("curl -sS --cacert {ROOT} -D - -o /dev/null {}/", run.url)).to_lowercase();
    assert!(head.contains("set-cookie: id=1; path=/; secure"), "{head}");
    for transport in ["polling", "websocket", "upgrade"] {
        let root = sandbox.path(ROOT).display().to_string();
        let variables = [("SECURE_IO_URL", run.url.as_str()), ("TRANSPORT", transport), ("NODE_EXTRA_CA_CERTS", &root)];
        let expected = if transport == "upgrade" { "websocket" } else { transport };
        assert_eq!(script(&sandbox, "echo-by-name.mjs", &variables), format!("hello by {expected}\n"));
    }
    end(run, &sandbox);
}

#[test]
fn pythons_server_is_told_where_to_listen() {
    let sandbox = site(&[("index.html", "from Python")]);
    let run = Run::start(&sandbox, "files", free_port(), "python3 -m http.server");
    assert_eq!(run.get(&sandbox, "/index.html"), "from Python");
    end(run, &sandbox);
}

/// The Python with the packages of `tests/python/requirements.txt`.
fn python() -> String {
    format!("{}/target/python/bin/python3", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn flask_reads_its_own_variable() {
    let app = "from flask import Flask, request\napp = Flask(__name__)\n@app.get('/')\ndef index():\n    return request.host\n";
    let sandbox = site(&[("app.py", app)]);
    let run = Run::start(&sandbox, "flask", free_port(), &format!("{} -m flask run --debug", python()));
    assert_eq!(run.get(&sandbox, "/"), run.url.trim_start_matches("https://"));
    end(run, &sandbox);
}

#[test]
fn django_is_told_where_to_listen() {
    let manage = r#"
import sys
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
settings.configure(DEBUG=True, SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=[])
urlpatterns = [path("", lambda request: HttpResponse(request.get_host()))]
execute_from_command_line(sys.argv)
"#;
    let sandbox = site(&[("manage.py", manage)]);
    let run = Run::start(&sandbox, "django", free_port(), &format!("{} manage.py runserver", python()));
    assert_eq!(run.get(&sandbox, "/"), run.url.trim_start_matches("https://"));
    end(run, &sandbox);
}
