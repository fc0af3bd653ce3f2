//! Requests that are at the upstream while their payments are made durable: only their responses wait.

use uraiden_core::config::{Config, Overlap};
use uraiden_core::gate::{CallOutcome, Gate, Step};
use uraiden_core::wire::{Answer, Attempt, Entry, Health};

use crate::scene::{Scene, config, only, open, replied, value};

const TIMED_OUT: CallOutcome<'_> = CallOutcome::Response { status: 504, body: b"upstream request timeout" };

/// Stream 2 is at the upstream, and its commit is under way.
fn overlapping() -> (Scene, Attempt) {
    let mut scene = Scene::overlapping(10);
    let Step::Forward(admission) = scene.pay(2, 20) else { panic!() };
    assert_eq!(value(&admission.headers, "x-uraiden-payment"), "pending");
    let [Entry::Commit(attempt)] = scene.call()[..] else { panic!() };
    (scene, attempt)
}

#[test]
fn the_response_waits_for_the_commit() {
    let (mut scene, _) = overlapping();
    assert_eq!(scene.response(2, 200), Step::Hold);
    let steps = scene.answer(vec![Answer::Accepted { channel: open(20) }]);
    let Step::Release(headers) = only(steps, 2) else { panic!() };
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "20");
    assert_eq!(value(&headers, "RDN-Cost"), "10");
}

#[test]
fn a_commit_that_is_faster_than_the_upstream_holds_nothing() {
    let (mut scene, _) = overlapping();
    assert_eq!(scene.answer(vec![Answer::Accepted { channel: open(20) }]), []);
    assert_eq!(value(&scene.released(2, 200), "RDN-Sender-Balance"), "20");
}

#[test]
fn a_refusal_replaces_the_response_whether_or_not_it_has_come() {
    for came in [false, true] {
        let (mut scene, _) = overlapping();
        if came {
            assert_eq!(scene.response(2, 200), Step::Hold);
        }
        let steps = scene.answer(vec![Answer::Refused { channel: open(20) }]);
        assert_eq!(replied(only(steps, 2)).1, "replay");
        // The next payment of a channel that was refused waits.
        assert_eq!(scene.pay(3, 30), Step::Hold);
        scene.call();
        scene.answer(vec![Answer::Accepted { channel: open(30) }]);
        assert!(matches!(scene.pay(4, 40), Step::Forward(_)), "until one was accepted");
    }
}

#[test]
fn one_request_of_a_channel_overlaps_at_a_time() {
    let mut scene = Scene::overlapping(10);
    assert!(matches!(scene.pay(2, 20), Step::Forward(_)));
    for stream in 3..50 {
        assert_eq!(scene.pay(stream, 20), Step::Hold, "one proof on fifty connections");
    }
    let answers = core::iter::once(Answer::Accepted { channel: open(20) })
        .chain((3..50).map(|_| Answer::Refused { channel: open(20) }))
        .collect();
    assert_eq!(scene.call().len(), 48);
    assert_eq!(scene.answer(answers).len(), 47);
    // What was refused last makes the next one wait too.
    assert_eq!(scene.pay(50, 30), Step::Hold);
}

#[test]
fn the_place_is_free_again_when_the_commit_is_answered_or_fails_or_is_not_sent() {
    let (mut scene, _) = overlapping();
    scene.answer(vec![Answer::Accepted { channel: open(20) }]);
    assert!(matches!(scene.pay(3, 30), Step::Forward(_)));

    // Envoy answers for the upstream twice: the second time because the stream was held for too long.
    assert_eq!(scene.response(3, 200), Step::Hold);
    assert_eq!(scene.response(3, 504), Step::Release(vec![]));
    assert!(!scene.has_work(), "nobody pays for what nobody gets");
    assert!(matches!(scene.pay(4, 30), Step::Forward(_)));
}

#[test]
fn an_upstream_that_fails_while_the_payment_is_recorded_is_not_paid() {
    let (mut scene, attempt) = overlapping();
    assert_eq!(scene.response(2, 503), Step::Hold);
    assert_eq!(scene.answer(vec![Answer::Accepted { channel: open(20) }]), []);
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);
    let steps = scene.answer(vec![Answer::TakenBack { channel: open(10) }]);
    let Step::Refund(headers) = only(steps, 2) else { panic!() };
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "10");
}

