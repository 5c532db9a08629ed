//! What a file looks like in which there is nothing to read.

/// What was given instead of PEM or DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each says itself")]
pub enum Guess {
    Empty,
    Html,
    Xml,
    Json,
    Zip,
    Gzip,
    /// Java's own keystore, before PKCS#12.
    JavaKeystore,
    /// Bouncy Castle's keystore.
    BouncyCastle,
    /// `PuTTY`'s private key.
    Putty,
    /// A line of `authorized_keys`, or SSH's own armour.
    SshPublicKey,
    /// Binary OpenPGP.
    Pgp,
    /// An image, a program and the like.
    OtherFile(&'static str),
    Zeros,
    Text,
    Binary,
}

impl Guess {
    /// From how a file begins.
    pub(super) fn of(head: &[u8]) -> Self {
        let narrow;
        let head = if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            narrow = head.iter().copied().filter(|octet| !matches!(octet, 0 | 0xfe | 0xff)).collect::<Vec<_>>();
            &narrow
        } else {
            head
        };
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        if text.is_empty() {
            return Self::Empty;
        }
        let lower: Vec<u8> = text.iter().take(64).map(u8::to_ascii_lowercase).collect();
        let known =
            BEGINNINGS.iter().find(|(beginning, _)| lower.starts_with(beginning) || head.starts_with(beginning));
        match known {
            Some((_, guess)) => *guess,
            None if head.iter().all(|octet| *octet == 0) => Self::Zeros,
            None if is_text(head) => Self::Text,
            None => Self::Binary,
        }
    }

    /// Whether it is a file of a known kind that is not text: whatever is read from it, the rest is no loss.
    pub(super) const fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::Zip | Self::Gzip | Self::JavaKeystore | Self::BouncyCastle | Self::Pgp | Self::OtherFile(_)
        )
    }

    /// In words, as what it is.
    const fn describe(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Html => "a web page (HTML)",
            Self::Xml => "XML",
            Self::Json => "JSON",
            Self::Zip => "a ZIP archive",
            Self::Gzip => "gzip-compressed data",
            Self::JavaKeystore => "a Java keystore (JKS or JCEKS)",
            Self::BouncyCastle => "a Bouncy Castle keystore (BKS)",
            Self::Putty => "a PuTTY private key (PPK)",
            Self::SshPublicKey => "an SSH public key",
            Self::Pgp => "OpenPGP data",
            Self::OtherFile(what) => what,
            Self::Zeros => "zero octets",
            Self::Text => "other text",
            Self::Binary => "other binary data",
        }
    }
}

impl std::fmt::Display for Guess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.describe())
    }
}

/// In lower case where the file is text.
const BEGINNINGS: [(&[u8], Guess); 28] = [
    (b"<!doctype html", Guess::Html),
    (b"<html", Guess::Html),
    (b"<head", Guess::Html),
    (b"<", Guess::Xml),
    (b"{", Guess::Json),
    (b"[", Guess::Json),
    (b"putty-user-key-file", Guess::Putty),
    (b"---- begin ssh2 public key", Guess::SshPublicKey),
    (b"ssh-", Guess::SshPublicKey),
    (b"ecdsa-sha2-", Guess::SshPublicKey),
    (b"sk-ssh-", Guess::SshPublicKey),
    (b"sk-ecdsa-", Guess::SshPublicKey),
    (b"%pdf-", Guess::OtherFile("a PDF document")),
    (b"\xfe\xed\xfe\xed", Guess::JavaKeystore),
    (b"\xce\xce\xce\xce", Guess::JavaKeystore),
    (b"\x00\x00\x00\x01\x00\x00\x00\x14", Guess::BouncyCastle),
    (b"\x00\x00\x00\x02\x00\x00\x00\x14", Guess::BouncyCastle),
    (b"PK\x03\x04", Guess::Zip),
    (b"PK\x05\x06", Guess::Zip),
    (b"\x1f\x8b", Guess::Gzip),
    (b"\x7fELF", Guess::OtherFile("a program (ELF)")),
    (b"\x89PNG", Guess::OtherFile("an image (PNG)")),
    (b"\xff\xd8\xff", Guess::OtherFile("an image (JPEG)")),
    (b"SQLite format 3", Guess::OtherFile("an SQLite database, as NSS keeps its certificates in")),
    (b"\x00\x06\x15\x61", Guess::OtherFile("a Berkeley DB, as old NSS kept its certificates in")),
    (b"\x99\x01", Guess::Pgp),
    (b"\x99\x02", Guess::Pgp),
    (b"\x85\x01", Guess::Pgp),
];

/// Whether it reads as UTF-8, but for a character cut at the end, and has no control characters.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if head.len() - error.valid_up_to() < 4 => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty() && !valid.chars().any(|character| character.is_control() && !character.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_mistakes_are_named() {
        let cases: [(&[u8], Guess); 12] = [
            (b"", Guess::Empty),
            (b" \r\n", Guess::Empty),
            (b"\n<!DOCTYPE html><html>", Guess::Html),
            (b"<?xml version", Guess::Xml),
            (b"{\"crt\": 1}", Guess::Json),
            (b"\xfe\xed\xfe\xed\0\0\0\x02", Guess::JavaKeystore),
            (b"PuTTY-User-Key-File-3: ssh-ed25519", Guess::Putty),
            (b"ssh-ed25519 AAAAC3Nza", Guess::SshPublicKey),
            (b"PK\x03\x04", Guess::Zip),
            (&[0; 100], Guess::Zeros),
            ("Grüße".as_bytes().split_last().unwrap().1, Guess::Text),
            (b"a\x01\x80\x90\xa0\xb0\xc0", Guess::Binary),
        ];
        for (head, guess) in cases {
            assert_eq!(Guess::of(head), guess, "{}", String::from_utf8_lossy(head));
        }
    }
}
