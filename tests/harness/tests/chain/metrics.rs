//! What Prometheus is told, and that it is what docs/operations.md says.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;
use uraiden_harness::Stack;

use crate::fixture::{Customer, newest, options, until, until_read};

const MANUAL: &str = include_str!("../../../../docs/operations.md");

#[tokio::test]
async fn the_manual_and_the_metrics_agree() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let text = metrics(&stack).await?;
    let told: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();
    let documented: BTreeMap<_, _> = MANUAL
        .lines()
        .filter(|line| line.starts_with("| `uraiden_"))
        .filter_map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
            Some((cells.next()?, cells.next()?))
        })
        .collect();
    assert_eq!(told, documented);
    assert!(told.len() > 20, "{told:?}");
    for (name, kind) in &told {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        assert!(!name.contains("_ms") && !name.ends_with("_time"), "{name}: times are in seconds");
    }
    Ok(())
}

#[tokio::test]
async fn payments_and_what_they_add_up_to_are_counted() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let customer = Customer::who_paid(&stack, 3).await?;
    let failed = customer.offer_to(&stack, "/premium/scene?status=503", 40).await?;
    assert_eq!(failed.status, 503);
    stack.chain.mine(1).await?;
    until_read(&stack).await?;
    until("the take-back is counted", &stack, async || {
        Ok(value(&stack, "uraiden_payments_taken_back_total").await? == 1.0)
    })
    .await?;
    let node = format!("uraiden_rpc_calls_total{{node=\"{}\"}}", stack.chain.rpc_url());
    for (metric, expected) in [
        ("uraiden_payments_accepted_total", 4.0),
        ("uraiden_payments_refused_total{reason=\"replay\"}", 0.0),
        ("uraiden_store_failures_total", 0.0),
        ("uraiden_ready", 1.0),
        ("uraiden_chain_in_sync", 1.0),
        ("uraiden_chain_incident", 0.0),
        ("uraiden_leader", 1.0),
        ("uraiden_lease_taken_total", 1.0),
        ("uraiden_chain_read_block", newest(&stack).await? as f64),
        ("uraiden_chain_lag_blocks", 0.0),
        ("uraiden_channels{state=\"open\"}", 1.0),
        ("uraiden_channels{state=\"held\"}", 0.0),
        ("uraiden_deposits_base_units", 1000.0),
        ("uraiden_unclaimed_base_units", 30.0),
        ("uraiden_claimable_base_units", 30.0),
        ("uraiden_challenges", 0.0),
        ("uraiden_ledger_generation", 1.0),
    ] {
        assert_eq!(value(&stack, metric).await?, expected, "{metric}");
    }
    assert!(value(&stack, "uraiden_challenge_blocks_left").await?.is_nan());
    for positive in [
        &node,
        "uraiden_receiver_ether",
        "uraiden_commit_seconds_count",
        "uraiden_transaction_entries_sum",
        "uraiden_batch_entries_sum",
    ] {
        assert!(value(&stack, positive).await? > 0.0, "{positive}");
    }
    Ok(())
}

#[tokio::test]
async fn a_challenge_that_is_stuck_counts_down() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let cheat = Customer::who_paid(&stack, 3).await?;
    cheat.ask_to_close(0).await?;
    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    stack.chain.mine(1).await?;
    until("the challenge is counted", &stack, async || Ok(value(&stack, "uraiden_challenges").await? == 1.0))
        .await?;
    let before = value(&stack, "uraiden_challenge_blocks_left").await?;
    assert!((1.0..=500.0).contains(&before), "{before}");
    assert_eq!(value(&stack, "uraiden_channels{state=\"pending\"}").await?, 1.0);
    Ok(())
}

async fn metrics(stack: &Stack) -> Result<String> {
    let answer = stack.sidecar.ask_admin("/metrics").await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(
        answer.header("content-type").is_some_and(|format| format.starts_with("text/plain; version=0.0.4"))
    );
    Ok(answer.text())
}

/// The sample with exactly this name and labels.
async fn value(stack: &Stack, sample: &str) -> Result<f64> {
    let text = metrics(stack).await?;
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("there is no {sample} in\n{text}"))?.parse()?)
}
