//! Distribution points: whether a CRL was made for the one that a certificate names (RFC 5280 sections 4.2.1.13,
//! 5.2.5).

use super::super::certificate::Certificate;
use super::super::crl::Crl;
use super::super::extension::is_place;
use super::ALL_REASONS;
use crate::encoding::asn1::{Reader, tag, write};
use crate::x509::extension::{DistributionPoint, PointName};
use crate::x509::name::{Canonical, GeneralName, GeneralNames, Name};

/// Returns true if a certificate leaves its revocation status to the issuer of an indirect CRL (cRLIssuer).
pub(super) fn is_left_to(certificate: &Certificate, crl: &Crl) -> bool {
    crl.is_indirect() && all(certificate).any(|point| point_is_left_to(point, crl))
}

/// The reasons for which a certificate looks to a CRL; `None` when it does not.
///
/// A CRL of its issuer that is for no distribution point is for all of the issuer's certificates (section 6.3.3, at the
/// end).
pub(super) fn reasons(certificate: &Certificate, crl: &Crl) -> Option<u64> {
    let is_own = crl.is_from_issuer_of(certificate);
    if is_own && crl.point().is_none() {
        return Some(ALL_REASONS);
    }
    // CA/Browser Forum 7.2.2.1: a CRL for a point is no indirect one, unless the certificate says so.
    let is_indirect = crl.is_indirect();
    let mut found = None;
    for point in all(certificate) {
        let is_for_crl = match point.crl_issuer {
            None => is_own && !is_indirect && is_at(point, crl, &certificate.read().issuer),
            Some(_) => is_indirect && point_is_left_to(point, crl) && is_at(point, crl, crl.issuer()),
        };
        if is_for_crl {
            found = Some(found.unwrap_or(0) | point.reasons.map_or(ALL_REASONS, |reasons| reasons.bits));
        }
    }
    found
}

/// A certificate's distribution points that say where a CRL is, or whose.
fn all(certificate: &Certificate) -> impl Iterator<Item = &DistributionPoint<'_>> {
    let points = certificate.extensions().distribution_points();
    points.iter().filter(|point| point.name.as_ref().is_none_or(is_place))
}

fn point_is_left_to(point: &DistributionPoint<'_>, crl: &Crl) -> bool {
    let names = point.crl_issuer.as_ref().map(named).unwrap_or_default();
    names.iter().any(|name| matches!(name, Place::Directory(issuer) if Some(issuer) == crl.canonical_issuer()))
}

/// Returns true if a CRL was made for a point, whose names may be relative to an issuer (section 6.3.3 b 2 i).
fn is_at(point: &DistributionPoint<'_>, crl: &Crl, issuer: &Name<'_>) -> bool {
    let Some(wanted) = crl.point() else { return true };
    let wanted = places(wanted, crl.issuer());
    let names = match (&point.name, &point.crl_issuer) {
        (Some(name), _) => places(name, issuer),
        (None, Some(names)) => named(names),
        (None, None) => Vec::new(),
    };
    names.iter().any(|name| wanted.contains(name))
}

/// A name of a distribution point.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Directory(Canonical),
    Other(&'a [u8]),
}

/// The names of a DistributionPointName, which may be relative to an issuer.
fn places<'a>(name: &PointName<'a>, issuer: &Name<'_>) -> Vec<Place<'a>> {
    match name {
        PointName::Full(names) => named(names),
        PointName::Relative(rdn, _) => relative(issuer, rdn.content).map(Place::Directory).into_iter().collect(),
    }
}

/// The names in a list. What is no name is at no place, not even at its own.
fn named<'a>(names: &GeneralNames<'a>) -> Vec<Place<'a>> {
    let each = names.0.iter().filter_map(|entry| match entry.name.as_ref().ok()? {
        GeneralName::Directory(directory) => Some(Place::Directory(Canonical::of_name(directory))),
        _ => Some(Place::Other(entry.value.raw)),
    });
    each.collect()
}

/// An issuer's name with one more RDN, whose content is given.
fn relative(issuer: &Name<'_>, rdn: &[u8]) -> Option<Canonical> {
    let name = write::sequence(&[issuer.value.content, &write::tlv(tag::SET, &[rdn])]);
    let value = Reader::new(&name).value("the name").ok()?;
    Name::read(value).canonical().cloned()
}
