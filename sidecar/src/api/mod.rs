//! The three listeners: clients, filters, operators.

pub mod admin;
mod assets;
mod bind;
mod credentials;
mod error;
mod guesses;
pub mod internal;
mod json;
mod path;
mod proof;
pub mod public;

pub use bind::{BindFailed, Bound};
