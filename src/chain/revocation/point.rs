//! Distribution points: whether a CRL was made for the one that a certificate names (RFC 5280 sections 4.2.1.13, 5.2.5).

use super::super::certificate::Certificate;
use super::ALL_REASONS;
use crate::asn1::{Reader, tag, write};
use crate::name::Canonical;

/// The reasons that a certificate looks for at the distribution point of a CRL; `None` when it names no such point.
///
/// `named` is the CRL's distributionPoint: tag and content. Points with another CRL issuer are passed over: indirect CRLs
/// are not used.
pub(super) fn reasons(certificate: &Certificate, crl_issuer: &[u8], named: (u8, &[u8])) -> Option<u16> {
    let wanted = Name::all(named, crl_issuer);
    let points = certificate.parts.extensions.distribution_points.as_ref();
    let mut points = Reader::new(points.map_or(&[][..], |span| certificate.at(span)));
    let mut found = None;
    while let Ok(point) = points.tagged(tag::SEQUENCE, "") {
        let mut fields = point.reader();
        let name = fields.optional(tag::constructed(0), "").ok().flatten();
        let reasons = fields.optional(tag::context(1), "").ok().flatten();
        let Some(name) = name.and_then(|name| name.reader().value("").ok()).filter(|_| fields.is_empty()) else {
            continue;
        };
        if Name::all((name.tag, name.content), certificate.issuer()).iter().any(|name| wanted.contains(name)) {
            let bits = reasons.map(|reasons| reasons.named_bits().unwrap_or_default());
            let mask = |bits: Vec<usize>| bits.into_iter().filter(|bit| *bit < 16).fold(0, |all, bit| all | 1 << bit);
            found = Some(found.unwrap_or(0) | bits.map_or(ALL_REASONS, mask));
        }
    }
    found
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
        each.map(|name| match Canonical::of(name.content) {
            Some(directory) if name.tag == tag::constructed(4) => Self::Directory(directory),
            _ => Self::Other(name.raw),
        })
        .collect()
    }
}

/// An issuer's name with one more RDN, whose content is given.
fn relative(issuer: &[u8], rdn: &[u8]) -> Option<Canonical> {
    let issuer = Reader::new(issuer).tagged(tag::SEQUENCE, "").ok()?;
    Canonical::of(&write::sequence(&[issuer.content, &write::tlv(tag::SET, &[rdn])]))
}