#[test]
fn a_commit_of_unknown_outcome_releases_nothing() {
    for came in [false, true] {
        let (mut scene, attempt) = overlapping();
        if came {
            assert_eq!(scene.response(2, 200), Step::Hold);
        }
        assert_eq!(scene.fail(TIMED_OUT).0, []);
        assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);
        if !came {
            assert_eq!(scene.response(2, 200), Step::Hold, "the upstream's answer waits too");
        }
        let steps = scene.answer(vec![Answer::TakenBack { channel: open(10) }]);
        let (status, code, headers) = replied(only(steps, 2));
        assert_eq!((status, code.as_str()), (502, "taken-back"));
        assert_eq!(value(&headers, "RDN-Sender-Balance"), "10");
    }
}

#[test]
fn a_client_that_leaves_after_its_request_ran_has_paid() {
    // Its commit was sent already, or was not.
    let (mut scene, _) = overlapping();
    scene.gate.gone(2);
    assert_eq!(scene.answer(vec![Answer::Accepted { channel: open(20) }]), []);
    assert!(!scene.has_work());

    let mut scene = Scene::overlapping(10);
    assert!(matches!(scene.pay(2, 20), Step::Forward(_)));
    scene.gate.gone(2);
    assert!(matches!(scene.call()[..], [Entry::Commit(_)]));
    scene.answer(vec![Answer::Accepted { channel: open(20) }]);
    assert!(!scene.has_work());
}

#[test]
fn a_client_that_leaves_after_its_upstream_failed_has_not() {
    let (mut scene, attempt) = overlapping();
    assert_eq!(scene.response(2, 503), Step::Hold);
    scene.gate.gone(2);
    scene.answer(vec![Answer::Accepted { channel: open(20) }]);
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);
}

#[test]
fn a_proof_that_another_worker_used_waits_for_its_commit() {
    let mut scene = Scene::overlapping(10);
    let Step::Forward(admission) = scene.pay(2, 20) else { panic!() };
    let announced = admission.announcement.unwrap().bytes;

    // Another worker, which heard of the channel before.
    for (announced, balance, overlaps) in [
        (announced.clone(), 20, false),
        (announced.clone(), 30, true),
        (vec![], 20, true),
        (vec![0; 48], 20, true), // another channel at the same place
        (announced[..47].to_vec(), 20, true),
    ] {
        let mut scene = Scene::overlapping(balance - 10);
        scene.announced = Some(announced);
        assert_eq!(matches!(scene.pay(2, balance), Step::Forward(_)), overlaps, "{balance}");
    }
}

#[test]
fn what_may_overlap_can_be_chosen() {
    let upgrade: &[(&str, &str)] = &[("upgrade", "websocket")];
    let overridden: &[(&str, &str)] = &[("x-http-method-override", "GET")];
    for (overlap, method, headers, overlaps) in [
        (Overlap::SafeMethods, "GET", &[][..], true),
        (Overlap::SafeMethods, "HEAD", &[], true),
        (Overlap::SafeMethods, "POST", &[], false),
        (Overlap::SafeMethods, "OPTIONS", &[], false),
        (Overlap::SafeMethods, "GET", upgrade, false),
        (Overlap::SafeMethods, "GET", overridden, false),
        (Overlap::Always, "POST", &[], true),
        (Overlap::Always, "CONNECT", &[], false),
        (Overlap::Always, "GET", upgrade, false),
        (Overlap::Always, "CONNECT", &[(":protocol", "websocket")], false),
        (Overlap::Never, "GET", &[], false),
    ] {
        let mut scene =
            Scene { gate: Gate::new(Config { overlap, ..config() }, 1), ..Scene::overlapping(10) };
        scene.hear(Health::Ready);
        assert_eq!(scene.pay(1, 10), Step::Hold);
        scene.call();
        scene.answer(vec![Answer::Channel { channel: open(10) }]);
        let step = scene.pay_by(2, method, "/paid", 20, headers);
        assert_eq!(matches!(step, Step::Forward(_)), overlaps, "{overlap:?} {method} {headers:?}: {step:?}");
    }
}
