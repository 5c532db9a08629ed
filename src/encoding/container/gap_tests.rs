use super::super::tests::{REQUEST, is_request_on_line, text};
use super::super::{Content, find};
use super::*;
use crate::encoding::asn1::tag;
use crate::encoding::asn1::write::{sequence, tlv};

/// The end of what is read at once may fall into a value of base64, as Kubernetes has PEM, behind a block.
#[test]
fn a_value_that_the_end_of_a_chunk_cuts_is_found_once() {
    let value = base64_simd::STANDARD.encode_to_string(text());
    for shift in (0..160).step_by(5) {
        let filling = [b'.'; 64].repeat((256 << 10) / 64);
        let block = text();
        let filling = &filling[..filling.len() - block.len() - shift];
        let octets = [block.as_bytes(), filling, b"\n", value.as_bytes(), b"\n. the end\n"].concat();
        let found = find(&octets);
        let contents: Vec<_> = found.iter().map(|found| found.content.as_ref().unwrap()).collect();
        assert_eq!(contents, [&Content::Request(REQUEST.to_vec()); 2], "{shift}");
    }
}

/// An escape of another kind ends a value.
#[test]
fn a_value_ends_before_what_is_no_escape() {
    let value = base64_simd::STANDARD.encode_to_string([&REQUEST[..], &[0; 30]].concat());
    for end in ["\"", "\\u00zA", "\\u00Az", "\\u01", "%zA", "%Az", "\\t"] {
        let found = find(format!("{}{{\"csr\": \"{value}{end}abc\"}}", text()).as_bytes());
        let requests = found.iter().filter(|found| matches!(&found.content, Ok(Content::Request(_)))).count();
        assert_eq!(requests, 2, "{end:?}: {found:?}");
    }
}

/// The rest of a block whose beginning was cut off ends in base64; a sentence about markers does not.
#[test]
fn an_end_line_counts_behind_base64() {
    let is_reported = |before: &str| {
        let found = find(format!("{}{before}-----END CERTIFICATE-----\n", text()).as_bytes());
        found.iter().any(|found| found.content.as_ref().is_err_and(|error| error.to_string().contains("no BEGIN line")))
    };
    assert!(is_reported("QUJDREVGR0g=\n"));
    for before in ["", "\n\n", "the end, it says:\n"] {
        assert!(!is_reported(before), "{before:?}");
    }
}

/// A certificate may be in a program or an image, of which the rest is no loss; in a file of no known kind it is lost.
#[test]
fn the_rest_of_a_program_is_not_reported() {
    for (head, count) in [("\x7fELF\u{2}\u{1}\u{1}\0", 1), ("\u{1}\u{2}\u{3}", 3)] {
        let garbage = [1, 2, 3, 4, 5, 6, 7, 8];
        let found = find(&[head.as_bytes(), &garbage, b"\n", text().as_bytes(), &garbage].concat());
        assert_eq!(found.len(), count, "{head:?}: {found:?}");
    }
}

/// Each of the structures is found, and what stands between them is looked through.
#[test]
fn der_among_words_is_found_each_time() {
    for words in ["", "a", "some words\n", "0 0 ", "\n"] {
        let octets = [words.as_bytes(), &REQUEST, words.as_bytes(), &REQUEST, text().as_bytes(), &REQUEST].concat();
        let found = find(&octets);
        let contents: Vec<_> = found.iter().map(|found| found.content.as_ref().ok()).collect();
        assert_eq!(contents, [Some(&Content::Request(REQUEST.to_vec())); 4], "{words:?}");
    }
}

/// Base64 of 5,000 octets that has begun neither a structure nor PEM is no certificate: it is not kept until it ends.
#[test]
fn long_base64_that_is_nothing_is_not_waited_for() {
    let unfinished = |text: &[u8]| {
        let split = |_: &[u8], _| Vec::new();
        let gap = Gap { text, range: 0..text.len(), last: false, is_wide: false, line: 1, depth: 0, split };
        match look(&gap, &mut Rest::default(), &mut Vec::new()) {
            Done::Unfinished(start) => Some(start),
            _ => None,
        }
    };
    let long = [b"secret: ".to_vec(), vec![b'x'; 5_000]].concat();
    assert_eq!(unfinished(&long), None);
    assert_eq!(unfinished(&long[..100]), Some(8), "a short one may become anything");
    assert_eq!(unfinished(&[b"secret: MI".to_vec(), vec![b'x'; 5_000]].concat()), Some(8), "DER");
    let pem = base64_simd::STANDARD.encode_to_string([text().as_bytes(), &[b'.'; 5_000]].concat());
    assert_eq!(unfinished(pem.as_bytes()), Some(0), "PEM");
}

/// The value's place is that in the wide text, behind what was read before.
#[test]
fn an_unfinished_value_is_found_again_in_wide_text() {
    let text: Vec<u8> = format!("one\ntwo: MI{}", "x".repeat(200)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let split = |_: &[u8], _| Vec::new();
    let gap = Gap { text: &text, range: 8..text.len(), last: false, is_wide: true, line: 1, depth: 0, split };
    let done = look(&gap, &mut Rest::default(), &mut Vec::new());
    assert!(matches!(done, Done::Unfinished(18)));
}

/// PEM beside base64 of more of it, as in a dump of a dump, is read as deep as people nest it.
#[test]
fn nesting_is_followed_to_a_limit() {
    let deeper = |inner: String| format!("{}value: {}\n", text(), base64_simd::STANDARD.encode_to_string(inner));
    let count = |depth| find((0..depth).fold(text(), |inner, _| deeper(inner)).as_bytes()).len();
    assert_eq!([0, 1, 2, 3, 4, 5].map(count), [1, 2, 3, 4, 4, 4]);
}

/// A signature of ECDSA is two numbers, as the parameters of Diffie-Hellman are.
#[test]
fn a_signature_in_base64_is_not_taken_for_parameters() {
    let number = tlv(tag::INTEGER, &[&[1; 32]]);
    let signature = base64_simd::STANDARD.encode_to_string(sequence(&[&number, &number]));
    is_request_on_line(format!("signature: {signature}\n{}", text()).as_bytes(), 2);
}
