//! The rules of the ledger and of the two APIs, without a node. Scenes with a real one are the harness's.

mod api_internal;
mod api_public;
mod chain_effects;
mod closing;
mod commit;
mod copies;
mod database;
mod earlier_tables;
mod envoy_files;
mod fixture;
mod generation;
mod incident;
mod income;
mod intents;
mod leading;
mod lease;
mod lookups;
mod settings;
mod take_back;
mod transfer;
