use uraiden_core::BlockNumber;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{Answer, ChannelKey};
use uraiden_sidecar::store::{Closing, EventKind};

use crate::fixture::{Ledger, attempt, channel, event, proof, tokens};

#[tokio::test]
async fn a_channel_closes_at_exactly_the_balance_that_we_hold() {
    let ledger = Ledger::with_deposit(100).await;
    let close = |balance| ledger.store.close(channel(), tokens(balance));
    assert_eq!(close(0).await.unwrap(), Closing::NothingPaid);
    ledger.commit(attempt(1, 10, 10)).await;
    for wrong in [0, 9, 11, 100] {
        assert_eq!(close(wrong).await.unwrap(), Closing::OtherBalance, "{wrong}");
    }
    let unknown = ChannelKey { open_block: BlockNumber(11), ..channel() };
    assert_eq!(ledger.store.close(unknown, tokens(10)).await.unwrap(), Closing::Absent);

    assert_eq!(close(10).await.unwrap(), Closing::Marked);
    assert_eq!(close(10).await.unwrap(), Closing::Marked, "a lost answer can be asked for again");
    assert_eq!(close(9).await.unwrap(), Closing::OtherBalance);
}

#[tokio::test]
async fn nothing_reopens_a_channel_that_is_marked() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.store.close(channel(), tokens(10)).await.unwrap();
    let refused = Answer::Refused { channel: ChannelState::Closed };
    assert_eq!(ledger.commit(attempt(2, 10, 20)).await, refused);

    let ledger = ledger.restart().await;
    assert_eq!(ledger.commit(attempt(2, 10, 20)).await, refused);

    // The opening vanishes in a reorganisation, and is included again.
    ledger.read_again_from(10, 12, &[]).await;
    assert_eq!(ledger.state().await, ChannelState::Closed);
    ledger.read_again_from(10, 13, &[event(10, EventKind::Opened, 100)]).await;
    assert_eq!(ledger.commit(attempt(2, 10, 20)).await, refused);

    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.closing_balance, row.balance), (Some(tokens(10)), tokens(10)));
    assert_eq!(row.signature, Some(proof(10)));
}

#[tokio::test]
async fn nothing_is_agreed_that_the_contract_would_refuse() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.read_chain(12, &[event(12, EventKind::ToppedUp, 50)]).await;
    ledger.read_chain(13, &[]).await;
    ledger.commit(attempt(1, 120, 120)).await;
    // The top-up is gone.
    ledger.read_again_from(12, 14, &[]).await;
    assert_eq!(
        ledger.store.close(channel(), tokens(120)).await.unwrap(),
        Closing::AboveDeposit { deposit: tokens(100) }
    );
    ledger.read_chain(15, &[event(15, EventKind::ToppedUp, 50)]).await;
    ledger.read_chain(16, &[]).await;
    assert_eq!(ledger.store.close(channel(), tokens(120)).await.unwrap(), Closing::Marked);
}

#[tokio::test]
async fn a_channel_that_the_sender_closes_can_still_be_agreed_on_until_it_is_settled() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.read_chain(12, &[event(12, EventKind::CloseRequested, 0)]).await;
    ledger.read_chain(13, &[]).await;
    assert_eq!(ledger.state().await, ChannelState::Closed);

    let settled = Ledger::with_deposit(100).await;
    settled.commit(attempt(1, 10, 10)).await;
    settled.read_chain(12, &[event(12, EventKind::Settled, 10)]).await;
    settled.read_chain(13, &[]).await;
    assert_eq!(settled.store.close(channel(), tokens(10)).await.unwrap(), Closing::Settled);

    assert_eq!(ledger.store.close(channel(), tokens(10)).await.unwrap(), Closing::Marked);
}
