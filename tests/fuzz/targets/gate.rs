//! The gate in any order of events, with a sidecar that answers anything: no stream is told twice, nothing is sold
//! that was not accepted, and nothing stays accepted that was not sold.
#![no_main]

use core::time::Duration;
use std::collections::{HashMap, HashSet};

use libfuzzer_sys::fuzz_target;
use uraiden_core::channel::ChannelState;
use uraiden_core::gate::{CallOutcome, Gate, Headers, Moment, Step, StreamId};
use uraiden_core::header;
use uraiden_core::request::Request;
use uraiden_core::response::Response;
use uraiden_core::wire::{Answer, AttemptId, Entry};
use uraiden_fuzz::{Anywhere, Ledger, NOW, assert_sound, fresh, heard, paying, ready};

/// The most events of one play: all of it stays within the five minutes for which a take-back is repeated.
const EVENTS: usize = 200;

fuzz_target!(|data: &[u8]| {
    let mut play = Play::new();
    for event in data.chunks_exact(2).take(EVENTS) {
        play.event(event[0], event[1]);
    }
    play.end();
});

/// Where a stream is, as Envoy knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Its request is held.
    Door,
    /// It is at the upstream.
    Upstream,
    /// Its response is held.
    Exit,
    /// The client has its answer, or ours is on its way out.
    Answered,
}

struct Play {
    gate: Gate,
    now: Moment,
    streams: HashMap<StreamId, At>,
    under_way: Option<Vec<Entry>>,
    /// What was asked by a call whose connection broke. The gate may send the same call again.
    broken: Option<Vec<Entry>>,
    ledger: Ledger,
    /// Whether every answer so far was the ledger's or none at all.
    honest: bool,
    /// Attempts that the gate was told are accepted.
    accepted: HashSet<AttemptId>,
    /// Attempts of which the gate does not know what became.
    unknown: HashSet<AttemptId>,
    /// Requests that went upstream as paid, and responses that went out as paid.
    admitted: usize,
    sold: usize,
}

impl Play {
    fn new() -> Self {
        Self {
            gate: ready(),
            now: NOW,
            streams: HashMap::new(),
            under_way: None,
            broken: None,
            ledger: Ledger::default(),
            honest: true,
            accepted: HashSet::new(),
            unknown: HashSet::new(),
            admitted: 0,
            sold: 0,
        }
    }

    fn event(&mut self, event: u8, detail: u8) {
        let stream = StreamId::from(detail & 7);
        match event % 8 {
            0 | 1 => self.request(stream, detail >> 3),
            2 => self.call(),
            3 => self.answer(detail),
            4 => self.response(stream, if detail & 8 == 0 { "200" } else { "503" }),
            5 => {
                self.gate.gone(stream);
                self.streams.remove(&stream);
            }
            6 => self.tick(),
            _ => self.price(detail),
        }
    }

    fn request(&mut self, stream: StreamId, kind: u8) {
        if self.streams.contains_key(&stream) {
            return;
        }
        let free = kind == 0;
        let mut head = match kind {
            0 => paying("/free", 1),
            1 => paying("/paid", 0)[..3].to_vec(),
            2..=15 => paying("/paid", usize::from(kind - 2)),
            other => paying("/auction/1", usize::from(other - 16)),
        };
        if kind == 15 {
            head.push(("rdn-payment".to_owned(), b"1e1".to_vec()));
        }
        self.streams.insert(stream, At::Door);
        let step = self.gate.request(stream, Request::new(&head), &Anywhere, self.now);
        assert!(
            free || !matches!(&step, Step::Forward(admission) if admission.payment.is_none() && kind < 16)
        );
        self.carry_out(stream, step);
    }

    fn response(&mut self, stream: StreamId, status: &str) {
        let at = match self.streams.get(&stream) {
            // Envoy gives up a request that is held, or answers for the upstream, or sends our own answer.
            Some(at @ (At::Door | At::Upstream | At::Answered)) => *at,
            Some(At::Exit) | None => return,
        };
        let head = [(":status".to_owned(), status.as_bytes().to_vec())];
        let now = self.now;
        match self.gate.response(stream, Response::new(&head), || now) {
            Step::Hold => {
                assert_eq!(at, At::Upstream);
                self.streams.insert(stream, At::Exit);
            }
            Step::Release(headers) => self.release(stream, at, &headers),
            other => panic!("{other:?}"),
        }
    }

    fn call(&mut self) {
        if let Some(call) = self.gate.next_call(self.now) {
            self.sent(call.batch.entries);
        }
    }

    fn tick(&mut self) {
        self.now += Duration::from_secs(1);
        if let Some(call) = self.gate.tick(self.now)
            && !self.sent(call.batch.entries)
        {
            for attempt in &self.unknown {
                let undone = |entry: &Entry| matches!(entry, Entry::TakeBack(own) if own.id == *attempt);
                let entries = self.under_way.iter().flatten();
                assert!(entries.clone().any(undone), "{attempt} is not taken back by {entries:?}");
            }
        }
    }

    /// Notes a call. Answers whether it is a broken one once more.
    fn sent(&mut self, entries: Vec<Entry>) -> bool {
        assert!(self.under_way.is_none(), "one call at a time");
        let repeated = self.broken.as_ref() == Some(&entries);
        if let Some(broken) = self.broken.take().filter(|_| !repeated) {
            self.note(&broken, &[], false);
        }
        self.under_way = Some(entries);
        repeated
    }

