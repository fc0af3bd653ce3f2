//! What a flood of payments on made-up channels does to those who pay.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use uraiden_client::Payer;
use uraiden_core::TokenAmount;
use uraiden_harness::{Connection, Flood, Flooding, Options as StackOptions, Stack};

use crate::report::Report;

const PATH: &str = "/premium/flood";
const PRICE: u64 = 1000;

/// How many payments the channel of a payer covers: more than it can make meanwhile.
const PAYMENTS: u64 = 10_000_000;

/// How long a new, honest channel may wait for its first paid answer, in seconds.
const NEWCOMER: f64 = 5.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds, in each of which everything is measured once
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each measurement lasts, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Payers, each of whom sends the next payment when the last was answered
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    payers: u32,
    /// The flood's connections
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How many requests the flood sends in a second, at most
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
}

pub(crate) fn measure(options: &Options) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(rounds(options))
}

/// What one measurement found.
#[derive(Default)]
struct Phase {
    payments: f64,
    /// The flood's answers 402 and 503.
    refused: f64,
    busy: f64,
}

async fn rounds(options: &Options) -> Result<Report> {
    let mut report = Report::new("flood");
    let price = TokenAmount::new(PRICE);
    let stack = Stack::start(StackOptions { price, ..StackOptions::default() }).await?;
    let mut payers = Vec::new();
    for _ in 0..options.payers {
        payers.push(Paying::new(&stack).await?);
    }
    let (mut quiet, mut unpaid, mut flooded) = (Phase::default(), Phase::default(), Phase::default());
    let (mut to_quiet, mut to_unpaid, mut newcomer) = (0.0_f64, 0.0_f64, 0.0_f64);
    for _ in 0..options.rounds {
        let new = stack.payer().await?;
        quiet = run(&stack, &mut payers, options, None).await?.0;
        unpaid = run(&stack, &mut payers, options, Some((Flood::Unpaid, None))).await?.0;
        let (phase, waited) = run(&stack, &mut payers, options, Some((Flood::MadeUp, Some(&new)))).await?;
        flooded = phase;
        to_quiet = to_quiet.max(flooded.payments / quiet.payments);
        to_unpaid = to_unpaid.max(flooded.payments / unpaid.payments);
        newcomer = newcomer.max(waited);
    }
    ensure!(flooded.refused > 0.0, "no made-up channel was looked up");
    report.figure("quiet_payments_per_s", quiet.payments, "/s");
    report.figure("unpaid_payments_per_s", unpaid.payments, "/s");
    report.figure("flooded_payments_per_s", flooded.payments, "/s");
    report.figure("unpaid_requests_per_s", unpaid.refused, "/s");
    report.figure("made_up_looked_up_per_s", flooded.refused, "/s");
    report.figure("made_up_turned_away_per_s", flooded.busy, "/s");
    report.figure("flooded_to_quiet", to_quiet, "");
    report.figure("flooded_to_unpaid", to_unpaid, "");
    report.at_most("newcomer_s", newcomer, "s", NEWCOMER);
    Ok(report)
}

/// A payer on a connection of its own.
struct Paying {
    payer: Payer,
    connection: Connection,
    balance: u64,
}

impl Paying {
    /// Has made its first payment already, so that its worker knows it.
    async fn new(stack: &Stack) -> Result<Self> {
        let deposit = stack.price().checked_mul(PAYMENTS).context("a deposit")?;
        let account = stack.account_with(deposit).await?;
        let payer = stack.open_channel(&account, deposit).await?;
        let connection = Connection::open(Ipv4Addr::LOCALHOST, stack.envoy.address()).await?;
        let mut paying = Self { payer, connection, balance: 0 };
        paying.pay().await?;
        Ok(paying)
    }

    async fn pay(&mut self) -> Result<()> {
        self.balance += PRICE;
        let status = self.connection.get(PATH, self.payer.headers(self.balance.into())).await?;
        ensure!(status == 200, "a payment was answered {status}");
        Ok(())
    }

    /// Pays until then, and counts.
    async fn pay_until(&mut self, end: Instant) -> Result<u32> {
        let mut payments = 0;
        while Instant::now() < end {
            self.pay().await?;
            payments += 1;
        }
        Ok(payments)
    }
}

/// Measures once, with or without a flood, and how long a new channel waits for its first paid answer in seconds.
async fn run(
    stack: &Stack,
    payers: &mut Vec<Paying>,
    options: &Options,
    flood: Option<(Flood, Option<&Payer>)>,
) -> Result<(Phase, f64)> {
    let pause = Duration::from_secs_f64(f64::from(options.connections) / f64::from(options.rate));
    let connections = usize::try_from(options.connections)?;
    let flooding = flood.map(|(flood, _)| flood.start(stack, PATH, connections, pause));
    // Until all of its connections are there.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = told(flooding.as_ref());
    let begun = Instant::now();
    let end = begun + Duration::from_secs(options.seconds);
    let tasks: Vec<_> = payers
        .drain(..)
        .map(|mut paying| {
            tokio::spawn(async move {
                let payments = paying.pay_until(end).await?;
                anyhow::Ok((paying, payments))
            })
        })
        .collect();
    let waited = match flood {
        Some((_, Some(new))) => first_answer(stack, new).await?,
        _ => 0.0,
    };
    let mut payments = 0;
    for task in tasks {
        let (paying, made) = task.await??;
        payers.push(paying);
        payments += made;
    }
    let passed = begun.elapsed().as_secs_f64();
    let after = told(flooding.as_ref());
    if let Some(flooding) = flooding {
        flooding.stop().await?;
    }
    let per_second = |count: f64| count / passed;
    let phase = Phase {
        payments: per_second(f64::from(payments)),
        refused: per_second(after.0 - before.0),
        busy: per_second(after.1 - before.1),
    };
    Ok((phase, waited))
}

fn told(flooding: Option<&Flooding>) -> (f64, f64) {
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    flooding.map_or((0.0, 0.0), |flooding| (number(flooding.refused()), number(flooding.busy())))
}

/// The seconds until a new payer from another place has its first paid answer, trying again when told to.
async fn first_answer(stack: &Stack, new: &Payer) -> Result<f64> {
    let begun = Instant::now();
    let mut connection = Connection::open(Ipv4Addr::new(127, 0, 0, 2), stack.envoy.address()).await?;
    loop {
        match connection.get(PATH, new.headers(PRICE.into())).await? {
            200 => return Ok(begun.elapsed().as_secs_f64()),
            503 => tokio::time::sleep(Duration::from_secs(1)).await,
            other => anyhow::bail!("the newcomer was answered {other}"),
        }
    }
}
