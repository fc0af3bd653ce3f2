//! The traces of requests go along with what is asked for them.

use uraiden_core::gate::Step;
use uraiden_core::wire::{Answer, Entry, EntryTrace, MAX_TRACED};

use crate::scene::{Scene, open};

fn parent(trace: usize) -> String {
    format!("00-{:032x}-00f067aa0ba902b7-01", trace + 1)
}

fn pay(scene: &mut Scene, stream: u32, balance: u64, headers: &[(&str, &str)]) {
    assert_eq!(scene.pay_by(stream, "GET", "/paid", balance, headers), Step::Hold);
}

fn told(traces: &[EntryTrace]) -> Vec<(usize, String)> {
    traces.iter().map(|trace| (trace.entry, trace.context.traceparent.to_string())).collect()
}

#[test]
fn a_lookup_and_a_commit_are_in_the_trace_of_their_request() {
    let mut scene = Scene::ready();
    let header = parent(6);
    pay(&mut scene, 2, 20, &[("traceparent", &header), ("tracestate", "vendor=7")]);
    let [Entry::Lookup(_)] = scene.call()[..] else { panic!("a lookup") };
    assert_eq!(told(&scene.traces), [(0, header.clone())]);
    assert_eq!(scene.traces[0].context.tracestate.as_deref(), Some("vendor=7"));
    assert!(scene.answer(vec![Answer::Channel { channel: open(10) }]).is_empty());
    let [Entry::Commit(_)] = scene.call()[..] else { panic!("a commit") };
    assert_eq!(told(&scene.traces), [(0, header)]);
}

#[test]
fn entries_whose_requests_are_not_recorded_are_not_told() {
    let mut scene = Scene::with_channel(10);
    let (recorded, not) = (parent(1), parent(2).replace("-01", "-00"));
    pay(&mut scene, 2, 20, &[("traceparent", &not)]);
    pay(&mut scene, 3, 20, &[]);
    pay(&mut scene, 4, 20, &[("traceparent", &recorded)]);
    assert_eq!(scene.call().len(), 3);
    assert_eq!(told(&scene.traces), [(2, recorded)]);
}

#[test]
fn only_the_first_few_of_a_call_are_told() {
    let mut scene = Scene::with_channel(10);
    for stream in 0..=MAX_TRACED {
        pay(&mut scene, 10 + u32::try_from(stream).unwrap(), 20, &[("traceparent", &parent(stream))]);
    }
    assert_eq!(scene.call().len(), MAX_TRACED + 1);
    let expected: Vec<_> = (0..MAX_TRACED).map(|trace| (trace, parent(trace))).collect();
    assert_eq!(told(&scene.traces), expected);
}
