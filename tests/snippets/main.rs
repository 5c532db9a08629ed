//! What `snippet` prints, run by the servers it is for: two Socket.IO servers behind, Node's client in front.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which writes files for other programs")]

#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "the part that is used here")]
mod sandbox;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use sandbox::{Background, Program, Sandbox};

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");

/// A sandbox with a certificate in a folder whose name has a space, and two servers.
struct Site {
    sandbox: Sandbox,
    port: u16,
    behind: [Background; 2],
}

impl Site {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.path("my files")).unwrap();
        sandbox.ok("secure-io gen-cert --quiet --out-dir 'my files'");
        std::os::unix::fs::symlink(Path::new(NODE).join("node_modules"), sandbox.path("node_modules")).unwrap();
        let behind = [(); 2].map(|()| sandbox.start(&format!("node {NODE}/behind.mjs"), "listening on port:"));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        Self { sandbox, port, behind }
    }

    /// The configuration for both servers, or for none.
    fn snippet(&self, platform: &str, behind: usize) -> String {
        let files = "--cert 'my files/server-cert.pem' --key 'my files/server-key.pem'";
        let to: Vec<_> = self.behind.iter().take(behind).map(|server| format!("--to {}", server.port)).collect();
        self.sandbox.ok(&format!("secure-io snippet {platform} {files} --port {} {}", self.port, to.join(" ")))
    }

    fn write(&self, name: &str, content: &str) {
        self.sandbox.write(name, content);
    }

    /// Starts a server, and holds it to what the configuration promises.
    fn check(&self, line: &str, echoes: bool) {
        // Any first line will do; the port shows that it is ready.
        let words: Vec<_> = line.split_whitespace().collect();
        let mut server = Program::start(self.sandbox.command(words[0]).args(&words[1..]));
        let deadline = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "{line}: nothing listens on {}", self.port);
            assert!(!server.has_ended(), "{line}: it has ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.look(echoes);
        // Servers end as they are asked to, not only by being killed.
        self.sandbox.ok(&format!("kill -TERM {}", server.id()));
        server.wait();
    }

    fn look(&self, echoes: bool) {
        let url = format!("https://localhost:{}", self.port);
        let mut client = self.sandbox.command("node");
        client.args(["--test", &format!("{NODE}/in-front.mjs")]);
        client.env("SECURE_IO_URL", &url).env("SECURE_IO_CA", "my files/server-cert.pem");
        client.envs(echoes.then_some(("SECURE_IO_ECHO", "1")));
        self.sandbox.finish("in-front.mjs", &mut client, b"").success();
        let json = self.sandbox.ok(&format!("secure-io check --json --trust 'my files/server-cert.pem' {url}"));
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(report["targets"][0]["tlsref"]["profile"], "intermediate", "{}", report["targets"][0]["tlsref"]);
    }
}

#[test]
fn nginx() {
    let site = Site::new();
    let folder = site.sandbox.path("").display().to_string();
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    let http = format!("events {{}}\nhttp {{\naccess_log off;\n{paths}{}}}\n", site.snippet("nginx", 2));
    site.write(
        "nginx.conf",
        &format!("daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/log;\n{http}"),
    );
    site.check(&format!("nginx -c {folder}/nginx.conf"), true);
}

#[test]
fn haproxy() {
    let site = Site::new();
    let both = [site.sandbox.read("my files/server-key.pem"), site.sandbox.read("my files/server-cert.pem")].concat();
    fs::write(site.sandbox.path("my files/server-cert-and-key.pem"), both).unwrap();
    site.write("haproxy.cfg", &site.snippet("haproxy", 2));
    site.check("haproxy -db -f haproxy.cfg", true);
}

#[test]
fn caddy() {
    let site = Site::new();
    // Caddy's own port for changes is one for the whole machine.
    site.write("Caddyfile", &site.snippet("caddy", 2).replacen("{\n", "{\n\tadmin off\n", 1));
    site.check("caddy run --config Caddyfile --adapter caddyfile", true);
}

#[test]
fn apache() {
    let site = Site::new();
    let folder = site.sandbox.path("").display().to_string();
    let modules = "mpm_event authz_core ssl socache_shmcb headers proxy proxy_http rewrite proxy_balancer \
                   lbmethod_byrequests slotmem_shm http2";
    let load = |name: &str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let modules: String = modules.split_whitespace().map(load).collect();
    let own = format!("ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\nErrorLog {folder}/log\n");
    let user = "User www-data\nGroup www-data\n";
    site.write("apache.conf", &format!("{modules}{own}{user}{}", site.snippet("apache", 2)));
    site.check(&format!("apache2 -DFOREGROUND -f {folder}/apache.conf"), true);
}

#[test]
fn node_and_express() {
    for platform in ["node", "express"] {
        let site = Site::new();
        site.write("server.mjs", &site.snippet(platform, 0));
        site.check("node server.mjs", false);
    }
}

