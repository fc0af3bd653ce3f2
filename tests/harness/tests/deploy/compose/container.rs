//! A process in a cell, as Docker would treat it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::place;

/// How long a service may take to become healthy, or to end.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A process in the cell.
pub(super) struct Container {
    pub(super) name: String,
    pub(super) entry: Child,
    pub(super) pid: u32,
    pub(super) environment: Vec<String>,
    pub(super) log: PathBuf,
}

impl Container {
    /// Waits for its end, which has to be a good one, and answers what it said.
    pub(super) fn end(mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.entry.try_wait()? {
                Some(status) if status.success() => return Ok(self.text()),
                Some(status) => bail!("{}: {status}\n{}", self.name, self.text()),
                None if Instant::now() > deadline => bail!("{} does not end\n{}", self.name, self.text()),
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Asks it to end as Docker does, and waits until it has.
    pub(super) fn stop(mut self) -> Result<()> {
        place::output(Command::new("kill").args(["-TERM", &self.pid.to_string()]))?;
        let deadline = Instant::now() + PATIENCE;
        while self.entry.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "{} does not stop\n{}", self.name, self.text());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// All that it has said, or the end of it.
    pub(super) fn text(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string());
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
