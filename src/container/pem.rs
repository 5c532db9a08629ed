//! Splits text into PEM blocks (RFC 7468), without decoding them.
//!
//! A marker counts wherever it stands, so that text which lost its line ends, was quoted or indented is read as well. One
//! in the middle of prose counts only when a sound block follows.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::base64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Longer than any label there is. What is no label must not be shown: it may be a key.
const MAX_LABEL: usize = 64;

/// The furthest that the start of a line is looked for before its BEGIN.
const MAX_PREFIX: usize = 256;

static FIND_BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));

/// Where a block is in a text.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The line of its BEGIN, from 1.
    pub(super) line: usize,
    pub(super) label: Range<usize>,
    /// What is between its markers, or what is wrong with them.
    pub(super) body: Result<Range<usize>, &'static str>,
}

/// Splits a text that may come in parts.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    /// The line that the next part begins on.
    line: usize,
}

/// The blocks of a part of a text.
pub(super) struct Part {
    pub(super) blocks: Vec<Block>,
    /// How much of it is dealt with; the next part goes on from there.
    pub(super) used: usize,
}

impl Splitter {
    pub(super) const fn new() -> Self {
        Self { line: 1 }
    }

    /// The blocks that end in a part of a text; those that do not, unless it is the `last` part, are left to the next.
    pub(super) fn split(&mut self, text: &[u8], last: bool) -> Part {
        let mut blocks = Vec::new();
        // Lines are counted up to here.
        let mut counted = 0;
        let mut at = 0;
        let used = loop {
            let Some(start) = find_begin(text, at) else { break unfinished_marker(text, at, last) };
            let Some(label) = label(text, start + BEGIN.len()) else {
                if !last && text.len() - start < BEGIN.len() + MAX_LABEL + DASHES.len() {
                    break line_start(text, start, at);
                }
                at = start + BEGIN.len();
                continue;
            };
            let (body, next) = match body(text, &label) {
                Body::Unfinished if !last => break line_start(text, start, at),
                Body::Unfinished => (Err("has no END line of its own"), text.len()),
                Body::Found { body, next } => (body, next),
            };
            let body = body.and_then(|body| if is_blank(text, &body) { Err("is empty") } else { Ok(body) });
            if is_in_prose(text, start) && !is_sound(text, &body) {
                at = label.end;
                continue;
            }
            self.line = self.line.saturating_add(lines(text, counted..start));
            counted = start;
            blocks.push(Block { line: self.line, label, body });
            at = next;
        };
        self.line = self.line.saturating_add(lines(text, counted..used));
        Part { blocks, used }
    }
}

fn find_begin(text: &[u8], at: usize) -> Option<usize> {
    FIND_BEGIN.find(text.get(at..)?).map(|offset| at + offset)
}

/// How far a text without further markers is done with: not beyond where one may have been cut.
fn unfinished_marker(text: &[u8], at: usize, last: bool) -> usize {
    let kept = text.len().saturating_sub(BEGIN.len() - 1).max(at);
    if last { text.len() } else { line_start(text, kept, at) }
}

/// The start of the line that `at` is in, if that is near and not before `floor`.
fn line_start(text: &[u8], at: usize, floor: usize) -> usize {
    let floor = floor.max(at.saturating_sub(MAX_PREFIX)).min(at);
    let before = text.get(floor..at).unwrap_or_default();
    memchr::memrchr2(b'\n', b'\r', before).map_or(floor, |offset| floor + offset + 1)
}

/// The label that begins here.
fn label(text: &[u8], start: usize) -> Option<Range<usize>> {
    let near = text.get(start..text.len().min(start + MAX_LABEL + DASHES.len()))?;
    let length = near.windows(DASHES.len()).position(|window| window == DASHES)?;
    let label = near.get(..length)?;
    let is_label = label.iter().all(|octet| octet.is_ascii_graphic() || *octet == b' ')
        && !label.windows(2).any(|window| window == b"--");
    is_label.then_some(start..start + length)
}

enum Body {
    Unfinished,
    Found {
        body: Result<Range<usize>, &'static str>,
        /// Where to go on.
        next: usize,
    },
}

/// Goes from the end of a label to its END.
fn body(text: &[u8], begun: &Range<usize>) -> Body {
    let start = begun.end + DASHES.len();
    let rest = text.get(start..).unwrap_or_default();
    for dash in memchr::memchr_iter(b'-', rest) {
        let here = rest.get(dash..).unwrap_or_default();
        if here.starts_with(END) {
            let Some(ended) = label(text, start + dash + END.len()) else { continue };
            let next = ended.end + DASHES.len();
            let is_own = text.get(ended) == text.get(begun.clone());
            let body = if is_own { Ok(start..start + dash) } else { Err("ends with the END line of another label") };
            return Body::Found { body, next };
        }
        if here.starts_with(BEGIN) && label(text, start + dash + BEGIN.len()).is_some() {
            return Body::Found { body: Err("has no END line of its own"), next: start + dash };
        }
    }
    Body::Unfinished
}

/// Whether there are words before a marker on its line, other than another marker.
fn is_in_prose(text: &[u8], start: usize) -> bool {
    let before = text.get(line_start(text, start, 0)..start).unwrap_or_default().trim_ascii_end();
    !before.ends_with(DASHES) && before.iter().any(u8::is_ascii_alphanumeric)
}

fn is_blank(text: &[u8], body: &Range<usize>) -> bool {
    text.get(body.clone()).unwrap_or_default().trim_ascii().is_empty()
}

/// Whether it decodes to more than a word would.
fn is_sound(text: &[u8], body: &Result<Range<usize>, &'static str>) -> bool {
    let decoded = |body: &Range<usize>| text.get(body.clone()).and_then(base64::decode);
    body.as_ref().ok().and_then(decoded).is_some_and(|octets| octets.len() > 8)
}

/// Whether there may be a block in a text.
pub(super) fn is_begun(text: &[u8]) -> bool {
    find_begin(text, 0).is_some()
}

impl Splitter {
    /// Counts the lines of a text that is not looked into.
    pub(super) fn pass(&mut self, text: &[u8]) {
        self.line = self.line.saturating_add(lines(text, 0..text.len()));
    }
}

/// How many lines end in a stretch of the text, whatever ends them: LF, CRLF, or CR alone.
fn lines(text: &[u8], stretch: Range<usize>) -> usize {
    let part = text.get(stretch.clone()).unwrap_or_default();
    let is_alone = |at: &usize| text.get(stretch.start + at + 1) != Some(&b'\n');
    memchr::memchr_iter(b'\n', part).count() + memchr::memchr_iter(b'\r', part).filter(is_alone).count()
}
