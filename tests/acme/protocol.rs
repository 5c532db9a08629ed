//! The parts of the protocol that the usual clients do not use every day.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use aws_lc_rs::digest;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use secure_io::csr::{self, Purpose};
use secure_io::key::{Algorithm, PrivateKey};
use secure_io::name::{self, Subject};
use secure_io::{container, inspect};
use serde_json::{Value, json};

use crate::authority::{Authority, ROOT};
use crate::signer::{Answer, Signer, binding, curl, url};

/// Answers HTTP-01 on the authority's port from then on.
fn answer_challenges(authority: &Authority, signer: &Signer) {
    let jwk = signer.jwk();
    let text = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text("x"), text("y"));
    let thumbprint = BASE64URL.encode_to_string(digest::digest(&digest::SHA256, canonical.as_bytes()));
    let listener = TcpListener::bind(("127.0.0.1", authority.http_port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 2048];
            let length = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let token = path.rsplit('/').next().unwrap_or_default();
            let body = format!("{token}.{thumbprint}");
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

fn order(authority: &Authority, signer: &Signer, mut order: Value, names: &[&str]) -> Answer {
    let identifier = |name: &&str| {
        let kind = if name.parse::<std::net::IpAddr>().is_ok() { "ip" } else { "dns" };
        json!({ "type": kind, "value": name })
    };
    order["identifiers"] = names.iter().map(identifier).collect();
    signer.post(authority, "/acme/new-order", &order)
}

/// Has all names of an order validated by HTTP-01, and waits until it is ready.
#[track_caller]
fn authorize(authority: &Authority, signer: &Signer, order: &Answer) {
    assert_eq!(order.status, 201, "{}", order.text);
    for url in order.json()["authorizations"].as_array().unwrap() {
        let authorization = signer.get(authority, url.as_str().unwrap()).json();
        let challenges = authorization["challenges"].as_array().unwrap();
        let http = challenges.iter().find(|challenge| challenge["type"] == "http-01").unwrap();
        let path = http["url"].as_str().unwrap().strip_prefix(&authority.server.url()).unwrap();
        assert_eq!(signer.post(authority, path, &json!({})).status, 200);
    }
    for _ in 0..100 {
        let now = signer.get(authority, order.header("location").unwrap()).json();
        match now["status"].as_str() {
            Some("ready") => return,
            Some("pending") => thread::sleep(std::time::Duration::from_millis(100)),
            _ => panic!("{now}"),
        }
    }
    panic!("the order does not become ready");
}

fn request(key: &PrivateKey, names: &[&str]) -> String {
    let names = name::parse_all(names.iter().copied()).unwrap();
    BASE64URL.encode_to_string(csr::generate(key, &Subject::empty(), &names, Purpose::Server).unwrap())
}

fn finalize(authority: &Authority, signer: &Signer, order: &Answer, csr: &str) -> Answer {
    let at = order.json()["finalize"].as_str().unwrap().to_owned();
    signer.post(authority, at.strip_prefix(&authority.server.url()).unwrap(), &json!({ "csr": csr }))
}

/// The certificate of an order as PEM, and the leaf as DER.
fn fetch(authority: &Authority, signer: &Signer, finalized: &Answer) -> (String, Vec<u8>) {
    let answer = signer.get(authority, finalized.json()["certificate"].as_str().unwrap());
    assert_eq!(answer.header("content-type"), Some("application/pem-certificate-chain"));
    let leaf = container::certificates(answer.text.as_bytes()).unwrap().swap_remove(0);
    (answer.text, leaf.to_vec())
}

/// A name and an address, with a CSR that has to ask for exactly these; the chain verifies with openssl.
#[test]
fn a_certificate_is_for_the_names_of_its_order_alone() {
    let authority = Authority::start("");
    let signer = Signer::registered(&authority);
    answer_challenges(&authority, &signer);
    let names = ["app.localhost", "127.0.0.1"];
    let order = order(&authority, &signer, json!({}), &names);
    authorize(&authority, &signer, &order);

    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    for (asked, words) in [
        (&["app.localhost", "127.0.0.1", "other.localhost"][..], "other.localhost, which the order does not name"),
        (&["app.localhost"], "does not ask for 127.0.0.1"),
        (&["x.test"], "asks for x.test, and the order is for"),
        (&["app.localhost", "127.0.0.1", "me@example.test"], "me@example.test"),
    ] {
        finalize(&authority, &signer, &order, &request(&key, asked)).is_problem(400, "badCSR", words);
    }
    finalize(&authority, &signer, &order, "AAAA").is_problem(400, "badCSR", "RFC 2986");
    let weak = authority.sandbox.ok("openssl req -new -newkey rsa:1024 -nodes -keyout weak.key -outform PEM -subj /CN=app.localhost -addext subjectAltName=DNS:app.localhost,IP:127.0.0.1");
    let weak = container::request(weak.as_bytes()).unwrap();
    finalize(&authority, &signer, &order, &BASE64URL.encode_to_string(weak)).is_problem(400, "badCSR", "2048");

    let finalized = finalize(&authority, &signer, &order, &request(&key, &names));
    assert_eq!(finalized.json()["status"], "valid", "{}", finalized.text);
    let (chain, leaf) = fetch(&authority, &signer, &finalized);
    let report = inspect::certificate(&leaf).unwrap();
    assert_eq!(report.subject, "");
    assert_eq!(report.subject_alt_names, ["DNS:app.localhost", "IP:127.0.0.1"]);
    assert_eq!(report.extended_key_usage, ["serverAuth"]);
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 3, "leaf and both intermediates");
    authority.sandbox.write("chain.pem", &chain);
    authority.sandbox.ok(&format!("openssl verify -CAfile {ROOT} -untrusted chain.pem chain.pem"));
    assert!(authority.log().contains(&report.serial), "the CA writes down what it issues");
    finalize(&authority, &signer, &order, &request(&key, &names)).is_problem(403, "orderNotReady", "valid");
}

