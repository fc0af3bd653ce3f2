use tempfile::TempDir;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, ChannelKey, Entry};
use uraiden_core::{Address, BlockNumber};
use uraiden_sidecar::store::{self, ChainEvent, Closing, EventKind, Mode, NotReleased};

use crate::fixture::{Ledger, attempt, channel, database_of, event, open, tokens};

/// A channel with a deposit of 100 that has paid 10 and 20, in a ledger that was restored from a backup.
async fn restored() -> Ledger {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    ledger.restored().await
}

fn opened_in(block: u32) -> (ChannelKey, ChainEvent) {
    let channel = ChannelKey { sender: Address([9; 20]), open_block: BlockNumber(block) };
    (channel, ChainEvent { channel, ..event(block, EventKind::Opened, 100) })
}

async fn state_of(ledger: &Ledger, key: ChannelKey) -> ChannelState {
    let Answer::Channel { channel } = ledger.ask(Entry::Lookup(key)).await else { panic!("no channel") };
    channel
}

#[tokio::test]
async fn a_copy_that_is_taken_into_use_is_the_next_generation_of_the_same_ledger() {
    let ledger = Ledger::with_deposit(100).await;
    let first = ledger.store.bound().unwrap().ledger.clone();
    let second = ledger.restored().await;
    let found = second.store.bound().unwrap().ledger.clone();
    assert_eq!((first.generation, &found.id, found.generation), (1, &first.id, 2));
    let second = second.restart().await;
    assert_eq!(second.store.bound().unwrap().ledger.generation, 2, "a restart starts none");
    let third = second.restored().await;
    assert_eq!(third.store.bound().unwrap().ledger.generation, 3);
    assert_eq!(ledger.state().await, open(100, 0), "the ledger that was copied goes on");
}

#[tokio::test]
async fn what_is_held_back_changes_for_nobody_but_us() {
    let ledger = restored().await;
    let held = ChannelState::Closed;
    assert_eq!(ledger.state().await, held);
    assert_eq!(ledger.commit(attempt(3, 10, 30)).await, Answer::Refused { channel: held });
    // An agreement to close at 20 may be out: a lower balance would contradict it.
    assert_eq!(ledger.take_back(attempt(2, 10, 20)).await, Answer::Credited { channel: held });
    assert_eq!(ledger.store.close(channel(), tokens(20)).await.unwrap(), Closing::Held);
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.balance, row.closing_balance, row.held_generation), (tokens(20), None, Some(2)));
    assert_eq!(row.credit, tokens(10));

    let closed = ledger.store.order_closing(channel(), Mode::Order).await.unwrap().unwrap();
    assert_eq!(closed.balance, tokens(20));
}

#[tokio::test]
async fn a_released_channel_goes_on_where_it_was() {
    let ledger = restored().await;
    ledger.store.release(channel(), Mode::DryRun).await.unwrap().unwrap();
    assert_eq!(ledger.state().await, ChannelState::Closed, "only tried");
    ledger.store.release(channel(), Mode::Order).await.unwrap().unwrap();
    assert_eq!(ledger.state().await, open(100, 20));
    assert_eq!(ledger.take_back(attempt(2, 10, 20)).await, Answer::TakenBack { channel: open(100, 10) });
    assert_eq!(ledger.commit(attempt(3, 10, 20)).await, Answer::Accepted { channel: open(100, 20) });

    let ledger = ledger.restart().await;
    assert_eq!(ledger.state().await, open(100, 20));
    assert_eq!(ledger.store.release(channel(), Mode::Order).await.unwrap(), Err(NotReleased::NotHeld));
    let other = ChannelKey { open_block: BlockNumber(99), ..channel() };
    assert_eq!(ledger.store.release(other, Mode::Order).await.unwrap(), Err(NotReleased::Absent));
}

#[tokio::test]
async fn a_closing_mark_outlives_a_restore_and_a_release() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.store.close(channel(), tokens(10)).await.unwrap();
    let ledger = ledger.restored().await;
    assert_eq!(
        ledger.store.close(channel(), tokens(10)).await.unwrap(),
        Closing::Marked,
        "the same agreement"
    );
    ledger.store.release(channel(), Mode::Order).await.unwrap().unwrap();
    assert_eq!(ledger.state().await, ChannelState::Closed);
    assert_eq!(ledger.store.close(channel(), tokens(9)).await.unwrap(), Closing::OtherBalance);
}

/// The ledger that was lost may have taken payments through channels that its backup has never heard of.
#[tokio::test]
async fn channels_from_before_the_restore_are_held_back_when_they_are_first_heard_of() {
    let ledger = restored().await;
    let (before, opening) = opened_in(12);
    ledger.read_chain(12, &[opening]).await;
    let ledger = ledger.restart().await;
    ledger.read_chain(13, &[]).await;
    assert_eq!(state_of(&ledger, before).await, ChannelState::Closed);
    ledger.store.reach_head(ledger.epoch, 13).await.unwrap();

    let (later, opening) = opened_in(14);
    ledger.read_chain(14, &[opening]).await;
    ledger.read_chain(15, &[]).await;
    ledger.store.reach_head(ledger.epoch, 15).await.unwrap();
    assert_eq!(state_of(&ledger, later).await, open(100, 0));

    // A block that was skipped by a node's log entries is read again.
    let (skipped, opening) = opened_in(13);
    ledger.read_again_from(13, 16, &[opening]).await;
    assert_eq!(state_of(&ledger, skipped).await, ChannelState::Closed);
}

#[tokio::test]
async fn what_was_final_can_be_withdrawn() {
    let ledger = restored().await;
    let withdrawn = ledger.store.order_withdrawal(channel(), Mode::DryRun).await.unwrap();
    assert_eq!(withdrawn.unwrap().balance, tokens(10));
}

#[tokio::test]
async fn a_database_that_was_restored_by_other_means_starts_a_generation_by_order() {
    let folder = TempDir::new().unwrap();
    assert_eq!(store::renew(&database_of(&folder).await).await.unwrap(), None, "there is no ledger in it");

    let ledger = Ledger::with_deposit(100).await;
    let database = ledger.database.clone();
    let folder = ledger.stop().await;
    assert_eq!(store::renew(&database).await.unwrap(), Some(2));
    let ledger = Ledger::in_folder(folder, 1).await;
    assert_eq!(ledger.store.bound().unwrap().ledger.generation, 2);
    assert_eq!(ledger.state().await, ChannelState::Closed);
}
