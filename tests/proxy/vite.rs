//! Vite behind the proxy: the page, hot module replacement over its WebSocket, and its refusal of hosts.

use std::path::Path;

use crate::peer::proxy;
use crate::sandbox::{Background, Sandbox};

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");

/// Vite's dev server, on whichever loopback address it likes.
fn vite(sandbox: &Sandbox) -> Background {
    std::os::unix::fs::symlink(Path::new(NODE).join("node_modules"), sandbox.path("node_modules")).unwrap();
    sandbox.write("package.json", r#"{ "type": "module" }"#);
    sandbox.write("index.html", r#"<!doctype html><script type="module" src="/main.js"></script>"#);
    sandbox.write("main.js", "document.title = 'one';\nimport.meta.hot.accept();\n");
    sandbox.write(
        "dev.mjs",
        r#"
import { createServer } from "vite";
const server = await createServer({ server: { port: 0, strictPort: false }, logLevel: "silent", cacheDir: ".vite" });
await server.listen();
console.log(`listening on :${server.httpServer.address().port}`);
"#,
    );
    sandbox.start("node dev.mjs", "listening on :")
}

/// A client of Vite's WebSocket that says which updates it is told of.
fn client(sandbox: &Sandbox, port: u16, host: &str) -> Background {
    sandbox.write(
        "hmr.mjs",
        r#"
import WebSocket from "ws";
import https from "node:https";
const [port, host] = process.argv.slice(2);
const options = { port, host: "localhost", headers: { host }, rejectUnauthorized: false };
const get = (path) => new Promise((done) => https.get({ ...options, path }, async (response) => {
  let text = "";
  for await (const chunk of response) text += chunk;
  done(text);
}));
const script = await get("/@vite/client");
const token = script.match(/wsToken = "([^"]+)"/)?.[1];
const socket = new WebSocket(`wss://localhost:${port}/?token=${token}`, "vite-hmr", {
  headers: { host, origin: `https://${host}` }, rejectUnauthorized: false,
});
// A module is sent updates once it has been asked for.
socket.on("message", async (data) => {
  const { type } = JSON.parse(data);
  if (type === "connected") await get("/main.js");
  console.log(`${type} :1`);
});
socket.on("unexpected-response", (request, response) => console.log(`refused ${response.statusCode} :1`));
"#,
    );
    sandbox.start(&format!("node hmr.mjs {port} {host}"), " :1")
}

#[test]
fn modules_are_replaced_through_the_proxy() {
    let sandbox = Sandbox::new();
    let server = vite(&sandbox);
    let proxy = proxy(&sandbox, &format!("--to {}", server.port));
    let page = sandbox.ok(&format!("curl -sk {}/", proxy.url()));
    assert!(page.contains("/@vite/client"), "{page}");
    let mut client = client(&sandbox, proxy.port, &format!("localhost:{}", proxy.port));
    sandbox.write("main.js", "document.title = 'two';\nimport.meta.hot.accept();\n");
    client.wait_for("update :1");
}

/// Vite 5.4.12 and later refuse hosts that they do not know, and say nothing that names the proxy.
#[test]
fn a_host_that_vite_refuses_is_explained_and_let_in_by_another() {
    let sandbox = Sandbox::new();
    let server = vite(&sandbox);
    let mut strict = proxy(&sandbox, &format!("--to {}", server.port));
    let refused = sandbox.ok(&format!("curl -sk -H Host:app.test {}/", strict.url()));
    assert!(refused.contains("Blocked request. This host (\"app.test\") is not allowed."), "{refused}");
    let line = strict.wait_for("refuses the host app.test");
    assert!(line.contains("server.allowedHosts") && line.contains("--upstream-host localhost"), "{line}");
    let known = proxy(&sandbox, &format!("--to {} --upstream-host localhost", server.port));
    let page = sandbox.ok(&format!("curl -sk -H Host:app.test {}/", known.url()));
    assert!(page.contains("/@vite/client"), "{page}");
    let mut client = client(&sandbox, known.port, "app.test");
    sandbox.write("main.js", "document.title = 'two';\nimport.meta.hot.accept();\n");
    client.wait_for("update :1");
}
