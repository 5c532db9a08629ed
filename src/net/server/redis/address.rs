//! The address of a Redis, with all that it takes to be let in.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// A Redis through which servers share their clients: its addresses, the user and the password, and TLS.
///
/// | URL | |
/// |---|---|
/// | `redis://[[USER]:PASSWORD@]HOST[:6379][/DATABASE]` | one Redis |
/// | `redis+sentinel://…HOST[:26379],…/MASTER[/DATABASE]` | the master of this name, as the sentinels know it |
/// | `redis+cluster://…HOST[:6379],…` | a Redis Cluster |
///
/// `rediss` in place of `redis` speaks TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct Redis {
    pub(super) kind: Kind,
    pub(super) hosts: Vec<(String, u16)>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
    pub(super) is_tls: bool,
    pub(super) prefix: String,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Standalone,
    Sentinel { master: String },
    Cluster,
}

/// Reason why a text is no address of a Redis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisUrlError {
    /// The scheme is another one.
    #[error("the scheme must be redis, rediss, redis+sentinel, rediss+sentinel, redis+cluster or rediss+cluster")]
    Scheme,
    /// A host is missing, or is none.
    #[error("it names no host")]
    Host,
    /// Several hosts are named where one is meant.
    #[error("redis:// and rediss:// name one host; redis+cluster:// and redis+sentinel:// may name several")]
    Hosts,
    /// The port is none.
    #[error("`{0}` is not a port")]
    Port(String),
    /// The sentinels cannot be asked without the name of a master.
    #[error("the name of the master is missing behind the sentinels, as in redis+sentinel://host:26379/mymaster")]
    Master,
    /// The database is not a number.
    #[error("`{0}` is not the number of a database")]
    Database(String),
    /// A cluster has one database.
    #[error("a cluster has no numbered databases")]
    ClusterDatabase,
    /// The prefix of the channels would be read as a pattern.
    #[error("the prefix `{0}` contains a character with a meaning of its own: one of * ? [ ] \\ #")]
    Prefix(String),
}

impl FromStr for Redis {
    type Err = RedisUrlError;

    fn from_str(url: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisUrlError::Scheme)?;
        let (base, kind) = scheme.split_once(['+', '-']).unwrap_or((scheme, ""));
        let is_tls = match base.to_ascii_lowercase().as_str() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(RedisUrlError::Scheme),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut path = path.split('/').filter(|part| !part.is_empty());
        let (kind, port) = match kind.to_ascii_lowercase().as_str() {
            "" => (Kind::Standalone, 6379),
            "sentinel" => {
                let master = path.next().ok_or(RedisUrlError::Master)?;
                (Kind::Sentinel { master: decoded(master) }, 26379)
            }
            "cluster" => (Kind::Cluster, 6379),
            _ => return Err(RedisUrlError::Scheme),
        };
        let database = match path.next() {
            None => 0,
            Some(_) if kind == Kind::Cluster => return Err(RedisUrlError::ClusterDatabase),
            Some(number) => number.parse().map_err(|_| RedisUrlError::Database(number.to_owned()))?,
        };
        let hosts: Vec<_> = hosts.split(',').map(|host| parse_host(host, port)).collect::<Result<_, _>>()?;
        if hosts.len() > 1 && kind == Kind::Standalone {
            return Err(RedisUrlError::Hosts);
        }
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let given = |text: &str| (!text.is_empty()).then(|| decoded(text));
        Ok(Self {
            kind,
            hosts,
            user: given(user),
            password: given(password),
            database,
            is_tls,
            prefix: "socket.io".to_owned(),
            roots: None,
            identity: None,
        })
    }
}

impl Redis {
    /// True for TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Trusts these CAs, PEM, in place of the system's.
    #[must_use]
    pub fn with_roots(self, pem: Vec<u8>) -> Self {
        Self { roots: Some(pem), ..self }
    }

    /// Shows a certificate with this key, both PEM.
    #[must_use]
    pub fn with_identity(self, certificate: Vec<u8>, key: Vec<u8>) -> Self {
        Self { identity: Some((certificate, key)), ..self }
    }

