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
    self_vouching(cases);
    scopes(cases);
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
    let later = datetime!(2026-08-01 0:00 UTC);
    cases.push(
        with("listed by a CRL from the future", vec![upper(), crl(&middle, &[&end], to, later)])
            .refused(Code::CrlInvalid),
    );
    let endless = kit::altered(&middle, &crl(&middle, &[], from, to), 4, &[]);
    cases.push(
        with("a CRL without an end", vec![upper(), endless])
            .refused(Code::CrlInvalid)
            .openssl("takes it, as X.509 does and RFC 5280 section 5.1.2.5 does not"),
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
    let mut expired = with_point(leaf("signer"), 2, &apart);
    (expired.key_usages, expired.extended_key_usages) = (vec![KeyUsagePurpose::CrlSign], vec![]);
    let alone = |name, params: CertificateParams| {
        let key = rcgen::KeyPair::try_from(signer.key.serialize_der()).expect("a key");
        let signer = kit::issue_with(&middle, params, key);
        let crls = vec![crl(&trusted, &[], FROM, TO), of_issuer(&[]), of_signer.clone()];
        Case::new(name, &trusted, &[&middle, &signer], &named).crls(crls)
    };
    cases.push(alone("a signer of the same key", expired.clone()).openssl(why));
    for (name, from, to) in [
        ("its signer has expired", datetime!(2026-01-01 0:00 UTC), datetime!(2026-05-31 0:00 UTC)),
        ("its signer is not valid yet", datetime!(2026-06-02 0:00 UTC), datetime!(2027-01-01 0:00 UTC)),
    ] {
        (expired.not_before, expired.not_after) = (from, to);
        cases.push(alone(name, expired.clone()).refused(Code::CrlInvalid));
    }
    (expired.not_before, expired.not_after) = (datetime!(2026-01-01 0:00 UTC), datetime!(2027-01-01 0:00 UTC));
    expired.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    cases.push(alone("its signer may not sign CRLs", expired.clone()).refused(Code::CrlInvalid));
    expired.key_usages.clear();
    cases.push(alone("its signer says nothing about CRLs", expired).refused(Code::CrlInvalid));
    cases.push(case("its signer is revoked", &named, &[&signer], &of_signer).refused(Code::CrlInvalid));
    let direct = crl(&signer, &[], FROM, TO);
    cases.push(case("it is not marked as indirect", &named, &[], &direct).refused(Code::RevocationUnknown));
}

/// A signer that says of itself that it is good: its own certificate leaves that to its CRL (cRLIssuer).
fn self_vouching(cases: &mut Vec<Case>) {
    let trusted = root(ca("root"));
    let name = tlv(0x30, &tlv(0x31, &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, b"signer")].concat())));
    let left = tlv(0xa2, &tlv(0xa4, &name));
    let mut params = leaf("signer");
    (params.key_usages, params.extended_key_usages) = (vec![KeyUsagePurpose::CrlSign], vec![]);
    let signer = issue(&trusted, with_point(params.clone(), 2, &left));
    let unnamed = issue(&trusted, with_point(params, 2, &full_name(&[&uri("signers")])));
    let named = issue(&trusted, with_point(leaf(HOST), 1, &left));
    let root_name = tlv(0x30, &tlv(0x31, &tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, b"root")].concat())));
    let mut case = |name, signer: &Made, listed: Option<u8>, expected: Option<Code>, openssl| {
        let der = kit::extended(signer, &crl(signer, &[], FROM, TO), &[(ISSUING_POINT, &tlv(0x30, INDIRECT))]);
        let der = match listed {
            Some(serial) => {
                let issuer = tlv(0x30, &tlv(0xa4, &root_name));
                let issuer = tlv(0x30, &[&[6, 3, 0x55, 0x1d, 29, 1, 1, 0xff][..], &tlv(4, &issuer)].concat());
                let entry = [&[2, 1, serial][..], &tlv(0x17, b"260501000000Z"), &tlv(0x30, &issuer)].concat();
                kit::with_entries(signer, &der, &tlv(0x30, &tlv(0x30, &entry)))
            }
            None => der,
        };
        let made = Case::new(name, &trusted, &[signer], &named).crls(vec![der]);
        let made = Case { openssl, ..made };
        cases.push(expected.map_or(made.clone(), |code| made.refused(code)));
    };
    let why = Some("wants the signer, too, to be for the host");
    case("a signer's CRL says that it is good", &signer, None, None, why);
    case("a signer's CRL lists it", &signer, Some(2), Some(Code::CrlInvalid), None);
    case("a signer's CRL lists the other", &signer, Some(1), Some(Code::Revoked), None);
    case("nobody says that a signer is good", &unnamed, None, Some(Code::CrlInvalid), None);
}

