//! Everything breaks while payers pay, and an auditor compares all books afterwards: each fault with real parts.

mod chance;
mod closing;
mod crowd;
mod customer;
mod envoy;
mod race;
mod scene;
mod service;
mod sidecar;
mod upgrade;

/// One Envoy, one sidecar, and SQLite.
fn parts() -> uraiden_harness::Options {
    uraiden_harness::Options::default()
}
