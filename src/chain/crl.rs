//! Certificate revocation lists (RFC 5280 section 5).

mod entries;

use rustls::pki_types::CertificateRevocationListDer;

use self::entries::Entries;
pub(super) use self::entries::Listed;
use super::certificate::{Certificate, Span, span};
use super::oddity::Oddity;
use crate::asn1::{self, Reader, Value, tag};
use crate::name::{Canonical, rfc4514_der};

/// A CRL, parsed.
#[derive(Debug)]
pub struct Crl {
    der: CertificateRevocationListDer<'static>,
    parts: Parts,
    pub(super) canonical_issuer: Canonical,
}

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
    unusable: Option<&'static str>,
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
    /// Which field is not what RFC 5280 section 5.1 has it be.
    pub fn parse(der: impl Into<CertificateRevocationListDer<'static>>) -> Result<Self, asn1::Error> {
        let der = der.into();
        let parts = Parts::read(&der)?;
        let canonical_issuer = der.get(parts.issuer.clone()).and_then(Canonical::of).unwrap_or_default();
        Ok(Self { der, parts, canonical_issuer })
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

    pub(super) fn signed(&self) -> (&[u8], &[u8], &[u8]) {
        (self.at(&self.parts.to_be_signed), self.at(&self.parts.signature_algorithm), self.at(&self.parts.signature))
    }

    /// First second, and the one at which a newer one was promised.
    pub(super) const fn times(&self) -> (i64, Option<i64>) {
        (self.parts.this_update, self.parts.next_update)
    }

    pub(super) const fn unusable(&self) -> Option<&'static str> {
        self.parts.unusable
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
        self.issuer() == certificate.issuer() || self.canonical_issuer == certificate.canonical().1
    }

    /// What it says of a certificate, if it lists it.
    pub(super) fn listed(&self, certificate: &Certificate) -> Option<Listed> {
        self.parts.revoked.find(&self.der, certificate.serial(), |named| match named {
            // Others than indirect CRLs list the certificates of one issuer, whatever their entries say.
            _ if !self.parts.scope.is_indirect => true,
            None => self.is_from_issuer_of(certificate),
            Some(issuers) => issuers.contains(&certificate.canonical().1),
        })
    }

    pub(super) const fn is_delta(&self) -> bool {
        self.parts.base_number.is_some()
    }

    /// Whether this delta CRL says what has changed since another CRL (sections 5.2.4 and 6.3.3 c).
    pub(super) fn continues(&self, complete: &Self) -> bool {
        let number = |crl: &Self, span: &Option<Span>| span.as_ref().map(|span| significant(crl.at(span)).to_vec());
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
            && self.issuer() == complete.issuer()
            && key_id(self) == key_id(complete)
            && scope(self) == scope(complete)
            && is_at_most(&base, &other)
            && !is_at_most(&own, &other)
    }
}

/// A number's octets without the zeros at their front.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl Parts {
    fn read(der: &[u8]) -> Result<Self, asn1::Error> {
        let mut outer = asn1::only(der, tag::SEQUENCE, "the CRL")?.reader();
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
        if let Some(revoked) = tbs.optional(tag::SEQUENCE, "revokedCertificates")? {
            parts.revoked = Entries::read(der, revoked)?;
            parts.unusable = parts.revoked.unusable;
        }
        let is_v2 = version.and_then(|version| version.small()) == Some(1);
        match tbs.optional(tag::constructed(0), "crlExtensions")? {
            Some(extensions) if is_v2 => parts.extensions(der, extensions)?,
            Some(_) => return Err(asn1::Error::new("crlExtensions", "are in a CRL that is not of version 2")),
            None => parts.oddities.push(Oddity::CrlNumberMissing),
        }
        tbs.finish("tbsCertList")?;
        if parts.revoked.name_issuers() && !parts.scope.is_indirect {
            parts.unusable = Some("an entry of it names its issuer, though it does not say that it is an indirect CRL");
        }
        Ok(parts)
    }

    fn extensions(&mut self, der: &[u8], extensions: Value<'_>) -> Result<(), asn1::Error> {
        let list = asn1::only(extensions.content, tag::SEQUENCE, "crlExtensions")?;
        for (id, is_critical, value) in each_extension(list)? {
            match id {
                [0x55, 0x1d, 20] => {
                    let number = asn1::only(value, tag::INTEGER, "cRLNumber")?;
                    self.number = Some(span(der, number.content));
                    if is_critical {
                        self.oddities.push(Oddity::CrlNumberCritical);
                    }
                }
                [0x55, 0x1d, 27] => {
                    let base = asn1::only(value, tag::INTEGER, "deltaCRLIndicator")?;
                    self.base_number = Some(span(der, base.content));
                }
                [0x55, 0x1d, 28] => self.issuing_point(der, value)?,
                [0x55, 0x1d, 35] => self.authority_key_id = Some(span(der, value)),
                _ if is_critical => self.unusable = Some("it has a critical extension that is not understood"),
                _ => {}
            }
        }
        if self.number.is_none() {
            self.oddities.push(Oddity::CrlNumberMissing);
        }
        Ok(())
    }

    /// issuingDistributionPoint (section 5.2.5).
    fn issuing_point(&mut self, der: &[u8], value: &[u8]) -> Result<(), asn1::Error> {
        self.scope.extension = span(der, value);
        let mut fields = asn1::only(value, tag::SEQUENCE, "issuingDistributionPoint")?.reader();
        while !fields.is_empty() {
            let field = fields.value("issuingDistributionPoint")?;
            let is_true = field.content == [0xff];
            match field.tag {
                0xa0 => {
                    let name = Reader::new(field.content).value("distributionPoint")?;
                    if !is_place(name)? {
                        self.unusable =
                            Some("its distribution point has a name that is neither a URI nor a directory's");
                    }
                    self.scope.point = Some((name.tag, span(der, name.content)));
                }
                0x81 => self.scope.users_only = is_true,
                0x82 => self.scope.cas_only = is_true,
                0x83 => {
                    let bits = field.named_bits();
                    let bits = bits.ok_or_else(|| asn1::Error::new("onlySomeReasons", "is no BIT STRING"))?;
                    self.scope.reasons =
                        Some(bits.into_iter().filter(|bit| *bit < 16).fold(0, |all, bit| all | 1 << bit));
                }
                0x84 => self.scope.is_indirect = is_true,
                0x85 if is_true => self.unusable = Some("it is for attribute certificates alone"),
                0x85 => {}
                _ => return Err(asn1::Error::new("issuingDistributionPoint", "has an unknown field")),
            }
        }
        Ok(())
    }
}

/// Whether a DistributionPointName says where a CRL is: by an RDN, or by names that are each a URI or a directory's.
pub(super) fn is_place(name: Value<'_>) -> Result<bool, asn1::Error> {
    const URI: u8 = tag::context(6);
    const DIRECTORY: u8 = tag::constructed(4);
    let mut names = name.reader();
    while name.tag == tag::constructed(0) && !names.is_empty() {
        if !matches!(names.value("distributionPoint")?.tag, URI | DIRECTORY) {
            return Ok(false);
        }
    }
    Ok(true)
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

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        [&[tag, 0x82], &u16::try_from(content.len()).unwrap().to_be_bytes()[..], &content].concat()
    }

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
