//! Who may write as a leader.

use uraiden_sidecar::store::{
    Advance, BindError, Epoch, EventKind, Lease, LeaseLost, Missed, Store, StoreError, Transaction,
};

use crate::fixture::{Ledger, attempt, binding, channel, event, tokens};

/// A step of a leader's was refused.
fn refused<T: core::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::LeaseLost(LeaseLost))), "{result:?}");
}

async fn lease(ledger: &Ledger) -> Lease {
    ledger.store.lease().await.unwrap()
}

/// Everything that the channel, its intents and the position say.
async fn state(store: &Store) -> String {
    let row = store.channel(channel()).await.unwrap();
    let intents = store.intents_of(channel()).await.unwrap();
    let position = store.position().await.unwrap();
    format!("{row:?} {intents:?} {position:?}")
}

#[tokio::test]
async fn of_two_who_find_the_lease_free_one_takes_it() {
    let ledger = Ledger::new().await;
    let seen = lease(&ledger).await;
    let first = ledger.store.take_lease("first", &seen).await.unwrap().unwrap();
    assert_eq!(ledger.store.take_lease("second", &seen).await.unwrap(), None);
    assert_eq!(first.number(), ledger.epoch.number() + 1);
    let now = lease(&ledger).await;
    assert_eq!((now.epoch, now.holder.as_deref()), (first, Some("first")));
}

#[tokio::test]
async fn a_lease_that_moves_is_not_taken() {
    let ledger = Ledger::new().await;
    let epoch = ledger.epoch;
    // Whatever a leader writes shows that it is there.
    for written in 0..3 {
        let seen = lease(&ledger).await;
        match written {
            0 => ledger.store.renew_lease(epoch, || "ready".to_owned()).await.unwrap(),
            1 => ledger.read_chain(7, &[]).await,
            _ => ledger.store.give_lease_back(epoch).await.unwrap(),
        }
        assert_eq!(ledger.store.take_lease("other", &seen).await.unwrap(), None, "{written}");
    }
    let seen = lease(&ledger).await;
    assert_eq!(seen.holder, None, "it was given back");
    assert!(ledger.store.take_lease("other", &seen).await.unwrap().is_some());
}

#[tokio::test]
async fn a_word_is_its_speakers_alone() {
    let ledger = Ledger::new().await;
    ledger.store.renew_lease(ledger.epoch, || "ready".to_owned()).await.unwrap();
    let said = lease(&ledger).await;
    assert_eq!(said.word, Some((said.beat, "ready".to_owned())));
    // What else its speaker writes does not make it newer.
    ledger.read_chain(7, &[]).await;
    let after = lease(&ledger).await;
    assert_eq!((after.word, after.beat), (said.word, said.beat + 1));
    ledger.store.seize_lease("other").await.unwrap();
    assert_eq!(lease(&ledger).await.word, None);
}

#[tokio::test]
async fn nothing_that_a_former_leader_writes_changes_anything() {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    ledger.commit(attempt(2, 10, 20)).await;
    ledger.read_chain(12, &[event(12, EventKind::CloseRequested, 0)]).await;
    ledger.read_chain(13, &[]).await;
    let (store, old) = (&ledger.store, ledger.epoch);
    store.claim_closing(old, channel(), |_, _| true).await.unwrap();
    let [intent] = store.intents(0).await.unwrap().try_into().unwrap();
    store.assign_nonce(old, intent.id, 5).await.unwrap();
    let transaction =
        Transaction { hash: [1; 32], nonce: 5, max_fee: 30, priority_fee: 2, raw: vec![1], head: 13 };

    let new = store.seize_lease("other").await.unwrap();
    let (before, lease_before) = (state(store).await, lease(&ledger).await);
    refused(store.renew_lease(old, String::new).await);
    refused(store.give_lease_back(old).await);
    refused(store.advance(old, Advance { from: 14, next: 15, ..Advance::default() }).await);
    let row = store.channel(channel()).await.unwrap().unwrap();
    let missed = Missed { kind: EventKind::ToppedUp, block: 12, amount: tokens(1) };
    refused(store.note_missed(old, row, 12, vec![missed]).await);
    refused(store.claim_closing(old, channel(), |_, _| true).await);
    refused(store.withdraw_due(old, channel()).await);
    refused(store.finish_withdrawal(old, intent.id).await);
    refused(store.assign_nonce(old, intent.id, 6).await);
    refused(store.release_nonce(old, intent.id, 5).await);
    refused(store.keep_transaction(old, intent.id, transaction.clone()).await);
    assert_eq!((state(store).await, lease(&ledger).await), (before, lease_before));

    assert!(store.keep_transaction(new, intent.id, transaction).await.unwrap());
}

/// A server that takes another one's place and has not everything counts some epochs again.
#[tokio::test]
async fn an_epoch_that_comes_twice_is_two() {
    let ledger = Ledger::new().await;
    let lost = ledger.epoch;
    ledger.tamper("UPDATE lease SET epoch = epoch - 1").await;
    let again = ledger.store.seize_lease("other").await.unwrap();
    assert_eq!(again.number(), lost.number());
    refused(ledger.store.renew_lease(lost, String::new).await);
    ledger.store.renew_lease(again, String::new).await.unwrap();
}

#[tokio::test]
async fn a_former_leader_neither_binds_a_ledger_nor_ends_a_restore() {
    let folder = tempfile::TempDir::new().unwrap();
    let unbound = Ledger::in_folder(folder, 1).await;
    unbound.store.seize_lease("other").await.unwrap();
    let bound = unbound.store.bind(unbound.epoch, binding()).await;
    assert!(matches!(bound, Err(BindError::Store(StoreError::LeaseLost(_)))), "{bound:?}");
    unbound.store.refresh().await.unwrap();
    assert!(unbound.store.bound().is_none());

    let restored = Ledger::with_deposit(100).await.restored().await;
    let new = restored.store.seize_lease("other").await.unwrap();
    refused(restored.store.reach_head(restored.epoch, 20).await);
    restored.store.reach_head(new, 20).await.unwrap();
    // Not asked any more, since the head was reached.
    restored.store.reach_head(restored.epoch, 20).await.unwrap();
}

#[tokio::test]
async fn an_operator_orders_whoever_leads() {
    use uraiden_sidecar::store::Mode;

    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 10, 10)).await;
    let leader: Epoch = ledger.store.seize_lease("other").await.unwrap();
    ledger.store.order_closing(channel(), Mode::Order).await.unwrap().unwrap();
    let [intent] = ledger.store.intents(0).await.unwrap().try_into().unwrap();
    assert_eq!(ledger.store.assign_nonce(leader, intent.id, 0).await.unwrap(), Some(0));
}
