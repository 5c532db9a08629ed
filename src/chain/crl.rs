//! Certificate revocation lists (RFC 5280 section 5).

mod entries;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use rustls::pki_types::CertificateRevocationListDer;

use self::entries::Entries;
pub(super) use self::entries::Listed;
use super::certificate::{Certificate, Span, span};
use super::oddity::Oddity;
use super::revocation::point;
use super::signature;
use crate::asn1::{self, Reader, Value, tag};
use crate::key::sha256;
use crate::name::{Canonical, DistinguishedName, rfc4514_der};

/// A CRL, parsed.
#[derive(Debug)]
pub struct Crl {
    der: CertificateRevocationListDer<'static>,
    parts: Parts,
    canonical_issuer: Option<Canonical>,
    signers: RwLock<HashMap<[u8; 32], Result<(), signature::Fault>>>,
}

/// Keys that are remembered for a CRL at most: its issuer's is one.
const SIGNERS: usize = 64;

#[derive(Debug, Default)]
struct Parts {
    to_be_signed: Span,
    signature_algorithm: Span,
    signature: Span,
    issuer: Span,
    this_update: i64,
    next_update: Option<i64>,
    revoked: Entries,
    scope: Scope,
    number: Option<Span>,
    /// The number of the CRL that it says the changes since (section 5.2.4), on a delta CRL.
    base_number: Option<Span>,
    authority_key_id: Option<Span>,
    /// Why nothing can be concluded from what is not on it.
    unusable: Option<Cow<'static, str>>,
    oddities: Vec<Oddity>,
}

/// Which certificates it is about (section 5.2.5).
#[derive(Debug, Default, Clone)]
pub(super) struct Scope {
    pub(super) users_only: bool,
    pub(super) cas_only: bool,
    /// The distributionPoint: its tag, and its content.
    pub(super) point: Option<(u8, Span)>,
    /// The reasons it is about, as bits.
    pub(super) reasons: Option<u16>,
    /// Whether it lists other issuers' certificates, too.
    pub(super) is_indirect: bool,
    /// All of the extension.
    extension: Span,
}

impl Crl {
    /// Reads a CRL's DER.
    ///
    /// # Errors
    ///
    /// Which field is not what RFC 5280 section 5.1 has it be. What makes a CRL unusable, but readable, is no error here:
    /// it still revokes what it lists.
    pub fn parse(der: impl Into<CertificateRevocationListDer<'static>>) -> Result<Self, asn1::Error> {
        let der = der.into();
        let parts = Parts::read(&der)?;
        let canonical_issuer = der.get(parts.issuer.clone()).and_then(Canonical::of);
        Ok(Self { der, parts, canonical_issuer, signers: RwLock::default() })
    }

    /// The issuer, normalised; `None` for what is no name, which is nobody's.
    pub(super) const fn canonical_issuer(&self) -> Option<&Canonical> {
        self.canonical_issuer.as_ref()
    }

    /// Checks the signature with a key, once for each key: a CRL may be long, and the requests of a batch many.
    pub(super) fn check_signature(&self, spki: &[u8]) -> Result<(), signature::Fault> {
        let key = sha256(spki);
        // Nothing is left half done under the lock, so that a poisoned one is as good.
        if let Some(known) = self.signers.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let checked = signature::verify(self.signed(), spki);
        let mut signers = self.signers.write().unwrap_or_else(PoisonError::into_inner);
        if signers.len() >= SIGNERS {
            signers.clear();
        }
        signers.insert(key, checked.clone());
        checked
    }

    fn at(&self, span: &Span) -> &[u8] {
        self.der.get(span.clone()).unwrap_or_default()
    }

    pub(super) fn issuer(&self) -> &[u8] {
        self.at(&self.parts.issuer)
    }

    pub(super) fn issuer_text(&self) -> String {
        rfc4514_der(self.issuer())
    }

