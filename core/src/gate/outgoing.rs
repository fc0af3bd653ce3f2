//! What becomes of a stream once something goes out to its client.

use super::event::{ABANDONED, PAID};
use super::outbox::Charge;
use super::stage::{Caller, Place, Shown, Stage};
use super::{Gate, Moment, Step, StreamId};
use crate::decide::Payment;
use crate::response::Response;
use crate::wire::Attempt;

impl Gate {
    /// Whether the response of this stream has to be looked at: not on free routes.
    pub fn watches(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Looks at a response before it goes out, whether from the upstream, from Envoy or our own. Asks for the time only
    /// where that matters, since it is a host call.
    pub fn response(
        &mut self,
        stream: StreamId,
        response: Response<'_>,
        now: impl FnOnce() -> Moment,
    ) -> Step {
        let Some(stage) = self.streams.get_mut(&stream) else { return Step::Release(Vec::new()) };
        let caller = stage.caller();
        match core::mem::replace(stage, Stage::Ended) {
            Stage::Served { caller, payment, attempt } => {
                let shown = self.show(&payment, response);
                self.served(stream, caller, payment, attempt, shown, now)
            }
            Stage::Overlapping { case, payment, shown: None } => {
                let shown = Some(self.show(&payment, response));
                self.streams.insert(stream, Stage::Overlapping { case, payment, shown });
                Step::Hold
            }
            Stage::Doubtful { caller, payment, place: Place::Upstream } => {
                self.streams.insert(stream, Stage::Doubtful { caller, payment, place: Place::Response });
                Step::Hold
            }
            Stage::Preflight => {
                let allowed = response.allowed().map(|value| ("access-control-allow-headers", value));
                Step::Release(allowed.into_iter().collect())
            }
            Stage::Pricing(_)
            | Stage::Looking(_)
            | Stage::Committing { .. }
            | Stage::Overlapping { shown: Some(_), .. }
            | Stage::Doubtful { place: Place::Request | Place::Response, .. } => {
                // Envoy's own answer to a stream that was held for too long.
                self.outbox.forget(stream);
                if let Some(caller) = caller {
                    self.outcome(caller.label, ABANDONED);
                }
                Step::Release(Vec::new())
            }
            Stage::Returning { .. } | Stage::Ended => Step::Release(exposed(response).into_iter().collect()),
        }
    }

    /// Releases a response whose payment is durable, or takes the payment back first.
    pub(super) fn served(
        &mut self,
        stream: StreamId,
        caller: Caller,
        payment: Payment,
        attempt: Attempt,
        shown: Shown,
        now: impl FnOnce() -> Moment,
    ) -> Step {
        if self.config.charge_on.charges(shown.status) {
            self.streams.insert(stream, Stage::Ended);
            self.outcome(caller.label, PAID);
            return Step::Release(shown.headers);
        }
        self.streams.insert(stream, Stage::Returning { caller, payment, shown });
        let charge = Charge { label: caller.label, amount: payment.charged() };
        self.take_back(Some(stream), attempt, Some(charge), now());
        Step::Hold
    }

    /// Keeps what has to be known of a response, since its headers cannot be read later.
    fn show(&self, payment: &Payment, response: Response<'_>) -> Shown {
        let terms = self.config.terms(payment.price()).headers();
        let cached = response.private().map(|value| ("cache-control", value));
        let headers = terms.into_iter().chain(payment.headers()).chain(cached).chain(exposed(response));
        Shown { status: response.status(), headers: headers.collect() }
    }

    /// Forgets a stream. What it asked for and was not sent yet is not sent, unless its request ran already: leaving
    /// must not be a way to have it run for nothing.
    pub fn gone(&mut self, stream: StreamId) {
        let Some(stage) = self.streams.remove(&stream) else { return };
        if let Some(caller) = stage.caller() {
            let stays = matches!(stage, Stage::Served { .. });
            self.outcome(caller.label, if stays { PAID } else { ABANDONED });
        }
        let asks = match &stage {
            Stage::Overlapping { shown: None, .. } => false,
            Stage::Overlapping { shown: Some(shown), .. } => !self.config.charge_on.charges(shown.status),
            Stage::Pricing(_)
            | Stage::Looking(_)
            | Stage::Committing { .. }
            | Stage::Doubtful { .. }
            | Stage::Returning { .. } => true,
            // Whatever was asked for these was answered, and looking through all that waits would be in vain.
            Stage::Served { .. } | Stage::Preflight | Stage::Ended => false,
        };
        if asks {
            self.outbox.forget(stream);
        }
    }
}

fn exposed(response: Response<'_>) -> Option<(&'static str, String)> {
    response.exposed().map(|value| ("access-control-expose-headers", value))
}