    /// Ends the call that is under way in one of many ways.
    fn answer(&mut self, how: u8) {
        let Some(entries) = self.under_way.take() else { return };
        // The ledger may have done what was asked although its answer does not arrive.
        let answers = match how % 16 {
            8 | 9 => Vec::new(),
            10 => self.lie(&entries, |channel| Answer::Accepted { channel }),
            11 => self.lie(&entries, |channel| Answer::TakenBack { channel }),
            12 => self.lie(&entries, |channel| Answer::Channel { channel }),
            13 => self.lie(&entries, |_| Answer::Conflict),
            _ => entries.iter().map(|entry| self.ledger.answer(entry)).collect(),
        };
        let mut body = heard(answers.clone());
        let (mut status, mut good) = (200, answers.len() == entries.len());
        match how % 16 {
            5 => (body, good) = (body[..body.len() / 2].to_vec(), false),
            6 => (status, good) = (500, false),
            7 => {
                (body, good) =
                    (String::from_utf8_lossy(&body).replace(r#""version":1"#, r#""version":2"#).into(), false)
            }
            _ => {}
        }
        let outcome = match how % 16 {
            4 => CallOutcome::CutOff,
            14 => CallOutcome::NotSent,
            _ => CallOutcome::Response { status, body: &body },
        };
        good &= !matches!(how % 16, 4 | 14);
        if how % 16 == 4 {
            self.broken = Some(entries);
        } else {
            self.note(&entries, &answers, good);
        }
        let (steps, _) = self.gate.answered(outcome, self.now);
        self.carry_out_all(steps);
    }

    fn lie(&mut self, entries: &[Entry], answer: fn(ChannelState) -> Answer) -> Vec<Answer> {
        self.honest = false;
        entries.iter().map(|_| answer(ChannelState::Open(fresh()))).collect()
    }

    /// Notes what the gate may believe of its attempts from now on.
    fn note(&mut self, entries: &[Entry], answers: &[Answer], good: bool) {
        for (index, entry) in entries.iter().enumerate() {
            match (entry, answers.get(index).filter(|_| good)) {
                (Entry::Commit(attempt), Some(Answer::Accepted { .. })) => {
                    self.accepted.insert(attempt.id);
                }
                (Entry::TakeBack(attempt), Some(_)) => {
                    self.unknown.remove(&attempt.id);
                }
                (Entry::Commit(attempt) | Entry::TakeBack(attempt), None) => {
                    self.unknown.insert(attempt.id);
                }
                (Entry::Commit(_) | Entry::Lookup(_), _) => {}
            }
        }
    }

    fn price(&mut self, detail: u8) {
        let Some(inquiry) = self.gate.next_inquiry() else { return };
        let outcome = match detail & 3 {
            0 => CallOutcome::CutOff,
            1 => CallOutcome::Response { status: 200, body: b"{\"price\":\"0\"}" },
            _ => CallOutcome::Response { status: 200, body: b"{\"price\":\"10\"}" },
        };
        let (steps, _) = self.gate.priced_by(inquiry.id, outcome, self.now);
        self.carry_out_all(steps);
    }

    fn carry_out_all(&mut self, steps: Vec<(StreamId, Step)>) {
        for (stream, step) in steps {
            assert!(!matches!(step, Step::Hold | Step::Pass), "{step:?} is nothing to tell later");
            self.carry_out(stream, step);
        }
    }

    /// Does what Envoy does. A step for a stream that does not wait for one would crash it.
    fn carry_out(&mut self, stream: StreamId, step: Step) {
        let Some(at) = self.streams.get(&stream).copied() else {
            panic!("{step:?} for a stream that is gone")
        };
        match step {
            Step::Hold => assert_eq!(at, At::Door),
            Step::Forward(admission) => {
                assert_eq!(at, At::Door, "{admission:?}");
                self.admitted += usize::from(admission.payment.is_some());
                self.streams.insert(stream, At::Upstream);
            }
            Step::Reply(reply) => {
                // At the upstream its payment was refused meanwhile: Envoy gives up what the service would answer.
                assert_ne!(at, At::Answered, "{reply:?}");
                assert_sound(&reply);
                self.streams.insert(stream, At::Answered);
            }
            Step::Release(headers) | Step::Refund(headers) => {
                assert_eq!(at, At::Exit, "{headers:?}");
                self.release(stream, at, &headers);
            }
            Step::Pass => panic!("no route leads to the sidecar"),
        }
    }

    fn release(&mut self, stream: StreamId, at: At, headers: &Headers) {
        let sold = headers.iter().any(|(name, _)| *name == header::COST);
        assert!(!sold || matches!(at, At::Upstream | At::Exit), "{headers:?}");
        self.sold += usize::from(sold);
        assert!(self.sold <= self.accepted.len(), "sold {} of {}", self.sold, self.accepted.len());
        self.streams.insert(stream, At::Answered);
    }

    /// Lets an honest sidecar answer all that is left to ask.
    fn end(mut self) {
        for _ in 0..4 {
            self.answer(0);
            self.tick();
            while self.under_way.is_some() {
                self.answer(0);
                self.call();
            }
        }
        assert!(self.unknown.is_empty(), "{:?}", self.unknown);
        if self.honest {
            let paid = self.ledger.payments();
            assert!(paid <= self.admitted, "{paid} paid, {} admitted", self.admitted);
        }
    }
}
