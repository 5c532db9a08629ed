//! Certificates as people have them.

use secure_io::lint::{Issuers, Origin};
use secure_io::report::finding::{Audience, Severity};

use crate::builder::{self, self_signed};
use crate::{Item, judged_with, rules};

#[test]
fn a_servers_certificate_in_a_root_store_is_told_of() {
    let leaf = self_signed().der();
    let item = Item::Certificate(leaf.clone());
    let mut issuers = Issuers::default();
    assert_eq!(rules(&judged_with(&item, None, &issuers)), [""; 0]);
    issuers.add(&leaf, Origin::AddedAnchor);
    let lint = judged_with(&item, None, &issuers);
    assert_eq!((lint.audience, rules(&lint)), (Audience::SelfSigned, vec!["self_signed_leaf_trusted".to_owned()]));
}

/// Rules for public CAs apply to items below a public root, and to items with marks that only public CAs write.
#[test]
fn the_audience_is_told_by_who_issued_it() {
    let leaf = Item::Certificate(builder::private().der());
    let audience = |item: &Item, origin| {
        let mut issuers = Issuers::default();
        issuers.add(&builder::root(), origin);
        judged_with(item, None, &issuers).audience
    };
    assert_eq!(audience(&leaf, Origin::Read), Audience::Private);
    assert_eq!(audience(&leaf, Origin::AddedAnchor), Audience::Private);
    // It names no country, which the CA/Browser Forum has its members do: a developer's own, however it came there.
    assert_eq!(audience(&leaf, Origin::PublicAnchor), Audience::Private);
    assert_eq!(audience(&Item::Certificate(builder::public().der()), Origin::Read), Audience::Public);
    assert_eq!(audience(&Item::Certificate(self_signed().der()), Origin::Read), Audience::SelfSigned);
    assert_eq!(audience(&Item::Certificate(builder::root()), Origin::Read), Audience::SelfSigned);
}

/// Debian's root certificates are no servers, and little is wrong with them.
#[test]
fn the_systems_roots_are_judged_as_cas() {
    let roots = rustls_native_certs::load_native_certs().certs;
    assert!(roots.len() > 50, "the root store is there: `apt-get install ca-certificates`");
    let mut issuers = Issuers::default();
    for root in &roots {
        issuers.add(root, Origin::PublicAnchor);
    }
    let lints: Vec<_> =
        roots.iter().map(|root| judged_with(&Item::Certificate(root.to_vec()), None, &issuers)).collect();
    let clean = lints.iter().filter(|lint| lint.worst() < Some(Severity::Warning)).count();
    assert!(clean * 10 > lints.len() * 7, "only {clean} of {} are without a warning", lints.len());
    let public = lints.iter().filter(|lint| lint.audience == Audience::Public).count();
    assert!(public * 10 > lints.len() * 8, "only {public} of {} are public", lints.len());
}