    fn signed(&self) -> (&[u8], &[u8], &[u8]) {
        (self.at(&self.parts.to_be_signed), self.at(&self.parts.signature_algorithm), self.at(&self.parts.signature))
    }

    /// First second, and the one at which a newer one was promised.
    pub(super) const fn times(&self) -> (i64, Option<i64>) {
        (self.parts.this_update, self.parts.next_update)
    }

    pub(super) fn unusable(&self) -> Option<&str> {
        self.parts.unusable.as_deref()
    }

    pub(super) const fn scope(&self) -> &Scope {
        &self.parts.scope
    }

    /// The distribution point it was made for.
    pub(super) fn point(&self) -> Option<(u8, &[u8])> {
        self.parts.scope.point.as_ref().map(|(tag, span)| (*tag, self.at(span)))
    }

    pub(super) fn oddities(&self) -> &[Oddity] {
        &self.parts.oddities
    }

    /// Whether its issuer is a certificate's.
    pub(super) fn is_from_issuer_of(&self, certificate: &Certificate) -> bool {
        self.canonical_issuer().is_some_and(|issuer| Some(issuer) == certificate.canonical_issuer())
    }

    /// What it says of a certificate, if it lists it.
    pub(super) fn listed(&self, certificate: &Certificate) -> Option<Listed> {
        self.parts.revoked.find(&self.der, certificate.serial(), |named| match named {
            // Others than indirect CRLs list the certificates of one issuer, whatever their entries say.
            _ if !self.parts.scope.is_indirect => true,
            None => self.is_from_issuer_of(certificate),
            Some(issuers) => certificate.canonical_issuer().is_some_and(|issuer| issuers.contains(issuer)),
        })
    }

    pub(super) const fn is_delta(&self) -> bool {
        self.parts.base_number.is_some()
    }

    /// Whether this delta CRL says what has changed since another CRL (sections 5.2.4 and 6.3.3 c).
    pub(super) fn continues(&self, complete: &Self) -> bool {
        let number = |crl: &Self, span: &Option<Span>| span.as_ref().map(|span| digits(crl.at(span)).to_vec());
        let (Some(base), Some(own), Some(other)) = (
            number(self, &self.parts.base_number),
            number(self, &self.parts.number),
            number(complete, &complete.parts.number),
        ) else {
            return false;
        };
        let is_at_most = |a: &[u8], b: &[u8]| (a.len(), a) <= (b.len(), b);
        let key_id = |crl: &Self| crl.parts.authority_key_id.as_ref().map(|span| crl.at(span).to_vec());
        let scope = |crl: &Self| crl.at(&crl.parts.scope.extension).to_vec();
        !complete.is_delta()
            && self.canonical_issuer().is_some_and(|issuer| Some(issuer) == complete.canonical_issuer())
            && key_id(self) == key_id(complete)
            && scope(self) == scope(complete)
            && is_at_most(&base, &other)
            && !is_at_most(&own, &other)
    }
}

