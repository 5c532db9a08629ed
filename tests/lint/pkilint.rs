//! Our findings held against pkilint's.
//!
//! What pkilint says of a pair's two certificates differs by what the pair is about: each rule is mapped to the code
//! that it adds, or to the reason why it adds none.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Item;
use crate::pairs::{self, Pair};

/// What pkilint says of the one that trips and not of the one that passes.
enum Theirs {
    /// One of these codes.
    Says(&'static [&'static str]),
    /// Nothing, for this reason.
    Silent(&'static str),
}

use Theirs::{Says, Silent};

/// By rule: those that both know, and those that pkilint does not.
#[rustfmt::skip]
const RULES: &[(&str, Theirs)] = &[
    ("san_missing", Says(&["cabf.serverauth.subscriber.subject_altname_extension_absent"])),
    ("cn_not_in_san", Says(&["cabf.serverauth.subscriber_common_name_unknown_source"])),
    ("cn_present", Says(&["cabf.serverauth.dv.common_name_attribute_present"])),
    ("ip_in_dns_san", Says(&["pkix.invalid_domain_name_syntax"])),
    ("dns_bad_syntax", Says(&["cabf.serverauth.invalid_dnsname_syntax", "itu.invalid_asn1_syntax"])),
    ("dns_underscore", Says(&["cabf.serverauth.invalid_dnsname_syntax"])),
    ("wildcard_bad", Says(&["cabf.serverauth.invalid_dnsname_syntax"])),
    ("wildcard_too_wide", Silent("it asks no public suffix list")),
    ("dns_reserved_label", Says(&["cabf.serverauth.dnsname_contains_prohibited_reserved_label", "cabf.serverauth.invalid_plabel_encoding"])),
    ("internal_name", Says(&["cabf.internal_domain_name", "cabf.internal_ip_address"])),
    ("san_duplicate", Silent("a habit, which no standard forbids")),
    ("san_ip_length", Says(&["pkix.ip_address_wrong_length"])),
    ("san_critical", Says(&["pkix.san_extension_not_critical_empty_subject", "pkix.san_extension_is_critical_non_empty_subject"])),
    ("san_bad_entry", Says(&["pkix.invalid_email_address_syntax"])),
    ("subject_whitespace", Silent("a habit, which no standard forbids")),
    ("subject_html", Silent("a habit, which no standard forbids")),
    ("subject_control_character", Silent("a habit, which no standard forbids")),
    ("subject_placeholder", Says(&["cabf.insignificant_attribute_value_present"])),
    ("subject_openssl_default", Silent("a habit, which no standard forbids")),
    ("subject_duplicate_attribute", Silent("it says of the first O already that a DV subject has none")),
    ("subject_country", Says(&["cabf.invalid_country_code"])),
    ("subject_ou", Silent("it says of the O already that a DV subject has none")),
    ("subject_too_long", Says(&["itu.invalid_asn1_syntax"])),
    ("name_string_type", Says(&["cabf.serverauth.attribute_value_invalid_encoding_type"])),
    ("name_string_content", Says(&["itu.invalid_asn1_syntax"])),
    ("name_malformed", Says(&["itu.invalid_asn1_syntax", "unloadable"])),
    ("issuer_empty", Silent("it takes the issuer as given")),
    ("ca_subject_empty", Says(&["cabf.serverauth.ca.common_name_attribute_absent"])),
    ("validity_too_long", Says(&["cabf.serverauth.certificate_validity_period_exceeds_200_days"])),
    ("validity_at_limit", Says(&["cabf.serverauth.certificate_validity_period_exceeds_199_days"])),
    ("validity_apple_825", Silent("beyond 200 days already, both are too long to it")),
    ("validity_order", Says(&["pkix.certificate_negative_validity_period"])),
    ("validity_outlives_issuer", Silent("it is not given the issuer")),
    ("time_encoding", Says(&["pkix.wrong_time_useful_type", "pkix.invalid_time_syntax"])),
    ("not_yet_valid", Silent("it does not look at the clock")),
    ("expired", Silent("it does not look at the clock")),
    ("expires_soon", Silent("it does not look at the clock")),
    ("eku_absent", Says(&["cabf.serverauth.subscriber.extended_key_usage_extension_absent"])),
    ("eku_missing_server_auth", Says(&["cabf.serverauth.subscriber.serverauth_eku_absent"])),
    ("eku_client_only", Says(&["cabf.serverauth.subscriber.serverauth_eku_absent"])),
    ("eku_any", Says(&["cabf.serverauth.subscriber.anyeku_eku_present"])),
    ("eku_client_auth", Silent("it has no rules of Chrome's")),
    ("eku_critical", Says(&["cabf.serverauth.subscriber.critical_extended_key_usage_extension"])),
    ("ca_true_leaf", Says(&["cabf.serverauth.ca.unknown_extension_present"])),
    ("self_signed_leaf_trusted", Silent("the pair is judged with a root store")),
    ("leaf_key_cert_sign", Says(&["cabf.serverauth.subscriber_prohibited_ku_present"])),
    ("leaf_crl_sign", Says(&["cabf.serverauth.subscriber_prohibited_ku_present"])),
    ("ku_not_for_tls", Says(&["cabf.serverauth.subscriber_required_ku_missing"])),
    ("ku_ec_encipherment", Says(&["cabf.serverauth.subscriber_prohibited_ku_present"])),
    ("ku_empty", Says(&["cabf.serverauth.subscriber_required_ku_missing"])),
    ("ku_missing", Says(&["cabf.serverauth.ca.key_usage_extension_absent"])),
    ("ku_no_cert_sign", Says(&["cabf.ca_certificate_required_ku_missing"])),
    ("ku_not_critical", Says(&["cabf.serverauth.ca.non_critical_key_usage_extension"])),
    ("ku_leaf_not_critical", Says(&["cabf.serverauth.subscriber.non_critical_key_usage_extension"])),
    ("bc_not_critical", Says(&["cabf.serverauth.ca.non_critical_basic_constraints_extension"])),
    ("pathlen_without_ca", Says(&["itu.invalid_asn1_syntax"])),
    ("pathlen_without_cert_sign", Says(&["cabf.ca_certificate_required_ku_missing"])),
    ("aki_missing", Says(&["cabf.serverauth.subscriber.authority_key_identifier_extension_absent"])),
    ("aki_critical", Says(&["cabf.serverauth.subscriber.critical_authority_key_identifier_extension"])),
    ("aki_mismatch", Silent("it is not given the issuer")),
    ("aki_issuer_serial", Says(&["cabf.authority_key_identifier_has_issuer_cert"])),
    ("ski_missing", Says(&["cabf.serverauth.ca.subject_key_identifier_extension_absent"])),
    ("ski_missing_leaf", Says(&["pkix.certificate_skid_end_entity_missing"])),
    ("ski_present_leaf", Says(&["cabf.serverauth.subscriber.subject_key_identifier_extension_present"])),
    ("ski_critical", Says(&["cabf.serverauth.subscriber.critical_subject_key_identifier_extension"])),
    ("version", Says(&["pkix.certificate_version_is_not_v3"])),
    ("duplicate_extension", Says(&["pkix.duplicate_extension"])),
    ("unknown_critical", Silent("an extension it does not know is told of whether critical or not")),
    ("extension_malformed", Says(&["itu.invalid_asn1_syntax"])),
    ("extensions_empty", Says(&["unloadable"])),
    ("trailing_data", Says(&["unloadable"])),
    ("non_der", Says(&["itu.invalid_asn1_syntax", "unloadable"])),
    ("unique_id", Says(&["pkix.issuer_unique_id_present"])),
    ("nc_in_leaf", Says(&["cabf.serverauth.subscriber.name_constraints_extension_present"])),
    ("nc_not_critical", Says(&["pkix.certificate_name_constraints_extension_not_critical"])),
    ("nc_empty", Says(&["pkix.name_constraints_no_subtrees"])),
    ("nc_leading_dot", Says(&["cabf.serverauth.invalid_dnsname_syntax"])),
    ("nc_bad_mask", Says(&["pkix.ip_address_name_constraint_invalid_cidr"])),
    ("nc_malformed", Says(&["itu.invalid_asn1_syntax"])),
    ("nc_min_max", Says(&["pkix.name_constraints_non_default_minimum"])),
    ("policy_missing", Says(&["cabf.serverauth.subscriber.certificate_policies_extension_absent"])),
    ("revocation_missing", Says(&["cabf.serverauth.subscriber.revocation_information_absent"])),
    ("aia_missing", Says(&["cabf.serverauth.subscriber.authority_info_access_extension_absent"])),
    ("aia_not_http", Says(&["cabf.serverauth.aia_location_uri_not_http"])),
    ("crl_not_http", Says(&["cabf.serverauth.crldp_dpname_prohibited_uri_scheme"])),
    ("sct_missing", Silent("logging is the browsers' affair")),
    ("rsa_too_small", Says(&["cabf.rsa_modulus_invalid_length"])),
    ("rsa_too_large", Silent("it has no upper bound")),
    ("rsa_odd_size", Says(&["cabf.rsa_modulus_invalid_length"])),
    ("rsa_exponent_invalid", Says(&["cabf.rsa_exponent_not_in_recommended_range"])),
    ("rsa_exponent_small", Says(&["cabf.rsa_exponent_not_in_recommended_range"])),
    ("rsa_exponent_large", Silent("within the range that the Baseline Requirements allow")),
    ("rsa_small_factor", Says(&["cabf.rsa_modulus_has_small_prime_factor"])),
    ("rsa_close_primes", Silent("it does not search for them")),
    ("rsa_roca", Silent("it does not search for it")),
    ("key_type", Says(&["cabf.serverauth.prohibited_subject_public_key_algorithm_encoding"])),
    ("key_ed25519", Says(&["cabf.serverauth.prohibited_subject_public_key_algorithm_encoding"])),
    ("key_p521", Silent("allowed by the Baseline Requirements")),
    ("ec_explicit_curve", Says(&["cabf.serverauth.prohibited_subject_public_key_algorithm_encoding"])),
    ("ec_point_compressed", Silent("it does not look into the point")),
    ("key_malformed", Says(&["cabf.ecdsa_key_validation_failed", "cabf.rsa_modulus_invalid_length", "itu.invalid_asn1_syntax", "unloadable"])),
    ("key_parameters", Says(&["cabf.serverauth.prohibited_subject_public_key_algorithm_encoding", "itu.invalid_asn1_syntax"])),
    ("sig_weak", Says(&["cabf.serverauth.prohibited_signature_algorithm_encoding"])),
    ("sig_alg_mismatch", Says(&["pkix.certificate_signature_algorithm_mismatch"])),
    ("sig_parameters", Says(&["cabf.serverauth.prohibited_signature_algorithm_encoding"])),
    ("sig_not_its_own", Silent("it does not check signatures")),
    ("serial_negative", Says(&["pkix.certificate_serial_number_out_of_range"])),
    ("serial_zero", Says(&["pkix.certificate_serial_number_out_of_range"])),
    ("serial_too_long", Says(&["pkix.certificate_serial_number_out_of_range"])),
    ("serial_short", Silent("one number says nothing of how random it is")),
];

