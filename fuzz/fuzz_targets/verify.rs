//! Whatever is presented, there is a verdict.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use secure_io::verify::{self, Anchors, Certificate, Crl, Purpose, Request};
use secure_io::container::{Content, find};
use secure_io::validity;

fuzz_target!(|octets: &[u8]| {
    let (mut chain, mut crls) = (Vec::new(), Vec::new());
    for found in find(octets) {
        match found.content {
            Ok(Content::Certificate(der)) => chain.push(der.into()),
            Ok(Content::Crl(der)) => crls.extend(Crl::parse(der).ok().map(Arc::new)),
            _ => {}
        }
    }
    let trusted = chain.last().cloned().and_then(|der| Certificate::parse(der).ok());
    let anchors = Anchors::new(trusted.map(Arc::new).into_iter().collect());
    let host = "localhost".parse().ok();
    let request = Request {
        presented: &[],
        anchors: &anchors,
        crls: &crls,
        host: host.as_ref(),
        purpose: Purpose::Server,
        at: validity::now(),
        key: None,
        strict: false,
    };
    let _ = verify::verify_presented(&chain, &request);
});
