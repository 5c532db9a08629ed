//! Clients whose nonces the server refuses again and again (RFC 8555 section 6.5): a gateway in front of it gives them nonces
//! that are none.

use crate::authority::{Authority, ROOT, free_port};
use crate::pebble::start;
use crate::sandbox::Background;

/// Passes requests on as they are, and answers with false nonces where `spoils` of the number of the answer, and of the method
/// of the request, says so.
const GATEWAY: &str = r#"
import https from "node:https";
import { readFileSync } from "node:fs";
const [port, spoils] = process.argv.slice(2);
const isSpoilt = eval(spoils);
let given = 0, refused = 0;
const cert = readFileSync("gateway-cert.pem"), key = readFileSync("gateway-key.pem");
const server = https.createServer({ cert, key }, (request, response) => {
  const { method, url: path, headers } = request;
  const passed = https.request({ host: "127.0.0.1", port, method, path, headers, rejectUnauthorized: false }, (answer) => {
    const fields = answer.headers;
    if (fields["replay-nonce"] && isSpoilt(given++, method)) fields["replay-nonce"] = [...fields["replay-nonce"]].reverse().join("");
    response.writeHead(answer.statusCode, fields);
    let body = "";
    answer.on("data", (part) => { body += part; response.write(part); });
    answer.on("end", () => {
      response.end();
      if (body.includes("badNonce")) console.log(`refused nonces: ${++refused}`);
    });
  });
  request.pipe(passed);
});
server.listen(0, "127.0.0.1", () => console.log(`gateway on :${server.address().port}`));
"#;

/// Those that come with the answer to a POST are, and those of newNonce are not: every POST but the first is refused once.
const OF_POSTS: &str = r#"(number,method)=>method==="POST""#;

/// Half of them are, in no order: up to six in a row. The sequence is the same in each run.
const HALF: &str = "(number)=>Math.floor(1000*Math.abs(Math.sin(number+1)))%2===0";

fn gateway(authority: &Authority, spoils: &str) -> (Background, String) {
    let sandbox = &authority.sandbox;
    sandbox.ok("secure-io gen-cert -q --ca --name gateway localhost");
    sandbox.write("gateway.mjs", GATEWAY);
    let gateway = sandbox.start(&format!("node gateway.mjs {} {spoils}", authority.server.port), "gateway on :");
    let directory = format!("{}/directory", gateway.url());
    (gateway, directory)
}

#[test]
fn our_client_gets_its_certificate() {
    let authority = Authority::start("");
    let (mut gateway, directory) = gateway(&authority, HALF);
    let port = authority.tls_port;
    let line = format!("serve --port {port} --acme {directory} --acme-domain app.localhost --acme-trust {ROOT}");
    let mut server = start(&authority.sandbox, &line);
    server.wait_for("Secure server is running on https://app.localhost");
    authority.sandbox.run(&format!("curl -sS --cacert {ROOT} https://app.localhost:{port}")).success().says("Hello");
    gateway.wait_for("refused nonces: 3");
}

#[test]
fn lego_gets_and_renews_its_certificate() {
    let authority = Authority::start("");
    let (mut gateway, directory) = gateway(&authority, HALF);
    let line = format!(
        "lego --server {directory} --accept-tos --email me@example.test --path lego --tls --tls.port :{} -d app.localhost",
        authority.tls_port
    );
    for action in ["run", "renew --days 100 --no-random-sleep"] {
        let mut command = authority.sandbox.command("lego");
        let line = format!("{line} {action}");
        command.args(line.split(' ').skip(1)).env("LEGO_CA_CERTIFICATES", authority.root());
        authority.sandbox.finish(&line, &mut command, b"").success();
    }
    gateway.wait_for("refused nonces: 3");
}

/// certbot tries each request a second time and no more, for which it asks for another nonce.
#[test]
fn certbot_gets_its_certificate() {
    let authority = Authority::start("");
    let (mut gateway, directory) = gateway(&authority, OF_POSTS);
    let folders = "--config-dir certbot --work-dir certbot/work --logs-dir certbot/logs --non-interactive";
    let line = format!(
        "certbot certonly --standalone --http-01-port {} -d app.localhost --agree-tos -m me@example.test --server {directory} {folders}",
        authority.http_port
    );
    let mut command = authority.sandbox.command("certbot");
    command.args(line.split(' ').skip(1)).env("REQUESTS_CA_BUNDLE", authority.root());
    authority.sandbox.finish(&line, &mut command, b"").success();
    let live = "certbot/live/app.localhost";
    authority.sandbox.ok(&format!("openssl verify -CAfile {ROOT} -untrusted {live}/chain.pem {live}/cert.pem"));
    gateway.wait_for("refused nonces: 5");
}

/// One that refuses every nonce is given up, with a line that says so.
#[test]
fn a_server_that_refuses_every_nonce_is_given_up() {
    let authority = Authority::start("");
    let (_gateway, directory) = gateway(&authority, "()=>true");
    let port = free_port();
    let line = format!("serve --port {port} --acme {directory} --acme-domain app.localhost --acme-trust {ROOT}");
    let mut server = start(&authority.sandbox, &line);
    let line = server.wait_for("No certificate by ACME");
    assert!(line.contains("badNonce"), "{line}");
}
