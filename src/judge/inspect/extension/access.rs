//! Extensions that say where something is (RFC 5280 sections 4.2.1.13, 4.2.2, 5.2.5).

use std::borrow::Cow;

use super::names;
use crate::encoding::asn1::oid;
use crate::judge::report::extension::{Access, DistributionPoint, ExtensionValue, IssuingDistributionPoint};
use crate::x509::extension::{self, InfoAccess, PointName, ReasonFlags};
use crate::x509::name;

pub(super) fn locations(access: &InfoAccess<'_>) -> ExtensionValue {
    let description = |access: &extension::Access<'_>| {
        let dotted = oid::dotted(access.method);
        Access {
            method: oid::name(&dotted).map_or(Cow::Owned(dotted), Cow::Borrowed),
            location: access.location.to_string(),
        }
    };
    ExtensionValue::Access(access.0.iter().map(description).collect())
}

pub(super) fn distribution_points(points: &[extension::DistributionPoint<'_>]) -> ExtensionValue {
    let point = |point: &extension::DistributionPoint<'_>| DistributionPoint {
        names: point_names(point.name.as_ref()),
        reasons: reasons(point.reasons),
        crl_issuer: point.crl_issuer.as_ref().map(names::list).unwrap_or_default(),
    };
    ExtensionValue::DistributionPoints(points.iter().map(point).collect())
}

/// DistributionPointName: `fullName`, or an RDN to be put behind the issuer's name.
fn point_names(name: Option<&PointName<'_>>) -> Vec<String> {
    match name {
        None => Vec::new(),
        Some(PointName::Full(names)) => names::list(names),
        Some(PointName::Relative(_, rdn)) => {
            let mut text = "relative:".to_owned();
            name::attributes(&mut text, rdn);
            vec![text]
        }
    }
}

fn reasons(reasons: Option<ReasonFlags>) -> Vec<Cow<'static, str>> {
    reasons.into_iter().flat_map(ReasonFlags::names).collect()
}

pub(super) fn issuing_distribution_point(point: &extension::IssuingDistributionPoint<'_>) -> ExtensionValue {
    ExtensionValue::IssuingDistributionPoint(IssuingDistributionPoint {
        names: point_names(point.name.as_ref()),
        only_user_certificates: point.only_user_certificates,
        only_ca_certificates: point.only_ca_certificates,
        only_attribute_certificates: point.only_attribute_certificates,
        only_reasons: reasons(point.only_reasons),
        indirect: point.is_indirect,
    })
}
