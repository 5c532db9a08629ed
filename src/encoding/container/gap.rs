//! What stands between the PEM blocks of a text: mostly nothing or words, sometimes DER, base64 without markers as in
//! Kubernetes' secrets, JWKs and SAML, or octets that are lost unless they are reported.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use super::bare::{self, Start};
use super::base64;
use super::decode;
use super::der_kind::DerKind;
use super::flaw::{Decoded, Flaw};
use super::lines::{line_start, lines};
use super::marker::{self, Word, label_text};
use super::piece::{PIECES_LIMIT, Piece};

/// Shorter than the base64 of any key or certificate.
const MIN_VALUE: usize = 44;

/// A base64 value that is not known to be of interest after so many octets is ignored.
const MAX_UNKNOWN: usize = 4 << 10;

/// Base64 within base64 within base64: more often nobody encodes a text.
const DEPTH_LIMIT: usize = 3;

/// Part of a text.
pub(super) struct Gap<'a> {
    pub(super) text: &'a [u8],
    pub(super) range: Range<usize>,
    /// True if nothing follows the text.
    pub(super) last: bool,
    /// True if a marker in UTF-16 or UTF-32 stands beside the text.
    pub(super) is_wide: bool,
    /// The first line.
    pub(super) line: usize,
    pub(super) depth: usize,
    /// Splits a text that stood in this one, at its depth.
    pub(super) split: fn(&[u8], usize) -> Vec<Piece>,
}

/// The position up to which a gap was read.
pub(super) enum Done {
    All,
    /// A structure of the gap ends here, beyond the gap.
    Beyond(usize),
    /// Something begins here and does not end in the text.
    Unfinished(usize),
}

/// Octets that were not read and have to be reported.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    /// Octets of text that follow DER.
    after_der: Option<usize>,
    /// A line and the number of octets from there on that are no text.
    garbage: Option<(usize, usize)>,
    is_found: bool,
    is_foreign: bool,
}

impl Rest {
    pub(super) fn follows_der(&mut self) {
        self.after_der = Some(0);
        self.is_found = true;
    }

    pub(super) fn is_foreign(&mut self) {
        self.is_foreign = true;
    }

    /// Reports data before a block. Text before a block is an explanation (RFC 7468 section 2).
    pub(super) fn meet_block(&mut self, pieces: &mut Vec<Piece>) {
        self.report_garbage(pieces);
        self.after_der = None;
        self.is_found = true;
    }

    /// Reports data at the end of a source, unless the source is empty.
    pub(super) fn finish(&mut self, pieces: &mut Vec<Piece>) {
        if !self.is_found {
            return;
        }
        self.report_garbage(pieces);
        if let Some(count @ 1..) = self.after_der.take() {
            pieces.push(Piece::Decoded { line: None, label: None, contents: vec![Err(Flaw::Trailing(count))] });
        }
    }

    fn report_garbage(&mut self, pieces: &mut Vec<Piece>) {
        let Some((line, count)) = self.garbage.take().filter(|_| !self.is_foreign) else { return };
        let flaw = if self.after_der.is_some() { Flaw::Trailing(count) } else { Flaw::Garbage(count) };
        self.after_der = None;
        pieces.push(Piece::Decoded { line: Some(line), label: None, contents: vec![Err(flaw)] });
    }

    fn garbage(&mut self, line: usize, count: usize) {
        let (first, sum) = self.garbage.unwrap_or((line, 0));
        self.garbage = Some((first, sum.saturating_add(count)));
    }
}

/// Finds the structures in a gap.
pub(super) fn look(gap: &Gap<'_>, rest: &mut Rest, pieces: &mut Vec<Piece>) -> Done {
    let Range { start, end } = gap.range;
    let octets = gap.text.get(start..end).unwrap_or_default();
    if octets.iter().all(u8::is_ascii_whitespace) {
        return Done::All;
    }
    let mut seeker = Seeker { gap, rest, pieces, at: start, counted: start, line: gap.line };
    let is_text = octets.iter().all(|octet| matches!(octet, b' '..=b'~') || octet.is_ascii_whitespace());
    if !is_text && let Some(done) = seeker.der() {
        return done;
    }
    seeker.words(end, gap.last || gap.text.len() > end && Word::Begin.at(gap.text, end).is_some())
}

struct Seeker<'a, 'b> {
    gap: &'b Gap<'a>,
    rest: &'b mut Rest,
    pieces: &'b mut Vec<Piece>,
    /// Octets before this position are dealt with.
    at: usize,
    /// The line that the text is on here.
    counted: usize,
    line: usize,
}

