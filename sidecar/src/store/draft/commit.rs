//! Accepting a payment.

use uraiden_core::channel::ChannelState;
use uraiden_core::decide::{Asked, Known, Means, Payment, Verdict, decide};
use uraiden_core::offer::{Offer, OfferedProof};
use uraiden_core::wire::{Answer, Attempt, ChannelKey};
use uraiden_core::{Price, TokenAmount};

use super::super::attempts::{Noted, Outcome, Recorded};
use super::super::levels::{self, HeldProof};
use super::super::row::{ChannelRow, Undo};
use super::super::{Commits, Scope};
use super::{Account, Draft};
use crate::metrics::Decision;

impl Draft<'_> {
    /// Accepts the payment if core's judge does, once. A repeated message is answered with what the first one led to.
    /// `signed` says whether the sender made the signature.
    pub(super) fn commit(&mut self, attempt: &Attempt, signed: bool, commits: Commits) -> Answer {
        let channel = self.state(&attempt.channel);
        match self.recorded(attempt) {
            Recorded::Conflict => {
                self.decisions.push(Decision::Conflict);
                return Answer::Conflict;
            }
            Recorded::Known(outcome) => {
                self.decisions.push(Decision::Repeated);
                return match outcome {
                    Outcome::Accepted | Outcome::Spent | Outcome::Kept => Answer::Accepted { channel },
                    Outcome::TakenBack => Answer::TakenBack { channel },
                    Outcome::Credited => Answer::Credited { channel },
                };
            }
            Recorded::Unknown => {}
        }
        let payment = match commits {
            Commits::Judge { until } if self.now <= until => judge(self.scope, attempt, &channel, signed),
            Commits::Judge { .. } => Err("too-late"),
            Commits::Refuse => Err("not-ready"),
        };
        // Only an open channel pays, and that has a row.
        let account = self.accounts.get_mut(&attempt.channel).ok_or("no-such-channel");
        let (payment, account) = match payment.and_then(|payment| Ok((payment, account?))) {
            Ok(good) => good,
            Err(reason) => {
                tracing::debug!(reason, attempt = %attempt.id, "payment refused");
                self.decisions.push(Decision::Refused(reason));
                return Answer::Refused { channel };
            }
        };
        account.row.updated_at = self.now;
        let outcome = match payment.means() {
            Means::Balance => {
                self.levels.extend(account.raise(attempt));
                self.earned.add(self.now, attempt.price);
                self.decisions.push(Decision::Accepted);
                Outcome::Accepted
            }
            Means::Credit => {
                // The judge has seen that there is enough.
                let left = account.row.credit.checked_sub(attempt.price);
                account.row.credit = left.unwrap_or_default();
                self.decisions.push(Decision::Spent);
                Outcome::Spent
            }
        };
        self.attempts.insert(attempt.id, Noted::new(attempt, outcome, self.now));
        Answer::Accepted { channel: self.state(&attempt.channel) }
    }
}

impl Account {
    /// Moves the balance to the payment's. The payment before it becomes final by that; as it was not taken back, the
    /// count of those that were begins anew. Returns the proofs to keep, and for which deposits.
    fn raise(&mut self, attempt: &Attempt) -> Vec<((ChannelKey, TokenAmount), HeldProof)> {
        let ChannelRow { balance, signature, .. } = self.row;
        if self.row.undo.is_some() {
            self.row.take_backs = 0;
        }
        // For a take-back of this payment.
        self.row.undo = Some(Undo { attempt: attempt.id, balance, signature });
        self.row.balance = attempt.balance;
        self.row.signature = Some(attempt.signature);
        let Some(signature) = signature else { return Vec::new() };
        let proof = HeldProof { balance, signature };
        levels::crossed(&self.deposits, balance, attempt.balance)
            .map(|deposit| ((attempt.channel, deposit), proof))
            .collect()
    }
}

/// Core's verdict, or what to count the refusal as.
fn judge(
    scope: &Scope,
    attempt: &Attempt,
    channel: &ChannelState,
    signed: bool,
) -> Result<Payment, &'static str> {
    let Some(price) = Price::new(attempt.price) else { return Err("no-price") };
    let proof = OfferedProof {
        sender: attempt.channel.sender,
        open_block: attempt.channel.open_block,
        balance: attempt.balance,
        signature: attempt.signature,
    };
    let offer = Offer { proof: Some(proof), ..Offer::default() };
    let asked = Asked { price, contract: scope.contract, receiver: scope.receiver };
    match decide(&offer, Known::Fresh(channel), &asked, |_| signed) {
        Verdict::Accept(payment) => Ok(payment),
        Verdict::Charge(refusal) => Err(refusal.code()),
        Verdict::Wait => Err("exposure-limit"),
        Verdict::Fetch(_) => Err("unread"),
    }
}
