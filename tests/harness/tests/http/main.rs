//! The HTTP protocol against the real Envoy and a real chain.

mod access_log;
mod admission;
mod answers;
mod closed;
mod connections;
mod cors;
mod crash;
mod dashboard;
mod fixture;
mod flood;
mod hostile;
mod link;
mod metrics;
mod overlap;
mod price_service;
mod prices;
mod rows;
mod shadow;
mod streams;
mod tracing;
mod traps;
mod upstream;
mod versions;
