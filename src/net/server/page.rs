//! The demo page at `/`: a template filled with the certificate and the page's own connection.

use askama::Template;

use crate::judge::report;
use crate::net::server::client_js;
use crate::net::server::peer::Peer;

/// The page's style sheet, served at `/demo.css`.
pub(crate) const CSS: &str = include_str!("../../../templates/page/demo.css");

/// The page's script, served at `/demo.js`; its head documents the attributes that tests read.
pub(crate) const JS: &str = include_str!("../../../templates/page/demo.js");

/// The page that tries insecure connections from a secure page, served at `/mixed-content`.
pub(crate) const MIXED_CONTENT: &str = include_str!("../../../templates/page/mixed-content.html");

/// Its script, served at `/mixed-content.js`.
pub(crate) const MIXED_CONTENT_JS: &str = include_str!("../../../templates/page/mixed-content.js");

/// The page's icon, served at `/favicon.svg`.
pub(crate) const ICON: &str = include_str!("../../../templates/page/favicon.svg");

/// Content of the page before its script runs.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// The certificate the server presents.
    pub(crate) certificate: &'a report::Certificate,
    /// The connection that asked for the page; `None` if TLS ends in front of this server.
    pub(crate) connection: Option<&'a report::Connection>,
    /// The client that asked for the page.
    pub(super) peer: &'a Peer,
    /// True if `/socket.io/socket.io.js` is available.
    pub(crate) client_js: bool,
}

/// Renders the page as HTML, without inline script or style, for a strict Content-Security-Policy.
///
/// # Errors
///
/// If the template fails.
pub(crate) fn render(page: &Page<'_>) -> Result<String, askama::Error> {
    let &Page { certificate, connection, peer, client_js } = page;
    let (missing, built_in) = (client_js::MISSING, client_js::VERSION);
    Index { certificate, connection, peer, client_js, missing, built_in }.render()
}

#[derive(Template)]
#[template(path = "page/index.html")]
struct Index<'a> {
    certificate: &'a report::Certificate,
    connection: Option<&'a report::Connection>,
    peer: &'a Peer,
    client_js: bool,
    missing: &'a str,
    built_in: Option<&'a str>,
}

/// A subjectAltName entry, its kind apart.
struct Name<'a> {
    kind: &'a str,
    value: &'a str,
}

