//! What the sidecar's answer means for each stream that waits for it.

use super::event::{CallEnd, Event, PAID, TAKEN_BACK, TakeBackStep};
use super::outbox::Item;
use super::prices::Answered;
use super::sidecar::{CallOutcome, Notice, Reading};
use super::stage::{Caller, Case, Stage};
use super::{Gate, Moment, Step, StreamId};
use crate::answer::{Balance, Busy, Problem, Unavailable};
use crate::channel::ChannelState;
use crate::decide::{Known, Payment, Verdict, decide};
use crate::wire::{Answer, Attempt, Entry};

impl Gate {
    /// Takes the answer to the call that is under way: the steps of the streams that waited for it, and what an
    /// operator should read in the log.
    pub fn answered(
        &mut self,
        outcome: CallOutcome<'_>,
        now: Moment,
    ) -> (Vec<(StreamId, Step)>, Vec<Notice>) {
        let (entries, since) = self.outbox.asked().unwrap_or((0, now));
        let (reading, mut notices) = self.sidecar.read(outcome, entries, now);
        let failed = matches!(reading, Reading::Failed);
        let end = match outcome {
            CallOutcome::NotSent => CallEnd::NotSent,
            CallOutcome::Response { .. } | CallOutcome::CutOff if failed => CallEnd::Failed,
            CallOutcome::Response { .. } | CallOutcome::CutOff => CallEnd::Answered,
        };
        self.saw(Event::Called { end, entries, took: now.saturating_sub(since) });
        if failed && outcome.is_connection_failure() && self.outbox.repeat(now) {
            return (Vec::new(), notices);
        }
        let (items, twice) = self.outbox.answered();
        let mut steps = Vec::new();
        match reading {
            Reading::Failed => {
                for item in items {
                    self.failed(item, now, &mut steps, &mut notices);
                }
            }
            Reading::Answers { answers, new_ledger } => {
                if new_ledger {
                    self.memory.clear();
                }
                for (item, answer) in items.into_iter().zip(answers) {
                    if let (Entry::Commit(attempt), Answer::Refused { .. }, true) =
                        (&item.entry, &answer, twice)
                    {
                        // The first copy of the call may still arrive, when what is refused now would be good again.
                        self.take_back(None, *attempt, None, now);
                    }
                    self.answer(item, answer, now, &mut steps, &mut notices);
                }
            }
        }
        (steps, notices)
    }

    /// Takes the answer of a price service.
    pub fn priced_by(
        &mut self,
        inquiry: u64,
        outcome: CallOutcome<'_>,
        now: Moment,
    ) -> (Vec<(StreamId, Step)>, Vec<Notice>) {
        let Some(answered) = self.prices.answered(inquiry, outcome, now) else {
            return (Vec::new(), Vec::new());
        };
        let Answered { question, streams, price } = answered;
        let mut steps = Vec::new();
        for stream in streams {
            let unpriced = match self.streams.remove(&stream) {
                Some(Stage::Pricing(unpriced)) => *unpriced,
                Some(other) => {
                    self.streams.insert(stream, other);
                    continue;
                }
                None => continue,
            };
            let step = match price {
                Ok(None) => self.free(unpriced.caller.label),
                Ok(Some(price)) => self.priced(stream, unpriced, price, now),
                Err(_) => self.refuse(stream, unpriced.caller, &Problem::Busy(Busy::PriceService)),
            };
            if step != Step::Hold {
                steps.push((stream, step));
            }
        }
        let notice = price.err().map(|why| Notice::PriceUnknown { cluster: question.source.cluster, why });
        (steps, notice.into_iter().collect())
    }

    /// Carries one answer to the streams that wait for it, if they are still there.
    fn answer(
        &mut self,
        item: Item,
        answer: Answer,
        now: Moment,
        steps: &mut Vec<(StreamId, Step)>,
        notices: &mut Vec<Notice>,
    ) {
        self.memory.put(item.channel(), &answer);
        if answer == Answer::Conflict {
            notices.push(Notice::Conflict { channel: item.channel() });
        }
        self.count(&item, &answer);
        if let Entry::Lookup(channel) = &item.entry {
            self.judge_watched(channel, answer.state());
        }
        let mut claimed = false;
        for stream in item.streams {
            let Some(stage) = self.streams.remove(&stream) else { continue };
            claimed |= self.settle(stream, stage, &item.entry, &answer, now, steps);
        }
        if let (Entry::Commit(attempt), Answer::Accepted { .. }) = (item.entry, answer)
            && !claimed
            && !item.ran
        {
            // Whoever paid left before the request went upstream.
            self.take_back(None, attempt, item.charge, now);
        }
    }

    /// Tells what an answer means for the money, whoever waits for it.
    fn count(&mut self, item: &Item, answer: &Answer) {
        match (&item.entry, answer, item.charge) {
            (Entry::Commit(_), Answer::Accepted { .. }, Some(charge)) => self.charged(charge),
            (Entry::TakeBack(_), Answer::TakenBack { .. }, charge) => {
                self.saw(Event::TakeBack(TakeBackStep::Done));
                if let Some(charge) = charge {
                    self.refunded(charge);
                }
            }
            (Entry::TakeBack(_), Answer::Credited { .. }, _) => {
                self.saw(Event::TakeBack(TakeBackStep::Credited));
            }
            (Entry::TakeBack(_), Answer::Final { .. }, _) => self.saw(Event::TakeBack(TakeBackStep::Kept)),
            (Entry::Lookup(_) | Entry::Commit(_) | Entry::TakeBack(_), _, _) => {}
        }
    }

