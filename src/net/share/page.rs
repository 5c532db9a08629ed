//! The page that a phone opens.

use askama::Template;

use super::{QrCode, Shared};
use crate::judge::report::Certificate;

#[derive(Template)]
#[template(path = "share/index.html")]
struct Page<'a> {
    root: &'a Certificate,
    fingerprint: String,
    permitted: Option<String>,
    url: &'a str,
    qr_path: Option<(usize, String)>,
    platform: Platform,
}

/// The system that asks, whose steps are shown open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    Apple,
    Android,
    Other,
}

impl Platform {
    fn of(user_agent: &str) -> Self {
        match user_agent {
            agent if agent.contains("iPhone") || agent.contains("iPad") => Self::Apple,
            agent if agent.contains("Android") => Self::Android,
            _ => Self::Other,
        }
    }
}

/// Renders the page for a client.
///
/// # Errors
///
/// If the template fails.
pub(super) fn render(shared: &Shared, user_agent: &str) -> Result<String, askama::Error> {
    let platform = Platform::of(user_agent);
    // A phone that has the page needs no code for it.
    let code = QrCode::new(&shared.url).ok().filter(|_| platform == Platform::Other);
    let page = Page {
        root: &shared.authority.root,
        fingerprint: fingerprint(&shared.authority.root.sha256_fingerprint),
        permitted: shared.authority.permitted.as_ref().map(|permitted| permitted.join(", ")),
        url: &shared.url,
        qr_path: code.map(|code| (code.side(), code.svg_path())),
        platform,
    };
    page.render()
}

/// A fingerprint as phones and browsers show it: `AB:CD:…`.
#[must_use]
pub fn fingerprint(hex: &str) -> String {
    let digits: Vec<char> = hex.to_ascii_uppercase().chars().collect();
    let octets: Vec<String> = digits.chunks(2).map(|octet| octet.iter().collect()).collect();
    octets.join(":")
}
