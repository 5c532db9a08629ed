//! Inputs that people have, and hostile ones.

use std::io::{self, Read};

use proptest::prelude::*;

use super::der_kind::DerKind;
use super::encrypted::Rounds;
use super::stream::EARLY_PIECES;
use super::*;
use crate::encoding::asn1::tag;
use crate::encoding::asn1::write::{sequence, tlv};

/// A request by its outer kind, short enough to be seen whole.
pub(super) const REQUEST: [u8; 17] = [0x30, 15, 0x30, 7, 2, 1, 0, 0x30, 0, 0x30, 0, 0x30, 0, 3, 2, 0, 1];

pub(super) fn text() -> String {
    pem("CERTIFICATE REQUEST", &REQUEST).unwrap().to_string()
}

fn shown(octets: &[u8]) -> Vec<String> {
    let show = |found: Found| match found.content {
        Ok(content) => format!("{:?} {:?} {}", found.index, found.line, content.describe(found.label.as_deref())),
        Err(error) => format!("{:?} {:?} {error}", found.index, found.line),
    };
    find(octets).into_iter().map(show).collect()
}

#[track_caller]
pub(super) fn is_request_on_line(octets: &[u8], line: usize) {
    let found = find(octets);
    let text = String::from_utf8_lossy(octets);
    assert_eq!(found.len(), 1, "{text}");
    assert_eq!(found[0].content.as_ref().unwrap(), &Content::Request(REQUEST.to_vec()), "{text}");
    assert_eq!(found[0].line, Some(line), "{text}");
}

/// Each is a way in which PEM comes from mails, editors, shells, source code and web pages.
#[test]
fn pem_is_read_however_it_came() {
    let clean = text();
    let each_line = |prefix: &str| clean.lines().map(|line| format!("{prefix}{line}\n")).collect::<Vec<_>>().concat();
    is_request_on_line(clean.as_bytes(), 1);
    is_request_on_line(clean.trim_end().as_bytes(), 1);
    is_request_on_line(clean.replace('\n', "\r\n").as_bytes(), 1);
    is_request_on_line(format!("a\rb\r{}", clean.replace('\n', "\r")).as_bytes(), 3);
    is_request_on_line(format!("\u{feff}{clean}").as_bytes(), 1);
    is_request_on_line(format!("Subject: CN=a\r\n\r\n{clean}").as_bytes(), 3);
    is_request_on_line(each_line("\t  ").as_bytes(), 1);
    is_request_on_line(each_line("> ").as_bytes(), 1);
    is_request_on_line(clean.replace('\n', " ").as_bytes(), 1);
    is_request_on_line(clean.replace('\n', "").as_bytes(), 1);
    is_request_on_line(format!("{{\"csr\": \"{}\"}}", clean.replace('\n', "\\n")).as_bytes(), 1);
    is_request_on_line(format!("const char *csr =\n{};", each_line("\"").replace('\n', "\\n\"\n")).as_bytes(), 2);
    is_request_on_line(clean.replace("REQUEST-----\nM", "REQUEST-----\nSubject: a: b\n c\n\nM").as_bytes(), 1);
    let units: Vec<u16> = format!("\u{feff}\u{e4}\n{clean}").encode_utf16().collect();
    is_request_on_line(&units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>(), 2);
    is_request_on_line(&units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>(), 2);
}

#[test]
fn der_and_base64_without_armour_are_read() {
    let one = ["0 None a certification request (CSR)"];
    assert_eq!(shown(&REQUEST), one);
    assert_eq!(shown(&[&REQUEST[..], b"\n"].concat()), one);
    let base64 = base64_simd::STANDARD.encode_to_string(REQUEST);
    assert_eq!(shown(base64.as_bytes()), one);
    assert_eq!(shown(base64.replace('D', "D\r\n").as_bytes()), one);
    assert_eq!(shown(base64_simd::URL_SAFE_NO_PAD.encode_to_string(REQUEST).as_bytes()), one);
    // As in Kubernetes' secrets.
    assert_eq!(
        shown(base64_simd::STANDARD.encode_to_string(text()).as_bytes()),
        ["0 Some(1) a certification request (CSR)"]
    );
    let two = [REQUEST, REQUEST].concat();
    assert_eq!(shown(&two), [one[0], "1 None a certification request (CSR)"]);
    assert_eq!(shown(&[&two[..], b"more"].concat())[2], "2 None the DER is followed by 4 octets of nothing known here");
    assert_eq!(
        shown(&[0x30, 0x82, 1, 0, 0x30]),
        ["0 None it looks like DER, but the structure is cut short: 1 octet of 256"]
    );
}

