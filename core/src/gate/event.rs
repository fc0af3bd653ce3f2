//! What the gate tells of what happens, for whoever counts it.

use core::time::Duration;

/// A paid request that was served, or whose client left while it was.
pub const PAID: &str = "paid";
/// A request that costs nothing.
pub const FREE: &str = "free";
/// A payment that was taken back, since its resource failed. The problem of the same name has the same code.
pub const TAKEN_BACK: &str = "taken-back";
/// The client left, or Envoy gave up, before the paywall had decided.
pub const ABANDONED: &str = "abandoned";
/// A priced request that went on unpaid, in shadow mode.
pub const SHADOW: &str = "shadow";

/// Hears of everything that is worth counting, when it happens.
pub trait Observer {
    /// Something happened. This is on the way of every request, so it should take next to no time.
    fn saw(&self, event: Event<'_>);
}

/// What requests are counted under: a rule or a route of the operator's, never anything that a client chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// Counted from 0 for each gate; there are few.
    pub number: usize,
    /// Its name.
    pub name: &'a str,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A request has its outcome: one of this module's words, or a problem's code. Every request has one, except those
    /// for the sidecar itself.
    Outcome {
        /// Where its price comes from.
        route: Route<'a>,
        /// What became of it.
        outcome: &'static str,
    },
    /// In shadow mode: what would have become of a priced request.
    Foreseen {
        /// Where its price comes from.
        route: Route<'a>,
        /// What would have become of it.
        outcome: &'static str,
    },
    /// A payment is durable.
    Charged {
        /// Where its price comes from.
        route: Route<'a>,
        /// How much, in the configuration's `amountUnit`. What is left of a division goes into the next.
        units: u64,
    },
    /// A payment that was charged is taken back.
    Refunded {
        /// Where its price came from.
        route: Route<'a>,
        /// How much, in the configuration's `amountUnit`.
        units: u64,
    },
    /// A payment is durable, so long after its request came.
    Durable {
        /// Everything in between: lookups, the signature, waiting, the ledger.
        after: Duration,
    },
    /// Nobody knows what became of a commit.
    UnknownOutcome,
    /// Something about taking a payment back.
    TakeBack(TakeBackStep),
    /// A call to the sidecar ended.
    Called {
        /// How.
        end: CallEnd,
        /// What it asked; none is a question for health.
        entries: usize,
        /// How long it took, with its repetition.
        took: Duration,
    },
}

/// What happens on the way of taking a payment back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeBackStep {
    /// It has to be taken back.
    Asked,
    /// The question failed and is asked again.
    Repeated,
    /// It was repeated for long enough, or too many wait.
    GivenUp,
    /// It was taken back.
    Done,
    /// It became a credit.
    Credited,
    /// It stays: too many were taken back in a row.
    Kept,
}

/// How a call to the sidecar ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// With an answer that can be used.
    Answered,
    /// Without one.
    Failed,
    /// Envoy could not make it.
    NotSent,
}

/// Counts nothing.
pub(super) struct Nobody;

impl Observer for Nobody {
    fn saw(&self, _event: Event<'_>) {}
}
