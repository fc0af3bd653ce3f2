//! Channels on a real chain: what the sidecar and the Rust client make of them.

mod challenges;
mod fixture;
mod lost_logs;
mod metrics;
mod orders;
mod outages;
mod reorganisations;
mod restores;
mod sessions;