#[test]
fn vite() {
    let site = Site::new();
    site.write("vite.config.mjs", &site.snippet("vite", 1));
    site.write("index.html", "<p>here</p>\n");
    site.check("node node_modules/vite/bin/vite.js", true);
}

/// The lines of a page of docs that are set off behind a heading or a sentence.
fn set_off(page: &str, behind: &str) -> String {
    let page = fs::read_to_string(format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (_, rest) = page.split_once(&format!("{behind}\n\n")).expect("the sentence is there");
    let lines = rest.lines().map_while(|line| line.strip_prefix("    "));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// What the pages about balancers show is a whole configuration, in which nothing is ignored.
#[test]
fn the_configurations_of_the_pages_are_read() {
    let site = Site::new();
    let file = |name: &str| site.sandbox.path(&format!("my files/{name}")).display().to_string();
    let both = [site.sandbox.read("my files/server-key.pem"), site.sandbox.read("my files/server-cert.pem")].concat();
    site.write("app.pem", std::str::from_utf8(&both).unwrap());
    for (page, behind) in [
        ("behind-a-balancer.md", "HAProxy, which ends TLS:"),
        ("behind-a-balancer.md", "HAProxy that passes TLS through (`serve --trusted-proxy … --proxy-protocol`):"),
        ("two-machines.md", "## Both, behind HAProxy"),
    ] {
        let shown = set_off(page, behind).replace("/etc/haproxy/", "");
        assert!(shown.contains("bind :443"), "{page}: {shown}");
        site.write("haproxy.cfg", &shown);
        let read = site.sandbox.run("/usr/sbin/haproxy -c -f haproxy.cfg").success();
        assert!(!read.stderr.contains("WARNING"), "{page}, {behind}: {}", read.stderr);
        let is_set = |field: &str| shown.contains(&format!("http-request set-header {field} "));
        let has_http = shown.contains("mode http");
        assert!(!has_http || ["X-Forwarded-For", "X-Forwarded-Host"].into_iter().all(is_set), "{shown}");
    }
    let shown = set_off("behind-a-balancer.md", "nginx:");
    assert!(
        shown.contains("X-Forwarded-Host $http_host;") && shown.contains("X-Forwarded-For $remote_addr;"),
        "{shown}"
    );
    let shown = shown.replace("/etc/nginx/app-cert.pem", &format!("'{}'", file("server-cert.pem")));
    let shown = shown.replace("/etc/nginx/app-key.pem", &format!("'{}'", file("server-key.pem")));
    let folder = site.sandbox.path("").display().to_string();
    site.write("nginx.conf", &format!("pid {folder}/pid;\nerror_log {folder}/log;\nevents {{}}\nhttp {{\n{shown}}}\n"));
    site.sandbox.ok(&format!("nginx -t -c {folder}/nginx.conf"));
}

/// Those whose programs are not at hand are read by a parser of their format, or by their checker.
#[test]
fn the_others_are_read_back() {
    let site = Site::new();
    let parsed = |text: &str| -> serde_json::Value {
        let mut parser = site.sandbox.command("node");
        let outcome = site.sandbox.finish("parse.mjs", parser.arg(format!("{NODE}/parse.mjs")), text.as_bytes());
        serde_json::from_str(&outcome.success().stdout_text()).unwrap()
    };
    let certificate = site.sandbox.path("my files/server-cert.pem").display().to_string();
    let traefik = &parsed(&site.snippet("traefik", 2))[0];
    assert_eq!(traefik["tls"]["certificates"][0]["certFile"], certificate);
    assert_eq!(traefik["http"]["services"]["secure-io"]["loadBalancer"]["servers"].as_array().unwrap().len(), 2);
    let envoy = &parsed(&site.snippet("envoy", 2))[0];
    assert_eq!(envoy["static_resources"]["clusters"][0]["lb_policy"], "RING_HASH");
    let compose = &parsed(&site.snippet("docker-compose", 1))[0];
    assert_eq!(compose["secrets"]["server-cert.pem"]["file"], certificate);
    let nginx = compose["configs"]["secure-io"]["content"].as_str().unwrap();
    assert!(nginx.contains("proxy_set_header Upgrade $$http_upgrade;"), "{nginx}");
    let ingress = &parsed(&site.snippet("kubernetes", 0))[0];
    assert_eq!(ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"], "app");
    let gateway = parsed(&site.snippet("gateway-api", 0));
    assert_eq!(gateway[0]["spec"]["listeners"][0]["port"], site.port);
    assert_eq!(gateway[1]["spec"]["hostnames"][0], "localhost");
    site.write("next.mjs", &site.snippet("next", 0));
    site.sandbox.ok("node --check next.mjs");
    site.write("secure-io.service", &site.snippet("systemd", 0));
    site.sandbox.ok("systemd-analyze verify ./secure-io.service");
}
