//! Reads a source of any length in chunks, in little memory.

use std::io::Read;

use zeroize::Zeroize;

use super::decode;
use super::der_kind::DerKind;
use super::flaw::{Decoded, Flaw};
use super::marker::{is_begun, label_text};
use super::pem::Splitter;
use super::piece::{PIECES_LIMIT, Piece};
use super::source::Source;
use super::{Error, FileType, Found, bare, base64, jks};
use crate::base::files::READ_LIMIT;

/// Number of octets read at once, unless a block is longer.
const CHUNK: usize = 256 << 10;

/// The first so many items come in small chunks: a short file is spread over all threads, and the first items of a long
/// one, which are held until it is known how many there are, take little memory.
const EARLY: usize = 4_000;
const EARLY_CHUNK: usize = 48 << 10;
pub(super) const EARLY_PIECES: usize = 64;

/// Broken blocks after which the rest is not looked at.
const BROKEN_LIMIT: usize = 10_000;

const TOO_LONG: &str = "is longer than 64 MiB";

/// Splits a source into chunks, each of them one or more whole blocks.
///
/// This is the cheap half of the work, for one thread; [`Chunk::into_found`] is the other half, for any number of
/// threads. For any source, at most one chunk or one block is held in memory, and neither a block nor the text
/// between two may be longer than [`READ_LIMIT`].
///
/// A source in which there is nothing to read has one chunk with one error.
pub fn chunks<R: Read>(reader: R) -> Chunks<R> {
    Chunks {
        source: Source::new(reader),
        buffer: Vec::new(),
        splitter: Splitter::new(),
        state: State::New,
        index: 0,
        broken: 0,
        passed: 0,
    }
}

/// Everything in a source, in order; see [`chunks`].
///
/// # Errors
///
/// An item of the iterator is an error, and the last, when the source cannot be read, or is endless.
pub fn stream(reader: impl Read) -> impl Iterator<Item = Result<Found, Error>> {
    chunks(reader).flat_map(|chunk| match chunk {
        Ok(chunk) => chunk.into_found().into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}

/// Everything in the octets, in order; an error when there is nothing.
#[must_use]
pub fn find(octets: &[u8]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for item in stream(octets) {
        let failed = |error| Found { index: found.len(), line: None, label: None, content: Err(error) };
        let item = item.unwrap_or_else(failed);
        found.push(item);
    }
    found
}

/// Part of a source: one or more whole blocks.
pub struct Chunk(Content);

enum Content {
    Text {
        text: Text,
        /// The place of the first item among those of the source.
        index: usize,
        pieces: Vec<Piece>,
    },
    Bare(Vec<Found>),
}

/// Text that is wiped when dropped if there is a key in it.
struct Text {
    octets: Vec<u8>,
    is_secret: bool,
}

impl Drop for Text {
    fn drop(&mut self) {
        if self.is_secret {
            self.octets.zeroize();
        }
    }
}

impl Chunk {
    /// Returns the number of items.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.0 {
            Content::Text { pieces, .. } => pieces.iter().map(Piece::count).sum(),
            Content::Bare(found) => found.len(),
        }
    }

    /// Decodes the items of the chunk.
    #[must_use]
    pub fn into_found(self) -> Vec<Found> {
        match self.0 {
            Content::Text { text, index, pieces } => {
                let mut all = Vec::with_capacity(pieces.len());
                for piece in pieces {
                    found(&text.octets, index, piece, &mut all);
                }
                all
            }
            Content::Bare(found) => found,
        }
    }
}

/// Items of a piece, behind all that was found before that piece.
fn found(text: &[u8], first: usize, piece: Piece, all: &mut Vec<Found>) {
    let (line, label, contents) = match piece {
        Piece::Decoded { line, label, contents } => (line, label, contents),
        Piece::Block(block) => {
            let label = label_text(text.get(block.label).unwrap_or_default()).into_owned();
            let content = block.body.map_err(Flaw::Broken).and_then(|body| {
                // A block that may hold more was decoded when it was split off.
                let contents = decode::block(&label, text.get(body).unwrap_or_default());
                contents.into_iter().reduce(Result::and).unwrap_or(Err(Flaw::Unknown))
            });
            (Some(block.line), Some(label), vec![content])
        }
    };
    for content in contents {
        let index = first + all.len();
        let content = content.map_err(|flaw: Flaw| flaw.at(index + 1, line, label.as_deref()));
        all.push(Found { index, line, label: label.clone(), content });
    }
}

/// The chunks of a source: see [`chunks`].
pub struct Chunks<R> {
    source: Source<R>,
    /// Octets read but not consumed yet.
    buffer: Vec<u8>,
    splitter: Splitter,
    state: State,
    /// Blocks so far.
    index: usize,
    /// Those of them that are broken.
    broken: usize,
    /// Octets since the last block.
    passed: u64,
}

enum State {
    New,
    /// In text with this at its beginning.
    Text(FileType),
    Done,
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Result<Chunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = match self.state {
            State::New => self.begin(),
            State::Text(file_type) => self.text(file_type),
            State::Done => return None,
        };
        if !matches!(chunk, Ok(Some(_))) {
            self.state = State::Done;
        }
        chunk.transpose()
    }
}

