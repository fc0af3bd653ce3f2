//! What a request meets first: its price.

use super::event::FREE;
use super::routes::{Label, Routes};
use super::stage::{Caller, Stage};
use super::{Admission, Gate, Moment, Step, StreamId, prices};
use crate::answer::{Busy, Problem, Unavailable};
use crate::config::{Mode, Tariff};
use crate::form::Form;
use crate::path::{Path, PathError};
use crate::request::Request;
use crate::route::{self, Surroundings};

impl Gate {
    /// Judges a request.
    pub fn request(
        &mut self,
        stream: StreamId,
        request: Request<'_>,
        around: &impl Surroundings,
        now: Moment,
    ) -> Step {
        let path = Path::read(request.target());
        if path.as_ref().is_ok_and(|path| self.config.is_gateway_path(path)) {
            let public = self.config.sidecar.public_cluster.as_bytes();
            if around.cluster().as_deref() == Some(public) {
                return Step::Pass;
            }
        }
        if self.config.mode == Mode::Shadow {
            return self.watch(request, path, around, now);
        }
        if request.is_preflight() {
            self.streams.insert(stream, Stage::Preflight);
            return self.free(Label::NONE);
        }
        let (label, tariff) = self.quote(request, path, around);
        let caller = Caller { form: Form::of(request, self.config.paywall_page), label, since: now };
        let price = match tariff {
            Err(problem) => return self.refuse(stream, caller, &problem),
            Ok(Tariff::Fixed(None)) => return self.free(label),
            Ok(Tariff::Fixed(Some(price))) => Ok(price),
            Ok(Tariff::Ask(question)) => match self.prices.look_up(&question, now) {
                prices::Entry::Known(None) => return self.free(label),
                prices::Entry::Known(Some(price)) => Ok(price),
                prices::Entry::Open => Err(question),
                prices::Entry::Unknown => {
                    return self.refuse(stream, caller, &Problem::Busy(Busy::PriceService));
                }
            },
        };
        if let Err(unavailable) = self.sidecar.available(now) {
            return self.unavailable(stream, caller, unavailable);
        }
        let unpriced = self.read(request, caller, around);
        match price {
            Ok(price) => self.priced(stream, unpriced, price, now),
            Err(question) => {
                if !self.prices.wait(question, stream) {
                    return self.refuse(stream, caller, &Problem::Busy(Busy::PriceService));
                }
                self.streams.insert(stream, Stage::Pricing(Box::new(unpriced)));
                Step::Hold
            }
        }
    }

    /// What a request costs, and under which label it is counted.
    pub(super) fn quote(
        &mut self,
        request: Request<'_>,
        path: Result<Path, PathError>,
        around: &impl Surroundings,
    ) -> (Label, Result<Tariff, Problem>) {
        match route::price(around) {
            Ok(Some(found)) => (self.routes.on_route(found.name()), Ok(Tariff::Fixed(found.price))),
            Ok(None) => match path.and_then(|path| self.config.price_of(request, &path)) {
                Ok(quote) => (Routes::of_rule(quote.rule), Ok(quote.tariff)),
                Err(error) => (Label::NONE, Err(Problem::AmbiguousPath(error))),
            },
            Err(error) => (Label::ROUTE, Err(Problem::Unavailable(Unavailable::BadRoute(error)))),
        }
    }

    /// Lets a request go on that costs nothing.
    pub(super) fn free(&self, label: Label) -> Step {
        self.outcome(label, FREE);
        Step::Forward(Admission::default())
    }
}
