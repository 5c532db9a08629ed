//! Items as PEM again: one label for each kind, 64 columns, nothing between the blocks.

use secure_io::container::{self, Content, KeyFormat};
use secure_io::inspect::Inspected;
use secure_io::report::item::Item;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Writes items as PEM.
pub(super) struct PemSink {
    with_keys: bool,
    keys_left_out: usize,
    others_left_out: Vec<String>,
}

impl PemSink {
    pub(super) fn new(with_keys: bool) -> Self {
        Self { with_keys, keys_left_out: 0, others_left_out: Vec::new() }
    }

    /// Writes an item; for a container, its members.
    pub(super) fn take(&mut self, inspected: Inspected, out: &mut Output) -> Result<(), Failure> {
        if !self.with_keys && matches!(inspected.item, Item::PrivateKey(_)) {
            self.keys_left_out += 1;
            return Ok(());
        }
        let content = inspected.content();
        if let Some((label, der)) = content.and_then(|content| block(content, &inspected.item)) {
            return out.data(with_headers(container::pem(&label, der)?, content).as_bytes());
        }
        let place = inspected.item.place();
        if !matches!(inspected.item, Item::Pkcs7(_) | Item::Pkcs12(_) | Item::JavaKeystore(_))
            || inspected.item.items().is_empty()
        {
            self.others_left_out.push(format!("{} #{}", place.source, place.index + 1));
        }
        inspected.within().into_iter().try_for_each(|inner| self.take(inner, out))
    }

    /// Reports the omitted items.
    pub(super) fn finish(&mut self, out: &mut Output) {
        match self.keys_left_out {
            0 => {}
            1 => out.note("a private key is left out: `--kind private-key` writes it"),
            count => out.note(format!("{count} private keys are left out: `--kind private-key` writes them")),
        }
        for place in &self.others_left_out {
            out.note(format!("{place} is left out: it is nothing that can be written as PEM"));
        }
    }
}

/// The usual label of a kind, or an item's own label if its kind has none; and the DER.
fn block<'a>(content: &'a Content, item: &Item) -> Option<(String, &'a [u8])> {
    let (label, der): (&str, &[u8]) = match content {
        Content::Certificate(der) => ("CERTIFICATE", der),
        Content::Request(der) => ("CERTIFICATE REQUEST", der),
        Content::Crl(der) => ("X509 CRL", der),
        Content::OcspResponse(der) => ("OCSP RESPONSE", der),
        Content::PublicKey(der) => ("PUBLIC KEY", der),
        Content::PrivateKey { format, der } => (key_label(*format), der),
        Content::EncryptedPrivateKey { format: KeyFormat::Pkcs8, der, .. } => ("ENCRYPTED PRIVATE KEY", der),
        Content::EncryptedPrivateKey { format, der, .. } => (key_label(*format), der),
        Content::Parameters { kind, der } => return Some((format!("{kind} PARAMETERS"), der)),
        Content::Unknown(der) => return Some((item.place().label.clone()?, der)),
        _ => return None,
    };
    Some((label.to_owned(), der))
}

fn key_label(format: KeyFormat) -> &'static str {
    match format {
        KeyFormat::Pkcs8 => "PRIVATE KEY",
        KeyFormat::Pkcs1 => "RSA PRIVATE KEY",
        KeyFormat::Sec1 => "EC PRIVATE KEY",
        KeyFormat::Dsa => "DSA PRIVATE KEY",
        KeyFormat::OpenSsh => "OPENSSH PRIVATE KEY",
    }
}

/// The old way of encrypting PEM says how in headers.
fn with_headers(pem: Zeroizing<String>, content: Option<&Content>) -> Zeroizing<String> {
    let Some(Content::EncryptedPrivateKey { dek_info: Some(dek_info), .. }) = content else { return pem };
    let headers = format!("-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {dek_info}\n\n");
    Zeroizing::new(pem.replacen("-----\n", &headers, 1))
}
