//! A client that pays for HTTP requests with µRaiden balance proofs.
//!
//! [`Session`] is for programs: it is given a key, limits and a node, and its requests pay as the server asks. It opens
//! a channel at the first priced resource, tops it up at its end and closes it when told to. After the first request
//! each paid one is one signature and one round trip.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use uraiden_client::{JsonFile, Policy, PrivateKeySigner, Session};
//!
//! let key: PrivateKeySigner = std::fs::read_to_string("payer.key")?.trim().parse()?;
//! // At most 1,000 base units a request, at most 50,000 locked up.
//! let session = Session::builder(key, Policy::new(1_000.into(), 50_000.into()))
//!     .rpc_url("http://127.0.0.1:8545")
//!     .store(JsonFile::open("channels.json")?)
//!     .build()?;
//! let answer = session.get("https://api.example.com/premium/report".parse()?).await?;
//! println!("{} for {}", answer.http.status(), answer.paid);
//! # Ok(())
//! # }
//! ```
//!
//! [`Payer`] is for tests and load generators: it makes the headers of a payment and does no I/O.

pub mod chain;
mod channel;
pub mod charge;
mod closing;
mod error;
mod judge;
mod payer;
mod policy;
mod purchase;
mod session;
mod store;
#[cfg(test)]
mod tests;

pub use chain::{Chain, ChainError, Mined, Settlement};
pub use channel::Channel;
pub use error::Error;
pub use payer::{Payer, proof_headers};
pub use policy::{Deposit, OnLost, Policy};
pub use session::{Response, Session, SessionBuilder};
pub use store::{ChannelStore, JsonFile};

pub use alloy::signers::local::PrivateKeySigner;
pub use reqwest;
pub use uraiden_core as core;
