//! A certificate in place of one that expires or no longer fits: all that is not asked for stays.

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::{
    CertificateSpec, Error, Issued, Signer, fitting_subject, issue, issued, key_of, named, names_for, warnings,
};
use crate::base::validity;
use crate::issue::cert::{self, RequestedExtensions, extension_name};
use crate::judge::inspect;
use crate::judge::report::text::plain_names;
use crate::x509::certificate::Certificate;
use crate::x509::csr::{self, Extension, Purpose, Request};
use crate::x509::extension::{KeyPurpose, KeyUsage};
use crate::x509::key::PrivateKey;
use crate::x509::name::Subject;

/// The reason to renew a certificate; `None` while the certificate fits.
///
/// Only what the order asks for is compared: without names, any name fits. Without a signer, any issuer does.
#[must_use]
pub fn why_renew(
    chain: &[CertificateDer<'static>],
    key: &PrivateKey,
    spec: &CertificateSpec,
    signer: Option<Signer<'_>>,
    renew_before: Option<time::Duration>,
    now: OffsetDateTime,
) -> Option<String> {
    let Some(leaf) = chain.first() else {
        return Some("it does not exist".to_owned());
    };
    let Ok(parsed) = inspect::parse(leaf) else {
        return Some("it cannot be read".to_owned());
    };
    if parsed.key.as_raw() != key.spki() {
        return Some("it is for another key".to_owned());
    }
    if let Some(reason) = misfit(&parsed, spec) {
        return Some(reason);
    }
    if spec.subject.as_ref().is_some_and(|subject| subject.as_der() != parsed.subject.as_raw()) {
        return Some("it has another subject".to_owned());
    }
    let same_issuer = signer.is_none_or(|signer| match signer.chain() {
        Ok((Some(issuer), _)) => issued(issuer, leaf),
        Ok((None, _)) => inspect::is_self_signed(&parsed),
        Err(_) => false,
    });
    if !same_issuer {
        return Some("it has another issuer".to_owned());
    }
    if let Some(Ok((Some(_), above))) = signer.as_ref().map(Signer::chain)
        && chain.len() > 1
        && above.iter().any(|ca| !chain.contains(ca))
    {
        return Some("the certificates of CAs behind it have been replaced".to_owned());
    }
    let has_subject = !parsed.subject.is_empty();
    if has_subject && signer.is_some_and(|signer| signer.excludes_every_subject()) {
        return Some("it has a subject, and the CA signs for the names in subjectAltName alone".to_owned());
    }
    let validity = parsed.validity();
    if now < validity.not_before {
        return Some("it is not yet valid".to_owned());
    }
    let wanted = renew_before.unwrap_or_else(|| validity.renewal_margin());
    let verb = if now > validity.not_after { "expired" } else { "expires" };
    (validity.remaining(now) <= wanted).then(|| format!("it {verb} {}", validity::distance(validity.not_after, now)))
}

/// The reason why no client accepts a certificate, or why the certificate differs from the order.
fn misfit(certificate: &Certificate<'_>, spec: &CertificateSpec) -> Option<String> {
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let extensions = certificate.extensions();
    let (usage, purposes) = (extensions.key_usage(), purposes(certificate));
    let names = names(certificate);
    if let Some(version) = certificate.version.filter(|version| *version < 2) {
        return Some(format!("it is of version {}", version + 1));
    }
    // A client is known by its subject.
    let is_named_client = purposes == [KeyPurpose::Client] && !certificate.subject.is_empty();
    if names.is_empty() && !is_named_client {
        return Some("it has no subjectAltName".to_owned());
    }
    let wanted = spec.names.iter().map(ToString::to_string).collect();
    if !spec.names.is_empty() && sorted(wanted) != sorted(names.clone()) {
        return Some(format!("it is for {}", plain_names(&names)));
    }
    if certificate.is_ca() && !signs_certificates(certificate) {
        return Some("it is a CA's certificate".to_owned());
    }
    let lacks_signature = |usage: &KeyUsage| !usage.is_empty() && !usage.has(KeyUsage::DIGITAL_SIGNATURE);
    if usage.is_some_and(lacks_signature) && !certificate.is_ca() {
        return Some("its keyUsage lacks digitalSignature".to_owned());
    }
    let wanted: &[KeyPurpose<'_>] = match spec.purpose {
        None => return None,
        Some(Purpose::Server) => &[KeyPurpose::Server],
        Some(Purpose::Client) => &[KeyPurpose::Client],
        Some(Purpose::Both) => &[KeyPurpose::Server, KeyPurpose::Client],
    };
    (purposes != wanted).then(|| "it is for another purpose".to_owned())
}

/// A certificate's subjectAltNames, each with its kind.
fn names(certificate: &Certificate<'_>) -> Vec<String> {
    let names = certificate.extensions().subject_alt_name();
    names.iter().flat_map(|names| &names.0).map(ToString::to_string).collect()
}

fn purposes<'c, 'a>(certificate: &'c Certificate<'a>) -> &'c [KeyPurpose<'a>] {
    certificate.extensions().ext_key_usage().map(|usage| usage.0.as_slice()).unwrap_or_default()
}

/// Decides whether a certificate says that it signs others, with keyUsage's keyCertSign. A cA bit alone says less:
/// `openssl req -x509` sets it for everybody, without a keyUsage.
fn signs_certificates(certificate: &Certificate<'_>) -> bool {
    certificate.extensions().key_usage().is_some_and(|usage| usage.has(KeyUsage::KEY_CERT_SIGN))
}

