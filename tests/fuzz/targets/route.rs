//! Prices on routes, in Envoy's encoding: a map of ours is never taken for none, and its price is what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::TokenAmount;
use uraiden_core::amount::Price;
use uraiden_core::route::{self, OnRoute, RouteError, Surroundings};

struct Metadata(Vec<u8>);

impl Surroundings for Metadata {
    fn source(&self) -> Option<Vec<u8>> {
        None
    }

    fn cluster(&self) -> Option<Vec<u8>> {
        None
    }

    fn metadata(&self) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }

    fn virtual_host_metadata(&self) -> Option<Vec<u8>> {
        panic!("the route has a map of its own");
    }

    fn announced(&self, _slot: u32) -> Option<Vec<u8>> {
        None
    }
}

fuzz_target!(|data: &[u8]| {
    // Whatever the bytes are, the route is priced, free or closed: it never falls back to the rules.
    assert_ne!(price(data), Ok(None));

    // A member each line.
    let members: Vec<(&[u8], &[u8])> = data
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let equals = line.iter().position(|&byte| byte == b'=')?;
            Some((&line[..equals], &line[equals + 1..]))
        })
        .collect();
    let map = encoded(&members);
    let found = members.iter().find(|(key, _)| *key == b"price").map(|(_, value)| *value);
    let expected = match found {
        None => Err(RouteError::NoPrice),
        Some(value) => expected(value),
    };
    assert_eq!(price(&map), expected.map(Some));
    for end in 0..map.len().min(64) {
        let cut = price(&map[..end]);
        assert!(
            cut.is_err() || cut == expected.map(Some),
            "a map that is cut off is not worth less: {cut:?}"
        );
    }
});

/// The price in a map. Its name, if it has one, can be asked for whatever the map is.
fn price(map: &[u8]) -> Result<Option<Option<Price>>, RouteError> {
    let found = route::price(&Metadata(map.to_vec()))?;
    let _ = found.as_ref().and_then(OnRoute::name);
    Ok(found.map(|found| found.price))
}

fn expected(value: &[u8]) -> Result<Option<Price>, RouteError> {
    let text = core::str::from_utf8(value).ok().filter(|text| !text.contains('\0'));
    match text.map(str::parse::<TokenAmount>) {
        Some(Ok(amount)) => Ok(Price::new(amount)),
        _ if value.len() == 8 => Err(RouteError::Number),
        Some(Err(error)) => Err(RouteError::Unreadable { error }),
        None => Err(RouteError::NotText),
    }
}

fn encoded(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let word = |length: usize| u32::try_from(length).expect("an input is short").to_le_bytes();
    let mut map = word(members.len()).to_vec();
    for (key, value) in members {
        map.extend([word(key.len()), word(value.len())].as_flattened());
    }
    for (key, value) in members {
        map.extend([key, &b"\0"[..], value, b"\0"].concat());
    }
    map
}
