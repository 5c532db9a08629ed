//! `serve --renew`: the certificate of a file that the local CA has issued is renewed in that file.

use std::path::Path;

use secure_io::ca::{self, LocalCa, Paths};
use secure_io::files::{self, Existing, NewFile};
use secure_io::generate::{self, CertificateSpec};
use secure_io::{container, inspect, validity};
use time::OffsetDateTime;

use super::ServerArgs;
use crate::cli::args;
use crate::cli::caller::{self, Caller};
use crate::cli::command_line::CommandLine;
use crate::cli::failure::{self, Failure};
use crate::cli::folders;

/// Renews the certificate of a file if it is due: names, purpose, key and lifetime stay. Returns a line that says so.
pub(super) fn renew_file(
    server: &ServerArgs,
    certificate: &Path,
    key: &Path,
    now: OffsetDateTime,
) -> Result<Option<String>, Failure> {
    let passphrase = server.passphrase.clone().unattended();
    let chain = args::load_certificates(certificate, &passphrase)?;
    let private = args::load_key(key, &passphrase)?;
    let unable = |reason: &str| Failure::message(format!("cannot renew `{}`: {reason}", certificate.display()));
    let Some(leaf) = chain.first() else { return Err(unable("it holds no certificate")) };
    let paths = server.local_ca()?;
    let is_its = |paths: &Paths| Caller::acting(|| ca::has_issued(paths, leaf));
    let Some(paths) = paths.filter(|paths| is_its(paths).unwrap_or(false)) else {
        let renew = CommandLine::ours("gen-cert --renew");
        return Err(unable("the local CA has not issued it")
            .hint(format!("leave --renew out, and have it renewed by what has issued it, as `{renew}` does")));
    };
    let ca = Caller::acting(|| LocalCa::load(&paths))??;
    let signer = ca.signer(generate::purpose_of(leaf).unwrap_or_default())?;
    let spec = CertificateSpec::default();
    let Some(because) = generate::why_renew(&chain, &private, &spec, Some(signer), None, now) else { return Ok(None) };
    let (_, issued) = generate::renew(&spec, leaf, &private, signer, now)
        .map_err(|error| failure::not_renewed(certificate, error))?;
    let (before, after) = (end(leaf), issued.chain.first().and_then(|leaf| end(leaf)));
    if after <= before {
        return Err(unable("the local CA ends as soon").hint(failure::renew_hint()));
    }
    let mut pem = String::new();
    for der in &issued.chain {
        pem.push_str(&container::pem("CERTIFICATE", der).map_err(|error| failure::in_file(certificate, error))?);
    }
    if let Some(leaf) = issued.chain.first() {
        let (path, user) = (folders::absolute(certificate)?, caller::user());
        Caller::acting(|| ca.record(leaf, Some(&path), user.as_deref(), now))??;
    }
    files::write_set(&[NewFile::public(certificate, pem)], Existing::Replace)?;
    let end = after.map(|end| validity::distance(end, now)).unwrap_or_default();
    Ok(Some(format!("renewed {}, because {because}; it now expires {end}", certificate.display())))
}

fn end(der: &[u8]) -> Option<OffsetDateTime> {
    Some(inspect::parse(der).ok()?.not_after.at)
}
