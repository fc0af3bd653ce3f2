//! The calls between workers and the sidecar, with all that can befall them.

use std::time::Duration;

use uraiden_core::channel::ChannelState;
use uraiden_core::gate::{CallOutcome, Step};
use uraiden_core::wire::{Answer, BatchRequest, BatchResponse, COMMIT_FOR, Entry, Health, Ledger, VERSION};
use uraiden_sidecar::store::Commits;

use super::{Flight, PAYERS, World};
use crate::op::Failure;
use crate::payer::proves;
use crate::tally;

fn tally(entry: &Entry, answer: &Answer) {
    match (entry, answer) {
        (Entry::Commit(_), Answer::Accepted { .. }) => tally::count("accepted"),
        (Entry::Commit(_), Answer::Refused { .. }) => tally::count("refused"),
        (Entry::Commit(_), Answer::TakenBack { .. }) => {
            tally::count("late commits that were cancelled before")
        }
        (Entry::TakeBack(_), Answer::TakenBack { .. }) => tally::count("taken back"),
        (Entry::TakeBack(_), Answer::Credited { .. }) => tally::count("credited"),
        (Entry::TakeBack(_), Answer::Final { .. }) => tally::count("kept, after too many take-backs"),
        (Entry::Lookup(_) | Entry::Commit(_) | Entry::TakeBack(_), _) => {}
    }
}

impl World {
    pub(super) fn call(&mut self, worker: usize) {
        let at = &mut self.workers[worker];
        let Some(call) = at.gate.next_call(self.now) else { return };
        // A repeated call takes the place of the one that broke.
        at.flight = Some(Flight { batch: call.batch, response: None });
    }

    pub(super) async fn arrive(&mut self, worker: usize) {
        let Some(Flight { batch, response: None }) = &self.workers[worker].flight else { return };
        let batch = batch.clone();
        let body = self.decide(&batch).await;
        if let Some(flight) = &mut self.workers[worker].flight {
            flight.response = Some(body);
        }
    }

    /// The sidecar takes a batch; its answers are compared with the model's.
    pub(super) async fn decide(&mut self, batch: &BatchRequest) -> Vec<u8> {
        let sent = Duration::from_millis(batch.sent_at);
        let judged = self.ready && self.now.saturating_sub(sent) <= COMMIT_FOR;
        let commits = if judged { Commits::Judge { until: u64::MAX } } else { Commits::Refuse };
        let answers = self.store.batch(batch.entries.clone(), commits).await.expect("the ledger answers");
        for (entry, answer) in batch.entries.iter().zip(&answers) {
            let (model, chain) = (&mut self.model, &self.chain);
            let expected = model.answer(entry, chain, judged, |attempt| proves(attempt, PAYERS));
            tally(entry, answer);
            if *answer != expected && self.broken.is_none() {
                self.broken = Some(format!("{entry:?} was answered {answer:?}, not {expected:?}"));
            }
            if let (Entry::Commit(attempt), Answer::Accepted { channel: ChannelState::Open(open) }) =
                (entry, answer)
            {
                // M3, in words of its own.
                let fits = open.balance <= open.deposit && attempt.balance <= open.balance;
                self.expect(fits, || format!("M3: {open:?} after {attempt:?}"));
            }
        }
        let health = if self.ready {
            Health::Ready
        } else {
            Health::NotReady { reason: "Ethereum node is not responding".to_owned() }
        };
        let ledger = Ledger { id: "0".repeat(32), generation: 1 };
        let identity = batch.identity;
        let response = BatchResponse { version: VERSION, identity, ledger, health, answers };
        serde_json::to_vec(&response).expect("it has a JSON form")
    }

    pub(super) fn answer(&mut self, worker: usize) {
        let Some(Flight { response: Some(body), .. }) =
            self.workers[worker].flight.take_if(|flight| flight.response.is_some())
        else {
            return;
        };
        self.answered(worker, CallOutcome::Response { status: 200, body: &body });
    }

    pub(super) fn fail(&mut self, worker: usize, how: Failure) {
        let Some(flight) = self.workers[worker].flight.take() else { return };
        if flight.response.is_none() {
            self.late.push(flight.batch);
        }
        let outcome = match how {
            Failure::TimedOut => {
                self.now += Duration::from_millis(500);
                CallOutcome::Response { status: 504, body: b"upstream request timeout" }
            }
            Failure::CutOff => CallOutcome::CutOff,
            Failure::Refused => CallOutcome::Response { status: 503, body: b"no healthy upstream" },
            Failure::Nonsense => CallOutcome::Response { status: 200, body: b"{}" },
        };
        let before = self.streams.len();
        let refused = self.answered(worker, outcome);
        self.expect(refused == 0, || {
            format!("M8: {refused} of {before} streams were told 402 by a failed call")
        });
    }

    /// Hands an outcome to a worker; how many streams got a 402.
    fn answered(&mut self, worker: usize, outcome: CallOutcome<'_>) -> usize {
        let (steps, _) = self.workers[worker].gate.answered(outcome, self.now);
        let mut refused = 0;
        for (stream, step) in steps {
            refused += usize::from(matches!(&step, Step::Reply(reply) if reply.status == 402));
            self.take(stream, step);
        }
        refused
    }

    pub(super) async fn tick(&mut self, worker: usize) {
        let Some(call) = self.workers[worker].gate.tick(self.now) else { return };
        let body = self.decide(&call.batch).await;
        self.answered(worker, CallOutcome::Response { status: 200, body: &body });
    }
}
