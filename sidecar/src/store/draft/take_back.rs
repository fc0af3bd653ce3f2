//! What becomes of a payment whose resource failed.

use uraiden_core::TokenAmount;
use uraiden_core::wire::{Answer, Attempt};

use super::super::attempts::{Noted, Outcome, Recorded};
use super::Draft;
use crate::metrics::Decision;

impl Draft<'_> {
    /// Undoes an attempt: balance and proof return to the pair before it, or what it used of the credit is credit
    /// again. Where a later payment or a closing agreement stands on it, its price becomes a credit. Where as many as
    /// allowed were undone in a row, it stays. One that never arrived is noted, so that its late commit is refused.
    pub(super) fn take_back(&mut self, attempt: &Attempt) -> Answer {
        let outcome = match self.recorded(attempt) {
            Recorded::Conflict => {
                self.decisions.push(Decision::Conflict);
                return Answer::Conflict;
            }
            Recorded::Unknown => {
                self.attempts.insert(attempt.id, Noted::new(attempt, Outcome::TakenBack, self.now));
                self.decisions.push(Decision::Cancelled);
                Outcome::TakenBack
            }
            Recorded::Known(settled @ (Outcome::TakenBack | Outcome::Credited | Outcome::Kept)) => {
                self.decisions.push(Decision::Repeated);
                settled
            }
            Recorded::Known(counting) => {
                let outcome = self.undo(attempt, counting);
                if let Some(noted) = self.attempts.get_mut(&attempt.id) {
                    noted.outcome = outcome;
                }
                self.decisions.push(match outcome {
                    Outcome::TakenBack => Decision::TakenBack,
                    Outcome::Credited => Decision::Credited,
                    Outcome::Accepted | Outcome::Spent | Outcome::Kept => Decision::Kept,
                });
                outcome
            }
        };
        let channel = self.state(&attempt.channel);
        match outcome {
            Outcome::TakenBack => Answer::TakenBack { channel },
            Outcome::Credited => Answer::Credited { channel },
            Outcome::Accepted | Outcome::Spent | Outcome::Kept => Answer::Final { channel },
        }
    }

    /// Undoes a payment that counts, as far as it may be undone, and says what it is now.
    fn undo(&mut self, attempt: &Attempt, counting: Outcome) -> Outcome {
        // A payment that counts has a row, and rows are never deleted.
        let Some(account) = self.accounts.get_mut(&attempt.channel) else { return counting };
        let row = &mut account.row;
        // An agreement to close names the balance, or may: what is held back has none that we know of.
        let stays = row.closing_balance.is_some() || row.held_generation.is_some();
        let topmost = row.undo.filter(|undo| !stays && undo.attempt == attempt.id);
        let may = row.take_backs < u64::from(self.scope.take_backs_in_a_row);
        let outcome = match (counting, topmost) {
            (Outcome::Accepted, Some(undo)) if may => {
                (row.balance, row.signature, row.undo) = (undo.balance, undo.signature, None);
                row.take_backs += 1;
                if let Some(noted) = self.attempts.get(&attempt.id).filter(|noted| noted.tallied) {
                    self.earned.take_out(noted.at, attempt.price);
                }
                Outcome::TakenBack
            }
            (Outcome::Spent, _) if may => {
                row.credit = with(row.credit, attempt.price);
                row.take_backs += 1;
                Outcome::TakenBack
            }
            (Outcome::Accepted, None) => {
                row.credit = with(row.credit, attempt.price);
                Outcome::Credited
            }
            (
                Outcome::Accepted | Outcome::Spent | Outcome::TakenBack | Outcome::Credited | Outcome::Kept,
                _,
            ) => {
                tracing::info!(
                    sender = %attempt.channel.sender,
                    open_block = %attempt.channel.open_block,
                    limit = self.scope.take_backs_in_a_row,
                    "a payment for a resource that failed stays: too many were taken back in a row",
                );
                return Outcome::Kept;
            }
        };
        row.updated_at = self.now;
        outcome
    }
}

/// Credit is a part of the balance, so the sum cannot overflow.
fn with(credit: TokenAmount, price: TokenAmount) -> TokenAmount {
    credit.checked_add(price).unwrap_or(TokenAmount::MAX)
}
