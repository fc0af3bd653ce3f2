//! What the runs did, so that a test that no longer tries anything is seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

static SEEN: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

/// What has to happen in the runs of a suite.
const WANTED: [&str; 13] = [
    "served by a new balance",
    "served from a credit",
    "ran before its payment was durable",
    "accepted",
    "refused",
    "taken back",
    "credited",
    "kept, after too many take-backs",
    "told 402 in place of an answer that was held",
    "told 502",
    "late commits that were cancelled before",
    "closing agreements",
    "reorganisations that changed a deposit",
];

pub(crate) fn count(what: &'static str) {
    *SEEN.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
}

/// Prints how often each thing happened; what never did.
pub(crate) fn missing() -> Vec<&'static str> {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    for (what, times) in seen.iter() {
        println!("{times:>8}  {what}");
    }
    WANTED.into_iter().filter(|what| !seen.contains_key(what)).collect()
}
