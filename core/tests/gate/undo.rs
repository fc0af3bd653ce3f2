//! What failed is not paid for: calls of unknown outcome, upstreams that fail, clients that leave.

use std::time::Duration;

use uraiden_core::gate::{CallOutcome, Notice, Step};
use uraiden_core::wire::{Answer, Attempt, Entry, Health};

use crate::common::sender;
use crate::scene::{Scene, only, open, replied, response, value};

/// Envoy's answers for calls that the sidecar did not answer.
const TIMED_OUT: CallOutcome<'_> = CallOutcome::Response { status: 504, body: b"upstream request timeout" };
const REFUSED: CallOutcome<'_> = CallOutcome::Response { status: 503, body: b"no healthy upstream" };

/// Stream 2 has paid, and its commit is under way.
fn committing() -> (Scene, Attempt) {
    let mut scene = Scene::with_channel(10);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    let [Entry::Commit(attempt)] = scene.call()[..] else { panic!() };
    (scene, attempt)
}

#[test]
fn a_commit_of_unknown_outcome_is_taken_back_before_the_client_is_told() {
    let (mut scene, attempt) = committing();
    assert_eq!(scene.fail(TIMED_OUT).0, [], "the client waits for the take-back");
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);
    let (status, code, headers) =
        replied(only(scene.answer(vec![Answer::TakenBack { channel: open(10) }]), 2));
    assert_eq!((status, code.as_str()), (502, "taken-back"));
    assert_eq!(value(&headers, "RDN-Sender-Address"), sender().to_string());
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "10");
    assert!(!scene.has_work());
}

#[test]
fn a_take_back_that_fails_too_is_waited_for_no_longer_and_tried_on() {
    let (mut scene, attempt) = committing();
    let _ = scene.fail(TIMED_OUT);
    scene.call();
    let (steps, _) = scene.fail(TIMED_OUT);
    assert_eq!(replied(only(steps, 2)).1, "unknown-outcome");
    assert!(!scene.has_work(), "a sidecar that is down is asked again by the clock only");
    assert_eq!(scene.gate.tick(scene.now).unwrap().batch.entries, [Entry::TakeBack(attempt)]);
    scene.answer(vec![Answer::TakenBack { channel: open(10) }]);
    assert_eq!(scene.gate.tick(scene.now).unwrap().batch.entries, []);
}

#[test]
fn a_call_whose_connection_broke_is_repeated_once_within_its_time() {
    for broken in [CallOutcome::CutOff, REFUSED] {
        let (mut scene, attempt) = committing();
        scene.now += Duration::from_millis(200);
        assert_eq!(scene.fail(broken).0, []);
        let again = scene.gate.next_call(scene.now).unwrap();
        assert_eq!(again.batch.entries, [Entry::Commit(attempt)], "the same attempt");
        assert_eq!(again.timeout, Duration::from_millis(300), "what is left of 500 ms");
        let steps = scene.answer(vec![Answer::Accepted { channel: open(20) }]);
        assert!(matches!(only(steps, 2), Step::Forward(_)));

        let (mut scene, attempt) = committing();
        let _ = scene.fail(broken);
        assert_eq!(scene.call(), [Entry::Commit(attempt)]);
        let _ = scene.fail(broken);
        assert_eq!(scene.call(), [Entry::TakeBack(attempt)], "not a third time");
    }
}

#[test]
fn what_a_repeated_call_refuses_is_cancelled_since_its_first_copy_may_still_arrive() {
    let (mut scene, attempt) = committing();
    let _ = scene.fail(CallOutcome::CutOff);
    scene.call();
    let steps = scene.answer(vec![Answer::Refused { channel: open(20) }]);
    assert_eq!(replied(only(steps, 2)).1, "replay");
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);

    let (mut scene, _) = committing();
    scene.answer(vec![Answer::Refused { channel: open(20) }]);
    assert!(!scene.has_work(), "a call that was sent once has no other copy");
}

#[test]
fn a_call_is_not_repeated_when_its_time_is_over_or_nothing_was_sent_or_asked() {
    let (mut scene, attempt) = committing();
    scene.now += Duration::from_millis(500);
    let _ = scene.fail(CallOutcome::CutOff);
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);

    let (mut scene, attempt) = committing();
    let _ = scene.fail(CallOutcome::NotSent);
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);

    let mut scene = Scene::ready();
    assert_eq!(scene.gate.tick(scene.now).unwrap().batch.entries, []);
    let _ = scene.fail(CallOutcome::CutOff);
    assert_eq!(scene.gate.next_call(scene.now), None);
}

#[test]
fn a_take_back_is_repeated_for_five_minutes_and_given_up_aloud() {
    let (mut scene, _) = committing();
    let _ = scene.fail(TIMED_OUT);
    scene.call();
    let _ = scene.fail(TIMED_OUT);
    for _ in 0..299 {
        scene.now += Duration::from_secs(1);
        assert_eq!(scene.gate.tick(scene.now).unwrap().batch.entries.len(), 1);
        let (_, notices) = scene.fail(TIMED_OUT);
        assert!(!notices.iter().any(|notice| matches!(notice, Notice::TakeBackGivenUp { .. })));
    }
    scene.now += Duration::from_secs(1);
    scene.gate.tick(scene.now);
    let (_, notices) = scene.fail(TIMED_OUT);
    assert!(notices.iter().any(|notice| matches!(notice, Notice::TakeBackGivenUp { .. })));
    assert_eq!(scene.gate.tick(scene.now).unwrap().batch.entries, []);
}