/// A number's octets without the zeros at their front.
fn digits(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl Parts {
    fn read(der: &[u8]) -> Result<Self, asn1::Error> {
        let whole = asn1::only(der, tag::SEQUENCE, "the CRL")?;
        let mut outer = whole.reader();
        let to_be_signed = outer.tagged(tag::SEQUENCE, "tbsCertList")?;
        let algorithm = outer.tagged(tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer.tagged(tag::BIT_STRING, "signatureValue")?;
        outer.finish("signatureValue")?;
        // None that is right has unused bits.
        let signature = signature.content.strip_prefix(&[0]).unwrap_or_default();
        let mut tbs = to_be_signed.reader();
        let version = tbs.optional(tag::INTEGER, "version")?;
        let inner = tbs.tagged(tag::SEQUENCE, "signature")?;
        if inner.content != algorithm.content {
            return Err(asn1::Error::new("signature", "is another than signatureAlgorithm"));
        }
        let issuer = tbs.tagged(tag::SEQUENCE, "issuer")?;
        let (this_update, _) = asn1::time(tbs.value("thisUpdate")?, "thisUpdate")?;
        let has_next = matches!(tbs.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME));
        let next_update = if has_next { Some(asn1::time(tbs.value("nextUpdate")?, "nextUpdate")?.0) } else { None };
        let mut parts = Self {
            to_be_signed: span(der, to_be_signed.raw),
            signature_algorithm: span(der, algorithm.content),
            signature: span(der, signature),
            issuer: span(der, issuer.raw),
            this_update: this_update.unix_timestamp(),
            next_update: next_update.map(time::OffsetDateTime::unix_timestamp),
            ..Self::default()
        };
        let revoked = tbs.optional(tag::SEQUENCE, "revokedCertificates")?;
        if let Some(revoked) = revoked {
            parts.revoked = Entries::read(der, revoked)?;
            parts.unusable = parts.revoked.unusable.take();
        }
        let is_v2 = version.and_then(|version| version.small()) == Some(1);
        let extensions = tbs.optional(tag::constructed(0), "crlExtensions")?;
        match extensions {
            Some(extensions) if is_v2 => parts.extensions(der, extensions)?,
            Some(_) => return Err(asn1::Error::new("crlExtensions", "are in a CRL that is not of version 2")),
            None => parts.oddities.push(Oddity::CrlNumberMissing),
        }
        tbs.finish("tbsCertList")?;
        if parts.revoked.name_issuers() && !parts.scope.is_indirect {
            let reason = "an entry of it names its issuer, though it does not say that it is an indirect CRL";
            parts.unusable = Some(reason.into());
        }
        if let Err(error) = DistinguishedName::read(issuer.raw) {
            parts.unusable = Some(format!("its issuer is no name: {error}").into());
        }
        // The entries were looked at one by one.
        let mut fields = [version, Some(algorithm), Some(issuer), extensions].into_iter().flatten();
        let checked = fields.try_for_each(|field| asn1::der::check(field, "it"));
        let mut headers = [whole, to_be_signed].into_iter().chain(revoked);
        let deviation = headers.find_map(asn1::der::deviation);
        parts.unusable = parts
            .unusable
            .or_else(|| checked.err().map(|error| error.to_string().into()))
            .or_else(|| deviation.map(|deviation| format!("it is not DER: {deviation}").into()));
        Ok(parts)
    }

    fn extensions(&mut self, der: &[u8], extensions: Value<'_>) -> Result<(), asn1::Error> {
        let list = asn1::only(extensions.content, tag::SEQUENCE, "crlExtensions")?;
        let mut seen = Vec::new();
        for (id, is_critical, value) in each_extension(list)? {
            if seen.contains(&id) {
                self.unusable = Some("it has an extension twice".into());
            }
            seen.push(id);
            if let Err(error) = self.extension(der, (id, is_critical, value)) {
                self.unusable = Some(format!("its extensions cannot be read: {error}").into());
            }
        }
        if self.number.is_none() {
            self.oddities.push(Oddity::CrlNumberMissing);
        }
        Ok(())
    }

    fn extension(&mut self, der: &[u8], (id, is_critical, value): Extension<'_>) -> Result<(), asn1::Error> {
        let number = |field| {
            let number = asn1::only(value, tag::INTEGER, field)?;
            asn1::der::check(number, field).map(|()| span(der, number.content))
        };
        match id {
            [0x55, 0x1d, 20] => {
                self.number = Some(number("cRLNumber")?);
                if is_critical {
                    self.oddities.push(Oddity::CrlNumberCritical);
                }
            }
            [0x55, 0x1d, 27] => {
                // Even one that cannot be read makes it a delta CRL.
                self.base_number = Some(span(der, value));
                self.base_number = Some(number("deltaCRLIndicator")?);
            }
            [0x55, 0x1d, 28] => self.issuing_point(der, value)?,
            [0x55, 0x1d, 35] => {
                asn1::der::check(
                    asn1::only(value, tag::SEQUENCE, "authorityKeyIdentifier")?,
                    "authorityKeyIdentifier",
                )?;
                self.authority_key_id = Some(span(der, value));
            }
            _ if is_critical => self.unusable = Some("it has a critical extension that is not understood".into()),
            _ => {}
        }
        Ok(())
    }

    /// issuingDistributionPoint (section 5.2.5).
    fn issuing_point(&mut self, der: &[u8], value: &[u8]) -> Result<(), asn1::Error> {
        const FIELD: &str = "issuingDistributionPoint";
        self.scope.extension = span(der, value);
        let point = asn1::only(value, tag::SEQUENCE, FIELD)?;
        asn1::der::check(point, FIELD)?;
        let mut fields = point.reader();
        if let Some(name) = fields.optional(tag::constructed(0), FIELD)? {
            let name = point::name_in(name)?;
            self.scope.point = Some((name.tag, span(der, name.content)));
            if !point::is_place(name)? {
                let reason = "its distribution point has a name that is neither a URI nor a directory's";
                self.unusable = Some(reason.into());
            }
        }
        self.scope.users_only = flag(&mut fields, 1)?;
        self.scope.cas_only = flag(&mut fields, 2)?;
        self.scope.reasons = fields.optional(tag::context(3), FIELD)?.map(point::reason_flags).transpose()?;
        self.scope.is_indirect = flag(&mut fields, 4)?;
        if flag(&mut fields, 5)? {
            self.unusable = Some("it is for attribute certificates alone".into());
        }
        fields.finish(FIELD)
    }
}

/// A `[number] BOOLEAN DEFAULT FALSE` of an issuingDistributionPoint.
fn flag(fields: &mut Reader<'_>, number: u8) -> Result<bool, asn1::Error> {
    match fields.optional(tag::context(number), "issuingDistributionPoint")?.map(|flag| flag.content) {
        None | Some([0]) => Ok(false),
        Some([0xff]) => Ok(true),
        Some(_) => Err(asn1::Error::new("issuingDistributionPoint", "has a BOOLEAN that is neither 00 nor ff")),
    }
}

/// An extension's type, whether it is critical, and its value.
type Extension<'a> = (&'a [u8], bool, &'a [u8]);

fn each_extension(list: Value<'_>) -> Result<Vec<Extension<'_>>, asn1::Error> {
    list.each(tag::SEQUENCE, "an extension")?.into_iter().map(read_extension).collect()
}

fn read_extension(extension: Value<'_>) -> Result<Extension<'_>, asn1::Error> {
    let mut fields = extension.reader();
    let id = fields.tagged(tag::OID, "an extension's type")?.content;
    let critical = fields.optional(tag::BOOLEAN, "an extension's critical")?;
    let value = fields.tagged(tag::OCTET_STRING, "an extension's value")?.content;
    fields.finish("an extension")?;
    Ok((id, critical.is_some_and(|critical| critical.content != [0]), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write::tlv;

    fn name(common_name: &str) -> Vec<u8> {
        tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&[6, 3, 0x55, 4, 3], &tlv(0x0c, &[common_name.as_bytes()])])])])
    }

    fn extension(number: u8, value: &[u8]) -> Vec<u8> {
        tlv(0x30, &[&[6, 3, 0x55, 0x1d, number], &tlv(4, &[value])])
    }

    fn entry(serial: u8, extensions: &[Vec<u8>]) -> Vec<u8> {
        let extensions = if extensions.is_empty() { vec![] } else { tlv(0x30, &[&extensions.concat()]) };
        tlv(0x30, &[&[2, 1, serial], &tlv(0x17, &[b"260101000000Z"]), &extensions])
    }

    fn reason(number: u8) -> Vec<u8> {
        extension(21, &[10, 1, number])
    }

    fn of(issuer: &str) -> Vec<u8> {
        extension(29, &tlv(0x30, &[&tlv(0xa4, &[&name(issuer)])]))
    }

    const INDIRECT: &[u8] = &[0x30, 3, 0x84, 1, 0xff];

    /// A CRL that nobody signed.
    fn crl(issuer: &str, extensions: &[Vec<u8>], entries: &[Vec<u8>]) -> Crl {
        let algorithm = tlv(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
        let entries = if entries.is_empty() { vec![] } else { tlv(0x30, &[&entries.concat()]) };
        let extensions = tlv(0xa0, &[&tlv(0x30, &[&extensions.concat()])]);
        let time = tlv(0x17, &[b"260101000000Z"]);
        let signed = tlv(0x30, &[&[2, 1, 1], &algorithm, &name(issuer), &time, &time, &entries, &extensions]);
        Crl::parse(tlv(0x30, &[&signed, &algorithm, &[3, 2, 0, 0]])).unwrap()
    }

    fn certificate(issuer: &str, serial: u8) -> Certificate {
        let mut above = rcgen::CertificateParams::default();
        above.distinguished_name = rcgen::DistinguishedName::new();
        above.distinguished_name.push(rcgen::DnType::CommonName, issuer);
        let mut params = rcgen::CertificateParams::default();
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[serial]));
        let key = rcgen::KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &rcgen::Issuer::from_params(&above, &key)).unwrap().der().to_vec();
        Certificate::parse(der).unwrap()
    }

    #[test]
    fn entries_are_about_the_issuer_that_they_name_or_inherit() {
        let entries = [entry(1, &[]), entry(2, &[of("B")]), entry(3, &[]), entry(4, &[of("C")])];
        let indirect = crl("A", &[extension(28, INDIRECT)], &entries);
        for (issuer, serials) in [("A", &[1][..]), ("B", &[2, 3]), ("C", &[4]), ("D", &[])] {
            let listed = (1..=5).filter(|serial| indirect.listed(&certificate(issuer, *serial)).is_some());
            assert_eq!(listed.collect::<Vec<_>>(), serials, "{issuer}");
        }
        assert_eq!(indirect.unusable(), None);
        let direct = crl("A", &[], &entries);
        assert!(direct.listed(&certificate("A", 3)).is_some(), "whatever it is for, it is revoked");
        assert!(direct.unusable().is_some());
    }

    #[test]
    fn of_two_entries_the_graver_counts() {
        let crl = crl(
            "A",
            &[],
            &[
                entry(1, &[reason(6)]),
                entry(1, &[reason(8)]),
                entry(2, &[]),
                entry(2, &[reason(6)]),
                entry(3, &[reason(8)]),
            ],
        );
        assert!(crl.unusable().is_some());
        let listed = [1, 2, 3].map(|serial| crl.listed(&certificate("A", serial)));
        assert_eq!(listed, [Some(Listed::OnHold), Some(Listed::Revoked), Some(Listed::Removed)]);
    }

    #[test]
    fn a_delta_crl_continues_the_complete_ones_between_its_numbers() {
        let complete = |issuer, number: &[u8], more: &[Vec<u8>]| {
            crl(issuer, &[&[extension(20, &tlv(2, &[number]))], more].concat(), &[])
        };
        let indicator = extension(27, &[2, 1, 3]);
        let delta = complete("A", &[1, 0], std::slice::from_ref(&indicator));
        for (number, continues) in [(&[2][..], false), (&[3], true), (&[0, 0xff], true), (&[1, 0], false)] {
            assert_eq!(delta.continues(&complete("A", number, &[])), continues, "{number:?}");
        }
        let key_id = extension(35, &[0x30, 3, 0x80, 1, 1]);
        for other in [
            complete("B", &[5], &[]),
            complete("A", &[5], &[key_id]),
            complete("A", &[5], &[extension(28, INDIRECT)]),
            complete("A", &[5], &[indicator]),
            crl("A", &[], &[]),
        ] {
            assert!(!delta.continues(&other), "{other:?}");
        }
    }
}
