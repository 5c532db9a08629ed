//! The table of servers by host and path, which can be changed while the proxy runs.

use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use crate::net::proxy::target::{Target, TargetError};

/// A server for some or all requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The host that was asked for, in lower case and without a port; `None` for all that no other route names.
    pub host: Option<String>,
    /// The path at which requests begin, `/` for all: `/api` is for `/api` and `/api/users`, not for `/apiary`.
    pub path: String,
    /// The server.
    pub target: Target,
}

impl FromStr for Route {
    type Err = TargetError;

    /// Reads `TARGET`, `HOST=TARGET`, `/PATH=TARGET` or `HOST/PATH=TARGET`.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let Some((asked, target)) = text.split_once('=').filter(|(asked, _)| !asked.contains(':')) else {
            return Ok(Self { host: None, path: "/".to_owned(), target: text.parse()? });
        };
        let (host, path) = asked.split_at(asked.find('/').unwrap_or(asked.len()));
        let host = (!host.is_empty()).then(|| host.to_ascii_lowercase());
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Ok(Self { host, path, target: target.parse()? })
    }
}

impl Route {
    fn serves(&self, path: &str) -> bool {
        let prefix = self.path.trim_end_matches('/');
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) || prefix.is_empty()
    }
}

/// The routes, shared with whoever changes them.
#[derive(Debug, Default)]
pub struct Routes(RwLock<Vec<Route>>);

impl Routes {
    /// A table with these routes.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        Self(RwLock::new(routes))
    }

    /// Adds a route, in place of one for the same host and path. Requests under way go on.
    pub fn insert(&self, route: Route) {
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|one| (&one.host, &one.path) != (&route.host, &route.path));
        routes.push(route);
    }

    /// Removes the routes of a host.
    pub fn remove(&self, host: &str) {
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|route| route.host.as_deref() != Some(host));
    }

    /// Finds the server for a request to a host without its port: a route that names its host before one for all, a longer path before a shorter.
    pub(super) fn find(&self, host: &str, path: &str) -> Option<Target> {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_asked = |route: &&Route| {
            route.serves(path) && route.host.as_ref().is_none_or(|named| named.eq_ignore_ascii_case(host))
        };
        let found = routes.iter().filter(is_asked).max_by_key(|route| (route.host.is_some(), route.path.len()))?;
        Some(found.target.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_comes_before_the_path_and_the_longer_path_first() {
        let routes = ["1", "/socket.io=2", "api.test=3", "api.test/v1=4"].map(|text| text.parse().unwrap());
        let routes = Routes::new(routes.to_vec());
        let found = |host, path| match routes.find(host, path) {
            Some(Target::Http { port, .. }) => port,
            _ => 0,
        };
        assert_eq!(found("localhost", "/"), 1);
        assert_eq!(found("localhost", "/socket.io/"), 2);
        assert_eq!(found("localhost", "/socket.iox"), 1);
        assert_eq!(found("api.test", "/socket.io/"), 3);
        assert_eq!(found("api.test", "/v1/users"), 4);
        routes.insert("api.test=5".parse().unwrap());
        assert_eq!(found("api.test", "/"), 5);
        routes.remove("api.test");
        assert_eq!(found("api.test", "/v1"), 1);
    }
}
