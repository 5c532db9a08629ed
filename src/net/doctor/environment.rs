//! Variables that change which roots programs trust.

use std::path::Path;

use super::{Remedy, Seen};
use crate::base::files;
use crate::base::words::counted;
use crate::encoding::container;
use crate::judge::report::doctor::{Area, State};

/// The variables that are looked at.
pub const VARIABLES: [&str; 26] = [
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "PYTHONHTTPSVERIFY",
    "GIT_SSL_NO_VERIFY",
    "npm_config_strict_ssl",
    "NODE_EXTRA_CA_CERTS",
    "DENO_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "NODE_OPTIONS",
    "SSLKEYLOGFILE",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "npm_config_cafile",
];

/// Fewer certificates than any system's roots.
const FEW: usize = 10;

/// Looks at variables; `root` is the local CA's root.
#[must_use]
pub fn environment(variables: &[(&'static str, String)], root: Option<&[u8]>) -> Vec<Seen> {
    let mut all: Vec<_> = variables
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| variable(name, value, root))
        .collect();
    all.extend(proxy(variables));
    if all.is_empty() {
        all.push(seen(State::Ok, "variables", "none of those that change whom programs trust is set".to_owned()));
    }
    all
}

fn seen(state: State, subject: &str, message: String) -> Seen {
    Seen::new(Area::Environment, state, subject, message)
}

fn variable(name: &'static str, value: &str, root: Option<&[u8]>) -> Option<Seen> {
    let off = |who: &str| {
        let message = format!("{who} accepts every certificate, also from those who sit in between");
        Some(seen(State::Trouble, &format!("{name}={value}"), message).with(Remedy::Unset(name)))
    };
    match (name, value) {
        ("NODE_TLS_REJECT_UNAUTHORIZED", "0") => off("Node"),
        ("PYTHONHTTPSVERIFY", "0") => off("Python 2"),
        ("GIT_SSL_NO_VERIFY", value) if !matches!(value, "0" | "false") => off("Git"),
        ("npm_config_strict_ssl", "false") => off("npm"),
        ("SSLKEYLOGFILE", path) => {
            Some(seen(State::Note, name, format!("browsers and curl write the secrets of TLS connections to `{path}`")))
        }
        ("NODE_OPTIONS", options) if options.contains("--tls-min-v1.0") || options.contains("--use-openssl-ca") => {
            Some(seen(State::Note, name, format!("it changes TLS for every Node: {options}")))
        }
        ("NODE_EXTRA_CA_CERTS" | "DENO_CERT", path) => Some(bundle(name, path, root, false)),
        (
            "SSL_CERT_FILE" | "REQUESTS_CA_BUNDLE" | "CURL_CA_BUNDLE" | "GIT_SSL_CAINFO" | "PIP_CERT" | "AWS_CA_BUNDLE"
            | "CARGO_HTTP_CAINFO" | "NIX_SSL_CERT_FILE" | "npm_config_cafile",
            path,
        ) => Some(bundle(name, path, root, true)),
        ("SSL_CERT_DIR", folders) => {
            let missing = folders.split(':').find(|folder| !folder.is_empty() && !files::exists(Path::new(folder)))?;
            Some(seen(State::Trouble, name, format!("the folder `{missing}` does not exist")).with(Remedy::Unset(name)))
        }
        _ => None,
    }
}

/// A file of roots, trusted besides the system's or in their place.
fn bundle(name: &'static str, path: &str, root: Option<&[u8]>, replaces: bool) -> Seen {
    let trouble = |message: String| {
        let remedy = if root.is_some() { Remedy::CaEnv } else { Remedy::Unset(name) };
        seen(State::Trouble, name, message).with(remedy)
    };
    // certifi and requests take a folder as well.
    if Path::new(path).is_dir() {
        return seen(State::Note, name, format!("`{path}` is a folder"));
    }
    let bytes = match files::read(Path::new(path)) {
        Ok(bytes) => bytes,
        Err(_) if !files::exists(Path::new(path)) => {
            return trouble(format!("`{path}` does not exist: programs go on without it, or fail"));
        }
        Err(error) => return trouble(format!("`{path}` cannot be read: {error}")),
    };
    let certificates = match container::certificates(&bytes) {
        Ok(certificates) => certificates,
        Err(error) => return trouble(format!("`{path}` is no use: {error}")),
    };
    let count = counted(certificates.len(), "certificate");
    let has_root = root.map(|root| certificates.iter().any(|der| **der == *root));
    match has_root {
        _ if replaces && certificates.len() < FEW => {
            let message = format!("`{path}` takes the place of the system's roots, and holds {count}");
            let seen = seen(State::Trouble, name, message);
            seen.with(if root.is_some() { Remedy::CaEnv } else { Remedy::Unset(name) })
        }
        Some(false) => {
            let message = format!("`{path}` ({count}) does not hold the local CA's root");
            seen(State::Note, name, message).with(Remedy::CaEnv)
        }
        Some(true) => seen(State::Ok, name, format!("`{path}` ({count}) holds the local CA's root")),
        None => seen(State::Ok, name, format!("`{path}` ({count})")),
    }
}

/// A proxy that also gets the requests to this machine.
fn proxy(variables: &[(&'static str, String)]) -> Option<Seen> {
    let value = |names: &[&str]| -> Option<(&'static str, &str)> {
        let mut set = variables.iter().filter(|(name, value)| names.contains(name) && !value.is_empty());
        set.next().map(|(name, value)| (*name, value.as_str()))
    };
    let (name, proxy) = value(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"])?;
    let (exempting, exceptions) = value(&["NO_PROXY", "no_proxy"]).unwrap_or(("NO_PROXY", ""));
    let spares = |host: &str| exceptions.split([',', ' ']).any(|exception| exception == host || exception == "*");
    // A proxy's password is nobody's to read.
    let shown = proxy.rsplit_once('@').map_or(proxy, |(_, host)| host);
    if spares("localhost") && (spares("127.0.0.1") || spares("127.0.0.0/8") || spares("*")) {
        return Some(seen(State::Ok, name, format!("requests go through {shown}, those to localhost do not")));
    }
    let message = format!("requests to https://localhost go through {shown} as well");
    // Those that somebody has set stay.
    let others = exceptions.trim_end_matches(',');
    let comma = if others.is_empty() { "" } else { "," };
    let exceptions = format!("{others}{comma}localhost,.localhost,127.0.0.1,::1");
    Some(seen(State::Trouble, name, message).with(Remedy::Export(exempting, exceptions)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(variables: &[(&'static str, &str)], root: Option<&[u8]>) -> Vec<(State, Option<Remedy>)> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        environment(&variables, root).into_iter().map(|seen| (seen.observation.state, seen.remedy)).collect()
    }

    /// Settings that cost people an afternoon, and harmless ones.
    #[test]
    fn variables_that_switch_checks_off_are_trouble() {
        let unset = |name| (State::Trouble, Some(Remedy::Unset(name)));
        assert_eq!(states(&[("NODE_TLS_REJECT_UNAUTHORIZED", "0")], None), [unset("NODE_TLS_REJECT_UNAUTHORIZED")]);
        assert_eq!(states(&[("NODE_TLS_REJECT_UNAUTHORIZED", "1")], None), [(State::Ok, None)]);
        assert_eq!(states(&[("GIT_SSL_NO_VERIFY", "true")], None), [unset("GIT_SSL_NO_VERIFY")]);
        assert_eq!(states(&[("SSL_CERT_FILE", "/no/such.pem")], None), [unset("SSL_CERT_FILE")]);
        assert_eq!(states(&[("NODE_EXTRA_CA_CERTS", "/no/x")], Some(b"")), [(State::Trouble, Some(Remedy::CaEnv))]);
        assert_eq!(states(&[], None), [(State::Ok, None)]);
    }

    #[test]
    fn a_proxy_has_to_spare_this_machine() {
        assert_eq!(states(&[("HTTPS_PROXY", "http://u:secret@proxy:3128")], None)[0].0, State::Trouble);
        assert_eq!(states(&[("https_proxy", "x"), ("no_proxy", "localhost,127.0.0.1")], None), [(State::Ok, None)]);
        let added = states(&[("https_proxy", "x"), ("no_proxy", "intranet.test,")], None);
        let exceptions = "intranet.test,localhost,.localhost,127.0.0.1,::1".to_owned();
        assert_eq!(added, [(State::Trouble, Some(Remedy::Export("no_proxy", exceptions)))]);
        let variables = [("HTTPS_PROXY", "http://u:secret@proxy:3128".to_owned())];
        assert!(!environment(&variables, None)[0].observation.message.contains("secret"));
    }
}
