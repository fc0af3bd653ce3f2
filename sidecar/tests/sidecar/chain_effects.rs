use uraiden_core::channel::ChannelState;
use uraiden_core::wire::Answer;
use uraiden_sidecar::store::{Advance, EventKind, Listing, Missed, OnChain, Position};

use crate::fixture::{Ledger, attempt, channel, event, open, sender, tokens};

#[tokio::test]
async fn a_channel_is_known_at_once_and_usable_after_its_confirmations() {
    let ledger = Ledger::new().await.restart_with_confirmations(3).await;
    ledger.read_chain(10, &[event(10, EventKind::Opened, 100)]).await;
    for (head, missing) in [(10, 3), (11, 2), (12, 1)] {
        if head > 10 {
            ledger.read_chain(head, &[]).await;
        }
        assert_eq!(ledger.state().await, ChannelState::Unconfirmed { missing }, "head {head}");
    }
    ledger.read_chain(13, &[]).await;
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn without_confirmations_a_channel_is_usable_at_once() {
    let ledger = Ledger::new().await.restart_with_confirmations(0).await;
    ledger.read_chain(10, &[event(10, EventKind::Opened, 100)]).await;
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn a_top_up_counts_when_it_is_confirmed_and_is_shown_before() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.read_chain(12, &[event(12, EventKind::ToppedUp, 50)]).await;
    assert_eq!(ledger.state().await, open(100, 0));
    let pending = ledger.store.pending_top_ups(channel()).await.unwrap();
    assert_eq!(pending.iter().map(|top_up| top_up.added).collect::<Vec<_>>(), [tokens(50)]);

    ledger.read_chain(13, &[]).await;
    assert_eq!(ledger.state().await, open(150, 0));
    assert_eq!(ledger.store.pending_top_ups(channel()).await.unwrap(), []);
}

#[tokio::test]
async fn a_channel_is_taken_whatever_its_deposit() {
    for deposit in [0, 1, u64::MAX] {
        assert_eq!(Ledger::with_deposit(deposit).await.state().await, open(deposit, 0), "{deposit}");
    }
}

/// A poll may find a whole life.
#[tokio::test]
async fn what_happened_between_two_polls_counts_in_its_order() {
    let ledger = Ledger::new().await;
    let life = [
        event(10, EventKind::Opened, 100),
        event(11, EventKind::ToppedUp, 50),
        event(12, EventKind::CloseRequested, 20),
    ];
    ledger.read_again_from(10, 12, &life).await;
    assert_eq!(ledger.state().await, open(150, 0), "the close request is not confirmed");
    ledger.read_chain(13, &[]).await;
    assert_eq!(ledger.state().await, ChannelState::Closed);
    ledger.read_again_from(14, 15, &[event(14, EventKind::Settled, 20)]).await;
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(
        (row.on_chain, row.deposit, row.asked_balance),
        (OnChain::Settled, tokens(150), Some(tokens(20)))
    );
}

#[tokio::test]
async fn a_close_request_and_a_settlement_count_when_confirmed() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.read_chain(12, &[event(12, EventKind::CloseRequested, 0)]).await;
    assert_eq!(ledger.state().await, open(100, 0));
    ledger.read_chain(13, &[event(13, EventKind::Settled, 0)]).await;
    assert_eq!(ledger.state().await, ChannelState::Closed);
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.on_chain, row.settle_block), (OnChain::Closing, Some(512)));
    ledger.read_chain(14, &[]).await;
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(row.on_chain, OnChain::Settled);
}

#[tokio::test]
async fn a_reorganisation_undoes_what_the_chain_said_and_nothing_that_was_signed() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 60, 60)).await;

    ledger.read_again_from(10, 12, &[]).await;
    assert_eq!(ledger.state().await, ChannelState::Absent);
    let refused = Answer::Refused { channel: ChannelState::Absent };
    assert_eq!(ledger.commit(attempt(2, 10, 70)).await, refused);

    // Included again at the same height, with a smaller deposit.
    ledger.read_again_from(10, 13, &[event(10, EventKind::Opened, 65)]).await;
    let held = open(65, 60);
    assert_eq!(ledger.state().await, held);
    assert_eq!(ledger.commit(attempt(3, 10, 70)).await, Answer::Refused { channel: held });
}