/// One bad block never hides the next.
#[test]
fn broken_blocks_are_named_and_the_others_found() {
    let good = text();
    let cut = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    let all = format!(
        "{cut}{good}-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n{cut}-----END X509 CRL-----\n\
         -----BEGIN A-----\n\n-----END A-----\nsay -----BEGIN B----- or -----END B-----: {good}{}{cut}",
        good.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
    );
    assert_eq!(
        shown(all.as_bytes()),
        [
            "0 Some(1) PEM block 1 (line 1, CERTIFICATE) has no END line of its own",
            "1 Some(3) a certification request (CSR)",
            "2 Some(6) PEM block 3 (line 6, X509 CRL) is not base64: `!` in line 7, column 1",
            "3 Some(9) PEM block 4 (line 9, CERTIFICATE) ends with the END line of another label",
            "4 Some(12) PEM block 5 (line 12, A) is empty",
            "5 Some(15) a certification request (CSR)",
            "6 Some(18) PEM block 7 (line 18, CERTIFICATE) holds a certification request (CSR), which is not what its label says",
            "7 Some(21) PEM block 8 (line 21, CERTIFICATE) has no END line of its own",
        ]
    );
}

#[test]
fn old_encrypted_keys_keep_their_header() {
    let block = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nAAAA\nAAAA\n\
                 -----END RSA PRIVATE KEY-----\n";
    for text in [block.to_owned(), block.replace('\n', "\r\n"), block.replace('\n', " ")] {
        let found = find(text.as_bytes()).pop().unwrap().content.unwrap();
        let expected = Content::EncryptedPrivateKey {
            format: KeyFormat::Pkcs1,
            der: vec![0; 6],
            dek_info: Some("AES-128-CBC,00FF".to_owned()),
        };
        assert_eq!(found, expected, "{text}");
    }
}

/// Gives a few octets at a time, as a slow pipe does.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(7);
        self.0.read(&mut buffer[..length])
    }
}

/// Blocks, line numbers and ordinals do not depend on where a chunk ends.
#[test]
fn chunks_make_no_difference() {
    let mut all = String::new();
    for number in 0..9_000 {
        let end = ["\n", "\r\n", "\r"][number % 3];
        all.push_str(&"some words ".repeat(1 + number % 7));
        all.push_str(end);
        all.push_str(&text().replace('\n', end));
    }
    let chunks: Vec<_> = chunks(Slow(all.as_bytes())).map(Result::unwrap).collect();
    assert!(chunks.len() > 3);
    let found: Vec<_> = chunks.into_iter().flat_map(Chunk::into_found).collect();
    assert_eq!(found.len(), 9_000);
    for (index, found) in found.iter().enumerate() {
        assert_eq!((found.index, found.line), (index, Some(index * 4 + 2)));
        assert!(found.content.is_ok());
    }
}

/// Gives the same for ever.
struct Endless(Vec<u8>);

impl Endless {
    fn new(octets: &[u8]) -> Self {
        Self(octets.repeat(60_000))
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0[..]).read(buffer)
    }
}

/// `/dev/zero`, `yes`, `yes -----BEGIN` and a block that never ends: each ends, in bounded memory.
#[test]
fn endless_sources_end() {
    for octets in [&b"\0"[..], b"y\n", b"\x30\x80", b"-----BEGIN A-----\n", b"- a\n"] {
        let last = stream(Endless::new(octets)).last().unwrap();
        assert!(last.is_err(), "{octets:?}: {last:?}");
    }
    let block = b"-----BEGIN A-----\n".chain(Endless::new(b"AAAA\n"));
    let found: Vec<_> = stream(block).collect();
    let error = found[0].as_ref().unwrap().content.as_ref().unwrap_err().to_string();
    assert_eq!(error, "PEM block 1 (line 1, A) is longer than 64 MiB");
    assert!(found.last().unwrap().is_err());
}

proptest! {
    #[test]
    fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = find(&octets);
    }

    /// Text with markers in it, cut and mixed anyhow, and DER with any octet changed.
    #[test]
    fn nothing_panics_near_what_is_read(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "-----BEGIN ", "-----END ", "CERTIFICATE", "RSA PRIVATE KEY", "-----", "-", "\n", "\r", " ", "MIIB", "=",
            "Proc-Type: 4,ENCRYPTED\n", "DEK-Info: ", "A: b", "x", "\u{feff}",
        ]), 0..40),
        at in 0_usize..17,
        octet in any::<u8>(),
    ) {
        let _ = find(parts.concat().as_bytes());
        let mut der = REQUEST;
        der[at] = octet;
        let _ = find(&der);
    }

    /// Written items are found again, with the kind they had.
    #[test]
    fn blocks_survive_what_stands_between_them(words in proptest::collection::vec("[a-z: \r\n-]{0,30}", 1..6)) {
        let all = words.iter().map(|words| format!("{words}\n{}", text())).collect::<Vec<_>>().concat();
        let found = find(all.as_bytes());
        prop_assert_eq!(found.iter().filter(|found| found.content.is_ok()).count(), words.len());
    }
}

