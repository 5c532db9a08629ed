//! Recognition of files that hold nothing readable.

/// Kind of file that was given instead of PEM or DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each says itself")]
pub enum FileType {
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

impl FileType {
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
            Some((_, file_type)) => *file_type,
            None if head.iter().all(|octet| *octet == 0) => Self::Zeros,
            None if is_text(head) => Self::Text,
            None => Self::Binary,
        }
    }

    /// Decides whether a file is of a known kind other than text, of which the rest is no loss.
    pub(super) const fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::Zip | Self::Gzip | Self::JavaKeystore | Self::BouncyCastle | Self::Pgp | Self::OtherFile(_)
        )
    }

    /// Describes the kind in words.
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

impl std::fmt::Display for FileType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.describe())
    }
}

/// In lower case where the file is text.
const BEGINNINGS: [(&[u8], FileType); 28] = [
    (b"<!doctype html", FileType::Html),
    (b"<html", FileType::Html),
    (b"<head", FileType::Html),
    (b"<", FileType::Xml),
    (b"{", FileType::Json),
    (b"[", FileType::Json),
    (b"putty-user-key-file", FileType::Putty),
    (b"---- begin ssh2 public key", FileType::SshPublicKey),
    (b"ssh-", FileType::SshPublicKey),
    (b"ecdsa-sha2-", FileType::SshPublicKey),
    (b"sk-ssh-", FileType::SshPublicKey),
    (b"sk-ecdsa-", FileType::SshPublicKey),
    (b"%pdf-", FileType::OtherFile("a PDF document")),
    (b"\xfe\xed\xfe\xed", FileType::JavaKeystore),
    (b"\xce\xce\xce\xce", FileType::JavaKeystore),
    (b"\x00\x00\x00\x01\x00\x00\x00\x14", FileType::BouncyCastle),
    (b"\x00\x00\x00\x02\x00\x00\x00\x14", FileType::BouncyCastle),
    (b"PK\x03\x04", FileType::Zip),
    (b"PK\x05\x06", FileType::Zip),
    (b"\x1f\x8b", FileType::Gzip),
    (b"\x7fELF", FileType::OtherFile("a program (ELF)")),
    (b"\x89PNG", FileType::OtherFile("an image (PNG)")),
    (b"\xff\xd8\xff", FileType::OtherFile("an image (JPEG)")),
    (b"SQLite format 3", FileType::OtherFile("an SQLite database, as NSS keeps its certificates in")),
    (b"\x00\x06\x15\x61", FileType::OtherFile("a Berkeley DB, as old NSS kept its certificates in")),
    (b"\x99\x01", FileType::Pgp),
    (b"\x99\x02", FileType::Pgp),
    (b"\x85\x01", FileType::Pgp),
];

/// Returns true if the octets are UTF-8 without control characters; a character cut at the end is allowed.
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
        let cases: [(&[u8], FileType); 12] = [
            (b"", FileType::Empty),
            (b" \r\n", FileType::Empty),
            (b"\n<!DOCTYPE html><html>", FileType::Html),
            (b"<?xml version", FileType::Xml),
            (b"{\"crt\": 1}", FileType::Json),
            (b"\xfe\xed\xfe\xed\0\0\0\x02", FileType::JavaKeystore),
            (b"PuTTY-User-Key-File-3: ssh-ed25519", FileType::Putty),
            (b"ssh-ed25519 AAAAC3Nza", FileType::SshPublicKey),
            (b"PK\x03\x04", FileType::Zip),
            (&[0; 100], FileType::Zeros),
            ("Grüße".as_bytes().split_last().unwrap().1, FileType::Text),
            (b"a\x01\x80\x90\xa0\xb0\xc0", FileType::Binary),
        ];
        for (head, file_type) in cases {
            assert_eq!(FileType::of(head), file_type, "{}", String::from_utf8_lossy(head));
        }
    }
}