/// CRLs of other things, and in other forms, than those that are asked for.
fn scopes(cases: &mut Vec<Case>) {
    let trusted = root(ca("root"));
    let middle = issue(&trusted, ca("ca"));
    let end = issue(&middle, leaf(HOST));
    let mut case = |name, point: &[u8], expected: Option<Code>, openssl| {
        let lower = kit::extended(&middle, &crl(&middle, &[], FROM, TO), &[(ISSUING_POINT, &tlv(0x30, point))]);
        let made = Case::new(name, &trusted, &[&middle], &end).crls(vec![crl(&trusted, &[], FROM, TO), lower]);
        let made = Case { openssl, ..made };
        cases.push(expected.map_or(made.clone(), |code| made.refused(code)));
    };
    let (invalid, unknown) = (Some(Code::CrlInvalid), Some(Code::RevocationUnknown));
    case("a CRL for users", &[0x81, 1, 0xff], None, None);
    case("a CRL for CAs", &[0x82, 1, 0xff], unknown, None);
    case("a CRL for attribute certificates", &[0x85, 1, 0xff], invalid, None);
    case("a CRL for no attribute certificates", &[0x85, 1, 0], None, None);
    case("a CRL for some reasons", &[0x83, 2, 6, 0x40], unknown, None);
    let upper = kit::extended(&trusted, &crl(&trusted, &[], FROM, TO), &[(ISSUING_POINT, &[0x30, 3, 0x81, 1, 0xff])]);
    let mut for_users = Case::new("a CRL for users, of a CA", &trusted, &[&middle], &end);
    for_users = for_users.crls(vec![upper, crl(&middle, &[], FROM, TO)]).refused(Code::RevocationUnknown);
    cases.push(for_users);
    let some = |bits: &[u8]| {
        let point = tlv(0x30, &tlv(0x83, bits));
        kit::extended(&middle, &crl(&middle, &[], FROM, TO), &[(ISSUING_POINT, &point)])
    };
    let both = |name, halves: [&[u8]; 2]| {
        let [one, other] = halves.map(some);
        Case::new(name, &trusted, &[&middle], &end).crls(vec![crl(&trusted, &[], FROM, TO), one, other])
    };
    cases.push(both("two CRLs for all reasons", [&[3, 0x78], &[7, 0x07, 0x80]]));
    cases.push(both("two CRLs for all reasons but one", [&[3, 0x78], &[1, 0x06]]).refused(Code::RevocationUnknown));
    let mut case = |name, point: &[u8], expected: Option<Code>, openssl| {
        let lower = kit::extended(&middle, &crl(&middle, &[], FROM, TO), &[(ISSUING_POINT, &tlv(0x30, point))]);
        let made = Case::new(name, &trusted, &[&middle], &end).crls(vec![crl(&trusted, &[], FROM, TO), lower]);
        let made = Case { openssl, ..made };
        cases.push(expected.map_or(made.clone(), |code| made.refused(code)));
    };
    let lax = Some("takes any BOOLEAN that is not 0 for TRUE");
    case("a BOOLEAN that is none", &[0x81, 1, 1], invalid, lax);
    let order = Some("passes over what it cannot read");
    case("fields out of order", &[0x82, 1, 0, 0x81, 1, 0xff], invalid, order);
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

/// What is odd about a CRL was never seen to be said.
#[test]
fn what_is_odd_about_a_crl_is_a_warning() {
    let trusted = root(ca("root"));
    let end = issue(&trusted, leaf(HOST));
    let numbered = crl(&trusted, &[], FROM, TO);
    let without = kit::altered(&trusted, &numbered, 5, &[]);
    let number = |critical: &[u8]| {
        let number = [&[6, 3, 0x55, 0x1d, 20][..], critical, &tlv(4, &[2, 1, 1])].concat();
        kit::altered(&trusted, &numbered, 5, &tlv(0xa0, &tlv(0x30, &tlv(0x30, &number))))
    };
    for (crl, expected) in [
        (numbered.clone(), None),
        (without, Some("its CRL has no cRLNumber (RFC 5280 section 5.2.3)")),
        (number(&[]), None),
        (number(&[1, 1, 0xff]), Some("its CRL's cRLNumber is critical (RFC 5280 section 5.2.3)")),
    ] {
        let case = Case::new("", &trusted, &[], &end).crls(vec![crl]);
        let verdict = crate::judge(&case, false);
        let said: Vec<_> = verdict.warnings.iter().map(|warning| (warning.code, warning.message.as_str())).collect();
        assert_eq!(said, expected.map(|message| (Code::CrlInvalid, message)).into_iter().collect::<Vec<_>>());
        let strict = crate::judge(&case, true).error.map(|error| error.code);
        assert_eq!(strict, expected.map(|_| Code::CrlInvalid));
    }
}
