//! The proxies, as processes.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Proxy under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Haproxy,
    Nginx,
    Caddy,
}

impl Side {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Haproxy, Self::Nginx, Self::Caddy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "secure-io",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
        }
    }

    fn program(self) -> Option<PathBuf> {
        if self == Self::Ours {
            return Some(env!("CARGO_BIN_EXE_secure-io").into());
        }
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
        folders.iter().map(|folder| Path::new(folder).join(self.name())).find(|program| program.exists())
    }

    pub(crate) fn is_installed(self) -> bool {
        self.program().is_some()
    }
}

/// The folder with the certificate that all show, and the server behind them.
pub(crate) struct Bench {
    folder: TempDir,
    behind: SocketAddr,
}

impl Bench {
    pub(crate) fn prepare(behind: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(Side::Ours.program().unwrap());
        command.args(["gen-cert", "--quiet", "localhost"]).current_dir(&folder);
        assert!(command.status().unwrap().success());
        let bench = Self { folder, behind };
        let both = [bench.read("server-cert.pem"), bench.read("server-key.pem")].concat();
        bench.write("both.pem", &both);
        bench
    }

    #[expect(clippy::disallowed_methods, reason = "files of the benchmark's own")]
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "files of the benchmark's own")]
    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Starts a proxy on a core of its own and waits until it is ready.
    pub(crate) fn start(&self, side: Side) -> Running {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let behind = self.behind;
        let here = self.folder.path().display();
        let arguments: Vec<String> = match side {
            Side::Ours => format!("proxy --quiet --port {port} --to http://{behind}"),
            Side::Haproxy => {
                self.write(
                    "haproxy.cfg",
                    &format!(
                        "global\n nbthread 1\n maxconn 2000\ndefaults\n mode http\n timeout connect 5s\n timeout client 1h\n \
                         timeout server 1h\n timeout tunnel 1h\nfrontend f\n bind 127.0.0.1:{port} ssl crt {here}/both.pem \
                         alpn h2,http/1.1\n http-request set-header X-Forwarded-Proto https\n \
                         http-request set-header X-Forwarded-For %[src]\n \
                         http-request set-header X-Forwarded-Host %[req.hdr(Host)]\n \
                         default_backend b\nbackend b\n server s {behind}\n"
                    ),
                );
                "-db -f haproxy.cfg".to_owned()
            }
            Side::Nginx => {
                self.write(
                    "nginx.conf",
                    &format!(
                        "daemon off; master_process off; pid {here}/nginx.pid; error_log /dev/null;\n\
                         events {{ worker_connections 2000; }}\nhttp {{\n access_log off; keepalive_requests 100000000;\n \
                         client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;\n \
                         uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;\n \
                         map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n \
                         upstream b {{ server {behind}; keepalive 256; keepalive_requests 100000000; }}\n server {{\n \
                         listen 127.0.0.1:{port} ssl http2; ssl_protocols TLSv1.2 TLSv1.3;\n \
                         ssl_certificate {here}/server-cert.pem; ssl_certificate_key {here}/server-key.pem;\n \
                         location / {{ proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Host $http_host;\n \
                         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;\n \
                         proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;\n \
                         proxy_set_header X-Forwarded-Host $http_host; proxy_read_timeout 1h; }} }} }}\n"
                    ),
                );
                format!("-p {here} -c {here}/nginx.conf")
            }
            Side::Caddy => {
                self.write(
                    "Caddyfile",
                    &format!(
                        "{{\n admin off\n auto_https off\n}}\nhttps://localhost:{port} {{\n bind 127.0.0.1\n \
                         tls {here}/server-cert.pem {here}/server-key.pem\n reverse_proxy {behind}\n}}\n"
                    ),
                );
                "run --config Caddyfile --adapter caddyfile".to_owned()
            }
        }
        .split(' ')
        .map(str::to_owned)
        .collect();
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(side.program().unwrap()).args(arguments);
        command.current_dir(&self.folder).env("HOME", self.folder.path()).env("GOMAXPROCS", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        while TcpStream::connect(address).is_err() {
            thread::sleep(Duration::from_millis(20));
        }
        Running { process, address }
    }
}

/// A proxy that is stopped when it is dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// The processor time it has used, in microseconds.
    #[expect(clippy::disallowed_methods, reason = "what the kernel says")]
    pub(crate) fn processor_time(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // Behind the name in brackets: field 14 is user time, 15 system time, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() * 10_000.0).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Keeps a process that runs to a core.
pub(crate) fn pin(process: u32, core: usize) {
    let mut command = Command::new("taskset");
    command.args(["-c", "-p", &core.to_string(), &process.to_string()]).stdout(Stdio::null());
    command.status().ok();
}
