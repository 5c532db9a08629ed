//! Certificate transparency's timestamps (RFC 6962 section 3.3).

use time::{Duration, OffsetDateTime};

use super::Decoded;
use crate::asn1::{self, Error, tag};
use crate::name::hex;
use crate::report::extension::{ExtensionValue, Sct};
use crate::validity::rfc3339;

/// SignedCertificateTimestampList, in TLS's encoding within an OCTET STRING.
pub(super) fn list(octets: &[u8]) -> Decoded {
    let cut = || Error::new("SignedCertificateTimestampList", "is cut short");
    let octets = asn1::only(octets, tag::OCTET_STRING, "SignedCertificateTimestampList")?.content;
    let mut outer = Octets(octets);
    let mut list = Octets(outer.vector().ok_or_else(cut)?);
    if !outer.0.is_empty() {
        return Err(Error::new("SignedCertificateTimestampList", "is followed by octets that do not belong there"));
    }
    let mut timestamps = Vec::new();
    while !list.0.is_empty() {
        let octets = list.vector().ok_or_else(cut)?;
        timestamps.push(timestamp(octets).ok_or_else(|| Error::new("a timestamp", "is cut short"))?);
    }
    Ok(ExtensionValue::Timestamps(timestamps))
}

fn timestamp(octets: &[u8]) -> Option<Sct> {
    let mut reader = Octets(octets);
    let version = u32::try_from(reader.number(1)?).ok()? + 1;
    let log_id = hex(reader.take(32)?);
    let milliseconds = reader.number(8)?;
    let extensions = reader.vector()?;
    let (hash, signature) = (reader.number(1)?, reader.number(1)?);
    Some(Sct {
        version,
        log_id,
        timestamp: time(milliseconds)?,
        signature_algorithm: format!("{}-{}", signature_name(signature), hash_name(hash)),
        extensions: (!extensions.is_empty()).then(|| hex(extensions)),
    })
}

fn time(milliseconds: u64) -> Option<String> {
    let since = Duration::milliseconds(i64::try_from(milliseconds).ok()?);
    let time = OffsetDateTime::UNIX_EPOCH.checked_add(since)?;
    let seconds = rfc3339(time.replace_nanosecond(0).ok()?);
    Some(format!("{}.{:03}Z", seconds.trim_end_matches('Z'), time.millisecond()))
}

/// RFC 5246 section 7.4.1.4.1.
fn hash_name(number: u64) -> String {
    let names = ["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
    let name = usize::try_from(number).ok().and_then(|number| names.get(number));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

fn signature_name(number: u64) -> String {
    let names = ["anonymous", "rsa", "dsa", "ecdsa"];
    let name = usize::try_from(number).ok().and_then(|number| names.get(number));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, count: usize) -> Option<u64> {
        Some(self.take(count)?.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)))
    }

    /// Reads a vector whose first two octets are its length.
    fn vector(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number(2)?).ok()?;
        self.take(length)
    }
}
