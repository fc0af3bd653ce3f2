//! What the measuring machine is and does.

use std::fs;
use std::thread;

use serde_json::{Value, json};

/// The processor, how many threads it has for us, and how busy it is: a benchmark that shares its machine should
/// say so.
pub(crate) fn describe() -> Value {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, name)| name.trim());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().and_then(|minute| minute.parse::<f64>().ok());
    json!({
        "processor": processor,
        "threads": thread::available_parallelism().map_or(1, usize::from),
        "load_before": load,
    })
}
