//! The three listeners: clients, filters, operators.

pub mod admin;
mod bind;
mod error;
mod guesses;
pub mod internal;
mod json;
mod proof;
pub mod public;

pub use bind::{BindFailed, Bound};
