//! Hash maps of what a payment looks up, some twenty times by keys of a few bytes.
//!
//! Foldhash takes a sixth of the instructions for these that the standard library's SipHash takes. Both keep an attacker
//! from choosing keys that collide as long as the seed is secret. Foldhash makes its own of addresses and the time, which
//! in a VM are no secret, so it gets one of the standard library's, which asks the system for randomness.

use core::hash::{BuildHasher, Hasher};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};

/// A map whose keys anyone may choose.
pub type Map<K, V> = HashMap<K, V, Seeded>;

/// Foldhash with a seed of the system's randomness, another for each map.
#[derive(Clone)]
pub struct Seeded(SeedableRandomState);

impl Default for Seeded {
    fn default() -> Self {
        static SHARED: LazyLock<SharedSeed> = LazyLock::new(|| SharedSeed::from_u64(random()));
        Self(SeedableRandomState::with_seed(random(), &SHARED))
    }
}

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    fn build_hasher(&self) -> FoldHasher<'static> {
        self.0.build_hasher()
    }
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_maps_hash_alike() {
        let hashes: Vec<u64> = (0..100).map(|_| Seeded::default().hash_one("key")).collect();
        let differing: std::collections::HashSet<_> = hashes.iter().collect();
        assert_eq!(differing.len(), hashes.len());
    }
}
