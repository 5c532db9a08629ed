//! Validity, usage, identifiers, structure, constraints, what public CAs add, CRLs.

use super::{Pair, items, pair};
use crate::builder::*;

fn valid(certificate: Certificate, from: &str, until: &str) -> Certificate {
    Certificate { validity: [utc(from), utc(until)], ..certificate }
}

/// Name constraints that permit these subtrees.
fn permitting(subtrees: &[&[u8]]) -> Vec<u8> {
    seq(&[&tlv(0xa0, &subtrees.iter().flat_map(|base| seq(&[base])).collect::<Vec<u8>>())])
}

fn access(method: &str, place: &str) -> Vec<u8> {
    seq(&[&seq(&[&oid(method), &uri(place)])])
}

pub(super) fn pairs() -> Vec<Pair> {
    [validity(), usage(), identifiers(), structure(), constraints(), issuance(), crls()].into_iter().flatten().collect()
}

fn validity() -> Vec<Pair> {
    let (from, until) = ("260501000000Z", "260901235959Z");
    vec![
        // 200 days end with the second before; 199 days are a day below.
        pair("validity_too_long", &valid(public(), from, "261117000000Z"), &valid(public(), from, "261115235959Z")),
        pair("validity_at_limit", &valid(public(), from, "261116235959Z"), &valid(public(), from, "261115235959Z")),
        pair("validity_apple_825", &valid(private(), from, "280803000000Z"), &valid(private(), from, "280802235959Z")),
        pair("validity_order", &valid(private(), "260801000000Z", "260731235959Z"), &private()),
        pair("validity_outlives_issuer", &valid(ca(), from, "360101000000Z"), &valid(ca(), from, "351231235959Z")),
        pair(
            "time_encoding",
            &Certificate { validity: [utc(from), generalized("20260901235959Z")], ..private() },
            &private(),
        ),
        pair("time_encoding", &valid(private(), "2605010000Z", until), &private()),
        pair("not_yet_valid", &valid(private(), "260601000001Z", until), &valid(private(), "260601000000Z", until)),
        pair("expired", &valid(private(), from, "260531235959Z"), &valid(private(), from, "260601000000Z"))
            .passes_with(&["expires_soon"]),
        pair("expires_soon", &valid(private(), "260101000000Z", "260620235959Z"), &private()),
    ]
}

fn usage() -> Vec<Pair> {
    let any = "2.5.29.37.0";
    let code = "1.3.6.1.5.5.7.3.3";
    let end = seq(&[]);
    let path_len = |ca: &[u8]| seq(&[ca, &int(&[0])]);
    vec![
        pair("eku_absent", &private().without(EKU), &private()),
        pair("eku_missing_server_auth", &private().purposes(&[code]), &private().purposes(&[code, SERVER_AUTH])),
        pair("eku_client_only", &private().purposes(&[CLIENT_AUTH]), &private().purposes(&[CLIENT_AUTH, SERVER_AUTH])),
        pair("eku_any", &private().purposes(&[any]), &private()),
        pair("eku_client_auth", &public().purposes(&[SERVER_AUTH, CLIENT_AUTH]), &public()),
        pair("eku_critical", &private().with(EKU, CRITICAL, eku(&[SERVER_AUTH])), &private()),
        pair("ca_true_leaf", &ca().names(&[dns("www.secure-io.dev")]), &ca()),
        // Tested on its own: it takes a root store.
        pair("self_signed_leaf_trusted", &self_signed(), &self_signed()),
        pair("leaf_key_cert_sign", &private().key_usage(2, &[0x84]), &private()),
        pair("leaf_crl_sign", &private().key_usage(1, &[0x82]), &private()),
        pair("ku_not_for_tls", &private().key_usage(6, &[0x40]), &private().key_usage(6, &[0xc0])),
        pair("ku_ec_encipherment", &private().key_usage(5, &[0xa0]), &private()),
        pair("ku_empty", &ca_or_other().key_usage(0, &[]), &ca_or_other()),
        pair("ku_missing", &ca().without(KU), &ca()),
        pair("ku_no_cert_sign", &ca().key_usage(1, &[0x02]), &ca()),
        pair("ku_not_critical", &ca().with(KU, None, bits(1, &[6])), &ca()),
        pair("ku_leaf_not_critical", &private().with(KU, None, bits(7, &[0x80])), &private()),
        pair("bc_not_critical", &ca().with(BC, None, seq(&[&[1, 1, 0xff]])), &ca()),
        pair("pathlen_without_ca", &private().with(BC, CRITICAL, path_len(&[])), &private().with(BC, CRITICAL, end)),
        pair(
            "pathlen_without_cert_sign",
            &ca().with(BC, CRITICAL, path_len(&[1, 1, 0xff])).key_usage(1, &[0x02]),
            &ca().with(BC, CRITICAL, path_len(&[1, 1, 0xff])),
        )
        .also(&["ku_no_cert_sign"]),
    ]
}

/// A leaf for email: no rule asks for a particular use of its key.
fn ca_or_other() -> Certificate {
    private().purposes(&["1.3.6.1.5.5.7.3.4"]).names(&[tlv(0x81, b"me@secure-io.dev")])
}

