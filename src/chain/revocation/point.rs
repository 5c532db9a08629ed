//! Distribution points: whether a CRL was made for the one that a certificate names (RFC 5280 sections 4.2.1.13, 5.2.5).

use super::super::certificate::Certificate;
use super::super::crl::Crl;
use super::ALL_REASONS;
use crate::asn1::{self, Reader, Value, tag, write};
use crate::name::{Canonical, DistinguishedName, GeneralName};

/// Whether a certificate leaves it to the issuer of an indirect CRL to say whether it is revoked (cRLIssuer).
pub(super) fn is_left_to(certificate: &Certificate, crl: &Crl) -> bool {
    crl.scope().is_indirect && all(certificate).any(|point| point.is_left_to(crl))
}

/// The reasons for which a certificate looks to a CRL; `None` when it does not.
///
/// A CRL of its issuer that is for no distribution point is for all of the issuer's certificates (section 6.3.3, at the
/// end).
pub(super) fn reasons(certificate: &Certificate, crl: &Crl) -> Option<u16> {
    let is_own = crl.is_from_issuer_of(certificate);
    if is_own && crl.point().is_none() {
        return Some(ALL_REASONS);
    }
    // CA/Browser Forum 7.2.2.1: a CRL for a point is no indirect one, unless the certificate says so.
    let is_indirect = crl.scope().is_indirect;
    let mut found = None;
    for point in all(certificate) {
        let is_for_crl = match point.crl_issuer {
            None => is_own && !is_indirect && point.is_at(crl, certificate.issuer()),
            Some(_) => is_indirect && point.is_left_to(crl) && point.is_at(crl, crl.issuer()),
        };
        if is_for_crl {
            found = Some(found.unwrap_or(0) | point.reasons);
        }
    }
    found
}

/// A DistributionPoint.
struct Point<'a> {
    /// Its distributionPoint.
    name: Option<Value<'a>>,
    /// True if the distributionPoint says where a CRL is.
    is_place: bool,
    reasons: u16,
    /// The content of its cRLIssuer.
    crl_issuer: Option<&'a [u8]>,
}

/// Checks a cRLDistributionPoints.
pub(in super::super) fn check(points: Value<'_>) -> Result<(), asn1::Error> {
    points.each(tag::SEQUENCE, "a distribution point")?.into_iter().try_for_each(|point| Point::read(point).map(|_| ()))
}

/// A certificate's distribution points that say where a CRL is, or whose.
fn all(certificate: &Certificate) -> impl Iterator<Item = Point<'_>> {
    let points = certificate.parts.extensions.distribution_points.as_ref();
    let mut points = Reader::new(points.map_or(&[][..], |span| certificate.at(span)));
    let each = std::iter::from_fn(move || points.tagged(tag::SEQUENCE, "").ok());
    each.filter_map(|point| Point::read(point).ok()).filter(|point| point.is_place)
}

impl<'a> Point<'a> {
    fn read(point: Value<'a>) -> Result<Self, asn1::Error> {
        let mut fields = point.reader();
        let name = match fields.optional(tag::constructed(0), "distributionPoint")? {
            Some(name) => Some(name_in(name)?),
            None => None,
        };
        let reasons = fields.optional(tag::context(1), "reasons")?;
        let crl_issuer = fields.optional(tag::constructed(2), "cRLIssuer")?;
        fields.finish("a distribution point")?;
        if let Some(names) = crl_issuer {
            GeneralName::read_all(names.content)?;
        }
        Ok(Self {
            name,
            is_place: name.map_or(Ok(true), is_place)?,
            reasons: reasons.map_or(Ok(ALL_REASONS), reason_flags)?,
            crl_issuer: crl_issuer.map(|names| names.content),
        })
    }

    fn is_left_to(&self, crl: &Crl) -> bool {
        let names = self.crl_issuer.map(|names| Name::all((tag::constructed(0), names), &[])).unwrap_or_default();
        names.iter().any(|name| matches!(name, Name::Directory(issuer) if Some(issuer) == crl.canonical_issuer()))
    }

    /// Whether a CRL was made for this point, whose names may be relative to an issuer (section 6.3.3 b 2 i).
    fn is_at(&self, crl: &Crl, issuer: &[u8]) -> bool {
        let Some(named) = crl.point() else { return true };
        let wanted = Name::all(named, crl.issuer());
        let names = match (self.name, self.crl_issuer) {
            (Some(name), _) => Name::all((name.tag, name.content), issuer),
            (None, Some(names)) => Name::all((tag::constructed(0), names), issuer),
            (None, None) => Vec::new(),
        };
        names.iter().any(|name| wanted.contains(name))
    }
}

/// A name of a distribution point.
#[derive(Debug, PartialEq, Eq)]
enum Name<'a> {
    Directory(Canonical),
    Other(&'a [u8]),
}

impl<'a> Name<'a> {
    /// The names of a DistributionPointName, which may be relative to an issuer.
    fn all((kind, content): (u8, &'a [u8]), issuer: &[u8]) -> Vec<Self> {
        if kind == tag::constructed(1) {
            return relative(issuer, content).map(Self::Directory).into_iter().collect();
        }
        let mut names = Reader::new(content);
        let each = std::iter::from_fn(move || names.value("").ok());
        // What is no name is at no place, not even at its own.
        let each = each.filter_map(|name| match GeneralName::read(name).ok()? {
            GeneralName::Directory(directory) => Some(Self::Directory(Canonical::of_name(&directory))),
            _ => Some(Self::Other(name.raw)),
        });
        each.collect()
    }
}

/// The DistributionPointName in its tag.
pub(in super::super) fn name_in(tagged: Value<'_>) -> Result<Value<'_>, asn1::Error> {
    let mut inner = tagged.reader();
    let name = inner.value("distributionPoint")?;
    inner.finish("distributionPoint")?;
    Ok(name)
}

/// Decides whether a DistributionPointName says where a CRL is: by an RDN, or by names that are each a URI or a
/// directory's.
pub(in super::super) fn is_place(name: Value<'_>) -> Result<bool, asn1::Error> {
    match name.tag {
        0xa0 => {
            let names = GeneralName::read_all(name.content)?;
            Ok(names.iter().all(|name| matches!(name, GeneralName::Uri(_) | GeneralName::Directory(_))))
        }
        0xa1 => DistinguishedName::read_relative(name).map(|_| true),
        _ => Err(asn1::Error::new("distributionPoint", "is neither fullName nor nameRelativeToCRLIssuer")),
    }
}

/// ReasonFlags, as bits (section 4.2.1.13).
pub(in super::super) fn reason_flags(flags: Value<'_>) -> Result<u16, asn1::Error> {
    let bits =
        asn1::der::deviation(Value { tag: tag::BIT_STRING, ..flags }).is_none().then(|| flags.named_bits()).flatten();
    let bits = bits.ok_or_else(|| asn1::Error::new("reasons", "are no BIT STRING"))?;
    Ok(bits.into_iter().filter(|bit| *bit < 16).fold(0, |all, bit| all | 1 << bit))
}

/// An issuer's name with one more RDN, whose content is given.
fn relative(issuer: &[u8], rdn: &[u8]) -> Option<Canonical> {
    let issuer = Reader::new(issuer).tagged(tag::SEQUENCE, "").ok()?;
    Canonical::of(&write::sequence(&[issuer.content, &write::tlv(tag::SET, &[rdn])]))
}