#[test]
fn pkilint_agrees_but_for_known_differences() {
    let pairs = pairs::all();
    let lines: Vec<(&Pair, String, String)> =
        pairs.iter().filter_map(|pair| Some((pair, line(&pair.trips)?, line(&pair.passes)?))).collect();
    let input = lines.iter().fold(String::new(), |mut input, (_, trips, passes)| {
        let _ = writeln!(input, "{trips}\n{passes}");
        input
    });
    let printed = pkilint(&input);
    let printed: Vec<&str> = printed.lines().collect();
    assert_eq!(printed.len(), 2 * lines.len());
    let mut wrong = Vec::new();
    for ((pair, ..), codes) in lines.iter().zip(printed.chunks(2)) {
        let [trips, passes] = [0, 1].map(|i| codes[i].split_whitespace().collect::<BTreeSet<_>>());
        let added: Vec<_> = trips.difference(&passes).copied().collect();
        match RULES.iter().find(|(id, _)| *id == pair.id) {
            Some((_, Says(codes))) if codes.iter().any(|code| added.contains(code)) => {}
            Some((_, Silent(_))) if added.is_empty() => {}
            Some((_, Silent(reason))) => wrong.push(format!("{}: not silent ({reason}) but {added:?}", pair.id)),
            _ => wrong.push(format!("{}: pkilint adds {added:?}", pair.id)),
        }
    }
    let unused = RULES.iter().filter(|(id, _)| !lines.iter().any(|(pair, ..)| pair.id == *id));
    wrong.extend(unused.map(|(id, _)| format!("{id}: there is no such pair")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn pkilint(input: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/python/bin/python3"));
    // -P: the scripts beside it are not to be taken for Python's own modules (inspect.py).
    command.arg("-P").arg(root.join("tests/python/pkilint_findings.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("no pkilint: {error}; `tests/run` installs it"));
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("all of it is read");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).expect("codes are ASCII")
}

/// The kind that pkilint judges it as, and its octets; requests and CRLs are not for its linter of server certificates.
fn line(item: &Item) -> Option<String> {
    let Item::Certificate(der) = item else { return None };
    let is_ca = secure_io::inspect::certificate(der).is_ok_and(|certificate| certificate.is_ca);
    let kind = if is_ca { "INTERNAL-UNCONSTRAINED-TLS-CA" } else { "DV-FINAL-CERTIFICATE" };
    Some(format!("{kind} {}", secure_io::name::hex(der)))
}
