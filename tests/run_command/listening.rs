//! The port on which the command really listens.

use crate::{ROOT, Run, curl, free_port, site, telling};

#[test]
fn a_server_that_takes_port_is_found_and_is_told_of_https() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    let run = Run::start(&sandbox, "app", free_port(), "node server.cjs");
    let seen: serde_json::Value = serde_json::from_str(&run.get(&sandbox, "/")).unwrap();
    assert_eq!(seen["headers"]["x-forwarded-proto"], "https", "{seen}");
    assert_eq!(seen["headers"]["host"], run.url.trim_start_matches("https://"), "{seen}");
    assert_eq!(seen["environment"]["SECURE_IO_URL"], run.url, "{seen}");
    assert_eq!(seen["environment"]["HOST"], "127.0.0.1", "{seen}");
}

/// Most of what people complain about in such programs: the server listens elsewhere, and the page is 502.
#[test]
fn a_server_that_listens_elsewhere_is_found_below_npm() {
    let elsewhere = free_port();
    let package = r#"{"name": "@acme/elsewhere", "scripts": {"dev": "node server.cjs"}}"#;
    let sandbox = site(&[("server.cjs", &telling(&elsewhere.to_string())), ("package.json", package)]);
    let mut run = Run::start(&sandbox, "elsewhere", free_port(), "npm run dev");
    assert!(run.get(&sandbox, "/").contains("\"pid\""));
    run.signal(&sandbox, "TERM");
    let (_, said) = run.end();
    assert!(said.contains(&format!("node listens on port {elsewhere}, not on ")), "{said}");
}

/// A dev server that starts again may do so on another port.
#[test]
fn a_server_that_moves_is_found_again() {
    let ports = [free_port(), free_port()];
    let script = format!(
        r#"
const http = require("node:http");
const ports = {ports:?};
const listen = () => {{
  const server = http.createServer((request, response) => {{
    response.end(`on ${{server.address().port}}\n`);
    if (request.url === "/move") {{ server.close(listen); server.closeAllConnections?.(); setTimeout(() => server.closeAllConnections(), 100); }}
  }});
  server.listen(ports.shift(), "127.0.0.1");
}};
listen();
"#
    );
    let sandbox = site(&[("server.cjs", &script)]);
    let mut run = Run::start(&sandbox, "moving", free_port(), "node server.cjs");
    assert_eq!(run.get(&sandbox, "/"), format!("on {}\n", ports[0]));
    sandbox.run(&curl(&format!("{}/move", run.url)));
    // A client that comes too early makes it look again.
    sandbox.run(&curl(&format!("{}/", run.url)));
    run.background().wait_for(&format!("leads to http://127.0.0.1:{} from now on", ports[1]));
    assert_eq!(run.get(&sandbox, "/"), format!("on {}\n", ports[1]));
}

/// An API and the pages that use it are often started together; only one of them is for browsers.
#[test]
fn of_two_servers_the_one_with_the_pages_is_served() {
    let pages = r#"
const http = require("node:http");
http.createServer((_, response) => {
  response.setHeader("Content-Type", "text/html");
  response.end("<h1>pages</h1>");
}).listen(PORT, "127.0.0.1");
"#;
    let port = free_port();
    let sandbox = site(&[
        ("api.cjs", &telling("process.env.PORT")),
        ("pages.cjs", &pages.replace("PORT", &port.to_string())),
        ("both.sh", "node api.cjs & node pages.cjs & wait"),
    ]);
    let run = Run::start(&sandbox, "both", free_port(), "sh both.sh");
    let seen = || run.get(&sandbox, "/");
    // The API may have been there first.
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !seen().contains("pages") {
        assert!(std::time::Instant::now() < deadline, "{}", seen());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Programs below ::1 alone are common since Node 17; another program may have the same port on 127.0.0.1.
#[test]
fn a_server_on_the_other_loopback_address_is_found() {
    let script = telling("process.env.PORT").replace("127.0.0.1", "::1");
    let sandbox = site(&[("server.cjs", &script)]);
    let run = Run::start(&sandbox, "six", free_port(), "node server.cjs");
    assert!(run.get(&sandbox, "/").contains("\"pid\""));
}

#[test]
fn until_the_server_is_there_the_page_waits_for_it() {
    let sandbox = site(&[("server.cjs", &telling("process.env.PORT"))]);
    sandbox.write("later.sh", "echo started :1; while ! [ -e go ]; do sleep 0.05; done; exec node server.cjs");
    let port = free_port();
    let url = format!("https://later.localhost:{port}");
    let mut run = sandbox.start(&format!("secure-io run later --port {port} -- sh later.sh"), "started :");
    let page = sandbox.ok(&format!("curl -sS --max-time 50 --cacert {ROOT} -H Accept:text/html {url}"));
    assert!(page.contains("http-equiv=\"refresh\""), "{page}");
    sandbox.write("go", "");
    run.wait_for(&format!("Secure server is running on {url}, in front of "));
    assert!(sandbox.ok(&curl(&url)).contains("\"pid\""));
    sandbox.ok(&format!("kill -TERM {}", run.id()));
    run.end();
}
