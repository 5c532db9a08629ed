//! Key algorithms by name.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use secure_io::key::Algorithm;

/// A key algorithm by its name, or as other programs call it.
pub(crate) fn algorithm_parser() -> impl TypedValueParser<Value = Algorithm> {
    let value = |algorithm: Algorithm| PossibleValue::new(algorithm.name()).aliases(other_names(algorithm));
    PossibleValuesParser::new(Algorithm::ALL.map(value)).map(|name| {
        let is_it =
            |algorithm: &Algorithm| algorithm.name() == name || other_names(*algorithm).contains(&name.as_str());
        Algorithm::ALL.into_iter().find(is_it).unwrap_or_default()
    })
}

/// Other programs' names of an algorithm; `rsa` alone is what `openssl genpkey -algorithm RSA` makes.
fn other_names(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm.name() {
        "ecdsa-p256" => &["p256", "p-256", "P256", "P-256", "ec", "EC", "ecdsa", "ECDSA", "prime256v1", "secp256r1"],
        "ecdsa-p384" => &["p384", "p-384", "P384", "P-384", "secp384r1"],
        "ecdsa-p521" => &["p521", "p-521", "P521", "P-521", "secp521r1"],
        "ed25519" => &["Ed25519", "ED25519", "eddsa"],
        "rsa-2048" => &["rsa", "RSA", "rsa2048", "rsa:2048", "RSA-2048", "2048"],
        "rsa-3072" => &["rsa3072", "rsa:3072", "RSA-3072", "3072"],
        "rsa-4096" => &["rsa4096", "rsa:4096", "RSA-4096", "4096"],
        _ => &[],
    }
}
