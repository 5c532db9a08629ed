//! Reads a source of any length in chunks, in little memory.

use std::io::Read;

use zeroize::Zeroize;

use super::pem::{self, Block, Splitter};
use super::source::Source;
use super::{Error, Found, Guess, bare, base64, decode};
use crate::files::READ_LIMIT;

/// How much is read at once, unless a block is longer.
const CHUNK: usize = 256 << 10;

/// Broken blocks after which the rest is not looked at.
const BROKEN_LIMIT: usize = 10_000;

/// Splits a source into chunks, each of them one or more whole blocks.
///
/// This is the cheap half of the work, for one thread; [`Chunk::into_found`] is the other, for as many as there are.
/// Whatever the source, no more than one chunk or one block is held, and neither a block nor what stands between two
/// may be longer than [`READ_LIMIT`].
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
    Pem {
        text: Text,
        /// The place of the first block among those of the source.
        index: usize,
        blocks: Vec<Block>,
    },
    Bare(Vec<Found>),
}

/// Text that is wiped when it is dropped if there is a key in it.
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
    /// How many items it holds.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.0 {
            Content::Pem { blocks, .. } => blocks.len(),
            Content::Bare(found) => found.len(),
        }
    }

    /// Decodes what it holds.
    #[must_use]
    pub fn into_found(self) -> Vec<Found> {
        match self.0 {
            Content::Pem { text, index, blocks } => blocks
                .into_iter()
                .enumerate()
                .map(|(offset, block)| found(&text.octets, index + offset, block))
                .collect(),
            Content::Bare(found) => found,
        }
    }
}

fn found(text: &[u8], index: usize, block: Block) -> Found {
    let label = String::from_utf8_lossy(text.get(block.label).unwrap_or_default()).into_owned();
    let body = block.body.map_err(decode::Flaw::Broken);
    let content = body.and_then(|body| decode::block(&label, text.get(body).unwrap_or_default()));
    let content = content.map_err(|flaw| flaw.at(index + 1, block.line, &label));
    Found { index, line: Some(block.line), label: Some(label), content }
}

/// The chunks of a source: see [`chunks`].
pub struct Chunks<R> {
    source: Source<R>,
    /// What was read and is not dealt with yet.
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
    Text(Guess),
    Done,
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = Result<Chunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = match self.state {
            State::New => self.begin(),
            State::Text(guess) => self.text(guess),
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
        if bare::is_der(&self.buffer, is_ended) {
            return self.whole().map(|octets| Some(Chunk(Content::Bare(bare::der(&octets)))));
        }
        let mut checked = 0;
        while !pem::is_begun(&self.buffer) && self.buffer.get(checked..).is_some_and(base64::is_plausible) {
            if is_ended {
                if let Some(found) = bare::base64(&self.buffer) {
                    self.state = State::Done;
                    return Ok(Some(Chunk(Content::Bare(found))));
                }
                break;
            }
            checked = self.buffer.len();
            is_ended = self.fill_more()?;
        }
        let head = self.buffer.get(..self.buffer.len().min(4096)).unwrap_or_default();
        let guess = Guess::of(head);
        self.state = State::Text(guess);
        self.text(guess)
    }

    /// All of a source that has to be seen as a whole.
    fn whole(&mut self) -> Result<Vec<u8>, Error> {
        while !self.fill_more()? {}
        self.state = State::Done;
        Ok(std::mem::take(&mut self.buffer))
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
    fn text(&mut self, guess: Guess) -> Result<Option<Chunk>, Error> {
        let mut is_ended = self.source.fill(&mut self.buffer, CHUNK)?;
        loop {
            if self.broken > BROKEN_LIMIT {
                return Err(Error::TooManyBroken);
            }
            let part = self.splitter.split(&self.buffer, is_ended);
            if !part.blocks.is_empty() {
                return Ok(Some(self.cut(part.used, part.blocks)));
            }
            self.passed = self.passed.saturating_add(part.used as u64);
            self.buffer.drain(..part.used);
            if is_ended {
                return Ok((self.index == 0).then(|| self.nothing(guess)));
            }
            if self.passed > READ_LIMIT {
                return Err(Error::TooLong);
            }
            is_ended = match part.used {
                0 if self.is_full() => return Ok(Some(self.too_long())),
                0 => self.fill_more()?,
                _ => self.source.fill(&mut self.buffer, CHUNK)?,
            };
        }
    }

    /// Takes the text of some blocks from the buffer.
    fn cut(&mut self, used: usize, blocks: Vec<Block>) -> Chunk {
        let rest = self.buffer.get(used..).unwrap_or_default().to_vec();
        let mut octets = std::mem::replace(&mut self.buffer, rest);
        octets.truncate(used);
        let is_key = |block: &Block| octets.get(block.label.clone()).is_some_and(|label| label.ends_with(b"KEY"));
        let is_secret = blocks.iter().any(is_key);
        let index = self.index;
        self.index += blocks.len();
        self.broken += blocks.iter().filter(|block| block.body.is_err()).count();
        self.passed = 0;
        Chunk(Content::Pem { text: Text { octets, is_secret }, index, blocks })
    }

    /// A block that goes on beyond all measure: it is an error, and what was read of it is passed over.
    fn too_long(&mut self) -> Chunk {
        let head = self.buffer.get(..CHUNK.min(self.buffer.len())).unwrap_or_default().to_vec();
        let mut part = self.splitter.split(&head, true);
        for block in &mut part.blocks {
            block.body = Err("is longer than 64 MiB");
        }
        self.splitter.pass(self.buffer.get(part.used..).unwrap_or_default());
        self.buffer = head;
        self.cut(part.used, part.blocks)
    }

    fn nothing(&mut self, guess: Guess) -> Chunk {
        self.index = 1;
        let content = Err(Error::Nothing { found: guess });
        Chunk(Content::Bare(vec![Found { index: 0, line: None, label: None, content }]))
    }
}
