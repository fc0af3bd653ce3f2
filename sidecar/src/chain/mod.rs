//! Following the chain: what happens to our channels, believed once it is confirmed.

mod account;
mod audit;
pub mod contract;
mod deep;
mod endpoint;
mod error;
mod event;
mod follower;
mod heads;
mod http;
mod info;
mod node;
mod progress;
mod reading;
mod window;

pub use account::Market;
pub use audit::Auditor;
pub use error::NodeError;
pub use event::BadLog;
pub use follower::{Fatal, Follower, Following};
pub use node::{Node, TokenFacts};
