//! Where a stream stands.

use std::rc::Rc;

use super::routes::Label;
use super::strangers::Source;
use super::{Gate, Headers, Moment, Step, StreamId, announcement};
use crate::Price;
use crate::answer::Problem;
use crate::decide::Payment;
use crate::form::Form;
use crate::mark::RequestLine;
use crate::offer::{HeaderError, Offer};
use crate::request::Request;
use crate::route::Surroundings;
use crate::trace::TraceContext;
use crate::wire::Attempt;

/// Where a stream that has a price stands. A stream without one is not kept.
pub(super) enum Stage {
    /// Its request is held until its price is known.
    Pricing(Box<Unpriced>),
    /// Its request is held until the channel's state is known.
    Looking(Case),
    /// Its request is held until the payment is durable.
    Committing { case: Case, payment: Payment },
    /// It is at the upstream while its payment is made durable; its response is held if it came already.
    Overlapping { case: Case, payment: Payment, shown: Option<Shown> },
    /// The outcome of its commit is unknown: it is held until the payment is taken back.
    Doubtful { caller: Caller, payment: Payment, place: Place },
    /// It is paid and at the upstream.
    Served { caller: Caller, payment: Payment, attempt: Attempt },
    /// A browser's question whether it may send the real request; it is free.
    Preflight,
    /// The upstream failed; its response is held until the payment is taken back.
    Returning { caller: Caller, payment: Payment, shown: Shown },
    /// It was answered.
    Ended,
}

impl Stage {
    /// Who has no outcome yet.
    pub(super) fn caller(&self) -> Option<Caller> {
        match self {
            Self::Pricing(unpriced) => Some(unpriced.caller),
            Self::Looking(case) | Self::Committing { case, .. } | Self::Overlapping { case, .. } => {
                Some(case.caller)
            }
            Self::Doubtful { caller, .. } | Self::Served { caller, .. } | Self::Returning { caller, .. } => {
                Some(*caller)
            }
            Self::Preflight | Self::Ended => None,
        }
    }
}

/// What an answer to a request, and the count of it, depends on.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    /// How it wants to be told.
    pub(super) form: Form,
    /// Where its price comes from.
    pub(super) label: Label,
    /// When its request came.
    pub(super) since: Moment,
}

/// A response that came, and is held.
pub(super) struct Shown {
    pub(super) status: u16,
    /// What it is released with if its payment stays.
    pub(super) headers: Headers,
}

/// What of a stream Envoy holds for us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its request.
    Request,
    /// Nothing: the request is at the upstream.
    Upstream,
    /// Its response.
    Response,
}

/// A request, read, whose price may not be known yet.
pub(super) struct Unpriced {
    pub(super) offer: Result<Offer, HeaderError>,
    pub(super) caller: Caller,
    /// What its admission mark covers, where marks are made.
    pub(super) line: Option<RequestLine>,
    /// The trace that it belongs to, where it pays and the trace is recorded.
    pub(super) trace: Option<Rc<TraceContext>>,
    /// Where it comes from; any place where its channel is known.
    pub(super) source: Source,
    /// Whether it may go upstream before its payment is durable.
    pub(super) overlaps: bool,
}

impl Unpriced {
    /// The same with its price, unless its payment cannot be read.
    pub(super) fn case(self, price: Price) -> Result<Case, (Caller, HeaderError)> {
        let Self { offer, caller, line, trace, source, overlaps } = self;
        let offer = offer.map_err(|error| (caller, error))?;
        Ok(Case { offer, price, caller, line, trace, source, overlaps, signed: None })
    }
}

/// A priced request, read.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) offer: Offer,
    pub(super) price: Price,
    pub(super) caller: Caller,
    pub(super) line: Option<RequestLine>,
    pub(super) trace: Option<Rc<TraceContext>>,
    pub(super) source: Source,
    pub(super) overlaps: bool,
    /// Whether the sender signed the proof; `None` until that was looked at.
    pub(super) signed: Option<bool>,
}

impl Gate {
    /// Reads all that is needed of a request, since its headers cannot be read later.
    pub(super) fn read(&self, request: Request<'_>, caller: Caller, around: &impl Surroundings) -> Unpriced {
        let offer = Offer::read(request);
        let proof = offer.as_ref().ok().and_then(|offer| offer.proof);
        let stranger = proof.is_some_and(|proof| self.memory.get(&proof.channel()).is_none());
        let source = if stranger { around.source() } else { None };
        let source = source.map(|address| Source::of(&address)).unwrap_or_default();
        let trace = proof.and_then(|_| TraceContext::sampled(request)).map(Rc::new);
        let line = self.config.mark.is_some().then(|| RequestLine::of(request));
        let overlaps = self.config.overlap.allows(request)
            && proof.is_some_and(|proof| {
                // Another worker may have sent a request upstream for this very proof.
                let channel = proof.channel();
                let bytes = around.announced(announcement::slot(&channel));
                let announced = bytes.and_then(|bytes| announcement::balance(&bytes, &channel));
                announced.is_none_or(|announced| proof.balance > announced)
            });
        Unpriced { offer, caller, line, trace, source, overlaps }
    }

    /// Judges a request whose price is known.
    pub(super) fn priced(&mut self, stream: StreamId, unpriced: Unpriced, price: Price, now: Moment) -> Step {
        match unpriced.case(price) {
            Ok(case) => self.judge(stream, case, None, now),
            Err((caller, error)) => self.refuse(stream, caller, &Problem::Malformed(error)),
        }
    }
}