    /// What an answer means for a stream. `false` where the stream went on without it.
    fn settle(
        &mut self,
        stream: StreamId,
        stage: Stage,
        entry: &Entry,
        answer: &Answer,
        now: Moment,
        steps: &mut Vec<(StreamId, Step)>,
    ) -> bool {
        if let (Stage::Committing { case, .. } | Stage::Overlapping { case, .. }, Answer::Accepted { .. }) =
            (&stage, answer)
        {
            self.saw(Event::Durable { after: now.saturating_sub(case.caller.since) });
        }
        let step = match (stage, entry) {
            (Stage::Looking(case), Entry::Lookup(_)) => {
                if let Answer::Channel { channel } = answer {
                    self.judge(stream, case, Some(channel), now)
                } else {
                    self.unavailable(stream, case.caller, Unavailable::Sidecar)
                }
            }
            (Stage::Committing { case, payment }, Entry::Commit(attempt)) => {
                if let Answer::Accepted { .. } = answer {
                    let admission = self.admission(&case, payment, attempt.id, "durable", now);
                    let stage = Stage::Served { caller: case.caller, payment, attempt: *attempt };
                    self.streams.insert(stream, stage);
                    Step::Forward(admission)
                } else {
                    self.not_accepted(stream, &case, payment, attempt, answer, now)
                }
            }
            (Stage::Overlapping { case, payment, shown }, Entry::Commit(attempt)) => match (answer, shown) {
                (Answer::Accepted { .. }, None) => {
                    let stage = Stage::Served { caller: case.caller, payment, attempt: *attempt };
                    self.streams.insert(stream, stage);
                    Step::Hold
                }
                (Answer::Accepted { .. }, Some(shown)) => {
                    self.served(stream, case.caller, payment, *attempt, shown, || now)
                }
                (_, _) => self.not_accepted(stream, &case, payment, attempt, answer, now),
            },
            (Stage::Doubtful { caller, payment, .. }, Entry::TakeBack(_)) => match answer {
                Answer::TakenBack { channel } => {
                    self.refuse(stream, caller, &Problem::TakenBack(balance(payment, channel)))
                }
                Answer::Credited { channel } => self.credited(stream, caller, 502, payment, channel),
                Answer::Channel { .. }
                | Answer::Accepted { .. }
                | Answer::Refused { .. }
                | Answer::Final { .. }
                | Answer::Conflict => self.unavailable(stream, caller, Unavailable::UnknownOutcome),
            },
            (Stage::Returning { caller, payment, shown }, Entry::TakeBack(_)) => match answer {
                Answer::TakenBack { channel } => {
                    self.streams.insert(stream, Stage::Ended);
                    self.outcome(caller.label, TAKEN_BACK);
                    let terms = self.config.terms(payment.price()).headers();
                    Step::Refund(terms.into_iter().chain(balance(payment, channel).headers()).collect())
                }
                Answer::Credited { channel } => self.credited(stream, caller, shown.status, payment, channel),
                Answer::Channel { .. }
                | Answer::Accepted { .. }
                | Answer::Refused { .. }
                | Answer::Final { .. }
                | Answer::Conflict => {
                    self.streams.insert(stream, Stage::Ended);
                    // The payment stays.
                    self.outcome(caller.label, PAID);
                    Step::Release(shown.headers)
                }
            },
            (stage, _) => {
                // It was answered by Envoy while it was held.
                self.streams.insert(stream, stage);
                return false;
            }
        };
        if step != Step::Hold {
            steps.push((stream, step));
        }
        true
    }

    /// A commit was not accepted: the fresh state says why, or the sidecar could not serve at that moment.
    fn not_accepted(
        &mut self,
        stream: StreamId,
        case: &Case,
        payment: Payment,
        attempt: &Attempt,
        answer: &Answer,
        now: Moment,
    ) -> Step {
        match answer {
            Answer::Refused { channel } => {
                // A commit is of a proof whose signature was found to be good.
                match decide(&case.offer, Known::Fresh(channel), &self.config.asked(case.price), |_| true) {
                    Verdict::Charge(refusal) => self.charge(stream, case, refusal),
                    Verdict::Wait => self.refuse(stream, case.caller, &Problem::Busy(Busy::ExposureLimit)),
                    Verdict::Accept(_) | Verdict::Fetch(_) => {
                        let why = self.sidecar.why_not();
                        self.unavailable(stream, case.caller, why)
                    }
                }
            }
            Answer::TakenBack { channel } => {
                self.refuse(stream, case.caller, &Problem::TakenBack(balance(payment, channel)))
            }
            Answer::Credited { channel } => self.credited(stream, case.caller, 502, payment, channel),
            Answer::Channel { .. } | Answer::Accepted { .. } | Answer::Final { .. } | Answer::Conflict => {
                if *answer != Answer::Conflict {
                    self.take_back(None, *attempt, None, now);
                }
                self.unavailable(stream, case.caller, Unavailable::UnknownOutcome)
            }
        }
    }

    fn credited(
        &mut self,
        stream: StreamId,
        caller: Caller,
        status: u16,
        payment: Payment,
        channel: &ChannelState,
    ) -> Step {
        let balance = balance(payment, channel);
        self.refuse(stream, caller, &Problem::Credited { status, balance })
    }
}

/// What the payer is told of its channel.
fn balance(payment: Payment, channel: &ChannelState) -> Balance {
    let held = match channel {
        ChannelState::Open(open) => Some(open.balance),
        ChannelState::Absent | ChannelState::Unconfirmed { .. } | ChannelState::Closed => None,
    };
    Balance { sender: payment.proof().channel.sender, held }
}
