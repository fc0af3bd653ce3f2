//! What an audit says, as a table.

use core::fmt;

use uraiden_core::ChannelId;

use super::evidence::{Evidence, Interruptions};
use super::ledger::Attempt;

/// Numbers of payments, over one channel or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Balances that payers have signed.
    pub signed: u64,
    /// Answers of the service that reached a payer with a status that is charged.
    pub served: u64,
    /// Payments that the ledger holds.
    pub durable: u64,
    /// Answers without a payment in the ledger.
    pub unpaid: u64,
    /// Payments that were accepted once more.
    pub double: u64,
    /// Payments in the ledger without an answer, and of these:
    pub unserved: u64,
    /// unused credit,
    pub credit: u64,
    /// take-backs beyond their limit,
    pub kept: u64,
    /// requests that their own client abandoned when they were at the service,
    pub left: u64,
    /// and what is lost.
    pub lost: u64,
}

/// The result of an audit.
#[derive(Clone, Debug)]
pub struct Report {
    /// The sums over all channels.
    pub figures: Figures,
    /// What does not agree.
    pub faults: Vec<Fault>,
    channels: usize,
    price: u64,
    interruptions: Interruptions,
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An answer reached its payer, and the ledger holds no payment for it.
    #[error("{channel}: served {times} times at balance {balance} without a payment in the ledger")]
    ServedUnpaid {
        /// The channel.
        channel: ChannelId,
        /// The balance of the proof.
        balance: u64,
        /// How many answers too many.
        times: u64,
    },
    /// The step to one balance was counted more than once.
    #[error("{channel}: the payment of balance {balance} was accepted {times} times")]
    DoubleAcceptance {
        /// The channel.
        channel: ChannelId,
        /// The balance.
        balance: u64,
        /// How often.
        times: u64,
    },
    /// One answer of the service reached two requests.
    #[error("the service's answer {token} reached more than one request")]
    ServedTwice {
        /// Its token.
        token: String,
    },
    /// An answer reached another payer than the one whom the paywall named to the service.
    #[error("{channel}: got the service's answer {token}, which was not for this payer")]
    AnswerOfAnother {
        /// The channel of who got it.
        channel: ChannelId,
        /// Its token.
        token: String,
    },
    /// The ledger has an attempt to pay that nobody signed.
    #[error("the ledger holds an attempt that no payer signed: {0:?}")]
    NobodySigned(Attempt),
    /// A sum of the ledger is not that of its payments.
    #[error("{channel}: {what} is {found}, its payments make {expected}")]
    WrongSum {
        /// The channel.
        channel: ChannelId,
        /// Which sum.
        what: &'static str,
        /// What the ledger says.
        found: u64,
        /// What follows from the payments.
        expected: u64,
    },
    /// The proof that the ledger holds is not the one that the payer signed for that balance.
    #[error("{channel}: the ledger's proof of balance {balance} is not the payer's")]
    NoProof {
        /// The channel.
        channel: ChannelId,
        /// The balance.
        balance: u64,
    },
    /// The contract would not pay the balance.
    #[error("{channel}: the contract does not pay the balance {balance}: {why}")]
    Unpayable {
        /// The channel.
        channel: ChannelId,
        /// The balance.
        balance: u64,
        /// Its reason.
        why: String,
    },
    /// More payments are lost than interruptions explain.
    #[error("{lost} payments were charged and not served without a reason, at most {allowed} may be")]
    Lost {
        /// How many.
        lost: u64,
        /// How many interruptions explain.
        allowed: u64,
    },
}

impl Report {
    pub(super) fn new(evidence: &Evidence) -> Self {
        Self {
            figures: Figures::default(),
            faults: Vec::new(),
            channels: evidence.channels.len(),
            price: evidence.price,
            interruptions: evidence.interruptions,
        }
    }

    pub(super) fn add(&mut self, more: Figures) {
        let sums = &mut self.figures;
        for (sum, more) in [
            (&mut sums.signed, more.signed),
            (&mut sums.served, more.served),
            (&mut sums.durable, more.durable),
            (&mut sums.unpaid, more.unpaid),
            (&mut sums.double, more.double),
            (&mut sums.unserved, more.unserved),
            (&mut sums.credit, more.credit),
            (&mut sums.kept, more.kept),
            (&mut sums.left, more.left),
            (&mut sums.lost, more.lost),
        ] {
            *sum += more;
        }
    }

    /// Whether everything agrees.
    pub fn passes(&self) -> bool {
        self.faults.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figures, interruptions, .. } = self;
        let Interruptions { envoy_exits, vm_reloads, drain_cuts, in_flight } = interruptions;
        writeln!(f, "audit of {} channels, {} base units a request", self.channels, self.price)?;
        let bound = format!(
            "<= ({envoy_exits} Envoy exits + {vm_reloads} VM reloads + {drain_cuts} drain cuts) x {in_flight} in flight"
        );
        let lines: [(&str, u64, &str); 10] = [
            ("signed", figures.signed, ""),
            ("served", figures.served, ""),
            ("durable", figures.durable, ""),
            ("served without durable payment", figures.unpaid, "= 0"),
            ("double acceptances", figures.double, "= 0"),
            ("charged without being served", figures.unserved, ""),
            ("  unused credit", figures.credit, ""),
            ("  take-backs beyond their limit", figures.kept, ""),
            ("  left by their own clients", figures.left, ""),
            ("  lost", figures.lost, &bound),
        ];
        for (name, number, bound) in lines {
            writeln!(f, "  {}", format!("{name:<34} {number:>7}  {bound}").trim_end())?;
        }
        for fault in &self.faults {
            writeln!(f, "  ! {fault}")?;
        }
        f.write_str(if self.passes() { "  PASS" } else { "  FAIL" })
    }
}
