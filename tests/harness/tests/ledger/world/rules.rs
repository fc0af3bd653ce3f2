//! The rules of money, as they hold between what clients got and what the ledger has.

use std::collections::HashMap;

use uraiden_core::wire::{Attempt, AttemptId, ChannelKey};
use uraiden_core::{BalanceProof, ChannelId};
use uraiden_sidecar::store::{ChannelRow, HeldProof};

use super::{Place, Vm, World};
use crate::model::{Channel, Outcome, small};
use crate::payer::{CONTRACT, RECEIVER};

impl World {
    pub(super) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    /// The rules, after each event.
    pub(crate) async fn check(&mut self) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        let fresh = Channel::default();
        for client in &self.clients {
            let row = self.store.channel(client.key).await.map_err(|error| error.to_string())?;
            let row = row.ok_or("a channel was forgotten")?;
            let channel = self.model.channels.get(&client.key).unwrap_or(&fresh);
            keeps_the_books(&row, channel)?;
            let claim = self.store.claimable(&row).await.map_err(|error| error.to_string())?;
            claims_what_counts(&row, claim, channel)?;
        }
        // M1 and M2: whatever was served was paid for, once, durably.
        for vm in &self.vms {
            for (key, served) in &vm.served {
                let paid = self.paid(vm, key);
                if *served > paid {
                    return Err(format!("M1: {served} were served for {paid}"));
                }
            }
        }
        Ok(())
    }

    /// What the attempts of a module pay for, as the ledger has them.
    fn paid(&self, vm: &Vm, key: &ChannelKey) -> u64 {
        let of = |(id, (attempt, outcome)): (&AttemptId, &(Attempt, Outcome))| {
            let own = id.0 >> 64 == u128::from(vm.random) && attempt.channel == *key && outcome.pays();
            own.then(|| small(attempt.price))
        };
        self.model.attempts.iter().filter_map(of).sum()
    }

    /// Lets everything that is under way come to its end, and looks at who paid for nothing.
    pub(crate) async fn settle(mut self) -> Result<(), String> {
        for batch in std::mem::take(&mut self.late) {
            self.decide(&batch).await;
        }
        for _ in 0..200 {
            let mut busy = false;
            for worker in 0..self.workers.len() {
                self.call(worker);
                busy |= self.workers[worker].flight.is_some();
                self.arrive(worker).await;
                self.answer(worker);
                self.tick(worker).await;
            }
            while self.find(0, |place| place == Place::Upstream).is_some() {
                self.respond(0, 200);
                busy = true;
            }
            self.check().await?;
            if !busy && self.streams.is_empty() {
                break;
            }
        }
        if !self.streams.is_empty() {
            return Err(format!("{} streams hang", self.streams.len()));
        }
        for vm in &self.vms {
            for client in &self.clients {
                let of = |book: &HashMap<ChannelKey, u64>| book.get(&client.key).copied().unwrap_or(0);
                let (paid, served, forgiven) = (self.paid(vm, &client.key), of(&vm.served), of(&vm.forgiven));
                if paid > served + forgiven {
                    return Err(format!("{paid} were paid, {served} served, and {forgiven} may be lost"));
                }
            }
        }
        self.stop().await;
        Ok(())
    }
}

/// M2, M5, M7, M10: what is held is what was accepted and not taken back, credit is a part of it, and a mark stays.
fn keeps_the_books(row: &ChannelRow, channel: &Channel) -> Result<(), String> {
    let found = (small(row.balance), small(row.credit), row.closing_balance.map(small));
    let expected = (channel.balance(), channel.credit, channel.closing);
    if found != expected {
        return Err(format!("balance, credit and mark are {found:?}, not {expected:?}"));
    }
    if channel.credit > channel.balance() {
        return Err(format!("M7: a credit of {} in a balance of {}", channel.credit, channel.balance()));
    }
    Ok(())
}

/// M4: what would be claimed now is a proof of the sender's that counts and that the contract takes, and the highest one
/// where the deposit covers it.
fn claims_what_counts(row: &ChannelRow, claim: Option<HeldProof>, channel: &Channel) -> Result<(), String> {
    let (deposit, held) = (small(row.deposit), channel.balance());
    let Some(HeldProof { balance, signature }) = claim else {
        let covered = deposit >= held && !channel.steps.is_empty();
        let wrong = format!("M4: nothing of {channel:?} would be claimed with a deposit of {deposit}");
        return if covered { Err(wrong) } else { Ok(()) };
    };
    let ChannelKey { sender, open_block } = row.key;
    let id = ChannelId { contract: CONTRACT, receiver: RECEIVER, sender, open_block };
    let signed = BalanceProof { channel: id, balance, signature }.signer() == Some(sender);
    let balance = small(balance);
    let counts = channel.steps.iter().any(|step| step.balance == balance && step.signature == signature);
    // What was agreed on stays the claim, whatever becomes of the deposit.
    let taken = balance <= deposit || channel.closing == Some(balance);
    let highest = deposit < held || balance == held;
    if signed && counts && taken && highest {
        Ok(())
    } else {
        Err(format!("M4: {balance} of {channel:?} would be claimed with a deposit of {deposit}"))
    }
}
