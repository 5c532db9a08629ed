//! Configurations of other servers that end TLS with a certificate at hand, for WebSocket and Socket.IO applications.
//!
//! [`PLATFORMS`] is the table: a row per server, with its template in `templates/snippets/` and the way in which its
//! format quotes a value. A value that a format cannot hold is refused, never written in a way that reads as something
//! else.

mod quote;
mod template;
mod upstream;

use std::path::{Path, PathBuf};

use self::quote::Quote;
use self::template::Values;
pub use self::upstream::{BadUpstream, Upstream};

/// A server that a configuration can be written for.
#[derive(Debug, Clone, Copy)]
pub struct Platform {
    /// Name on the command line.
    pub name: &'static str,
    /// Name in prose.
    pub title: &'static str,
    /// Servers behind the platform.
    pub behind: Behind,
    /// The default port.
    pub port: u16,
    /// True if certificate and key are read from one file.
    pub wants_one_file: bool,
    quote: Quote,
    render: fn(&Values) -> Result<String, askama::Error>,
}

/// Servers behind a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// One or more: this one unless others are named.
    Servers(&'static str),
    /// One, which the platform itself multiplies: this one unless another is named.
    Service(&'static str),
    /// None unless one is named.
    Optional,
    /// None: the platform is the application's own server.
    Nothing,
}

const fn platform(
    name: &'static str,
    title: &'static str,
    behind: Behind,
    quote: Quote,
    render: fn(&Values) -> Result<String, askama::Error>,
) -> Platform {
    Platform { name, title, behind, port: 443, wants_one_file: false, quote, render }
}

const fn development(platform: Platform) -> Platform {
    Platform { port: 3000, ..platform }
}

const HERE: Behind = Behind::Servers("http://127.0.0.1:3000");

/// All platforms.
pub static PLATFORMS: [Platform; 14] = [
    platform("nginx", "nginx", HERE, Quote::Nginx, template::nginx),
    Platform { wants_one_file: true, ..platform("haproxy", "HAProxy", HERE, Quote::HaProxy, template::haproxy) },
    platform("caddy", "Caddy", HERE, Quote::Caddyfile, template::caddy),
    platform("traefik", "Traefik", HERE, Quote::Traefik, template::traefik),
    platform("apache", "Apache", HERE, Quote::Apache, template::apache),
    platform("envoy", "Envoy", HERE, Quote::Json, template::envoy),
    development(platform("node", "Node", Behind::Nothing, Quote::Json, template::node)),
    development(platform("express", "Express", Behind::Nothing, Quote::Json, template::express)),
    development(platform("vite", "Vite", Behind::Optional, Quote::Json, template::vite)),
    development(platform("next", "Next", Behind::Nothing, Quote::Json, template::next)),
    platform(
        "docker-compose",
        "Docker Compose",
        Behind::Servers("http://app:3000"),
        Quote::Compose,
        template::docker_compose,
    ),
    platform("systemd", "systemd", Behind::Nothing, Quote::Systemd, template::systemd),
    platform("kubernetes", "Kubernetes", Behind::Service("http://app:3000"), Quote::Json, template::kubernetes),
    platform("gateway-api", "the Gateway API", Behind::Service("http://app:3000"), Quote::Json, template::gateway_api),
];

impl Platform {
    /// The platform with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PLATFORMS.iter().find(|platform| platform.name == name)
    }
}

/// Facts that a configuration is written from.
#[derive(Debug, Clone)]
pub struct Site {
    /// The certificate's file, by a path that means the same everywhere.
    pub certificate: PathBuf,
    /// The private key's file.
    pub key: PathBuf,
    /// The file with both, for platforms that want one.
    pub one_file: PathBuf,
    /// Names and addresses of the certificate, without their kind.
    pub hosts: Vec<String>,
    /// Port to listen on.
    pub port: u16,
    /// Servers behind; if empty, the platform's usual one.
    pub to: Vec<Upstream>,
    /// True if the machine has IPv6, which some servers refuse to start without once it is configured.
    pub ipv6: bool,
    /// This program, for units that run it.
    pub program: PathBuf,
}

/// Reason why a configuration cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that the platform's format cannot hold.
    #[error("`{value}` cannot be written in a configuration of {platform}: {reason}")]
    Unwritable {
        /// The value.
        value: String,
        /// The platform, in prose.
        platform: &'static str,
        /// The obstacle.
        reason: String,
    },
    /// Servers are named behind something that is a server itself.
    #[error("a configuration of {platform} has no server behind it")]
    NothingBehind {
        /// The platform, in prose.
        platform: &'static str,
    },
    /// Several servers are named where the platform multiplies one.
    #[error("{platform} takes one server, and {count} are named")]
    OneBehind {
        /// The platform, in prose.
        platform: &'static str,
        /// The number of servers named.
        count: usize,
    },
    /// More servers than the platform's way to choose between them can tell apart.
    #[error("{platform} takes {most} servers at most, and {count} are named")]
    TooMany {
        /// The platform, in prose.
        platform: &'static str,
        /// The largest number of servers.
        most: usize,
        /// The number of servers named.
        count: usize,
    },
    /// An address where the platform wants the name of a service.
    #[error("{platform} sends to a Service by its name, not to `{host}`")]
    NoService {
        /// The platform, in prose.
        platform: &'static str,
        /// The host that is named.
        host: String,
    },
    /// The template failed.
    #[error(transparent)]
    Template(#[from] askama::Error),
}

