//! Following the chain: what happens to our channels, believed once it is confirmed.

mod account;
mod audit;
pub mod contract;
mod event;
mod follower;
mod info;
mod node;
mod reading;
mod window;

pub use account::Market;
pub use audit::Auditor;
pub use event::BadLog;
pub use follower::{Fatal, Follower, Following};
pub use node::{Node, NodeError, TokenFacts};
