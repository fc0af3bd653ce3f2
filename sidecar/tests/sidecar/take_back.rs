use uraiden_core::channel::ChannelState;
use uraiden_core::wire::Answer;

use crate::fixture::{Ledger, attempt, channel, open, tokens, with_credit};

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
async fn a_payment_that_another_stands_on_becomes_a_credit_once() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    let credited = Answer::Credited { channel: with_credit(100, 20, 10) };
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, credited);
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, credited, "the same take-back twice is one");
    assert_eq!(ledger.commit(attempt(1, 10, 10)).await, credited, "a late copy of its commit is not served");
    // And stays so when the other one is gone.
    ledger.take_back(attempt(2, 10, 20)).await;
    let credited = Answer::Credited { channel: with_credit(100, 10, 10) };
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, credited);
}

#[tokio::test]
async fn a_credit_is_used_up_by_replays_of_the_latest_proof() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    ledger.take_back(attempt(1, 10, 10)).await;

    let refused = Answer::Refused { channel: with_credit(100, 20, 10) };
    assert_eq!(ledger.commit(attempt(3, 11, 20)).await, refused, "it is too small for this price");
    assert_eq!(ledger.commit(attempt(4, 10, 10)).await, refused, "an older proof uses nothing");
    let spent = Answer::Accepted { channel: with_credit(100, 20, 4) };
    assert_eq!(ledger.commit(attempt(5, 6, 20)).await, spent);
    assert_eq!(ledger.commit(attempt(5, 6, 20)).await, spent, "the same commit twice is one");
    let restored = Answer::TakenBack { channel: with_credit(100, 20, 10) };
    assert_eq!(ledger.take_back(attempt(5, 6, 20)).await, restored, "its resource failed too");
    assert_eq!(ledger.take_back(attempt(5, 6, 20)).await, restored);
    assert_eq!(ledger.commit(attempt(6, 10, 20)).await, Answer::Accepted { channel: open(100, 20) });
    assert_eq!(ledger.commit(attempt(7, 10, 20)).await, Answer::Refused { channel: open(100, 20) });
    assert_eq!(ledger.commit(attempt(8, 10, 30)).await, Answer::Accepted { channel: open(100, 30) });
}

#[tokio::test]
async fn so_many_payments_in_a_row_are_taken_back_and_then_one_stays() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    for id in 2..=4 {
        ledger.commit(attempt(id, 10, 20)).await;
        assert_eq!(
            ledger.take_back(attempt(id, 10, 20)).await,
            Answer::TakenBack { channel: open(100, 10) },
            "{id}"
        );
    }
    ledger.commit(attempt(5, 10, 20)).await;
    let kept = Answer::Final { channel: open(100, 20) };
    assert_eq!(ledger.take_back(attempt(5, 10, 20)).await, kept, "three were taken back in a row");
    assert_eq!(ledger.commit(attempt(5, 10, 20)).await, Answer::Accepted { channel: open(100, 20) });
    // A payment that another stands on was not taken back, so the count begins anew.
    ledger.commit(attempt(6, 10, 30)).await;
    assert_eq!(ledger.take_back(attempt(6, 10, 30)).await, Answer::TakenBack { channel: open(100, 20) });
    assert_eq!(ledger.take_back(attempt(5, 10, 20)).await, kept, "what was said once is said again");
}

#[tokio::test]
async fn a_credit_is_given_back_so_many_times_in_a_row_too() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    ledger.take_back(attempt(1, 10, 10)).await;
    for id in 3..=5 {
        ledger.commit(attempt(id, 10, 20)).await;
        let restored = Answer::TakenBack { channel: with_credit(100, 20, 10) };
        assert_eq!(ledger.take_back(attempt(id, 10, 20)).await, restored, "{id}");
    }
    ledger.commit(attempt(6, 10, 20)).await;
    assert_eq!(ledger.take_back(attempt(6, 10, 20)).await, Answer::Final { channel: open(100, 20) });
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
    let credited = Answer::Credited { channel: ChannelState::Closed };
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, credited);
    let row = ledger.store.channel(channel()).await.unwrap().unwrap();
    assert_eq!((row.balance, row.credit), (tokens(10), tokens(10)), "listed, and part of what is claimed");
    let refused = Answer::Refused { channel: ChannelState::Closed };
    assert_eq!(ledger.commit(attempt(2, 10, 10)).await, refused, "a closing channel serves nothing");
}
