//! The auditor: compares what payers signed, what they were served, what the ledger holds and what the contract would
//! pay, and says what does not agree.
//!
//! It believes nobody. The payers' books are kept by the payers, the service marks each of its answers with a token of
//! its own, the ledger is read from its file, and the contract is asked on the chain.

mod channel;
mod collect;
mod contract;
mod evidence;
mod ledger;
mod report;
#[cfg(test)]
mod tests;

pub use collect::collect;
pub use evidence::{ChannelEvidence, Evidence, Interruptions, PayerBook, Serving};
pub use ledger::{Attempt, LedgerChannel, Outcome};
pub use report::{Fault, Report};

use std::collections::HashMap;

use channel::Findings;

impl Evidence {
    /// Compares the books.
    pub fn audit(&self) -> Report {
        let mut report = Report::new(self);
        for channel in &self.channels {
            let Findings { figures, faults } = channel.audit(self.price);
            report.add(figures);
            report.faults.extend(faults);
        }
        report.faults.extend(self.answers_that_went_wrong());
        report.faults.extend(self.strangers.iter().cloned().map(Fault::NobodySigned));
        let (lost, allowed) = (report.figures.lost, self.interruptions.allowed());
        if lost > allowed {
            report.faults.push(Fault::Lost { lost, allowed });
        }
        report
    }

    /// Each answer of the service belongs to one request, of the payer that the paywall named.
    fn answers_that_went_wrong(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut delivered = HashMap::new();
        for channel in &self.channels {
            for serving in &channel.payer.served {
                let token = &serving.token;
                if delivered.insert(token, channel.id).is_some() {
                    faults.push(Fault::ServedTwice { token: token.clone() });
                }
                if self.answers.get(token) != Some(&channel.id.sender) {
                    faults.push(Fault::AnswerOfAnother { channel: channel.id, token: token.clone() });
                }
            }
        }
        faults
    }
}
