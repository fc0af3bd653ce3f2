//! The gate: what one of Envoy's workers knows and does, as a state machine without Envoy.
//!
//! Events come in (a request, a response, a stream's end, the sidecar's answer), a [`Step`] for each stream that can
//! go on comes out. The gate is told the time and given its randomness, so that it can be tested as it runs.

mod announcement;
mod arrival;
mod event;
mod failure;
mod memory;
mod outbox;
mod outgoing;
mod prices;
mod routes;
mod settle;
mod shadow;
mod sidecar;
mod stage;
mod strangers;
mod takings;
mod tell;

use core::time::Duration;

use crate::answer::{Busy, Problem, Reply};
use crate::channel::ChannelState;
use crate::config::Config;
use crate::curve::{SharedKeys, SignatureCounts, Signers};
use crate::decide::{Known, Payment, Verdict, decide};
use crate::map::Map;
use crate::wire::{Attempt, AttemptId, BatchRequest, ChannelKey, Entry, TAKE_BACK_FOR};
use crate::{BalanceProof, ChannelId, header};

pub use announcement::Announcement;
pub use event::{ABANDONED, CallEnd, Event, FREE, Observer, PAID, Route, SHADOW, TAKEN_BACK, TakeBackStep};
use memory::Memory;
use outbox::{Charge, Item, Outbox, Sending};
pub use prices::Inquiry;
use prices::PriceBook;
use routes::Routes;
pub(crate) use routes::is_label;
use shadow::Watched;
use sidecar::Sidecar;
pub use sidecar::{CallOutcome, Notice};
use stage::{Case, Stage};
use takings::Takings;

/// Names a stream of this worker.
pub type StreamId = u32;

/// A time, counted from the start of 1970.
pub type Moment = Duration;

/// Header names and the values they are set to.
pub type Headers = Vec<(&'static str, String)>;

/// What happens to a stream next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// The request goes on as it is: it is for the sidecar itself, or the paywall only watches.
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
    /// What the other workers should know of it.
    pub announcement: Option<Announcement>,
}

/// One call to the sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is asked.
    pub batch: BatchRequest,
    /// How long the answer may take.
    pub timeout: Duration,
}

