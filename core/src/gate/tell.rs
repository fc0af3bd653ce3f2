//! Refusals, and word to whoever counts.

use super::event::{Event, TakeBackStep};
use super::outbox::{Charge, Item};
use super::routes::Label;
use super::stage::{Caller, Case, Stage};
use super::{Gate, Moment, Step, StreamId, deadline};
use crate::answer::{Problem, Unavailable};
use crate::cookie;
use crate::decide::Refusal;
use crate::form::Form;
use crate::wire::Attempt;

impl Gate {
    /// Answers with 402.
    pub(super) fn charge(&mut self, stream: StreamId, case: &Case, refusal: Refusal) -> Step {
        self.streams.insert(stream, Stage::Ended);
        self.outcome(case.caller.label, refusal.code());
        let terms = self.config.terms(case.price);
        let form = case.caller.form;
        let mut reply = Problem::Refused(refusal).reply(Some(&terms), form, self.config.page());
        if case.offer.bad_cookies && matches!(form, Form::Page { .. }) {
            reply.headers.extend(cookie::PAYING.map(|name| ("set-cookie", cookie::expire(name))));
        }
        Step::Reply(reply)
    }

    pub(super) fn unavailable(&mut self, stream: StreamId, caller: Caller, why: Unavailable) -> Step {
        self.refuse(stream, caller, &Problem::Unavailable(why))
    }

    pub(super) fn refuse(&mut self, stream: StreamId, caller: Caller, problem: &Problem) -> Step {
        self.streams.insert(stream, Stage::Ended);
        self.outcome(caller.label, problem.code());
        Step::Reply(problem.reply(None, caller.form, self.config.page()))
    }

    /// Has a payment taken back, for a stream that waits for it or for nobody. `charge` is what was counted of it.
    pub(super) fn take_back(
        &mut self,
        stream: Option<StreamId>,
        attempt: Attempt,
        charge: Option<Charge>,
        now: Moment,
    ) {
        self.saw(Event::TakeBack(TakeBackStep::Asked));
        self.outbox.push(Item::take_back(stream, attempt, deadline(now)).of(charge));
    }

    pub(super) fn outcome(&self, label: Label, outcome: &'static str) {
        self.saw(Event::Outcome { route: self.routes.route(label), outcome });
    }

    pub(super) fn charged(&mut self, charge: Charge) {
        let units = self.charged.take(charge.label, charge.amount);
        self.saw(Event::Charged { route: self.routes.route(charge.label), units });
    }

    pub(super) fn refunded(&mut self, charge: Charge) {
        let units = self.refunded.take(charge.label, charge.amount);
        self.saw(Event::Refunded { route: self.routes.route(charge.label), units });
    }

    pub(super) fn saw(&self, event: Event<'_>) {
        self.observer.saw(event);
    }
}
