use std::time::{SystemTime, UNIX_EPOCH};

use uraiden_core::channel::{ChannelState, OpenChannel};
use uraiden_core::wire::{Answer, Attempt, ChannelKey, Entry};
use uraiden_core::{Address, BlockNumber};
use uraiden_sidecar::store::{Commits, EventKind};

use crate::fixture::{
    Ledger, OPEN_BLOCK, attempt, channel, event, open, open_channel, proof_by, signer, tokens,
};

#[tokio::test]
async fn a_payment_of_exactly_the_price_is_accepted_once() {
    let ledger = Ledger::with_deposit(100).await;
    let accepted = Answer::Accepted { channel: open(100, 10) };
    assert_eq!(ledger.commit(attempt(1, 10, 10)).await, accepted);
    // The same message again is the same payment.
    assert_eq!(ledger.commit(attempt(1, 10, 10)).await, accepted);
    // The same proof for another request is a replay.
    assert_eq!(ledger.commit(attempt(2, 10, 10)).await, Answer::Refused { channel: open(100, 10) });
    assert_eq!(ledger.state().await, open(100, 10));
}

#[tokio::test]
async fn whatever_is_not_exactly_right_is_refused_and_changes_nothing() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 85, 85)).await;
    let right = attempt(2, 10, 95);
    for (why, wrong) in [
        ("one unit short", attempt(3, 10, 94)),
        ("one unit over", attempt(4, 10, 96)),
        ("our own balance back", attempt(5, 10, 85)),
        ("less than we hold", attempt(6, 10, 75)),
        ("one unit beyond the deposit", attempt(7, 16, 101)),
        ("no price", attempt(8, 0, 85)),
        ("another signer", Attempt { signature: proof_by(&signer(0xab), 95), ..attempt(9, 10, 95) }),
        ("a proof of another balance", Attempt { balance: tokens(95), ..attempt(10, 10, 96) }),
    ] {
        assert_eq!(ledger.commit(wrong).await, Answer::Refused { channel: open(100, 85) }, "{why}");
    }
    assert_eq!(ledger.commit(right).await, Answer::Accepted { channel: open(100, 95) });
    let last = attempt(11, 5, 100);
    assert_eq!(ledger.commit(last).await, Answer::Accepted { channel: open(100, 100) });
}

#[tokio::test]
async fn a_channel_that_is_not_open_takes_no_payment() {
    let ledger = Ledger::new().await;
    let pay = attempt(1, 10, 10);
    assert_eq!(ledger.commit(pay).await, Answer::Refused { channel: ChannelState::Absent });

    ledger.read_chain(10, &[event(10, EventKind::Opened, 100)]).await;
    let unconfirmed = ChannelState::Unconfirmed { missing: 1 };
    assert_eq!(ledger.commit(pay).await, Answer::Refused { channel: unconfirmed });

    ledger.read_chain(11, &[event(11, EventKind::CloseRequested, 0)]).await;
    assert_eq!(ledger.state().await, open(100, 0));
    ledger.read_chain(12, &[]).await;
    assert_eq!(ledger.commit(pay).await, Answer::Refused { channel: ChannelState::Closed });

    let stranger = ChannelKey { sender: Address([9; 20]), open_block: BlockNumber(10) };
    let other = Attempt { channel: stranger, ..pay };
    assert_eq!(ledger.commit(other).await, Answer::Refused { channel: ChannelState::Absent });
}

#[tokio::test]
async fn an_attempt_id_with_other_contents_is_a_conflict() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let other_channel =
        Attempt { channel: ChannelKey { open_block: BlockNumber(11), ..channel() }, ..attempt(1, 10, 10) };
    for other in [attempt(1, 10, 20), attempt(1, 11, 10), other_channel] {
        assert_eq!(ledger.commit(other).await, Answer::Conflict);
        assert_eq!(ledger.take_back(other).await, Answer::Conflict);
    }
    assert_eq!(ledger.state().await, open(100, 10));
}

#[tokio::test]
async fn the_entries_of_a_batch_are_decided_one_after_the_other() {
    let ledger = Ledger::with_deposit(100).await;
    let answers = ledger
        .ask_all(vec![
            Entry::Lookup(channel()),
            Entry::Commit(attempt(1, 10, 10)),
            Entry::Commit(attempt(1, 10, 10)),
            Entry::Commit(attempt(2, 10, 10)),
            Entry::Commit(attempt(3, 10, 20)),
            Entry::TakeBack(attempt(3, 10, 20)),
            Entry::Lookup(channel()),
        ])
        .await;
    assert_eq!(
        answers,
        [
            Answer::Channel { channel: open(100, 0) },
            Answer::Accepted { channel: open(100, 10) },
            Answer::Accepted { channel: open(100, 10) },
            Answer::Refused { channel: open(100, 10) },
            Answer::Accepted { channel: open(100, 20) },
            Answer::TakenBack { channel: open(100, 10) },
            Answer::Channel { channel: open(100, 10) },
        ]
    );
}

