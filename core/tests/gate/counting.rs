//! What is told to whoever counts: each request has one outcome, and money is counted as it moves.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use uraiden_core::gate::{CallEnd, CallOutcome, Event, Observer, Step};
use uraiden_core::wire::Answer;

use crate::scene::{Scene, only, open, replied};

/// Everything that was told, in a few words each.
#[derive(Clone, Default)]
pub(crate) struct Told(Rc<RefCell<Vec<String>>>);

impl Observer for Told {
    fn saw(&self, event: Event<'_>) {
        let words = match event {
            Event::Outcome { route, outcome } => format!("{} {outcome}", route.name),
            Event::Foreseen { route, outcome } => format!("{} would be {outcome}", route.name),
            Event::Charged { route, units } => format!("{} +{units}", route.name),
            Event::Refunded { route, units } => format!("{} -{units}", route.name),
            Event::Durable { after } => format!("durable after {after:?}"),
            Event::UnknownOutcome => "unknown".to_owned(),
            Event::TakeBack(step) => format!("take-back {step:?}"),
            // Every scene has these; one test looks at them.
            Event::Called { .. } => return,
        };
        self.0.borrow_mut().push(words);
    }
}

impl Told {
    pub(crate) fn by(scene: &mut Scene) -> Self {
        let told = Self::default();
        scene.gate.observe(Box::new(told.clone()));
        told
    }

    /// Takes what was told since the last time.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.take()
    }

    /// What was told since the last time.
    #[track_caller]
    pub(crate) fn expect(&self, expected: &[&str]) {
        assert_eq!(self.all(), expected);
    }
}

#[test]
fn what_is_free_and_what_is_refused_has_its_outcome_at_once() {
    let mut scene = Scene::ready();
    let told = Told::by(&mut scene);
    assert!(matches!(scene.get(2, "/free", &[]), Step::Forward(_)));
    told.expect(&["default free"]);
    assert_eq!(replied(scene.get(3, "/paid", &[])).1, "payment-required");
    told.expect(&["rule-0 payment-required"]);
    assert_eq!(replied(scene.get(4, "//paid", &[])).1, "ambiguous-path");
    told.expect(&["none ambiguous-path"]);
    // Nothing more is told when such a stream ends.
    let _ = scene.released(3, 402);
    (2..5).for_each(|stream| scene.gate.gone(stream));
    told.expect(&[]);
}

#[test]
fn a_payment_is_charged_when_it_is_durable_and_paid_when_its_response_goes_out() {
    let mut scene = Scene::with_channel(10);
    let told = Told::by(&mut scene);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    scene.call();
    scene.now += Duration::from_millis(3);
    let _ = only(scene.answer(vec![Answer::Accepted { channel: open(20) }]), 2);
    told.expect(&["rule-0 +10", "durable after 3ms"]);
    let _ = scene.released(2, 200);
    told.expect(&["rule-0 paid"]);
    scene.gate.gone(2);
    told.expect(&[]);
}

#[test]
fn a_payment_that_is_taken_back_is_given_back_in_the_figures_too() {
    let mut scene = Scene::served(20);
    let told = Told::by(&mut scene);
    assert_eq!(scene.response(2, 503), Step::Hold);
    told.expect(&["take-back Asked"]);
    scene.call();
    let step = only(scene.answer(vec![Answer::TakenBack { channel: open(10) }]), 2);
    assert!(matches!(step, Step::Refund(_)));
    told.expect(&["take-back Done", "rule-0 -10", "rule-0 taken-back"]);
}

#[test]
fn a_payment_that_stays_is_a_paid_one() {
    let mut scene = Scene::served(20);
    let told = Told::by(&mut scene);
    assert_eq!(scene.response(2, 503), Step::Hold);
    scene.call();
    let _ = only(scene.answer(vec![Answer::Final { channel: open(20) }]), 2);
    told.expect(&["take-back Asked", "take-back Kept", "rule-0 paid"]);
}