/// The account's key, or that of the certificate, revokes; a stranger does not. `ca show` and `ca crl` know of it.
#[test]
fn revocation_is_for_the_account_and_the_certificates_key() {
    let authority = Authority::start("");
    let signer = Signer::registered(&authority);
    answer_challenges(&authority, &signer);
    let issue = || {
        let order = order(&authority, &signer, json!({}), &["app.localhost"]);
        authorize(&authority, &signer, &order);
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let finalized = finalize(&authority, &signer, &order, &request(&key, &["app.localhost"]));
        (key, fetch(&authority, &signer, &finalized).1)
    };
    let (_, first) = issue();
    let revoke = |signer: &Signer, leaf: &[u8], reason: u8| {
        let payload = json!({ "certificate": BASE64URL.encode_to_string(leaf), "reason": reason });
        signer.post(&authority, "/acme/revoke-cert", &payload)
    };
    revoke(&Signer::registered(&authority), &first, 0).is_problem(403, "unauthorized", "only the account");
    revoke(&Signer::new(), &first, 0).is_problem(403, "unauthorized", "only the account");
    revoke(&signer, &first, 6).is_problem(400, "badRevocationReason", "6 is no reason");
    assert_eq!(revoke(&signer, &first, 4).status, 200);
    revoke(&signer, &first, 4).is_problem(400, "alreadyRevoked", "already");

    let (key, second) = issue();
    let pair = aws_lc_rs::signature::EcdsaKeyPair::from_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        key.pkcs8(),
    );
    assert_eq!(revoke(&Signer { key: pair.unwrap(), kid: None }, &second, 1).status, 200);

    let foreign = authority.sandbox.ok("openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=x");
    let foreign = container::certificates(foreign.as_bytes()).unwrap().swap_remove(0);
    revoke(&signer, &foreign, 0).is_problem(400, "malformed", "did not issue");

    let shown: Value = serde_json::from_str(&authority.sandbox.ok("secure-io ca show --json")).unwrap();
    let reasons: Vec<_> = shown["issued"].as_array().unwrap().iter().filter_map(|one| one["reason"].as_str()).collect();
    assert_eq!(reasons, ["keyCompromise", "superseded"]);
}

