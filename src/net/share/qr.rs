//! QR codes (ISO/IEC 18004) of URLs.

use std::fmt::Write;

use qrcode::{Color, EcLevel};

/// A text that does not fit into a QR code.
#[derive(Debug, thiserror::Error)]
#[error("the text does not fit into a QR code")]
pub struct QrError(#[from] qrcode::types::QrError);

/// A QR code as dark and light modules.
#[derive(Debug, Clone)]
pub struct QrCode {
    width: usize,
    dark: Vec<bool>,
}

/// Light modules around a code, which readers need.
const QUIET: usize = 4;

impl QrCode {
    /// Makes the code of a URL. Scheme and host are the same in capitals, which take up less space.
    ///
    /// # Errors
    ///
    /// [`QrError`] if it is too long.
    pub fn new(url: &str) -> Result<Self, QrError> {
        let code = qrcode::QrCode::with_error_correction_level(with_capitals(url), EcLevel::M)?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width: code.width(), dark })
    }

    /// Modules along a side, with the light ones around it.
    #[must_use]
    pub fn side(&self) -> usize {
        self.width + 2 * QUIET
    }

    fn is_dark(&self, column: usize, row: usize) -> bool {
        let inside = |place: usize| place.checked_sub(QUIET).filter(|place| *place < self.width);
        let index = inside(column).zip(inside(row)).map(|(column, row)| row * self.width + column);
        index.and_then(|index| self.dark.get(index)).is_some_and(|dark| *dark)
    }

    /// Lines of half blocks, two modules above each other in a character. They are to be shown black on white.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let block = |column, row| match (self.is_dark(column, row), self.is_dark(column, row + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let rows = (0..self.side()).step_by(2);
        rows.map(|row| (0..self.side()).map(|column| block(column, row)).collect()).collect()
    }

    /// The dark modules as the path of an SVG whose units are modules.
    #[must_use]
    pub fn svg_path(&self) -> String {
        let mut path = String::new();
        for row in 0..self.side() {
            for column in (0..self.side()).filter(|column| self.is_dark(*column, row)) {
                let _ = write!(path, "M{column} {row}h1v1h-1z");
            }
        }
        path
    }
}

fn with_capitals(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    format!("{}://{}{path}", scheme.to_ascii_uppercase(), host.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera has to find the code in a terminal of 80 by 24, and needs four light modules around the code.
    #[test]
    fn a_code_is_small_and_has_light_around_it() {
        let code = QrCode::new("http://192.168.100.200:41873").unwrap();
        assert_eq!(code.side(), 25 + 8);
        let lines = code.lines();
        assert_eq!(lines.len(), 17);
        assert!(
            lines[0].trim().is_empty() && lines.iter().all(|line| line.starts_with("    ") && line.ends_with("    "))
        );
        assert!(lines[2].starts_with("    █▀▀▀▀▀█ "), "a finder pattern is in the corner: {}", lines[2]);
    }
}
