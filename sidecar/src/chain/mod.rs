//! Following the chain: what happens to our channels, believed once it is confirmed.

mod account;
mod audit;
pub mod contract;
mod deep;
mod endpoint;
mod error;
mod event;
mod examine;
mod follower;
mod heads;
mod http;
mod incident;
mod info;
mod lookout;
mod node;
mod progress;
mod reading;
mod window;

pub use account::Market;
pub use audit::Auditor;
pub use error::NodeError;
pub use event::BadLog;
pub use examine::Fatal;
pub use follower::{Ended, Follower, Following};
pub use incident::tell_incident;
pub use lookout::Lookout;
pub use node::{Node, TokenFacts};
