//! Every metric: its name, its labels and what it says. docs/operations.md has the same table.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, with the unit at its end.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What it says, in a sentence.
    pub help: &'static str,
    /// Its label, and that one's values as far as they are known from the beginning.
    label: Option<(&'static str, &'static [&'static str])>,
}

pub(super) const ACCEPTED: &str = "uraiden_payments_accepted_total";
pub(super) const REFUSED: &str = "uraiden_payments_refused_total";
pub(super) const REPEATED: &str = "uraiden_commits_repeated_total";
pub(super) const TAKEN_BACK: &str = "uraiden_payments_taken_back_total";
pub(super) const UNKNOWN: &str = "uraiden_attempts_unknown_total";
pub(super) const SPENT: &str = "uraiden_payments_from_credit_total";
pub(super) const CREDITED: &str = "uraiden_payments_credited_total";
pub(super) const KEPT: &str = "uraiden_payments_kept_total";
pub(super) const CONFLICTS: &str = "uraiden_attempt_conflicts_total";
pub(super) const COMMIT_SECONDS: &str = "uraiden_commit_seconds";
pub(super) const TRANSACTION_ENTRIES: &str = "uraiden_transaction_entries";
pub(super) const BATCH_ENTRIES: &str = "uraiden_batch_entries";
pub(super) const STORE_FAILURES: &str = "uraiden_store_failures_total";
pub(super) const COMMITS_LOST: &str = "uraiden_commits_lost_total";
pub(super) const LAGGING_STANDBYS: &str = "uraiden_database_lagging_standbys";
pub(super) const RPC_CALLS: &str = "uraiden_rpc_calls_total";
pub(super) const RPC_ERRORS: &str = "uraiden_rpc_errors_total";
pub(super) const READY: &str = "uraiden_ready";
pub(super) const IN_SYNC: &str = "uraiden_chain_in_sync";
pub(super) const LEADER: &str = "uraiden_leader";
pub(super) const LEASE_TAKEN: &str = "uraiden_lease_taken_total";
pub(super) const NODE_BLOCK: &str = "uraiden_chain_node_block";
pub(super) const NODE_BLOCK_TIMESTAMP: &str = "uraiden_chain_node_block_timestamp_seconds";
pub(super) const READ_BLOCK: &str = "uraiden_chain_read_block";
pub(super) const LAG: &str = "uraiden_chain_lag_blocks";
pub(super) const INCIDENT: &str = "uraiden_chain_incident";
pub(super) const CHANNELS: &str = "uraiden_channels";
pub(super) const DEPOSITS: &str = "uraiden_deposits_base_units";
pub(super) const UNCLAIMED: &str = "uraiden_unclaimed_base_units";
pub(super) const CLAIMABLE: &str = "uraiden_claimable_base_units";
pub(super) const CHALLENGES: &str = "uraiden_challenges";
pub(super) const CHALLENGES_TROUBLED: &str = "uraiden_challenges_troubled";
pub(super) const BLOCKS_LEFT: &str = "uraiden_challenge_blocks_left";
pub(super) const RECEIVER_ETHER: &str = "uraiden_receiver_ether";
pub(super) const GENERATION: &str = "uraiden_ledger_generation";

/// Why a payment is refused: core's codes for what the ledger judges, and some of its own.
const REASONS: &[&str] = &[
    "insufficient-confirmations",
    "no-such-channel",
    "channel-closed",
    "wrong-signer",
    "replay",
    "invalid-amount",
    "over-deposit",
    "exposure-limit",
    "not-ready",
    "too-late",
    "no-price",
];

/// What becomes of channels that are not settled.
pub(super) const STATES: &[&str] = &["open", "pending", "held"];

/// All metrics.
pub const METRICS: &[Metric] = &[
    counted(ACCEPTED, "Payments that were accepted"),
    Metric { label: Some(("reason", REASONS)), ..counted(REFUSED, "Payments that were refused") },
    counted(REPEATED, "Messages about payments that came again and were answered as before"),
    counted(TAKEN_BACK, "Attempts to pay that were taken back, whether or not they had been accepted"),
    counted(UNKNOWN, "Attempts to pay that were taken back before the ledger had heard of them"),
    counted(SPENT, "Requests that were served from the credit of their channel"),
    counted(CREDITED, "Payments whose resource failed when they were final, and which became a credit"),
    counted(KEPT, "Payments whose resource failed and which stay, as too many were taken back in a row"),
    counted(CONFLICTS, "Attempts to pay whose id was used before with other contents"),
    sized(COMMIT_SECONDS, "Time from the oldest question of a transaction until it was durable"),
    sized(TRANSACTION_ENTRIES, "Questions of filters that one transaction answered"),
    sized(BATCH_ENTRIES, "Questions that one call of a filter carried"),
    counted(STORE_FAILURES, "Transactions that failed"),
    counted(COMMITS_LOST, "Times that the database had forgotten transactions which it had said are durable"),
    measured(
        LAGGING_STANDBYS,
        "Standbys of the database, while commits wait for none, so that a failover loses some",
    ),
    Metric { label: Some(("node", &[])), ..counted(RPC_CALLS, "Questions to an Ethereum node") },
    Metric {
        label: Some(("node", &[])),
        ..counted(RPC_ERRORS, "Questions that a node did not answer, or with an error")
    },
    measured(READY, "1 while paid requests can be served, else 0"),
    measured(IN_SYNC, "1 while the chain is followed at its head, else 0"),
    measured(LEADER, "1 while this sidecar follows the chain and sends transactions, else 0"),
    counted(LEASE_TAKEN, "Times that this sidecar began to follow the chain and to send transactions"),
    measured(NODE_BLOCK, "Newest block that the node has"),
    measured(NODE_BLOCK_TIMESTAMP, "Time of the newest block that the node has, since 1970"),
    measured(READ_BLOCK, "Newest block that was read into the ledger"),
    measured(LAG, "Blocks that the node has and the ledger does not"),
    measured(INCIDENT, "1 while a reorganisation of confirmed blocks is not over, else 0"),
    Metric { label: Some(("state", STATES)), ..measured(CHANNELS, "Channels that are not settled") },
    measured(DEPOSITS, "Confirmed deposits of these channels, in base units of the token"),
    measured(UNCLAIMED, "What was paid through these channels and not withdrawn, in base units of the token"),
    measured(CLAIMABLE, "What of that the contract would pay out now, in base units of the token"),
    measured(CHALLENGES, "Channels whose sender takes less than is held, not settled yet"),
    measured(CHALLENGES_TROUBLED, "Challenges for which no transaction is on its way"),
    measured(
        BLOCKS_LEFT,
        "Blocks until the sender of the most urgent challenge can settle; NaN without a challenge",
    ),
    measured(RECEIVER_ETHER, "What the receiver has for transactions, in ether"),
    measured(
        GENERATION,
        "Generation of the ledger, which a restore counts up; 0 before the node was ever reached",
    ),
];

const fn counted(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help, label: None }
}

const fn measured(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help, label: None }
}

const fn sized(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help, label: None }
}

impl Metric {
    /// Says what it is, and gives it its first value.
    pub(super) fn describe(&self) {
        let Self { name, kind, help, label } = *self;
        let unit = if name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        match kind {
            Kind::Counter => {
                describe_counter!(name, unit, help);
                match label {
                    Some((label, values)) => {
                        values.iter().for_each(|value| counter!(name, label => *value).absolute(0));
                    }
                    None => counter!(name).absolute(0),
                }
            }
            Kind::Gauge => {
                describe_gauge!(name, unit, help);
                match label {
                    Some((label, values)) => {
                        values.iter().for_each(|value| gauge!(name, label => *value).set(0.0));
                    }
                    None => gauge!(name).set(0.0),
                }
            }
            Kind::Histogram => {
                describe_histogram!(name, unit, help);
                // Being named is enough to be shown, with no sample.
                let _ = histogram!(name);
            }
        }
    }
}
