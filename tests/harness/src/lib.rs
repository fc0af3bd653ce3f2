//! The whole stack on free loopback ports: chain, contract, sidecar, upstream and Envoy, all of them real.
//!
//! ```no_run
//! # async fn scene() -> anyhow::Result<()> {
//! use uraiden_harness::{Options, Stack};
//!
//! let stack = Stack::start(Options::default()).await?;
//! let payer = stack.payer().await?;
//! let answer = stack.raw_get("/premium/a", payer.headers(1000.into())).await?;
//! assert_eq!(answer.status, 200);
//! assert_eq!(stack.upstream().seen("/premium/a"), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Everything ends with the [`Stack`], and with the process at the latest: each child asks the kernel to be killed
//! when its parent dies. A stack is not bound to the async runtime it was started in, so tests can share one.

mod accounts;
pub mod audit;
mod chain;
mod deploy;
mod envoy;
mod folder;
mod ground;
mod link;
mod load;
mod members;
mod nodes;
mod options;
mod part;
mod payers;
mod postgres;
mod query;
mod raw;
mod relay;
mod rpc_proxy;
mod scrape;
mod sidecar;
mod stack;
mod tools;
mod upstream;
mod usage;

pub use accounts::Account;
pub use chain::DevChain;
pub use deploy::Deployment;
pub use envoy::{Envoy, EnvoyConfig, Meter};
pub use link::{Link, LinkFault};
pub use load::{Connection, Flood, Flooding};
pub use options::{Database, ExistingChain, Options};
pub use part::Part;
pub use postgres::{Postgres, Replication, Wire, WireFault};
pub use raw::{Answer, NO_HEADERS, send};
pub use relay::Relay;
pub use rpc_proxy::{Fault, RpcProxy};
pub use scrape::{Sample, Scrape};
pub use sidecar::{Ran, Sidecar, migration};
pub use stack::Stack;
pub use upstream::{ANSWER, Upstream};
pub use usage::Usage;
