//! What a call that failed means for each stream that waits for its answer.

use super::event::{Event, TakeBackStep};
use super::outbox::Item;
use super::sidecar::Notice;
use super::stage::{Place, Stage};
use super::{Gate, Moment, Step, StreamId, deadline};
use crate::answer::{Problem, Unavailable};
use crate::wire::Entry;

impl Gate {
    /// A call failed. What it may have changed is undone; unknown is never "no".
    pub(super) fn failed(
        &mut self,
        item: Item,
        now: Moment,
        steps: &mut Vec<(StreamId, Step)>,
        notices: &mut Vec<Notice>,
    ) {
        let until = item.until.unwrap_or(deadline(now));
        match item.entry {
            Entry::Lookup(channel) => {
                self.judge_watched(&channel, None);
                for stream in item.streams {
                    if let Some(Stage::Looking(case)) = self.streams.get(&stream) {
                        let caller = case.caller;
                        steps.push((stream, self.unavailable(stream, caller, Unavailable::Sidecar)));
                    }
                }
            }
            Entry::Commit(attempt) => {
                self.memory.doubt(&attempt.channel);
                self.saw(Event::UnknownOutcome);
                self.saw(Event::TakeBack(TakeBackStep::Asked));
                let waiting = item.streams.into_iter().find(|&stream| self.doubt(stream));
                self.outbox.push_first(Item::take_back(waiting, attempt, until));
            }
            Entry::TakeBack(attempt) => {
                for stream in item.streams {
                    let step = match self.streams.remove(&stream) {
                        Some(Stage::Doubtful { caller, .. }) => {
                            self.unavailable(stream, caller, Unavailable::UnknownOutcome)
                        }
                        Some(Stage::Returning { caller, .. }) => {
                            self.streams.insert(stream, Stage::Ended);
                            self.outcome(
                                caller.label,
                                Problem::Unavailable(Unavailable::UnknownOutcome).code(),
                            );
                            Step::Release(Vec::new())
                        }
                        Some(stage) => {
                            self.streams.insert(stream, stage);
                            continue;
                        }
                        None => continue,
                    };
                    steps.push((stream, step));
                }
                let again = Item::take_back(None, attempt, until).of(item.charge);
                let kept = now < until && self.outbox.retry_later(again);
                self.saw(Event::TakeBack(if kept { TakeBackStep::Repeated } else { TakeBackStep::GivenUp }));
                if !kept {
                    notices.push(Notice::TakeBackGivenUp { channel: attempt.channel });
                }
            }
        }
    }

    /// Has a stream whose commit failed wait for the take-back. `false` where it does not wait for anything any more.
    fn doubt(&mut self, stream: StreamId) -> bool {
        let (stage, waits) = match self.streams.remove(&stream) {
            Some(Stage::Committing { case, payment }) => {
                (Stage::Doubtful { caller: case.caller, payment, place: Place::Request }, true)
            }
            Some(Stage::Overlapping { case, payment, shown }) => {
                let place = if shown.is_some() { Place::Response } else { Place::Upstream };
                (Stage::Doubtful { caller: case.caller, payment, place }, true)
            }
            Some(stage) => (stage, false),
            None => return false,
        };
        self.streams.insert(stream, stage);
        waits
    }
}
