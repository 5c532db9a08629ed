//! Server programs that are recognised by their answers.

use super::http::Response;

/// A program for which fixes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Software {
    Nginx,
    HaProxy,
    Caddy,
    Node,
}

impl Software {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::HaProxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Node => "Node",
        }
    }

    /// The program that gave an answer, by its header fields.
    pub(super) fn of(response: &Response) -> Option<Self> {
        let server = response.value("server").unwrap_or_default().to_ascii_lowercase();
        let powered = response.value("x-powered-by").unwrap_or_default();
        match () {
            () if server.starts_with("nginx") => Some(Self::Nginx),
            () if server.starts_with("caddy") => Some(Self::Caddy),
            () if server.starts_with("haproxy") => Some(Self::HaProxy),
            () if ["Express", "Next.js"].iter().any(|name| powered.starts_with(name)) => Some(Self::Node),
            () => None,
        }
    }
}