#[tokio::test]
async fn of_many_requests_with_one_proof_exactly_one_is_paid() {
    let ledger = Ledger::with_deposit(100).await;
    let racers: Vec<_> = (1..=64)
        .map(|id| {
            let store = ledger.store.clone();
            let entry = Entry::Commit(attempt(id, 10, 10));
            tokio::spawn(async move {
                store.batch(vec![entry], Commits::Judge { until: u64::MAX }).await.unwrap()
            })
        })
        .collect();
    let mut accepted = 0;
    for racer in racers {
        match &racer.await.unwrap()[..] {
            [Answer::Accepted { .. }] => accepted += 1,
            [Answer::Refused { channel }] => assert_eq!(*channel, open(100, 10)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn what_was_accepted_is_still_so_after_a_restart() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.take_back(attempt(2, 10, 20)).await;
    let ledger = ledger.restart().await;
    assert_eq!(ledger.state().await, open(100, 10));
    assert_eq!(ledger.commit(attempt(1, 10, 10)).await, Answer::Accepted { channel: open(100, 10) });
    assert_eq!(ledger.commit(attempt(2, 10, 20)).await, Answer::TakenBack { channel: open(100, 10) });
    assert_eq!(ledger.take_back(attempt(1, 10, 10)).await, Answer::TakenBack { channel: open(100, 0) });
}

#[tokio::test]
async fn a_commit_that_is_judged_too_late_is_refused() {
    let ledger = Ledger::with_deposit(100).await;
    let judge = |until| {
        let store = ledger.store.clone();
        let entry = Entry::Commit(attempt(1, 10, 10));
        async move { store.batch(vec![entry], Commits::Judge { until }).await.unwrap().remove(0) }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let now = u64::try_from(now).unwrap();
    assert_eq!(judge(now - 1).await, Answer::Refused { channel: open(100, 0) });
    assert_eq!(judge(now + 60_000).await, Answer::Accepted { channel: open(100, 10) });
    assert_eq!(judge(now - 1).await, Answer::Accepted { channel: open(100, 10) }, "it was accepted in time");
}

#[tokio::test]
async fn no_more_is_lent_than_the_exposure_limit() {
    let ledger = Ledger::lending(100, 25).await;
    let held = |balance| {
        let limits = OpenChannel { ceiling: Some(tokens(25)), ..open_channel(100, balance) };
        ChannelState::Open(limits)
    };
    ledger.commit(attempt(1, 10, 10)).await;
    assert_eq!(ledger.commit(attempt(2, 10, 20)).await, Answer::Accepted { channel: held(20) });
    assert_eq!(ledger.commit(attempt(3, 10, 30)).await, Answer::Refused { channel: held(20) });
    assert_eq!(ledger.commit(attempt(4, 5, 25)).await, Answer::Accepted { channel: held(25) });

    ledger.read_chain(OPEN_BLOCK + 2, &[event(OPEN_BLOCK + 2, EventKind::Withdrawn, 25)]).await;
    ledger.read_chain(OPEN_BLOCK + 3, &[]).await;
    let lent = OpenChannel { ceiling: Some(tokens(50)), ..open_channel(100, 35) };
    assert_eq!(
        ledger.commit(attempt(5, 10, 35)).await,
        Answer::Accepted { channel: ChannelState::Open(lent) },
        "what was withdrawn is owed no longer"
    );
}

#[tokio::test]
async fn while_not_ready_no_new_payment_is_accepted_and_old_ones_are_known() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let refusing = |entry| {
        let store = ledger.store.clone();
        async move { store.batch(vec![entry], Commits::Refuse).await.unwrap().remove(0) }
    };
    assert_eq!(refusing(Entry::Commit(attempt(2, 10, 20))).await, Answer::Refused { channel: open(100, 10) });
    assert_eq!(
        refusing(Entry::Commit(attempt(1, 10, 10))).await,
        Answer::Accepted { channel: open(100, 10) }
    );
    assert_eq!(
        refusing(Entry::TakeBack(attempt(1, 10, 10))).await,
        Answer::TakenBack { channel: open(100, 0) }
    );
}
