//! Bringing money home: challenges, closing what senders leave open, withdrawing.
//!
//! One task. It sees in the ledger what is due, writes an intent, signs and sends a transaction for it, and follows it
//! until the confirmed chain has done it. Whatever happens in between - a restart, a reorganisation, a node that is
//! away, an empty purse - it goes on from what stands in the ledger.

mod alarm;
mod collector;
mod due;
mod errand;
mod fees;
mod policy;
mod purse;
mod quote;

pub use alarm::{Alarm, Alarms};
pub use collector::Collector;
pub use due::{Due, Rules};
pub use policy::Policy;
pub use purse::Purse;
pub use quote::{Quote, quote};
