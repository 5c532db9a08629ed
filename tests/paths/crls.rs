//! The cases with CRLs.

use rcgen::{CertificateParams, KeyUsagePurpose, RevocationReason, SerialNumber};
use secure_io::report::verdict::Code;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::cases::{Case, HOST};
use crate::kit::{self, Made, ca, crl, extension, issue, leaf, root, tlv};

pub(crate) fn add(cases: &mut Vec<Case>) {
    complete(cases);
    points(cases);
    indirect(cases);
    deltas(cases);
}

/// Complete CRLs, of the whole path.
fn complete(cases: &mut Vec<Case>) {
    let (from, to) = (datetime!(2026-05-01 0:00 UTC), datetime!(2026-07-01 0:00 UTC));
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, {
        let mut params = leaf(HOST);
        params.serial_number = Some(SerialNumber::from(99_u64));
        params
    });
    let with = |name, crls: Vec<Vec<u8>>| Case::new(name, &trusted, &[&middle], &end).crls(crls);
    let upper = || crl(&trusted, &[], from, to);
    cases.push(with("not revoked", vec![upper(), crl(&middle, &[], from, to)]));
    cases.push(with("revoked", vec![upper(), crl(&middle, &[&end], from, to)]).refused(Code::Revoked));
    cases.push(
        with("an intermediate revoked", vec![crl(&trusted, &[&middle], from, to), crl(&middle, &[], from, to)])
            .refused(Code::Revoked),
    );
    cases.push(with("no CRL of the root", vec![crl(&middle, &[], from, to)]).refused(Code::RevocationUnknown));
    cases.push(with("no CRL of the intermediate", vec![upper()]).refused(Code::RevocationUnknown));
    let past = datetime!(2026-05-31 0:00 UTC);
    cases.push(with("a stale CRL", vec![upper(), crl(&middle, &[], from, past)]).refused(Code::CrlInvalid));
    cases.push(with("revoked by a stale CRL", vec![upper(), crl(&middle, &[&end], from, past)]).refused(Code::Revoked));
    cases.push(
        with("a CRL from the future", vec![upper(), crl(&middle, &[], to, datetime!(2026-08-01 0:00 UTC))])
            .refused(Code::CrlInvalid),
    );
    let impostor = root(ca("ca"));
    cases.push(
        with("a CRL signed by another key", vec![upper(), crl(&impostor, &[], from, to)]).refused(Code::CrlInvalid),
    );
    let mut signs_none = ca("ca");
    signs_none.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let silent = issue(&trusted, signs_none.clone());
    let below = issue(&silent, leaf(HOST));
    let signer = Made {
        params: {
            signs_none.key_usages.push(KeyUsagePurpose::CrlSign);
            signs_none
        },
        der: silent.der.clone(),
        key: rcgen::KeyPair::try_from(silent.key.serialize_der()).expect("a key"),
    };
    cases.push(
        Case::new("an issuer without cRLSign", &trusted, &[&silent], &below)
            .crls(vec![upper(), crl(&signer, &[], from, to)])
            .refused(Code::CrlInvalid),
    );
}

const FROM: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);
const TO: OffsetDateTime = datetime!(2026-07-01 0:00 UTC);

/// A fullName, from GeneralNames.
fn full_name(names: &[&[u8]]) -> Vec<u8> {
    tlv(0xa0, &tlv(0xa0, &names.concat()))
}

fn uri(path: &str) -> Vec<u8> {
    tlv(0x86, format!("http://crl.test/{path}").as_bytes())
}

/// A leaf or CRL signer with a cRLDistributionPoints of one point.
fn with_point(mut params: CertificateParams, serial: u64, point: &[u8]) -> CertificateParams {
    params.serial_number = Some(SerialNumber::from(serial));
    params.custom_extensions.push(extension(&[2, 5, 29, 31], false, &tlv(0x30, &tlv(0x30, point))));
    params
}

const ISSUING_POINT: u8 = 28;
const DELTA: u8 = 27;
/// indirectCRL.
const INDIRECT: &[u8] = &[0x84, 1, 0xff];

/// CRLs for one distribution point.
fn points(cases: &mut Vec<Case>) {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let dns = tlv(0x82, b"crl.test");
    let made = |names: &[&[u8]]| issue(&middle, with_point(leaf(HOST), 1, &full_name(names)));
    let mut add = |name, end: &Made, revoked: &[&Made], point: &[u8], expected: Option<Code>, openssl| {
        let lower = kit::extended(&middle, &crl(&middle, revoked, FROM, TO), &[(ISSUING_POINT, &tlv(0x30, point))]);
        let case = Case::new(name, &trusted, &[&middle], end).crls(vec![crl(&trusted, &[], FROM, TO), lower]);
        let case = Case { openssl, ..case };
        cases.push(expected.map_or(case.clone(), |code| case.refused(code)));
    };
    let (here, there) = (uri("a"), uri("b"));
    let end = made(&[&here]);
    let unknown = Some(Code::RevocationUnknown);
    add("a CRL for its distribution point", &end, &[], &full_name(&[&here, &there]), None, None);
    add("a CRL for another", &end, &[], &full_name(&[&there]), unknown, None);
    add("revoked by a CRL for another", &end, &[&end], &full_name(&[&there]), Some(Code::Revoked), None);
    let nowhere = issue(&middle, leaf(HOST));
    add("a CRL for one when it has none", &nowhere, &[], &full_name(&[&here]), unknown, None);
    let lax = Some("does not ask what kind of name it is");
    add("a distribution point that is no place", &made(&[&here, &dns]), &[], &full_name(&[&here]), unknown, lax);
    add("a CRL for what is no place", &end, &[], &full_name(&[&here, &dns]), Some(Code::CrlInvalid), lax);
    let indirect = [&full_name(&[&here])[..], INDIRECT].concat();
    let rfc = Some("takes it, as RFC 5280 does and the CA/Browser Forum does not (7.2.2.1)");
    add("an indirect CRL for it that it does not ask for", &end, &[], &indirect, unknown, rfc);
}

