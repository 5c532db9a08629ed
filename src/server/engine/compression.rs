//! Compressed answers to polls, as Node's server gives them: from 1 KiB on, in gzip or deflate.

use std::io::Write;

use axum::http::header::{ACCEPT_ENCODING, HeaderMap};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// The length from which on an answer is compressed: Node's `httpCompression.threshold`.
pub(super) const THRESHOLD: usize = 1024;

/// The length from which on compressing would hold up other clients, and has a thread of its own.
pub(super) const LONG: usize = 32 * 1024;

/// A content coding, [RFC 9110 section 8.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    /// The zlib format, in spite of the name.
    Deflate,
}

impl Encoding {
    /// The encoding that a client prefers, if it takes one.
    pub(super) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
        let choices: Vec<_> = values.flat_map(|value| value.split(',')).filter_map(choice).collect();
        let weight = |encoding: Self| {
            let named = choices.iter().position(|(name, _)| name.eq_ignore_ascii_case(encoding.name()));
            let at = named.or_else(|| choices.iter().position(|(name, _)| *name == "*"))?;
            let weight = choices.get(at)?.1;
            (weight > 0).then_some((weight, named.is_some(), std::cmp::Reverse(at)))
        };
        let of = |encoding| weight(encoding).map(|weight| (weight, encoding));
        match (of(Self::Gzip), of(Self::Deflate)) {
            (Some(gzip), Some(deflate)) => Some(if deflate.0 > gzip.0 { deflate.1 } else { gzip.1 }),
            (one, other) => one.or(other).map(|(_, encoding)| encoding),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// Compresses, at the level that costs least.
    pub(super) fn compress(self, content: &[u8]) -> Option<Vec<u8>> {
        let compressed = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(content).and_then(|()| encoder.finish())
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(content).and_then(|()| encoder.finish())
            }
        };
        compressed.ok()
    }
}

/// A choice with its weight in thousandths.
fn choice(text: &str) -> Option<(&str, u32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight: f32 = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
    // Weights are between 0 and 1.
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000; NaN is 0")]
    Some((name, thousandths as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers of npm's `accepts`, which Node's server asks.
    #[test]
    fn the_preferred_encoding_is_nodes() {
        use Encoding::{Deflate, Gzip};
        for (accept, preferred) in [
            ("gzip, deflate, br, zstd", Some(Gzip)),
            ("deflate, gzip", Some(Deflate)),
            ("GZIP", Some(Gzip)),
            ("gzip;q=0.5, deflate", Some(Deflate)),
            ("gzip;q=0, deflate;q=0.1", Some(Deflate)),
            ("gzip;q=0", None),
            ("*", Some(Gzip)),
            ("*;q=0.1, deflate;q=0.1", Some(Deflate)),
            ("*;q=0", None),
            ("gzip;q=0, *", Some(Deflate)),
            ("br", None),
            ("identity", None),
            ("", None),
        ] {
            let headers = [(ACCEPT_ENCODING, accept.parse().unwrap())].into_iter().collect();
            assert_eq!(Encoding::preferred(&headers), preferred, "{accept}");
        }
        assert_eq!(Encoding::preferred(&HeaderMap::new()), None);
    }
}
