//! Stand-in until the container module finds items itself.

use secure_io::asn1::{self, tag};
use secure_io::container::{Content, Found, KeyFormat};
use zeroize::Zeroizing;

pub(super) fn find(bytes: &[u8]) -> Vec<Found> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|l| l.strip_suffix("-----")) {
            open = Some((label.to_owned(), number + 1, String::new()));
        } else if line.starts_with("-----END ") {
            if let Some((label, line, body)) = open.take() {
                let dek = body.lines().find_map(|l| l.strip_prefix("DEK-Info: ")).map(str::to_owned);
                let body: String = body.lines().filter(|l| !l.contains(':')).collect();
                let der = base64_simd::STANDARD.decode_to_vec(body.as_bytes()).unwrap_or_default();
                let content = Ok(content(&label, der, dek));
                found.push(Found { index: found.len(), line: Some(line), label: Some(label), content });
            }
        } else if let Some((_, _, body)) = &mut open {
            body.push_str(line);
            body.push('\n');
        }
    }
    if found.is_empty() && asn1::only(bytes, tag::SEQUENCE, "it").is_ok() {
        found.push(Found { index: 0, line: None, label: None, content: Ok(Content::Certificate(bytes.to_vec())) });
    }
    found
}

fn content(label: &str, der: Vec<u8>, dek_info: Option<String>) -> Content {
    let key = |format, der| Content::PrivateKey { format, der: Zeroizing::new(der) };
    match label {
        "CERTIFICATE" => Content::Certificate(der),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Content::Request(der),
        "X509 CRL" => Content::Crl(der),
        _ if dek_info.is_some() => Content::EncryptedPrivateKey { format: KeyFormat::Pkcs1, der, dek_info },
        "PRIVATE KEY" => key(KeyFormat::Pkcs8, der),
        "RSA PRIVATE KEY" => key(KeyFormat::Pkcs1, der),
        "EC PRIVATE KEY" => key(KeyFormat::Sec1, der),
        "DSA PRIVATE KEY" => key(KeyFormat::Dsa, der),
        "OPENSSH PRIVATE KEY" => key(KeyFormat::OpenSsh, der),
        "ENCRYPTED PRIVATE KEY" => Content::EncryptedPrivateKey { format: KeyFormat::Pkcs8, der, dek_info },
        "PUBLIC KEY" => Content::PublicKey(der),
        "EC PARAMETERS" => Content::Parameters { kind: "EC", der },
        _ => Content::Unknown(der),
    }
}
