//! Names a local CA may sign for, as nameConstraints (RFC 5280 section 4.2.1.10).

use super::Error;
use crate::judge::inspect;
pub use crate::x509::constraints::Permit;
use crate::x509::constraints::{self, BadPermit, NameConstraints};
use crate::x509::csr::Extension;
use crate::x509::name;

/// Names a local CA may sign for by default: names that no public CA may certify, and addresses that are
/// not routed on the Internet.
pub const DEFAULT_PERMIT: [&str; 12] = [
    "localhost",
    "test",
    "internal",
    "local",
    "home.arpa",
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

impl Permit {
    /// A warning about more names than one person owns: those below a public suffix, or all addresses.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let (what, is_public) = match self {
            Self::Domain(name) | Self::Email(name) | Self::UriHost(name) => {
                let is_local = DEFAULT_PERMIT.contains(&name.as_str());
                ("every domain below it", !is_local && name::is_public_suffix(name.as_bytes()))
            }
            Self::Range(network) => ("every address", network.prefix_len() == 0),
        };
        is_public.then(|| format!("`{self}` is permitted: whoever steals this CA's key can sign for {what}, for you"))
    }
}

impl From<BadPermit> for Error {
    fn from(BadPermit { input, instead }: BadPermit) -> Self {
        Self::Permit { input, instead }
    }
}

/// Reads the permitted names; `default`, or an empty list, stands for [`DEFAULT_PERMIT`]. `None` for `any`.
///
/// # Errors
///
/// As [`Permit::parse`].
pub(super) fn permits(asked: &[String]) -> Result<Option<Vec<Permit>>, Error> {
    if asked.iter().any(|name| name == "any") {
        return Ok(None);
    }
    let default = ["default".to_owned()];
    let mut permits = Vec::new();
    for name in if asked.is_empty() { &default } else { asked } {
        if name == "default" {
            permits.extend(DEFAULT_PERMIT.map(Permit::parse).into_iter().collect::<Result<Vec<_>, _>>()?);
        } else {
            permits.push(Permit::parse(name)?);
        }
    }
    Ok(Some(unique(permits)))
}

/// An intermediate's permitted names, as its nameConstraints have them; `None` if any name is permitted.
pub(super) fn permitted(certificate: &[u8]) -> Result<Option<Vec<Permit>>, Error> {
    let certificate = inspect::parse(certificate)?;
    Ok(certificate.extensions().name_constraints().map(NameConstraints::permits))
}

/// The nameConstraints extension, critical; a kind without a permitted name gets one that nobody has.
///
/// directoryName is left to [`no_subject`]: Go refuses every certificate below a CA whose critical constraints speak of
/// it.
pub(super) fn extension(permits: &[Permit]) -> Extension {
    let value = constraints::write(&constraints::closed(permits, constraints::nothing()), &[]);
    Extension { oid: NAME_CONSTRAINTS.to_owned(), critical: true, value }
}

/// The nameConstraints extension that excludes every subject.
///
/// The extension is not critical, because Go refuses every certificate below a critical one that has a directoryName.
pub(super) fn no_subject() -> Extension {
    Extension { oid: NAME_CONSTRAINTS.to_owned(), critical: false, value: constraints::NO_SUBJECT.to_vec() }
}

const NAME_CONSTRAINTS: &str = "2.5.29.30";

pub(super) fn unique(permits: Vec<Permit>) -> Vec<Permit> {
    let mut seen = Vec::new();
    for permit in permits {
        if !seen.contains(&permit) {
            seen.push(permit);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::name::SubjectAltName;

    #[test]
    fn more_than_one_person_owns_is_warned_about() {
        let warning = |input: &str| Permit::parse(input).unwrap().warning();
        for input in ["com", "co.uk", "*.com", "@com", "spiffe://com", "0.0.0.0/0", "::/0"] {
            assert!(warning(input).is_some(), "{input}");
        }
        for input in DEFAULT_PERMIT.into_iter().chain(["example.com", "github.io", "corp", "me@example.com"]) {
            assert_eq!(warning(input), None, "{input}");
        }
    }

    /// Constraints apply per kind: a kind without a permitted name was unconstrained.
    #[test]
    fn every_kind_is_constrained() {
        let extension = extension(&[Permit::parse("dev.test").unwrap()]);
        assert!(extension.critical);
        let read = NameConstraints::parse(&extension.value).unwrap();
        assert_eq!(read.permitted_text()[0], "dev.test");
        for name in ["a.dev.test", "test", "10.0.0.1", "::1", "me@dev.test", "spiffe://dev.test/a"] {
            let name: SubjectAltName = name.parse().unwrap();
            let permitted = read.check([&(&name).into()], &mut constraints::BUDGET.clone()).is_ok();
            assert_eq!(permitted, name.value() == "a.dev.test", "{name}");
        }
    }
}
