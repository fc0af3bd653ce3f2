//! Measures: `cargo xtask bench NAME` starts it.
//!
//! Each benchmark is a subcommand with a module of its own. It fills a [`report::Report`], which becomes a JSON file
//! for programs and a table for people.

mod calls;
mod channels;
mod filter;
mod flood;
mod histogram;
mod ledger;
mod load;
mod machine;
mod memory;
mod report;
mod rounds;
mod scaling;
mod service;
mod signature;
mod soak;
mod sync;
mod through;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

#[derive(Debug, Parser)]
#[command(about = "Measures; `cargo xtask bench` builds and starts it")]
struct Arguments {
    /// Where the JSON file goes
    #[arg(long)]
    folder: PathBuf,
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Payments during a flood of made-up channels
    Flood(flood::Options),
    /// The ledger beside a bare loop, and what batching saves
    Ledger(ledger::Options),
    /// Several sidecars on one PostgreSQL, with few channels and very many
    Scaling(scaling::Options),
    /// One signature check, beside libsecp256k1's
    Signature(signature::Options),
    /// Ten minutes of payments: what memory does
    Soak(soak::Options),
    /// The sidecar with many channels
    Sync(sync::Options),
    /// Requests through Envoy: without the paywall, for free, and paid
    Filter(filter::Options),
}

fn main() -> Result<()> {
    let Arguments { folder, benchmark } = Arguments::parse();
    let report = match benchmark {
        Benchmark::Flood(options) => flood::measure(&options)?,
        Benchmark::Scaling(options) => Runtime::new()?.block_on(scaling::measure(&options))?,
        Benchmark::Signature(options) => Runtime::new()?.block_on(signature::measure(&options))?,
        Benchmark::Ledger(options) => Runtime::new()?.block_on(ledger::measure(&options))?,
        Benchmark::Filter(options) => Runtime::new()?.block_on(filter::measure(&options))?,
        Benchmark::Soak(options) => Runtime::new()?.block_on(soak::measure(&options))?,
        Benchmark::Sync(options) => sync::measure(&options)?,
    };
    report.publish(&folder)
}
