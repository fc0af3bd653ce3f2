//! The gate: what one of Envoy's workers knows and does, as a state machine without Envoy.
//!
//! Events come in (a request, a response, a stream's end, the sidecar's answer), a [`Step`] for each stream that can
//! go on comes out. The gate is told the time and given its randomness, so that it can be tested as it runs.

mod memory;
mod outbox;
mod prices;
mod settle;
mod sidecar;
mod strangers;

use core::time::Duration;
use std::collections::HashMap;

use crate::answer::{Busy, Problem, Reply, Unavailable};
use crate::channel::ChannelState;
use crate::config::{Config, Tariff};
use crate::cookie;
use crate::decide::{Known, Payment, Refusal, Verdict, decide};
use crate::form::Form;
use crate::mark::RequestLine;
use crate::offer::{HeaderError, Offer};
use crate::path::Path;
use crate::request::Request;
use crate::response::Response;
use crate::route::{self, Surroundings};
use crate::wire::{Attempt, AttemptId, BatchRequest, ChannelKey, Entry};
use crate::{ChannelId, Price, header};

use memory::Memory;
use outbox::{Item, Outbox};
pub use prices::Inquiry;
use prices::PriceBook;
use sidecar::Sidecar;
pub use sidecar::{CallOutcome, Notice};
use strangers::Source;

/// Names a stream of this worker.
pub type StreamId = u32;

/// A time, counted from the start of 1970.
pub type Moment = Duration;

/// Header names and the values they are set to.
pub type Headers = Vec<(&'static str, String)>;

/// How long a take-back is repeated before it is given up.
const TAKE_BACK_FOR: Duration = Duration::from_secs(5 * 60);

/// What happens to a stream next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// The request goes on as it is: it is for the sidecar itself.
    Pass,
    /// The request goes upstream without the client's payment, with these headers instead.
    Forward(Admission),
    /// The request, or the response, is held until a later step.
    Hold,
    /// The client gets this answer, and the upstream sees nothing more.
    Reply(Reply),
    /// The response goes out with these headers set.
    Release(Headers),
    /// The same, for a response whose payment was taken back.
    Refund(Headers),
}

/// How a request goes upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// The headers that it goes with.
    pub headers: Headers,
    /// What was paid for it; `None` where it is free.
    pub payment: Option<Payment>,
}

/// What one worker knows.
pub struct Gate {
    config: Config,
    attempts: AttemptIds,
    streams: HashMap<StreamId, Stage>,
    memory: Memory,
    outbox: Outbox,
    prices: PriceBook,
    sidecar: Sidecar,
}

/// Where a stream that has a price stands. A stream without one is not kept.
enum Stage {
    /// Its request is held until its price is known.
    Pricing(Box<Unpriced>),
    /// Its request is held until the channel's state is known.
    Looking(Case),
    /// Its request is held until the payment is durable.
    Committing { case: Case, payment: Payment },
    /// It is paid and at the upstream.
    Served { payment: Payment, attempt: Attempt },
    /// A browser's question whether it may send the real request; it is free.
    Preflight,
    /// The upstream failed; its response is held until the payment is taken back.
    Returning { payment: Payment },
    /// It was answered.
    Ended,
}

/// A request, read, whose price may not be known yet.
struct Unpriced {
    offer: Result<Offer, HeaderError>,
    form: Form,
    /// What its admission mark covers, where marks are made.
    line: Option<RequestLine>,
    /// Where it comes from; any place where its channel is known.
    source: Source,
}

/// A priced request, read.
#[derive(Clone)]
struct Case {
    offer: Offer,
    price: Price,
    form: Form,
    line: Option<RequestLine>,
    source: Source,
}

/// Makes ids that no other worker makes.
struct AttemptIds {
    worker: u64,
    count: u64,
}

impl AttemptIds {
    fn next(&mut self) -> AttemptId {
        self.count = self.count.wrapping_add(1);
        AttemptId(u128::from(self.worker) << 64 | u128::from(self.count))
    }
}

impl Gate {
    /// A gate that knows nothing yet. `random` must differ from that of every other gate of the same sidecar.
    pub fn new(config: Config, random: u64) -> Self {
        Self {
            sidecar: Sidecar::new(config.identity),
            config,
            attempts: AttemptIds { worker: random, count: 0 },
            streams: HashMap::new(),
            memory: Memory::default(),
            outbox: Outbox::default(),
            prices: PriceBook::default(),
        }
    }