impl Seeker<'_, '_> {
    /// Finds DER; returns the end of DER that ends the gap.
    fn der(&mut self) -> Option<Done> {
        let end = self.gap.range.end;
        let mut from = self.at;
        while let Some(offset) = memchr::memchr(0x30, self.gap.text.get(from..end)?) {
            let start = from + offset;
            let octets = self.gap.text.get(start..)?;
            match bare::start(octets) {
                Start::Whole(kind, length) => {
                    self.words(start, true);
                    self.found(start, Ok(kind.content(octets.get(..length)?.to_vec())));
                    self.at = start + length;
                    from = self.at;
                    if self.at >= end || self.pieces.len() >= PIECES_LIMIT {
                        return Some(Done::Beyond(self.at));
                    }
                }
                Start::Open => {
                    self.words(start, true);
                    if !self.gap.last {
                        return Some(Done::Unfinished(start));
                    }
                    self.found(
                        start,
                        Err(Flaw::Cut(bare::length(octets).err().unwrap_or_else(|| "it is cut short".to_owned()))),
                    );
                    self.at = end;
                    return None;
                }
                Start::Nothing => from = start + 1,
            }
        }
        None
    }

    fn found(&mut self, start: usize, content: Decoded) {
        self.rest.report_garbage(self.pieces);
        self.rest.follows_der();
        let line = Some(self.line(start));
        self.pieces.push(Piece::Decoded { line, label: None, contents: vec![content] });
    }

    fn line(&mut self, at: usize) -> usize {
        let stretch = self.counted..at.max(self.counted);
        let is_wide = marker::is_wide(self.gap.text.get(stretch.clone()).unwrap_or_default());
        self.counted = stretch.end;
        self.line = self.line.saturating_add(lines(self.gap.text, stretch, is_wide));
        self.line
    }

    /// Looks through text up to `end`, behind which something else begins if it is `ended`.
    fn words(&mut self, end: usize, ended: bool) -> Done {
        let start = std::mem::replace(&mut self.at, end);
        let raw = self.gap.text.get(start..end).unwrap_or_default();
        let is_blank = |octet: &u8| octet.is_ascii_whitespace() || matches!(octet, 0 | 0x1a);
        let Some(first) = raw.iter().position(|octet| !is_blank(octet)) else { return Done::All };
        let length = raw.iter().rposition(|octet| !is_blank(octet)).unwrap_or(first) + 1 - first;
        let is_wide = marker::is_wide(raw) && (self.gap.is_wide || is_wide_text(raw));
        let text = if is_wide { Cow::Owned(narrow(raw)) } else { Cow::Borrowed(raw) };
        let inner = raw.get(first..first + length).unwrap_or_default();
        let line = self.line(start);
        if !is_wide && inner.iter().copied().any(is_no_text) {
            self.rest.garbage(line.saturating_add(lines(raw, 0..first, false)), length);
        } else if let Some(count) = &mut self.rest.after_der {
            *count = count.saturating_add(length);
        }
        match self.values(&text, line, ended) {
            Some(offset) if is_wide => Done::Unfinished(start + widened(raw, offset)),
            Some(offset) => Done::Unfinished(start + offset),
            None => Done::All,
        }
    }

    /// Finds base64 values, and END lines without BEGIN; says where a value begins that does not end.
    fn values(&mut self, text: &[u8], mut line: usize, ended: bool) -> Option<usize> {
        let (mut at, mut counted) = (0, 0);
        // The text up to here was read.
        let mut read = 0;
        while let Some(offset) = text.get(at..)?.iter().position(|octet| base64::is_digit(*octet)) {
            let start = at + offset;
            let end = value_end(text, start);
            let value = text.get(start..end)?;
            at = end.max(start + 1);
            if end == text.len() && !ended && may_be_value(value) {
                return Some(start);
            }
            if let Some((label, contents)) = decoded(value, self.gap) {
                line = line.saturating_add(lines(text, counted..start, false));
                counted = start;
                self.rest.meet_block(self.pieces);
                self.pieces.push(Piece::Decoded { line: Some(line), label, contents });
                read = end;
            }
        }
        line = line.saturating_add(lines(text, counted..read, false));
        self.stray_ends(text.get(read..)?, line);
        None
    }

    /// Reports END lines behind base64 whose BEGIN is missing.
    fn stray_ends(&mut self, text: &[u8], mut line: usize) {
        let mut counted = 0;
        for offset in memmem::find_iter(text, b"-----END ") {
            let before = text.get(..offset).unwrap_or_default().trim_ascii_end();
            let last_line = before.get(line_start(before, before.len(), 0)..).unwrap_or_default();
            let is_base64 = !last_line.is_empty() && base64::is_plausible(last_line);
            let Some(marker) = Word::End.at(text, offset).filter(|_| is_base64) else { continue };
            let label = label_text(text.get(marker.label).unwrap_or_default()).into_owned();
            if decode::is_known(&label) {
                line = line.saturating_add(lines(text, counted..offset, false));
                counted = offset;
                self.rest.meet_block(self.pieces);
                let contents = vec![Err(Flaw::Broken("has an END line, but no BEGIN line"))];
                self.pieces.push(Piece::Decoded { line: Some(line), label: Some(label), contents });
            }
        }
    }
}

/// Control characters other than those of printers and terminals.
const fn is_no_text(octet: u8) -> bool {
    octet < 0x20 && !matches!(octet, b'\t'..=b'\r' | 0x1a | 0x1b)
}