/// Returns the purpose that a certificate's extKeyUsage states; `None` if it cannot be read or has none.
#[must_use]
pub fn purpose_of(der: &CertificateDer<'_>) -> Option<Purpose> {
    let certificate = inspect::parse(der).ok()?;
    Some(match purposes(&certificate) {
        [] => return None,
        [KeyPurpose::Client] => Purpose::Client,
        purposes if purposes.contains(&KeyPurpose::Client) => Purpose::Both,
        _ => Purpose::Server,
    })
}

/// Makes a request and a certificate in place of one that exists.
///
/// Names, subject, purpose, other key usages and lifetime are those of the existing certificate, unless the order says
/// otherwise.
///
/// # Errors
///
/// [`Error::RenewsCa`], [`Error::Certificate`] when a name may not be in a certificate or the CA may not sign for it.
pub fn renew(
    spec: &CertificateSpec,
    existing: &CertificateDer<'_>,
    key: &PrivateKey,
    signer: Signer<'_>,
    now: OffsetDateTime,
) -> Result<(Vec<u8>, Issued), Error> {
    let parsed = inspect::parse(existing).map_err(cert::Error::from)?;
    if parsed.is_ca() && signs_certificates(&parsed) {
        return Err(Error::RenewsCa);
    }
    let spec = &CertificateSpec { not_after: end(&parsed, spec, now), ..spec.clone() };
    let there = subject(spec, &parsed, signer)?;
    let (subject, notes) =
        if spec.subject.is_some() { (there.clone(), Vec::new()) } else { fitting_subject(&there, signer, now)? };
    let subject = named(subject, signer);
    let (extensions, left_out) = kept(&parsed);
    let request = Request { subject, spki: key.spki().to_vec(), extensions };
    let requested = RequestedExtensions::from_request(&request, false, spec.names.is_empty())?;
    let mut put_in = Vec::new();
    let names = names_for(spec, &there, &request, &requested, signer, &mut put_in)?;
    let all_names = if names.is_empty() { requested.subject_alt_names() } else { names.clone() };
    let keeps_any_purpose = parsed.version == Some(2) && purposes(&parsed).is_empty() && spec.purpose.is_none();
    let template = |validity| {
        let mut template = requested.template(&request, names, spec.purpose, validity);
        if keeps_any_purpose {
            template.extended_key_usages.clear();
        }
        template
    };
    let mut wanted = None;
    let mut issued = issue(spec, key_of(signer, key), &request.subject, &all_names, signer, now, |validity| {
        let template = template(validity);
        wanted = Some(template.clone());
        Ok(template)
    })?;
    let wanted = wanted.ok_or(Error::NoNames)?;
    let request = csr::write(key, &wanted.as_request())?;
    issued.notes.extend(notes);
    if !left_out.is_empty() {
        issued.notes.push(format!("not taken over from the certificate before: {}", left_out.join(", ")));
    }
    issued.warnings.extend(warnings(&all_names, spec.purpose.unwrap_or_default(), &key.public_key()));
    Ok((request, issued))
}

/// The end that gives a certificate as long a life as the existing one has, when the order says nothing of it.
pub(super) fn end(parsed: &Certificate<'_>, spec: &CertificateSpec, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if spec.not_after.is_some() || spec.days.is_some() {
        return spec.not_after;
    }
    let lifetime = parsed.validity().lifetime() - time::Duration::SECOND;
    spec.not_before.unwrap_or(now - validity::BACKDATE).checked_add(lifetime.max(time::Duration::ZERO))
}

/// The subject that was there; if it is one of the old names and others are given, the first of those.
pub(super) fn subject(spec: &CertificateSpec, parsed: &Certificate<'_>, signer: Signer<'_>) -> Result<Subject, Error> {
    if let Some(subject) = &spec.subject {
        return Ok(subject.clone());
    }
    let there = Subject::from_der(parsed.subject.as_raw())
        .map_err(|error| cert::Error::Inspect(inspect::Error::Malformed { reason: error.reason }))?;
    let is_an_old_name = || {
        let names = names(parsed);
        let mut values = names.iter().filter_map(|name| name.split_once(':')).map(|(_, value)| value);
        values.any(|value| Subject::common_name(value) == there)
    };
    Ok(if spec.names.is_empty() || !is_an_old_name() { there } else { spec.effective_subject(signer) })
}

/// Extensions that describe the subject, and stay.
const KEPT: [&str; 4] = ["2.5.29.15", "2.5.29.17", "2.5.29.37", "1.3.6.1.5.5.7.1.24"];

/// Extensions that the issuer writes for each certificate: key identifiers, basicConstraints, SCTs.
const WRITTEN: [&str; 4] = ["2.5.29.14", "2.5.29.35", "2.5.29.19", "1.3.6.1.4.1.11129.2.4.2"];

/// The extensions to carry over, and the names of those that are left out.
fn kept(parsed: &Certificate<'_>) -> (Vec<Extension>, Vec<String>) {
    let (mut extensions, mut left_out) = (Vec::new(), Vec::new());
    // A TLS certificate needs digitalSignature, and only a CA has keyCertSign.
    let usage = parsed.extensions().key_usage().copied().unwrap_or_default();
    let usage_fits = usage.has(KeyUsage::DIGITAL_SIGNATURE) && !usage.has(KeyUsage::KEY_CERT_SIGN);
    for extension in parsed.extensions().iter() {
        let oid = extension.dotted_id();
        if KEPT.contains(&oid.as_str()) {
            if oid != "2.5.29.15" || usage_fits {
                extensions.push(Extension { oid, critical: extension.is_critical(), value: extension.octets.to_vec() });
            }
        } else if !WRITTEN.contains(&oid.as_str()) {
            left_out.push(extension_name(&oid).unwrap_or(&oid).to_owned());
        }
    }
    (extensions, left_out)
}
