//! What a process uses, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in memory now.
    pub resident: u64,
    /// The most that there ever were.
    pub peak: u64,
    /// Time on a processor, of all its threads.
    pub cpu: Duration,
}

impl Usage {
    /// Of the process with this id.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            fs::read_to_string(&path).context(path)
        };
        let status = read("status")?;
        let stat = read("stat")?;
        Ok(Self {
            resident: kilobytes(&status, "VmRSS:")?,
            peak: kilobytes(&status, "VmHWM:")?,
            cpu: processor_time(&stat).with_context(|| format!("/proc/{pid}/stat: {stat:?}"))?,
        })
    }
}

fn kilobytes(status: &str, key: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(number.with_context(|| format!("no {key} in /proc/…/status"))? * 1024)
}

/// The fields 14 and 15 are ticks in user mode and in the kernel. The second, the name, may hold spaces.
fn processor_time(stat: &str) -> Option<Duration> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis(ticks.checked_mul(1000)?.checked_div(per_second)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_uses_memory_and_time() {
        let before = Usage::of(std::process::id()).unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        let mut after = Usage::of(std::process::id()).unwrap();
        assert!(after.resident > before.resident + (32 << 20), "{before:?} {after:?}");
        assert!(after.peak >= after.resident);
        drop(block);
        while after.cpu <= before.cpu {
            after = Usage::of(std::process::id()).unwrap();
        }
    }
}
