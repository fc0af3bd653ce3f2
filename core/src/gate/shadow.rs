//! Shadow mode: every request goes on as it is, and what would have become of it is counted.
//!
//! The sidecar is asked for a channel's state at most, and no request waits for the answer.

use std::collections::HashMap;

use super::event::{Event, FREE, PAID, SHADOW};
use super::outbox::Item;
use super::routes::Label;
use super::stage::{Caller, Case};
use super::{Gate, Moment, Step, key, prices};
use crate::amount::Price;
use crate::answer::{Busy, Problem, Unavailable};
use crate::channel::ChannelState;
use crate::config::Tariff;
use crate::decide::Verdict;
use crate::form::Form;
use crate::path::{Path, PathError};
use crate::request::Request;
use crate::route::Surroundings;
use crate::wire::{ChannelKey, Entry};

/// How many requests may wait to be judged.
const MOST_WAITING: usize = 1024;

/// What waits for the state of its channel, though its request went on long ago.
#[derive(Default)]
pub(super) struct Watched {
    cases: HashMap<ChannelKey, Vec<Case>>,
    waiting: usize,
}

impl Watched {
    fn is_full(&self) -> bool {
        self.waiting >= MOST_WAITING
    }

    fn asks_for(&self, channel: &ChannelKey) -> bool {
        self.cases.contains_key(channel)
    }

    fn push(&mut self, channel: ChannelKey, case: Case) {
        self.waiting = self.waiting.saturating_add(1);
        self.cases.entry(channel).or_default().push(case);
    }

    fn take(&mut self, channel: &ChannelKey) -> Vec<Case> {
        let cases = self.cases.remove(channel).unwrap_or_default();
        self.waiting = self.waiting.saturating_sub(cases.len());
        cases
    }
}

impl Gate {
    /// Lets a request go on, whatever it is.
    pub(super) fn watch(
        &mut self,
        request: Request<'_>,
        path: Result<Path, PathError>,
        around: &impl Surroundings,
        now: Moment,
    ) -> Step {
        if request.is_preflight() {
            self.outcome(Label::NONE, FREE);
            return Step::Pass;
        }
        let (label, tariff) = self.quote(request, path, around);
        let price = match tariff {
            Err(problem) => Err(problem),
            Ok(Tariff::Fixed(price)) => Ok(price),
            Ok(Tariff::Ask(question)) => match self.prices.look_up(&question, now) {
                prices::Entry::Known(price) => Ok(price),
                prices::Entry::Open => {
                    // For the next request: this one does not wait.
                    self.prices.ask(question);
                    Err(Problem::Busy(Busy::PriceService))
                }
                prices::Entry::Unknown => Err(Problem::Busy(Busy::PriceService)),
            },
        };
        match price {
            Ok(None) => self.outcome(label, FREE),
            Ok(Some(price)) => {
                self.outcome(label, SHADOW);
                self.judge_shadow(request, label, price, around, now);
            }
            Err(problem) => {
                self.outcome(label, SHADOW);
                self.foresee(label, problem.code());
            }
        }
        Step::Pass
    }

    fn judge_shadow(
        &mut self,
        request: Request<'_>,
        label: Label,
        price: Price,
        around: &impl Surroundings,
        now: Moment,
    ) {
        if let Err(unavailable) = self.sidecar.available(now) {
            return self.foresee(label, Problem::Unavailable(unavailable).code());
        }
        let caller = Caller { form: Form::Document, label, since: now };
        let unpriced = self.read(request, caller, around);
        let mut case = match unpriced.case(price) {
            Ok(case) => case,
            Err((_, error)) => return self.foresee(label, Problem::Malformed(error).code()),
        };
        match self.verdict(&mut case, None) {
            Verdict::Fetch(channel) => self.fetch_shadow(case, key(&channel)),
            verdict @ (Verdict::Accept(_) | Verdict::Charge(_) | Verdict::Wait) => {
                self.foresee_verdict(label, &verdict);
            }
        }
    }

    /// Asks for a channel's state, once for all that wait for it.
    fn fetch_shadow(&mut self, case: Case, channel: ChannelKey) {
        let label = case.caller.label;
        if self.watched.is_full() {
            return self.foresee(label, Problem::Busy(Busy::Queue).code());
        }
        if !self.watched.asks_for(&channel) {
            let question = Item::unasked(Entry::Lookup(channel));
            if self.memory.get(&channel).is_some() {
                self.outbox.push(question);
            } else if !self.outbox.push_stranger(case.source, question) {
                return self.foresee(label, Problem::Busy(Busy::UnknownChannels).code());
            }
        }
        self.watched.push(channel, case);
    }

    /// Judges what waited for this channel; `None` where its state is not to be had.
    pub(super) fn judge_watched(&mut self, channel: &ChannelKey, state: Option<&ChannelState>) {
        for mut case in self.watched.take(channel) {
            let label = case.caller.label;
            match state {
                Some(state) => {
                    let verdict = self.verdict(&mut case, Some(state));
                    self.foresee_verdict(label, &verdict);
                }
                None => self.foresee(label, Problem::Unavailable(Unavailable::Sidecar).code()),
            }
        }
    }

    fn foresee_verdict(&self, label: Label, verdict: &Verdict) {
        let outcome = match verdict {
            Verdict::Accept(_) => PAID,
            Verdict::Charge(refusal) => refusal.code(),
            Verdict::Wait => Problem::Busy(Busy::ExposureLimit).code(),
            // A fresh state is always enough to judge by.
            Verdict::Fetch(_) => return,
        };
        self.foresee(label, outcome);
    }

    fn foresee(&self, label: Label, outcome: &'static str) {
        self.saw(Event::Foreseen { route: self.routes.route(label), outcome });
    }
}