/// A client asks when to renew (RFC 9773): in the last third, and at once when the certificate is revoked.
#[test]
fn the_time_to_renew_is_told() {
    let authority = Authority::start("--days 30");
    let signer = Signer::registered(&authority);
    answer_challenges(&authority, &signer);
    let order_of = |authority: &Authority, wanted: Value| order(authority, &signer, wanted, &["app.localhost"]);
    let first = order_of(&authority, json!({}));
    authorize(&authority, &signer, &first);
    let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
    let finalized = finalize(&authority, &signer, &first, &request(&key, &["app.localhost"]));
    let (_, leaf) = fetch(&authority, &signer, &finalized);
    let report = inspect::certificate(&leaf).unwrap();
    let octets = |hex: &str| hex_simd::decode_to_vec(hex).unwrap();
    let id = format!(
        "{}.{}",
        BASE64URL.encode_to_string(octets(report.authority_key_id.as_ref().unwrap())),
        BASE64URL.encode_to_string(octets(&report.serial))
    );
    // The server knows it after a restart, too.
    let authority = authority.restart("--days 30");
    let info = |id: &str| curl(&authority, &[], &url(&authority, &format!("/acme/renewal-info/{id}")), "");
    let answer = info(&id);
    assert_eq!(answer.header("retry-after"), Some("21600"));
    let window = answer.json()["suggestedWindow"].clone();
    let (start, end) = (window["start"].as_str().unwrap().to_owned(), window["end"].as_str().unwrap().to_owned());
    let (begins, ends) = (report.not_before.to_string(), report.not_after.to_string());
    assert!(begins < start && start < end && end < ends, "{window}");
    info("AAAA.AAAA").is_problem(404, "malformed", "did not issue");
    info("AAAA").is_problem(404, "malformed", "");

    let second = order_of(&authority, json!({ "replaces": id }));
    assert_eq!(second.json()["replaces"], id, "{}", second.text);
    order_of(&authority, json!({ "replaces": id })).is_problem(409, "alreadyReplaced", "already");
    let payload = json!({ "certificate": BASE64URL.encode_to_string(&leaf) });
    assert_eq!(signer.post(&authority, "/acme/revoke-cert", &payload).status, 200);
    let window = info(&id).json()["suggestedWindow"]["end"].as_str().unwrap().to_owned();
    assert!(window < start, "a revoked certificate is renewed at once");
}

/// An account is the client's for as long as it wants it, over restarts and with another key.
#[test]
fn accounts_last_change_their_key_and_end() {
    let authority = Authority::start("");
    let mut signer = Signer::registered(&authority);
    let kid = signer.kid.clone().unwrap();
    let path = kid.strip_prefix(&authority.server.url()).unwrap().to_owned();
    let authority = authority.restart("");
    let shown = signer.post(&authority, &path, &json!({ "contact": ["mailto:me@example.test"] }));
    assert_eq!(shown.json()["contact"], json!(["mailto:me@example.test"]), "{}", shown.text);
    let bad = |contact: &str| signer.post(&authority, &path, &json!({ "contact": [contact] }));
    bad("tel:+1").is_problem(400, "unsupportedContact", "tel:+1");
    bad("mailto:a@b.test,c@d.test").is_problem(400, "invalidContact", "one email");

    let again = Signer { key: signer.key, kid: None };
    let existing = again.post(&authority, "/acme/new-account", &json!({ "onlyReturnExisting": true }));
    assert_eq!((existing.status, existing.header("location")), (200, Some(&*kid)));
    Signer::new().post(&authority, "/acme/new-account", &json!({ "onlyReturnExisting": true })).is_problem(
        400,
        "accountDoesNotExist",
        "no account",
    );
    signer = Signer { key: again.key, kid: Some(kid.clone()) };

    let new = Signer { kid: Some(kid.clone()), ..Signer::new() };
    let at = url(&authority, "/acme/key-change");
    let inner = |new: &Signer| {
        let header = json!({ "alg": "ES256", "jwk": new.jwk(), "url": at });
        new.sign(&header, &json!({ "account": kid, "oldKey": signer.jwk() }).to_string())
    };
    let taken = Signer::registered(&authority);
    let answer = signer.post(&authority, "/acme/key-change", &inner(&taken));
    answer.is_problem(409, "malformed", "already");
    assert_eq!(answer.header("location"), taken.kid.as_deref());
    assert_eq!(signer.post(&authority, "/acme/key-change", &inner(&new)).status, 200);
    signer.get(&authority, &kid).is_problem(400, "malformed", "signature");
    assert_eq!(new.get(&authority, &kid).status, 200);

    assert_eq!(new.post(&authority, &path, &json!({ "status": "deactivated" })).json()["status"], "deactivated");
    let authority = authority.restart("");
    new.get(&authority, &kid).is_problem(401, "unauthorized", "deactivated");
}

