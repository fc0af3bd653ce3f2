//! The HTTP protocol against the real Envoy and a real chain.

mod closed;
mod fixture;
mod prices;
mod rows;
mod traps;
mod upstream;