/// What one worker knows.
pub struct Gate {
    config: Config,
    attempts: AttemptIds,
    streams: Map<StreamId, Stage>,
    memory: Memory,
    outbox: Outbox,
    prices: PriceBook,
    sidecar: Sidecar,
    signers: Signers,
    watched: Watched,
    routes: Routes,
    charged: Takings,
    refunded: Takings,
    observer: Box<dyn Observer>,
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
            outbox: Outbox::new(config.sidecar.timeout),
            signers: Signers::new(config.signer_memory),
            watched: Watched::default(),
            routes: Routes::new(&config.rules),
            charged: Takings::new(config.amount_unit),
            refunded: Takings::new(config.amount_unit),
            observer: Box::new(event::Nobody),
            config,
            attempts: AttemptIds { worker: random, count: 0 },
            streams: Map::default(),
            memory: Memory::default(),
            prices: PriceBook::default(),
        }
    }

    /// Shares the public keys of signers with other workers from now on.
    pub fn share_keys(&mut self, keys: Box<dyn SharedKeys>) {
        self.signers.share(keys);
    }

    /// Tells everything that happens from now on.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observer = observer;
    }

    /// How many signatures were checked, and how.
    pub fn signatures(&self) -> SignatureCounts {
        self.signers.counts()
    }

    /// The configuration it works by.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether a call is worth making now. Asks for the time only where that matters, since it is a host call.
    pub fn has_work(&self, now: impl FnOnce() -> Moment) -> bool {
        self.outbox.has_work(now) || self.prices.has_questions()
    }

    /// Everything that gathered while the last call was under way, as the next call; `None` while one is under way
    /// or nothing is to be asked.
    pub fn next_call(&mut self, now: Moment) -> Option<Call> {
        if self.outbox.has_work(|| now) { self.call(now) } else { None }
    }

    /// The next call to a price service, if one has to be made.
    pub fn next_inquiry(&mut self) -> Option<Inquiry> {
        self.prices.next()
    }

    /// Once a second: a call that asks for the sidecar's health, and again for take-backs that failed.
    pub fn tick(&mut self, now: Moment) -> Option<Call> {
        self.outbox.retry();
        self.call(now)
    }

    fn call(&mut self, now: Moment) -> Option<Call> {
        let Sending { entries, traces, timeout } = self.outbox.send(now)?;
        Some(Call { batch: self.sidecar.request(entries, traces, now), timeout })
    }

    /// Judges a case by a fresh state, or by what is remembered.
    fn judge(&mut self, stream: StreamId, mut case: Case, fresh: Option<&ChannelState>, now: Moment) -> Step {
        match self.verdict(&mut case, fresh) {
            Verdict::Charge(refusal) => self.charge(stream, &case, refusal),
            Verdict::Wait => self.refuse(stream, case.caller, &Problem::Busy(Busy::ExposureLimit)),
            Verdict::Fetch(channel) => self.look_up(stream, case, key(&channel)),
            Verdict::Accept(payment) => self.commit(stream, case, payment, now),
        }
    }

    /// What is to be done with a case, by a fresh state or by what is remembered.
    fn verdict(&mut self, case: &mut Case, fresh: Option<&ChannelState>) -> Verdict {
        let known = match (fresh, &case.offer.proof) {
            (Some(state), _) => Known::Fresh(state),
            (None, Some(proof)) => self.memory.get(&proof.channel()).map_or(Known::Unread, Known::Remembered),
            (None, None) => Known::Unread,
        };
        let (signers, seen) = (&mut self.signers, &mut case.signed);
        let signed = |proof: &BalanceProof| {
            let sender = proof.channel.sender;
            *seen.get_or_insert_with(|| signers.signed(sender, &proof.signature, &proof.digest()))
        };
        decide(&case.offer, known, &self.config.asked(case.price), signed)
    }

    /// Has the ledger record a payment. The request goes upstream meanwhile, where that is allowed, its channel is good
    /// and has no other request there.
    fn commit(&mut self, stream: StreamId, case: Case, payment: Payment, now: Moment) -> Step {
        if self.outbox.is_full() {
            return self.refuse(stream, case.caller, &Problem::Busy(Busy::Queue));
        }
        let proof = payment.proof();
        let charge = Charge { label: case.caller.label, amount: payment.charged() };
        let attempt = Attempt {
            id: self.attempts.next(),
            channel: key(&proof.channel),
            price: case.price.amount(),
            balance: proof.balance,
            signature: proof.signature,
        };
        let commit = Item::commit(stream, attempt, charge).in_trace(case.trace.clone());
        let good = case.overlaps && self.memory.is_good(&attempt.channel);
        if good && !self.outbox.overlaps(&attempt.channel) {
            self.outbox.push_overlapping(commit, &attempt);
            let admission = self.admission(&case, payment, attempt.id, "pending", now);
            self.streams.insert(stream, Stage::Overlapping { case, payment, shown: None });
            return Step::Forward(admission);
        }
        self.streams.insert(stream, Stage::Committing { case, payment });
        self.outbox.push(commit);
        Step::Hold
    }

    fn look_up(&mut self, stream: StreamId, case: Case, channel: ChannelKey) -> Step {
        let (caller, source) = (case.caller, case.source);
        let question = Item::question(stream, Entry::Lookup(channel)).in_trace(case.trace.clone());
        if self.memory.get(&channel).is_none() {
            if !self.outbox.push_stranger(source, question) {
                return self.refuse(stream, caller, &Problem::Busy(Busy::UnknownChannels));
            }
        } else if self.outbox.is_full() {
            return self.refuse(stream, caller, &Problem::Busy(Busy::Queue));
        } else {
            self.outbox.push(question);
        }
        self.streams.insert(stream, Stage::Looking(case));
        Step::Hold
    }

    /// How a paid request goes upstream; `durability` is `durable` or `pending`.
    fn admission(
        &self,
        case: &Case,
        payment: Payment,
        attempt: AttemptId,
        durability: &str,
        now: Moment,
    ) -> Admission {
        let channel = payment.proof().channel;
        let mut headers = vec![
            (header::UPSTREAM_SENDER, channel.sender.to_string()),
            (header::UPSTREAM_AMOUNT, payment.price().to_string()),
            (header::UPSTREAM_CHANNEL, channel.open_block.to_string()),
            (header::UPSTREAM_PAYMENT, durability.to_owned()),
        ];
        if let (Some(secret), Some(line)) = (&self.config.mark, &case.line) {
            headers.push((header::UPSTREAM_MARK, secret.mark(line, &payment, attempt, now.as_secs())));
        }
        let announcement = Announcement::new(&key(&channel), payment.proof().balance);
        Admission { headers, payment: Some(payment), announcement: Some(announcement) }
    }
}

fn deadline(now: Moment) -> Moment {
    now.saturating_add(TAKE_BACK_FOR)
}

fn key(channel: &ChannelId) -> ChannelKey {
    ChannelKey { sender: channel.sender, open_block: channel.open_block }
}
