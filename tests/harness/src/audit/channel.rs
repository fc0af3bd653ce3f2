//! The rules for one channel.

use std::collections::BTreeMap;

use super::evidence::ChannelEvidence;
use super::ledger::{LedgerChannel, Outcome};
use super::report::{Fault, Figures};

/// What an audit of one channel says.
pub(super) struct Findings {
    pub(super) figures: Figures,
    pub(super) faults: Vec<Fault>,
}

/// How often something happened at one balance.
#[derive(Default)]
struct Step {
    /// Attempts that count as the step to it: accepted or credited.
    counted: u64,
    credited: u64,
    kept: u64,
    spent: u64,
    /// Answers that reached the payer.
    served: u64,
    /// Requests that the payer abandoned.
    left: u64,
}

impl Step {
    fn is_paid(&self) -> bool {
        self.counted + self.kept > 0
    }

    /// Credits that were used up here; one that was kept beside the step itself had used up a credit, too.
    fn credits_used(&self) -> u64 {
        self.spent + if self.counted > 0 { self.kept } else { self.kept.saturating_sub(1) }
    }

    /// What was paid here and not served for, after credits and what was kept.
    fn unexplained(&self) -> u64 {
        let paid = u64::from(self.is_paid()) + self.credits_used();
        paid.saturating_sub(self.served + self.credited + self.kept)
    }
}

impl ChannelEvidence {
    /// Compares the books of this channel.
    pub(super) fn audit(&self, price: u64) -> Findings {
        let mut faults = Vec::new();
        let nothing =
            LedgerChannel { balance: 0, signature: None, credit: 0, closing: None, attempts: Vec::new() };
        let ledger = self.ledger.as_ref().unwrap_or(&nothing);
        let steps = self.steps(ledger);
        let id = self.id;

        let mut figures = Figures { signed: count(self.payer.signed.len()), ..Figures::default() };
        let (mut credited, mut spent, mut kept) = (0, 0, 0);
        for (&balance, step) in &steps {
            if step.counted > 1 {
                faults.push(Fault::DoubleAcceptance { channel: id, balance, times: step.counted });
                figures.double += step.counted - 1;
            }
            // One for the step itself, the others from a credit.
            let paid = u64::from(step.is_paid() && balance <= ledger.balance) + step.spent;
            let unpaid = step.served.saturating_sub(paid);
            if unpaid > 0 {
                faults.push(Fault::ServedUnpaid { channel: id, balance, times: unpaid });
                figures.unpaid += unpaid;
            }
            figures.durable += u64::from(step.is_paid());
            figures.served += step.served;
            credited += step.credited;
            spent += step.credits_used();
            kept += step.kept;
            let left = step.unexplained().min(step.left);
            figures.left += left;
            figures.lost += step.unexplained() - left;
        }
        figures.unserved = figures.durable.saturating_sub(figures.served);
        figures.credit = credited.saturating_sub(spent);
        figures.kept = kept;

        let sums = [
            ("the balance", ledger.balance, figures.durable * price),
            ("the credit", ledger.credit, figures.credit * price),
            ("the closing balance", ledger.closing.unwrap_or(ledger.balance), ledger.balance),
        ];
        for (what, found, expected) in sums {
            if found != expected {
                faults.push(Fault::WrongSum { channel: id, what, found, expected });
            }
        }
        let proven = match &ledger.signature {
            Some(signature) => self.payer.signed.get(&ledger.balance) == Some(signature),
            None => ledger.balance == 0,
        };
        if !proven {
            faults.push(Fault::NoProof { channel: id, balance: ledger.balance });
        }
        if let Err(why) = &self.contract {
            faults.push(Fault::Unpayable { channel: id, balance: ledger.balance, why: why.clone() });
        }
        Findings { figures, faults }
    }

    fn steps(&self, ledger: &LedgerChannel) -> BTreeMap<u64, Step> {
        let mut steps = BTreeMap::<u64, Step>::new();
        for (balance, outcome) in &ledger.attempts {
            let step = steps.entry(*balance).or_default();
            match outcome {
                Outcome::Accepted => step.counted += 1,
                Outcome::Credited => {
                    step.counted += 1;
                    step.credited += 1;
                }
                Outcome::Kept => step.kept += 1,
                Outcome::Spent => step.spent += 1,
                Outcome::TakenBack => {}
            }
        }
        for balance in &self.payer.left {
            steps.entry(*balance).or_default().left += 1;
        }
        for serving in &self.payer.served {
            steps.entry(serving.balance).or_default().served += 1;
        }
        steps
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
