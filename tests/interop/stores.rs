//! PKCS#12 stores and PKCS#7 bundles of OpenSSL and ours are opened, and damaged parts are refused.

use crate::sandbox::Sandbox;

/// A store of each kind that OpenSSL writes, all with the password `secret`.
const STORES: [(&str, &str); 4] =
    [("modern", ""), ("legacy", "-legacy"), ("nomac", "-nomac"), ("bare", "-certpbe NONE -keypbe NONE")];

fn made() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("password", "secret\n");
    sandbox.ok("secure-io gen-cert --quiet app.test");
    for (name, flags) in STORES {
        sandbox.ok(&format!(
            "openssl pkcs12 -export {flags} -passout pass:secret -inkey server-key.pem -in server-cert.pem -out {name}.p12"
        ));
    }
    sandbox
}

fn kinds(sandbox: &Sandbox, line: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&sandbox.ok(line)).expect("JSON");
    let items = json[0]["items"].as_array().cloned().unwrap_or_default();
    let mut kinds: Vec<_> = items.iter().map(|item| item["kind"].as_str().unwrap_or_default().to_owned()).collect();
    kinds.sort();
    kinds
}

#[test]
fn stores_are_opened_with_their_password_and_not_with_another() {
    let sandbox = made();
    sandbox.write("wrong", "guess\n");
    for (name, _) in STORES {
        let found = kinds(&sandbox, &format!("secure-io inspect --json --passphrase-file password {name}.p12"));
        assert_eq!(found, ["certificate", "private-key"], "{name}");
        if name != "bare" {
            sandbox.run(&format!("secure-io inspect --passphrase-file wrong {name}.p12")).exits(2);
        }
        // Without one it is named, which is no failure.
        sandbox.run(&format!("secure-io inspect {name}.p12")).success().says("PKCS#12");
    }
}

#[test]
fn ours_is_opened_and_belongs_together() {
    let sandbox = Sandbox::new();
    sandbox.write("password", "secret\n");
    sandbox.ok("secure-io gen-cert --quiet --p12 store.p12 --p12-password-file password app.test");
    let text = sandbox.ok("secure-io inspect --passphrase-file password store.p12");
    assert!(text.contains("belongs to"), "{text}");
}

/// A missing password has two forms: the empty password, which is a zero character, and no octets at all.
#[test]
fn stores_without_a_password_are_opened_whatever_is_given() {
    let sandbox = made();
    sandbox.ok("openssl pkcs12 -export -passout pass: -inkey server-key.pem -in server-cert.pem -out empty.p12");
    let vectors = sandbox.ok("python3 -I -c 'import cryptography_vectors; print(cryptography_vectors.__path__[0])'");
    for store in ["empty.p12", &format!("{}/pkcs12/no-password.p12", vectors.trim_end())] {
        for flags in ["", "--passphrase-file password"] {
            let found = kinds(&sandbox, &format!("secure-io inspect --json {flags} {store}"));
            assert_eq!(found, ["certificate", "private-key"], "{flags} {store}");
        }
    }
}

/// As old servers send it, and OpenSSL reads it.
#[test]
fn a_bundle_under_the_label_of_a_certificate_is_read_as_one() {
    let sandbox = made();
    sandbox.ok("openssl crl2pkcs7 -nocrl -certfile server-cert.pem -out sound.p7b");
    let text = |name| String::from_utf8(sandbox.read(name)).expect("PEM");
    sandbox.write("odd.pem", text("sound.p7b").replace(" PKCS7-", " CERTIFICATE-"));
    sandbox.ok("openssl pkcs7 -noout -in odd.pem");
    let odd = sandbox.run("secure-io inspect odd.pem").success();
    let odd = odd.says("PKCS#7  signedData, 1 item").says("its PEM label is CERTIFICATE: it should be PKCS7");
    odd.says("self-signed");
    assert_eq!(kinds(&sandbox, "secure-io inspect --json odd.pem"), ["certificate"]);
    assert_eq!(sandbox.ok("secure-io inspect --pem odd.pem"), text("server-cert.pem"));
}

#[test]
fn bundles_are_opened_in_der_and_pem() {
    let sandbox = made();
    for form in ["PEM", "DER"] {
        sandbox.ok(&format!("openssl crl2pkcs7 -nocrl -certfile server-cert.pem -outform {form} -out {form}.p7b"));
        assert_eq!(kinds(&sandbox, &format!("secure-io inspect --json {form}.p7b")), ["certificate"], "{form}");
    }
}

/// Neither a panic, nor a long wait, nor a store with content that was never put in.
#[test]
fn damaged_stores_are_refused() {
    use secure_io::container::encrypted::Rounds;
    use secure_io::container::{pkcs7, pkcs12};
    let sandbox = made();
    for (name, _) in STORES {
        let store = sandbox.read(&format!("{name}.p12"));
        let contents = |store: &[u8]| {
            let bags = pkcs12::open(store, Some("secret"), &Rounds::default());
            bags.map(|bags| bags.into_iter().map(|bag| bag.content).collect::<Vec<_>>())
        };
        let sound = contents(&store).expect("it is sound");
        for at in (0..store.len()).step_by(23) {
            let mut damaged = store.clone();
            if let Some(octet) = damaged.get_mut(at) {
                *octet ^= 0x41;
            }
            // What the MAC is over cannot be changed without being noticed; where there is none, all can.
            let unchanged = contents(&damaged).is_ok_and(|found| found == sound);
            assert!(unchanged || name == "nomac" || contents(&damaged).is_err(), "{name} at {at}");
            let _ = pkcs12::open(store.get(..at).unwrap_or_default(), Some("secret"), &Rounds::default());
            let _ = pkcs7::open(&damaged);
        }
    }
}
