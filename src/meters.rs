//! Counts what the gate tells, by Envoy's counters and histograms. docs/observing.md says what each means.
//!
//! Envoy has no labels of its own: they are written into the name, where `stats_tags` of the bootstrap finds them.
//! Counting is one host call, which takes about 0.1 µs.

use std::cell::{Cell, RefCell};

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;
use uraiden_core::SignatureCounts;
use uraiden_core::gate::{CallEnd, Event, Observer, Route, TakeBackStep};
use uraiden_core::map::Map;

use crate::host;

/// What all names begin with.
const PREFIX: &str = "uraiden_filter_";

/// The counters and histograms of this worker. Envoy adds up those of all workers.
pub(crate) struct Meters {
    outcomes: Family,
    foreseen: Family,
    charged: Family,
    refunded: Family,
    durable: Histogram,
    unknown_outcomes: Counter,
    take_backs: [Counter; 6],
    calls: [Counter; 3],
    call_time: Histogram,
    call_entries: Histogram,
}

impl Meters {
    /// Defines everything that has no route in its name, so that it is there, at 0, before it happens.
    pub(crate) fn new() -> Self {
        let take_back = |step| Counter::new("take_backs_total", &[("step", step)]);
        let call = |result| Counter::new("sidecar_calls_total", &[("result", result)]);
        Self {
            outcomes: Family::new("requests_total"),
            foreseen: Family::new("shadow_requests_total"),
            charged: Family::new("charged_units_total"),
            refunded: Family::new("refunded_units_total"),
            durable: Histogram::new("payment_microseconds"),
            unknown_outcomes: Counter::new("unknown_outcomes_total", &[]),
            take_backs: ["asked", "repeated", "given-up", "taken-back", "credited", "kept"].map(take_back),
            calls: ["answered", "failed", "not-sent"].map(call),
            call_time: Histogram::new("sidecar_call_microseconds"),
            call_entries: Histogram::new("sidecar_call_entries"),
        }
    }
}

impl Observer for Meters {
    fn saw(&self, event: Event<'_>) {
        match event {
            Event::Outcome { route, outcome } => self.outcomes.add(route, outcome, 1),
            Event::Foreseen { route, outcome } => self.foreseen.add(route, outcome, 1),
            Event::Charged { route, units } => self.charged.add(route, "", units),
            Event::Refunded { route, units } => self.refunded.add(route, "", units),
            Event::Durable { after } => self.durable.record(after.as_micros()),
            Event::UnknownOutcome => self.unknown_outcomes.add(1),
            Event::TakeBack(step) => {
                let [asked, repeated, given_up, done, credited, kept] = &self.take_backs;
                let counter = match step {
                    TakeBackStep::Asked => asked,
                    TakeBackStep::Repeated => repeated,
                    TakeBackStep::GivenUp => given_up,
                    TakeBackStep::Done => done,
                    TakeBackStep::Credited => credited,
                    TakeBackStep::Kept => kept,
                };
                counter.add(1);
            }
            Event::Called { end, entries, took } => {
                let [answered, failed, not_sent] = &self.calls;
                let counter = match end {
                    CallEnd::Answered => answered,
                    CallEnd::Failed => failed,
                    CallEnd::NotSent => not_sent,
                };
                counter.add(1);
                self.call_time.record(took.as_micros());
                self.call_entries.record(entries as u128);
            }
        }
    }
}

/// What signature checks are counted by: once a second, since the gate keeps their number.
pub(crate) struct SignatureMeters {
    by_table: Counter,
    by_key: Counter,
    first: Counter,
    dropped_tables: Counter,
    forgotten_keys: Counter,
    told: Cell<SignatureCounts>,
}

impl SignatureMeters {
    pub(crate) fn new() -> Self {
        let check = |signer| Counter::new("signature_checks_total", &[("signer", signer)]);
        let eviction = |kind| Counter::new("signer_evictions_total", &[("kind", kind)]);
        Self {
            by_table: check("frequent"),
            by_key: check("known"),
            first: check("new"),
            dropped_tables: eviction("table"),
            forgotten_keys: eviction("key"),
            told: Cell::new(SignatureCounts::default()),
        }
    }

    /// Counts what is new since the last time.
    pub(crate) fn tell(&self, now: SignatureCounts) {
        let before = self.told.replace(now);
        for (counter, now, before) in [
            (&self.by_table, now.by_table, before.by_table),
            (&self.by_key, now.by_key, before.by_key),
            (&self.first, now.first, before.first),
            (&self.dropped_tables, now.dropped_tables, before.dropped_tables),
            (&self.forgotten_keys, now.forgotten_keys, before.forgotten_keys),
        ] {
            if now > before {
                counter.add(now - before);
            }
        }
    }
}

/// A counter for each route, and each outcome on it, made when it is first needed.
struct Family {
    name: &'static str,
    counters: RefCell<Map<(usize, &'static str), Counter>>,
}

impl Family {
    fn new(name: &'static str) -> Self {
        Self { name, counters: RefCell::default() }
    }

    /// `outcome` is empty where it is no label of this family.
    fn add(&self, route: Route<'_>, outcome: &'static str, number: u64) {
        let mut counters = self.counters.borrow_mut();
        let counter = counters.entry((route.number, outcome)).or_insert_with(|| {
            let labels = [("route", route.name), ("outcome", outcome)];
            Counter::new(self.name, &labels[..if outcome.is_empty() { 1 } else { 2 }])
        });
        counter.add(number);
    }
}

/// `None` where Envoy refused it, which was logged.
struct Counter(Option<u32>);

impl Counter {
    fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        Self(define(MetricType::Counter, name, labels))
    }

    fn add(&self, number: u64) {
        if let Some(id) = self.0 {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            host::report("count", hostcalls::increment_metric(id, number));
        }
    }
}

struct Histogram(Option<u32>);

impl Histogram {
    fn new(name: &str) -> Self {
        Self(define(MetricType::Histogram, name, &[]))
    }

    fn record(&self, value: u128) {
        if let Some(id) = self.0 {
            let value = u64::try_from(value).unwrap_or(u64::MAX);
            host::report("record a figure", hostcalls::record_metric(id, value));
        }
    }
}

/// `uraiden_filter_route=.=a;.;outcome=.=paid;.;requests_total` is `requests_total` with two labels.
fn define(kind: MetricType, name: &str, labels: &[(&str, &str)]) -> Option<u32> {
    let labels: String = labels.iter().map(|(label, value)| format!("{label}=.={value};.;")).collect();
    let name = format!("{PREFIX}{labels}{name}");
    host::report("define a metric", hostcalls::define_metric(kind, &name))
}
