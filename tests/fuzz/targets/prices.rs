//! Answers of a price service: only a readable "0" is free, and only a readable price is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use uraiden_core::TokenAmount;
use uraiden_core::gate::{CallOutcome, Step};
use uraiden_core::header;
use uraiden_core::request::Request;
use uraiden_fuzz::{Anywhere, NOW, assert_sound, ready};

fuzz_target!(|data: &[u8]| {
    // A status, a space, a body.
    let Some((status, body)) = data.split_first_chunk::<4>() else { return };
    let Some(status) = core::str::from_utf8(status).ok().and_then(|text| text.trim_end().parse::<u16>().ok())
    else {
        return;
    };
    let mut gate = ready();
    let head = [(":method".to_owned(), b"GET".to_vec()), (":path".to_owned(), b"/auction/1".to_vec())];
    assert_eq!(gate.request(1, Request::new(&head), &Anywhere, NOW), Step::Hold);
    let inquiry = gate.next_inquiry().expect("the price is asked for");
    let (steps, notices) = gate.priced_by(inquiry.id, CallOutcome::Response { status, body }, NOW);

    // Nobody looks at the bytes of members that are not asked for.
    let text = String::from_utf8_lossy(body);
    let answer: Option<Value> = serde_json::from_str(&text).ok().filter(|_| status == 200);
    let price =
        answer.and_then(|answer| answer.as_object()?.get("price")?.as_str()?.parse::<TokenAmount>().ok());
    let [(1, step)] = &steps[..] else { panic!("{steps:?}") };
    match (step, price) {
        (Step::Forward(admission), Some(price)) => {
            assert!(price.is_zero() && admission.payment.is_none() && admission.headers.is_empty());
        }
        (Step::Reply(reply), Some(price)) if reply.status == 402 => {
            let asked = reply.headers.iter().find(|(name, _)| *name == header::PRICE);
            assert_eq!(asked.map(|(_, value)| value.as_str()), Some(price.to_string().as_str()));
            assert!(!price.is_zero());
            assert_sound(reply);
        }
        (Step::Reply(reply), _) => {
            assert_eq!((reply.status, reply.code, notices.len()), (503, "price-unknown", 1));
            // The one reader is stricter than the other.
            let twice = text.matches("\"price\"").count() > 1;
            assert!(price.is_none() || twice || core::str::from_utf8(body).is_err(), "{price:?}");
            assert_sound(reply);
        }
        other => panic!("{other:?}"),
    }
});
