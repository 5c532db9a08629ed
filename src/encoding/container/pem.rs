//! Splits text into PEM blocks (RFC 7468), without decoding them, and finds other data between them.
//!
//! A marker counts wherever it stands, so that text which lost its line ends, was quoted or indented is read as well.
//! One in the middle of prose counts only when a sound block follows, or one that was meant to be sound.

use std::ops::Range;

use super::base64;
use super::decode;
use super::gap::{self, Done, Gap, Rest};
use super::lines::{line_start, lines};
use super::marker::{DASHES, MAX_MARKER, Marker, Word, find_begin, is_wide, label_text};
use super::piece::{Block, PIECES_LIMIT, Piece};

/// As many octets between two markers are no word of a sentence about markers.
const MIN_BODY: usize = 64;

/// Splits a text that may come in parts.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    /// The line that the next part begins on.
    line: usize,
    /// Number of times that the text was encoded in base64 to stand in another.
    depth: usize,
    /// True if the block before this text is in UTF-16 or UTF-32.
    is_beside_wide: bool,
    rest: Rest,
}

/// The pieces of a part of a text.
pub(super) struct Part {
    pub(super) pieces: Vec<Piece>,
    /// Number of octets consumed; the next part continues there.
    pub(super) used: usize,
}

/// A marker that begins a block, and how that block goes on.
enum Next {
    Block {
        start: usize,
        label: Range<usize>,
        body: Result<Range<usize>, &'static str>,
        next: usize,
        stride: usize,
    },
    /// The text is done with up to here.
    Nothing(usize),
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self::nested(0)
    }

    /// Splits a text that stood in another, base64-encoded so many times.
    fn nested(depth: usize) -> Self {
        Self { line: 1, depth, is_beside_wide: false, rest: Rest::default() }
    }

    /// Notes that DER stands before the text.
    pub(super) fn follows_der(&mut self) {
        self.rest.follows_der();
    }

    /// Notes that the text is a file of another kind, of which much is expected not to be known here.
    pub(super) fn is_foreign(&mut self) {
        self.rest.is_foreign();
    }

    /// Pieces of a part of a text, about `limit` of them. Those that do not end in it, unless it is the `last` part, are
    /// left to the next.
    pub(super) fn split(&mut self, text: &[u8], last: bool, limit: usize) -> Part {
        let is_wide = is_wide(text);
        let (mut pieces, mut at, mut counted) = (Vec::new(), 0, 0);
        let used = loop {
            if pieces.len() >= limit {
                break at;
            }
            let next = next_block(text, at, is_wide, last);
            let (end, stride) = match &next {
                Next::Block { start, stride, .. } => (*start, *stride),
                Next::Nothing(used) => (*used, 1),
            };
            self.line = self.line.saturating_add(lines(text, counted..at, is_wide));
            counted = at;
            let is_wide_here = self.is_beside_wide || stride > 1;
            let gap = Gap {
                text,
                range: at..end,
                last,
                is_wide: is_wide_here,
                line: self.line,
                depth: self.depth,
                split: split_nested,
            };
            match (gap::look(&gap, &mut self.rest, &mut pieces), next) {
                (Done::Unfinished(used), _) => break used,
                (Done::Beyond(next), _) => at = next,
                (Done::All, Next::Nothing(used)) => {
                    if last {
                        self.rest.finish(&mut pieces);
                    }
                    break used;
                }
                (Done::All, Next::Block { start, label, body, next, stride }) => {
                    self.rest.meet_block(&mut pieces);
                    self.line = self.line.saturating_add(lines(text, counted..start, is_wide));
                    counted = start;
                    pieces.push(piece(text, Block { line: self.line, label, body }));
                    self.is_beside_wide = stride > 1;
                    at = next;
                }
            }
        };
        self.line = self.line.saturating_add(lines(text, counted..used, is_wide));
        Part { pieces, used }
    }

    /// Counts the lines of a text that is not looked into.
    pub(super) fn pass(&mut self, text: &[u8]) {
        self.line = self.line.saturating_add(lines(text, 0..text.len(), is_wide(text)));
    }
}

/// The pieces of a text that stood in another, base64-encoded so many times.
fn split_nested(text: &[u8], depth: usize) -> Vec<Piece> {
    Splitter::nested(depth).split(text, true, PIECES_LIMIT).pieces
}

