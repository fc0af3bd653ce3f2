use uraiden_core::wire::{Answer, ChannelKey};
use uraiden_core::{BlockNumber, channel::ChannelState};
use uraiden_sidecar::store::{Epoch, EventKind, HeldProof, OnChain, Transaction};

use crate::fixture::{Ledger, attempt, channel, event, open, proof, tokens};

const HELD: u64 = 10;

/// A channel that has paid 10, and whose sender asks to close at 0.
async fn cheated() -> (Ledger, Epoch) {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, HELD, HELD)).await;
    ledger.read_chain(12, &[event(12, EventKind::CloseRequested, 0)]).await;
    ledger.read_chain(13, &[]).await;
    let epoch = ledger.epoch;
    (ledger, epoch)
}

fn held() -> HeldProof {
    HeldProof { balance: tokens(HELD), signature: proof(HELD) }
}

fn transaction(hash: u8, nonce: u64) -> Transaction {
    Transaction { hash: [hash; 32], nonce, max_fee: 30, priority_fee: 2, raw: vec![hash], head: 13 }
}

#[tokio::test]
async fn a_close_request_is_seen_when_it_is_confirmed_and_until_there_is_an_intent() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, HELD, HELD)).await;
    ledger.read_chain(12, &[event(12, EventKind::CloseRequested, 7)]).await;
    assert_eq!(ledger.store.closing_by_sender().await.unwrap(), []);
    ledger.read_chain(13, &[]).await;
    let [row] = ledger.store.closing_by_sender().await.unwrap().try_into().unwrap();
    assert_eq!((row.key, row.asked_balance, row.settle_block), (channel(), Some(tokens(7)), Some(512)));

    let epoch = ledger.epoch;
    ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap();
    assert_eq!(ledger.store.closing_by_sender().await.unwrap(), []);
}

#[tokio::test]
async fn claiming_marks_the_channel_for_good_at_the_balance_that_is_claimed() {
    let (ledger, epoch) = cheated().await;
    let claimed = ledger.store.claim_closing(epoch, channel(), |row, proof| {
        assert_eq!((row.on_chain, *proof), (OnChain::Closing, held()));
        true
    });
    assert_eq!(claimed.await.unwrap(), Some(held()));
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.closing_balance, row.undo), (Some(tokens(HELD)), None));

    // The request vanishes in a reorganisation. The agreement may be out.
    ledger.read_again_from(12, 14, &[]).await;
    assert_eq!(ledger.state().await, ChannelState::Closed);
    let credited = Answer::Credited { channel: ChannelState::Closed };
    assert_eq!(ledger.take_back(attempt(1, HELD, HELD)).await, credited);
    let [intent] = ledger.store.intents(u64::MAX).await.unwrap().try_into().unwrap();
    assert!(intent.is_wanted());
}

#[tokio::test]
async fn what_is_not_wanted_any_more_changes_nothing() {
    let (ledger, epoch) = cheated().await;
    assert_eq!(ledger.store.claim_closing(epoch, channel(), |_, _| false).await.unwrap(), None);
    let other = ChannelKey { open_block: BlockNumber(99), ..channel() };
    assert_eq!(ledger.store.claim_closing(epoch, other, |_, _| true).await.unwrap(), None);
    assert_eq!(ledger.store.intents(0).await.unwrap(), []);
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(row.closing_balance, None);
}

#[tokio::test]
async fn nothing_is_claimed_above_the_deposit_or_without_a_proof() {
    let ledger = Ledger::with_deposit(100).await;
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(ledger.store.claimable(&row).await.unwrap(), None, "nothing was paid");

    ledger.commit(attempt(1, 60, 60)).await;
    // Included again at the same height, with a smaller deposit.
    ledger.read_again_from(10, 13, &[event(10, EventKind::Opened, 50)]).await;
    let epoch = ledger.epoch;
    assert_eq!(ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap(), None);
    assert!(matches!(ledger.state().await, ChannelState::Open(_)), "no mark without a claim");
    ledger.read_again_from(10, 14, &[event(10, EventKind::Opened, 60)]).await;
    let claimed = ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap();
    assert_eq!(claimed, Some(HeldProof { balance: tokens(60), signature: proof(60) }));
}

