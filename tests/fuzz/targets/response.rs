//! Heads of the upstream's answers: lists of CORS headers are merged without a loss or a double, and no paid answer
//! may be kept by a shared cache.
#![no_main]

use libfuzzer_sys::fuzz_target;
use uraiden_core::gate::{CallOutcome, Gate, Headers, Step};
use uraiden_core::header;
use uraiden_core::request::Request;
use uraiden_core::response::Response;
use uraiden_fuzz::{Anywhere, Head, Ledger, NOW, PRICE, head, heard, paying, ready};

const EXPOSED: &str = "access-control-expose-headers";
const ALLOWED: &str = "access-control-allow-headers";

fuzz_target!(|data: &[u8]| {
    let mut head = head(data);
    head.retain(|(name, _)| name != ":status");
    head.push((":status".to_owned(), b"200".to_vec()));

    let mut gate = ready();
    let refused = gate.request(1, Request::new(&paying("/paid", 0)[..2]), &Anywhere, NOW);
    assert!(matches!(refused, Step::Reply(_)));
    let set = released(&mut gate, 1, &head);
    merged(&head, &set, EXPOSED, header::SENDER_BALANCE);

    let preflight =
        [(":method", "OPTIONS"), (":path", "/paid"), ("origin", "o"), ("access-control-request-method", "m")];
    let preflight: Head = preflight.map(|(name, value)| (name.to_owned(), value.into())).into();
    assert!(matches!(gate.request(2, Request::new(&preflight), &Anywhere, NOW), Step::Forward(_)));
    let set = released(&mut gate, 2, &head);
    merged(&head, &set, ALLOWED, header::BALANCE_SIGNATURE);

    pay(&mut gate);
    let set = released(&mut gate, 3, &head);
    merged(&head, &set, EXPOSED, header::SENDER_BALANCE);
    assert!(set.iter().any(|(name, value)| *name == header::COST && *value == PRICE.to_string()));
    let cached = after(&head, &set, "cache-control");
    assert!(cached.iter().any(|directive| directive == "private" || directive == "no-store"), "{cached:?}");
    if set.iter().any(|(name, _)| *name == "cache-control") {
        assert!(
            !cached.iter().any(|directive| directive == "public" || directive.starts_with("s-maxage")),
            "{cached:?}"
        );
    }
});

/// Stream 3 pays and is at the upstream.
fn pay(gate: &mut Gate) {
    assert_eq!(
        gate.request(3, Request::new(&paying("/paid", 1)), &Anywhere, NOW),
        Step::Hold,
        "it is not known yet"
    );
    let mut ledger = Ledger::default();
    while let Some(call) = gate.next_call(NOW) {
        let body = heard(call.batch.entries.iter().map(|entry| ledger.answer(entry)).collect());
        let _ = gate.answered(CallOutcome::Response { status: 200, body: &body }, NOW);
    }
    assert_eq!(ledger.payments(), 1);
}

fn released(gate: &mut Gate, stream: u32, head: &Head) -> Headers {
    match gate.response(stream, Response::new(head), || NOW) {
        Step::Release(headers) => headers,
        other => panic!("{other:?}"),
    }
}

/// Checks a list that is merged, by one of the names that have to be in it.
fn merged(head: &Head, set: &Headers, name: &'static str, ours: &str) {
    let before = items(head.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_slice()));
    let after = after(head, set, name);
    assert!(after.starts_with(&before), "{before:?} {after:?}");
    let allowed = head.iter().any(|(found, _)| found == "access-control-allow-origin");
    if !allowed {
        assert_eq!(after, before, "no other origins are allowed");
    } else if !before.iter().any(|item| item == "*") {
        assert!(after.contains(&ours.to_ascii_lowercase()), "{after:?}");
    }
    for (index, item) in after.iter().enumerate().skip(before.len()) {
        assert!(!after[..index].contains(item), "{item} twice in {after:?}");
    }
}

/// The items of a list header as the client sees it.
fn after(head: &Head, set: &Headers, name: &'static str) -> Vec<String> {
    match set.iter().find(|(found, _)| *found == name) {
        Some((_, value)) => items(core::iter::once(value.as_bytes())),
        None => items(head.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_slice())),
    }
}

fn items<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let items = values.flat_map(|value| value.split(|&byte| byte == b','));
    let items = items.map(|item| String::from_utf8_lossy(item.trim_ascii()).to_ascii_lowercase());
    items.filter(|item| !item.is_empty()).collect()
}
