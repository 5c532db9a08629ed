//! Reasons why there is no certificate.

use std::path::PathBuf;

use crate::base::files;
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
        /// True if its certificate is not trusted.
        is_untrusted: bool,
    },
    /// The CA does not answer any more.
    #[error("{doing}: {problem}")]
    Unreachable {
        /// The step under way.
        doing: String,
        /// The fault, with its causes.
        problem: String,
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
        /// The challenges that can be answered.
        able: &'static str,
    },
    /// The CA did not answer in time, or not as the protocol has it.
    #[error("{doing}: {problem}")]
    Protocol {
        /// The step under way.
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
    /// A kept file was not written by this program.
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
}

impl Error {
    /// Returns true if the CA itself has not said no: it may be there again in a moment.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Directory { is_untrusted: false, .. })
    }
}