#[tokio::test]
async fn what_was_agreed_on_is_what_is_claimed() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, HELD, HELD)).await;
    ledger.store.close(channel(), tokens(HELD)).await.unwrap();
    // The deposit does not cover it any more: no other agreement follows.
    ledger.read_again_from(10, 13, &[event(10, EventKind::Opened, HELD - 1)]).await;
    let epoch = ledger.epoch;
    assert_eq!(ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap(), None);
    ledger.read_again_from(10, 14, &[event(10, EventKind::Opened, HELD)]).await;
    assert_eq!(ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap(), Some(held()));
}

#[tokio::test]
async fn an_intent_keeps_the_nonce_that_it_was_given() {
    let (ledger, epoch) = cheated().await;
    ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap();
    let [first] = ledger.store.intents(0).await.unwrap().try_into().unwrap();
    assert_eq!(ledger.store.assign_nonce(epoch, first.id, 7).await.unwrap(), Some(7));
    assert_eq!(ledger.store.assign_nonce(epoch, first.id, 7).await.unwrap(), None, "it has one");

    assert!(ledger.store.keep_transaction(epoch, first.id, transaction(1, 7)).await.unwrap());
    assert!(ledger.store.keep_transaction(epoch, first.id, transaction(2, 7)).await.unwrap());
    assert!(
        !ledger.store.keep_transaction(epoch, first.id, transaction(3, 8)).await.unwrap(),
        "another nonce"
    );
    let [intent] = ledger.store.intents(0).await.unwrap().try_into().unwrap();
    assert_eq!(intent.transactions, [transaction(1, 7), transaction(2, 7)]);

    assert!(!ledger.store.release_nonce(epoch, first.id, 8).await.unwrap());
    assert!(ledger.store.release_nonce(epoch, first.id, 7).await.unwrap());
    assert_eq!(ledger.store.assign_nonce(epoch, first.id, 8).await.unwrap(), Some(8));
    let [intent] = ledger.store.intents(0).await.unwrap().try_into().unwrap();
    assert_eq!(intent.transactions, [], "those of the old nonce are of no use");
}

#[tokio::test]
async fn a_fulfilled_intent_is_listed_only_while_its_nonce_is_open() {
    let (ledger, epoch) = cheated().await;
    ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap();
    let [intent] = ledger.store.intents(0).await.unwrap().try_into().unwrap();
    ledger.store.assign_nonce(epoch, intent.id, 7).await.unwrap();
    ledger.read_chain(14, &[event(14, EventKind::Settled, HELD)]).await;
    assert_eq!(ledger.store.intents(u64::MAX).await.unwrap().len(), 1, "not confirmed");
    ledger.read_chain(15, &[]).await;

    assert_eq!(ledger.store.intents(8).await.unwrap(), []);
    let [waiting] = ledger.store.intents(7).await.unwrap().try_into().unwrap();
    assert!(!waiting.is_wanted());
    // A reorganisation brings it back.
    ledger.read_again_from(14, 16, &[]).await;
    assert!(ledger.store.intents(u64::MAX).await.unwrap()[0].is_wanted());
}

#[tokio::test]
async fn an_intent_and_its_transactions_outlive_the_process() {
    let (ledger, epoch) = cheated().await;
    ledger.store.claim_closing(epoch, channel(), |_, _| true).await.unwrap();
    let [intent] = ledger.store.intents(0).await.unwrap().try_into().unwrap();
    ledger.store.assign_nonce(epoch, intent.id, 3).await.unwrap();
    ledger.store.keep_transaction(epoch, intent.id, transaction(1, 3)).await.unwrap();
    let before = ledger.store.intents(0).await.unwrap();

    let ledger = ledger.restart().await;
    assert_eq!(ledger.store.intents(0).await.unwrap(), before);
    assert_eq!((before[0].proof, &before[0].transactions[..]), (held(), &[transaction(1, 3)][..]));
}

#[tokio::test]
async fn without_a_close_request_a_channel_takes_payments() {
    let (ledger, _) = cheated().await;
    ledger.read_again_from(12, 14, &[]).await;
    assert_eq!(ledger.state().await, open(100, HELD));
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.asked_balance, row.settle_block), (None, None));
}
