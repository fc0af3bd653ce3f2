//! How far reading old blocks has come, and how long it will take.

use core::fmt;
use std::time::{Duration, Instant};

/// How often the log says it.
const REMINDER: Duration = Duration::from_secs(5);

/// Reading from one block to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    first: u64,
    next: u64,
    head: u64,
    began: Instant,
    /// When the log last said it.
    said: Instant,
    events: usize,
}

impl Progress {
    pub(super) fn new(first: u64, head: u64) -> Self {
        let now = Instant::now();
        Self { first, next: first, head, began: now, said: now, events: 0 }
    }

    /// All below `next` is read, with so many more events.
    pub(super) fn reached(&mut self, next: u64, events: usize) {
        self.next = next;
        self.events += events;
    }

    /// Whether the log should say so now.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.said.elapsed() >= REMINDER;
        if due {
            self.said = Instant::now();
        }
        due
    }

    /// What was read, and how long that took.
    pub(super) fn summary(&self) -> String {
        let blocks = self.next.saturating_sub(self.first);
        format!("{blocks} blocks with {} events in {:.1} s", self.events, self.began.elapsed().as_secs_f64())
    }
}

/// What payers and operators are told.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, next, head, .. } = *self;
        let (done, all) = (next.saturating_sub(first), head.saturating_sub(first).max(1));
        write!(f, "syncing with the chain: block {next} of {head}, {} %", done.saturating_mul(100) / all)?;
        match left(done, all, self.began.elapsed()) {
            Some(left) => write!(f, ", about {} left", rough(left)),
            None => Ok(()),
        }
    }
}

/// How long the rest takes if it goes on as before. `None` before anything is done.
fn left(done: u64, all: u64, elapsed: Duration) -> Option<Duration> {
    let rest = u128::from(all.saturating_sub(done));
    let millis = elapsed.as_millis().checked_mul(rest)?.checked_div(done.into())?;
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}

/// In the largest unit that it has more than one of.
fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{} s", seconds.max(1)),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done() {
        for (done, all, seconds, estimate) in [
            (0, 100, 10, None),
            (25, 100, 10, Some("30 s")),
            (50, 100, 600, Some("10 min")),
            (1, 1_000_000, 1, Some("277 h")),
            (100, 100, 10, Some("1 s")),
        ] {
            let found = left(done, all, Duration::from_secs(seconds)).map(rough);
            assert_eq!(found.as_deref(), estimate, "{done} of {all} in {seconds} s");
        }
    }

    #[test]
    fn it_says_where_it_is() {
        let mut progress = Progress::new(1000, 3000);
        assert_eq!(progress.to_string(), "syncing with the chain: block 1000 of 3000, 0 %");
        progress.reached(2000, 7);
        let text = progress.to_string();
        assert!(text.starts_with("syncing with the chain: block 2000 of 3000, 50 %, about "), "{text}");
        assert!(progress.summary().starts_with("1000 blocks with 7 events in "));
        assert!(!progress.is_due());
    }
}
