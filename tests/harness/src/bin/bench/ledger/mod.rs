//! The ledger: how many payments it makes durable beside a bare loop on the same disk, how long one takes, and what
//! batching saves.

mod bare;
mod direct;

use anyhow::Result;
use clap::ValueEnum;
use uraiden_harness::Database;

use crate::channels::{self, Channel};
use crate::histogram::{BATCH_ENTRIES, Histogram};
use crate::report::Report;
use crate::rounds::median;
use crate::through::{Bench, Sample};
use crate::{service, signature};
use direct::Direct;

/// Connections through Envoy.
const CONNECTIONS: usize = 64;

/// Requests of each kind against the slow service in a round.
const SLOW_REQUESTS: usize = 100;

/// PostgreSQL's own defaults, where the harness's server is smaller.
const SETTINGS: &str = "shared_buffers = 128MB\nmax_wal_size = 1GB";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which everything is measured once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests of each kind through Envoy in a round
    #[arg(long, default_value_t = 6400, value_parser = clap::value_parser!(u32).range(640..))]
    requests: u32,
    /// postgres measures a ledger in PostgreSQL beside the one in SQLite
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    database: Database,
}

pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let mut report = Report::new("ledger");
    let mut ledgers = Vec::new();
    for &database in Database::value_variants() {
        if database == Database::Sqlite || database == options.database {
            ledgers.push(Ledger::start(database, options.requests as usize).await?);
        }
    }
    for _ in 0..options.rounds {
        for Ledger { bench, channels, direct, .. } in &mut ledgers {
            direct.round(&bench.stack, channels).await?;
        }
    }
    let verify_us = signature::native_verify_us()?;
    for mut ledger in ledgers {
        match ledger.database {
            Database::Sqlite => report.column("SQLite", ""),
            Database::Postgres { .. } => report.column("PostgreSQL", "postgres_"),
        }
        ledger.direct.report(&mut report, verify_us);
        ledger.through(&mut report, options).await?;
    }
    Ok(report)
}

/// A stack with the ledger in one of the databases, and who pays there.
struct Ledger {
    database: Database,
    bench: Bench,
    channels: Vec<Channel>,
    direct: Direct,
}

impl Ledger {
    async fn start(database: Database, requests: usize) -> Result<Self> {
        let database = match database {
            Database::Sqlite => Database::Sqlite,
            Database::Postgres { .. } => Database::Postgres { settings: SETTINGS },
        };
        let bench = Bench::start(database, Vec::new(), requests, CONNECTIONS, 1).await?;
        let mut channels = channels::open(&bench.stack, 0..direct::IN_FLIGHT).await?;
        let direct = Direct::prepare(&bench.stack, database, &mut channels).await?;
        Ok(Self { database, bench, channels, direct })
    }

    /// The same through Envoy.
    async fn through(&mut self, report: &mut Report, options: &Options) -> Result<()> {
        let Self { bench, channels, .. } = self;
        let payers = &mut channels[..CONNECTIONS];
        let many = compare(bench, payers, options.rounds, true).await?;
        bench.resize(options.requests as usize / 10, 1).await?;
        let one = compare(bench, &mut payers[..1], options.rounds, false).await?;
        let entries = &many.entries;
        report.at_least("payments_per_call", entries.quantile(0.5), "", 8.0);
        report.figure("mean_payments_per_call", entries.mean(), "");
        report.figure("call_each_cpu_us", one.costs(), "µs");
        report.figure("batched_cpu_us", many.costs(), "µs");
        let plain = median(&many.plain, Sample::cpu);
        report.figure("plain_cpu_us", plain, "µs");
        report.at_least("saved_by_batching", (one.costs() - many.costs()) / plain, "", 0.8);
        overlap(report, bench, &mut payers[..1], options.rounds).await
    }
}

/// Requests without the paywall and paid ones, in turns.
struct Compared {
    plain: Vec<Sample>,
    paid: Vec<Sample>,
    /// Of the calls for the paid ones.
    entries: Histogram,
}

impl Compared {
    /// What Envoy does more for a paid request, in microseconds of its processor time.
    fn costs(&self) -> f64 {
        median(&self.paid, Sample::cpu) - median(&self.plain, Sample::cpu)
    }
}

async fn compare(bench: &mut Bench, payers: &mut [Channel], rounds: u32, meet: bool) -> Result<Compared> {
    if meet {
        bench.meet(payers).await?;
    }
    let before = Histogram::read(&bench.stack.sidecar, BATCH_ENTRIES).await?;
    let (mut plain, mut paid) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(bench.plain("/free").await?);
        let scripts = bench.paid(payers, "/premium/a")?;
        paid.push(bench.through(scripts).await?);
    }
    let entries = Histogram::read(&bench.stack.sidecar, BATCH_ENTRIES).await?.since(&before);
    Ok(Compared { plain, paid, entries })
}

/// What a paid GET takes longer than a free one, where the service works for ten milliseconds meanwhile.
async fn overlap(report: &mut Report, bench: &mut Bench, payers: &mut [Channel], rounds: u32) -> Result<()> {
    bench.resize(SLOW_REQUESTS, 1).await?;
    let (mut free, mut paid) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        free.push(bench.through(bench.unpaid(&format!("/{}", service::SLOW))).await?);
        let scripts = bench.paid(payers, &format!("/premium/{}", service::SLOW))?;
        paid.push(bench.through(scripts).await?);
    }
    let p50 = |samples: &[Sample]| median(samples, |sample| sample.run.quantile(0.5));
    report.figure("free_10ms_p50", p50(&free), "ms");
    report.figure("paid_10ms_p50", p50(&paid), "ms");
    report.at_most("added_p50", p50(&paid) - p50(&free), "ms", 0.5);
    Ok(())
}
