//! The HTTP protocol against the real Envoy and a real chain.

mod admission;
mod closed;
mod connections;
mod crash;
mod fixture;
mod link;
mod overlap;
mod price_service;
mod prices;
mod rows;
mod streams;
mod traps;
mod upstream;
