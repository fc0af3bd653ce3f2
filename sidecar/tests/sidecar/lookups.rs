//! Lookups are answered from memory. They say what the ledger says, no more and no less.

use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, ChannelKey, Entry};
use uraiden_core::{Address, BlockNumber};
use uraiden_sidecar::store::{ChainEvent, EventKind, Mode};

use crate::fixture::{Ledger, OPEN_BLOCK, attempt, channel, event, open};

#[tokio::test]
async fn a_lookup_says_what_the_ledger_has_whatever_changed_it() {
    let ledger = Ledger::new().await;
    let opened = event(OPEN_BLOCK, EventKind::Opened, 100);
    ledger.read_chain(OPEN_BLOCK, &[opened]).await;
    expect(&ledger, ChannelState::Unconfirmed { missing: 1 }).await;
    ledger.read_chain(OPEN_BLOCK + 1, &[]).await;
    expect(&ledger, open(100, 0)).await;
    ledger.commit(attempt(1, 10, 10)).await;
    expect(&ledger, open(100, 10)).await;
    ledger.take_back(attempt(1, 10, 10)).await;
    expect(&ledger, open(100, 0)).await;
    ledger.commit(attempt(2, 20, 20)).await;
    ledger.read_chain(OPEN_BLOCK + 2, &[event(OPEN_BLOCK + 2, EventKind::ToppedUp, 50)]).await;
    expect(&ledger, open(100, 20)).await;
    ledger.read_chain(OPEN_BLOCK + 3, &[]).await;
    expect(&ledger, open(150, 20)).await;

    let ledger = ledger.restart().await;
    expect(&ledger, open(150, 20)).await;
    ledger.replace_from(OPEN_BLOCK, OPEN_BLOCK, &[]).await;
    expect(&ledger, ChannelState::Absent).await;
    ledger.read_chain(OPEN_BLOCK, &[opened]).await;
    ledger.read_chain(OPEN_BLOCK + 1, &[]).await;
    expect(&ledger, open(100, 20)).await;

    ledger.store.order_closing(channel(), Mode::DryRun).await.unwrap().unwrap();
    expect(&ledger, open(100, 20)).await;
    ledger.store.order_closing(channel(), Mode::Order).await.unwrap().unwrap();
    expect(&ledger, ChannelState::Closed).await;
    let ledger = ledger.restart().await;
    expect(&ledger, ChannelState::Closed).await;
}

#[tokio::test]
async fn many_channels_of_one_reading_are_all_known() {
    let ledger = Ledger::new().await;
    // More than one statement writes.
    let senders: Vec<Address> = (0..450_u64).map(sender).collect();
    let events: Vec<ChainEvent> = (0..)
        .zip(&senders)
        .map(|(log_index, sender)| ChainEvent {
            log_index,
            channel: ChannelKey { sender: *sender, ..channel() },
            ..event(OPEN_BLOCK, EventKind::Opened, 100)
        })
        .collect();
    ledger.read_chain(OPEN_BLOCK, &events).await;
    ledger.read_chain(OPEN_BLOCK + 1, &[]).await;
    let ask = |sender: &Address| Entry::Lookup(ChannelKey { sender: *sender, ..channel() });
    let answers = ledger.ask_all(senders.iter().map(ask).collect()).await;
    assert_eq!(answers.len(), 450);
    for answer in answers {
        assert_eq!(answer, Answer::Channel { channel: open(100, 0) });
    }
    let (_, totals) = ledger.store.totals().await.unwrap();
    assert_eq!((totals.open_channels, totals.deposit_sum.to::<u64>()), (450, 45_000));
    let elsewhere = ChannelKey { open_block: BlockNumber(OPEN_BLOCK + 1), ..channel() };
    assert_eq!(ledger.ask(Entry::Lookup(elsewhere)).await, Answer::Channel { channel: ChannelState::Absent });
}

/// By memory, and by the writer in a transaction of its own.
async fn expect(ledger: &Ledger, state: ChannelState) {
    assert_eq!(ledger.state().await, state);
    let refused = attempt(99, 1, 1_000_000);
    let through_the_writer =
        ledger.ask_all(vec![Entry::Lookup(channel()), Entry::Commit(refused)]).await.remove(0);
    assert_eq!(through_the_writer, Answer::Channel { channel: state });
}

fn sender(number: u64) -> Address {
    let mut address = [1; 20];
    address[12..].copy_from_slice(&number.to_be_bytes());
    Address(address)
}
