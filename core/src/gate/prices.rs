//! Prices that are asked for: remembered for a while, and asked once however many streams wait for the answer.

use std::collections::{HashMap, VecDeque};

use core::time::Duration;
use serde::{Deserialize, Serialize};

use super::{CallOutcome, Moment, StreamId};
use crate::TokenAmount;
use crate::amount::Price;
use crate::config::Question;
use crate::json;

/// How many answers are remembered.
const CAPACITY: usize = 10_000;

/// How many questions are under way or wait. Above that, requests are refused.
const OPEN_QUESTIONS: usize = 256;

/// How long a service that did not answer is left alone.
const SILENCE: Duration = Duration::from_secs(1);

/// A call to a price service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Names the call.
    pub id: u64,
    /// What is asked, and whom.
    pub question: Question,
}

impl Inquiry {
    /// The JSON that is sent: `{"method": …, "host": …, "path": …}`.
    pub fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            method: &'a str,
            host: &'a str,
            path: &'a str,
        }
        let Question { method, host, path, .. } = &self.question;
        // A struct of texts always has a JSON form.
        serde_json::to_vec(&Body { method, host, path }).unwrap_or_default()
    }
}

/// What the book says of a question.
pub(super) enum Entry {
    /// The price; `None` is free.
    Known(Option<Price>),
    /// It was not known a moment ago.
    Unknown,
    /// It has to be asked, or is being asked.
    Open,
}

/// The end of an inquiry.
pub(super) struct Answered {
    pub(super) question: Question,
    /// Who waited for it.
    pub(super) streams: Vec<StreamId>,
    /// The price, free where there is none, or why it is not known.
    pub(super) price: Result<Option<Price>, String>,
}

#[derive(Default)]
pub(super) struct PriceBook {
    answers: HashMap<Question, (Entry, Moment)>,
    waiting: HashMap<Question, Vec<StreamId>>,
    to_ask: VecDeque<Question>,
    asked: HashMap<u64, Question>,
    count: u64,
}

impl PriceBook {
    pub(super) fn look_up(&self, question: &Question, now: Moment) -> Entry {
        match self.answers.get(question) {
            Some((Entry::Known(price), until)) if now < *until => Entry::Known(*price),
            Some((Entry::Unknown, until)) if now < *until => Entry::Unknown,
            Some(_) | None => Entry::Open,
        }
    }

    /// Lets a stream wait for an answer. `false` where too many questions are open.
    pub(super) fn wait(&mut self, question: Question, stream: StreamId) -> bool {
        if let Some(streams) = self.waiting.get_mut(&question) {
            streams.push(stream);
            return true;
        }
        let room = self.waiting.len() < OPEN_QUESTIONS;
        if room {
            self.to_ask.push_back(question.clone());
            self.waiting.insert(question, vec![stream]);
        }
        room
    }

    /// Asks, if that is not done already and there is room, though no stream waits for the answer.
    pub(super) fn ask(&mut self, question: Question) {
        if !self.waiting.contains_key(&question) && self.waiting.len() < OPEN_QUESTIONS {
            self.to_ask.push_back(question.clone());
            self.waiting.insert(question, Vec::new());
        }
    }

    pub(super) fn has_questions(&self) -> bool {
        !self.to_ask.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Inquiry> {
        let question = self.to_ask.pop_front()?;
        self.count = self.count.wrapping_add(1);
        self.asked.insert(self.count, question.clone());
        Some(Inquiry { id: self.count, question })
    }

    /// Takes the answer to a call: the streams that waited for it, and the price if there is one.
    pub(super) fn answered(&mut self, id: u64, outcome: CallOutcome<'_>, now: Moment) -> Option<Answered> {
        let question = self.asked.remove(&id)?;
        let streams = self.waiting.remove(&question).unwrap_or_default();
        let price = read(outcome);
        if self.answers.len() >= CAPACITY {
            self.answers.retain(|_, (_, until)| now < *until);
        }
        if self.answers.len() >= CAPACITY {
            self.answers.clear();
        }
        let (entry, held) = match &price {
            Ok(price) => (Entry::Known(*price), question.source.ttl),
            Err(_) => (Entry::Unknown, SILENCE),
        };
        self.answers.insert(question.clone(), (entry, now.saturating_add(held)));
        Some(Answered { question, streams, price })
    }
}

/// Reads `{"price": "1000"}`.
fn read(outcome: CallOutcome<'_>) -> Result<Option<Price>, String> {
    #[derive(Deserialize)]
    struct Answer {
        price: TokenAmount,
    }
    match outcome {
        // The fields of a struct are read from a list, too.
        CallOutcome::Response { status: 200, body } if !body.trim_ascii_start().starts_with(b"{") => {
            Err("its answer is no JSON object".to_owned())
        }
        CallOutcome::Response { status: 200, body } => json::read::<Answer>(body)
            .map(|answer| Price::new(answer.price))
            .map_err(|error| format!("its answer cannot be read: {error}")),
        CallOutcome::Response { status, .. } => Err(format!("it answered {status}")),
        CallOutcome::CutOff | CallOutcome::NotSent => Err("it did not answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_a_readable_price_names_one() {
        let answer = |status, body: &str| read(CallOutcome::Response { status, body: body.as_bytes() });
        assert_eq!(answer(200, "{\"price\": \"0\"}"), Ok(None));
        assert_eq!(answer(200, " {\"price\": \"7\", \"more\": 1}"), Ok(Price::new(TokenAmount::new(7))));
        for body in
            ["[\"0\"]", "\"0\"", "{}", "{\"price\": 0}", "{\"price\": \"0\", \"price\": \"0\"}", "", "null"]
        {
            assert!(answer(200, body).is_err(), "{body}");
        }
        assert!(answer(404, "{\"price\": \"0\"}").is_err());
        assert!(read(CallOutcome::CutOff).is_err() && read(CallOutcome::NotSent).is_err());
    }
}