/// An unexpected content is named, not only reported as missing.
#[test]
fn says_what_was_found_instead() {
    let pem = pem("X509 CRL", b"\x30\x00").unwrap();
    let error = certificates(pem.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "it holds a certificate revocation list (CRL), not a certificate");
    let error = certificates(b"hello").unwrap_err().to_string();
    assert_eq!(error, "there is neither PEM nor DER of a certificate in it");
}

#[test]
fn names_the_block_that_is_broken() {
    let cut = "text\n-----BEGIN CERTIFICATE-----\nMIIB\n";
    let error = certificates(cut.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "PEM block 1 (line 2, CERTIFICATE) has no END line of its own");
    let noise = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let error = certificates(noise.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "PEM block 1 (line 1, CERTIFICATE) is not base64: `!` in line 2, column 1");
    for (body, fault) in [
        ("MIIB\nMI*B\n", "`*` in line 4, column 3"),
        ("MIIB\r\nMII\u{e9}\r\n", "`\u{e9}` in line 4, column 4"),
        ("MI\u{1b}B\n", r"`\u{1b}` in line 3, column 3"),
        ("MIIB\nMI==\nMIIB\n", "it goes on behind its end, `=`, in line 5"),
        (r"MIIB\nM&IB\n", "`&` in line 3, column 8"),
        ("MIIB\nM\n", "digits are missing, or too many"),
    ] {
        let text = format!("text\n-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n");
        let error = certificates(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("PEM block 1 (line 2, CERTIFICATE) is not base64: {fault}"));
    }
}

/// What cannot be read may be what was asked for, before as well as behind what can.
#[test]
fn octets_that_are_nothing_known_are_an_error_on_either_side_of_a_request() {
    let (unknown, garbage) = (b"\x30\x03\x02\x01\x05".as_slice(), b"\x00\xff\x01\x02\x03garb\n".as_slice());
    let clean = text();
    for octets in [unknown, garbage] {
        let message = |parts: &[&[u8]]| request(&parts.concat()).unwrap_err().to_string();
        let (before, behind) = (message(&[octets, clean.as_bytes()]), message(&[clean.as_bytes(), octets]));
        assert!(before.contains(" octets from line 1 on are neither text nor DER"), "{before}");
        assert!(behind.contains(" octets from line 4 on are neither text nor DER"), "{behind}");
    }
    assert_eq!(request(format!("Subject: CN=a\n{clean}").as_bytes()).unwrap(), REQUEST);
}

/// The whole key was once shown as the label of its block.
#[test]
fn a_key_without_line_ends_is_read_and_never_shown() {
    let pkcs8 =
        crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::EcdsaP256).unwrap().pkcs8().to_vec();
    let clean = pem("PRIVATE KEY", &pkcs8).unwrap();
    let no_passphrase = || Ok::<_, Error>(None);
    for text in [clean.replace('\n', " "), clean.replace('\n', ""), clean.replace('\n', "\r")] {
        let key = private_key(text.as_bytes(), no_passphrase).unwrap();
        assert_eq!(key.secret_der(), pkcs8, "{text}");
    }
    let cut = clean.replace('\n', " ").replace("-----END PRIVATE KEY-----", "");
    let error = private_key(cut.as_bytes(), no_passphrase).unwrap_err().to_string();
    assert!(error.len() < 100, "{error}");
}

/// Many keys in one file, each of which could be tried, are not all tried.
#[test]
fn what_is_in_a_file_costs_together() {
    let pkcs8 = crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::Ed25519).unwrap().pkcs8().to_vec();
    let der = encrypt_key(&pkcs8, "secret").unwrap();
    let rounds = Rounds::default();
    for _ in 0..6 {
        assert!(encrypted::pkcs8(&der, "secret", &rounds).is_ok());
    }
    assert_eq!(encrypted::pkcs8(&der, "secret", &rounds), Err(encrypted::Error::TooCostly));
}

