//! The sidecar: follows the chain, keeps balances and proofs durably, decides races between payments, agrees to close
//! channels, and serves the channel API. The only crate that awaits.

pub mod api;
pub mod chain;
pub mod collect;
pub mod commands;
pub mod deploy;
pub mod envoy;
pub mod health;
pub mod key;
pub mod lead;
pub mod metrics;
pub mod otlp;
pub mod secret;
pub mod serve;
pub mod settings;
pub mod store;
