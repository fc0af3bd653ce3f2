//! The rules of the ledger again, kept in PostgreSQL, and those that only it needs. It is run by name, with the variable
//! `URAIDEN_TEST_POSTGRES` naming a database that may be filled:
//!
//! ```text
//! URAIDEN_TEST_POSTGRES=postgres://postgres@127.0.0.1/postgres cargo test --package uraiden-sidecar --test ledger-in-postgres
//! ```

mod moving;
mod sharing;

#[path = "../sidecar/api_internal.rs"]
mod api_internal;
#[path = "../sidecar/api_public.rs"]
mod api_public;
#[path = "../sidecar/chain_effects.rs"]
mod chain_effects;
#[path = "../sidecar/closing.rs"]
mod closing;
#[path = "../sidecar/commit.rs"]
mod commit;
#[path = "../sidecar/fixture.rs"]
mod fixture;
#[path = "../sidecar/generation.rs"]
mod generation;
#[path = "../sidecar/incident.rs"]
mod incident;
#[path = "../sidecar/income.rs"]
mod income;
#[path = "../sidecar/intents.rs"]
mod intents;
#[path = "../sidecar/lease.rs"]
mod lease;
#[path = "../sidecar/lookups.rs"]
mod lookups;
#[path = "../sidecar/take_back.rs"]
mod take_back;
#[path = "../sidecar/transfer.rs"]
mod transfer;
