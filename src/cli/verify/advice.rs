//! Commands in hints of `verify`: the files beside the certificate decide which one works.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use secure_io::report::verdict::{Code, Verdict};
use secure_io::{files, hex, inspect, key, verify::Purpose};

use super::Args;
use crate::cli::beside;
use crate::cli::command_line::{CommandLine, KEY};
use crate::cli::replacement::{Replacement, names};

/// A refused certificate, and its source.
pub(super) struct Refused<'a> {
    pub(super) args: &'a Args,
    pub(super) path: &'a Path,
    /// The certificate, and those behind it in the file.
    pub(super) chain: &'a [CertificateDer<'static>],
}

impl Refused<'_> {
    /// The command for a verdict on a file; `None` where none is known to work, and the verdict's own words have to do.
    pub(super) fn advice(&self, verdict: &Verdict) -> Option<String> {
        let error = verdict.error.as_ref()?;
        // The certificate of the file that is judged may not be its first.
        let leaf = self.certificate(verdict, 0)?;
        let is_now = self.args.question.at.is_none();
        let renewal = || Replacement { path: self.path, leaf, key: None, ca_dir: &self.args.ca_dir }.renewal();
        let is_leaf = verdict.chain.first().is_some_and(|link| error.certificate == Some(link.name()));
        Some(match error.code {
            Code::Expired if is_leaf && is_now => format!("renew it: `{}`", renewal()?),
            Code::Version => format!("have it issued again as version 3: `{}`", renewal()?),
            Code::CaAsLeaf => format!(
                "make one that is no CA in its place: `{}`; rustls clients refuse a CA in a server's place, openssl and \
                 browsers do not",
                renewal()?
            ),
            Code::WrongPurpose if is_leaf => {
                format!("{}: `{}`", error.hint.as_deref()?, self.for_purpose(leaf, renewal()?)?)
            }
            Code::HostMismatch => {
                let host = self.args.question.host.as_ref()?;
                let report = inspect::certificate(leaf).ok()?;
                format!("have it issued for that host as well: `{}`", renewal()?.args(names(&report)).arg(host))
            }
            Code::SelfSigned if is_leaf => {
                format!("trust it, if it is yours: `{}`", CommandLine::typed().flag("--trust", self.path))
            }
            Code::SelfSigned => {
                let root = verdict.chain.last()?;
                let path = beside::certificate_of(self.path, &root.sha256_fingerprint)?;
                format!("trust this root, if it is the right one: `{}`", CommandLine::typed().flag("--trust", path))
            }
            Code::UnknownIssuer => {
                let last = verdict.chain.len().checked_sub(1)?;
                let issuer = beside::issuer_of(self.path, self.certificate(verdict, last)?)?;
                let flag = if issuer.is_root { "--trust" } else { "--untrusted" };
                let command = CommandLine::typed().flag(flag, &issuer.path);
                format!("`{}` has its issuer: `{command}`", issuer.path.display())
            }
            Code::KeyMismatch => {
                let key = beside::key_for(self.path, &beside::spki_of(leaf)?)?;
                format!("`{}` belongs to it: `{}`", key.display(), CommandLine::typed().with(&KEY, &key))
            }
            Code::CrlInvalid if is_now => {
                let crl = self.args.ca_dir.paths().ok()?.crl;
                self.args.question.crl.iter().find(|path| files::same(path, &crl))?;
                format!("make the local CA's current one: `{}`", CommandLine::ours("ca crl").carrying_ca_dir())
            }
            _ => return None,
        })
    }

    /// The certificate at a place of the path, if it stands in the file.
    fn certificate(&self, verdict: &Verdict, place: usize) -> Option<&[u8]> {
        let fingerprint = &verdict.chain.get(place)?.sha256_fingerprint;
        self.chain.iter().find(|der| hex(&key::sha256(der)) == *fingerprint).map(AsRef::as_ref)
    }

    /// The renewal with what the certificate lacks: the purpose asked for, beside its own; keyUsage comes by itself.
    fn for_purpose(&self, leaf: &[u8], renewal: CommandLine) -> Option<CommandLine> {
        let purposes = inspect::certificate(leaf).ok()?.extended_key_usage;
        let has = |usage: &str| purposes.iter().any(|purpose| purpose == usage);
        let (wanted, flag, other) = match self.args.question.purpose.into() {
            Purpose::Client => ("clientAuth", "client", "serverAuth"),
            _ => ("serverAuth", "server", "clientAuth"),
        };
        if purposes.is_empty() || has(wanted) {
            return Some(renewal);
        }
        Some(renewal.flag("--purpose", if has(other) { "both" } else { flag }))
    }
}