impl<R: Read> Chunks<R> {
    /// Tells DER and bare base64 from text with PEM in it.
    fn begin(&mut self) -> Result<Option<Chunk>, Error> {
        let mut is_ended = self.source.fill(&mut self.buffer, CHUNK)?;
        if jks::is_store(&self.buffer) {
            return self.keystore().map(Some);
        }
        if bare::is_der(&self.buffer, is_ended) {
            return self.der().map(Some);
        }
        let mut checked = 0;
        while !is_begun(&self.buffer) && self.buffer.get(checked..).is_some_and(base64::is_plausible) {
            if is_ended {
                if let Some(found) = unarmoured(&self.buffer) {
                    self.state = State::Done;
                    return Ok(Some(Chunk(Content::Bare(found))));
                }
                break;
            }
            checked = self.buffer.len();
            is_ended = self.fill_more()?;
        }
        let head = self.buffer.get(..self.buffer.len().min(4096)).unwrap_or_default();
        let file_type = FileType::of(head);
        if file_type.is_foreign() {
            self.splitter.is_foreign();
        }
        self.state = State::Text(file_type);
        self.text(file_type)
    }

    /// Java's own keystore, which is a whole file.
    fn keystore(&mut self) -> Result<Chunk, Error> {
        while !self.fill_more()? {}
        self.state = State::Done;
        let content = Ok(super::Content::JavaKeystore(std::mem::take(&mut self.buffer)));
        Ok(Chunk(Content::Bare(vec![Found { index: 0, line: None, label: None, content }])))
    }

    /// The structures at the beginning of a source, which has to be seen as a whole; the rest is read as text.
    fn der(&mut self) -> Result<Chunk, Error> {
        while !self.fill_more()? {}
        let (contents, used) = bare::leading(&self.buffer);
        self.state = State::Text(FileType::Binary);
        self.splitter.follows_der();
        Ok(self.cut(used, vec![Piece::Decoded { line: None, label: None, contents }]))
    }

    /// Reads as much again as there is.
    fn fill_more(&mut self) -> Result<bool, Error> {
        if self.is_full() {
            return Err(Error::TooLong);
        }
        let target = self.buffer.len().saturating_mul(2).max(CHUNK);
        self.source.fill(&mut self.buffer, target)
    }

    fn is_full(&self) -> bool {
        self.buffer.len() as u64 > READ_LIMIT
    }

    /// The next chunk of text that has blocks in it.
    fn text(&mut self, file_type: FileType) -> Result<Option<Chunk>, Error> {
        let (octets, pieces) = if self.index < EARLY { (EARLY_CHUNK, EARLY_PIECES) } else { (CHUNK, PIECES_LIMIT) };
        let mut is_ended = self.source.fill(&mut self.buffer, octets)?;
        loop {
            if self.broken > BROKEN_LIMIT {
                return Err(Error::TooManyBroken);
            }
            let part = self.splitter.split(&self.buffer, is_ended, pieces);
            if !part.pieces.is_empty() {
                return Ok(Some(self.cut(part.used, part.pieces)));
            }
            self.passed = self.passed.saturating_add(part.used as u64);
            self.buffer.drain(..part.used);
            if is_ended {
                return Ok((self.index == 0).then(|| self.nothing(file_type)));
            }
            if self.passed > READ_LIMIT {
                return Err(Error::TooLong);
            }
            is_ended = match part.used {
                0 if self.is_full() => return Ok(Some(self.too_long())),
                0 => self.fill_more()?,
                _ => self.source.fill(&mut self.buffer, octets)?,
            };
        }
    }

    /// Takes the text of some pieces from the buffer.
    fn cut(&mut self, used: usize, pieces: Vec<Piece>) -> Chunk {
        let rest = self.buffer.get(used..).unwrap_or_default().to_vec();
        let mut octets = std::mem::replace(&mut self.buffer, rest);
        octets.truncate(used);
        let is_secret = pieces.iter().any(|piece| is_secret(piece, &octets));
        let index = self.index;
        self.index += pieces.iter().map(Piece::count).sum::<usize>();
        self.broken += pieces.iter().filter(|piece| piece.is_broken()).count();
        self.passed = 0;
        Chunk(Content::Text { text: Text { octets, is_secret }, index, pieces })
    }

    /// Something that goes on beyond all measure: an error, whose octets are passed over.
    fn too_long(&mut self) -> Chunk {
        let head = self.buffer.get(..CHUNK.min(self.buffer.len())).unwrap_or_default().to_vec();
        let mut part = self.splitter.split(&head, true, PIECES_LIMIT);
        for piece in &mut part.pieces {
            match piece {
                Piece::Block(block) => block.body = Err(TOO_LONG),
                Piece::Decoded { contents, .. } => *contents = vec![Err(Flaw::Broken(TOO_LONG))],
            }
        }
        self.splitter.pass(self.buffer.get(part.used..).unwrap_or_default());
        self.buffer = head;
        self.cut(part.used, part.pieces)
    }

    fn nothing(&mut self, file_type: FileType) -> Chunk {
        self.index = 1;
        let content = Err(Error::Nothing { found: file_type });
        Chunk(Content::Bare(vec![Found { index: 0, line: None, label: None, content }]))
    }
}

/// True if a private key is in a piece of a text.
fn is_secret(piece: &Piece, text: &[u8]) -> bool {
    match piece {
        Piece::Block(block) => text.get(block.label.clone()).is_some_and(|label| label.ends_with(b"KEY")),
        Piece::Decoded { contents, .. } => contents.iter().any(is_key),
    }
}

fn is_key(content: &Decoded) -> bool {
    matches!(content, Ok(super::Content::PrivateKey { .. }) | Err(_))
}

/// Decodes base64 without armour: DER, or PEM as in Kubernetes Secrets.
fn unarmoured(text: &[u8]) -> Option<Vec<Found>> {
    let octets = base64::decode(text)?;
    let is_text = is_begun(&octets) && !bare::is_der(&octets, true);
    let is_known = DerKind::of(&octets).is_some() && bare::length(&octets).is_ok();
    (is_text || is_known).then(|| find(&octets))
}
