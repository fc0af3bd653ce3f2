//! Following the chain: what happens to our channels, believed once it is confirmed.

pub mod contract;
mod event;
mod follower;
mod node;
mod reading;
mod window;

pub use event::BadLog;
pub use follower::{Fatal, Follower, Following};
pub use node::{Node, NodeError};
