//! Requests that are refused, each in the words and with the type that RFC 8555 has for it.

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::signer::{Signer, curl, nonce, send, url};

/// Whoever records a request gets nothing by sending it again, elsewhere or changed.
#[test]
fn a_request_counts_once_at_its_url_and_with_its_key() {
    let authority = Authority::start("");
    let signer = Signer::registered(&authority);
    let at = url(&authority, "/acme/new-order");
    let order = json!({ "identifiers": [{ "type": "dns", "value": "app.localhost" }] }).to_string();

    let good = signer.sign(&signer.header(&authority, &at), &order).to_string();
    assert_eq!(send(&authority, &at, &good).status, 201);
    send(&authority, &at, &good).is_problem(400, "badNonce", "used before");

    let mut header = signer.header(&authority, &at);
    header["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    send(&authority, &at, &signer.sign(&header, &order).to_string()).is_problem(400, "badNonce", "not one of");
    header.as_object_mut().unwrap().remove("nonce");
    send(&authority, &at, &signer.sign(&header, &order).to_string()).is_problem(400, "badNonce", "");

    let other = signer.header(&authority, &url(&authority, "/acme/key-change"));
    send(&authority, &at, &signer.sign(&other, &order).to_string()).is_problem(401, "unauthorized", "signed for");

    let thief = Signer { kid: signer.kid.clone(), ..Signer::new() };
    let stolen = thief.sign(&thief.header(&authority, &at), &order).to_string();
    send(&authority, &at, &stolen).is_problem(400, "malformed", "signature");

    let mut changed = signer.sign(&signer.header(&authority, &at), &order);
    changed["payload"] = json!(BASE64URL.encode_to_string(order.replace("app", "bad")));
    send(&authority, &at, &changed.to_string()).is_problem(400, "malformed", "signature");

    let nobody = Signer { kid: Some(url(&authority, "/acme/account/nobody")), ..Signer::new() };
    nobody.get(&authority, &at).is_problem(400, "accountDoesNotExist", "nobody");
}

#[test]
fn weak_and_missing_signatures_are_refused() {
    let authority = Authority::start("");
    let signer = Signer::new();
    let at = url(&authority, "/acme/new-account");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut header = signer.header(&authority, &at);
        change(&mut header);
        send(&authority, &at, &signer.sign(&header, "{}").to_string())
    };
    for algorithm in ["none", "HS256", "RS1", "ES256K"] {
        let answer = with(&|header| header["alg"] = json!(algorithm));
        answer.is_problem(400, "badSignatureAlgorithm", algorithm);
        assert!(answer.json()["algorithms"].as_array().unwrap().contains(&json!("ES256")));
    }
    with(&|header| header["alg"] = json!("RS256")).is_problem(400, "malformed", "another kind");
    with(&|header| header["crit"] = json!(["b64"])).is_problem(400, "malformed", "crit");
    with(&|header| header["kid"] = json!("x")).is_problem(400, "malformed", "either");
    with(&|header| header["jwk"]["x"] = json!("AAAA")).is_problem(400, "badPublicKey", "32 octets");
    with(&|header| header["jwk"] = json!({ "kty": "oct", "k": "AAAA" })).is_problem(400, "badPublicKey", "kind");

    let mut unsigned = signer.sign(&signer.header(&authority, &at), "{}");
    unsigned["signature"] = json!("");
    send(&authority, &at, &unsigned.to_string()).is_problem(400, "malformed", "signature");
    let mut unprotected = signer.sign(&signer.header(&authority, &at), "{}");
    unprotected["header"] = json!({ "alg": "none" });
    send(&authority, &at, &unprotected.to_string()).is_problem(400, "malformed", "header");
}

/// What is no request costs little, and the server serves on.
#[test]
fn bodies_that_are_no_requests_are_refused() {
    let authority = Authority::start("");
    let at = url(&authority, "/acme/new-account");
    for body in ["", "{", "[]", "null", r#"{"protected":"?","payload":"","signature":""}"#] {
        send(&authority, &at, body).is_problem(400, "malformed", "");
    }
    send(&authority, &at, &"x".repeat(65 * 1024)).is_problem(413, "malformed", "longer");
    send(&authority, &at, &"[".repeat(60 * 1024)).is_problem(400, "malformed", "");
    let json = ["--request", "POST", "--header", "Content-Type: application/json", "--data-binary", "@-"];
    curl(&authority, &json, &at, "{}").is_problem(415, "malformed", "jose+json");
    curl(&authority, &[], &at, "").is_problem(405, "malformed", "POST");
    curl(&authority, &[], &url(&authority, "/nowhere"), "").is_problem(404, "malformed", "nothing");
    assert_ne!(nonce(&authority), nonce(&authority));
}

/// The answer says which names the CA signs for, and the log how to have others.
#[test]
fn names_that_the_ca_may_not_sign_for_are_rejected_with_words() {
    let mut authority = Authority::start("");
    let signer = Signer::registered(&authority);
    let order = |identifiers: Value| signer.post(&authority, "/acme/new-order", &json!({ "identifiers": identifiers }));
    let dns = |name: &str| json!({ "type": "dns", "value": name });
    let answer = order(json!([dns("example.com")]));
    answer.is_problem(400, "rejectedIdentifier", "its name constraints permit localhost, test");
    assert_eq!(answer.json()["identifier"], dns("example.com"));
    let both = order(json!([dns("example.com"), dns("ok.test"), dns("example.org")]));
    both.is_problem(400, "rejectedIdentifier", "example.org");
    assert_eq!(both.json()["subproblems"].as_array().unwrap().len(), 2);
    order(json!([{ "type": "ip", "value": "8.8.8.8" }])).is_problem(400, "rejectedIdentifier", "8.8.8.8");
    order(json!([dns("*.app.test")])).is_problem(400, "rejectedIdentifier", "whole domain");
    order(json!([dns("127.0.0.1")])).is_problem(400, "malformed", "`ip`");
    order(json!([{ "type": "ip", "value": "::0001" }])).is_problem(400, "malformed", "RFC 5952");
    order(json!([dns("a b.test")])).is_problem(400, "malformed", "white space");
    order(json!([{ "type": "email", "value": "a@b.test" }])).is_problem(400, "unsupportedIdentifier", "email");
    order(json!([])).is_problem(400, "malformed", "at least one");
    authority.server.wait_for("permit it: `secure-io ca renew --permit example.com`");
}

/// A client's order, authorizations and account are nobody else's.
#[test]
fn what_is_anothers_is_not_shown() {
    let authority = Authority::start("");
    let (owner, other) = (Signer::registered(&authority), Signer::registered(&authority));
    let order = json!({ "identifiers": [{ "type": "dns", "value": "app.localhost" }] });
    let order = owner.post(&authority, "/acme/new-order", &order);
    let at = order.header("location").unwrap().to_owned();
    let authorization = order.json()["authorizations"][0].as_str().unwrap().to_owned();
    for url in [&at, &authorization, owner.kid.as_ref().unwrap(), &format!("{}/orders", owner.kid.as_ref().unwrap())] {
        other.get(&authority, url).is_problem(401, "unauthorized", "another account");
    }
    let finalize = order.json()["finalize"].as_str().unwrap().to_owned();
    let path = finalize.strip_prefix(&authority.server.url()).unwrap();
    owner.post(&authority, path, &json!({ "csr": "AAAA" })).is_problem(403, "orderNotReady", "pending");
}
