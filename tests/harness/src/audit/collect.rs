//! Gathers the evidence of a run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use uraiden_core::wire::ChannelKey;
use uraiden_core::{BalanceProof, ChannelId, TokenAmount};

use super::contract;
use super::evidence::{ChannelEvidence, Evidence, Interruptions, PayerBook};
use super::ledger::{self, Attempt, Ledger};
use crate::Stack;
use crate::stack::Ledger as Place;

/// How long the ledger has to be unchanged: filters repeat a take-back at each tick of a second.
const STILL: Duration = Duration::from_millis(2500);

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until nobody writes any more, and reads all books.
///
/// # Errors
///
/// Where the ledger does not come to rest, or cannot be read.
pub async fn collect(
    stack: &Stack,
    books: Vec<(ChannelId, PayerBook)>,
    interruptions: Interruptions,
) -> Result<Evidence> {
    let Ledger { mut channels, attempts } = at_rest(&stack.ledger()).await?;
    let price = units(stack.price());
    let mut known = HashMap::new();
    for (id, book) in &books {
        for (balance, signature) in &book.signed {
            known.insert(ledger::contents(key(id), price, *balance, signature), (key(id), *balance));
        }
    }
    let mut strangers = Vec::new();
    for attempt in attempts {
        match known.get(&attempt.contents) {
            Some((channel, balance)) => match channels.get_mut(channel) {
                Some(channel) => channel.attempts.push((*balance, attempt.outcome)),
                None => strangers.push(attempt),
            },
            None => strangers.push(attempt),
        }
    }
    let mut evidence = Vec::new();
    for (id, payer) in books {
        let ledger = channels.remove(&key(&id));
        let proof =
            ledger.as_ref().and_then(|held| held.signature.map(|signature| (held.balance, signature)));
        let contract = match proof {
            Some((balance, signature)) => {
                let proof = BalanceProof { channel: id, balance: TokenAmount::new(balance), signature };
                contract::would_pay(&stack.chain, &proof).await
            }
            None => Ok(()),
        };
        evidence.push(ChannelEvidence { id, payer, ledger, contract });
    }
    let answers = stack.upstream().answers();
    Ok(Evidence { price, channels: evidence, answers, strangers, interruptions })
}

/// The tables, once they have not changed for a while.
async fn at_rest(place: &Place) -> Result<Ledger> {
    let deadline = Instant::now() + PATIENCE;
    let (mut seen, mut since) = (fingerprint(&Ledger::read(place).await?), Instant::now());
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let ledger = Ledger::read(place).await?;
        let now = fingerprint(&ledger);
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() >= STILL {
            return Ok(ledger);
        }
        if Instant::now() > deadline {
            bail!("the ledger was still written {PATIENCE:?} after the last request");
        }
    }
}

/// All that moves while payments are made or taken back.
fn fingerprint(ledger: &Ledger) -> (Vec<(ChannelKey, u64, u64)>, Vec<Attempt>) {
    let channels = ledger.channels.iter();
    let mut channels: Vec<_> = channels.map(|(key, held)| (*key, held.balance, held.credit)).collect();
    channels.sort_by_key(|(key, ..)| (key.sender, key.open_block));
    (channels, ledger.attempts.clone())
}

fn key(id: &ChannelId) -> ChannelKey {
    ChannelKey { sender: id.sender, open_block: id.open_block }
}

/// # Panics
///
/// Above 2^64: no test has so much money.
fn units(amount: TokenAmount) -> u64 {
    amount.to_string().parse().expect("a test's amount fits into 64 bits")
}
