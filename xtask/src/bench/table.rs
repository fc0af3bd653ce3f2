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
pub(crate) const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
    name: "signature",
    measures: "a signature check in Envoy, beside libsecp256k1's natively in the same minutes",
    minutes: 1,
    tools: STACK_TOOLS,
    help: "\
  --rounds N    rounds, in each of which everything is measured once; 20 by default

The best round of each counts: whatever else the machine does only ever adds time.

  native_verify_us        libsecp256k1's verification with a known key, natively
  repeat_us               our check in Envoy, 64 signers in turn who all have signed before
  first_us                the same of a signer who was never met: the key is recovered
  repeat_2048_signers_us  as repeat_us, with 2,048 signers in turn
  …_ratio                 each divided by native_verify_us: at most 0.97, 2.7 and 1.5
  bytes_per_signer        what the tables of the 64 signers take, each
  first_native_us         as first_us, natively
",
    },
    Benchmark {
        name: "flood",
        measures: "payments during a flood of validly signed payments on channels that do not exist",
        minutes: 2,
        tools: STACK_TOOLS,
        help: "\
  --rounds N       rounds, in each of which everything is measured once; 3 by default
  --seconds N      how long each measurement lasts; 5 by default
  --payers N       payers, each of whom sends the next payment when the last was answered; 8 by default
  --connections N  the flood's connections; 400 by default
  --rate N         how many requests the flood sends in a second, at most; 1000 by default

Everything runs on this machine, the clients too, so any flood takes processor time from the payers. A flood of as
many requests without a payment shows how much of it the made-up channels are. Ratios are of the best round, the
newcomer's time is of the worst, everything else is of the last.

  quiet_payments_per_s       without a flood
  unpaid_payments_per_s      during a flood of requests without a payment
  flooded_payments_per_s     during a flood of made-up channels
  unpaid_requests_per_s      what was answered of the flood without payments
  made_up_looked_up_per_s    what was looked up of the flood of made-up channels, and answered with 402
  made_up_turned_away_per_s  what was answered with 503
  flooded_to_quiet           flooded_payments_per_s divided by quiet_payments_per_s
  flooded_to_unpaid          flooded_payments_per_s divided by unpaid_payments_per_s
  newcomer_s                 from a new channel's first request, at another address, to its first paid answer; at most 5
",
    },
    Benchmark {
        name: "sync",
        measures: "the sidecar with 100,000 channels: reading them, starting again, looking them up, memory",
        minutes: 4,
        tools: STACK_TOOLS,
        help: "\
  --channels N    how many channels; 100000 by default
  --per-block N   how many of them each block opens; 20 by default

Opens the channels on a real node first, which takes most of the time. What is repeated counts by its best round.

  sync_s          from an empty database until the sidecar is ready
  node_alone_s    the same log entries, asked for by somebody who does nothing with them
  bare_insert_s   SQLite alone, for the same rows in the same tables, in one durable transaction
  our_share       the part of sync_s that is not the node's, at most 0.3
  sync_cpu_s      processor time of the sidecar for it, of which most passes while the node works
  sync_peak_mb    the most memory that it took, at most 250
  restart_s       from the start with that database until it is ready, at most 3
  lookup_us       one lookup in the sidecar, reading and writing its JSON included, at most 50; the median of calls
                  with many, less the median of calls with none
  lookup_call_us  a whole call with one lookup over loopback, and empty_call_us one with none
  resident_mb     memory in the end, at most 250
  calls_per_poll  questions to the node for each poll that finds nothing new, at most 2
",
    },
    Benchmark {
        name: "ledger",
        measures: "how many payments become durable beside a bare loop on the same disk, and what batching saves",
        minutes: 2,
        tools: STACK_TOOLS,
        help: "\
  --rounds N     rounds, in each of which everything is measured once; 5 by default
  --requests N   requests of each kind through Envoy in a round; 6400 by default
  --database K   postgres measures a ledger in PostgreSQL, on a server of its own, beside the one in SQLite, in turns;
                 sqlite by default

First straight to the sidecar, with 256 payments in flight in calls of 32, as filters send them. The bare loop
writes the same rows of a copy of the same ledger, by SQLite's C library, 256 payments a transaction, and does nothing
else: no HTTP, no JSON, no question to the ledger. In PostgreSQL it writes them by a statement a table, over one
connection. Then through one worker of Envoy. Medians of all rounds. Keys of PostgreSQL's figures begin with postgres_.

  bare_payments_per_s          payments that the bare loop makes durable in a second
  bare_checked_payments_per_s  the same if it also checked each signature, by libsecp256k1 with a known key
  payments_per_s         payments that the sidecar makes durable in a second, the signatures checked
  bare_ratio             payments_per_s / bare_payments_per_s
  payments_ratio         payments_per_s / bare_checked_payments_per_s, at least 0.6
  payments_per_fsync     payments in each transaction of the sidecar, at least 100
  bare_commit_us         one payment at a time: the transaction alone. Means, here and in the next two
  commit_us              the same by the ledger, from the question until it is durable
  commit_ratio           commit_us / bare_commit_us, at most 1.5
  commit_call_us         the whole call over loopback
  payments_per_call      payments in a call of Envoy's to the sidecar with 64 connections, at least 8; the median,
                         and mean_payments_per_call
  call_each_cpu_us       Envoy's processor time that a paid request takes more than one past the paywall, if every
                         payment is a call; batched_cpu_us with 64 connections
  saved_by_batching      the difference of those two, divided by plain_cpu_us, at least 0.8
  free_10ms_p50, paid_10ms_p50   milliseconds to the answer of a service that takes ten, for a GET without and with a
                         price through the paywall
  added_p50              the difference, at most 0.5
",
    },
    Benchmark {
        name: "scaling",
        measures: "1 to 4 sidecars on one PostgreSQL, with 1,000 to 1,000,000 channels in it",
        minutes: 4,
        tools: &[Tool::WasmTarget, Tool::Npm, Tool::Envoy, Tool::Postgres],
        help: "\
  --sidecars N     1 to this many sidecars; 4 by default
  --channels N,…   numbers of channels in the database; 1000,10000,100000,1000000 by default
  --payers N       channels that pay, at most; 10000 by default
  --payments N     payments in each measurement; 20000 by default
  --rounds N       rounds, in each of which every number of sidecars is measured once; 3 by default

A short run: --channels 1000,10000 --rounds 1 --sidecars 2

One server that makes everything durable, and sidecars of which the first N get payments while the others stand by:
768 in flight, in calls of 32 over 24 connections, straight to the sidecars, each payment by a channel of its own. Those
that pay were opened on the chain, and their proofs are signed beforehand; the other channels are rows that were written
by SQL. Everything runs on this machine, what sends the payments too. Medians of all rounds.

Each number of channels is a column, whose keys begin with channels_N_.

  sidecars_N_payments_per_s            payments that N sidecars make durable in a second
  sidecars_N_p50_ms, …_p99_ms          from a call until its answer, half and 99 % of the calls, at that load
  sidecars_N_payments_per_transaction  payments in each transaction, which costs the server's disk a sync
  sidecars_N_server_cpu_us             processor time of the server's processes for each payment
  sidecars_N_sidecar_cpu_us            the same of the sidecars
  sidecars_N_ratio                     payments a second beside one sidecar's in the same round
  channel_bytes                        what a channel takes in its tables, indices included
  payment_bytes                        what an attempt to pay takes until it is pruned, 15 minutes later
  payment_log_bytes                    what a payment writes into the server's log of changes
",
    },
    Benchmark {
        name: "soak",
        measures: "ten minutes of payments at a steady rate: whether memory grows, and whether anything fails",
        minutes: 11,
        tools: STACK_TOOLS,
        help: "\
  --minutes N       how long; 10 by default
  --connections N   connections at a time, which are kept; 64 by default
  --channels N      channels that pay in turns; 1000 by default

One worker of Envoy, a service over loopback, and the sidecar, at four fifths of the highest rate that they reach
together with what signs and sends the requests.

  highest_rps        the highest rate, requests a second; rps what was kept up
  start_…, minute_…, middle_…, end_…   memory of Envoy and the sidecar before, after the first minute and so on
  …_p99              milliseconds within which 99 % of the requests were answered
  envoy_growth, sidecar_growth   memory at the end, divided by that after the first minute: at most 1.05
  errors             answers other than 200: none
",
    },
    Benchmark {
        name: "filter",
        measures: "requests through Envoy without the paywall, through it for free, and paid",
        minutes: 4,
        tools: STACK_TOOLS,
        help: "\
  --rounds N        rounds, in each of which everything is measured once; 5 by default
  --requests N      requests of each kind in a round; 10000 by default
  --connections N   connections at a time, which are kept; 64 by default
  --channels N,…    numbers of channels to compare with one per connection; 1000 by default

One worker of Envoy, a service over loopback, and the sidecar with durable commits, all on this machine together
with what sends the requests. Paid requests pay by balance proofs that were signed before. Medians of all rounds.

  ceiling_rps      what the load generator reaches without Envoy, requests a second
  plain_…          the same Envoy, by a listener without the paywall
  free_…           through the paywall, on a route without a price
  paid_…           through the paywall, each request paid
  …_rps, …_cpu_us  requests a second; Envoy's processor time per request
  …_p50, …_p99     milliseconds to the answer, half and 99 % of the requests; …_10ms_… with a service that takes 10 ms
  free_ratio       free_rps / plain_rps, at least 0.85
  paid_ratio       paid_rps / plain_rps, at least 0.30
  paid_cpu_ratio   paid_cpu_us / plain_cpu_us, at most 2.8
  paid_N_channels_cpu_ratio   with N channels, compared with one per connection: at most 1.15
  worker_mb        memory of one more worker that knows 256 signers well, at most 8; one_worker_mb is all of an Envoy with one
",
    },
];