#[tokio::test]
async fn a_close_request_that_vanishes_opens_the_channel_again() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.read_chain(12, &[event(12, EventKind::CloseRequested, 0)]).await;
    ledger.read_chain(13, &[]).await;
    assert_eq!(ledger.state().await, ChannelState::Closed);
    ledger.read_again_from(12, 14, &[]).await;
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn another_number_of_confirmations_applies_to_what_was_read_before() {
    let ledger = Ledger::with_deposit(100).await;
    let ledger = ledger.restart_with_confirmations(3).await;
    let nothing_new = Advance { from: 12, next: 12, ..Advance::default() };
    ledger.store.advance(ledger.epoch, nothing_new.clone()).await.unwrap();
    assert_eq!(ledger.state().await, ChannelState::Unconfirmed { missing: 2 });
    let ledger = ledger.restart_with_confirmations(1).await;
    ledger.store.advance(ledger.epoch, nothing_new).await.unwrap();
    assert_eq!(ledger.state().await, open(100, 0));
}

#[tokio::test]
async fn reading_goes_on_where_it_was() {
    let ledger = Ledger::new().await;
    assert_eq!(ledger.store.position().await.unwrap(), None);
    let advance = Advance {
        start_block: 5,
        from: 5,
        replaces: false,
        next: 8,
        events: Vec::new(),
        blocks: vec![(6, [6; 32]), (7, [7; 32])],
    };
    ledger.store.advance(ledger.epoch, advance).await.unwrap();
    let ledger = ledger.restart().await;
    assert_eq!(
        ledger.store.position().await.unwrap(),
        Some(Position { start_block: 5, next_block: 8, confirmed_below: 7 })
    );
    assert_eq!(ledger.store.remembered_blocks(u64::MAX).await.unwrap(), [(7, [7; 32]), (6, [6; 32])]);

    // Far on, the old hashes are forgotten.
    let advance =
        Advance { start_block: 5, from: 8, next: 263, blocks: vec![(262, [9; 32])], ..Advance::default() };
    ledger.store.advance(ledger.epoch, advance).await.unwrap();
    assert_eq!(ledger.store.remembered_blocks(u64::MAX).await.unwrap(), [(262, [9; 32]), (7, [7; 32])]);
}

#[tokio::test]
async fn lists_show_confirmed_channels_by_whether_they_take_payments() {
    let ledger = Ledger::with_deposit(100).await;
    let count = |listing| {
        let store = ledger.store.clone();
        async move { store.list(Some(sender()), listing, 10, 0).await.unwrap().len() }
    };
    assert_eq!(
        (count(Listing::Open).await, count(Listing::Closed).await, count(Listing::All).await),
        (1, 0, 1)
    );
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.store.close(channel(), tokens(10)).await.unwrap();
    assert_eq!(
        (count(Listing::Open).await, count(Listing::Closed).await, count(Listing::All).await),
        (0, 1, 1)
    );
    assert_eq!(ledger.store.list(None, Listing::All, 10, 1).await.unwrap(), []);

    let (_, totals) = ledger.store.totals().await.unwrap();
    assert_eq!((totals.open_channels, totals.pending_channels, totals.unique_senders), (0, 1, 1));
    assert_eq!((totals.deposit_sum.to::<u64>(), totals.balance_sum.to::<u64>()), (100, 10));
}

#[tokio::test]
async fn an_event_that_was_missed_counts_like_any_other() {
    let ledger = Ledger::with_deposit(100).await;
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    let missed = vec![Missed { kind: EventKind::ToppedUp, block: 10, amount: tokens(50) }];
    assert!(ledger.store.note_missed(ledger.epoch, row, 10, missed.clone()).await.unwrap());
    assert_eq!(ledger.state().await, open(150, 0));
    // It is noted already: the channel is not as it was compared.
    assert!(!ledger.store.note_missed(ledger.epoch, row, 10, missed).await.unwrap());
}
