//! A process and its children, which only together are a server.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::Usage;

/// How long a killed process may take to be gone.
const GONE: Duration = Duration::from_secs(10);

/// A process, and those that it has started and that are still there.
#[derive(Debug)]
pub(super) struct Family(Vec<Pid>);

impl Family {
    /// The parent comes first.
    pub(super) fn of(parent: Pid) -> Result<Self> {
        let mut all = vec![parent];
        for entry in fs::read_dir("/proc").context("/proc")? {
            let name = entry?.file_name();
            let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that has just ended is no matter.
            if stat(number).is_some_and(|(_, above)| above == parent.as_raw_nonzero().get()) {
                all.extend(Pid::from_raw(number));
            }
        }
        Ok(Self(all))
    }

    /// Sends a signal to each, the parent first, so that it starts no more. One that is gone already is no matter.
    pub(super) fn signal(&self, signal: Signal) {
        for &process in &self.0 {
            if let Err(error) = kill_process(process, signal) {
                tracing::debug!(?process, ?signal, %error, "gone before the signal");
            }
        }
    }

    /// Those that still can do something.
    pub(super) fn alive(&self) -> impl Iterator<Item = Pid> {
        self.0.iter().copied().filter(|&process| alive(process))
    }

    /// Time on a processor of those that are still there, so far.
    pub(super) fn cpu(&self) -> Duration {
        let used = |process: Pid| Usage::of(process.as_raw_nonzero().get().unsigned_abs()).ok();
        self.0.iter().filter_map(|&process| Some(used(process)?.cpu)).sum()
    }

    /// Waits until none is left: what a server's processes share is free only then.
    pub(super) fn until_gone(&self) -> Result<()> {
        let deadline = Instant::now() + GONE;
        while let Some(left) = self.alive().next() {
            if Instant::now() > deadline {
                bail!("process {left:?} is still there after {GONE:?}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// Whether it can still do something: whoever inherited it may let it lie.
fn alive(process: Pid) -> bool {
    stat(process.as_raw_nonzero().get()).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// A process's state and its parent.
fn stat(process: i32) -> Option<(char, i32)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name may have anything in it, also brackets.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
