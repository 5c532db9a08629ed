//! Certificate revocation lists (RFC 5280 section 5).

use rustls::pki_types::CertificateRevocationListDer;

use super::certificate::{Span, span};
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
    /// Serial numbers in order, each with whether it is only taken from a list (`removeFromCRL`).
    revoked: Vec<(Span, bool)>,
    scope: Scope,
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

    /// Whether a serial number is on it.
    pub(super) fn lists(&self, serial: &[u8]) -> bool {
        let found = self.parts.revoked.binary_search_by(|(span, _)| self.at(span).cmp(serial));
        found.is_ok_and(|index| self.parts.revoked.get(index).is_some_and(|(_, is_removed)| !is_removed))
    }
}

impl Parts {
    fn read(der: &[u8]) -> Result<Self, asn1::Error> {
        let mut outer = asn1::only(der, tag::SEQUENCE, "the CRL")?.reader();
        let to_be_signed = outer.tagged(tag::SEQUENCE, "tbsCertList")?;
        let algorithm = outer.tagged(tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer.tagged(tag::BIT_STRING, "signatureValue")?;
        outer.finish("signatureValue")?;
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
            signature: span(der, signature.content.get(1..).unwrap_or_default()),
            issuer: span(der, issuer.raw),
            this_update: this_update.unix_timestamp(),
            next_update: next_update.map(time::OffsetDateTime::unix_timestamp),
            ..Self::default()
        };
        if let Some(revoked) = tbs.optional(tag::SEQUENCE, "revokedCertificates")? {
            parts.revoked(der, revoked)?;
        }
        let is_v2 = version.and_then(|version| version.small()) == Some(1);
        match tbs.optional(tag::constructed(0), "crlExtensions")? {
            Some(extensions) if is_v2 => parts.extensions(der, extensions)?,
            Some(_) => return Err(asn1::Error::new("crlExtensions", "are in a CRL that is not of version 2")),
            None => parts.oddities.push(Oddity::CrlNumberMissing),
        }
        tbs.finish("tbsCertList")?;
        Ok(parts)
    }

    fn revoked(&mut self, der: &[u8], list: Value<'_>) -> Result<(), asn1::Error> {
        const REMOVE_FROM_CRL: u32 = 8;
        let mut list = list.reader();
        while !list.is_empty() {
            let mut entry = list.tagged(tag::SEQUENCE, "a revoked certificate")?.reader();
            let serial = entry.tagged(tag::INTEGER, "a revoked certificate's serial number")?;
            entry.value("revocationDate")?;
            let mut is_removed = false;
            if let Some(extensions) = entry.optional(tag::SEQUENCE, "crlEntryExtensions")? {
                for (id, is_critical, value) in each_extension(extensions)? {
                    if id == [0x55, 0x1d, 21] {
                        let reason = asn1::only(value, tag::ENUMERATED, "reasonCode")?.small();
                        is_removed = reason == Some(REMOVE_FROM_CRL);
                    } else if is_critical {
                        self.unusable = Some("an entry of it has a critical extension that is not understood");
                    }
                }
            }
            entry.finish("a revoked certificate")?;
            self.revoked.push((span(der, serial.content), is_removed));
        }
        let serial = |(span, _): &(Span, bool)| der.get(span.clone()).unwrap_or_default();
        // Where one stands there twice, that it is revoked comes last and is what remains.
        self.revoked.sort_by(|a, b| serial(a).cmp(serial(b)).then(a.1.cmp(&b.1)));
        self.revoked.dedup_by(|b, a| serial(a) == serial(b));
        Ok(())
    }

    fn extensions(&mut self, der: &[u8], extensions: Value<'_>) -> Result<(), asn1::Error> {
        let list = asn1::only(extensions.content, tag::SEQUENCE, "crlExtensions")?;
        let mut has_number = false;
        for (id, is_critical, value) in each_extension(list)? {
            match id {
                [0x55, 0x1d, 20] => {
                    has_number = true;
                    if is_critical {
                        self.oddities.push(Oddity::CrlNumberCritical);
                    }
                }
                [0x55, 0x1d, 27] => self.unusable = Some("it is a delta CRL, which says only what has changed"),
                [0x55, 0x1d, 28] => self.issuing_point(der, value)?,
                _ if is_critical => self.unusable = Some("it has a critical extension that is not understood"),
                _ => {}
            }
        }
        if !has_number {
            self.oddities.push(Oddity::CrlNumberMissing);
        }
        Ok(())
    }

    /// issuingDistributionPoint (section 5.2.5).
    fn issuing_point(&mut self, der: &[u8], value: &[u8]) -> Result<(), asn1::Error> {
        let mut fields = asn1::only(value, tag::SEQUENCE, "issuingDistributionPoint")?.reader();
        while !fields.is_empty() {
            let field = fields.value("issuingDistributionPoint")?;
            let is_true = field.content == [0xff];
            match field.tag {
                0xa0 => {
                    let name = Reader::new(field.content).value("distributionPoint")?;
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
                0x84 if is_true => {
                    self.unusable = Some("it is an indirect CRL, which lists other issuers' certificates");
                }
                0x85 if is_true => self.unusable = Some("it is for attribute certificates alone"),
                0x84 | 0x85 => {}
                _ => return Err(asn1::Error::new("issuingDistributionPoint", "has an unknown field")),
            }
        }
        Ok(())
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
