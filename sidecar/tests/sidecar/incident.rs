use uraiden_sidecar::store::EventKind;

use crate::fixture::{Ledger, OPEN_BLOCK, attempt, channel, event};

/// A channel that has paid 60, at block 14 with one confirmation.
async fn ledger() -> Ledger {
    let ledger = Ledger::with_deposit(100).await;
    ledger.commit(attempt(1, 60, 60)).await;
    for head in 12..=14 {
        ledger.read_chain(head, &[]).await;
    }
    ledger
}

#[tokio::test]
async fn replacing_blocks_that_are_not_believed_is_no_incident() {
    let ledger = ledger().await;
    ledger.read_again_from(14, 15, &[]).await;
    assert_eq!(ledger.store.incident().await.unwrap(), None);
}

#[tokio::test]
async fn replacing_believed_blocks_is_an_incident_until_the_new_ones_are_believed() {
    let ledger = ledger().await;
    ledger.read_again_from(13, 13, &[]).await;
    assert_eq!(ledger.store.incident().await.unwrap(), None, "not told that blocks were replaced");
    ledger.read_chain(14, &[]).await;

    ledger.replace_from(13, 13, &[]).await;
    let incident = ledger.store.incident().await.unwrap().unwrap();
    assert_eq!((incident.first_block, incident.believed_below, incident.believed_again), (13, 14, false));
    assert!(incident.to_string().contains("blocks 13 to 13"), "{incident}");

    let ledger = ledger.restart().await;
    assert!(ledger.store.incident().await.unwrap().is_some(), "a restart does not forget it");
    ledger.read_chain(14, &[]).await;
    assert_eq!(ledger.store.incident().await.unwrap(), None);
}

#[tokio::test]
async fn a_second_reorganisation_widens_the_incident() {
    let ledger = ledger().await;
    ledger.replace_from(13, 13, &[]).await;
    ledger.replace_from(11, 11, &[]).await;
    let incident = ledger.store.incident().await.unwrap().unwrap();
    assert_eq!((incident.first_block, incident.believed_below), (11, 14));
}

#[tokio::test]
async fn deposit_that_was_spent_and_is_gone_keeps_the_incident_open_until_it_is_back() {
    let ledger = ledger().await;
    ledger.replace_from(OPEN_BLOCK, 15, &[event(OPEN_BLOCK, EventKind::Opened, 59)]).await;
    let incident = ledger.store.incident().await.unwrap().unwrap();
    assert_eq!((incident.believed_again, &incident.overspent[..]), (true, &[channel()][..]));
    assert!(incident.to_string().contains("`uraiden resume`"), "{incident}");

    ledger.replace_from(OPEN_BLOCK, 16, &[event(OPEN_BLOCK, EventKind::Opened, 60)]).await;
    assert_eq!(ledger.store.incident().await.unwrap(), None);
}

#[tokio::test]
async fn an_operator_ends_an_incident() {
    let ledger = ledger().await;
    ledger.replace_from(OPEN_BLOCK, 15, &[]).await;
    let incident = ledger.store.incident().await.unwrap();
    assert_eq!(ledger.store.resume().await.unwrap(), incident);
    assert_eq!(ledger.store.incident().await.unwrap(), None);
    assert_eq!(ledger.store.resume().await.unwrap(), None);
    ledger.read_chain(16, &[]).await;
    assert_eq!(ledger.store.incident().await.unwrap(), None);
}
