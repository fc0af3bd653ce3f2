//! What a cache of signers may change, and what not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::super::{SharedKeys, Signers};
use super::*;

const MEBIBYTE: usize = 1 << 20;

/// A signer with a good signature, and a bad one of the same look.
struct Known {
    address: Address,
    good: Signature,
    bad: Signature,
    digest: Digest,
}

impl Known {
    fn all(number: usize) -> Vec<Self> {
        let mut random = Random(5 << 32);
        let known = |_| {
            let (key, digest) = (random.key(), random.bytes());
            let good = signed(&key, &digest);
            let address = good.signer(&digest).expect("a good signature has a signer");
            let bad = Signature { odd_y: !good.odd_y, ..good };
            Self { address, good, bad, digest }
        };
        (0..number).map(known).collect()
    }

    fn check(&self, signers: &mut Signers) {
        assert!(signers.signed(self.address, &self.good, &self.digest));
        assert!(!signers.signed(self.address, &self.bad, &self.digest));
        let stranger = Address([7; 20]);
        assert!(!signers.signed(stranger, &self.good, &self.digest));
    }
}

#[test]
fn an_answer_never_depends_on_what_is_remembered() {
    for memory in [0, 1, 30_000, MEBIBYTE] {
        let mut signers = Signers::new(memory);
        let all = Known::all(12);
        for _ in 0..8 {
            all.iter().for_each(|known| known.check(&mut signers));
        }
    }
}

#[test]
fn nobody_signs_for_the_address_zero() {
    let mut signers = Signers::new(MEBIBYTE);
    for known in Known::all(4) {
        assert!(!signers.signed(Address::ZERO, &known.good, &known.digest));
    }
}

#[test]
fn a_table_is_made_at_the_fourth_good_signature() {
    let mut signers = Signers::new(MEBIBYTE);
    let known = &Known::all(1)[0];
    for signature in 1..=5 {
        for _ in 0..10 {
            assert!(!signers.signed(known.address, &known.bad, &known.digest));
        }
        assert!(signers.signed(known.address, &known.good, &known.digest));
        assert_eq!(signers.table_bytes() > 0, signature >= 4, "signature {signature}");
    }
    assert_eq!(signers.table_bytes(), table::SIGNER[1].bytes());
}

#[test]
fn the_largest_table_is_for_few_who_sign_again_and_again() {
    // Room for the largest tables of three, in a third of what is left when the keys have their part.
    let memory = 3 * 3 * table::SIGNER[0].bytes() * 4 / 3 + 4;
    let all = Known::all(4);
    for (busy, shape) in [(1, 0), (3, 0), (4, 1)] {
        let mut signers = Signers::new(memory);
        for signature in 1..=64 {
            for known in &all[..busy] {
                assert!(signers.signed(known.address, &known.good, &known.digest));
            }
            let each = table::SIGNER[if signature < 64 { 1 } else { shape }].bytes();
            assert!(signature < 4 || signers.table_bytes() == busy * each, "{busy} signers, {signature}");
        }
    }
}

#[test]
fn tables_stay_within_their_memory_and_shrink_as_signers_grow_in_number() {
    // Eight of the tables that one is given first, in what is left when the keys have their part. Debug builds have larger
    // points.
    let memory = 8 * table::SIGNER[1].bytes() * 4 / 3 + 4;
    let mut signers = Signers::new(memory);
    let all = Known::all(220);
    for (busy, shape) in [(8, 1), (15, 2), (30, 3), (60, 4), (115, 5), (220, 6)] {
        for _ in 0..12 {
            for known in &all[..busy] {
                assert!(signers.signed(known.address, &known.good, &known.digest));
                assert!(signers.table_bytes() <= 8 * table::SIGNER[1].bytes());
            }
        }
        let each = table::SIGNER[shape].bytes();
        // Some of the larger ones may stay, as long as there is room.
        assert!(signers.table_bytes() >= busy * each, "{busy} signers with {each} bytes each");
    }
}

