//! Reasons why there is no certificate.

use std::path::PathBuf;

use crate::base::files;
use crate::base::words::counted;
use crate::issue::{cert, credentials};
use crate::net::acme::server::Method;
use crate::net::tls;
use crate::x509::{csr, key};

/// Reason why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory cannot be read.
    #[error("the ACME directory {directory} cannot be read: {reason}")]
    Directory {
        /// Its URL.
        directory: String,
        /// The fault, with its causes.
        reason: String,
        /// Whether its certificate is not trusted.
        is_untrusted: bool,
    },
    /// The account was not made.
    #[error("the CA gives no account: {0}")]
    Account(String),
    /// The order was refused.
    #[error("the CA refuses the order for {}: {problem}", names.join(", "))]
    Order {
        /// The names.
        names: Vec<String>,
        /// The CA's problem document, in words.
        problem: String,
    },
    /// A challenge failed.
    #[error("{name} is not validated by {method}: {problem}")]
    Challenge {
        /// The name.
        name: String,
        /// The challenge.
        method: Method,
        /// The CA's problem document, in words.
        problem: String,
    },
    /// The CA offers no challenge that can be answered.
    #[error("{name} cannot be validated: the CA offers {}, and {able} can be answered here", offered.join(", "))]
    NoChallenge {
        /// The name.
        name: String,
        /// The challenges that the CA offers.
        offered: Vec<String>,
        /// What can be answered.
        able: &'static str,
    },
    /// The CA did not answer in time, or not as the protocol has it.
    #[error("{doing}: {problem}")]
    Protocol {
        /// What was under way.
        doing: &'static str,
        /// The fault.
        problem: String,
    },
    /// The certificate has another key.
    #[error("the CA's certificate is unusable: {0}")]
    Certificate(#[from] credentials::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A kept file is not what this program wrote.
    #[error("`{}` is not what was written there", path.display())]
    Kept {
        /// The file.
        path: PathBuf,
    },
    /// The request cannot be made.
    #[error(transparent)]
    Request(#[from] csr::Error),
    /// The key cannot be made.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The challenge's certificate cannot be made.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// A certificate cannot be read.
    #[error(transparent)]
    Cert(#[from] cert::Error),
    /// Too many bad nonces.
    #[error("the CA refused {} in a row", counted(*count, "nonce"))]
    Nonces {
        /// How many.
        count: u32,
    },
}

/// An error of the protocol in words: the CA's own where it is a problem document.
pub(super) fn words(error: &instant_acme::Error) -> String {
    let instant_acme::Error::Api(problem) = error else {
        let mut words = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let cause_words = cause.to_string();
            if !words.contains(&cause_words) {
                words.extend([": ", cause_words.as_str()]);
            }
            source = cause.source();
        }
        return words;
    };
    problem_words(problem)
}

/// A problem document in words: what it says, and its type.
pub(super) fn problem_words(problem: &instant_acme::Problem) -> String {
    let kind = problem.r#type.as_deref().unwrap_or("about:blank");
    let kind = kind.rsplit(':').next().unwrap_or_default();
    let mut words = problem.detail.clone().unwrap_or_else(|| "no reason is given".to_owned());
    for one in &problem.subproblems {
        if let Some(detail) = one.detail.as_ref().filter(|detail| !words.contains(detail.as_str())) {
            words.extend(["; ", detail.as_str()]);
        }
    }
    format!("{words} ({kind})")
}