#[test]
fn a_client_that_left_before_its_request_went_upstream_is_paid_back() {
    let (mut scene, attempt) = committing();
    scene.gate.gone(2);
    assert_eq!(scene.answer(vec![Answer::Accepted { channel: open(20) }]), []);
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);

    let (mut scene, attempt) = committing();
    scene.gate.gone(2);
    assert_eq!(scene.fail(TIMED_OUT).0, []);
    assert_eq!(scene.call(), [Entry::TakeBack(attempt)]);
}

#[test]
fn a_failed_upstream_gives_the_payment_back_before_its_error_goes_out() {
    for status in [500, 503, 504] {
        let mut scene = Scene::served(20);
        assert_eq!(scene.response(2, status), Step::Hold);
        assert!(matches!(scene.call()[..], [Entry::TakeBack(_)]));
        let steps = scene.answer(vec![Answer::TakenBack { channel: open(10) }]);
        let Step::Refund(headers) = only(steps, 2) else { panic!() };
        assert_eq!(value(&headers, "RDN-Sender-Balance"), "10");
        assert_eq!(value(&headers, "RDN-Price"), "10");
        // The same proof is good again, by what is remembered now.
        assert_eq!(scene.pay(3, 20), Step::Hold);
        assert!(matches!(scene.call()[..], [Entry::Commit(_)]));
    }
}

#[test]
fn a_failed_resource_whose_payment_is_final_becomes_a_credit_and_its_error_says_so() {
    let mut scene = Scene::served(20);
    assert_eq!(scene.response(2, 503), Step::Hold);
    scene.call();
    let (status, code, headers) =
        replied(only(scene.answer(vec![Answer::Credited { channel: open(30) }]), 2));
    assert_eq!((status, code.as_str()), (503, "credited"));
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "30");
}

#[test]
fn a_payment_that_may_not_be_taken_back_any_more_is_charged_with_the_error() {
    let mut scene = Scene::served(20);
    assert_eq!(scene.response(2, 503), Step::Hold);
    scene.call();
    let steps = scene.answer(vec![Answer::Final { channel: open(20) }]);
    let Step::Release(headers) = only(steps, 2) else { panic!() };
    assert_eq!(value(&headers, "RDN-Sender-Balance"), "20");
    assert_eq!(value(&headers, "RDN-Cost"), "10");
}

#[test]
fn an_error_whose_take_back_got_no_answer_goes_out_without_a_word_on_the_payment() {
    let mut scene = Scene::served(20);
    assert_eq!(scene.response(2, 503), Step::Hold);
    let [Entry::TakeBack(attempt)] = scene.call()[..] else { panic!() };
    let (steps, _) = scene.fail(TIMED_OUT);
    assert_eq!(only(steps, 2), Step::Release(vec![]));
    assert_eq!(scene.gate.tick(scene.now).unwrap().batch.entries, [Entry::TakeBack(attempt)]);
}

#[test]
fn a_stream_that_envoy_answered_itself_is_left_alone_and_its_payment_undone() {
    let (mut scene, _) = committing();
    // Envoy's idle timeout: a 504 of its own passes while the commit is under way.
    assert_eq!(scene.response(2, 504), Step::Release(vec![]));
    assert_eq!(scene.answer(vec![Answer::Accepted { channel: open(20) }]), []);
    assert!(matches!(scene.call()[..], [Entry::TakeBack(_)]));

    let (mut scene, _) = committing();
    let _ = scene.fail(TIMED_OUT);
    assert_eq!(scene.response(2, 504), Step::Release(vec![]));
    scene.call();
    assert_eq!(scene.answer(vec![Answer::TakenBack { channel: open(10) }]), [], "no second answer");
}

#[test]
fn an_attempt_that_was_cancelled_before_its_commit_arrived_is_a_502() {
    let (mut scene, _) = committing();
    let (status, code, _) = replied(only(scene.answer(vec![Answer::TakenBack { channel: open(10) }]), 2));
    assert_eq!((status, code.as_str()), (502, "taken-back"));
}

#[test]
fn nonsense_from_the_sidecar_is_a_failed_call() {
    let good = serde_json::to_string(&response(Health::Ready, vec![])).unwrap();
    let cut = &good[..good.len() - 1];
    for (status, body) in [(200, ""), (200, "[]"), (200, cut), (400, "[2]"), (500, "oops"), (409, &good)] {
        let (mut scene, attempt) = committing();
        let (steps, notices) = scene.fail(CallOutcome::Response { status, body: body.as_bytes() });
        assert_eq!(steps, [], "{status} {body}");
        assert!(matches!(notices[..], [Notice::CallFailed { .. }]), "{status} {body}: {notices:?}");
        assert_eq!(scene.call(), [Entry::TakeBack(attempt)], "{status} {body}");
    }
}
