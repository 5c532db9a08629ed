//! Keeps the JSON Schemas that `docs/json` publishes the same as the types they are made from.

use std::path::Path;

use schemars::{JsonSchema, schema_for};

use crate::base::files::{self, Existing, NewFile};
use crate::issue::fixtures::manifest::Manifest;
use crate::judge::report::ca::{CaCrl, CaExport, CaInit, CaRenew, CaRevoke, CaShow};
use crate::judge::report::check::Check;
use crate::judge::report::connect::Document;
use crate::judge::report::converted::Convert;
use crate::judge::report::difference::Comparison;
use crate::judge::report::doctor::Doctor;
use crate::judge::report::fingerprint::Fingerprint;
use crate::judge::report::fixtures::{Expected, Fixtures};
use crate::judge::report::item::Item;
use crate::judge::report::made::{GenCert, GenCsr, GenKey};
use crate::judge::report::running::Running;
use crate::judge::report::trust::Trust;
use crate::judge::report::verdict::Answer;
use crate::judge::report::watch::Watch;

/// Compares a published schema with its type; writes it instead when `UPDATE_SCHEMAS` is set.
fn check<T: JsonSchema>(name: &str) {
    let schema = serde_json::to_string_pretty(&schema_for!(T)).unwrap() + "\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json");
    let path = folder.join(format!("{name}.json"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        files::create_folder(&folder, false).unwrap();
        return files::write_set(&[NewFile::public(&path, schema)], Existing::Replace).unwrap();
    }
    let published = files::read(&path).unwrap();
    assert!(published.as_slice() == schema.as_bytes(), "{name}.json is not current: `just schemas` writes it");
}

#[test]
fn the_published_schemas_are_current() {
    check::<GenKey>("gen-key");
    check::<GenCsr>("gen-csr");
    check::<GenCert>("gen-cert");
    check::<Vec<Item>>("inspect");
    check::<Convert>("convert");
    check::<Vec<Fingerprint>>("fingerprint");
    check::<Comparison>("inspect-diff");
    check::<Doctor>("doctor");
    check::<Trust>("ca-trust");
    check::<Trust>("ca-untrust");
    check::<Trust>("ca-status");
    check::<CaInit>("ca-init");
    check::<CaRenew>("ca-renew");
    check::<CaShow>("ca-show");
    check::<CaRevoke>("ca-revoke");
    check::<CaCrl>("ca-crl");
    check::<CaExport>("ca-export");
    check::<Answer>("verify");
    check::<Check>("check");
    check::<Document>("connect");
    check::<Watch>("check-watch");
    check::<Running>("run-list");
    check::<Expected>("fixtures-expected");
    check::<Fixtures>("fixtures");
    check::<Manifest>("fixtures-manifest");
}
