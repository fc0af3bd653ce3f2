//! Channels on a real chain: what the sidecar and the Rust client make of them.

mod challenges;
mod fixture;
mod garbage;
mod lost_logs;
mod metrics;
mod needless;
mod orders;
mod outages;
mod reorganisations;
mod restarts;
mod restores;
mod sessions;
mod syncing;
mod websockets;
mod withdrawals;

/// One sidecar, and SQLite.
fn parts() -> uraiden_harness::Options {
    uraiden_harness::Options::default()
}