/// Each block of a long key takes all the rounds: these were 52 million once.
#[test]
fn a_long_key_costs_what_its_blocks_do() {
    let parameters = sequence(&[&tlv(tag::OCTET_STRING, &[b"salt"]), &[2, 3, 0x0f, 0x42, 0x40], &[2, 2, 4, 0]]);
    let parameters = crate::encoding::asn1::only(&parameters, tag::SEQUENCE, "PBKDF2-params").unwrap();
    let opened = encrypted::pbkdf2(parameters, 16, b"secret", &Rounds::default());
    assert_eq!(opened, Err(encrypted::Error::TooCostly));
}

/// A key made to keep its reader busy for hours is refused at once.
#[test]
fn a_passphrase_that_is_hashed_for_ever_is_refused() {
    let pkcs8 = crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::Ed25519).unwrap().pkcs8().to_vec();
    let der = encrypt_key(&pkcs8, "secret").unwrap();
    let rounds = der.windows(5).position(|window| window == [2, 3, 0x09, 0x27, 0xc0]).expect("600,000 rounds");
    let mut costly = der.to_vec();
    costly[rounds + 2] = 0x7f;
    assert!(encrypted::pkcs8(&der, "secret", &Rounds::default()).is_ok());
    assert_eq!(encrypted::pkcs8(&costly, "secret", &Rounds::default()), Err(encrypted::Error::TooCostly));
}

/// Editors leave CRLF, a byte order mark, indentation or no final newline.
#[test]
fn reads_what_editors_leave() {
    let der = [0x30, 0x03, 0x02, 0x01, 0x05];
    let clean = pem("CERTIFICATE REQUEST", &der).unwrap();
    let crlf = format!("\u{feff}{}", clean.replace('\n', "\r\n"));
    let indented = clean.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n");
    for text in [clean.to_string(), crlf, indented] {
        assert_eq!(request(text.as_bytes()).unwrap(), der, "{text:?}");
    }
}

/// The end of what is read at once once fell into a label.
#[test]
fn a_marker_that_the_end_of_a_chunk_cuts_is_found() {
    for shift in 0..60 {
        let octets = [vec![b'.'; (256 << 10) - shift], b"\n".to_vec(), text().into_bytes()].concat();
        let found = find(&octets);
        assert_eq!(found.len(), 1, "{shift}");
        assert_eq!(found[0].content.as_ref().unwrap(), &Content::Request(REQUEST.to_vec()), "{shift}");
    }
}

/// The first blocks come in small chunks, all with their places; a text in UTF-16 is still one from chunk to chunk.
#[test]
fn the_first_blocks_come_in_small_chunks() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let value = format!("a value: {}\n", base64_simd::STANDARD.encode_to_string(text()));
    let mixed = wide(&[text().repeat(EARLY_PIECES), value].concat());
    for (octets, count) in [(text().repeat(5_000).into_bytes(), 5_000), (mixed, EARLY_PIECES + 1)] {
        let chunks: Vec<_> = chunks(&octets[..]).map(Result::unwrap).collect();
        assert!(chunks.len() > 1 && chunks[0].count() == EARLY_PIECES, "{}", chunks.len());
        let found: Vec<_> = chunks.into_iter().flat_map(Chunk::into_found).collect();
        assert_eq!(found.len(), count);
        for (place, found) in found.iter().enumerate() {
            assert_eq!((found.index, found.line), (place, Some(place * 3 + 1)));
            assert_eq!(found.content.as_ref().unwrap(), &Content::Request(REQUEST.to_vec()));
        }
    }
}

/// A marker that a sentence mentions is one if more follows it than a word.
#[test]
fn what_follows_a_marker_in_a_sentence_decides_whether_it_counts() {
    for (body, counts) in [("QUJDREVGR0g=", false), ("QUJDREVGR0hJ", true), ("and then", false)] {
        let found = find(format!("see -----BEGIN X-----\n{body}\n-----END X-----\n").as_bytes());
        assert_eq!(found.iter().any(|found| found.label.as_deref() == Some("X")), counts, "{body}: {found:?}");
    }
}

/// Two certificates that were put together by `cat` or `>>`, the first by an editor that writes UTF-16.
#[test]
fn another_encoding_may_follow_the_last_dash() {
    let clean = text();
    let first: Vec<u8> = clean.trim_end().encode_utf16().flat_map(u16::to_be_bytes).collect();
    let found = find(&[&first, clean.as_bytes()].concat());
    let contents: Vec<_> = found.iter().map(|found| found.content.as_ref().ok()).collect();
    assert_eq!(contents, [Some(&Content::Request(REQUEST.to_vec())); 2], "{found:?}");
}