    /// Begins the names of channels so, in place of `socket.io`: servers with the same prefix share their clients.
    ///
    /// # Errors
    ///
    /// If the prefix would be read as a pattern.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, RedisUrlError> {
        if prefix.contains(['*', '?', '[', ']', '\\', '#']) {
            return Err(RedisUrlError::Prefix(prefix.to_owned()));
        }
        Ok(Self { prefix: prefix.to_owned(), ..self })
    }
}

/// The URL without user and password.
impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = if self.is_tls { "rediss" } else { "redis" };
        let kind = match self.kind {
            Kind::Standalone => "",
            Kind::Sentinel { .. } => "+sentinel",
            Kind::Cluster => "+cluster",
        };
        write!(f, "{base}{kind}://")?;
        for (index, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let is_v6 = host.contains(':');
            let (open, close) = if is_v6 { ("[", "]") } else { ("", "") };
            write!(f, "{comma}{open}{host}{close}:{port}")?;
        }
        if let Kind::Sentinel { master } = &self.kind {
            write!(f, "/{master}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A new field is to be looked at: it may be a secret.
        let Self { kind: _, hosts: _, user: _, password: _, database, is_tls: _, prefix, roots: _, identity: _ } = self;
        f.debug_struct("Redis")
            .field("address", &self.to_string())
            .field("database", database)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

fn parse_host(text: &str, default: u16) -> Result<(String, u16), RedisUrlError> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or(RedisUrlError::Host)?)),
        None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(RedisUrlError::Host);
    }
    let port = match port {
        None => default,
        Some(port) => port.parse().map_err(|_| RedisUrlError::Port(port.to_owned()))?,
    };
    Ok((host.to_owned(), port))
}

/// The text without percent escapes: passwords may hold any character.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Redis {
        url.parse().unwrap()
    }

    #[test]
    fn the_scheme_selects_the_kind_and_nothing_shows_the_password() {
        let one = parse("redis://localhost");
        assert_eq!((one.kind, one.hosts), (Kind::Standalone, vec![("localhost".to_owned(), 6379)]));
        let secret = parse("rediss://app:p%40ss:w@[::1]:7000/3");
        assert_eq!((secret.user.as_deref(), secret.password.as_deref()), (Some("app"), Some("p@ss:w")));
        assert_eq!((secret.database, secret.is_tls()), (3, true));
        assert_eq!(secret.to_string(), "rediss://[::1]:7000");
        assert!(!format!("{secret:?}").contains("p@ss"));
        let by_password = parse("redis://:geheim@127.0.0.1");
        assert_eq!((by_password.user, by_password.password.as_deref()), (None, Some("geheim")));
        let sentinel = parse("redis+sentinel://a,b:1/mymaster/2");
        assert_eq!(sentinel.kind, Kind::Sentinel { master: "mymaster".to_owned() });
        assert_eq!((sentinel.hosts.len(), sentinel.hosts[0].1, sentinel.database), (2, 26379, 2));
        assert_eq!(sentinel.to_string(), "redis+sentinel://a:26379,b:1/mymaster");
        assert_eq!(parse("rediss-cluster://a:1,b:2").to_string(), "rediss+cluster://a:1,b:2");
    }

    #[test]
    fn faults_are_named() {
        for (url, error) in [
            ("localhost:6379", RedisUrlError::Scheme),
            ("http://localhost", RedisUrlError::Scheme),
            ("redis+other://localhost", RedisUrlError::Scheme),
            ("redis://", RedisUrlError::Host),
            ("redis://:6379", RedisUrlError::Host),
            ("redis://a,b", RedisUrlError::Hosts),
            ("redis://a:x", RedisUrlError::Port("x".to_owned())),
            ("redis://a/x", RedisUrlError::Database("x".to_owned())),
            ("redis+cluster://a/1", RedisUrlError::ClusterDatabase),
            ("redis+sentinel://a", RedisUrlError::Master),
        ] {
            assert_eq!(url.parse::<Redis>().unwrap_err(), error, "{url}");
        }
        assert!(parse("redis://a").with_prefix("x*").is_err());
        assert_eq!(parse("redis://a").with_prefix("app").unwrap().prefix, "app");
    }
}