impl Index<'_> {
    fn names(&self) -> impl Iterator<Item = Name<'_>> {
        self.certificate.subject_alt_names.iter().map(|name| {
            let (kind, value) = name.split_once(':').unwrap_or(("", name));
            Name { kind, value }
        })
    }

    /// The fingerprint in groups that the eye can compare; copied without the gaps.
    fn fingerprint_groups(&self) -> Vec<String> {
        let digits: Vec<char> = self.certificate.sha256_fingerprint.chars().collect();
        digits.chunks(8).map(|group| group.iter().collect()).collect()
    }

    /// The cipher suite's name in pieces between which a line may break.
    fn cipher_suite_parts(&self) -> impl Iterator<Item = &str> {
        self.connection.map_or("none here", |connection| &connection.cipher_suite).split_inclusive('_')
    }

    /// The way by which the page came, after `This page came over`.
    fn protocol(&self) -> &str {
        match self.connection {
            Some(connection) => &connection.tls_version,
            None if self.peer.is_secure => "HTTPS to a proxy",
            None => "plain HTTP",
        }
    }

    /// The group of the key exchange.
    fn key_exchange(&self) -> &str {
        self.connection.and_then(|connection| connection.key_exchange.as_deref()).unwrap_or("none")
    }

    fn alpn(&self) -> &str {
        self.connection.and_then(|connection| connection.alpn.as_deref()).unwrap_or("none")
    }

    /// The client's address, and the proxy in between.
    fn client(&self) -> String {
        let address = self.peer.address.ip().to_canonical();
        let through = self.peer.through.map(|through| format!(", through {}", through.ip().to_canonical()));
        format!("{address}{}", through.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn certificate() -> report::Certificate {
        report::Certificate {
            version: 3,
            serial: "0a1b".to_owned(),
            subject: "CN=localhost".to_owned(),
            issuer: "CN=secure-io intermediate".to_owned(),
            not_before: datetime!(2026-11-22 09:00 UTC).into(),
            not_after: datetime!(2027-02-20 09:00 UTC).into(),
            subject_alt_names: vec!["DNS:localhost".to_owned(), "IP:::1".to_owned()],
            public_key: report::PublicKey {
                algorithm: "EC".to_owned(),
                curve: Some("P-256".to_owned()),
                bits: Some(256),
                exponent: None,
            },
            signature_algorithm: "ecdsa-with-SHA256".to_owned(),
            is_ca: false,
            path_len: None,
            key_usage: vec!["digitalSignature".into()],
            extended_key_usage: vec!["serverAuth".into()],
            subject_key_id: None,
            authority_key_id: None,
            sha256_fingerprint: "0123456789abcdef".repeat(4),
            sha1_fingerprint: "0123456789".repeat(4),
            spki_sha256: "fedcba9876543210".repeat(4),
            self_signed: false,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Vec::new(),
            notes: Vec::new(),
            lint: None,
        }
    }

    fn connection() -> report::Connection {
        report::Connection {
            tls_version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            key_exchange: Some("X25519MLKEM768".to_owned()),
            alpn: Some("http/1.1".to_owned()),
        }
    }

    fn rendered(certificate: &report::Certificate, client_js: bool) -> String {
        let peer = Peer::new(([203, 0, 113, 7], 5555).into(), None, None);
        render(&Page { certificate, connection: Some(&connection()), peer: &peer, client_js })
            .expect("the template renders")
    }

    #[test]
    fn the_certificate_and_the_connection_are_shown() {
        let html = rendered(&certificate(), true);
        for shown in [
            "TLSv1.3",
            "X25519MLKEM768",
            "203.0.113.7",
            "TLS_<wbr>AES_<wbr>256_<wbr>GCM_<wbr>SHA384<wbr>",
            "<span>DNS</span> <code>localhost</code>",
            "<span>IP</span> <code>::1</code>",
            "CN=secure-io intermediate",
            r#"datetime="2027-02-20T09:00:00Z""#,
            "<span>01234567</span><span>89abcdef</span>",
            "EC P-256",
        ] {
            assert!(html.contains(shown), "{shown} is not in {html}");
        }
    }

    #[test]
    fn a_self_signed_certificate_is_called_so() {
        let html = rendered(&report::Certificate { self_signed: true, ..certificate() }, true);
        assert!(html.contains("self-signed"));
        assert!(!html.contains("CN=secure-io intermediate"));
    }

    #[test]
    fn a_certificate_without_names_or_subject_is_told_from_one_with_them() {
        let bare = report::Certificate { subject_alt_names: Vec::new(), subject: String::new(), ..certificate() };
        let html = rendered(&bare, true);
        assert!(html.contains("without a subjectAltName"));
        assert!(html.contains("empty; the names above"));
    }

    #[test]
    fn hostile_names_are_escaped() {
        let hostile = r#""><script>alert('1')</script><img src=x onerror="alert(2)">"#;
        let certificate = report::Certificate {
            subject: hostile.to_owned(),
            issuer: hostile.to_owned(),
            subject_alt_names: vec![format!("DNS:{hostile}"), hostile.to_owned()],
            signature_algorithm: hostile.to_owned(),
            sha256_fingerprint: hostile.to_owned(),
            ..certificate()
        };
        let html = rendered(&certificate, true);
        assert_eq!(html.matches("<script").count(), 2);
        assert!(!html.contains("<img"));
        assert!(!html.contains(r#"onerror=""#));
    }

    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        for html in [rendered(&certificate(), true), rendered(&certificate(), false)] {
            assert!(html.split("<script").skip(1).all(|rest| rest.starts_with(" src=\"/")), "an inline script");
            assert!(!html.contains("<style") && !html.contains(" style="), "an inline style");
            let attribute = |rest: &str| rest.chars().find(|c| !c.is_alphabetic()) == Some('=');
            assert!(!html.split(" on").skip(1).any(attribute), "an inline handler");
            assert!(!html.contains("://"), "an address with a host");
        }
        assert!(!CSS.contains("url(") && !CSS.contains("@import"));
        assert!(!JS.contains("innerHTML") && !JS.contains("eval("));
    }

    #[test]
    fn a_page_without_a_client_asks_for_none_and_says_why() {
        let html = rendered(&certificate(), false);
        assert!(!html.contains("/socket.io/socket.io.js\" defer"));
        assert!(html.contains("data-state=\"no-client\""));
        assert!(html.contains("--client-js"));
        assert!(rendered(&certificate(), true).contains("/socket.io/socket.io.js\" defer"));
    }
}
