//! Limiters of requests, whose refusals pass.

use std::time::Duration;

/// A limiter of requests that allows one a second allows another one by then.
pub(in crate::net) const PAUSE: Duration = Duration::from_millis(1_050);

/// Decides whether nginx itself refuses, as it does for its limits and for maintenance; `server` is the field Server.
pub(in crate::net) fn is_nginxs_own(server: Option<&str>, text: &str) -> bool {
    server.is_some_and(|server| server.starts_with("nginx")) && text.contains("503 Service Temporarily Unavailable")
}
