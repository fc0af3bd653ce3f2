//! Shadow mode: nothing is refused, held or charged, and what would have been is told.

use uraiden_core::config::{Config, Mode};
use uraiden_core::gate::{CallOutcome, Gate, Step};
use uraiden_core::wire::{Answer, Entry, Health};

use crate::counting::Told;
use crate::scene::{Scene, config, open};

fn watching() -> (Scene, Told) {
    let mut scene =
        Scene { gate: Gate::new(Config { mode: Mode::Shadow, ..config() }, 0xfeed), ..Scene::new() };
    scene.hear(Health::Ready);
    let told = Told::by(&mut scene);
    (scene, told)
}

#[test]
fn every_request_goes_on_as_it_is_and_what_would_be_is_told_at_once_where_it_is_known() {
    let (mut scene, told) = watching();
    for (target, headers, expected) in [
        ("/free", &[][..], &["default free"][..]),
        ("/paid", &[], &["rule-0 shadow", "rule-0 would be payment-required"]),
        ("/paid", &[("rdn-price", "x")], &["rule-0 shadow", "rule-0 would be malformed-payment"]),
        ("//paid", &[], &["none shadow", "none would be ambiguous-path"]),
        ("/auction/1", &[], &["rule-1 shadow", "rule-1 would be price-unknown"]),
    ] {
        assert_eq!(scene.get(2, target, headers), Step::Pass, "{target}");
        assert!(!scene.gate.watches(2));
        told.expect(expected);
        scene.gate.gone(2);
    }
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "POST")];
    assert_eq!(scene.request(2, "OPTIONS", "/paid", &preflight), Step::Pass);
    told.expect(&["none free"]);
}

#[test]
fn a_payment_is_judged_when_its_channel_is_known_though_its_request_is_long_gone() {
    let (mut scene, told) = watching();
    assert_eq!(scene.pay(2, 20), Step::Pass);
    assert_eq!(scene.pay(3, 30), Step::Pass);
    (2..4).for_each(|stream| scene.gate.gone(stream));
    told.expect(&["rule-0 shadow", "rule-0 shadow"]);
    let [Entry::Lookup(_)] = scene.call()[..] else { panic!("one question, and no commit") };
    assert!(scene.answer(vec![Answer::Channel { channel: open(10) }]).is_empty());
    told.expect(&["rule-0 would be paid", "rule-0 would be invalid-amount"]);
    // From here on it is known.
    assert_eq!(scene.pay(4, 20), Step::Pass);
    told.expect(&["rule-0 shadow", "rule-0 would be paid"]);
    assert!(!scene.has_work(), "nothing is ever committed");
}

#[test]
fn without_the_sidecar_everything_goes_on() {
    let (mut scene, told) = watching();
    assert_eq!(scene.pay(2, 20), Step::Pass);
    scene.call();
    assert!(scene.fail(CallOutcome::NotSent).0.is_empty());
    told.expect(&["rule-0 shadow", "rule-0 would be sidecar-unreachable"]);
    scene.now += std::time::Duration::from_secs(4);
    assert_eq!(scene.pay(3, 20), Step::Pass);
    assert_eq!(scene.get(4, "/free", &[]), Step::Pass);
    told.expect(&["rule-0 shadow", "rule-0 would be sidecar-unreachable", "default free"]);
}

#[test]
fn those_who_wait_to_be_judged_have_a_bound() {
    let (mut scene, told) = watching();
    for stream in 0..1025 {
        assert_eq!(scene.pay(stream, 20), Step::Pass);
    }
    let told = told.all();
    assert_eq!(told.iter().filter(|words| *words == "rule-0 shadow").count(), 1025);
    assert_eq!(told.last().map(String::as_str), Some("rule-0 would be busy"));
    assert_eq!(scene.call().len(), 1);
}

#[test]
fn the_price_that_a_service_answers_is_known_to_the_next_request() {
    let (mut scene, told) = watching();
    assert_eq!(scene.get(2, "/auction/1", &[]), Step::Pass);
    let inquiry = scene.gate.next_inquiry().expect("a question");
    let answer = CallOutcome::Response { status: 200, body: b"{\"price\": \"7\"}" };
    assert!(scene.gate.priced_by(inquiry.id, answer, scene.now).0.is_empty());
    assert_eq!(scene.get(3, "/auction/1", &[]), Step::Pass);
    told.expect(&[
        "rule-1 shadow",
        "rule-1 would be price-unknown",
        "rule-1 shadow",
        "rule-1 would be payment-required",
    ]);
}
