//! Files as other programs leave them: all that is in them is read, or reported.

use std::path::Path;

use crate::sandbox::{Outcome, Sandbox};

fn samples() -> Sandbox {
    let sandbox = Sandbox::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/reading");
    for name in [
        "app.pem",
        "ca.pem",
        "t1-two.pem",
        "x-two.pem",
        "x-ps.pem",
        "d1-ps-append.pem",
        "j2-plus.json",
        "s1-java.java",
        "s2-js-single.js",
        "k8s.yaml",
        "kubeconfig.yaml",
        "rsa-nonull.pem",
        "ed-v2-constructed.pem",
        "pwbom",
        "p8-scrypt.pem",
        "c.p7b",
        "modern.p12",
        "pw",
    ] {
        sandbox.write(name, secure_io::files::read(&folder.join(name)).expect("a sample"));
    }
    sandbox
}

/// The kinds of what `inspect` finds in a file.
#[track_caller]
fn kinds(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let outcome = sandbox.run(&format!("secure-io inspect --json {file}"));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout_text()).expect("JSON");
    let items = report.as_array().expect("a list").iter();
    items.map(|item| item["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// `inspect --expires-within` once said that nothing expires, because it had not seen the second certificate.
#[test]
fn both_of_two_certificates_are_read() {
    let sandbox = samples();
    for file in ["t1-two.pem", "x-two.pem", "x-ps.pem", "d1-ps-append.pem"] {
        assert_eq!(kinds(&sandbox, file), ["certificate", "certificate"], "{file}");
    }
    for file in ["x-two.pem", "x-ps.pem"] {
        sandbox.run(&format!("secure-io inspect -q --expires-within 30d {file}")).exits(1);
    }
}

#[test]
fn a_ca_that_powershell_appended_is_trusted() {
    let sandbox = samples();
    sandbox.run("secure-io verify --at 2026-12-01T00:00:00Z --trust d1-ps-append.pem app.pem").success();
}

#[test]
fn mixtures_of_encodings_lose_nothing() {
    let sandbox = samples();
    let ascii = sandbox.read("app.pem");
    let text = String::from_utf8(sandbox.read("ca.pem")).expect("text");
    let der = sandbox.run("secure-io inspect --pem ca.pem").stdout_text();
    let der = secure_io::container::certificates(der.as_bytes()).expect("a certificate")[0].to_vec();
    let utf16_le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf32: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
    let marked = [&[0xff, 0xfe], &utf16_le[..]].concat();
    for (what, other) in
        [("UTF-16LE", &utf16_le), ("UTF-16BE", &utf16_be), ("UTF-32", &utf32), ("marked", &marked), ("DER", &der)]
    {
        let certificates = ascii.windows(10).filter(|window| window.starts_with(b"-----BEGIN")).count() + 1;
        for file in [[&ascii[..], &other[..]].concat(), [&other[..], &ascii[..]].concat()] {
            sandbox.write("mixed.pem", file);
            assert_eq!(kinds(&sandbox, "mixed.pem"), vec!["certificate"; certificates], "{what}");
        }
    }
}

#[test]
fn octets_behind_a_certificate_are_reported() {
    let sandbox = samples();
    let mut octets = sandbox.read("app.pem");
    octets.extend([0x01, 0x02, 0x03, 0xff]);
    sandbox.write("more.pem", octets);
    assert_eq!(kinds(&sandbox, "more.pem").last().map(String::as_str), Some("error"));
    sandbox.run("secure-io inspect -q more.pem").exits(2);
}

#[test]
fn pem_in_json_and_source_code_is_read() {
    let sandbox = samples();
    for file in ["j2-plus.json", "s1-java.java", "s2-js-single.js"] {
        let kinds = kinds(&sandbox, file);
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind == "certificate"), "{file}: {kinds:?}");
    }
}

#[test]
fn kubernetes_files_are_read() {
    let sandbox = samples();
    for file in ["k8s.yaml", "kubeconfig.yaml"] {
        let kinds = kinds(&sandbox, file);
        assert!(kinds.iter().any(|kind| kind == "certificate"), "{file}: {kinds:?}");
        assert!(kinds.iter().any(|kind| kind == "private-key"), "{file}: {kinds:?}");
        assert!(!kinds.iter().any(|kind| kind == "error"), "{file}: {kinds:?}");
    }
}

#[test]
fn keys_in_unusual_forms_are_used_and_matched() {
    let sandbox = samples();
    for key in ["rsa-nonull.pem", "ed-v2-constructed.pem"] {
        sandbox.ok(&format!("secure-io gen-cert --force --key {key} --out-cert cert.pem app.test"));
        sandbox.run(&format!("secure-io verify --trust cert.pem --key {key} cert.pem")).success();
        sandbox.run(&format!("secure-io inspect {key} cert.pem")).success().says("belongs to    cert.pem");
    }
}