/// The block, or its contents if there may be more than one structure.
fn piece(text: &[u8], block: Block) -> Piece {
    let Some(body) = block.body.as_ref().ok().and_then(|body| text.get(body.clone())) else {
        return Piece::Block(block);
    };
    if !decode::may_hold_more(body) {
        return Piece::Block(block);
    }
    let label = label_text(text.get(block.label).unwrap_or_default()).into_owned();
    let contents = decode::block(&label, body);
    Piece::Decoded { line: Some(block.line), label: Some(label), contents }
}

/// The next block that counts.
fn next_block(text: &[u8], from: usize, is_wide: bool, last: bool) -> Next {
    let mut at = from;
    loop {
        let Some(start) = find_begin(text, at, is_wide) else {
            return Next::Nothing(unfinished_marker(text, from, is_wide, last));
        };
        let Some(marker) = Word::Begin.at(text, start) else {
            if !last && text.len() - start < MAX_MARKER {
                return Next::Nothing(line_start(text, start, from));
            }
            at = start + DASHES.len();
            continue;
        };
        let (body, next) = match body(text, &marker) {
            Body::Unfinished if !last => return Next::Nothing(line_start(text, start, from)),
            Body::Unfinished => (Err(NO_END), text.len()),
            Body::Found { body, next } => (body, next),
        };
        if is_in_prose(text, start) && !is_meant(text, &marker, &body, next) {
            at = marker.label.end;
            continue;
        }
        let body = body.and_then(|body| if is_blank(text, &body) { Err("is empty") } else { Ok(body) });
        return Next::Block { start, label: marker.label, body, next, stride: marker.stride };
    }
}

const NO_END: &str = "has no END line of its own";

/// Returns the end of the text that holds no marker, before any marker that may have been cut.
fn unfinished_marker(text: &[u8], at: usize, is_wide: bool, last: bool) -> usize {
    let length = if is_wide { 4 * "-----BEGIN".len() } else { "-----BEGIN".len() };
    let kept = text.len().saturating_sub(length - 1).max(at);
    if last { text.len() } else { line_start(text, kept, at) }
}

enum Body {
    Unfinished,
    Found {
        body: Result<Range<usize>, &'static str>,
        /// Position at which to continue.
        next: usize,
    },
}

/// Goes from a BEGIN to its END.
fn body(text: &[u8], begun: &Marker) -> Body {
    let start = begun.end;
    let rest = text.get(start..).unwrap_or_default();
    for dash in memchr::memchr_iter(b'-', rest) {
        let at = start + dash;
        if let Some(ended) = Word::End.at(text, at) {
            let label = |label: &Range<usize>| label_text(text.get(label.clone()).unwrap_or_default());
            let is_own = label(&ended.label) == label(&begun.label);
            let body = if is_own { Ok(start..at) } else { Err("ends with the END line of another label") };
            return Body::Found { body, next: ended.end };
        }
        if Word::Begin.at(text, at).is_some() {
            return Body::Found { body: Err(NO_END), next: at };
        }
    }
    Body::Unfinished
}

/// Returns true if words other than another marker precede a marker on its line.
fn is_in_prose(text: &[u8], start: usize) -> bool {
    let before = text.get(line_start(text, start, 0)..start).unwrap_or_default();
    let before: Vec<u8> = before.iter().copied().filter(|octet| *octet != 0).collect();
    let before = before.trim_ascii_end();
    !before.ends_with(DASHES) && before.iter().any(u8::is_ascii_alphanumeric)
}

fn is_blank(text: &[u8], body: &Range<usize>) -> bool {
    text.get(body.clone()).unwrap_or_default().iter().all(|octet| octet.is_ascii_whitespace() || *octet == 0)
}

/// Whether what follows a marker in prose decodes to more than a word would, or was meant to: a known label, and more
/// between the markers than a sentence has.
fn is_meant(text: &[u8], marker: &Marker, body: &Result<Range<usize>, &'static str>, next: usize) -> bool {
    let within = text.get(body.as_ref().map_or(marker.end..next, Clone::clone)).unwrap_or_default();
    if body.is_ok() && base64::decode(within).is_some_and(|octets| octets.len() > 8) {
        return true;
    }
    let label = label_text(text.get(marker.label.clone()).unwrap_or_default());
    let begun = || within.iter().filter(|octet| **octet != 0).take(2 * MIN_BODY);
    let digits = begun().filter(|octet| base64::is_digit(**octet)).count();
    let words = begun().filter(|octet| **octet == b' ').count();
    decode::is_known(&label) && digits >= MIN_BODY && words <= digits / 16
}
