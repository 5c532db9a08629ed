//! Files and standard input, read whole or by lines.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::paths::is_stdio;
use super::{Error, READ_LIMIT};

/// Reads the whole of a file, or of standard input for `-`.
///
/// # Errors
///
/// [`Error::IsFolder`], [`Error::TooLong`] beyond [`READ_LIMIT`], else [`Error::Io`].
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (reader, size) = open_sized(path)?;
    read_limited(reader, size, path, READ_LIMIT)
}

/// Opens a file, or standard input for `-`, to be read in parts.
///
/// # Errors
///
/// [`Error::IsFolder`], [`Error::Io`].
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>, Error> {
    open_sized(path).map(|(reader, _)| reader)
}

/// As [`open`], with the octets that the file holds now; 0 if nobody knows.
fn open_sized(path: &Path) -> Result<(Box<dyn Read + Send>, u64), Error> {
    if is_stdio(path) {
        return Ok((Box::new(io::stdin()), 0));
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    let metadata = file.metadata().ok();
    if metadata.as_ref().is_some_and(Metadata::is_dir) {
        return Err(Error::IsFolder { path: path.to_owned() });
    }
    Ok((Box::new(file), metadata.map_or(0, |metadata| metadata.len())))
}

/// Longest line of a file read by lines: no request is longer.
const LINE_LIMIT: u64 = 64 << 20;

/// Reads a file, or standard input for `-`, a line at a time, each with its number from 1; empty ones are passed
/// over.
///
/// # Errors
///
/// [`Error::IsFolder`], [`Error::Io`]; within the lines also [`Error::TooLong`] for one that never ends.
pub fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(u64, String), Error>>, Error> {
    let mut reader = BufReader::with_capacity(1 << 16, open(path)?);
    let path = path.to_owned();
    let (mut has_failed, mut number) = (false, 0);
    Ok(std::iter::from_fn(move || {
        while !has_failed {
            let mut line = Vec::new();
            let end = reader.by_ref().take(LINE_LIMIT + 1).read_until(b'\n', &mut line);
            has_failed = end.is_err() || line.len() as u64 > LINE_LIMIT;
            match end {
                Err(source) => return Some(Err(Error::Io { action: "read", path: path.clone(), source })),
                Ok(_) if has_failed => return Some(Err(Error::TooLong { path: path.clone(), limit: LINE_LIMIT })),
                Ok(0) => return None,
                Ok(_) => {}
            }
            number += 1;
            let mut line =
                String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            line.truncate(line.trim_end().len());
            if !line.is_empty() {
                return Some(Ok((number, line)));
            }
        }
        None
    }))
}

/// Reads to the end, which must come within the limit; `size` is what is expected.
pub(super) fn read_limited(reader: impl Read, size: u64, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    // A vector that grows leaves copies behind, and takes twice the memory.
    let size = usize::try_from(size.min(limit)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}