fn identifiers() -> Vec<Pair> {
    let id = b"the key identifier 1";
    let whole = seq(&[&tlv(0x80, id), &tlv(0xa1, &tlv(0xa4, &common_name("A CA"))), &tlv(0x82, &[1])]);
    vec![
        pair("aki_missing", &private().without(AKI), &private()),
        pair("aki_critical", &private().with(AKI, CRITICAL, aki(id)), &private()),
        pair("aki_mismatch", &private().with(AKI, None, aki(b"another")), &private()),
        pair("aki_issuer_serial", &private().with(AKI, None, whole), &private()),
        pair("ski_missing", &ca().without(SKI), &ca()),
        pair("ski_missing_leaf", &private().without(SKI), &private()),
        pair("ski_present_leaf", &public().with(SKI, None, tlv(4, b"id")), &public()),
        pair("ski_critical", &private().with(SKI, CRITICAL, tlv(4, b"id")), &private()),
    ]
}

fn structure() -> Vec<Pair> {
    let unknown = "1.3.6.1.4.1.55555.1";
    let twice = |certificate: Certificate| {
        let mut extensions = certificate.extensions.clone();
        extensions.extend(certificate.extensions.into_iter().filter(|(kind, ..)| *kind == BC));
        Certificate { extensions, ..private() }
    };
    let false_ca = seq(&[&[1, 1, 0]]);
    vec![
        pair("version", &Certificate { version: tlv(0xa0, &int(&[1])), ..private() }, &private()),
        pair("duplicate_extension", &twice(private()), &private()),
        pair(
            "unknown_critical",
            &private().with(unknown, CRITICAL, vec![5, 0]),
            &private().with(unknown, None, vec![5, 0]),
        ),
        pair("extension_malformed", &private().with(CRL_POINTS, None, vec![0x30, 5, 0]), &private()),
        pair(
            "extensions_empty",
            &Certificate { raw_extensions: Some(tlv(0xa3, &[0x30, 0])), ..ca_or_other() },
            &ca_or_other(),
        )
        .also(&["aki_missing", "eku_absent", "san_missing", "ski_missing_leaf"]),
        pair("trailing_data", &Certificate { tail: vec![5, 0], ..private() }, &private()),
        pair("non_der", &private().with(BC, CRITICAL, false_ca), &private()),
        pair("non_der", &private().with(BC, Some(1), seq(&[])), &private()),
        pair("non_der", &private().with(EKU, Some(0), eku(&[SERVER_AUTH])), &private()),
        pair("non_der", &private().key_usage(0, &[0x80]), &private()),
        pair("non_der", &private().with(SKI, None, vec![4, 0x81, 1, 7]), &private().with(SKI, None, vec![4, 1, 7])),
        pair("unique_id", &Certificate { unique_id: tlv(0x81, &[0, 7]), ..private() }, &private()),
    ]
}

fn constraints() -> Vec<Pair> {
    let good = permitting(&[&dns("test")]);
    let constrained = |value: Vec<u8>| ca().with(NC, CRITICAL, value);
    let network = |mask: u8| permitting(&[&ip(&[10, 0, 0, 0, 255, mask, 0, 0])]);
    let minimum = seq(&[&tlv(0xa0, &seq(&[&dns("test"), &tlv(0x80, &[1])]))]);
    vec![
        pair("nc_in_leaf", &private().with(NC, CRITICAL, good.clone()), &private()),
        pair("nc_not_critical", &ca().with(NC, None, good.clone()), &constrained(good.clone())),
        pair("nc_empty", &constrained(seq(&[])), &constrained(good.clone())),
        pair("nc_leading_dot", &constrained(permitting(&[&dns(".test")])), &constrained(good.clone())),
        pair("nc_bad_mask", &constrained(network(0b1010_0000)), &constrained(network(0b1110_0000))),
        pair("nc_malformed", &constrained(permitting(&[&tlv(0xa4, b"garbage")])), &constrained(good.clone())),
        pair("nc_malformed", &constrained(permitting(&[&tlv(0x89, b"test")])), &constrained(good.clone())),
        pair("nc_min_max", &constrained(minimum), &constrained(good)),
    ]
}

fn issuance() -> Vec<Pair> {
    let (ocsp, issuers) = ("1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2");
    let http = "http://ca.secure-io.dev/";
    let https = "https://ca.secure-io.dev/";
    let week = |until| valid(public().without(CRL_POINTS), "260530000000Z", until);
    vec![
        pair("policy_missing", &public().without(POLICIES), &public()),
        pair("revocation_missing", &public().without(CRL_POINTS), &public()),
        pair("revocation_missing", &week("260606000000Z"), &week("260605235959Z")),
        pair("aia_missing", &public().without(AIA), &public()),
        pair(
            "aia_not_http",
            &private().with(AIA, None, access(ocsp, https)),
            &private().with(AIA, None, access(ocsp, http)),
        ),
        pair("aia_not_http", &private().with(AIA, None, access(issuers, "ldap://ca.secure-io.dev/")), &private()),
        pair(
            "crl_not_http",
            &private().with(CRL_POINTS, None, crl_points(https)),
            &private().with(CRL_POINTS, None, crl_points(http)),
        ),
        pair("sct_missing", &public().without(SCTS), &public()),
    ]
}

fn crls() -> Vec<Pair> {
    let next = utc("260615000000Z");
    let without = |kind: &str| crl_extensions().into_iter().filter(|(known, ..)| *known != kind).collect::<Vec<_>>();
    let good = || crl(&next, &crl_extensions());
    vec![
        items("crl_stale", crl(&utc("260531235959Z"), &crl_extensions()), good()),
        items("crl_next_update_missing", crl(&[], &crl_extensions()), good()),
        items("crl_number_missing", crl(&next, &without("2.5.29.20")), good()),
        items("crl_aki_missing", crl(&next, &without(AKI)), good()),
    ]
}
