use uraiden_core::channel::ChannelState;
use uraiden_core::wire::Answer;

use crate::fixture::{Ledger, attempt, channel, open, tokens};

#[tokio::test]
async fn taking_back_the_topmost_payment_restores_balance_and_proof() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    let restored = Answer::TakenBack { channel: open(100, 10) };
    assert_eq!(ledger.take_back(attempt(2, 10, 20)).await, restored);
    assert_eq!(ledger.take_back(attempt(2, 10, 20)).await, restored, "the same take-back twice is one");
    assert_eq!(ledger.commit(attempt(2, 10, 20)).await, restored, "it does not count ever again");
    assert_eq!(
        ledger.commit(attempt(3, 10, 20)).await,
        Answer::Accepted { channel: open(100, 20) },
        "the same proof is good again"
    );
}

#[tokio::test]
async fn taking_back_the_first_payment_leaves_none() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, Answer::TakenBack { channel: open(100, 0) });
}

#[tokio::test]
async fn a_payment_that_another_stands_on_is_final() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, Answer::Final { channel: open(100, 20) });
    // And stays so when the other one is gone.
    ledger.take_back(attempt(2, 10, 20)).await;
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, Answer::Final { channel: open(100, 10) });
}

#[tokio::test]
async fn a_take_back_before_its_commit_cancels_it() {
    let ledger = Ledger::with_deposit(100).await;
    let cancelled = Answer::TakenBack { channel: open(100, 0) };
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, cancelled);
    assert_eq!(ledger.commit(attempt(1, 10, 10)).await, cancelled);
    assert_eq!(ledger.commit(attempt(2, 10, 10)).await, Answer::Accepted { channel: open(100, 10) });
}

#[tokio::test]
async fn a_payment_that_a_closing_agreement_names_is_final() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.store.close(channel(), tokens(10)).await.unwrap();
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, Answer::Final { channel: ChannelState::Closed });
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!(row.balance, tokens(10));
}
