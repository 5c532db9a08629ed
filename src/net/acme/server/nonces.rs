//! Nonces, by which no request counts twice (RFC 8555 section 6.5).

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;

use crate::base::octets::random;

/// The most nonces that are valid at a time. Beyond, the oldest is forgotten: its client is told so, and tries again.
const MOST: usize = 16_384;

/// The nonces that were given out and not used yet.
#[derive(Debug, Default)]
pub(super) struct Nonces(Mutex<Valid>);

#[derive(Debug, Default)]
struct Valid {
    all: HashSet<[u8; 16]>,
    /// Oldest first; those used are still in it.
    order: VecDeque<[u8; 16]>,
}

impl Nonces {
    /// A new nonce.
    pub(super) fn next(&self) -> String {
        let nonce = random();
        let mut valid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if valid.order.len() >= MOST
            && let Some(oldest) = valid.order.pop_front()
        {
            valid.all.remove(&oldest);
        }
        valid.all.insert(nonce);
        valid.order.push_back(nonce);
        BASE64URL.encode_to_string(nonce)
    }

    /// Takes a nonce out; returns false if not valid.
    pub(super) fn spend(&self, nonce: &str) -> bool {
        let Ok(octets) = BASE64URL.decode_to_vec(nonce) else { return false };
        let mut valid = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        <[u8; 16]>::try_from(octets).is_ok_and(|nonce| valid.all.remove(&nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_counts_once_and_the_oldest_are_forgotten() {
        let nonces = Nonces::default();
        let first = nonces.next();
        assert!(nonces.spend(&first) && !nonces.spend(&first));
        let second = nonces.next();
        for _ in 0..MOST {
            nonces.next();
        }
        assert!(!nonces.spend(&second) && !nonces.spend("AAAA") && !nonces.spend("?"));
        let valid = nonces.0.lock().unwrap();
        assert!(valid.order.len() == MOST && valid.all.len() <= MOST);
    }
}
