//! Cookies: the upstream never sees one of the protocol, sees all others, and they pay as headers do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::cookie::without_payment;
use uraiden_core::offer::Offer;
use uraiden_core::request::Request;

/// The cookies that pay.
const PAYING: [&[u8]; 4] =
    [b"RDN-Sender-Address", b"RDN-Open-Block", b"RDN-Sender-Balance", b"RDN-Balance-Signature"];

fuzz_target!(|data: &[u8]| {
    // A header each line.
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let head = with_cookies(&lines);
    let pairs: Vec<&[u8]> =
        lines.iter().flat_map(|line| line.split(|&byte| byte == b';')).map(<[u8]>::trim_ascii).collect();
    let ours = |pair: &[u8]| pair.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"rdn-"));
    let others: Vec<&[u8]> = pairs.iter().copied().filter(|pair| !pair.is_empty() && !ours(pair)).collect();

    match without_payment(Request::new(&head)) {
        None => assert!(!pairs.iter().any(|pair| ours(pair) && core::str::from_utf8(pair).is_ok())),
        Some(left) => {
            let found =
                left.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty());
            assert_eq!(found.collect::<Vec<_>>(), others);
            assert_eq!(without_payment(Request::new(&with_cookies(&[&left]))), None);
        }
    }

    let offer = Offer::read(Request::new(&head)).expect("cookies alone are never refused");
    let mut values: Vec<(&[u8], &[u8])> = Vec::new();
    for pair in &pairs {
        let Some(equals) = pair.iter().position(|&byte| byte == b'=') else { continue };
        values.push((pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii()));
    }
    values.retain(|(name, _)| PAYING.contains(name));
    let mut as_headers = vec![(":method".to_owned(), b"GET".to_vec())];
    as_headers.extend(
        values.iter().map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec())),
    );
    let by_header = Offer::read(Request::new(&as_headers)).ok().and_then(|offer| offer.proof);
    assert_eq!(offer.proof, by_header);
    assert_eq!(offer.bad_cookies, !values.is_empty() && by_header.is_none());
});

fn with_cookies(lines: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
    let method = (":method".to_owned(), b"GET".to_vec());
    core::iter::once(method).chain(lines.iter().map(|line| ("cookie".to_owned(), line.to_vec()))).collect()
}
