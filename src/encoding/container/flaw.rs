//! Faults of PEM blocks, and of DER without armour.

use super::{Content, Error, base64};

/// One structure of a block, or its fault.
pub(super) type Decoded = Result<Content, Flaw>;

/// A fault of a block, or of DER without armour.
#[derive(Debug)]
pub(super) enum Flaw {
    Broken(&'static str),
    /// Text that is not base64; its lines are counted from that of BEGIN, which is 0.
    NotBase64(base64::Fault),
    /// The content contradicts the label.
    Holds(&'static str),
    /// Octets behind a structure that are nothing known here.
    Trailing(usize),
    /// DER that does not go on to its end.
    Cut(String),
    /// DER of nothing that is known here.
    Unknown,
    /// Octets between blocks that are neither text nor DER.
    Garbage(usize),
}

impl Flaw {
    /// The flaw of a block or of DER at its place.
    pub(super) fn at(self, ordinal: usize, line: Option<usize>, label: Option<&str>) -> Error {
        match (self, label.map(ToOwned::to_owned), line.unwrap_or(1)) {
            (Self::Broken(reason), label, line) => {
                Error::Block { ordinal, line, label: label.unwrap_or_else(|| "base64".to_owned()), reason }
            }
            (Self::NotBase64(fault), label, line) => Error::NotBase64 {
                ordinal,
                line,
                label: label.unwrap_or_else(|| "base64".to_owned()),
                fault: fault.below(line),
            },
            (Self::Holds(holds), label, line) => {
                Error::Mislabelled { ordinal, line, label: label.unwrap_or_default(), holds }
            }
            (Self::Trailing(count), Some(label), line) => Error::TrailingInBlock { ordinal, line, label, count },
            (Self::Trailing(count), None, _) => Error::TrailingOctets { count },
            (Self::Cut(reason), ..) => Error::Cut { reason },
            (Self::Unknown, ..) => Error::UnknownStructure,
            (Self::Garbage(count), _, line) => Error::Garbage { count, line },
        }
    }
}