/// Servers that Apache's choice by one hexadecimal digit can tell apart.
const MOST_BEHIND_APACHE: usize = 16;

/// Writes the configuration.
///
/// # Errors
///
/// [`Error`] if the platform lacks a requested feature, or its format cannot hold a value.
pub fn write(platform: &Platform, site: &Site) -> Result<String, Error> {
    let to = servers_behind(platform, site)?;
    let quoted = |path: &Path| quoted(platform, path);
    let is_safe = |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_*".contains(c));
    let is_name = |name: &&String| name.parse::<std::net::IpAddr>().is_err();
    let hosts = site.hosts.iter().filter_map(|host| match host.parse() {
        Ok(std::net::IpAddr::V6(v6)) => Some(format!("[{v6}]")),
        _ => Some(host.clone()).filter(|host| is_safe(&host)),
    });
    let values = Values {
        certificate: quoted(&site.certificate)?,
        key: quoted(&site.key)?,
        one_file: if platform.wants_one_file { quoted(&site.one_file)? } else { String::new() },
        program: if platform.quote == Quote::Systemd { program(platform, site)? } else { String::new() },
        names: site.hosts.iter().filter(is_safe).filter(is_name).cloned().collect(),
        hosts: hosts.collect(),
        port: site.port,
        to,
        ipv6: site.ipv6,
    };
    Ok((platform.render)(&values)?)
}

fn quoted(platform: &Platform, path: &Path) -> Result<String, Error> {
    quoted_as(platform.quote, platform, path)
}

/// This program, as the first word of a unit's command.
fn program(platform: &Platform, site: &Site) -> Result<String, Error> {
    quoted_as(Quote::SystemdWord, platform, &site.program)
}

fn quoted_as(quote: Quote, platform: &Platform, path: &Path) -> Result<String, Error> {
    let unwritable = |reason: &str| Error::Unwritable {
        value: path.display().to_string(),
        platform: platform.title,
        reason: reason.to_owned(),
    };
    let text = path.to_str().ok_or_else(|| unwritable("it is not UTF-8"))?;
    quote.quoted(text).map_err(|reason| unwritable(&reason))
}

fn servers_behind(platform: &Platform, site: &Site) -> Result<Vec<Upstream>, Error> {
    let (title, count) = (platform.title, site.to.len());
    let usual = |usual: &str| if count == 0 { usual.parse().into_iter().collect() } else { site.to.clone() };
    match platform.behind {
        Behind::Nothing if count > 0 => Err(Error::NothingBehind { platform: title }),
        Behind::Optional | Behind::Service(_) if count > 1 => Err(Error::OneBehind { platform: title, count }),
        Behind::Servers(_) if platform.name == "apache" && count > MOST_BEHIND_APACHE => {
            Err(Error::TooMany { platform: title, most: MOST_BEHIND_APACHE, count })
        }
        Behind::Service(name) => {
            let service = usual(name);
            match service.iter().find(|upstream| !upstream.is_service()) {
                Some(upstream) => Err(Error::NoService { platform: title, host: upstream.host().to_owned() }),
                None => Ok(service),
            }
        }
        Behind::Servers(name) => Ok(usual(name)),
        Behind::Optional | Behind::Nothing => Ok(site.to.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site {
            certificate: "/tls/my cert.pem".into(),
            key: "/tls/key.pem".into(),
            one_file: "/tls/both.pem".into(),
            hosts: ["app.test", "127.0.0.1", "::1", "bad;name"].map(str::to_owned).to_vec(),
            port: 8443,
            to: Vec::new(),
            ipv6: true,
            program: "/usr/bin/secure-io".into(),
        }
    }

    #[test]
    fn every_platform_names_the_files_and_the_port() {
        for platform in &PLATFORMS {
            let text = write(platform, &site()).unwrap();
            let name = platform.name;
            assert!(text.contains("8443"), "{name}: {text}");
            let file = if platform.wants_one_file { "/tls/both.pem" } else { "/tls/key.pem" };
            assert!(text.contains(file), "{name}: {text}");
            assert!(!text.contains("bad;name"), "{name}: a certificate's names are not trusted: {text}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{name}");
            assert!(text.lines().all(|line| line == line.trim_end()), "{name}: {text}");
        }
    }

    #[test]
    fn a_server_of_its_own_has_nothing_behind_it() {
        let several = ["3001", "3002"].map(|to| to.parse::<Upstream>().unwrap()).to_vec();
        let write_to =
            |name, to: &[Upstream]| write(Platform::named(name).unwrap(), &Site { to: to.to_vec(), ..site() });
        assert!(matches!(write_to("node", &several), Err(Error::NothingBehind { .. })));
        assert!(matches!(write_to("vite", &several), Err(Error::OneBehind { .. })));
        assert!(write_to("vite", &several[..1]).is_ok());
        assert!(matches!(write_to("kubernetes", &several[..1]), Err(Error::NoService { .. })));
        assert!(matches!(
            write_to("apache", &std::iter::repeat_n(several.clone(), 9).flatten().collect::<Vec<_>>()),
            Err(Error::TooMany { .. })
        ));
    }
}
