//! The table of benchmarks: what each measures, and what it needs.

use crate::build::STACK_TOOLS;
use crate::tools::Tool;

/// One row of the table. The program is a subcommand of the harness's `bench`, with the same name.
pub(crate) struct Benchmark {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it measures, in a line.
    pub(crate) measures: &'static str,
    /// About how long it takes once everything is built, in minutes.
    pub(crate) minutes: u32,
    /// What has to be on the machine.
    pub(crate) tools: &'static [Tool],
    /// What `--help` says of its options and of the keys of its JSON.
    pub(crate) help: &'static str,
}

/// All benchmarks.
pub(crate) const BENCHMARKS: &[Benchmark] = &[Benchmark {
    name: "signature",
    measures: "one signature check, beside libsecp256k1's on the same machine in the same minutes",
    minutes: 1,
    tools: STACK_TOOLS,
    help: "\
  --rounds N    rounds, in each of which everything is measured once; 20 by default

The best round of each counts: whatever else the machine does only ever adds time.

  first_native_us   recovering the signer and comparing its address, natively
  native_verify_us  libsecp256k1's verification with a known key
  native_ratio      the first divided by the second, at most 2.7
",
}];