    /// The configuration it works by.
    pub fn config(&self) -> &Config {
        &self.config
    }

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
        if request.is_preflight() {
            self.streams.insert(stream, Stage::Preflight);
            return Step::Forward(Admission::default());
        }
        let form = Form::of(request, self.config.paywall_page);
        let by_rule = || path.and_then(|path| self.config.price_of(request, &path));
        let tariff = match route::price(around) {
            Ok(Some(price)) => Tariff::Fixed(price),
            Ok(None) => match by_rule() {
                Ok(tariff) => tariff,
                Err(error) => return self.refuse(stream, form, &Problem::AmbiguousPath(error)),
            },
            Err(error) => return self.unavailable(stream, form, Unavailable::BadRoute(error)),
        };
        let price = match tariff {
            Tariff::Fixed(None) => return Step::Forward(Admission::default()),
            Tariff::Fixed(Some(price)) => Ok(price),
            Tariff::Ask(question) => match self.prices.look_up(&question, now) {
                prices::Entry::Known(None) => return Step::Forward(Admission::default()),
                prices::Entry::Known(Some(price)) => Ok(price),
                prices::Entry::Open => Err(question),
                prices::Entry::Unknown => {
                    return self.refuse(stream, form, &Problem::Busy(Busy::PriceService));
                }
            },
        };
        if let Err(unavailable) = self.sidecar.available(now) {
            return self.unavailable(stream, form, unavailable);
        }
        let unpriced = self.read(request, form, around);
        match price {
            Ok(price) => self.priced(stream, unpriced, price),
            Err(question) => {
                if !self.prices.wait(question, stream) {
                    return self.refuse(stream, form, &Problem::Busy(Busy::PriceService));
                }
                self.streams.insert(stream, Stage::Pricing(Box::new(unpriced)));
                Step::Hold
            }
        }
    }

    /// Reads all that is needed of a request, since its headers cannot be read later.
    fn read(&self, request: Request<'_>, form: Form, around: &impl Surroundings) -> Unpriced {
        let offer = Offer::read(request);
        let proof = offer.as_ref().ok().and_then(|offer| offer.proof);
        let stranger = proof.is_some_and(|proof| self.memory.get(&proof.channel()).is_none());
        let source = if stranger { around.source() } else { None };
        let source = source.map(|address| Source::of(&address)).unwrap_or_default();
        let line = self.config.mark.is_some().then(|| RequestLine::of(request));
        Unpriced { offer, form, line, source }
    }

    /// Judges a request whose price is known.
    fn priced(&mut self, stream: StreamId, unpriced: Unpriced, price: Price) -> Step {
        let Unpriced { offer, form, line, source } = unpriced;
        match offer {
            Ok(offer) => self.judge(stream, Case { offer, price, form, line, source }, None),
            Err(error) => self.refuse(stream, form, &Problem::Malformed(error)),
        }
    }

    /// Whether the response of this stream has to be looked at: not on free routes.
    pub fn watches(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Looks at a response before it goes out, whether from the upstream, from Envoy or our own.
    pub fn response(&mut self, stream: StreamId, response: Response<'_>, now: Moment) -> Step {
        let Some(stage) = self.streams.get_mut(&stream) else { return Step::Release(Vec::new()) };
        let exposed = response.exposed().map(|value| ("access-control-expose-headers", value));
        match core::mem::replace(stage, Stage::Ended) {
            Stage::Served { payment, attempt } if !self.config.charge_on.charges(response.status()) => {
                self.streams.insert(stream, Stage::Returning { payment });
                self.outbox.push(Item::take_back(Some(stream), attempt, deadline(now)));
                Step::Hold
            }
            Stage::Served { payment, .. } => {
                let mut headers = self.config.terms(payment.price()).headers();
                headers.extend(payment.headers());
                headers.extend(response.private().map(|value| ("cache-control", value)));
                headers.extend(exposed);
                Step::Release(headers)
            }
            Stage::Preflight => {
                let allowed = response.allowed().map(|value| ("access-control-allow-headers", value));
                Step::Release(allowed.into_iter().collect())
            }
            Stage::Pricing(_) | Stage::Looking(_) | Stage::Committing { .. } => {
                // Envoy's own answer to a stream that was held for too long.
                self.outbox.forget(stream);
                Step::Release(Vec::new())
            }
            Stage::Returning { .. } | Stage::Ended => Step::Release(exposed.into_iter().collect()),
        }
    }

    /// Forgets a stream. What it asked for and was not sent yet is not sent.
    pub fn gone(&mut self, stream: StreamId) {
        if self.streams.remove(&stream).is_some() {
            self.outbox.forget(stream);
        }
    }

    /// Whether a call is worth making now.
    pub fn has_work(&self, now: Moment) -> bool {
        self.outbox.has_work(now) || self.prices.has_questions()
    }

    /// Everything that gathered while the last call was under way, as the next call; `None` while one is under way
    /// or nothing is to be asked.
    pub fn next_call(&mut self, now: Moment) -> Option<BatchRequest> {
        if self.outbox.has_work(now) { self.call(now) } else { None }
    }

    /// The next call to a price service, if one has to be made.
    pub fn next_inquiry(&mut self) -> Option<Inquiry> {
        self.prices.next()
    }

    /// Once a second: a call that asks for the sidecar's health, and again for take-backs that failed.
    pub fn tick(&mut self, now: Moment) -> Option<BatchRequest> {
        self.outbox.retry();
        self.call(now)
    }

    fn call(&mut self, now: Moment) -> Option<BatchRequest> {
        let entries = self.outbox.send(now)?;
        Some(self.sidecar.request(entries))
    }

    /// Judges a case by a fresh state, or by what is remembered.
    fn judge(&mut self, stream: StreamId, case: Case, fresh: Option<&ChannelState>) -> Step {
        let known = match (fresh, &case.offer.proof) {
            (Some(state), _) => Known::Fresh(state),
            (None, Some(proof)) => self.memory.get(&proof.channel()).map_or(Known::Unread, Known::Remembered),
            (None, None) => Known::Unread,
        };
        match decide(&case.offer, known, &self.config.asked(case.price)) {
            Verdict::Charge(refusal) => self.charge(stream, &case, refusal),
            Verdict::Fetch(channel) => self.look_up(stream, case, key(&channel)),
            Verdict::Accept(payment) => {
                let proof = payment.proof();
                let attempt = Attempt {
                    id: self.attempts.next(),
                    channel: key(&proof.channel),
                    price: case.price.amount(),
                    balance: proof.balance,
                    signature: proof.signature,
                };
                let form = case.form;
                self.ask(stream, form, Stage::Committing { case, payment }, Entry::Commit(attempt))
            }
        }
    }

    fn look_up(&mut self, stream: StreamId, case: Case, channel: ChannelKey) -> Step {
        let (form, source) = (case.form, case.source);
        let question = Entry::Lookup(channel);
        if self.memory.get(&channel).is_some() {
            return self.ask(stream, form, Stage::Looking(case), question);
        }
        if !self.outbox.push_stranger(source, Item::question(stream, question)) {
            return self.refuse(stream, form, &Problem::Busy(Busy::UnknownChannels));
        }
        self.streams.insert(stream, Stage::Looking(case));
        Step::Hold
    }

    fn ask(&mut self, stream: StreamId, form: Form, stage: Stage, entry: Entry) -> Step {
        if self.outbox.is_full() {
            return self.refuse(stream, form, &Problem::Busy(Busy::Queue));
        }
        self.streams.insert(stream, stage);
        self.outbox.push(Item::question(stream, entry));
        Step::Hold
    }

    fn charge(&mut self, stream: StreamId, case: &Case, refusal: Refusal) -> Step {
        self.streams.insert(stream, Stage::Ended);
        let mut reply = Problem::Refused(refusal).reply(Some(&self.config.terms(case.price)), case.form);
        if case.offer.bad_cookies && matches!(case.form, Form::Page { .. }) {
            reply.headers.extend(cookie::PAYING.map(|name| ("set-cookie", cookie::expire(name))));
        }
        Step::Reply(reply)
    }

    fn unavailable(&mut self, stream: StreamId, form: Form, why: Unavailable) -> Step {
        self.refuse(stream, form, &Problem::Unavailable(why))
    }

    fn refuse(&mut self, stream: StreamId, form: Form, problem: &Problem) -> Step {
        self.streams.insert(stream, Stage::Ended);
        Step::Reply(problem.reply(None, form))
    }
}

fn deadline(now: Moment) -> Moment {
    now.saturating_add(TAKE_BACK_FOR)
}

fn key(channel: &ChannelId) -> ChannelKey {
    ChannelKey { sender: channel.sender, open_block: channel.open_block }
}

/// What the upstream is told of a payment that is durable.
fn upstream_headers(payment: &Payment) -> Headers {
    let channel = payment.proof().channel;
    vec![
        (header::UPSTREAM_SENDER, channel.sender.to_string()),
        (header::UPSTREAM_AMOUNT, payment.price().to_string()),
        (header::UPSTREAM_CHANNEL, channel.open_block.to_string()),
        (header::UPSTREAM_PAYMENT, "durable".to_owned()),
    ]
}
