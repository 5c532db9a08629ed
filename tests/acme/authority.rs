//! A local CA and its ACME server, in a sandbox.

use std::net::TcpListener;

use crate::sandbox::{Background, Sandbox};

pub(crate) const ROOT: &str = ".local/share/secure-io/ca/root.pem";

pub(crate) struct Authority {
    pub(crate) sandbox: Sandbox,
    pub(crate) server: Background,
    pub(crate) http_port: u16,
    pub(crate) tls_port: u16,
}

impl Authority {
    pub(crate) fn start(flags: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.ok("secure-io ca init -q");
        let (http_port, tls_port) = (free_port(), free_port());
        let server = serve(&sandbox, flags, 0, http_port, tls_port);
        Self { sandbox, server, http_port, tls_port }
    }

    /// Stops the server as a power cut would, and starts it again on its port.
    pub(crate) fn restart(self, flags: &str) -> Self {
        let Self { sandbox, mut server, http_port, tls_port } = self;
        let port = server.port;
        server.kill();
        let server = serve(&sandbox, flags, port, http_port, tls_port);
        Self { sandbox, server, http_port, tls_port }
    }

    pub(crate) fn directory(&self) -> String {
        format!("{}/directory", self.server.url())
    }

    pub(crate) fn root(&self) -> String {
        self.sandbox.path(ROOT).display().to_string()
    }

    /// The CA's log.
    pub(crate) fn log(&self) -> String {
        String::from_utf8(self.sandbox.read(".local/share/secure-io/ca/log.jsonl")).unwrap()
    }
}

fn serve(sandbox: &Sandbox, flags: &str, port: u16, http: u16, tls: u16) -> Background {
    let line = format!("secure-io ca serve --port {port} --http-01-port {http} --tls-alpn-port {tls} {flags}");
    sandbox.start(&line, "Secure server is running on https://localhost:")
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
