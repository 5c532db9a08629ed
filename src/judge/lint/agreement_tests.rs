//! `inspect`, `lint` and `verify` see the same in every certificate: they look at what one reader has read.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::subject::Subject;
use crate::base::files;
use crate::base::hex::hex;
use crate::base::validity::rfc3339;
use crate::encoding::container::{self, Content};
use crate::issue::fixtures::{DEFECTS, Fixtures};
use crate::judge::verify::Certificate;
use crate::judge::{inspect, report};
use crate::x509::extension::{Extensions, KeyPurpose};

/// The certificates in tests/data, those of the fixtures, good and bad, and the roots of this system.
static CORPUS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let entries = walkdir::WalkDir::new(data).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(|entry| files::read(entry.path()).unwrap());
    let contents = files.flat_map(|bytes| container::find(&bytes)).filter_map(|found| found.content.ok());
    let mut all: Vec<_> =
        contents.filter_map(|content| if let Content::Certificate(der) = content { Some(der) } else { None }).collect();
    let now = time::macros::datetime!(2026-01-01 0:00 UTC);
    let fixtures = DEFECTS.iter().fold(Fixtures::new(now), |fixtures, defect| fixtures.defect(defect.name));
    let pki = fixtures.seed("agreement").build().unwrap();
    all.extend(DEFECTS.iter().flat_map(|defect| {
        let chain = pki.get(defect.name).unwrap().chain();
        chain.iter().map(|der| der.to_vec()).collect::<Vec<_>>()
    }));
    #[cfg(feature = "cli")]
    all.extend(rustls_native_certs::load_native_certs().certs.into_iter().map(|der| der.to_vec()));
    assert!(all.len() > 200, "{} certificates are there", all.len());
    all
});

/// The values that all three decide or print, in one form.
#[derive(Debug, PartialEq, Eq)]
struct View {
    serial: String,
    names: [String; 2],
    times: [String; 2],
    key: report::PublicKey,
    extensions: Values,
}

#[derive(Debug, PartialEq, Eq)]
struct Values {
    is_ca: bool,
    path_len: Option<u32>,
    key_usage: Vec<String>,
    purposes: Vec<String>,
    subject_alt_names: Vec<String>,
    key_ids: [Option<String>; 2],
}

impl Values {
    fn of(extensions: &Extensions<'_>) -> Self {
        let constraints = extensions.basic_constraints().copied().unwrap_or_default();
        let usage = extensions.key_usage().copied().unwrap_or_default();
        let purposes = extensions.ext_key_usage().map(|usage| usage.0.as_slice()).unwrap_or_default();
        let names = extensions.subject_alt_name().map(|names| names.0.as_slice()).unwrap_or_default();
        let authority = extensions.authority_key_id().and_then(|id| id.key_id);
        Self {
            is_ca: constraints.ca,
            path_len: constraints.path_len,
            key_usage: usage.names().map(Into::into).collect(),
            purposes: purposes.iter().copied().map(KeyPurpose::name).map(Into::into).collect(),
            subject_alt_names: names.iter().map(ToString::to_string).collect(),
            key_ids: [extensions.subject_key_id().map(hex), authority.map(hex)],
        }
    }
}

fn by_inspect(der: &[u8]) -> Option<View> {
    let report = inspect::certificate(der).ok()?;
    let texts = |texts: &[std::borrow::Cow<'static, str>]| texts.iter().map(ToString::to_string).collect();
    Some(View {
        serial: report.serial,
        names: [report.subject, report.issuer],
        times: [report.not_before, report.not_after].map(|time| time.to_string()),
        key: report.public_key,
        extensions: Values {
            is_ca: report.is_ca,
            path_len: report.path_len,
            key_usage: texts(&report.key_usage),
            purposes: texts(&report.extended_key_usage),
            subject_alt_names: report.subject_alt_names,
            key_ids: [report.subject_key_id, report.authority_key_id],
        },
    })
}

fn by_lint(der: &[u8]) -> Option<View> {
    let subject = Subject::certificate(der).ok()?;
    let time = |place: usize| subject.times.get(place).map(|time| rfc3339(time.at)).unwrap_or_default();
    Some(View {
        serial: hex(subject.serial?.content),
        names: [subject.subject.as_ref()?.text(), subject.issuer.as_ref()?.text()],
        times: [time(0), time(1)],
        key: (&subject.key.as_ref()?.key).into(),
        extensions: Values::of(subject.extensions()),
    })
}

fn by_verify(der: &[u8]) -> Option<View> {
    let certificate = Certificate::parse(der.to_vec()).ok()?;
    let read = certificate.read();
    Some(View {
        serial: hex(read.serial.content),
        names: [read.subject.text(), read.issuer.text()],
        times: [rfc3339(read.not_before.at), rfc3339(read.not_after.at)],
        key: (&read.key.key).into(),
        extensions: Values::of(read.extensions()),
    })
}

/// Compares the views of a certificate, as far as each can be had; returns how many there are.
fn agree(der: &[u8]) -> usize {
    // All names are shown of a subjectAltName that is there twice, and the first is decided on.
    let twice = |view: &View| view.extensions.subject_alt_names.len();
    let views: Vec<_> = [by_inspect(der), by_lint(der), by_verify(der)].into_iter().flatten().collect();
    for pair in views.windows(2) {
        if let [one, other] = pair
            && (twice(one) == twice(other) || !is_san_twice(der))
        {
            assert_eq!(one, other, "{}", hex(der));
        }
    }
    views.len()
}

fn is_san_twice(der: &[u8]) -> bool {
    let Ok(report) = inspect::certificate(der) else { return false };
    report.extensions.iter().filter(|extension| extension.oid == "2.5.29.17").count() > 1
}

#[test]
fn all_three_see_the_same() {
    let views: usize = CORPUS.iter().map(|der| agree(der)).sum();
    assert!(views > CORPUS.len() * 5 / 2, "most are read by all: {views} of {} three times", CORPUS.len());
}

proptest! {
    #[test]
    fn all_three_see_the_same_in_what_is_damaged(
        seed in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut der = seed.get(&CORPUS).clone();
        for (place, octet) in flips {
            let place = place.index(der.len());
            der[place] = octet;
        }
        agree(&der);
    }
}
