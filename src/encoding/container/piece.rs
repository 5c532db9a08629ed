//! Pieces of a text: PEM blocks, and other data between them.

use std::ops::Range;

use super::flaw::Decoded;

/// Pieces after which a part ends.
pub(super) const PIECES_LIMIT: usize = 100_000;

/// Position of a block in a text.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The line of its BEGIN, from 1.
    pub(super) line: usize,
    pub(super) label: Range<usize>,
    /// Octets between the markers, or the fault of the markers.
    pub(super) body: Result<Range<usize>, &'static str>,
}

/// Something in a text.
#[derive(Debug)]
pub(super) enum Piece {
    /// A block that holds one structure, still to be decoded.
    Block(Block),
    /// The contents of a block, of a base64 value or of DER between blocks.
    Decoded { line: Option<usize>, label: Option<String>, contents: Vec<Decoded> },
}

impl Piece {
    /// The number of items that it is.
    pub(super) fn count(&self) -> usize {
        if let Self::Decoded { contents, .. } = self { contents.len() } else { 1 }
    }

    pub(super) fn is_broken(&self) -> bool {
        match self {
            Self::Block(block) => block.body.is_err(),
            Self::Decoded { contents, .. } => contents.iter().any(Result::is_err),
        }
    }
}