/// CRLs of a signer that the certificate names, and that the issuer vouches for in a CRL for another point.
fn indirect(cases: &mut Vec<Case>) {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let mut params = leaf("signer");
    (params.key_usages, params.extended_key_usages) = (vec![KeyUsagePurpose::CrlSign], vec![]);
    let apart = full_name(&[&uri("signers")]);
    let signer = issue(&middle, with_point(params, 2, &apart));
    let name = tlv(0x30, &tlv(0x31, &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, b"signer")].concat())));
    let named = issue(&middle, with_point(leaf(HOST), 1, &tlv(0xa2, &tlv(0xa4, &name))));
    let of_signer =
        kit::extended(&signer, &crl(&signer, &[&named], FROM, TO), &[(ISSUING_POINT, &tlv(0x30, INDIRECT))]);
    let of_issuer = |revoked: &[&Made]| {
        kit::extended(&middle, &crl(&middle, revoked, FROM, TO), &[(ISSUING_POINT, &tlv(0x30, &apart))])
    };
    let case = |name, end: &Made, revoked: &[&Made], of_signer: &[u8]| {
        let crls = vec![crl(&trusted, &[], FROM, TO), of_issuer(revoked), of_signer.to_vec()];
        Case::new(name, &trusted, &[&middle, &signer], end).crls(crls)
    };
    let why = "wants the signer, too, to be for the host";
    // It lists a serial number of the signer's own certificates, not of the issuer's.
    cases.push(case("an indirect CRL", &named, &[], &of_signer).openssl(why));
    let unnamed = issue(&middle, leaf(HOST));
    cases.push(case("nobody asked for it", &unnamed, &[], &of_signer).refused(Code::RevocationUnknown));
    cases.push(case("its signer is revoked", &named, &[&signer], &of_signer).refused(Code::CrlInvalid));
    let direct = crl(&signer, &[], FROM, TO);
    cases.push(case("it is not marked as indirect", &named, &[], &direct).refused(Code::RevocationUnknown));
}

/// A complete CRL of number 5, and what a delta CRL of number 6 changes.
fn deltas(cases: &mut Vec<Case>) {
    use RevocationReason::{CertificateHold, KeyCompromise, RemoveFromCrl};
    let trusted = root(ca("root"));
    let end = issue(&trusted, leaf(HOST));
    let numbered = |number, reason: Option<RevocationReason>, to| {
        let entries: Vec<_> = reason.map(|reason| (&end, Some(reason))).into_iter().collect();
        kit::crl_numbered(&trusted, number, &entries, FROM, to)
    };
    let complete = |reason| numbered(5, reason, TO);
    let delta = |reason, to| kit::extended(&trusted, &numbered(6, reason, to), &[(DELTA, &[2, 1, 5])]);
    let case = |name, crls| Case::new(name, &trusted, &[], &end).crls(crls);
    cases.push(case("on hold", vec![complete(Some(CertificateHold))]).refused(Code::Revoked));
    let back = || delta(Some(RemoveFromCrl), TO);
    cases.push(
        case("on hold and taken back", vec![complete(Some(CertificateHold)), back()])
            .openssl("takes a delta CRL where a freshestCRL names it"),
    );
    cases.push(
        case("revoked for good and taken back", vec![complete(Some(KeyCompromise)), back()]).refused(Code::Revoked),
    );
    let stale = delta(Some(RemoveFromCrl), datetime!(2026-05-31 0:00 UTC));
    cases.push(case("taken back by a stale CRL", vec![complete(Some(CertificateHold)), stale]).refused(Code::Revoked));
    cases.push(
        case("revoked by a delta CRL", vec![complete(None), delta(Some(KeyCompromise), TO)])
            .refused(Code::Revoked)
            .openssl("takes a delta CRL where a freshestCRL names it"),
    );
    cases.push(case("a delta CRL that changes nothing", vec![complete(None), delta(None, TO)]));
    cases.push(case("a delta CRL alone", vec![delta(None, TO)]).refused(Code::CrlInvalid));
    let other = issue(&trusted, with_point(leaf(HOST), 2, &full_name(&[&uri("a")])));
    cases.push(
        case("a CRL that lists one twice", vec![crl(&trusted, &[&other, &other], FROM, TO)])
            .refused(Code::CrlInvalid)
            .openssl("takes it"),
    );
}
