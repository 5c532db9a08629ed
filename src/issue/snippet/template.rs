//! The templates, and the values they take.

use askama::Template;

use super::Upstream;

/// Values of a template; texts are quoted for its format already.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) one_file: String,
    pub(super) program: String,
    /// The certificate's dNSNames.
    pub(super) names: Vec<String>,
    /// Its names and addresses, as in URLs.
    pub(super) hosts: Vec<String>,
    pub(super) port: u16,
    pub(super) to: Vec<Upstream>,
    pub(super) ipv6: bool,
}

/// Suites of TLS 1.2 in TLSRef's intermediate profile, as OpenSSL names them.
const SUITES: [&str; 6] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// The same as the IANA names them, for servers that are written in Go.
const IANA_SUITES: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// Suites of TLS 1.3.
const TLS13_SUITES: &str = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

#[expect(clippy::unused_self, reason = "templates call methods of the values")]
impl Values {
    fn suites(&self) -> String {
        SUITES.join(":")
    }

    fn suite_list(&self) -> [&'static str; 6] {
        SUITES
    }

    fn iana_suites(&self) -> [&'static str; 6] {
        IANA_SUITES
    }

    fn tls13_suites(&self) -> &'static str {
        TLS13_SUITES
    }

    /// True if a client has to come back to the same server.
    fn is_several(&self) -> bool {
        self.to.len() > 1
    }

    /// The host to name in a URL.
    fn host(&self) -> &str {
        let concrete = self.names.iter().find(|name| !name.starts_with('*'));
        concrete.or(self.hosts.first()).map_or("localhost", String::as_str)
    }

    /// The server whose URL a person opens.
    fn url(&self) -> String {
        match self.port {
            443 => format!("https://{}", self.host()),
            port => format!("https://{}:{port}", self.host()),
        }
    }

    /// A name for objects of Kubernetes: a DNS label.
    fn label(&self) -> String {
        let label = self.host().to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let label: String = label.chars().take(50).collect();
        format!("tls-{}", label.trim_matches('-'))
    }

    /// Hexadecimal digits by which a hash chooses one server of several.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn digits(&self, index: &usize) -> String {
        let digits = "0123456789abcdef".chars().skip(*index).step_by(self.to.len().max(1));
        digits.collect()
    }
}

/// A template of `templates/snippets/`, and its function.
macro_rules! template {
    ($function:ident, $path:literal) => {
        pub(super) fn $function(values: &Values) -> Result<String, askama::Error> {
            #[derive(Template)]
            #[template(path = $path, escape = "none")]
            struct Filled<'a> {
                v: &'a Values,
            }
            Filled { v: values }.render().map(|text| text.trim_end().to_owned() + "\n")
        }
    };
}

template!(nginx, "snippets/nginx.conf");
template!(haproxy, "snippets/haproxy.cfg");
template!(caddy, "snippets/Caddyfile");
template!(traefik, "snippets/traefik.yaml");
template!(apache, "snippets/apache.conf");
template!(envoy, "snippets/envoy.yaml");
template!(node, "snippets/node.mjs");
template!(express, "snippets/express.mjs");
template!(vite, "snippets/vite.config.mjs");
template!(next, "snippets/next.mjs");
template!(systemd, "snippets/secure-io.service");
template!(kubernetes, "snippets/kubernetes.yaml");
template!(gateway_api, "snippets/gateway-api.yaml");

/// Compose runs nginx, with the configuration that nginx has elsewhere.
pub(super) fn docker_compose(values: &Values) -> Result<String, askama::Error> {
    #[derive(Template)]
    #[template(path = "snippets/compose.yaml", escape = "none")]
    struct Filled<'a> {
        v: &'a Values,
        nginx: String,
        is_host_needed: bool,
    }
    let is_host_needed = values.to.iter().any(Upstream::is_here);
    let inside = Values {
        certificate: "/run/secrets/server-cert.pem".to_owned(),
        key: "/run/secrets/server-key.pem".to_owned(),
        one_file: String::new(),
        program: String::new(),
        names: values.names.clone(),
        hosts: values.hosts.clone(),
        port: values.port,
        to: values.to.iter().map(Upstream::seen_from_container).collect(),
        ipv6: false,
    };
    let nginx = nginx(&inside)?.replace('$', "$$");
    let lines = nginx.lines().map(|line| if line.is_empty() { String::new() } else { format!("      {line}") });
    let nginx = lines.collect::<Vec<_>>().join("\n");
    Filled { v: values, nginx, is_host_needed }.render().map(|text| text.trim_end().to_owned() + "\n")
}
