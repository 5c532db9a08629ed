//! Certificate transparency's timestamps (RFC 6962 section 3.3).

use time::{Duration, OffsetDateTime};

use super::Decoded;
use crate::base::hex::hex;
use crate::base::octets::Octets;
use crate::base::validity::rfc3339;
use crate::encoding::asn1::{self, Error, tag};
use crate::judge::report::extension::{ExtensionValue, Sct};

/// SignedCertificateTimestampList, in TLS's encoding within an OCTET STRING.
pub(super) fn list(octets: &[u8]) -> Decoded {
    let cut = || Error::new("SignedCertificateTimestampList", "is cut short");
    let octets = asn1::only(octets, tag::OCTET_STRING, "SignedCertificateTimestampList")?.content;
    let mut outer = Octets(octets);
    let mut list = Octets(outer.vector(2).ok_or_else(cut)?);
    if !outer.is_empty() {
        return Err(Error::new("SignedCertificateTimestampList", "is followed by octets that do not belong there"));
    }
    let mut timestamps = Vec::new();
    while !list.is_empty() {
        let octets = list.vector(2).ok_or_else(cut)?;
        timestamps.push(timestamp(octets).ok_or_else(|| Error::new("a timestamp", "is cut short"))?);
    }
    Ok(ExtensionValue::Timestamps(timestamps))
}

fn timestamp(octets: &[u8]) -> Option<Sct> {
    let mut reader = Octets(octets);
    let version = u32::from(reader.number8()?) + 1;
    let log_id = hex(reader.take(32)?);
    let milliseconds = reader.number64()?;
    let extensions = reader.vector(2)?;
    let (hash, signature) = (reader.number8()?, reader.number8()?);
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
fn hash_name(number: u8) -> String {
    let names = ["none", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
    let name = names.get(usize::from(number));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

fn signature_name(number: u8) -> String {
    let names = ["anonymous", "rsa", "dsa", "ecdsa"];
    let name = names.get(usize::from(number));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}
