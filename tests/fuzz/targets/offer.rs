//! Payments in headers: what is read means the same however it is written, and no head breaks the answer to it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::gate::Step;
use uraiden_core::header;
use uraiden_core::offer::{HeaderError, Offer};
use uraiden_core::request::Request;
use uraiden_fuzz::{Anywhere, Head, NOW, assert_sound, head, ready};

/// The headers that may stand once only.
const OURS: [&str; 9] = [
    header::CONTRACT_ADDRESS,
    header::RECEIVER_ADDRESS,
    header::SENDER_ADDRESS,
    header::PAYMENT,
    header::SENDER_BALANCE,
    header::BALANCE,
    header::BALANCE_SIGNATURE,
    header::OPEN_BLOCK,
    header::PRICE,
];

fuzz_target!(|data: &[u8]| {
    let head = head(data);
    let read = Offer::read(Request::new(&head));
    let reversed: Head = head.iter().rev().cloned().collect();
    if !head.iter().any(|(name, _)| name == "cookie") {
        let again = Offer::read(Request::new(&reversed));
        assert_eq!(read.as_ref().ok(), again.as_ref().ok(), "order means nothing");
    }
    for name in OURS {
        let copies = head.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).count();
        assert!(copies < 2 || matches!(read, Err(HeaderError::Repeated { .. })), "{name}: {read:?}");
    }
    match &read {
        Ok(offer) => {
            let signed = head.iter().any(|(name, value)| {
                *name == header::BALANCE_SIGNATURE.to_ascii_lowercase()
                    || (name == "cookie" && value.windows(3).any(|word| word == b"RDN"))
            });
            assert!(signed || offer.proof.is_none(), "{offer:?}");
            let expected = Offer { bad_cookies: false, ..*offer };
            assert_eq!(Offer::read(Request::new(&written(offer))), Ok(expected), "its normal form");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 500 && !text.chars().any(char::is_control), "{text:?}");
        }
    }

    let mut priced = head;
    priced.retain(|(name, _)| name != ":path");
    priced.push((":path".to_owned(), b"/paid".to_vec()));
    match ready().request(1, Request::new(&priced), &Anywhere, NOW) {
        Step::Reply(reply) => assert_sound(&reply),
        Step::Hold => {
            assert!(read.is_ok_and(|offer| offer.proof.is_some()), "only a proof is worth a question")
        }
        Step::Forward(admission) => {
            assert!(Request::new(&priced).is_preflight(), "unpaid");
            assert_eq!(admission.payment, None);
        }
        other => panic!("{other:?}"),
    }
});

/// An offer as headers in their normal form.
fn written(offer: &Offer) -> Head {
    let proof = offer.proof;
    let values = [
        (header::CONTRACT_ADDRESS, offer.contract.map(|value| value.to_string())),
        (header::RECEIVER_ADDRESS, offer.receiver.map(|value| value.to_string())),
        (header::PAYMENT, offer.amount.map(|value| value.to_string())),
        (header::SENDER_ADDRESS, proof.map(|proof| proof.sender.to_string())),
        (header::OPEN_BLOCK, proof.map(|proof| proof.open_block.to_string())),
        (header::BALANCE, proof.map(|proof| proof.balance.to_string())),
        (header::BALANCE_SIGNATURE, proof.map(|proof| proof.signature.to_string())),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into_bytes()))).collect()
}
