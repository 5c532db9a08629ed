//! Nothing that is judged makes the judge panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use secure_io::lint::{Issuers, Judge, Origin};

use crate::pairs;
use crate::{Item, NOW};

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let items = pairs::all().into_iter().map(|pair| pair.trips);
    items
        .map(|item| match item {
            Item::Certificate(der) | Item::Request(der) | Item::Crl(der) => der,
        })
        .collect()
});

/// Judges octets as everything they might be.
fn judge(der: &[u8]) {
    let mut issuers = Issuers::default();
    issuers.add(der, Origin::PublicAnchor);
    let judge = Judge { audience: None, issuers: &issuers, now: NOW };
    let _ = (judge.certificate(der), judge.request(der), judge.crl(der));
}

proptest! {
    #[test]
    fn damaged_items_do_not_panic(
        seed in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut in prop::bool::weighted(0.1),
    ) {
        let mut der = seed.get(&SEEDS).clone();
        for (place, octet) in flips {
            let place = place.index(der.len());
            der[place] = octet;
        }
        if is_cut {
            der.truncate(cut.index(der.len()));
        }
        judge(&der);
    }

    #[test]
    fn noise_does_not_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        judge(&octets);
    }
}