#[test]
fn whoever_leaves_while_being_served_has_paid_and_before_that_has_not() {
    let mut scene = Scene::served(20);
    let told = Told::by(&mut scene);
    scene.gate.gone(2);
    told.expect(&["rule-0 paid"]);
    assert_eq!(scene.pay(3, 30), Step::Hold);
    scene.call();
    scene.gate.gone(3);
    told.expect(&["rule-0 abandoned"]);
    // Its payment counted for a moment.
    assert!(scene.answer(vec![Answer::Accepted { channel: open(30) }]).is_empty());
    told.expect(&["rule-0 +10", "take-back Asked"]);
    scene.call();
    assert!(scene.answer(vec![Answer::TakenBack { channel: open(20) }]).is_empty());
    told.expect(&["take-back Done", "rule-0 -10"]);
}

#[test]
fn an_unknown_outcome_is_counted_and_what_was_never_charged_is_not_given_back() {
    let mut scene = Scene::with_channel(10);
    let told = Told::by(&mut scene);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    scene.call();
    assert!(scene.fail(CallOutcome::NotSent).0.is_empty());
    told.expect(&["unknown", "take-back Asked"]);
    scene.call();
    assert_eq!(replied(only(scene.fail(CallOutcome::NotSent).0, 2)).1, "unknown-outcome");
    told.expect(&["rule-0 unknown-outcome", "take-back Repeated"]);
    assert!(scene.gate.tick(scene.now).is_some());
    assert!(scene.answer(vec![Answer::TakenBack { channel: open(10) }]).is_empty());
    told.expect(&["take-back Done"]);
}

#[test]
fn a_take_back_that_failed_for_five_minutes_is_given_up() {
    let mut scene = Scene::served(20);
    assert_eq!(scene.response(2, 503), Step::Hold);
    scene.call();
    let told = Told::by(&mut scene);
    scene.now += Duration::from_secs(301);
    let _ = only(scene.fail(CallOutcome::NotSent).0, 2);
    told.expect(&["rule-0 unknown-outcome", "take-back GivenUp"]);
}

#[test]
fn a_response_that_envoy_gave_in_our_place_abandons_the_request() {
    let mut scene = Scene::with_channel(10);
    let told = Told::by(&mut scene);
    assert_eq!(scene.pay(2, 20), Step::Hold);
    let _ = scene.released(2, 504);
    scene.gate.gone(2);
    told.expect(&["rule-0 abandoned"]);
}

#[test]
fn calls_are_counted_with_what_they_ask_and_how_long_they_take() {
    /// Calls only.
    #[derive(Clone, Default)]
    struct Calls(Rc<RefCell<Vec<(CallEnd, usize, Duration)>>>);
    impl Observer for Calls {
        fn saw(&self, event: Event<'_>) {
            if let Event::Called { end, entries, took } = event {
                self.0.borrow_mut().push((end, entries, took));
            }
        }
    }
    let mut scene = Scene::with_channel(10);
    let calls = Calls::default();
    scene.gate.observe(Box::new(calls.clone()));
    assert_eq!(scene.pay(2, 20), Step::Hold);
    scene.call();
    scene.now += Duration::from_millis(2);
    let _ = scene.answer(vec![Answer::Accepted { channel: open(20) }]);
    assert!(scene.gate.tick(scene.now).is_some());
    let _ = scene.fail(CallOutcome::NotSent);
    assert!(scene.gate.tick(scene.now).is_some());
    let _ = scene.fail(CallOutcome::Response { status: 500, body: b"" });
    let expected = [
        (CallEnd::Answered, 1, Duration::from_millis(2)),
        (CallEnd::NotSent, 0, Duration::ZERO),
        (CallEnd::Failed, 0, Duration::ZERO),
    ];
    assert_eq!(*calls.0.borrow(), expected);
}
