//! What the sidecar's answer means for each stream that waits for it.

use super::outbox::Item;
use super::prices::Answered;
use super::sidecar::{CallOutcome, Notice, Reading};
use super::{Admission, Case, Gate, Moment, Stage, Step, StreamId, deadline, upstream_headers};
use crate::answer::{Busy, Problem, Unavailable};
use crate::channel::ChannelState;
use crate::decide::{Known, Verdict, decide};
use crate::header;
use crate::wire::{Answer, Entry};

impl Gate {
    /// Takes the answer to the call that is under way: the steps of the streams that waited for it, and what an
    /// operator should read in the log.
    pub fn answered(
        &mut self,
        outcome: CallOutcome<'_>,
        now: Moment,
    ) -> (Vec<(StreamId, Step)>, Vec<Notice>) {
        let items = self.outbox.answered();
        let (reading, mut notices) = self.sidecar.read(outcome, items.len(), now);
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
                Ok(None) => Step::Forward(Admission::default()),
                Ok(Some(price)) => self.priced(stream, unpriced, price),
                Err(_) => self.refuse(stream, unpriced.form, &Problem::Busy(Busy::PriceService)),
            };
            if step != Step::Hold {
                steps.push((stream, step));
            }
        }
        let notice = price.err().map(|why| Notice::PriceUnknown { cluster: question.source.cluster, why });
        (steps, notice.into_iter().collect())
    }

    /// Carries one answer to the stream that waits for it, if it is still there.
    fn answer(
        &mut self,
        item: Item,
        answer: Answer,
        now: Moment,
        steps: &mut Vec<(StreamId, Step)>,
        notices: &mut Vec<Notice>,
    ) {
        if let Some(state) = answer.state() {
            self.memory.put(item.channel(), *state);
        }
        if answer == Answer::Conflict {
            notices.push(Notice::Conflict { channel: item.channel() });
        }
        if item.streams.is_empty() {
            self.unclaimed(&item.entry, &answer, now);
        }
        for stream in item.streams {
            match self.streams.remove(&stream) {
                Some(stage) => self.settle(stream, stage, &item.entry, &answer, now, steps),
                // The client left before its request went upstream.
                None => self.unclaimed(&item.entry, &answer, now),
            }
        }
    }

    /// Takes back what was accepted for nobody.
    fn unclaimed(&mut self, entry: &Entry, answer: &Answer, now: Moment) {
        if let (Entry::Commit(attempt), Answer::Accepted { .. }) = (entry, answer) {
            self.outbox.push(Item::take_back(None, *attempt, deadline(now)));
        }
    }

    fn settle(
        &mut self,
        stream: StreamId,
        stage: Stage,
        entry: &Entry,
        answer: &Answer,
        now: Moment,
        steps: &mut Vec<(StreamId, Step)>,
    ) {
        let step = match (stage, entry, answer) {
            (Stage::Looking(case), Entry::Lookup(_), Answer::Channel { channel }) => {
                self.judge(stream, case, Some(channel))
            }
            (Stage::Committing { case, payment }, Entry::Commit(attempt), Answer::Accepted { .. }) => {
                self.streams.insert(stream, Stage::Served { payment, attempt: *attempt });
                let mut headers = upstream_headers(&payment);
                if let (Some(secret), Some(line)) = (&self.config.mark, &case.line) {
                    let mark = secret.mark(line, &payment, attempt.id, now.as_secs());
                    headers.push((header::UPSTREAM_MARK, mark));
                }
                Step::Forward(Admission { headers, payment: Some(payment) })
            }
            (Stage::Committing { case, .. }, Entry::Commit(_), Answer::Refused { channel }) => {
                self.refused(stream, &case, channel)
            }
            (Stage::Returning { payment }, Entry::TakeBack(_), Answer::TakenBack { channel }) => {
                self.streams.insert(stream, Stage::Ended);
                let mut headers = self.config.terms(payment.price()).headers();
                headers.push((header::SENDER_ADDRESS, payment.proof().channel.sender.to_string()));
                if let ChannelState::Open(open) = channel {
                    headers.push((header::SENDER_BALANCE, open.balance.to_string()));
                }
                Step::Refund(headers)
            }
            (Stage::Returning { .. }, Entry::TakeBack(_), _) => {
                self.streams.insert(stream, Stage::Ended);
                Step::Release(Vec::new())
            }
            (Stage::Committing { case, .. }, Entry::Commit(attempt), other) => {
                if let Answer::Channel { .. } | Answer::Final { .. } = other {
                    self.outbox.push(Item::take_back(None, *attempt, deadline(now)));
                }
                self.unavailable(stream, case.form, Unavailable::UnknownOutcome)
            }
            (Stage::Looking(case), Entry::Lookup(_), _) => {
                self.unavailable(stream, case.form, Unavailable::Sidecar)
            }
            (stage, entry, answer) => {
                // The stream went on without this answer: it was answered by Envoy while it was held.
                self.streams.insert(stream, stage);
                self.unclaimed(entry, answer, now);
                return;
            }
        };
        if step != Step::Hold {
            steps.push((stream, step));
        }
    }

    /// A commit was refused: the fresh state says why, or the sidecar could not serve at that moment.
    fn refused(&mut self, stream: StreamId, case: &Case, state: &ChannelState) -> Step {
        match decide(&case.offer, Known::Fresh(state), &self.config.asked(case.price)) {
            Verdict::Charge(refusal) => self.charge(stream, case, refusal),
            Verdict::Accept(_) | Verdict::Fetch(_) => {
                let why = self.sidecar.why_not();
                self.unavailable(stream, case.form, why)
            }
        }
    }

    /// A call failed. What it may have changed is undone; unknown is never "no".
    fn failed(
        &mut self,
        item: Item,
        now: Moment,
        steps: &mut Vec<(StreamId, Step)>,
        notices: &mut Vec<Notice>,
    ) {
        for stream in item.streams {
            let step = match (self.streams.get(&stream), &item.entry) {
                (Some(Stage::Looking(case)), Entry::Lookup(_)) => {
                    let form = case.form;
                    self.unavailable(stream, form, Unavailable::Sidecar)
                }
                (Some(Stage::Committing { case, .. }), Entry::Commit(_)) => {
                    let form = case.form;
                    self.unavailable(stream, form, Unavailable::UnknownOutcome)
                }
                (Some(Stage::Returning { .. }), Entry::TakeBack(_)) => {
                    self.streams.insert(stream, Stage::Ended);
                    Step::Release(Vec::new())
                }
                _ => continue,
            };
            steps.push((stream, step));
        }
        let until = item.until.unwrap_or(deadline(now));
        match item.entry {
            Entry::Lookup(_) => {}
            Entry::Commit(attempt) | Entry::TakeBack(attempt) => {
                let kept = now < until && self.outbox.retry_later(Item::take_back(None, attempt, until));
                if !kept {
                    notices.push(Notice::TakeBackGivenUp { channel: attempt.channel });
                }
            }
        }
    }
}
