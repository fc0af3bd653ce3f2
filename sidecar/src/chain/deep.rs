//! Reading long stretches of the chain, in ranges as large as the node bears.

use super::error::NodeError;
use super::node::Stretch;
use super::progress::Progress;
use super::reading::{PollError, Reader};
use crate::store::ChainEvent;

impl Reader {
    /// Reads the blocks from `next` to below `deep`. They are not reorganised any more, and read without their hashes.
    /// While one range is written, the node is asked for the next.
    pub(super) async fn read_deep(&mut self, mut next: u64, deep: u64, head: u64) -> Result<(), PollError> {
        let node = self.node.clone();
        let mut progress = Progress::new(next, head);
        let mut ahead = None;
        while next < deep {
            let (last, answer) = match ahead.take() {
                Some(answered) => answered,
                None => {
                    let last = (deep - 1).min(next + self.window.blocks() - 1);
                    (last, node.events(Stretch::Range(next, last)).await)
                }
            };
            let Some(events) = self.take_range(next, last, answer)? else { continue };
            let (count, after) = (events.len(), last + 1);
            let further = (deep - 1).min(after + self.window.blocks() - 1);
            let applied = self.apply(next, after, events, Vec::new());
            if after < deep {
                let (applied, answer) = tokio::join!(applied, node.events(Stretch::Range(after, further)));
                applied?;
                ahead = Some((further, answer));
            } else {
                applied.await?;
            }
            next = after;
            progress.reached(next, count);
            self.health.out_of_step(progress.to_string());
            if progress.is_due() {
                tracing::info!("{progress}");
            }
        }
        tracing::info!("read {}", progress.summary());
        Ok(())
    }

    /// The events of a range; `None` where the node finds it too large, which makes the next one smaller.
    pub(super) async fn try_range(
        &mut self,
        first: u64,
        last: u64,
    ) -> Result<Option<Vec<ChainEvent>>, PollError> {
        let answer = self.node.events(Stretch::Range(first, last)).await;
        self.take_range(first, last, answer)
    }

    /// The same of an answer that came.
    fn take_range(
        &mut self,
        first: u64,
        last: u64,
        answer: Result<Vec<ChainEvent>, NodeError>,
    ) -> Result<Option<Vec<ChainEvent>>, PollError> {
        match answer {
            Ok(events) => {
                self.window.answered(last - first + 1, events.len());
                Ok(Some(events))
            }
            Err(error) if error.is_too_much() && self.window.shrink(last - first + 1) => {
                tracing::debug!(%error, blocks = self.window.blocks(), "asking for fewer blocks");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
