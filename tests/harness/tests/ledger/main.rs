//! The rules of money, under any order of events.
//!
//! The filter's own gates and the sidecar's own ledger on its real database, with payers, a network, upstreams and a
//! chain around them that do whatever a seed says: messages are lost, late and repeated, virtual machines and the
//! sidecar crash, blocks are replaced. Each answer of the ledger is compared with a model of it that knows no SQL, and
//! after each event the rules are checked.
//!
//! `URAIDEN_SEED`, any text, is where the random choices start: `cargo xtask test ledger` sets it to the tree's hash, or to
//! what `--seed` says. `URAIDEN_RUNS` is how many runs there are. What failed once is kept in `failed.txt` and runs first.

mod chain;
mod model;
mod op;
mod payer;
mod tally;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
};
use uraiden_core::digest::keccak256;

use crate::op::op;
use crate::world::World;

/// How long one run is at most.
const LONGEST: usize = 240;

/// How many runs there are, where nothing else is asked for.
const RUNS: u32 = 400;

const FAILED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ledger/failed.txt");

#[test]
fn money_is_never_lost_doubled_or_taken_for_nothing() {
    let seed = std::env::var("URAIDEN_SEED").unwrap_or_else(|_| "ledger".to_owned());
    let runs = std::env::var("URAIDEN_RUNS").map_or(RUNS, |runs| runs.parse().expect("URAIDEN_RUNS"));
    println!("URAIDEN_SEED={seed}, {runs} runs of up to {LONGEST} events");
    let config = Config {
        cases: runs,
        max_shrink_iters: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(FAILED))),
        source_file: Some(file!()),
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &keccak256(&[seed.as_bytes()]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&prop::collection::vec(op(), 20..LONGEST), |ops| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for op in ops {
                world.apply(op).await;
                world
                    .check()
                    .await
                    .map_err(|broken| TestCaseError::fail(format!("after {op:?}: {broken}")))?;
            }
            world.settle().await.map_err(|broken| TestCaseError::fail(format!("at the end: {broken}")))
        })
    });
    let missing = tally::missing();
    if let Err(failure) = outcome {
        panic!("URAIDEN_SEED={seed}: {failure}");
    }
    assert!(missing.is_empty(), "in {runs} runs nothing of this happened: {missing:?}");
}