/// Without keyLength, PBKDF2 gives as many octets as the cipher takes (RFC 8018 section 5.2). Made by OpenSSL, whose
/// keyLength was cut out.
#[test]
fn an_rc2_key_may_leave_its_length_to_the_cipher() {
    let encrypted = "MIGPMFMGCSqGSIb3DQEFDTBGMCkGCSqGSIb3DQEFDDAcBAhD9WTJOi/MGwICCAAwDAYIKoZIhvcNAgkFADAZBggqhkiG9w0DAjAN\
        AgF4BAhogh7KFJ21NQQ4s+x8Wc4H2nKU0btJ4/B8zbOkGTCpz0yX8S9fy2C4HN53gawi9kVWjcX/LuCtZOIhlY7lvkvtvOw=";
    let key = "MC4CAQAwBQYDK2VwBCIEIJkuQ9+BYphfRlCKmbCZmXLSNo7z1fZqoEjMvyztwfLo";
    let [encrypted, key] = [encrypted, key].map(|text| base64_simd::STANDARD.decode_to_vec(text).unwrap());
    assert_eq!(**encrypted::pkcs8(&encrypted, "secret", &Rounds::default()).unwrap(), *key);
}

/// PKCS#1 and OpenSSL's DSA are numbers alone, told apart by how many there are and how long they are.
#[test]
fn numbers_are_told_apart() {
    let small = |number: u8| tlv(tag::INTEGER, &[&[number]]);
    let long = |octets: usize| tlv(tag::INTEGER, &[&vec![1; octets]]);
    let kind = |numbers: &[Vec<u8>]| {
        let numbers: Vec<&[u8]> = numbers.iter().map(Vec::as_slice).collect();
        DerKind::of(&sequence(&numbers))
    };
    let exponent = tlv(tag::INTEGER, &[&[1, 0, 1]]);
    assert_eq!(kind(&[long(256), exponent]), Some(DerKind::RsaPublicKey));
    assert_eq!(kind(&[vec![small(0)], vec![long(256); 8]].concat()), Some(DerKind::PrivateKey(KeyFormat::Pkcs1)));
    assert_eq!(
        kind(&[small(0), long(256), long(32), long(256), long(256), long(32)]),
        Some(DerKind::PrivateKey(KeyFormat::Dsa))
    );
    assert_eq!(kind(&[small(2), long(256), long(32), long(256), long(256), long(32)]), None);
    assert_eq!(kind(&[long(256), long(32), long(256)]), Some(DerKind::Parameters("DSA")));
    assert_eq!(kind(&[long(256), small(2)]), Some(DerKind::Parameters("DH")));
    assert_eq!(kind(&[long(256), small(5)]), Some(DerKind::Parameters("DH")));
    assert_eq!(kind(&[long(31), small(3)]), None, "too small for a modulus");
}

/// PFX (RFC 7292 section 4) without a password around the bags of one SafeContents.
fn store(bags: &[u8]) -> Vec<u8> {
    let data = [&[6, 9][..], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]].concat();
    let in_data = |octets: &[u8]| sequence(&[&data, &tlv(tag::constructed(0), &[&tlv(tag::OCTET_STRING, &[octets])])]);
    let safe = sequence(&[&in_data(&sequence(&[bags]))]);
    sequence(&[&[2, 1, 3], &in_data(&safe)])
}

/// A SafeBag of PKCS#12's own kinds.
fn bag(kind: u8, value: &[u8]) -> Vec<u8> {
    let oid = [&[6, 11][..], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1], &[kind]].concat();
    sequence(&[&oid, &tlv(tag::constructed(0), &[value])])
}

#[test]
fn safes_within_safes_are_opened_to_a_limit() {
    let mut bags = bag(1, &[0x30, 0]);
    for depth in 1..10 {
        bags = bag(6, &sequence(&[&bags]));
        let opened = pkcs12::open(&store(&bags), None, &Rounds::default());
        assert_eq!(opened.map(|bags| bags.len()).ok(), (depth < 8).then_some(1), "{depth}");
    }
}

#[test]
fn an_empty_salt_is_refused() {
    let oid = [6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 3];
    let algorithm = sequence(&[&oid, &sequence(&[&[4, 0], &[2, 1, 1]])]);
    let der = sequence(&[&algorithm, &tlv(tag::OCTET_STRING, &[&[0; 8]])]);
    let error = encrypted::private_key(KeyFormat::Pkcs8, &der, None, "x", &Rounds::default()).unwrap_err();
    assert!(format!("{error:?}").contains("is empty"), "{error:?}");
}