/// Decides whether octets with zeros among them are UTF-16 or UTF-32.
fn is_wide_text(octets: &[u8]) -> bool {
    let zeros = memchr::memchr_iter(0, octets).count();
    let has_long_run = octets.windows(4).any(|window| window == [0; 4]);
    let has_mark = octets.starts_with(&[0xff, 0xfe]) || octets.starts_with(&[0xfe, 0xff]);
    has_mark || !has_long_run && (octets.len() * 3 / 10..=octets.len() * 8 / 10).contains(&zeros)
}

fn is_kept(octet: u8) -> bool {
    !matches!(octet, 0 | 0xfe | 0xff)
}

fn narrow(wide: &[u8]) -> Vec<u8> {
    wide.iter().copied().filter(|octet| is_kept(*octet)).collect()
}

/// The position of the octet that has this place in the narrow text.
fn widened(wide: &[u8], offset: usize) -> usize {
    let kept = wide.iter().enumerate().filter(|(_, octet)| is_kept(**octet));
    kept.map(|(at, _)| at).nth(offset).unwrap_or(wide.len())
}

/// The end of a base64 value: the end of its line, unless the next line continues the value.
fn value_end(text: &[u8], start: usize) -> usize {
    let mut line = start;
    loop {
        let end = line_end(text, line);
        let rest = text.get(end..).unwrap_or_default();
        let blank = rest.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        let is_line = rest.get(..blank).is_some_and(|blank| blank.contains(&b'\n') || blank.contains(&b'\r'));
        let is_full = end - line >= 40 && text.get(end.saturating_sub(1)) != Some(&b'=');
        let next = end + blank;
        let next_end = line_end(text, next);
        let is_all = matches!(text.get(next_end), None | Some(b'\r' | b'\n' | b'<' | b'"' | b'\''));
        if !(is_line && is_full && is_all && next_end > next) {
            return end;
        }
        line = next;
    }
}

/// The end of digits, padding and escapes.
fn line_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        at += match text.get(at..).unwrap_or_default() {
            [b'\\', b'n' | b'r' | b'/', ..] => 2,
            [b'\\', b'u', b'0', b'0', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 6,
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 3,
            [octet, ..] if base64::is_digit(*octet) || *octet == b'=' => 1,
            _ => return at,
        };
    }
}

/// The digits that `-----BEGIN` has in base64, by its place among three octets.
static PEM_DIGITS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| {
    [(0, 0), (1, 2), (2, 3)].map(|(before, skipped)| {
        let text = [&vec![0; before][..], b"-----BEGIN "].concat();
        let digits = base64_simd::STANDARD.encode_to_string(&text[..text.len() / 3 * 3]);
        Finder::new(&digits.as_bytes()[skipped..]).into_owned()
    })
});

/// Decides whether a value begins as DER of a structure does: `M` and a digit from `A` to `P`.
fn is_like_der(value: &[u8]) -> bool {
    matches!(value, [b'M', b'A'..=b'P', ..])
}

fn has_pem(value: &[u8]) -> bool {
    PEM_DIGITS.iter().any(|finder| finder.find(value).is_some())
}

/// Decides whether a truncated value may be of interest.
fn may_be_value(value: &[u8]) -> bool {
    value.len() < MAX_UNKNOWN || is_like_der(value) || has_pem(value)
}

type Value = (Option<String>, Vec<Decoded>);

/// The content of a base64 value, and the label of PEM; `None` if unknown.
fn decoded(value: &[u8], gap: &Gap<'_>) -> Option<Value> {
    if value.len() < MIN_VALUE {
        return None;
    }
    if gap.depth < DEPTH_LIMIT && has_pem(value) {
        let text = base64::decode(value)?;
        return nested(&text, (gap.split)(&text, gap.depth + 1));
    }
    is_like_der(value).then_some(())?;
    let octets = base64::decode(value)?;
    match (DerKind::of(&octets), bare::start(&octets)) {
        // Two numbers are far more often a signature.
        (Some(DerKind::Parameters(_)), _) => None,
        (Some(_), _) => Some((None, bare::behind(&octets))),
        (None, Start::Open) => Some((None, vec![Err(Flaw::Cut(bare::length(&octets).err()?))])),
        (None, _) => None,
    }
}

/// The content of PEM in a base64 value, as the text and the pieces of it.
fn nested(text: &[u8], pieces: Vec<Piece>) -> Option<Value> {
    let (mut label, mut contents) = (None, Vec::new());
    for piece in pieces {
        match piece {
            Piece::Block(block) => {
                let own = label_text(text.get(block.label).unwrap_or_default()).into_owned();
                match block.body {
                    Ok(body) => contents.extend(decode::block(&own, text.get(body).unwrap_or_default())),
                    Err(reason) => contents.push(Err(Flaw::Broken(reason))),
                }
                label = label.or(Some(own));
            }
            Piece::Decoded { label: own, contents: inner, .. } => {
                contents.extend(inner);
                label = label.or(own);
            }
        }
    }
    (!contents.is_empty()).then_some((label, contents))
}

#[cfg(test)]
#[path = "gap_tests.rs"]
mod tests;