/// With `--eab`, only those who hold a key get in.
#[test]
fn an_account_needs_a_key_where_keys_are_asked_for() {
    let authority = Authority::start("--eab keys.txt");
    let text = String::from_utf8(authority.sandbox.read("keys.txt")).unwrap();
    let line = text.lines().last().unwrap();
    let (id, secret) = line.split_once(' ').unwrap();
    let directory = curl(&authority, &[], &authority.directory(), "").json();
    assert_eq!(directory["meta"]["externalAccountRequired"], true);
    let at = url(&authority, "/acme/new-account");
    let signer = Signer::new();
    let register =
        |binding: Value| signer.post(&authority, "/acme/new-account", &json!({ "externalAccountBinding": binding }));
    signer.post(&authority, "/acme/new-account", &json!({})).is_problem(403, "externalAccountRequired", "keys");
    let wrong = BASE64URL.encode_to_string([7; 32]);
    register(binding(&signer, &at, id, &wrong)).is_problem(401, "unauthorized", "not signed");
    register(binding(&signer, &at, "other", secret)).is_problem(401, "unauthorized", "not signed");
    register(binding(&Signer::new(), &at, id, secret)).is_problem(400, "malformed", "another account key");
    register(binding(&signer, "https://x.test/", id, secret)).is_problem(400, "malformed", "url");
    let answer = register(binding(&signer, &at, id, secret));
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(answer.json()["externalAccountBinding"].is_object());
}

/// A failed challenge says which address was asked and what it answered, and the order carries the reason.
#[test]
fn a_failed_challenge_has_its_reason() {
    let mut authority = Authority::start("");
    let signer = Signer::registered(&authority);
    // Another account's key authorizations are answered.
    answer_challenges(&authority, &Signer::new());
    let order = order(&authority, &signer, json!({}), &["app.localhost"]);
    let url = order.json()["authorizations"][0].as_str().unwrap().to_owned();
    let authorization = signer.get(&authority, &url).json();
    let challenge = authorization["challenges"][0]["url"].as_str().unwrap();
    let path = challenge.strip_prefix(&authority.server.url()).unwrap();
    let begun = signer.post(&authority, path, &json!({}));
    assert_eq!(begun.json()["status"], "processing");
    assert!(begun.header("link").is_some());
    authority.server.wait_for("app.localhost is not validated by http-01");
    let failed = signer.get(&authority, &url).json();
    assert_eq!(failed["status"], "invalid");
    assert_eq!(failed["challenges"][0]["error"]["type"], "urn:ietf:params:acme:error:incorrectResponse", "{failed}");
    let order = signer.get(&authority, order.header("location").unwrap()).json();
    assert_eq!(order["status"], "invalid");
    let detail = order["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("/.well-known/acme-challenge/") && detail.contains("127.0.0.1"), "{detail}");
}
