//! Reasons for a refusal: of a certificate in itself, and of a certificate in its path.

use crate::judge::report::verdict::Code;

/// A reason that a certificate carries in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Code::Malformed, message)
    }
}

/// Reason why a path, or the search for one, failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) code: Code,
    /// The place in its path of the certificate that is to blame.
    pub(super) index: usize,
    pub(super) message: String,
}

impl Rejection {
    pub(super) fn new(code: Code, index: usize, message: impl Into<String>) -> Self {
        Self { code, index, message: message.into() }
    }

    pub(super) fn of(fault: &Fault, index: usize) -> Self {
        Self::new(fault.code, index, fault.message.clone())
    }
}