#[test]
fn a_key_with_more_than_two_primes_is_called_so() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genrsa -primes 3 -out key.pem 2048");
    sandbox.run("secure-io gen-cert --key key.pem app.test").exits(2).says("RSA with more than two primes");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_passphrase() {
    let sandbox = samples();
    opens(&sandbox.run("secure-io inspect --passphrase-file pwbom p8-scrypt.pem"));
    let utf16 = "\u{feff}secret\r\n".encode_utf16();
    sandbox.write("le", utf16.clone().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    sandbox.write("be", utf16.flat_map(u16::to_be_bytes).collect::<Vec<_>>());
    for file in ["le", "be"] {
        opens(&sandbox.run(&format!("secure-io inspect --passphrase-file {file} p8-scrypt.pem")));
    }
}

#[track_caller]
fn opens(outcome: &Outcome) {
    assert!(outcome.is_success() && outcome.stdout_text().contains("opened with the passphrase"), "{outcome}");
}

#[test]
fn an_ocsp_response_is_described() {
    let sandbox = samples();
    // `tryLater`, which has no answers.
    sandbox.write("later.der", [0x30, 0x03, 0x0a, 0x01, 0x03]);
    assert_eq!(kinds(&sandbox, "later.der"), ["ocsp-response"]);
    sandbox.run("secure-io inspect later.der").success().says("OCSP response  tryLater");
}

/// Only `inspect` read them, though the book promised that every command does.
#[test]
fn pkcs7_and_pkcs12_are_read_by_every_command() {
    let sandbox = samples();
    let password = "--passphrase-file pw";
    let verify = "secure-io verify --at 2026-12-01T00:00:00Z";
    for line in [
        format!("{verify} --trust ca.pem c.p7b"),
        format!("{verify} --trust c.p7b app.pem"),
        format!("{verify} --trust ca.pem --untrusted c.p7b app.pem"),
        format!("{verify} --trust ca.pem {password} modern.p12"),
        format!("{verify} --trust modern.p12 {password} app.pem"),
        format!("{verify} --trust ca.pem {password} --key modern.p12 modern.p12"),
        format!("secure-io gen-csr {password} --key modern.p12 --out app.csr app.test"),
        format!("secure-io gen-cert {password} --key modern.p12 --out-cert made.pem app.test"),
    ] {
        sandbox.run(&line).success();
    }
}

#[test]
fn a_ca_is_taken_from_pkcs12() {
    let sandbox = samples();
    sandbox.ok("secure-io ca init --ca-dir ca");
    let chain = "-in ca/intermediate.pem -inkey ca/intermediate-key.pem";
    sandbox.ok(&format!("openssl pkcs12 -export {chain} -passout file:pw -out ca.p12"));
    let line = "secure-io gen-cert --ca-cert ca.p12 --ca-key ca.p12 app.test";
    sandbox.run(line).exits(2).says("hint: give the passphrase with --ca-passphrase-file or --ca-passphrase-env");
    sandbox.run(&line.replace(" app.test", " --ca-passphrase-file pw app.test")).success();
}

#[test]
fn a_store_without_its_password_is_not_empty() {
    let sandbox = samples();
    sandbox
        .run("secure-io verify --trust ca.pem modern.p12")
        .exits(2)
        .says("the PKCS#12 file is under a password")
        .says("hint: give the passphrase with --passphrase-file or --passphrase-env");
    sandbox.write("wrong", "wrong");
    sandbox
        .run("secure-io verify --trust ca.pem --passphrase-file wrong modern.p12")
        .exits(2)
        .says("the password does not open the PKCS#12 file");
}

#[test]
fn a_file_of_more_than_64_mib_is_refused() {
    let sandbox = samples();
    sandbox.write("big.pem", vec![b'\n'; (64 << 20) + 1]);
    sandbox.run("secure-io verify --trust big.pem app.pem").exits(2).says("64 MiB");
}

#[test]
fn an_rsa_private_key_of_pkcs1_is_used() {
    let sandbox = Sandbox::new();
    sandbox.ok("openssl genrsa -traditional -out key.pem 2048");
    assert!(String::from_utf8_lossy(&sandbox.read("key.pem")).starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(kinds(&sandbox, "key.pem"), ["private-key"]);
    sandbox.ok("secure-io gen-cert --key key.pem --out-cert cert.pem app.test");
    sandbox.run("secure-io verify --trust cert.pem --key key.pem cert.pem").success();
}