#[test]
fn with_too_many_signers_some_keep_their_tables() {
    let smallest = table::SIGNER[6].bytes();
    let memory = 60 * 256 * 4;
    let mut signers = Signers::new(memory);
    let all = Known::all(60);
    let mut made = Vec::new();
    for _ in 0..12 {
        all.iter().for_each(|known| assert!(signers.signed(known.address, &known.good, &known.digest)));
        made.push(signers.table_bytes() / smallest);
    }
    // In debug builds not even the smallest table of all of them fits.
    let fit = (memory * 3 / 4 / smallest).min(60);
    assert!(
        made[8..].iter().all(|&tables| tables == fit),
        "as many as fit, and no round changes that: {made:?}"
    );
}

#[test]
fn more_signers_than_there_is_room_for_do_not_drive_out_each_other() {
    let room = 32;
    let mut signers = Signers::new(room * 256 * 4);
    let all = Known::all(2 * room);
    let mut round = || {
        all.iter().for_each(|known| assert!(signers.signed(known.address, &known.good, &known.digest)));
        signers.counts()
    };
    let before = (0..20).map(|_| round()).last().unwrap();
    let after = (0..20).map(|_| round()).last().unwrap();
    let known = (after.by_table + after.by_key) - (before.by_table + before.by_key);
    let share = known as f64 / (20 * all.len()) as f64;
    assert!((0.35..=0.5).contains(&share), "half of them have room: {share}");
    assert!(after.by_table - before.by_table > known / 2, "and have tables: {before:?}, {after:?}");
}

#[test]
fn who_is_new_takes_the_place_of_somebody_idle_at_once() {
    let room = 8;
    let mut signers = Signers::new(room * 256 * 4);
    let all = Known::all(room + 1);
    let mut sign = |known: &Known| {
        assert!(signers.signed(known.address, &known.good, &known.digest));
        signers.counts().first
    };
    all[..room].iter().for_each(|known| _ = sign(known));
    for _ in 0..=room {
        sign(&all[0]);
    }
    assert_eq!(sign(&all[room]), 9);
    assert_eq!(sign(&all[room]), 9, "and is remembered");
    assert_eq!(sign(&all[0]), 9, "in place of another than who was busy");
}

/// Keys in a map that a test can spoil.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<HashMap<u16, Vec<u8>>>>);

impl SharedKeys for Shared {
    fn get(&self, slot: u16) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(&slot).cloned()
    }

    fn put(&self, slot: u16, key: &[u8; 64]) {
        self.0.lock().unwrap().insert(slot, key.to_vec());
    }
}

#[test]
fn a_key_that_another_worker_shared_is_used_and_a_wrong_one_is_not() {
    let shared = Shared::default();
    let all = Known::all(2);
    let fresh = || {
        let mut signers = Signers::new(MEBIBYTE);
        signers.share(Box::new(shared.clone()));
        signers
    };
    all[0].check(&mut fresh());
    let (&slot, key) = shared.0.lock().unwrap().iter().map(|(slot, key)| (slot, key.clone())).next().unwrap();
    assert_eq!(shared.0.lock().unwrap().len(), 1, "the key of a bad signature is not shared");
    all[0].check(&mut fresh());

    let another =
        all[1].good.numbers(&all[1].digest).and_then(|numbers| recover::key(&numbers).ok().flatten());
    let mut off_curve = key.clone();
    off_curve[63] ^= 1;
    for spoiled in [
        another.unwrap().to_bytes().to_vec(),
        off_curve,
        vec![0; 64],
        vec![0xff; 64],
        vec![],
        key[1..].to_vec(),
    ] {
        shared.0.lock().unwrap().insert(slot, spoiled.clone());
        let mut signers = fresh();
        // The other one's signature must not pass in this one's name.
        assert!(!signers.signed(all[0].address, &all[1].good, &all[1].digest));
        all[0].check(&mut signers);
        assert_ne!(shared.0.lock().unwrap()[&slot], spoiled, "a good signature mends it");
    }
}
