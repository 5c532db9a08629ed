//! NIST's Public Key Interoperability Test Suite, from PyPI's cryptography_vectors.
//!
//! Each end-entity certificate is judged with all the suite's intermediates and CRLs at hand, for any purpose. Its name
//! says whether it is valid; those with other names depend on the policies that a user asks for, which
//! here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secure_io::files;
use secure_io::verify::{self, Anchors, Certificate, Crl, Purpose, Request};
use time::macros::datetime;

/// Valid, and refused all the same.
const REFUSED: &[(&str, &str)] =
    &[("ValidDSASignaturesTest4EE", "DSA"), ("ValidDSAParameterInheritanceTest5EE", "DSA")];

/// Their names say nothing: invalid as no policy holds along their path and one is required.
const NO_POLICY: &[&str] = &[
    "DifferentPoliciesTest12EE",
    "DifferentPoliciesTest4EE",
    "DifferentPoliciesTest5EE",
    "DifferentPoliciesTest7EE",
    "DifferentPoliciesTest8EE",
    "DifferentPoliciesTest9EE",
];

#[test]
fn pkits_is_judged_as_nist_has_it() {
    let certificates = read("certs");
    let (ends, authorities): (BTreeMap<_, _>, BTreeMap<_, _>) =
        certificates.into_iter().partition(|(name, _)| name.contains("Test") && name.contains("EE"));
    // One of them has a signature that is not made of whole octets.
    let parse = |(name, der): (String, Vec<u8>)| Some((name, Arc::new(Certificate::parse(der).ok()?)));
    let mut authorities: BTreeMap<_, _> = authorities.into_iter().filter_map(parse).collect();
    let anchors = Anchors::new(vec![authorities.remove("TrustAnchorRootCertificate").expect("it has a root")]);
    let presented: Vec<_> = authorities.into_values().collect();
    let crls: Vec<_> = read("crls").into_values().map(|der| Arc::new(Crl::parse(der).expect("a CRL"))).collect();
    let request = Request {
        presented: &presented,
        anchors: &anchors,
        crls: &crls,
        host: None,
        purpose: Purpose::Any,
        at: datetime!(2012-01-01 0:00 UTC),
        key: None,
        strict: false,
    };
    assert!(ends.len() > 200, "only {} certificates", ends.len());
    let mut wrong = Vec::new();
    for (name, der) in ends {
        let verdict = match Certificate::parse(der) {
            Ok(leaf) => verify::verify(&leaf, &request),
            Err(error) => verify::malformed(&error),
        };
        let is_refused = REFUSED.iter().any(|(refused, _)| *refused == name);
        let expected = !name.starts_with("Invalid") && !NO_POLICY.contains(&name.as_str()) && !is_refused;
        if verdict.valid != expected {
            wrong.push(format!("{name}: {:?}", verdict.error));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files of one of the suite's folders by their names.
fn read(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(suite().join(folder)).expect("tests/run installs the suite");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let stem = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    paths.map(|path| (stem(&path), files::read(&path).expect("it can be read").to_vec())).collect()
}

fn suite() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/lib");
    let mut versions = std::fs::read_dir(python).expect("tests/run makes target/python");
    let version = versions.next().expect("one version of Python").expect("a folder").path();
    version.join("site-packages/cryptography_vectors/x509/PKITS_data")
}
